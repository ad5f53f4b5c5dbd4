"""Paths under the rules of the network: shortest ones, candidates, two-leg ones by an exit."""
