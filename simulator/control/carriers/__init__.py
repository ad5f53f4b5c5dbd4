"""Ways in which routers carry a decision, one a file."""
