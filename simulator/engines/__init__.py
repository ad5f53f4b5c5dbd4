"""A case over time -> figures and tables: one engine a file."""
