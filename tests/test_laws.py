"""What holds for every routing scheme, on every network, with and without faults."""

import dataclasses
import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import link_loads
from simulator.routing.scheme import scheme

SCHEMES = scheme.names()


def one_way_failures(network, seed):
    """A tenth of the arcs down, each direction for itself."""
    up = np.random.default_rng(seed).random(len(network.tail)) > 0.1
    return network.under(up=up)


def china():
    return built_in("china169-2017")


def mini():
    return built_in("china169-mini")


def hurt(case, change):
    return change(case[0]), case[1]


def links_of(network, node):
    return [k for _, _, k in network.graph.edges(node, keys=True)]


def all_exits_down(network):
    return network.failed(links=[network.links[i] for i in network.exits])


CASES = {
    "china": china,
    "china, a cable cut": lambda: hurt(china(), lambda n: n.failed(cables=["GD-HK"])),
    "china, a province cut off": lambda: hurt(
        china(), lambda n: n.failed(links=links_of(n, "prov-tibet"))
    ),
    "china, a gateway cut off": lambda: hurt(
        china(), lambda n: n.failed(links=links_of(n, "igw-shanghai"))
    ),
    "mini": mini,
    "mini, a link down": lambda: hurt(mini(), lambda n: n.failed(links=["beijing--wuhan"])),
    "mini, a node down": lambda: hurt(mini(), lambda n: n.failed(nodes=["guangzhou"])),
    "mini, a cable cut": lambda: hurt(mini(), lambda n: n.failed(cables=["GD-HK"])),
    "mini, all exits down": lambda: hurt(mini(), all_exits_down),
    "mini, one-way failures": lambda: hurt(mini(), lambda n: one_way_failures(n, 5)),
}
for _size, _seeds in {"small": range(4), "medium": range(10, 16), "large": range(20, 22)}.items():
    for _seed in _seeds:
        CASES[f"random {_size} {_seed}"] = functools.partial(make_random_case, _seed, _size)
CASES["random medium 34"] = functools.partial(make_random_case, 34)
for _seed in range(30, 39, 2):
    CASES[f"random {_seed}, one-way failures"] = functools.partial(
        lambda seed: hurt(make_random_case(seed), lambda n: one_way_failures(n, seed)), _seed
    )
for _seed in range(40, 44):
    CASES[f"random {_seed}, a gateway down"] = functools.partial(
        lambda seed: hurt(make_random_case(seed), lambda n: n.failed(nodes=["gateway-0"])), _seed
    )


def one_province(*links, **kinds):
    """Traffic of all directions between a province, a region and other nodes."""
    kinds = {"gw": "gateway", "gw1": "gateway", "gw2": "gateway", "pop": "pop", **kinds}
    network = make_tiny(*links, **{"p1": "provincial", "region": "region", **kinds})
    ends = [("p1", "region"), ("region", "p1"), ("core", "region"), ("region", "core")]
    source, target = zip(*ends, strict=True)
    return network, Demands.of(network, source, target, [1.0, 2.0, 3.0, 4.0])


AWKWARD = {
    "an exit at a province": one_province(
        ("p1-core", "p1", "core", 10), ("core-p2", "core", "p2", 10),
        ("exit-p2", "p2", "pop", 10), ("core-gw", "core", "gw", 10, 50.0),
        ("exit-gw", "gw", "pop", 10, 50.0), ("access", "pop", "region", 10),
        p2="provincial",
    ),
    "an exit straight to a region": one_province(
        ("p1-core", "p1", "core", 10), ("core-gw1", "core", "gw1", 10),
        ("exit-2", "gw1", "region2", 10), ("access-2", "pop", "region2", 10),
        ("core-gw2", "core", "gw2", 10, 50.0), ("exit-pop", "gw2", "pop", 10, 50.0),
        ("access", "pop", "region", 10), region2="region",
    ),
    "two exits in parallel": one_province(
        ("p1-core", "p1", "core", 10), ("core-gw", "core", "gw", 10),
        ("exit-1", "gw", "pop", 10), ("exit-2", "pop", "gw", 10),
        ("access", "pop", "region", 10), ("access-2", "pop", "region", 10),
    ),
    "no exit at all": one_province(
        ("p1-core", "p1", "core", 10), ("access", "pop", "region", 10)
    ),
}  # fmt: skip
for _dead in range(8):
    # Two gateways, the nearer one cut in one direction on its way in or on its way out.
    _network, _demands = one_province(
        ("p1-core", "p1", "core", 10), ("core-gw1", "core", "gw1", 10),
        ("core-gw2", "core", "gw2", 10, 50.0), ("exit-1", "gw1", "pop", 10),
        ("exit-2", "gw2", "pop", 10, 50.0), ("access", "pop", "region", 10),
    )  # fmt: skip
    _arc = (2, 3, 6, 7, 4, 5, 8, 9)[_dead]
    _cut = _network.under(up=np.arange(len(_network.tail)) != _arc)
    AWKWARD[f"{_network.arc_name(_arc)} cut one way"] = _cut, _demands
