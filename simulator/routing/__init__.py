"""(Network, Demands) -> Routes: one scheme a file, found by name through the registry."""
