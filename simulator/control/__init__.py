"""The control loop of a strategy: measure, predict, decide, install."""