CASES.update({name: functools.partial(AWKWARD.get, name) for name in AWKWARD})


def with_reach(network, demands, seed):
    """Every other exit reaches some ends abroad only; those that nothing reaches lose traffic."""
    rng = np.random.default_rng(seed)
    ends = np.unique(np.concatenate([demands.source, demands.target]))
    abroad = [network.nodes[i] for i in ends if network.is_abroad[i]]
    for exit_ in network.exits[::2]:
        some = [end for end in abroad if rng.random() < 0.5]
        network = network.with_link(network.links[exit_], reaches=tuple(some or abroad[:1]))
    return network, demands


CASES["china, exits reach some"] = lambda: with_reach(*china(), 1)
CASES["mini, exits reach some"] = lambda: with_reach(*mini(), 1)
CASES["mini, exits reach some, a cable cut"] = lambda: hurt(
    with_reach(*mini(), 2), lambda n: n.failed(cables=["GD-HK"])
)
for _seed in range(60, 66):
    CASES[f"random {_seed}, exits reach some"] = functools.partial(
        lambda seed: with_reach(*make_random_case(seed, "small" if seed % 2 else "medium"), seed),
        _seed,
    )


@functools.cache
def case(name):
    return CASES[name]()


@functools.cache
def solved(name, kind):
    network, demands = case(name)
    return scheme.make(kind).route(network, demands)


@functools.cache
def all_paths(name, kind):
    return list(solved(name, kind).paths())


def fingerprint(routes):
    """Every byte of the routes, whatever they are made of."""
    digest = hashlib.sha256()

    def take(value):
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).tobytes())
        elif sparse.issparse(value):
            for part in (value.data, value.indices, value.indptr):
                take(part)
        elif isinstance(value, tuple):
            for part in value:
                take(part)
        elif dataclasses.is_dataclass(value):
            take(tuple(getattr(value, field.name) for field in dataclasses.fields(value)))
        elif not isinstance(value, Network):
            digest.update(repr(value).encode())

    take(routes)
    take(routes.matrix)
    return digest.hexdigest()


every_scheme = pytest.mark.parametrize("kind", SCHEMES)
everywhere = pytest.mark.parametrize("name", CASES)


# -- where the traffic goes --------------------------------------------------------------------


@every_scheme
@everywhere
def test_nothing_vanishes_on_the_way(name, kind):
    network, demands = case(name)
    routes = solved(name, kind)
    each = np.arange(len(demands))
    out = np.zeros((len(network.nodes), len(demands)))
    matrix = routes.matrix.toarray()
    np.add.at(out, network.tail, matrix)
    np.subtract.at(out, network.head, matrix)
    out[demands.source, each] -= routes.served
    out[demands.target, each] += routes.served
    assert np.abs(out).max() < 1e-9
    assert matrix.min() >= 0
    np.testing.assert_allclose(routes.loads(demands.gbps), matrix @ demands.gbps, atol=1e-9)


@every_scheme
@everywhere
def test_exactly_those_are_served_that_can_be(name, kind):
    network, demands = case(name)
    served = solved(name, kind).served
    can = reachable(network, demands)
    wrong = np.flatnonzero(~is_served_like(kind, served, can))
    assert not len(wrong), [(demands.names[i], float(served[i])) for i in wrong[:5]]


def is_served_like(kind, served, can):
    """Whether each demand is served as it can be: whole, or in part by a scheme that shapes."""
    if getattr(scheme[kind], "shapes", False):
        return ((served > 0) == (can > 0)) & (served <= 1 + 1e-9)
    return np.abs(served - can) <= 1e-9


def reachable(network, demands):
    """Which demands have a way, says NetworkX under the same rules."""
    can = np.zeros(len(demands))
    outer = np.where(network.is_abroad[demands.target], demands.target, demands.source)
    outer = np.where(network.is_abroad[outer], outer, -1)
    for target, end in np.unique(np.stack([demands.target, outer]), axis=1).T:
        usable = network.usable(bool(network.is_abroad[target]))
        usable &= ~network.is_stub[network.head] | (network.head == target)
        if end >= 0:
            usable &= ~np.array([is_closed(network, arc, end) for arc in range(len(usable))])
        graph = nx.DiGraph(zip(network.tail[usable], network.head[usable], strict=True))
        graph.add_node(target)
        mine = (demands.target == target) & (outer == end)
        can[mine] = np.isin(demands.source[mine], list(nx.ancestors(graph, target)))
    return can


