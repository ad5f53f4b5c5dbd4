"""Explore: a live page on this machine that answers what-if questions as they are asked."""
