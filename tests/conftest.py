"""The built-in networks, and random small ones that are valid and awkward."""

from __future__ import annotations

import functools
import gc
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Before NumPy comes: on matrices as small as these, threads of BLAS only wait, at full load.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("COLUMNS", None)  # text is as wide as without a terminal

import cpu_times
import networkx as nx
import numpy as np
import pytest
import validation

import simulator as sim
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.recording.headroom import Headroom
from simulator.recording.limit import Limit

pytest.register_assert_rewrite("laws")  # its asserts say what they found, as those of tests do

OFTEN = gc.get_threshold()
gc.set_threshold(50_000, 20, 50)  # a third of the time to collect tests was to look for garbage

ROOT = Path(__file__).parent.parent
TOPOLOGIES = ROOT / "topologies"
MINI = str(ROOT / "tests" / "scenarios" / "mini.yaml")
"""Two strategies on the small network: one static, and a controller that moves all at will."""
Case = tuple[Network, Demands]

#: Super cores, cores, provinces, gateways, pops, regions, demands.
SIZES = {
    "small": (1, 2, 3, 1, 2, 1, 12),
    "medium": (2, 3, 7, 2, 4, 3, 40),
    "large": (3, 6, 14, 3, 7, 5, 120),
}


def pytest_collection_modifyitems(items):
    """Mark the tests that the list ``thorough.txt`` has; see ``cpu_times.py``."""
    thorough = cpu_times.known()
    for item in items:
        if {item.nodeid, item.nodeid.partition("::")[0]} & thorough:
            item.add_marker(pytest.mark.thorough)


def pytest_addoption(parser):
    parser.addoption(
        "--renew-validation",
        action="store_true",
        help="write the reference values that tests compare, for docs/validation.md",
    )


@pytest.fixture(autouse=True)
def _reference_values(request):
    """Take note of what tests with the mark ``reference`` compare; see `validation`."""
    mark = request.node.get_closest_marker("reference")
    if mark is None:
        yield
        return
    with validation.noted(request.module) as rows:
        yield
    name = f"{Path(request.node.path).relative_to(ROOT).as_posix()}::{request.node.name}"
    source = mark.args[0]
    if rows and request.config.getoption("--renew-validation"):
        validation.write({name: {"source": source, "rows": rows}})
    elif rows:
        validation.check(name, source, rows)


def pytest_collection_finish():
    """Leave the tests and the libraries out of each search for garbage while tests run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*OFTEN)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give workers whole files, unless told otherwise: what tests of a file share is made once."""
    if config.option.dist != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # files with few tests are not the quick ones
    return LoadFileScheduling(config, log)


def built_in(name: str) -> Case:
    """Return a built-in network and its base matrix, made anew."""
    return pickle.loads(_read_once(name))


@functools.cache
def _read_once(name: str) -> bytes:
    network = sim.load_network(name)
    return pickle.dumps((network, sim.load_demands(TOPOLOGIES / f"{name}-base.csv", network)))


