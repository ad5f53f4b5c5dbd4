"""Benchmarks: CPU time as ratios to yardsticks that do less, or the same by other means.

``python -m benchmarks`` runs them; ``README.md`` in this folder says what is measured.
"""
