"""The stage: all that changes as time passes."""
