"""Maps: networks drawn on the land of the world."""
