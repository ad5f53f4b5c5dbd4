"""Shapes: factors that multiply demands over time, one a file."""
