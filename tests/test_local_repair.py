"""Local repair: the node before a dead link sends traffic on, until the network agrees."""

import numpy as np
import pytest
import sources
from conftest import SIZES, make_random_case, make_tiny
from helpers import asks, case_of, path_routes, play, sdn, static

import simulator as sim
from simulator.control.local_repair import locally_repaired
from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.traffic_source import Source

AT_H, RATE = 0.5, 60.0


def corner(second_gbps: float = 100.0, **more: float) -> Network:
    """Two gateways behind one core; ``near`` at the first, ``far`` at the second.

    With *spare* the first gateway has an exit of its own to fall back on.
    """
    links = [
        ("in", "home", "core", 1000.0, 1.0, 1.0),
        ("to-one", "core", "one", 1000.0, 1.0, 2.0),
        ("to-two", "core", "two", 1000.0, 1.0, 3.0),
        ("near", "one", "near-pop", 100.0, 1.0, 10.0),
        ("far", "two", "far-pop", second_gbps, 5.0, 30.0),
        ("near-on", "near-pop", "abroad", 1000.0, 1.0, 1.0),
        ("far-on", "far-pop", "abroad", 1000.0, 1.0, 1.0),
    ]
    if "spare" in more:
        links += [("spare", "one", "far-pop", more["spare"], 3.0, 20.0)]
    return make_tiny(
        *links,
        home="provincial",
        one="gateway",
        two="gateway",
        **{"near-pop": "pop", "far-pop": "pop", "abroad": "region"},
    )


def lost(network, strategy, rate=RATE, hours=1.0):
    demands = asks(network, ("home", "abroad", rate))
    case = case_of(network, demands, strategy, hours=hours, events=[{"at_h": AT_H, "link": "near"}])
    return play(case)


@pytest.mark.parametrize("strategy", [static, sdn])
@pytest.mark.parametrize("repair_s", [0.0, 0.14, 2.5])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_what_is_lost_is_rate_times_the_time_of_the_repair(strategy, repair_s):
    got = lost(corner(), strategy(local_repair_s=repair_s, detect_s=1.0, converge_s=2.0))
    assert got.figure("lost_gbit") == pytest.approx(RATE * repair_s, abs=1e-9)


def test_traffic_turns_round_at_the_gateway_until_the_network_has_reconverged():
    """Home, core, gateway, and back by the core: twice over the link to the first gateway."""
    network = corner()
    demands = asks(network, ("home", "abroad", RATE))
    routes = IgpEcmp().route(network, demands)
    cut = network.after(network_faults(network, "near"))
    repaired = locally_repaired(routes, cut, demands)
    load = dict(zip(arc_names(network), repaired.loads(demands.gbps), strict=True))
    assert {name: gbps for name, gbps in load.items() if gbps} == dict.fromkeys(
        ("home>core", "core>one", "one>core", "core>two", "two>far-pop", "far-pop>abroad"), RATE
    )
    assert repaired.served == pytest.approx([1.0])
    share, delay = repaired.arrivals(network.delay_ms)
    assert (share, delay) == (pytest.approx([1.0]), pytest.approx([1 + 2 + 2 + 3 + 30 + 1]))
    again = IgpEcmp().route(cut, demands)
    assert locally_repaired(again, cut, demands) is again


@pytest.mark.parametrize("strategy", [static, sdn])
def test_a_gateway_may_fill_its_other_links(strategy):
    """Until others react the gateway sends 60 Gbps into an exit of 25, and 35 are lost."""
    network = corner(spare=25.0)
    control = {"local_repair_s": 0.5, "detect_s": 1.0, "converge_s": 3.0}
    if strategy is sdn:
        control |= {"compute_s": 1.0, "install_s": 0.0}
    got = lost(network, strategy(**control))
    # Statically "spare" is the next best way as well; a controller finds room at "far" after 2 s.
    whole_s = 3600.0 * (1.0 - AT_H)
    overfull_s = whole_s - 0.5 if strategy is static else 2.0 - 0.5
    assert got.figure("lost_gbit") == pytest.approx(RATE * 0.5 + 35.0 * overfull_s)
    assert got.figure("exit_utilisation_peak", "exit:spare:out") == pytest.approx(RATE / 25.0)


def test_without_another_way_traffic_is_lost_as_before():
    network = make_tiny(("only", "a", "b", 10.0), a="core", b="core")
    demands = asks(network, ("a", "b", 4.0))
    routes = IgpEcmp().route(network, demands)
    cut = network.after(network_faults(network, "only"))
    kept = locally_repaired(routes, cut, demands)
    np.testing.assert_array_equal(kept.loads(demands.gbps), routes.loads(demands.gbps))


