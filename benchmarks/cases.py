"""What the benchmarks work on: a built-in network, its busy hour and a day of traffic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.routing.route import route
from simulator.scenario.load import load
from simulator.scenario.scenario import Scenario

SHAPES = [
    {"kind": "diurnal", "peak_hour": 21, "trough": 0.35},
    {"kind": "noise", "sigma": 0.08},
]
STATIC = {"static": {"scheme": {"kind": "igp_ecmp"}}}
SDN = {
    "sdn": {
        "scheme": {"kind": "min_latency", "utilisation_cap": 0.8, "classes": ["exit"]},
        "control": {"every_s": 300, "staleness_s": 60, "install_s": 5},
    }
}


@dataclass(frozen=True)
class Size:
    """How much work a run of the benchmarks is.

    Attributes
    ----------
    scenario : str
        Built-in scenario that network and matrix come from.
    hours : int
        Length of the simulated time, in 5-minute steps.
    rounds : int
        Turns of every runner.
    least_s : float
        CPU time that a turn lasts at least.
    events : int
        Link faults of a day with many; another day has twice as many.
    """

    scenario: str
    hours: int
    rounds: int
    least_s: float
    events: int

    @property
    def steps(self) -> int:
        """Steps of five minutes."""
        return self.hours * 12


FULL = Size("china169-2017", 24, 7, 0.1, 50)
QUICK = Size("mini", 2, 2, 0.002, 4)


class Case:
    """One network with its traffic."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._base = load(size.scenario)

    def scenario(self, *, static: bool = True, sdn: bool = False) -> Scenario:
        """Return a day with one replication of either strategy, or of both."""
        controlled = {"sdn": {**SDN["sdn"], "fallback": STATIC["static"]["scheme"]}}
        return self._base.with_changes(
            {
                "replications": 1,
                "seed": 2017,
                "horizon_h": self.size.hours,
                "step_s": 300,
                "traffic": {"shapes": SHAPES},
                "strategies": {**(STATIC if static else {}), **(controlled if sdn else {})},
            }
        )

    @property
    def network(self) -> Network:
        """The network, whole."""
        return self._base.network

    @property
    def demands(self) -> Demands:
        """The busy-hour matrix."""
        return self._base.demands

    @cached_property
    def day_gbps(self) -> np.ndarray:
        """Rates of the day, as the engine draws them: (demands, steps), steps contiguous."""
        series = self.scenario().case.series
        return np.asfortranarray(series.play(Streams(2017, 0))(0, self.size.steps))

    def busy_gbps(self, fullest_exit: float) -> np.ndarray:
        """Rates of as many busy hours as the day has steps: (demands, steps).

        International traffic is scaled so that shortest paths fill the fullest exit to
        *fullest_exit*; noise makes every step another one.
        """
        network = self.network
        load = route("igp_ecmp", network, self.demands).loads(self.demands.gbps)
        exits = np.concatenate([*network.exit_arcs.values()])
        factor = fullest_exit / (load[exits] / network.capacity_gbps[exits]).max()
        base = self.demands.scaled(float(factor), INTERNATIONAL)
        noise = np.random.default_rng(2017).lognormal(0.0, 0.05, (len(base), self.size.steps))
        return np.asfortranarray(base.gbps[:, None] * noise)

    @cached_property
    def exit_problem(self) -> tuple[Network, Demands]:
        """What a controller of the exits solves: domestic traffic is background."""
        international = self.demands.of_class(INTERNATIONAL)
        under = route("igp_ecmp", self.network, self.demands)
        fixed = under.loads(np.where(international, 0.0, self.demands.gbps))
        return self.network.carrying(fixed), self.demands.take(international)

    @cached_property
    def cycles(self) -> list[Demands]:
        """The exit problem at consecutive cycles about the peak, as measured: off by 5 %."""
        _, demands = self.exit_problem
        international = self.demands.of_class(INTERNATIONAL)
        first = int(0.85 * self.size.steps)
        rates = self.day_gbps[international][:, first : first + 24]
        noise = np.random.default_rng(169).lognormal(0.0, 0.05, rates.shape)
        return [demands.with_gbps(column) for column in (rates * noise).T]


def largest(difference: np.ndarray) -> float:
    """Largest absolute value; not a number if there is one."""
    return float(np.abs(difference).max(initial=0.0))
