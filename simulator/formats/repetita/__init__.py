"""REPETITA: graphs and their demands."""
