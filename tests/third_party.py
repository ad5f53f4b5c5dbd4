"""Public topologies and matrices, and what others computed on them, read for the tests.

They may not be shipped with the project: where they are absent, what needs them skips. Sources,
licences and formats are in the README beside the data.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from simulator.model.demands import Demands
from simulator.model.network import Network

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "third_party"
REFERENCE = FOLDER / "reference.json"
FIGURES: dict[str, Any] = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}

needed = pytest.mark.skipif(not FIGURES, reason="the third-party data are not on this machine")

#: More than 20,000 demands each: the bound proves less (gaps of 1.1e-6 and 2.5e-6 were seen), since
#: pricing may stop a tolerance short for every demand. The value is as close as the others'.
LARGE = ("inverseCapacity-UsCarrier.0000", "inverseCapacity-Cogentco.0000")
#: The expected values are rounded to 6 decimals; the solver and the sums add a little of their own.
ROUNDED = 5e-7
SOLVED = 1e-8
#: The matrices of a day are on disk with 6 significant digits, so every demand is within this share
#: of what the expected values were computed from. Loads, and the least MLU, grow no faster than
#: the demands: they are within this share as well.
DIGITS = 5e-6


@dataclass(frozen=True, eq=False)
class Case:
    """One matrix, or the matrices of one day, on one topology.

    Attributes
    ----------
    name : str
    figures : dict
        What ``reference.json`` says of it.
    topology : Path
        A ``.graph`` of REPETITA, or a folder with ``nodes.csv`` and ``links.csv``.
    matrices : Path
    capacity : float, optional
        Of every link, instead of the capacities listed.
    """

    name: str
    figures: dict[str, Any]
    topology: Path
    matrices: Path
    capacity: float | None = None

    @cached_property
    def rates(self) -> pd.DataFrame:
        """One row per instant, one column per ``(source, target)``."""
        if self.topology.suffix == ".graph":
            rows = [line.split() for line in lines(self.matrices)[2:] if line.strip()]
            table = pd.Series({(row[1], row[2]): float(row[3]) for row in rows}).to_frame().T
            assert table.shape[1] == len(rows)  # no pair twice
        elif self.matrices.name.startswith("tm_"):
            table = pd.read_csv(self.matrices, index_col="time")
            table.columns = pd.MultiIndex.from_tuples(name.split(">") for name in table.columns)
        else:
            listed = pd.read_csv(self.matrices, index_col=["source", "target"])
            assert listed.index.is_unique
            table = listed.T
        sources, targets = (table.columns.get_level_values(level) for level in (0, 1))
        return table.loc[:, sources != targets]

    @property
    def tolerance(self) -> dict[str, float]:
        """For ``assert_allclose``: what rounding explains, and no more."""
        of_a_day = self.matrices.name.startswith("tm_")
        return {"atol": ROUNDED, "rtol": DIGITS if of_a_day else SOLVED}

    def network(self, weights: str = "listed") -> Network:
        """Return the network, with the ``listed`` weights as metrics or with ``hop`` count."""
        if self.topology.suffix == ".graph":
            graph = graph_of(self.topology)
        else:
            graph = nx.MultiGraph()
            graph.add_nodes_from(pd.read_csv(self.topology / "nodes.csv")["id"], kind="core")
            for link in pd.read_csv(self.topology / "links.csv").itertuples():
                join(
                    graph, link.source, link.target, self.capacity or link.capacity,
                    metric=link.weight, delay_ms=link.weight / 200,  # weights are close to km
                )  # fmt: skip
        if weights == "hop":
            nx.set_edge_attributes(graph, 1.0, "metric")
        return Network(graph, self.name)

    def demands(self, network: Network, time: Any | None = None) -> Demands:
        """Return the demands above zero at an instant; without one, all pairs at rate 0."""
        rates = self.rates.iloc[0] * 0 if time is None else self.rates.loc[time]
        rates = rates if time is None else rates[rates > 0]
        source, target = zip(*rates.index, strict=True)
        return Demands.of(network, source, target, rates.to_numpy())


def cases() -> Iterator[Case]:
    """Walk over everything that ``reference.json`` has figures of."""
    for name in ("abilene", "geant"):
        for day, figures in FIGURES[name]["days"].items():
            path = FOLDER / name / f"tm_{day}.csv.gz"
            yield Case(f"{name}-{day}", figures, FOLDER / name, path)
    peak, folder = FIGURES["abilene"]["peak_matrix_sndlib"], FOLDER / "abilene"
    # Its capacity is not the installed one: "uniform 40000 each direction".
    yield Case("abilene-peak", peak, folder, folder / "peak_matrix_sndlib.csv", 40_000.0)
    for name in ("germany50", "nobel-germany"):
        yield Case(name, FIGURES[name], FOLDER / name, FOLDER / name / "demands.csv")
    for setting, topologies in FIGURES["repetita"].items():
        for topology, matrices in topologies.items():
            for matrix, figures in matrices.items():
                folder = FOLDER / "repetita" / setting
                name = f"{setting}-{matrix.removesuffix('.demands')}"
                yield Case(name, figures, folder / f"{topology}.graph", folder / matrix)


CASES = list(cases()) if FIGURES else []


def lines(path: Path) -> list[str]:
    """Lines of a file, or of the same file packed."""
    if path.exists():
        return path.read_text().splitlines()
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()).decode().splitlines()


def graph_of(path: Path) -> nx.MultiGraph:
    """Read a ``.graph`` of REPETITA: directed edges, paired back into links."""
    text = lines(path)
    graph = nx.MultiGraph()
    graph.add_nodes_from((str(place) for place in range(int(text[0].split()[1]))), kind="core")
    begin = next(i for i, line in enumerate(text) if line.startswith("EDGES"))
    pairs: dict[tuple[int, int], tuple[list, list]] = {}
    for line in text[begin + 2 : begin + 2 + int(text[begin].split()[1])]:
        _, source, target, weight, capacity, delay_us = line.split()
        ends = (int(source), int(target))
        ways = pairs.setdefault((min(ends), max(ends)), ([], []))
        ways[ends[0] > ends[1]].append((float(capacity), float(weight), float(delay_us) / 1000))
    for (a, b), ways in pairs.items():
        for (capacity, metric, delay_ms), (back, back_metric, _) in zip(*ways, strict=True):
            assert metric == back_metric  # so it is in all of these files
            join(
                graph, str(a), str(b), capacity,
                capacity_ba_gbps=back, metric=metric, delay_ms=delay_ms,
            )  # fmt: skip
    return graph


def join(graph: nx.MultiGraph, a: str, b: str, capacity: float, **more: float) -> None:
    """Add a link, next in order."""
    order = graph.number_of_edges()
    graph.add_edge(a, b, key=f"link-{order}", order=order, a=a, b=b, capacity_gbps=capacity, **more)


def numbers(figures: Any) -> np.ndarray:
    """All numbers in a tree of figures, in order; the words in it do not count."""
    if isinstance(figures, dict):
        figures = list(figures.values())
    if isinstance(figures, list):
        return np.concatenate([numbers(figure) for figure in figures] or [np.empty(0)])
    return np.empty(0) if isinstance(figures, str) else np.array([float(figures)])
