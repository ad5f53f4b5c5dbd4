"""Files that come with the package: the land on maps."""
