"""Predictors: traffic while routes are in force, from measurements; one file each."""
