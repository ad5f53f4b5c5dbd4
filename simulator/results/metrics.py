"""Metrics: the catalogue of every figure that a run gives, with unit, scopes and direction.

The computations are in ``simulator/recording/metrics``; adding a metric is adding a file there::

    @metric(
        "exit_utilisation_p50",
        unit="1",
        scopes=("all", "exits", "exit"),
        better="lower",
        sentence="Utilisation that is not exceeded for half of the time.",
    )
    def exit_utilisation_p50(totals: Totals) -> Scoped:
        for scope, exit in totals.exits.items():
            yield scope, weighted_quantiles(exit.utilisation, exit.seconds, [0.5])[0]

A figure that replications do not spread evenly to both sides says so with ``spread``, which decides
whether a few of them give it an interval.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from simulator.base.errors import SimulatorError, unknown_name
from simulator.base.registry import import_modules

ORDER = (
    "exits",
    "balance",
    "links",
    "traffic",
    "headroom",
    "recovery",
    "inbound",
    "control",
    "carried",
    "regret",
    "transit",
)
"""Files of metrics in the order of their rows; files that are not listed follow by name."""

Scope = Literal["all", "exits", "exit", "link class", "class", "region", "service"]
Better = Literal["lower", "higher", "neither"]
Spread = Literal["plain", "skewed", "rare"]
"""How a figure differs between replications, which decides its interval; see ``intervals``."""
Scoped = Iterator[tuple[str, float]]
"""What the function of a metric yields: scopes, each with its value."""
Figures = list[tuple[str, str, str, float]]
"""Rows of metric, scope, unit and value."""
Compute = Callable[[Any], Iterable[tuple[str, float]]]
"""Takes :class:`simulator.recording.tally.Totals`."""


@dataclass(frozen=True)
class Metric:
    """A figure that a run gives.

    Attributes
    ----------
    unit : str
        ``1`` for a plain number or a share.
    scopes : tuple of str
        Kinds of scope that it has; a scope of a kind may be left out where it makes no sense.
    better : {"lower", "higher", "neither"}
    sentence : str
        What it is.
    compute : callable
        Takes the totals of a strategy and yields ``(scope, value)``.
    spread : {"plain", "skewed", "rare"}
        How it differs between replications: evenly to both sides (``plain``), far more to one side
        or in jumps between few values (``skewed``), or zero in many replications and large in some
        (``rare``).
    signed : bool
        Whether it can be below zero; the interval of one that cannot never is.
    """

    name: str
    unit: str
    scopes: tuple[Scope, ...]
    better: Better
    sentence: str
    compute: Compute
    spread: Spread = "plain"
    signed: bool = False

    @property
    def file(self) -> str:
        """Name of the file that declares it."""
        return self.compute.__module__.rpartition(".")[2]


class Metrics:
    """The metrics of one package, found by importing its modules.

    Parameters
    ----------
    package : str
        Every module in it is imported when the metrics are first needed.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._declared: dict[str, Metric] = {}
        self._discovered = False

    def __call__(
        self,
        name: str,
        *,
        unit: str,
        scopes: tuple[Scope, ...],
        better: Better,
        sentence: str,
        spread: Spread = "plain",
        signed: bool = False,
    ) -> Callable[[Compute], Compute]:
        """Return a decorator that declares the metric which a function computes."""

        def enter(compute: Compute) -> Compute:
            taken = self._declared.get(name)
            if taken is not None and compute.__module__ != "__main__":  # a cell can run again
                modules = f"{taken.compute.__module__} and {compute.__module__}"
                raise ValueError(f"two metrics are named {name!r}: in {modules}")
            self._declared[name] = Metric(
                name, unit, scopes, better, sentence, compute, spread, signed
            )
            return compute

        return enter

    def __getitem__(self, name: str) -> Metric:
        known = self._all()
        if name not in known:
            raise unknown_name(f"no metric {name!r} is declared", name, known)
        return known[name]

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._all().values())

    def names(self) -> list[str]:
        """Return the names of all metrics, in the order of their rows."""
        return list(self._all())

    def describe(self) -> list[tuple[str, str]]:
        """Return each name with its sentence."""
        return [(each.name, each.sentence) for each in self]

    def figures(self, totals: Any) -> Figures:
        """Compute every metric.

        Parameters
        ----------
        totals : simulator.recording.tally.Totals
            What one strategy of one replication adds up to.

        Returns
        -------
        list of (metric, scope, unit, value)
            File by file, within a file by scope, and for each scope in order of declaration.
        """
        rows: Figures = []
        for _, each in itertools.groupby(self, key=lambda metric: metric.file):
            values = [(metric, dict(metric.compute(totals))) for metric in each]
            for scope in dict.fromkeys(scope for _, by_scope in values for scope in by_scope):
                rows += [
                    (metric.name, scope, metric.unit, float(by_scope[scope]))
                    for metric, by_scope in values
                    if scope in by_scope
                ]
        return rows

    def check(self, metrics: Iterable[tuple[str, str]]) -> None:
        """Refuse pairs of metric and unit that are not declared.

        Raises
        ------
        SimulatorError
            Names the metric.
        """
        for name, unit in metrics:
            if self[name].unit != unit:
                raise SimulatorError(
                    f"metric {name!r} is declared in {self[name].unit!r}, not in {unit!r}"
                )

    def _all(self) -> dict[str, Metric]:
        if not self._discovered:
            import_modules(self._package)
            self._discovered = True
            place = {file: i for i, file in enumerate(ORDER)}
            order = sorted(
                self._declared.values(), key=lambda m: (place.get(m.file, len(place)), m.file)
            )
            self._declared = {each.name: each for each in order}
        return self._declared


metric = Metrics("simulator.recording.metrics")