def is_closed(network, arc, end):
    """Whether an arc belongs to an exit that does not reach an end abroad, says the graph."""
    reaches = network.attributes(network.links[arc // 2]).get("reaches")
    return bool(reaches) and network.nodes[end] not in reaches


@every_scheme
@everywhere
def test_paths_are_paths(name, kind):
    network, demands = case(name)
    routes, paths = solved(name, kind), all_paths(name, kind)
    served = np.zeros(len(demands))
    matrix = np.zeros(routes.matrix.shape)
    for demand, share, arcs in paths:
        assert share > 0
        walked = [demands.source[demand], *network.head[list(arcs)]]
        assert list(network.tail[list(arcs)]) == walked[:-1]
        assert walked[-1] == demands.target[demand]
        assert len(set(walked)) == len(walked), "a node is visited twice"
        served[demand] += share
        matrix[list(arcs), demand] += share
    np.testing.assert_allclose(served, routes.served, atol=1e-9)
    np.testing.assert_allclose(matrix, routes.matrix.toarray(), atol=1e-9)


@every_scheme
@everywhere
def test_paths_keep_the_rules(name, kind):
    network, demands = case(name)
    home = ~network.is_abroad
    for demand, _, arcs in all_paths(name, kind):
        arcs = list(arcs)
        assert network.up[arcs].all(), "a dead link"
        assert not network.is_stub[network.tail[arcs[1:]]].any(), "transit through a stub"
        ends = home[demands.source[demand]], home[demands.target[demand]]
        crossed = np.count_nonzero((network.crosses_out | network.crosses_in)[arcs])
        assert crossed == (ends[0] != ends[1]), "the border is crossed more often than needed"
        for end in {demands.source[demand], demands.target[demand]}:
            if network.is_abroad[end] and crossed:
                assert not any(is_closed(network, arc, end) for arc in arcs), "an exit not open"


@every_scheme
@everywhere
def test_loads_can_be_listed(name, kind):
    network, demands = case(name)
    table = link_loads(solved(name, kind), demands)
    assert len(table) == len(network.tail)
    assert (table["offered_gbps"][~network.up] == 0).all()
    assert table["utilisation"].isna().equals(table["capacity_gbps"] == 0)


# -- nothing but the arguments counts ----------------------------------------------------------

REPEATED = ["china", "mini", "mini, one-way failures", "random large 20"]


@every_scheme
@pytest.mark.parametrize("name", REPEATED)
def test_two_calls_agree_to_the_last_bit(name, kind):
    network, demands = CASES[name]()
    first = fingerprint(scheme.make(kind).route(network, demands))
    assert fingerprint(scheme.make(kind).route(network, demands)) == first
    assert fingerprint(solved(name, kind)) == first


@pytest.fixture(scope="module")
def elsewhere():
    """Fingerprints from a process of its own, with another hash seed."""
    here = Path(__file__)
    code = (
        "import json, test_laws as laws\n"
        "print(json.dumps({f'{n}/{k}': laws.fingerprint(laws.solved(n, k))"
        " for n in laws.REPEATED for k in laws.SCHEMES}))"
    )
    seed = "4711" if os.environ.get("PYTHONHASHSEED") != "4711" else "42"
    paths = os.pathsep.join([str(here.parent), str(here.parent.parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@every_scheme
@pytest.mark.parametrize("name", REPEATED)
def test_another_process_agrees_to_the_last_bit(name, kind, elsewhere):
    assert elsewhere[f"{name}/{kind}"] == fingerprint(solved(name, kind))


@every_scheme
@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("random large 20", "mini"),
        ("mini, all exits down", "random medium 12"),
        ("mini, a node down", "mini, a cable cut"),
    ],
)
def test_what_was_solved_before_does_not_matter(before, name, kind):
    alone = fingerprint(scheme.make(kind).route(*CASES[name]()))
    made = scheme.make(kind)
    old = made.route(*CASES[before]())
    assert fingerprint(made.route(*CASES[name]())) == alone
    assert old is not None


@every_scheme
def test_faults_on_one_network_leave_no_trace(kind):
    network, demands = mini()
    made = scheme.make(kind)
    alone = fingerprint(made.route(network, demands))
    for change in (
        lambda n: n.failed(links=["beijing-la", "shanghai-la"]),
        lambda n: n.failed(nodes=["wuhan"]),
        lambda n: n.failed(cables=["TPE"]),
        lambda n: n.carrying(n.capacity_gbps / 3),
        lambda n: n.with_capacity("beijing-la", 1000.0),
    ):
        hit = change(network)
        fresh = change(mini()[0])
        assert fingerprint(made.route(hit, demands)) == fingerprint(made.route(fresh, demands))
        half = demands.take(np.arange(len(demands)) % 2 == 0)
        made.route(hit, half)
    assert fingerprint(made.route(network, demands)) == alone


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 10", "random 30, one-way failures"])
def test_arguments_stay_as_they_are(name, kind):
    network, demands = CASES[name]()
    arrays = {k: v.copy() for k, v in vars(network).items() if isinstance(v, np.ndarray)}
    asked = demands.gbps.copy(), demands.source.copy(), demands.target.copy()
    made = scheme.make(kind)
    routes = made.route(network, demands)
    again = made.route(network, demands, routes)
    np.testing.assert_allclose(again.served, routes.served, atol=1e-12)
    for key, value in arrays.items():
        np.testing.assert_array_equal(vars(network)[key], value)
    np.testing.assert_array_equal(asked[0], demands.gbps)
    np.testing.assert_array_equal(asked[1], demands.source)
    np.testing.assert_array_equal(asked[2], demands.target)


# -- proportions -------------------------------------------------------------------------------


def mlu(network, demands, routes):
    live = network.up & (network.capacity_gbps > 0)
    return (routes.loads(demands.gbps)[live] / network.capacity_gbps[live]).max()


@every_scheme
@pytest.mark.parametrize("unit", [1e9, 1e3, 1e-3, 1e-12])
@pytest.mark.parametrize(
    "name",
    ["china", "mini", "mini, a cable cut", "random medium 10", "random medium 14"]
    + ["random medium 34", "random large 20", "random 34, one-way failures"],
)
def test_the_unit_of_rates_does_not_matter(name, unit, kind):
    network, demands = case(name)
    routes = solved(name, kind)
    scaled = network.under(capacity_gbps=network.capacity_gbps * unit)
    scaled_demands = demands.with_gbps(demands.gbps * unit)
    other = scheme.make(kind).route(scaled, scaled_demands)
    expected = mlu(network, demands, routes)
    assert mlu(scaled, scaled_demands, other) == pytest.approx(expected, rel=1e-9)
    loads = routes.loads(demands.gbps)
    np.testing.assert_allclose(other.loads(demands.gbps), loads, atol=1e-6 * loads.max())
    difference = abs(other.matrix - routes.matrix)
    assert difference.max() < 1e-6


# -- corners -----------------------------------------------------------------------------------


@every_scheme
def test_no_demands_no_routes(kind):
    network, demands = case("mini")
    routes = scheme.make(kind).route(network, demands.take(np.zeros(len(demands), bool)))
    assert len(routes) == 0
    assert routes.served.shape == (0,)
    assert list(routes.paths()) == []
    np.testing.assert_array_equal(routes.loads(np.zeros(0)), 0)
    assert routes.matrix.shape == (len(network.tail), 0)


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 11", "random 32, one-way failures"])
def test_demands_of_zero_have_routes_all_the_same(name, kind):
    network, demands = case(name)
    for gbps in (demands.gbps * 0, np.where(np.arange(len(demands)) % 2, demands.gbps, 0.0)):
        served = scheme.make(kind).route(network, demands.with_gbps(gbps)).served
        can = reachable(network, demands)
        assert is_served_like(kind, served, can).all()
        np.testing.assert_allclose(served[gbps == 0], can[gbps == 0], atol=1e-9)


@every_scheme
def test_nothing_is_up(kind):
    network, demands = case("mini")
    dead = network.under(up=np.zeros(len(network.tail), bool))
    routes = scheme.make(kind).route(dead, demands)
    assert len(routes) == len(demands)
    np.testing.assert_array_equal(routes.served, 0)


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 13"])
def test_the_order_of_demands_does_not_matter(name, kind):
    network, demands = case(name)
    order = np.random.default_rng(1).permutation(len(demands))
    routes = scheme.make(kind).route(network, demands.take(order))
    expected = solved(name, kind).loads(demands.gbps)
    np.testing.assert_allclose(routes.loads(demands.gbps[order]), expected, atol=1e-6)
