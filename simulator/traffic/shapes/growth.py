"""Growth from year to year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from simulator.base.schema import Name
from simulator.model.demands import Demands, TrafficClass
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.scope import Finding, no_node
from simulator.traffic.traffic import Factors, Shape, shape

YEAR_H = 365 * 24.0
Rate = Annotated[float, Field(gt=-1, allow_inf_nan=False)]


@shape("growth")
class Growth(Shape):
    """Compound growth, continuous in time: ``(1 + rate)^(hours / hours of the period)``.

    The base matrix is the traffic at the start. A year has 365 days, a month
    is a twelfth of it. A demand grows at the rate of the nodes named at its ends (of two, at their
    geometric mean), else of its class, else at the common one.

    No rate is assumed. A measured one is 24.5 % a year: the sum of 472 Internet exchange points
    from 2023 to 2024 (NINeS 2026).

    Attributes
    ----------
    per_year : float
        Growth in a year, 0.35 for 35 %; below 0 for decline.
    per_month : float
        Growth in a month, in place of ``per_year``; the rates below are then by the month as well.
    classes : mapping of class to float
        Rates of some classes.
    nodes : mapping of str to float
        Rates of traffic from or to some nodes, such as regions.
    """

    per_year: Rate = 0.0
    per_month: Rate | None = None
    classes: dict[TrafficClass, Rate] = field(default_factory=dict)
    nodes: dict[Name, Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.per_month is not None and self.per_year != 0.0:
            raise ValueError("give per_year or per_month, not both")

    since_start: ClassVar[bool] = True

    def problems(self, network: Network) -> Iterator[Finding]:
        """Yield the names of nodes that the network does not have."""
        for name in self.nodes:
            if name not in network.node_index:
                yield ("nodes", name), no_node(network, name)

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the growth of every demand since the start."""
        self.require_valid(network)
        speed = self.speed_per_year(demands)[:, None] / YEAR_H

        def factors(hours: np.ndarray) -> np.ndarray:
            grown: np.ndarray = np.exp(speed * hours)
            return grown

        return factors

    def speed_per_year(self, demands: Demands) -> np.ndarray:
        """Logarithm of the growth in a year, by demand."""
        common = self.per_year if self.per_month is None else self.per_month
        log = np.full(len(demands), np.log1p(common))
        for name, rate in self.classes.items():
            log[demands.of_class(name)] = np.log1p(rate)
        at_node = np.array([np.log1p(self.nodes.get(node, np.nan)) for node in demands.nodes])
        ends = np.stack([at_node[demands.source], at_node[demands.target]])
        named = np.isfinite(ends)
        mean = np.where(named, ends, 0.0).sum(axis=0) / np.maximum(named.sum(axis=0), 1)
        log = np.where(named.any(axis=0), mean, log)
        return log if self.per_month is None else log * 12.0
