"""Tables: every table that results and studies have, by its name."""

from __future__ import annotations

from simulator.results import run_tables  # first: lists show tables in this order

# isort: split
from simulator.results import study_tables

# isort: split
from simulator.results import failure_tables

# isort: split
from simulator.results import plan_tables

# isort: split
from simulator.results import verify_tables
from simulator.results.table import FIRST, TABLES, Column, Table, declared, describe, table

__all__ = [
    "FIRST",
    "TABLES",
    "Column",
    "Table",
    "declared",
    "describe",
    "failure_tables",
    "plan_tables",
    "run_tables",
    "study_tables",
    "table",
    "verify_tables",
]
