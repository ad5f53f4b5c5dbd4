"""The networks on which every law is tried: whole, with faults, awkward, and with limited exits."""

import functools

import numpy as np
from conftest import built_in, make_random_case, make_tiny

from simulator.model.demands import Demands


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
    "mini, a city cut off": lambda: hurt(mini(), lambda n: n.failed(links=links_of(n, "wuhan"))),
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


def unlike_ways(network, seed):
    """Metrics and delays that differ there and back on most links; a tenth of them are one-way."""
    rng = np.random.default_rng(seed)
    whole = bool((network.metric == np.round(network.metric)).all())
    changes = {}
    for i, link in enumerate(network.links):
        metric = float(rng.integers(1, 7)) if whole else float(np.round(rng.uniform(0.1, 3), 1))
        delay_ms = float(network.delay_ms[2 * i] * rng.uniform(0.5, 3))
        changes[link] = {"metric_ba": metric, "delay_ba_ms": delay_ms}
        if rng.random() < 0.1:
            changes[link]["capacity_ba_gbps"] = 0.0
    return network.with_links(changes)


CASES["mini, unlike ways"] = lambda: hurt(mini(), lambda n: unlike_ways(n, 1))
CASES["mini, unlike ways, a cable cut"] = lambda: hurt(
    mini(), lambda n: unlike_ways(n, 2).failed(cables=["GD-HK"])
)
for _seed in range(70, 76):
    CASES[f"random {_seed}, unlike ways"] = functools.partial(
        lambda seed: hurt(
            make_random_case(seed, "small" if seed % 2 else "medium"),
            lambda n: unlike_ways(n, seed),
        ),
        _seed,
    )


@functools.cache
def case(name):
    return CASES[name]()
