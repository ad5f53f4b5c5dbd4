"""file -> Network, Demands, and back: one format a file, found by what it can read."""
