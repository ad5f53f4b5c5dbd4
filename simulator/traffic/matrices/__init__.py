"""Matrices: base demands of a network, one a file."""
