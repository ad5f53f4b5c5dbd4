"""Regret: what a strategy costs above the clairvoyant bound."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric

_ROUNDING = 1e-9


@metric(
    "regret",
    unit="ms",
    scopes=("all",),
    better="lower",
    sentence="Cost above the clairvoyant bound per volume offered; only with such a strategy.",
    spread="skewed",
)
def regret(totals: Totals) -> Scoped:
    """Yield the regret, if the scenario has a bound."""
    if totals.best_gbit_ms is not None:
        offered = totals.traffic["all"].offered_gbit
        above = totals.cost_gbit_ms - totals.best_gbit_ms
        if abs(above) <= _ROUNDING * abs(totals.best_gbit_ms):
            above = 0.0  # the bound is found to the tolerance of a solver
        yield "all", above / offered if offered > 0 else 0.0
