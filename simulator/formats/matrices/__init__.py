"""Demand files: lists, tables and series of traffic matrices."""
