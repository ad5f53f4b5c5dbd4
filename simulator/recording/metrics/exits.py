"""Exits: how full the international exits are, and for how long."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scope, Scoped, metric
from simulator.results.statistics import weighted_quantiles

ABOVE = (70, 80, 90, 100)
"""Levels in per cent whose hours are counted."""
_SCOPES: tuple[Scope, ...] = ("all", "exits", "exit")


@metric(
    "exit_utilisation_peak",
    unit="1",
    scopes=_SCOPES,
    better="lower",
    sentence="Highest utilisation; ``all``, ``exits``: of any exit.",
)
def exit_utilisation_peak(totals: Totals) -> Scoped:
    """Yield the highest utilisation of every exit."""
    for scope, each in totals.exits.items():
        yield scope, each.utilisation.max(initial=0.0)


@metric(
    "exit_utilisation_p95",
    unit="1",
    scopes=_SCOPES,
    better="lower",
    sentence="Utilisation not exceeded for 95 % of the time; ``all``, ``exits``: by the hottest"
    " exit of every instant.",
)
def exit_utilisation_p95(totals: Totals) -> Scoped:
    """Yield the 95th percentile over time of every exit's utilisation."""
    for scope, each in totals.exits.items():
        yield scope, weighted_quantiles(each.utilisation, each.seconds, [0.95])[0]


@metric(
    "exit_utilisation_mean",
    unit="1",
    scopes=_SCOPES,
    better="neither",
    sentence="Mean over time; ``all``, ``exits``: volume offered to all of them over the volume"
    " that would fit.",
)
def exit_utilisation_mean(totals: Totals) -> Scoped:
    """Yield the mean utilisation of every exit."""
    for scope, each in totals.exits.items():
        yield scope, each.mean


def _hours_above(level: int) -> None:
    """Declare the hours above a level."""
    whose = "; ``all``, ``exits``: of the hottest exit"

    @metric(
        f"hours_above_{level}",
        unit="h",
        scopes=_SCOPES,
        better="lower",
        sentence=f"Hours above {'capacity' if level == 100 else f'{level} %'}{whose}.",
        spread="rare",
    )
    def hours(totals: Totals) -> Scoped:
        for scope, each in totals.exits.items():
            # A controller fills an exit to its cap and a solver's tolerance: not above it.
            above = each.utilisation > level / 100 * (1 + 1e-6)
            yield scope, float(each.seconds[above].sum()) / 3600


for _level in ABOVE:
    _hours_above(_level)
