"""CSV: decisions as a plain table."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.export.forms.form import Exporting, Form, form
from simulator.export.sheets import as_csv

COLUMNS = ("time_s", "time", "cycle", "province", "region", "prefix", "exit", "next_hop", "percent")


@form("csv")
class Table(Form):
    """CSV: a row for each instant, province, prefix and exit.

    Of a day rows of a province and a prefix hold until there are others of them. One without an
    exit, at 0 per cent, says that static routes are followed again.
    """

    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return the table."""
        return {"decisions.csv": as_csv(COLUMNS, _rows(exporting))}


def _rows(exporting: Exporting) -> Iterator[tuple[object, ...]]:
    hops = exporting.plan.next_hops
    for step in exporting.steps:
        at = f"{step.time_s:.3f}", step.clock, step.cycle
        for change in step.changes:
            for prefix in exporting.targets(change):
                key = *at, change.source, change.target, prefix
                for name in sorted(change.after):
                    yield *key, name, hops[name], change.after[name]
                if not change.after:
                    yield *key, "", "", 0
