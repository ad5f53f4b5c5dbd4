"""Metrics: what a run gives as figures; one theme a file, found by dropping it in."""
