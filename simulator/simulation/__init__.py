"""Simulation: the clock, and all that changes as time passes."""
