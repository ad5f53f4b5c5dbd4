"""Kinds of faults: what rides on a target that fails, one kind a file."""
