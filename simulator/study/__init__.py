"""Asking questions of runs."""
