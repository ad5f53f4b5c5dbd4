"""Prediction: what traffic will be while routes are in force; one file a way."""
