"""Carried: what becomes of decisions that routers cannot carry; only with ``carried_by``."""

from __future__ import annotations

import numpy as np

from simulator.recording.tally import Totals
from simulator.results.metrics import Better, Scoped, metric


def _declare(name: str, unit: str, better: Better, sentence: str, *, signed: bool = False) -> None:
    """Declare a metric that is the mean of a column of the log of decisions."""

    @metric(
        name,
        unit=unit,
        scopes=("all",),
        better=better,
        sentence=f"{sentence}; mean over decisions, only with ``carried_by``.",
        signed=signed,
    )
    def compute(totals: Totals) -> Scoped:
        values = totals.decisions[name]
        known = values[np.isfinite(values)]
        if len(known):
            yield "all", float(known.mean())


_declare(
    "asked_elsewhere_gbps",
    "Gbps",
    "neither",
    "Traffic that decisions send by other exits than static routes do",
)
_declare(
    "not_carried_gbps",
    "Gbps",
    "lower",
    "Traffic that takes other exits than decisions ask for",
)
_declare(
    "carried_latency_ms",
    "ms",
    "lower",
    "Mean propagation of steered traffic as carried, less that as decided",
    signed=True,
)
_declare(
    "carried_utilisation",
    "1",
    "lower",
    "Utilisation of the fullest exit as carried, less that as decided, by the forecast",
    signed=True,
)