@contextmanager
def without_headroom() -> Iterator[None]:
    """Answer 1 for headroom, which asks the schemes when time is over, for half of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Headroom, "limit", lambda self: Limit(1.0))
        yield


@pytest.fixture
def no_headroom() -> Iterator[None]:
    """For tests that do not look at headroom; it is tested in ``test_control.py``."""
    with without_headroom():
        yield


@pytest.fixture(scope="session")
def china() -> Case:
    return built_in("china169-2017")


@pytest.fixture(scope="session")
def mini() -> Case:
    return built_in("china169-mini")


def make_tiny(*links: tuple, **kinds: str) -> Network:
    """Return a network from ``(id, a, b, capacity[, metric[, delay_ms]])``; nodes are cores.

    A link between a node at home and one abroad is an exit.
    """
    graph = nx.MultiGraph()
    for order, (link, a, b, capacity, *more) in enumerate(links):
        for node in (a, b):
            graph.add_node(node, kind=kinds.get(node, "core"))
        metric, delay = (*more, *(1.0, 1.0)[len(more) :])
        abroad = {kinds.get(node, "core") in ("pop", "region") for node in (a, b)}
        graph.add_edge(
            a,
            b,
            key=link,
            order=order,
            a=a,
            b=b,
            capacity_gbps=capacity,
            metric=metric,
            delay_ms=delay,
            cables={},
            **{"class": "exit" if len(abroad) == 2 else "core"},
        )
    return Network(graph, "tiny")


def make_random_case(seed: int, size: str = "medium") -> Case:
    """Return a random valid network and demands of all classes.

    Provinces hang on one to three nodes, sometimes twice on the same, and sometimes on each other;
    exits may run in parallel and may be written from either end; capacities differ by direction
    here and there. Metrics are all equal, small whole numbers (many ties) or fractions, by seed.
    """
    rng = np.random.default_rng(seed)
    supers, cores, provinces, gateways, pops, regions, asked = SIZES[size]
    graph = nx.MultiGraph()

    def nodes(kind: str, count: int) -> list[str]:
        made = [f"{kind}-{i}" for i in range(count)]
        for node in made:
            graph.add_node(node, kind=kind, weight=float(rng.uniform(0.1, 1)))
        return made

    def some(pool: list[str], most: int) -> list[str]:
        return list(rng.choice(pool, size=min(len(pool), rng.integers(1, most + 1)), replace=False))

    def join(a: str, b: str, kind: str, low: float, high: float, **more: object) -> None:
        order = graph.number_of_edges()
        there, back = np.round(rng.uniform(low, high, 2), 1)
        metric = (1.0, float(rng.integers(1, 5)), float(np.round(rng.uniform(0.1, 3), 1)))
        graph.add_edge(
            a,
            b,
            key=f"link-{order}",
            order=order,
            a=a,
            b=b,
            capacity_gbps=there,
            capacity_ba_gbps=back if rng.random() < 0.4 else there,
            metric=metric[seed % 3],
            delay_ms=float(rng.uniform(0.2, 20)),
            **{"class": kind, "cables": {}, **more},
        )

    trunk = nodes("super_core", supers)
    for i, node in enumerate(trunk):
        for other in trunk[:i]:
            join(node, other, "core", 80, 200)
    for node in nodes("core", cores):
        for other in some(trunk, 3):
            join(node, other, "core", 40, 160)
        trunk.append(node)
    stubs = nodes("provincial", provinces)
    for node in stubs:
        homes = some(trunk, 3)
        for home in homes + homes[: rng.random() < 0.3]:
            join(node, home, "provincial", 20, 80)
    join(stubs[0], stubs[1], "provincial", 20, 80)

    gates, abroad = nodes("gateway", gateways), nodes("pop", pops)
    for gate in gates:
        for core in some(trunk, 2):
            join(core, gate, "gateway", 20, 60)
    for i, pop in enumerate(abroad):
        for gate in [gates[i % gateways], *some(gates, 2)]:
            share = float(np.round(rng.uniform(0.1, 0.9), 2))
            cables = {f"cable-{i % 3}": share, f"cable-{3 + i % 2}": 1 - share}
            ends = (gate, pop) if rng.random() < 0.8 else (pop, gate)
            join(*ends, "exit", 2, 12, cables=cables)
        for other in some(abroad[:i], 2) if i else []:
            join(pop, other, "overseas", 5, 20)
    far = nodes("region", regions)
    for region in far:
        for pop in some(abroad, 2):
            join(pop, region, "access", 100, 200)

    home, away = stubs + trunk, far + abroad
    source, target = [], []
    for i in range(asked):
        pools = [(home, home), (home, away), (away, home), (home, home), (away, away)][i % 5]
        ends = [str(rng.choice(pool)) for pool in pools]
        if ends[0] != ends[1]:
            source.append(ends[0])
            target.append(ends[1])
    gbps = rng.lognormal(0.0, 1.0, len(source)) * 60 / asked
    return Network(graph, f"random-{size}-{seed}"), Demands.of(
        Network(graph, "x"), source, target, gbps
    )
