"""CSV tables of nodes and links."""
