"""Results on disk: the folder, its tables, the figures and their statistics."""
