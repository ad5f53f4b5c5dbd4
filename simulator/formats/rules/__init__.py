"""What a topology must obey, and how third-party files are repaired until they do."""
