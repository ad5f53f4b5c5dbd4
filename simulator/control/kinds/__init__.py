"""Kinds of control: when routes are made and on what information, one a file."""
