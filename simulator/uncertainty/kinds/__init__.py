"""Kinds of assumption: what of a network or its traffic is not known, one a file."""