def test_a_tunnel_is_repaired_by_the_node_before_the_dead_link():
    network = corner()
    demands = asks(network, ("home", "abroad", RATE))
    far = ["home", "core", "two", "far-pop", "abroad"]
    near = ["home", "core", "one", "near-pop", "abroad"]
    routes = path_routes(network, (0.25, far), (0.75, near), demand=[0, 0])
    cut = network.after(network_faults(network, "near"))
    load = dict(zip(arc_names(network), locally_repaired(routes, cut, demands).loads(demands.gbps),
                    strict=True))  # fmt: skip
    assert load["two>far-pop"] == pytest.approx(RATE)
    assert load["one>core"] == pytest.approx(0.75 * RATE)
    assert load["one>near-pop"] == 0.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_as_walked_path_by_path(size, seed):
    """Independent: every path up to its first dead arc, then the node's own shortest paths."""
    network, demands = make_random_case(seed, size)
    rng = np.random.default_rng(seed)
    up = network.up.copy()
    dead_links = rng.choice(len(network.links), size=2, replace=False)
    up[2 * dead_links] = up[2 * dead_links + 1] = False
    cut = network.under(up=up)
    routes = IgpEcmp().route(network, demands)
    expected = np.zeros((len(network.tail), len(demands)))
    for demand, share, arcs in routes.paths():
        broken = next((i for i, arc in enumerate(arcs) if not up[arc]), None)
        if broken is None:
            expected[list(arcs), demand] += share
            continue
        at, own = network.tail[arcs[broken]], demands.take(np.array([demand]))
        onward = onward_from(cut, own, int(at))
        if onward is None:
            expected[list(arcs), demand] += share
            continue
        expected[list(arcs[:broken]), demand] += share
        expected[:, demand] += share * onward
    repaired = locally_repaired(routes, cut, demands)
    np.testing.assert_allclose(repaired.matrix.toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(
        repaired.loads(demands.gbps), expected @ demands.gbps, rtol=1e-12, atol=1e-12
    )
    assert np.all(repaired.served <= routes.served + 1e-12)


def onward_from(network, demand, node):
    """Share of a demand on each arc from a node on; None without a way. Exits all open here."""
    assert network.closed is None
    from_here = Demands(network.nodes, np.array([node]), demand.target, demand.traffic_class,
                        np.ones(1))  # fmt: skip
    if node == demand.target[0]:
        return None
    routes = IgpEcmp().route(network, from_here)
    return routes.loads(np.ones(1)) if routes.served[0] > 0 else None


def test_a_repair_that_comes_too_late_is_refused():
    strategy = static(local_repair_s=3.0, detect_s=1.0, converge_s=2.0)
    ((path, message),) = strategy.control.problems(corner())
    assert path == ("local_repair_s",)
    assert "3 s after a failure" in message


def test_a_screening_says_what_local_repair_fills(tmp_path):
    repairs = {f"strategies.{name}.control.local_repair_s": 0.1 for name in ("igp", "sdn")}
    scenario = sim.load("mini").with_changes(repairs)
    rows = sim.failures(scenario, of="gateways", at=21.0).tables["cases"]
    whole = rows[rows["strategy"].isin(["igp", "sdn"])]
    assert (whole["lost_gbps_repaired"] <= whole["lost_gbps_before"] + 1e-9).all()
    rest = rows[~rows["strategy"].isin(["igp", "sdn"])]
    assert rest["lost_gbps_repaired"].isna().all() and (rest["repaired_link"] == "").all()
    igp = whole[whole["strategy"] == "igp"].set_index("case").loc["gateway shanghai"]
    case = scenario.case
    network, hour = case.network, int(round(21.0 * 3600 / case.step_s))
    streams = Streams(case.seed, 0)
    demands = case.demands.with_gbps(
        Source(case.series, streams, case.steps, case.step_s, 0.0).rates(hour)
    )
    cut = network.after([Fault("gateway", "shanghai", 1.0)])
    routes = locally_repaired(IgpEcmp().route(network, demands), cut, demands)
    exits = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
    exits = exits[cut.up[exits]]
    used = routes.loads(demands.gbps)[exits] / cut.capacity_gbps[exits]
    assert igp["repaired_utilisation"] == pytest.approx(used.max())
    assert igp["repaired_link"] == network.links[exits[used.argmax()] // 2]


def arc_names(network):
    tail, head = (np.array(network.nodes)[ends] for ends in (network.tail, network.head))
    return [f"{a}>{b}" for a, b in zip(tail, head, strict=True)]


def network_faults(network, link):
    return [Fault("link", link, 1.0)]
