"""Uncertainty: what is not known of a network and its traffic, and worlds drawn from it."""
