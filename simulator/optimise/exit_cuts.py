"""Exit cuts: how far any routing can serve traffic across the border, in closed form.

With the backbone left out, all homes are one source and the ends abroad are sinks of one commodity:
what may go to one may as well go to another. So the largest flow is the least cut (Ford and
Fulkerson 1956), and a cut is a choice of sides for gateways, points of presence and ends abroad.
Inbound traffic is the same network with its arcs turned round. For a set ``D`` of demands only the
largest sum over each group of ends counts::

    unserved         max over cuts of   h(R) - fixed - exits
    utilisation      max over cuts of  (h(R) - fixed) / exits

where ``h(R)`` is the most that the ends ``R`` beyond the cut may have, and the rest the capacity of
the arcs that the cut crosses. The latter is the least utilisation of the exits within which all
other arcs hold their capacity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.model.network import Network

HOME = -1
MOST_SIDES = 18
"""Nodes whose sides are tried one by one: 2 to this power cuts."""
DEAD_GBPS = 1e-9
"""Capacity below which nothing is left but rounding."""
_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class ExitNetwork:
    """The network between home and ends abroad, in one direction, as if traffic went out.

    Attributes
    ----------
    way : str
        ``out`` or ``in``.
    nodes : tuple of int
        Nodes of the network that have a number here; home has none.
    ends : ndarray of int
        Numbers of the ends abroad.
    arcs : ndarray of int
        Arcs of the network; -1 for one without a limit.
    tail, head : ndarray of int
        Numbers of the nodes that each arc joins, in the direction of ``out``; ``HOME`` is home.
    is_exit : ndarray of bool
        Arcs whose utilisation counts.
    relaxed : str
        What was left out that could make less possible, in words; empty where nothing was.
    """

    way: str
    nodes: tuple[int, ...]
    ends: np.ndarray
    arcs: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    is_exit: np.ndarray
    relaxed: str = ""

    @cached_property
    def limited(self) -> np.ndarray:
        """Arcs that have a limit."""
        return self.arcs >= 0

    @property
    def exits(self) -> np.ndarray:
        """Arcs of the network that are exits."""
        return self.arcs[self.is_exit]

    @property
    def others(self) -> np.ndarray:
        """Arcs of the network that are no exits and have a limit."""
        return self.arcs[self.limited & ~self.is_exit]


def exit_network(network: Network, way: str, ends: np.ndarray, homes: np.ndarray) -> ExitNetwork:
    """Return the exit network of a direction.

    Parameters
    ----------
    ends : ndarray of int
        Nodes abroad that have traffic in this direction.
    homes : ndarray of int
        Nodes at home that have traffic: a gateway among them is one with all other homes.
    """
    if network.closed is not None:
        return reach_network(network, way, ends, homes, network.closed[:, ends])
    return open_network(network, way, ends, homes)


def open_network(network: Network, way: str, ends: np.ndarray, homes: np.ndarray) -> ExitNetwork:
    """Return the exit network in which every exit is open to all ends; see `exit_network`."""
    tail, head = (network.tail, network.head) if way == "out" else (network.head, network.tail)
    gateways = np.setdiff1d(network.gateways, homes)
    abroad = network.is_abroad
    inner = ~abroad & ~np.isin(np.arange(len(abroad)), gateways)
    wanted = network.exists & ~inner[head] & ~(abroad[tail] & ~abroad[head])
    wanted &= ~(network.is_stub[tail] & abroad[tail])  # a stub carries no transit
    wanted &= ~(network.is_stub[head] & abroad[head] & ~np.isin(head, ends))
    arcs = np.flatnonzero(wanted)
    nodes = np.unique(np.concatenate([head[arcs], tail[arcs][~inner[tail[arcs]]], ends]))
    number = np.full(len(abroad), HOME)
    number[nodes] = np.arange(len(nodes))
    exits = network.exit_arcs[way]
    return ExitNetwork(
        way, tuple(nodes.tolist()), number[ends], arcs, number[tail[arcs]], number[head[arcs]],
        np.isin(arcs, exits),
    )  # fmt: skip


def reach_network(
    network: Network, way: str, ends: np.ndarray, homes: np.ndarray, closed: np.ndarray
) -> ExitNetwork:
    """Return the exit network in which each exit has a way without limit to some ends only.

    Parameters
    ----------
    closed : ndarray of bool, shape (arcs of the network, ends)
        Ends whose traffic an exit may not carry.
    """
    exits = network.exit_arcs[way]
    gateways = np.setdiff1d(network.gateways, homes)
    count, number = len(gateways), {int(g): i for i, g in enumerate(gateways)}
    rows: list[tuple[int, int, int, bool]] = []
    home_end = network.tail if way == "out" else network.head
    other_end = network.head if way == "out" else network.tail
    for arc in np.flatnonzero(network.exists & np.isin(other_end, gateways)).tolist():
        if not network.is_abroad[home_end[arc]]:
            rows.append((arc, number.get(int(home_end[arc]), HOME), number[other_end[arc]], False))
    for i, arc in enumerate(exits.tolist()):
        rows.append((arc, number.get(int(home_end[arc]), HOME), count + i, True))
        rows += [(-1, count + i, count + len(exits) + r, False)
                 for r in range(len(ends)) if not closed[arc, r]]  # fmt: skip
    arcs, tail, head, is_exit = (np.array(column) for column in zip(*rows, strict=True))
    nodes = (*gateways.tolist(), *other_end[exits].tolist(), *ends.tolist())
    where = count + len(exits) + np.arange(len(ends))
    return ExitNetwork(
        way, nodes, where, arcs, tail, head, is_exit.astype(bool),
        "links abroad are taken as wide enough, as exits are open to some regions only",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Cuts:
    """Cuts of an exit network.

    Attributes
    ----------
    net : ExitNetwork
    ends : ndarray of bool, shape (cuts, ends)
        Ends beyond the cut.
    exits, others : ndarray of float, shape (cuts, arcs)
        One where the cut crosses an exit, or another arc with a limit.
    """

    net: ExitNetwork
    ends: np.ndarray
    exits: np.ndarray
    others: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def figures(
        self, capacity: np.ndarray, most_gbps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the worst of all cuts in every state.

        Parameters
        ----------
        capacity : ndarray, shape (states, arcs of the network)
            Capacity that is left.
        most_gbps : ndarray, shape (cuts,)
            The most that the ends beyond each cut may have.

        Returns
        -------
        unserved, unserved_at, utilisation, utilisation_at : ndarray, shape (states,)
            Utilisation is infinite where some demand has no exit, or not enough behind it; the
            cuts are those that say so.
        """
        found = [self._figures(part, most_gbps) for part in self._parts(capacity)]
        unserved, at, utilisation, where = (np.concatenate(x) for x in zip(*found, strict=True))
        return unserved, at, utilisation, where

    def _parts(self, capacity: np.ndarray) -> Iterator[np.ndarray]:
        step = max(1, _CHUNK // max(1, len(self)))
        for start in range(0, len(capacity), step):
            yield capacity[start : start + step]

    def _figures(self, capacity: np.ndarray, most_gbps: np.ndarray) -> tuple[np.ndarray, ...]:
        through = capacity[:, self.net.exits] @ self.exits.T
        need = most_gbps - capacity[:, self.net.others] @ self.others.T
        short = need - through
        at, rows = short.argmax(axis=1), np.arange(len(short))
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(through > DEAD_GBPS, need / through, np.inf)
        part[need <= DEAD_GBPS] = 0.0
        where = part.argmax(axis=1)
        return np.maximum(short[rows, at], 0.0), at, part[rows, where], where

    def cut_off(self, capacity: np.ndarray, most_gbps: np.ndarray) -> np.ndarray:
        """Return the most that has no way at all in every state, shape (states,)."""
        found = []
        for part in self._parts(capacity):
            left = part[:, self.net.exits] @ self.exits.T
            left += part[:, self.net.others] @ self.others.T
            found.append(np.where(left <= DEAD_GBPS, most_gbps, 0.0).max(axis=1))
        return np.concatenate(found)

    def fair_shares(self, capacity: np.ndarray, asked_gbps: np.ndarray) -> np.ndarray:
        """Return what each end gets of what it asks for, max-min fair, shape (states, ends).

        Ends are cut back alike, until a cut is full; those beyond it stay there, and the others go
        on (Bertsekas and Gallager, *Data Networks*, 1992, section 6.5). The total is the most that
        any routing carries.

        Parameters
        ----------
        capacity : ndarray, shape (states, arcs of the network)
        asked_gbps : ndarray, shape (ends,)
        """
        return np.concatenate([self._fair(part, asked_gbps) for part in self._parts(capacity)])

    def _fair(self, capacity: np.ndarray, asked: np.ndarray) -> np.ndarray:
        ends = self.ends.astype(float)
        room = capacity[:, self.net.exits] @ self.exits.T
        room += capacity[:, self.net.others] @ self.others.T
        share, open_ = np.ones((len(room), len(asked))), np.ones((len(room), len(asked)))
        going = np.arange(len(room))
        while len(going):
            taken = (share[going] * (1.0 - open_[going]) * asked) @ ends.T
            need = (open_[going] * asked) @ ends.T
            left = np.maximum(room[going] - taken, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                level = np.where(need > DEAD_GBPS, left / need, np.inf)
            at = level.argmin(axis=1)
            least = level[np.arange(len(going)), at]
            short = least < 1.0 - 1e-12
            going, at, least = going[short], at[short], least[short]
            full = (ends[at] > 0) & (open_[going] > 0)
            share[going] = np.where(full, least[:, None], share[going])
            open_[going] = np.where(full, 0.0, open_[going])
        return share

    def reduced(self, capacity: np.ndarray | None = None) -> Cuts:
        """Return the cuts without those that another is never behind.

        Parameters
        ----------
        capacity : ndarray, shape (arcs of the network,), optional
            Of arcs that are no exits, where nothing of it fails. Without it each of them may.
        """
        others = self.others
        if capacity is not None:
            others = (self.others @ capacity[self.net.others])[:, None]
        order = np.lexsort((self.exits.sum(axis=1), others.sum(axis=1), -self.ends.sum(axis=1)))
        kept: list[int] = []
        for i in order.tolist():
            if not kept or not self._dominated(i, np.array(kept), others):
                kept.append(i)
        at = np.sort(np.array(kept))
        return Cuts(self.net, self.ends[at], self.exits[at], self.others[at])

    def _dominated(self, i: int, by: np.ndarray, others: np.ndarray) -> bool:
        by = by[~(self.ends[i] & ~self.ends[by]).any(axis=1)]
        by = by[(others[by] <= others[i] + 1e-12).all(axis=1)]
        return bool((self.exits[by] <= self.exits[i]).all(axis=1).any())


def cuts_of(net: ExitNetwork, capacity: np.ndarray, most_gbps: np.ndarray) -> Cuts | None:
    """Return all cuts that can be the least; None where there are too many nodes.

    Parameters
    ----------
    capacity : ndarray, shape (arcs of the network,)
        Without faults.
    most_gbps : ndarray, shape (ends,)
        The most of every end. An end none of whose arcs can fill is beyond a cut only with all
        nodes that it can be reached from.
    """
    follows = {} if net.relaxed else _followers(net, capacity, most_gbps)
    open_to = _open_to(net)
    free = [i for i in range(len(net.nodes)) if i not in follows and i not in open_to]
    if len(free) > MOST_SIDES:
        return None
    codes = np.arange(2 ** len(free), dtype=np.int64)
    far = np.zeros((len(codes), len(net.nodes) + 1), dtype=bool)  # the last column is home
    for bit, node in enumerate(free):
        far[:, node] = (codes >> bit) & 1 == 1
    for end, before in follows.items():
        far[:, end] = far[:, before].all(axis=1)
    for node, after in open_to.items():
        far[:, node] = far[:, after].any(axis=1)
    return _unique(net, far)


def _followers(
    net: ExitNetwork, capacity: np.ndarray, most_gbps: np.ndarray
) -> dict[int, np.ndarray]:
    """Ends whose every arc is wide enough, with the nodes before them."""
    found = {}
    for end, most in zip(net.ends.tolist(), most_gbps.tolist(), strict=True):
        into, out_of = np.flatnonzero(net.head == end), (net.tail == end).any()
        if not out_of and (capacity[net.arcs[into]] >= most).all():
            found[end] = net.tail[into]
    return found


def _open_to(net: ExitNetwork) -> dict[int, np.ndarray]:
    """Exits with the ends that they are open to: such an exit is beyond a cut with any of them."""
    endless = ~net.limited
    tails = np.unique(net.tail[endless]).tolist()
    return {node: net.head[endless & (net.tail == node)] for node in tails}


def _unique(net: ExitNetwork, far: np.ndarray) -> Cuts:
    """Return the cuts that cross different arcs or leave different ends beyond."""
    crossed = (~far[:, net.tail] & far[:, net.head])[:, net.limited]
    rows = np.unique(np.packbits(np.hstack([far[:, net.ends], crossed]), axis=1), axis=0)
    rows = np.unpackbits(rows, axis=1).astype(bool)
    ends, crossed = rows[:, : len(net.ends)], rows[:, len(net.ends) :]
    crossed = crossed[:, : int(net.limited.sum())]
    is_exit = net.is_exit[net.limited]
    return Cuts(net, ends, crossed[:, is_exit].astype(float), crossed[:, ~is_exit].astype(float))
