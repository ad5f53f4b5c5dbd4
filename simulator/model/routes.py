"""Routes: for every demand, where its traffic goes.

Paths with shares and per-destination splits are one thing here: a system of hops (``hops``), or a
stack of such systems, in which a lower one carries what the upper one does not serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares
from simulator.model.hops import Hops
from simulator.model.listed import Listed
from simulator.model.network import Network
from simulator.model.path_table import PathTable


class Moved(NamedTuple):
    """Traffic that a change of routes moves.

    Attributes
    ----------
    demands : int
        Number of demands that move.
    gbps : float
        Their moved traffic.
    which : ndarray of bool, shape (demands,)
        Which demands move.
    peak_gbps : ndarray, shape (arcs,)
        The most that every arc may carry during the change, in any order of the moves: of each
        demand the larger of its old and its new flow.
    """

    demands: int
    gbps: float
    which: np.ndarray
    peak_gbps: np.ndarray


@dataclass(frozen=True, eq=False)
class Routes:
    """Where the traffic of each demand goes.

    Build with :meth:`from_paths` or :meth:`from_splits`; stack with :meth:`with_fallback`.

    Attributes
    ----------
    network : Network
        The network that the arcs belong to.
    layers : tuple of (Hops, ndarray or None)
        Systems of hops, each with the share of every demand that enters it (all when None).
    certificate : Certificate or None
        Proof of quality, from schemes that optimise.
    rescales : bool
        Whether the source moves the traffic of a dead path to the paths that are left, in
        proportion, as weighted tunnels do. Without it these routes no longer serve that traffic.
    throttled : ndarray, shape (demands,), optional
        Share of each demand that its source does not send, on purpose, or that is lost on its way
        (`dropped`): no lower layer carries it.
    warm_start : object
        Starting point for the scheme that made these routes when they are its current ones. It
        saves time and does not change the result.
    """

    network: Network
    layers: tuple[tuple[Hops, np.ndarray | None], ...]
    certificate: Certificate | None = None
    rescales: bool = False
    throttled: np.ndarray | None = None
    warm_start: object = None

    # -- building -----------------------------------------------------------------------------

    @classmethod
    def from_paths(
        cls,
        network: Network,
        demands: int,
        demand: np.ndarray,
        share: np.ndarray,
        arcs: np.ndarray,
        starts: np.ndarray,
        certificate: Certificate | None = None,
    ) -> Routes:
        """Make routes from paths with shares.

        Parameters
        ----------
        demands : int
            Number of demands.
        demand : ndarray of int, shape (paths,)
            Demand that each path serves.
        share : ndarray of float, shape (paths,)
            Share of the demand on the path. The rest of a demand is not served.
        arcs : ndarray of int
            Arcs of all paths, one path after the other.
        starts : ndarray of int, shape (paths + 1,)
            ``arcs[starts[p]:starts[p + 1]]`` is path *p*.
        """
        hops = Hops.of_paths(len(network.tail), demands, demand, share, arcs, starts)
        return cls(network, ((hops, None),), certificate)

    @classmethod
    def from_splits(
        cls,
        network: Network,
        demands: Demands,
        splits: sparse.sparray,
        destination: np.ndarray,
        commodity: np.ndarray,
    ) -> Routes:
        """Make routes from splits at every node, as destination-based forwarding does.

        Parameters
        ----------
        splits : sparse array, shape (commodities, arcs)
            Share of a commodity's traffic at the tail of an arc that takes the arc.
        destination : ndarray of int, shape (commodities,)
            Destination node of each commodity.
        commodity : ndarray of int, shape (demands,)
            Commodity that each demand is forwarded as.

        Raises
        ------
        ValueError
            The splits form a loop.
        """
        hops = Hops.of_splits(network, demands, splits, destination, commodity)
        return cls(network, ((hops, None),))

    def with_fallback(self, base: Routes) -> Routes:
        """Return these routes; the traffic that they do not serve follows *base*."""
        rest = 1.0 - self.served - (0.0 if self.throttled is None else self.throttled)
        rest = np.clip(rest, 0.0, 1.0)
        rest[rest < 1e-12] = 0.0
        return self._above(base.scaled(rest))

    def _above(self, base: Routes) -> Routes:
        """Return these routes with the layers of *base* below them."""
        throttled = _sum(self.throttled, base.throttled)
        return replace(self, layers=(*self.layers, *base.layers), throttled=throttled)

    def dropped(self, share: np.ndarray) -> Routes:
        """Return routes whose traffic is lost at the end of its paths: no lower layer carries it.

        It loads these paths all the same, as far as they are alive.

        Parameters
        ----------
        share : ndarray, shape (demands,)
            Share of each demand that is lost, also where it has no path here.
        """
        layers = tuple((hops.without_ends(), weight) for hops, weight in self.layers)
        return replace(self, layers=layers, throttled=share)

    def without_arcs(self, dead: np.ndarray) -> Routes:
        """Return the routes without the entries from which traffic could meet a dead arc.

        Routes that rescale distribute that traffic over the entries that are left.

        Parameters
        ----------
        dead : ndarray of bool, shape (arcs,)
        """
        left = replace(self, layers=tuple((h.without_arcs(dead), w) for h, w in self.layers))
        if not self.rescales:
            return left
        some = left.served > 0
        grown = np.where(some, self.served / np.where(some, left.served, 1.0), 1.0)
        if np.all(grown == 1.0):
            return left
        return replace(left, layers=left.scaled(grown).layers)

    def scattered(self, demands: np.ndarray, total: int) -> Routes:
        """Return the routes with their demands renumbered: demand *i* becomes ``demands[i]``."""

        def spread(weight: np.ndarray | None) -> np.ndarray | None:
            if weight is None:
                return None
            wide = np.zeros(total)
            wide[demands] = weight
            return wide

        layers = tuple(
            (hops.scattered(demands, total), spread(weight)) for hops, weight in self.layers
        )
        return replace(self, layers=layers, throttled=spread(self.throttled))

    def take(self, demands: np.ndarray) -> Routes:
        """Return the routes of some demands: demand ``demands[i]`` becomes *i*."""
        layers = tuple(
            (hops.take(demands), None if weight is None else weight[demands])
            for hops, weight in self.layers
        )
        throttled = None if self.throttled is None else self.throttled[demands]
        return replace(self, layers=layers, throttled=throttled)

    def scaled(self, share: np.ndarray | float) -> Routes:
        """Return the routes serving only *share* of each demand."""
        if isinstance(share, float) and share == 1.0:
            return self
        share = np.broadcast_to(np.asarray(share, dtype=float), (len(self),))
        layers = tuple((h, share if w is None else share * w) for h, w in self.layers)
        throttled = None if self.throttled is None else share * self.throttled
        return replace(self, layers=layers, throttled=throttled)

    def blend(self, old: Routes, share: np.ndarray | float) -> Routes:
        """Return routes on which *share* of each demand follows these, and the rest *old*."""
        return self.scaled(share)._above(old.scaled(1.0 - np.asarray(share)))._merged()

    def _merged(self, most: int = 200) -> Routes:
        """Return the same routes in one layer; unchanged if they have too many paths."""
        shares: dict[tuple[int, tuple[int, ...]], float] = {}
        try:
            for demand, share, arcs in self.paths(limit=most * len(self)):
                shares[demand, arcs] = shares.get((demand, arcs), 0.0) + share
        except ValueError:
            return self
        length = np.array([len(arcs) for _, arcs in shares], dtype=np.int64)
        made = Routes.from_paths(
            self.network,
            len(self),
            np.array([demand for demand, _ in shares], dtype=np.int64),
            np.array(list(shares.values())),
            np.array([arc for _, arcs in shares for arc in arcs], dtype=np.int64),
            np.concatenate([[0], np.cumsum(length)]),
            self.certificate,
        )
        return replace(made, rescales=self.rescales, throttled=self.throttled)

    # -- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self.layers[0][0].inject.shape[1])

    def __repr__(self) -> str:
        return f"<Routes: {len(self)} demands over {sum(len(h.arc) for h, _ in self.layers)} hops>"

    @cached_property
    def served(self) -> np.ndarray:
        """Share of each demand that has a path to its target, shape (demands,)."""
        total = np.zeros(len(self))
        for hops, weight in self.layers:
            total += hops.served if weight is None else hops.served * weight
        return total

    @cached_property
    def entries(self) -> np.ndarray:
        """Entries that the source of each demand needs: one for every first hop (demands,)."""
        count = np.zeros(len(self), dtype=np.int64)
        for hops, weight in self.layers:
            entered = np.bincount(hops.inject.indices, minlength=len(self))
            count += entered if weight is None else np.where(weight > 0, entered, 0)
        return count

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """Share of each demand that crosses each arc without loss (arcs x demands)."""
        total = sparse.csr_array((len(self.network.tail), len(self)))
        for hops, weight in self.layers:
            part = hops.matrix if weight is None else hops.matrix @ sparse.diags_array(weight)
            total = sparse.csr_array(total + part)
        return total

    def exit_shares(self, demands: Demands) -> pd.DataFrame:
        """Return the exits that demands take, one row for each demand and exit.

        All layers count, each with what the layers above leave it. Shares of a demand add up to
        what is served of it: what is throttled or has no path is in no row.

        Returns
        -------
        pandas.DataFrame
            ``demand, source, target, class, exit, direction, share``.
        """
        return ExitShares.of(self.matrix, self.network).frame(demands)

    def loads(self, rates: np.ndarray, pass_fraction: np.ndarray | None = None) -> np.ndarray:
        """Rate offered to every arc, shape (arcs,) or (arcs, instants).

        Parameters
        ----------
        rates : ndarray, shape (demands,) or (demands, instants)
        pass_fraction : ndarray, shape (arcs,) or (arcs, instants), optional
            Share of the offered rate that an arc carries; 1 when left out.
        """
        total = np.zeros((self.layers[0][0].arcs, *rates.shape[1:]))
        for hops, weight in self.layers:
            given = rates if weight is None else (rates.T * weight).T
            if weight is None or weight.any():
                total += hops.loads(given, pass_fraction)
        return total

    def arrivals(
        self, delays_ms: np.ndarray, pass_fraction: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Share of each demand that arrives, and the mean delay of that share.

        Parameters
        ----------
        delays_ms : ndarray, shape (arcs,) or (arcs, instants)
        pass_fraction : ndarray, shape (arcs,) or (arcs, instants), optional
            Share of the offered rate that an arc carries; 1 when left out.

        Returns
        -------
        share : ndarray, shape (demands,) or (demands, instants)
        delay_ms : ndarray, like *share*
            NaN where nothing arrives.
        """
        flat = delays_ms.ndim == 1 and (pass_fraction is None or pass_fraction.ndim == 1)
        delay = delays_ms[:, None] if delays_ms.ndim == 1 else delays_ms
        if pass_fraction is not None:
            pass_fraction = pass_fraction[:, None] if pass_fraction.ndim == 1 else pass_fraction
            delay, pass_fraction = np.broadcast_arrays(delay, pass_fraction)
        arrived = np.zeros((len(self), delay.shape[1]))
        spent = np.zeros_like(arrived)
        for hops, weight in self.layers:
            if weight is not None and not weight.any():
                continue
            if pass_fraction is None:
                share, time = hops.served[:, None], hops.spent(delay)
            else:
                share, time = hops.arrivals(delay, pass_fraction)
            scale = 1.0 if weight is None else weight[:, None]
            arrived += share * scale
            spent += time * scale
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(arrived > 0, spent / arrived, np.nan)
        return (arrived[:, 0], mean[:, 0]) if flat else (arrived, mean)

    def moved(self, old: Routes, rates: np.ndarray) -> Moved:
        """Traffic that takes other arcs than in *old*.

        The moved share of a demand is the largest rise of its share on any one arc.

        Parameters
        ----------
        rates : ndarray, shape (demands,)
        """
        # Few demands change from one cycle to the next: the rest is left out.
        changed = self.changed(old)
        rise = self._shares(changed) - old._shares(changed)
        row, arc = np.nonzero(rise > 0)
        grown = rise[row, arc]
        share = np.zeros(len(self))
        np.maximum.at(share, changed[row], grown)
        share[share < 1e-9] = 0.0
        peak = old.loads(rates) + np.bincount(arc, grown * rates[changed[row]], rise.shape[1])
        moving = share * rates > 0
        return Moved(
            int(np.count_nonzero(moving)), float(np.minimum(share, 1.0) @ rates), moving, peak
        )

    def changed(self, old: Routes) -> np.ndarray:
        """Positions of the demands whose shares differ from those in *old*."""
        apart = np.abs(self._fingerprint - old._fingerprint)
        return np.flatnonzero(apart > 1e-12 * (1.0 + self._fingerprint))

    @cached_property
    def _fingerprint(self) -> np.ndarray:
        """A number for every demand that differs when its shares differ, shape (demands,)."""
        total = np.zeros(len(self))
        for hops, weight in self.layers:
            total += hops.fingerprint if weight is None else hops.fingerprint * weight
        return total

    def _shares(self, demands: np.ndarray) -> np.ndarray:
        """Share of some demands that crosses each arc, shape (some demands, arcs)."""
        row, arc, share = self.shares(demands)
        shape = (len(demands), len(self.network.tail))
        return np.bincount(row * shape[1] + arc, share, shape[0] * shape[1]).reshape(shape)

    def shares(self, demands: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arcs that some demands cross without loss: position in *demands*, arc and share.

        An arc may occur several times; its shares add up.
        """
        parts = []
        for hops, weight in self.layers:
            row, arc, share = hops.shares(demands)
            parts.append((row, arc, share if weight is None else share * weight[demands][row]))
        row, arc, share = (np.concatenate(column) for column in zip(*parts, strict=True))
        return row, arc, share

    @cached_property
    def listed(self) -> Listed | None:
        """Paths in use, of all layers, with their shares; None where they are too many to list."""
        parts = []
        for hops, weight in self.layers:
            if weight is not None and not weight.any():
                continue
            listed = hops.listed
            if listed is None:
                return None
            if weight is not None:
                share = listed.share * weight[listed.demand]
                listed = listed._replace(share=share).take(np.flatnonzero(share > 0))
            parts.append(listed)
        if not parts:
            return Listed.none()
        ends = np.cumsum([0, *(part.starts[-1] for part in parts)])
        return Listed(
            np.concatenate([part.demand for part in parts]),
            np.concatenate([part.share for part in parts]),
            np.concatenate([part.arcs for part in parts]),
            np.concatenate([[0], *(p.starts[1:] + e for p, e in zip(parts, ends, strict=False))]),
        )

    @cached_property
    def path_table(self) -> tuple[PathTable, np.ndarray] | None:
        """The listed paths as sparse matrices, and the share of each, shape (paths, 1).

        None where they are too many to list, or where some traffic never arrives.
        """
        if self.listed is None or not all(hops.arrives_whole for hops, _ in self.layers):
            return None
        table = PathTable.of(self.network, len(self), self.listed)
        return table, self.listed.share[:, None]

    def paths(self, limit: int = 1_000_000) -> Iterator[tuple[int, float, tuple[int, ...]]]:
        """Yield ``(demand, share, arcs)`` of every path in use.

        Raises
        ------
        ValueError
            More than *limit* paths: equal-cost splits multiply.
        """
        found = 0
        for hops, weight in self.layers:
            onward, entries = sparse.csc_array(hops.pass_on), sparse.csc_array(hops.inject)
            for demand in range(len(self)):
                given = 1.0 if weight is None else float(weight[demand])
                lo, hi = entries.indptr[demand], entries.indptr[demand + 1]
                stack: list[tuple[int, float, tuple[int, ...]]] = [
                    (int(entries.indices[i]), float(entries.data[i]) * given, ())
                    for i in range(lo, hi)
                    if entries.data[i] * given > 0
                ]
                while stack:
                    hop, share, walked = stack.pop()
                    walked = (*walked, int(hops.arc[hop]))
                    if hops.ends[hop]:
                        found += 1
                        if found > limit:
                            raise ValueError(f"more than {limit} paths in use")
                        yield demand, share, walked
                    for i in range(onward.indptr[hop], onward.indptr[hop + 1]):
                        onto = share * float(onward.data[i])
                        stack.append((int(onward.indices[i]), onto, walked))


def _sum(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Sum of two optional arrays."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def link_loads(routes: Routes, demands: Demands) -> pd.DataFrame:
    """Load of every link and direction without loss.

    Returns
    -------
    pandas.DataFrame
        One row per link and direction: ``link, source, target, class, capacity_gbps,
        offered_gbps, utilisation`` (NaN on a link that is down or has no capacity).
    """
    network = routes.network
    offered = routes.loads(demands.gbps) + network.background_gbps
    names = np.array(network.nodes, dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        live = network.up & (network.capacity_gbps > 0)
        utilisation = np.where(live, offered / network.capacity_gbps, np.nan)
    return pd.DataFrame(
        {
            "link": np.repeat(np.array(network.links, dtype=object), 2),
            "source": names[network.tail],
            "target": names[network.head],
            "class": np.repeat(network.link_class, 2),
            "capacity_gbps": np.where(network.up, network.capacity_gbps, 0.0),
            "offered_gbps": offered,
            "utilisation": utilisation,
        }
    )
