"""(Network, time) -> Demands: base matrices, and shapes that multiply them over time."""
