"""Laws: how likely each value of what is not known is, one a file."""
