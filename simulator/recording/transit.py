"""Transit: what exits with a price carry, slot by slot, and what their months cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.model.billing import MBPS_PER_GBPS, Billing, slot_means
from simulator.model.link_state import LinkState
from simulator.model.network import Network

Series = tuple[np.ndarray, np.ndarray]
"""Out and in."""


@dataclass(frozen=True)
class TransitTotals:
    """The bill of one exit: means over the months of a run, by how many slots each has.

    Attributes
    ----------
    level_gbps : dict of str to float
        Percentile of the slots, of ``out`` and ``in``.
    billed_gbps : float
        What the exit is billed for in a month.
    cost_usd : float
        The bill of a month.
    """

    level_gbps: Mapping[str, float]
    billed_gbps: float
    cost_usd: float


def prices_usd_per_mbps(network: Network) -> dict[str, float]:
    """Return the price of every exit that has one."""
    prices = {
        network.links[i]: network.attributes(network.links[i]).get("price_usd_per_mbps")
        for i in network.exits
    }
    return {link: float(price) for link, price in prices.items() if price is not None}


def totals_of(billing: Billing, price: float, slots: Series) -> TransitTotals:
    """Return the bill of one exit, from its slots out and in."""
    months = billing.months(len(slots[0]))
    weight = np.array([month.stop - month.start for month in months], dtype=float)
    out, back = (np.array([billing.level_gbps(each[m]) for m in months]) for each in slots)
    billed = float(np.average(billing.billed_gbps(out, back), weights=weight))
    level = {
        "out": float(np.average(out, weights=weight)),
        "in": float(np.average(back, weights=weight)),
    }
    return TransitTotals(level, billed, billed * MBPS_PER_GBPS * price)


class Transit:
    """Keeps what exits with a price carry, interval by interval.

    Parameters
    ----------
    network : Network
    billing : Billing
    """

    def __init__(self, network: Network, billing: Billing) -> None:
        self._billing, self._prices = billing, prices_usd_per_mbps(network)
        rows = [i for i, at in enumerate(network.exits) if network.links[at] in self._prices]
        arcs = (network.exit_arcs["out"][rows], network.exit_arcs["in"][rows])
        self._arcs = np.concatenate(arcs)
        self._carried: list[np.ndarray] = []
        self._seconds: list[np.ndarray] = []

    def add(self, state: LinkState, seconds: np.ndarray) -> None:
        """Add intervals: the instants of *state*, each of which lasts so many seconds."""
        if self._prices:
            self._carried.append(state.carried_gbps[self._arcs])
            self._seconds.append(seconds)

    def totals(self) -> dict[str, TransitTotals]:
        """Return the bill of every exit with a price."""
        if not self._prices:
            return {}
        seconds, carried = np.concatenate(self._seconds), np.concatenate(self._carried, axis=1)
        slots = slot_means(carried, seconds, self._billing.slot_s)
        out, back = np.split(slots, 2)
        return {
            link: totals_of(self._billing, price, (out[i], back[i]))
            for i, (link, price) in enumerate(self._prices.items())
        }
