"""Decisions as configuration of routers: addresses, prefixes, and a form a file."""
