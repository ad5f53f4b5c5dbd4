"""A matrix estimated from the counters of links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse

from simulator.base.errors import Problem
from simulator.formats.matrices.counters import Counters, read_counters, read_totals
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.tomography import tomogravity
from simulator.model.topology import NodeKind
from simulator.traffic.matrices.pairs import demands_between, of_kinds
from simulator.traffic.scope import Classes
from simulator.traffic.traffic import Matrix, matrix


@matrix("tomogravity")
class Tomogravity(Matrix):
    """Tomogravity: the matrix nearest to gravity that explains what the links carried.

    The loads are those of one instant (a busy hour) under IGP with ECMP, the metrics being those
    of the topology, and nothing was lost. First a gravity matrix with the totals of every node,
    then of all matrices that explain the loads the one nearest to it, each demand weighed by the
    square root of its size. Loads alone do not fix a matrix: single demands are estimates. Source:
    Zhang, Roughan, Duffield and Greenberg, SIGMETRICS 2003.

    What a node sends and receives is what its links count, if it carries no transit, as stubs do
    not; for other nodes with traffic of their own ``totals`` must say it.

    Attributes
    ----------
    path : pathlib.Path
        Loads in a CSV file, relative to the scenario: ``source,target,gbps`` by direction, and
        optionally ``link``, without which a row is the sum of parallel links. Directions left out
        were not counted.
    totals : pathlib.Path
        What nodes send and receive in a CSV file, ``node,out_gbps,in_gbps``.
    kinds : tuple of str
        Kinds of the nodes that have traffic, such as ``[provincial, region]``; all when left out.
    classes : tuple of str
        Classes of traffic that there are.
    """

    path: Path
    totals: Path | None = None
    kinds: tuple[NodeKind, ...] = ()
    classes: Classes = ("domestic", "international_out", "international_in")

    needs_routes: ClassVar[bool] = True

    def files(self) -> Mapping[str, Path]:
        """Return the loads and, where given, the totals."""
        return {"path": self.path, **({"totals": self.totals} if self.totals else {})}

    def demands(
        self,
        network: Network,
        folder: Path,
        route: Callable[[Network, Demands], Routes] | None = None,
    ) -> Demands:
        """Estimate the matrix.

        Parameters
        ----------
        folder : Path
            The files are relative to it.
        route : callable
            Routes demands as they were when the links were counted.

        Raises
        ------
        InputError
            Something is wrong in a file.
        ValueError
            No `route` is given, or what a node sends and receives does not follow.
        """
        if route is None:
            raise ValueError(
                "tomogravity needs to know how traffic was routed: give route, such as"
                " route=IgpEcmp().route"
            )
        nodes = np.flatnonzero(of_kinds(network, self.kinds))
        pairs = demands_between(network, nodes, self.classes)
        routes = route(network, pairs)
        led = routes.served > 1.0 - 1e-9
        pairs, crossed = pairs.take(led), sparse.csr_array(routes.matrix[:, np.flatnonzero(led)])
        if not len(pairs):
            raise ValueError("no pair of nodes of these kinds and classes has a way")
        counters = read_counters(folder / self.path, network)
        out, into = self._totals(network, folder, counters, pairs, crossed)
        gbps = tomogravity(
            counters.arcs @ crossed, counters.gbps, pairs.source, pairs.target, out, into
        )
        return pairs.with_gbps(gbps)

    def notes(self, network: Network, folder: Path) -> Sequence[Problem]:
        """Return what was assumed to read the loads and the totals."""
        of_totals = read_totals(folder / self.totals, network).notes if self.totals else []
        return [*read_counters(folder / self.path, network).notes, *of_totals]

    def _totals(
        self,
        network: Network,
        folder: Path,
        counters: Counters,
        pairs: Demands,
        crossed: sparse.csr_array,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What every node sends and receives; 0 of those without traffic of their own."""
        ends = {"out of": (network.tail, pairs.source), "into": (network.head, pairs.target)}
        stated = read_totals(folder / self.totals, network)[:2] if self.totals else (None, None)
        found = []
        for known, (way, (end, mine)) in zip(stated, ends.items(), strict=True):
            has = np.bincount(mine, minlength=len(network.nodes)) > 0
            counted = _counted(network, counters, end)
            passing = _passing(network, crossed, end, mine) & np.isnan(
                np.full(len(has), np.nan) if known is None else known
            )
            total = counted if known is None else np.where(np.isnan(known), counted, known)
            for node in np.flatnonzero(has & (passing | np.isnan(total))):
                name = network.nodes[node]
                why = (
                    f"node {name!r} carries transit, so its links do not tell its own traffic"
                    if passing[node]
                    else f"not all links {way} node {name!r} are counted"
                )
                raise ValueError(f"{why}: give it in totals, or leave its kind out of kinds")
            found.append(np.where(has, total, 0.0))
        return found[0], found[1]


def _counted(network: Network, counters: Counters, end: np.ndarray) -> np.ndarray:
    """Sum of the counters at every node; NaN where one is missing on a link that is up."""
    count = len(network.nodes)
    seen = np.asarray(counters.arcs.sum(axis=0)).ravel() > 0
    missing = np.bincount(end, ~seen & network.up, count) > 0
    first = counters.arcs.indices[counters.arcs.indptr[:-1]]
    return np.where(missing, np.nan, np.bincount(end[first], counters.gbps, count))


def _passing(
    network: Network, crossed: sparse.csr_array, end: np.ndarray, mine: np.ndarray
) -> np.ndarray:
    """Mask of the nodes at whose arcs there is traffic that is not their own."""
    pair = crossed.tocoo()
    transit = (end[pair.row] != mine[pair.col]) & (pair.data > 0)
    return np.bincount(end[pair.row][transit], minlength=len(network.nodes)) > 0
