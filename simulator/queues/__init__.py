"""Queueing delay of a link by its utilisation: one model a file."""
