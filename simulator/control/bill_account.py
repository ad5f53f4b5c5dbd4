"""Bill account: what a controller keeps of the month: what is paid for, and which slots are free.

It reads the counters of the exits: what they carried in every slot so far. Levels are planned once,
for the planning window (``optimise/bursts.py``), and rise when more slots than are free have been
above them. So what is paid for never falls within a month.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from simulator.control.process import Context
from simulator.control.route_table import RouteTable
from simulator.model.billing import Allowance, Terms
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.optimise.bursts import Month, planned
from simulator.simulation.clock import micros
from simulator.simulation.scene import Scene

_TOLERANCE = 1e-6


class BillAccount:
    """What the exits of one strategy carried, slot by slot, and what the bill allows.

    Parameters
    ----------
    steered : ndarray of int
        Positions of the demands that the plan may lead to any exit.
    """

    def __init__(self, scene: Scene, table: RouteTable, terms: Terms, steered: np.ndarray) -> None:
        self._clock, self._source, self._table = scene.clock, scene.source, table
        self._state, self._terms, self._steered = scene.network_state, terms, steered
        network = scene.network_state.network
        self._price = _prices(network)
        self._arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self._slot_us = micros(terms.billing.slot_s)
        self._since, self._volume = 0, np.zeros(len(self._arcs))
        self._slots: list[np.ndarray] = []
        self._planned: np.ndarray | None = None
        table.before_change.append(self.read)

    def read(self) -> None:
        """Read the counters up to this instant; called before routes change and when asked."""
        now, routes = self._clock.now, self._table.in_force
        while self._since < now:
            end = min(now, (self._since // self._slot_us + 1) * self._slot_us)
            if routes is not None:
                load = routes.loads(self._source.mean(self._since, end))[self._arcs]
                most = self._state.network.capacity_gbps[self._arcs]
                self._volume += np.minimum(load, most) * (end - self._since)
            self._since = end
            if end % self._slot_us == 0:
                self._slots.append(self._volume / self._slot_us)
                self._volume = np.zeros(len(self._arcs))

    def allowance(self, network: Network) -> Allowance:
        """Return what the bill allows at this instant."""
        self.read()
        if self._planned is None:
            self._planned = self._plan(network)
        rule = self._terms.billing
        slot = len(self._slots)
        free = rule.free_slots(self._terms.slots_of_month(slot))
        month = self._slots[slot // rule.month_slots * rule.month_slots :]
        seen = np.array(month).reshape(-1, len(self._arcs))
        paid = self._together(np.maximum(self._planned, _level(seen, free)))
        above = paid + _TOLERANCE * np.maximum(paid, 1.0)
        used = (seen > above).sum(axis=0)
        bursting = self._volume / self._slot_us > above
        return self._on_arcs(network, paid, np.maximum(free - used, 0), bursting)

    def _together(self, level: np.ndarray) -> np.ndarray:
        """What is paid for in each direction, from the levels of both."""
        out, back = np.split(level, 2)
        rule = self._terms.billing.directions
        if rule == "larger":
            out = back = np.maximum(out, back)
        elif rule != "sum":
            out, back = (out, np.inf * (back + 1)) if rule == "out" else (np.inf * (out + 1), back)
        paid = np.concatenate([out, back])
        paid[np.tile(self._price == 0, 2)] = np.inf
        return paid

    def _on_arcs(
        self, network: Network, paid: np.ndarray, left: np.ndarray, bursting: np.ndarray
    ) -> Allowance:
        arcs = len(network.tail)
        found = np.full(arcs, np.inf), np.zeros(arcs, dtype=np.int64), np.zeros(arcs, dtype=bool)
        for whole, mine in zip(found, (paid, left, bursting), strict=True):
            whole[self._arcs] = mine
        return Allowance(*found)

    def _plan(self, network: Network) -> np.ndarray:
        """Levels of all exit directions for the planning window, out and then in."""
        demands = self._table.demands
        window = demands.window_gbps
        if window is None:
            window = demands.gbps[:, None]
        mine = self._steered[demands.of_class(INTERNATIONAL)[self._steered]]
        rest = np.array(window)
        rest[mine] = 0.0
        groups, allowed = _groups(network, demands, mine, self._arcs)
        volume = sparse.csr_array(
            (np.ones(len(mine)), (groups, np.arange(len(mine)))), shape=(len(allowed), len(mine))
        )
        exits, slots = len(self._price), window.shape[1]
        month = Month(
            volume_gbps=volume @ window[mine],
            allowed=allowed & (network.capacity_gbps[self._arcs] > 0),
            fixed_gbps=self._fixed(rest),
            capacity_gbps=network.capacity_gbps[self._arcs],
            exit_of=np.tile(np.arange(exits), 2),
            outward=np.repeat([True, False], exits),
            price_usd_per_mbps=self._price,
            billing=self._terms.billing,
            free=self._terms.billing.free_slots(slots),
        )
        return planned(month).level_gbps if len(mine) else np.zeros(len(self._arcs))

    def _fixed(self, rest: np.ndarray) -> np.ndarray:
        """Load of the exits by traffic that is not steered; none before there are routes."""
        if self._table.static is None:
            return np.zeros((len(self._arcs), rest.shape[1]))
        return self._table.static.loads(rest)[self._arcs]


def account_of(context: Context, steered: np.ndarray) -> BillAccount | None:
    """Return the account of a strategy whose scheme heeds bills, where any exit has a price."""
    network, terms = context.scene.network_state.network, context.scene.terms
    if terms is None or not context.scheme.heeds_bills or not _prices(network).any():
        return None
    return BillAccount(context.scene, context.route_table, terms, steered)


def _prices(network: Network) -> np.ndarray:
    """Price of every exit; 0 where there is none."""
    links = (network.attributes(network.links[i]) for i in network.exits)
    return np.array([each.get("price_usd_per_mbps") or 0.0 for each in links])


def _level(slots: np.ndarray, free: int) -> np.ndarray:
    """What the month costs at least: the highest slot so far that no free slot is left for."""
    if len(slots) <= free:
        return np.zeros(slots.shape[1])
    at = len(slots) - 1 - free
    return np.asarray(np.partition(slots, at, axis=0)[at])


def _groups(
    network: Network, demands: Demands, mine: np.ndarray, arcs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Group of each demand, and the exit directions that each group may use."""
    abroad = network.is_abroad
    inside = network.up & abroad[network.tail] & abroad[network.head]
    count = len(network.nodes)
    ones = np.ones(int(inside.sum()))
    graph = sparse.csr_array(
        (ones, (network.tail[inside], network.head[inside])), shape=(count, count)
    )
    part = connected_components(graph, directed=False)[1]
    outward = abroad[network.head[arcs]]
    far = np.where(outward, network.head[arcs], network.tail[arcs])
    out = abroad[demands.target[mine]]
    end = np.where(out, demands.target[mine], demands.source[mine])
    may = (part[end][:, None] == part[far][None, :]) & (out[:, None] == outward[None, :])
    may &= network.up[arcs]
    if network.closed is not None:
        may &= ~network.closed[np.ix_(arcs, end)].T
    allowed, group = np.unique(may, axis=0, return_inverse=True)
    return group.ravel(), allowed
