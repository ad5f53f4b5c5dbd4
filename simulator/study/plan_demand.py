"""Plan demand: the demands that a plan must hold, as a set for each direction and period."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.base.errors import InputError, Problem
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.optimise.demand_set import DemandSet, box
from simulator.scenario.scenario import Scenario
from simulator.scenario.upgrades import PlannedDemand, PlannedGrowth
from simulator.study.growing import Rates, without_growth
from simulator.traffic.traffic import shape as shapes

SETS = {
    "busy_hour": "the matrix of the busiest hour",
    "box": "every demand of the busiest hour up to {box:g} % more or less, all of a direction up to"
    " {total:g} times its total",
    "hose": "every end up to its largest sum of any hour, in any pairs",
    "hose_total": "every end up to its largest sum of any hour, in any pairs, all together up to"
    " the busiest hour",
    "pipe": "every pair at its largest of any hour, all at once",
}


@dataclass(frozen=True, eq=False)
class PlanDemand:
    """Traffic hour by hour, and how it grows.

    Attributes
    ----------
    demands : Demands
        All, at the rates of the matrix.
    rates : ndarray, shape (demands, hours)
        Without growth.
    speed : ndarray, shape (demands,)
        Logarithm of the growth in a year.
    asked : PlannedDemand
    calm : ndarray, shape (demands, hours), optional
        Rates without noise of pairs, where *rates* have some.
    """

    demands: Demands
    rates: np.ndarray
    speed: np.ndarray
    asked: PlannedDemand
    calm: np.ndarray | None = None

    @property
    def words(self) -> str:
        """The set in words."""
        a = self.asked
        return SETS[a.set].format(box=100 * a.box, total=a.total)

    def of(self, mine: np.ndarray, near: np.ndarray, far: np.ndarray, years: float) -> DemandSet:
        """Return the set of some demands after some years; *near* and *far* number their ends."""
        rates = self.rates[mine] * np.exp(self.speed[mine] * years)[:, None]
        sums = rates.sum(axis=0)
        busy = rates[:, int(sums.argmax())]
        kind = self.asked.set
        if kind == "box":
            part = self.asked.box
            low, high = max(1.0 - part, 0.0) * busy, (1.0 + part) * busy
            total = self.asked.total * float(busy.sum())
            return box(busy, near, far, lower=low, upper=high, total=total)
        if kind in ("busy_hour", "pipe"):
            point = busy if kind == "busy_hour" else rates.max(axis=1)
            return box(point, near, far, lower=point, upper=point, total=float(point.sum()))
        ends = [_largest(of, rates) for of in (near, far)]
        most = min(float(each.sum()) for each in ends)
        total = float(sums.max()) if kind == "hose_total" else most
        zero, endless = np.zeros(len(busy)), np.full(len(busy), np.inf)
        return DemandSet(busy, zero, endless, min(total, most), near, far, *ends)

    def faster(self, speed: np.ndarray) -> PlanDemand:
        """Return the same with another growth."""
        return replace(self, speed=speed)

    def with_set(self, kind: str) -> PlanDemand:
        """Return the same with another set."""
        return replace(self, asked=replace(self.asked, set=kind))  # type: ignore[arg-type]

    def noisier(self, sigma: float, seed: int) -> PlanDemand:
        """Return the same with every pair moving from hour to hour by so much, and no more."""
        calm = self.rates if self.calm is None else self.calm
        rates = _noisy(self.demands, calm, sigma, seed) if sigma else calm
        return replace(self, rates=rates, calm=calm, asked=replace(self.asked, noise=sigma))


def _largest(of: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the largest sum of any hour of each end."""
    sums = np.zeros((int(of.max()) + 1, rates.shape[1]))
    np.add.at(sums, of, rates)
    return np.asarray(sums.max(axis=1))


def hourly(scenario: Scenario, asked: PlannedDemand) -> np.ndarray:
    """Return the rates expected hour by hour, without growth or noise, shape (demands, hours)."""
    case = without_growth(scenario.case)
    hours = np.arange(0.5, max(1.0, round(asked.hours)), 1.0)
    rates = case.series.expected(hours)
    if len(rates) != len(scenario.demands):  # services: the parts of every demand add up
        part = case.series.part_of
        assert part is not None
        whole = np.zeros((len(scenario.demands), len(hours)))
        np.add.at(whole, part, rates)
        rates = whole
    return rates


def _noisy(demands: Demands, rates: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Multiply every pair and hour by log-normal noise of mean one, keyed by the pair."""
    streams, hours = Streams(seed, 0), rates.shape[1]
    draws = np.array(
        [streams.generator("plan", name).standard_normal(hours) for name in demands.names]
    )
    return np.asarray(rates * np.exp(sigma * draws - sigma**2 / 2))


def stated_rates(network: Network, demands: Demands, growth: PlannedGrowth) -> Rates:
    """Return the growth that the plan states for itself."""
    speeds = []
    for rate in (growth.per_year, growth.low, growth.high):
        per_year = growth.per_year if rate is None else rate
        shape = shapes.make("growth", per_year=per_year, nodes=growth.nodes)
        speeds.append(shape.speed_per_year(demands))
    nodes = f", {len(growth.nodes)} nodes at rates of their own" if growth.nodes else ""
    words = f"{100 * growth.per_year:g} % a year, as upgrades.growth states{nodes}"
    return Rates(speeds[0], speeds[1], speeds[2], words, False)


def require_abroad(demands: Demands, network: Network) -> None:
    """Refuse traffic that does not cross the border."""
    classes = ("international_out", "international_in")
    if not demands.gbps[demands.of_class(classes)].sum() > 0:
        message = f"no traffic crosses the border of {network.name}"
        raise InputError([Problem("", None, None, "demands", message)])
