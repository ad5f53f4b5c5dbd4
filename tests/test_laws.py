"""What holds for every routing scheme, on every network, with and without faults.

One test solves one network by one scheme and tries every law of ``laws.py`` on the routes. Tests
stand network by network, so that a worker keeps what it has made of a network.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import built_in
from law_networks import CASES, case
from laws import (
    AS_DELIVERED,
    FLOW_LAWS,
    LAWS,
    afresh,
    broken,
    fingerprint,
    is_served_like,
    made,
    mlu,
    reachable,
    solved,
)

from simulator.routing.clairvoyant import Clairvoyant
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax
from simulator.routing.scheme import scheme

SCHEMES = scheme.names()
KINDS = [*SCHEMES, *(pytest.param(kind, marks=pytest.mark.slow) for kind in AS_DELIVERED)]
every_scheme = pytest.mark.parametrize("kind", KINDS)


def is_slow(name, kind):
    """Whether the pair is left out of the fast tests, as smaller networks cover the same laws."""
    return name.startswith("china") or kind in AS_DELIVERED


def pairs(names, slow=is_slow):
    """Parameters ``name, kind``, network by network."""
    return pytest.mark.parametrize(
        ("name", "kind"),
        [
            pytest.param(name, kind, marks=[pytest.mark.slow] * slow(name, kind))
            for name in names
            for kind in [*SCHEMES, *AS_DELIVERED]
        ],
    )


@pairs(CASES)
def test_every_law_holds(name, kind):
    messages = broken([*LAWS, *FLOW_LAWS.get(name, [])], solved(name, kind))
    assert not messages, "\n".join(messages)


def test_broken_laws_are_all_reported():
    def first(s):
        assert s.name == "x", "one reason"

    def second(s):
        assert s.kind == "x", "another"

    messages = broken([first, LAWS[0], second], solved("random small 0", "igp_ecmp"))
    assert [line.split("\n")[0] for line in messages] == [
        "first: igp_ecmp on random small 0: one reason",
        "second: igp_ecmp on random small 0: another",
    ]


# -- an optimum never gets worse by more room or less traffic ----------------------------------


@pytest.mark.parametrize("name", ["mini", "random small 0", "random medium 10", "random large 20"])
def test_more_capacity_or_less_demand_never_raises_an_optimum(name):
    network, demands = case(name)
    cap = max(0.5, solved(name, "min_max").routes.certificate.mlu * (1 + 1e-6))
    rng = np.random.default_rng(1)
    link = int(
        np.argmax(solved(name, "min_max").routes.loads(demands.gbps) / network.capacity_gbps)
    )
    more = np.where(np.arange(len(network.tail)) == link, 1.5, 1.0)
    changed = {
        "one link": (network.under(capacity_gbps=network.capacity_gbps * more), demands),
        "all links": (network.under(capacity_gbps=network.capacity_gbps * 1.2), demands),
        "one demand": (network, demands.with_gbps(np.append(demands.gbps[:-1], 0.0))),
        "all demands": (
            network,
            demands.with_gbps(demands.gbps * rng.uniform(0.5, 1.0, len(demands))),
        ),
    }
    optima = {
        "mlu": lambda n, d: MinMax().route(n, d).certificate.mlu,
        "cost": lambda n, d: Clairvoyant(utilisation_cap=0.5).route(n, d).certificate.objective,
        "latency": lambda n, d: MinLatency(utilisation_cap=cap).route(n, d).certificate.objective,
    }
    for what, optimum in optima.items():
        before = optimum(network, demands)
        for change, after in changed.items():
            assert optimum(*after) <= before * (1 + 1e-7), f"{what} after {change}"


# -- nothing but the arguments counts ----------------------------------------------------------

REPEATED = ["china", "mini", "mini, one-way failures", "random large 20"]


@pairs(REPEATED)
def test_two_calls_agree_to_the_last_bit(name, kind):
    assert fingerprint(afresh(name, kind)) == fingerprint(solved(name, kind).routes)


@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_another_process_agrees_to_the_last_bit_and_says_nothing(slow):
    """A process with another hash seed, which solves all cases afresh."""
    chosen = [(n, k) for n in REPEATED for k in [*SCHEMES, *AS_DELIVERED] if is_slow(n, k) == slow]
    code = (
        "import json, sys, laws\n"
        "print(json.dumps([laws.fingerprint(laws.solved(*each).routes)"
        " for each in json.loads(sys.argv[1])]))"
    )
    here = Path(__file__).parent
    seed = "4711" if os.environ.get("PYTHONHASHSEED") != "4711" else "42"
    paths = os.pathsep.join([str(here), str(here.parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(chosen)],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()  # no solver says anything: a verb may print JSON there
    there = json.loads(line)
    here_too = [fingerprint(solved(*each).routes) for each in chosen]
    assert [each for each, a, b in zip(chosen, there, here_too, strict=True) if a != b] == []


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
    router = made(kind)
    assert router.route(*CASES[before]()) is not None
    assert fingerprint(router.route(*CASES[name]())) == fingerprint(solved(name, kind).routes)


@every_scheme
def test_a_repair_restores_the_bytes_and_faults_leave_no_trace(kind):
    network, demands = built_in("china169-mini")
    router = made(kind)
    alone = fingerprint(router.route(network, demands))
    for change in (
        lambda n: n.failed(links=["beijing-la", "shanghai-la"]),
        lambda n: n.failed(nodes=["wuhan"]),
        lambda n: n.failed(cables=["TPE"]),
        lambda n: n.carrying(n.capacity_gbps / 3),
        lambda n: n.with_capacity("beijing-la", 1000.0),
    ):
        hit = change(network)
        fresh = change(built_in("china169-mini")[0])
        assert fingerprint(router.route(hit, demands)) == fingerprint(router.route(fresh, demands))
        half = demands.take(np.arange(len(demands)) % 2 == 0)
        router.route(hit, half)
    assert fingerprint(router.route(network, demands)) == alone


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 10", "random 30, one-way failures"])
def test_arguments_stay_as_they_are(name, kind):
    network, demands = CASES[name]()
    arrays = {k: v.copy() for k, v in vars(network).items() if isinstance(v, np.ndarray)}
    asked = demands.gbps.copy(), demands.source.copy(), demands.target.copy()
    router = made(kind)
    routes = router.route(network, demands)
    again = router.route(network, demands, routes)
    np.testing.assert_allclose(again.served, routes.served, atol=1e-12)
    for key, value in arrays.items():
        np.testing.assert_array_equal(vars(network)[key], value)
    for before, after in zip(asked, (demands.gbps, demands.source, demands.target), strict=True):
        np.testing.assert_array_equal(before, after)


# -- proportions -------------------------------------------------------------------------------

MEASURED = ["china", "mini", "mini, a cable cut", "random medium 10", "random medium 14"]
MEASURED += ["random medium 34", "random large 20", "random 34, one-way failures"]


def units_do_not_matter(name, kind, units):
    network, demands = case(name)
    routes = solved(name, kind).routes
    expected, loads = mlu(network, demands, routes), routes.loads(demands.gbps)
    for unit in units:
        scaled = network.under(capacity_gbps=network.capacity_gbps * unit)
        scaled_demands = demands.with_gbps(demands.gbps * unit)
        other = made(kind).route(scaled, scaled_demands)
        assert mlu(scaled, scaled_demands, other) == pytest.approx(expected, rel=1e-9), unit
        np.testing.assert_allclose(other.loads(demands.gbps), loads, atol=1e-6 * loads.max())
        assert abs(other.matrix - routes.matrix).max() < 1e-6, unit


@pairs(MEASURED)
def test_the_unit_of_rates_does_not_matter(name, kind):
    units_do_not_matter(name, kind, [1e9, 1e-12])


@pairs(MEASURED, slow=lambda name, kind: True)
def test_units_between_do_not_matter_either(name, kind):
    units_do_not_matter(name, kind, [1e3, 1e-3])


# -- corners -----------------------------------------------------------------------------------


@every_scheme
def test_no_demands_no_routes(kind):
    network, demands = case("mini")
    routes = made(kind).route(network, demands.take(np.zeros(len(demands), bool)))
    assert len(routes) == 0
    assert routes.served.shape == (0,)
    assert list(routes.paths()) == []
    np.testing.assert_array_equal(routes.loads(np.zeros(0)), 0)
    assert routes.matrix.shape == (len(network.tail), 0)


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 11", "random 32, one-way failures"])
def test_demands_of_zero_have_routes_all_the_same(name, kind):
    network, demands = case(name)
    can = reachable(name)
    for gbps in (demands.gbps * 0, np.where(np.arange(len(demands)) % 2, demands.gbps, 0.0)):
        served = made(kind).route(network, demands.with_gbps(gbps)).served
        assert is_served_like(kind, served, can).all()
        np.testing.assert_allclose(served[gbps == 0], can[gbps == 0], atol=1e-9)


@every_scheme
def test_nothing_is_up(kind):
    network, demands = case("mini")
    dead = network.under(up=np.zeros(len(network.tail), bool))
    routes = made(kind).route(dead, demands)
    assert len(routes) == len(demands)
    np.testing.assert_array_equal(routes.served, 0)


@every_scheme
@pytest.mark.parametrize("name", ["mini", "random medium 13"])
def test_the_order_of_demands_does_not_matter(name, kind):
    network, demands = case(name)
    order = np.random.default_rng(1).permutation(len(demands))
    routes = made(kind).route(network, demands.take(order))
    expected = solved(name, kind).routes.loads(demands.gbps)
    np.testing.assert_allclose(routes.loads(demands.gbps[order]), expected, atol=1e-6)
