"""Verbs for the shell."""
