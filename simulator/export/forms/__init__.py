"""What an export may be written as, one form a file."""
