"""Results -> pictures: one question, one figure."""
