"""Carried: decisions as routers can carry them, and what that costs."""

import itertools
import re

import networkx as nx
import numpy as np
import pytest
from conftest import ROOT, built_in
from helpers import asks, case_of, play, sdn, static, two_exits

import simulator as sim
from simulator.control.carriers.carrier import carrier
from simulator.control.carriers.prefix_groups import PrefixGroups
from simulator.control.carriers.region import Region
from simulator.control.carrying import as_carried
from simulator.model.exit_shares import ExitShares
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import scheme

CARRIERS = {name: carrier.make(name) for name in carrier.names()}
CARRIERS["tunnels by igp"] = carrier.make("tunnels", inside="igp")


@pytest.fixture(scope="module")
def decided():
    """A network, demands four times as large outbound, a decision with splits, and static routes.

    The controller steers what crosses the border, around all else.
    """
    network, demands = built_in("china169-mini")
    mine = demands.take(demands.of_class(("international_out", "international_in"))).scaled(1.3)
    routes = scheme.make("kleinrock").route(network, mine)
    return network, mine, routes, IgpEcmp().route(network, mine)


def shares_of(network, demands, *rows):
    """Return exit shares from rows of demand, exit arc and share."""
    demand, arc, share = (np.array(column) for column in zip(*rows, strict=True))
    return ExitShares.summed(network, demands, demand, arc, share.astype(float))


# -- exit shares ----------------------------------------------------------------------------------


def test_exit_shares_are_those_of_the_paths(decided):
    network, demands, routes, below = decided
    for each in (routes, routes.scaled(0.6).with_fallback(below)):
        expected = {}
        exits = {int(arc) for way in network.exit_arcs.values() for arc in way}
        for demand, share, arcs in each.paths():
            (arc,) = exits & set(arcs)
            expected[demand, arc] = expected.get((demand, arc), 0.0) + share
        frame = each.exit_shares(demands)
        found = {(row.demand, row.exit, row.direction): row.share for row in frame.itertuples()}
        told = {
            (demand, network.links[arc // 2], network.directions[arc]): share
            for (demand, arc), share in expected.items()
            if share > 1e-9
        }
        assert found.keys() == told.keys()
        assert list(found.values()) == pytest.approx([told[key] for key in found], abs=1e-12)
        names = [demands.nodes[node] for node in demands.source[frame["demand"]]]
        assert frame["source"].tolist() == names


def largest_remainder(shares):
    """Hamilton's method, seat by seat."""
    quotas = [100 * share / sum(shares) for share in shares]
    whole = [int(quota + 1e-9) for quota in quotas]
    while sum(whole) < 100:
        rests = [round(quota - count, 9) for quota, count in zip(quotas, whole, strict=True)]
        at = rests.index(max(rests))
        whole[at] += 1
        quotas[at] = whole[at]
    return whole


@pytest.mark.parametrize("seed", range(20))
def test_whole_per_cents_are_by_the_largest_remainder(seed):
    network, _ = built_in("china169-mini")
    arcs, rng = network.exit_arcs["out"], np.random.default_rng(seed)
    rows, expected = [], []
    for demand in range(6):
        chosen = np.sort(rng.choice(arcs, size=rng.integers(1, 6), replace=False))
        share = rng.dirichlet(np.full(len(chosen), 0.4)) * rng.choice([1.0, 0.37])
        share = np.maximum(share, 1e-8)
        rows += [(demand, arc, part) for arc, part in zip(chosen, share, strict=True)]
        seats = largest_remainder(share.tolist())
        expected += [
            (demand, arc, count / 100 * share.sum())
            for arc, count in zip(chosen, seats, strict=True)
            if count
        ]
    made = shares_of(network, 6, *rows).in_whole_per_cents()
    found = list(zip(made.demand, made.arc, strict=True))
    assert found == [(demand, arc) for demand, arc, _ in expected]
    assert made.share == pytest.approx([share for *_, share in expected], abs=1e-12)


def test_a_share_below_half_a_per_cent_goes_and_nothing_is_lost():
    network, _ = built_in("china169-mini")
    one, two, three = network.exit_arcs["out"][:3]
    made = shares_of(network, 1, (0, one, 0.993), (0, two, 0.004), (0, three, 0.003))
    made = made.in_whole_per_cents()
    assert made.arc.tolist() == [one, two][: len(made.arc)]
    assert made.share.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(20))
def test_equal_splits_come_as_near_as_any(seed):
    network, demands = built_in("china169-mini")
    arcs, rng = network.exit_arcs["out"], np.random.default_rng(seed)
    chosen = np.sort(rng.choice(arcs, size=5, replace=False))
    share = rng.dirichlet(np.ones(5)) * 0.8
    asked = shares_of(network, 1, *((0, a, s) for a, s in zip(chosen, share, strict=True)))
    made = CARRIERS["ecmp_only"].carried(asked, demands.take(np.array([0])))
    assert made.share == pytest.approx(np.full(len(made.arc), 0.8 / len(made.arc)))

    def apart(picked):
        equal = np.isin(chosen, picked) * 0.8 / len(picked)
        return np.abs(share - equal).sum()

    sets = [s for n in range(1, 6) for s in itertools.combinations(chosen, n)]
    assert apart(tuple(made.arc)) == pytest.approx(min(map(apart, sets)))


# -- by destination -------------------------------------------------------------------------------


def test_hop_by_hop_every_source_takes_the_same_exit(decided):
    network, demands, routes, _ = decided
    asked = ExitShares.of(routes.matrix, network)
    made = Region().carried(asked, demands)
    exit_to = {}
    abroad = network.is_abroad
    for demand, arc in zip(made.demand, made.arc, strict=True):
        source, target = demands.source[demand], demands.target[demand]
        # No links join the ends abroad here: each is reached by exits of its own.
        end = target if abroad[target] else (source, target)
        exit_to.setdefault(end, set()).add(arc)
        used = asked.arc[demands.target[asked.demand] == target]
        assert arc in used, "an exit that the decision uses for this destination"
    assert all(len(arcs) == 1 for arcs in exit_to.values())
    assert made.served == pytest.approx(asked.served)
    one = PrefixGroups(count=1).carried(asked, demands)
    assert one.arc.tolist() == made.arc.tolist()


def test_groups_have_their_sizes_and_fill_what_was_to_be_filled(decided):
    network, demands, routes, _ = decided
    asked = ExitShares.of(routes.matrix, network)
    many = PrefixGroups(count=200, skew=0.0).carried(asked, demands)
    few = PrefixGroups(count=2, skew=0.0).carried(asked, demands)
    assert set(np.round(few.share, 9)) <= {0.5, 1.0}
    wanted = asked.loads(demands.gbps)

    def off(made):
        return np.abs(made.loads(demands.gbps) - wanted).sum()

    # Each group is put where most is left, so that exits miss at most a group.
    assert off(many) < 0.05 * wanted.sum() < off(few)


# -- routes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CARRIERS)
def test_what_is_installed_is_what_can_be_carried(decided, name):
    network, demands, routes, below = decided
    wanted = CARRIERS[name].carried(ExitShares.of(routes.matrix, network), demands)
    made, loss = as_carried(CARRIERS[name], routes, below, network, demands)
    found = ExitShares.of(made.matrix, network)
    assert found.demand.tolist() == wanted.demand.tolist()
    assert found.arc.tolist() == wanted.arc.tolist()
    assert found.share == pytest.approx(wanted.share, abs=1e-12)
    assert made.served == pytest.approx(routes.served)
    assert made.certificate is routes.certificate
    rate = demands.gbps
    apart = np.zeros(len(demands))
    asked = {(d, a): s for d, a, s in zip(*vars_of(routes, network), strict=True)}
    for d, a, s in zip(found.demand, found.arc, found.share, strict=True):
        apart[d] += max(s - asked.get((d, a), 0.0), 0.0)
    assert loss.not_carried_gbps == pytest.approx(float(apart @ rate), abs=1e-6)


def vars_of(routes, network):
    shares = ExitShares.of(routes.matrix, network)
    return shares.demand, shares.arc, shares.share


def test_explicit_tunnels_keep_the_paths_of_the_decision(decided):
    network, demands, routes, below = decided
    made, loss = as_carried(CARRIERS["tunnels"], routes, below, network, demands)
    paths = {(demand, arcs) for demand, _, arcs in routes.paths()}
    assert {(demand, arcs) for demand, _, arcs in made.paths()} <= paths
    splits = np.bincount(vars_of(routes, network)[0])
    assert loss.not_carried_gbps <= 0.01 * demands.gbps[splits > 1].sum()


@pytest.mark.parametrize("name", ["tunnels by igp", "region"])
def test_inside_traffic_follows_the_shortest_paths_by_metric(decided, name):
    network, demands, routes, below = decided
    made, _ = as_carried(CARRIERS[name], routes, below, network, demands)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    for arc, (tail, head) in enumerate(zip(network.tail, network.head, strict=True)):
        if network.is_abroad[tail] == network.is_abroad[head]:
            metric = min(network.metric[arc], graph.get_edge_data(tail, head, {}).get("w", np.inf))
            graph.add_edge(tail, head, w=metric)
    length = dict(nx.all_pairs_dijkstra_path_length(graph, weight="w"))
    exits = np.concatenate(list(network.exit_arcs.values()))
    for demand, _, arcs in made.paths():
        (at,) = np.flatnonzero(np.isin(arcs, exits))
        legs = arcs[:at], arcs[at + 1 :]
        ends = (
            (demands.source[demand], network.tail[arcs[at]]),
            (network.head[arcs[at]], demands.target[demand]),
        )
        for leg, (a, b) in zip(legs, ends, strict=True):
            assert network.metric[list(leg)].sum() == pytest.approx(length[a][b])


def test_two_exits_by_hand():
    """A cap of 64.3 Gbps at the near exit, 100 asked: 64.3 % becomes 64 %."""
    network = two_exits()
    demands = asks(network, ("home", "abroad", 100.0))
    routes = scheme.make("min_latency", utilisation_cap=0.643).route(network, demands)
    below = IgpEcmp().route(network, demands)
    made, loss = as_carried(CARRIERS["tunnels"], routes, below, network, demands)
    assert made.exit_shares(demands)["share"].tolist() == pytest.approx([0.64, 0.36])
    assert loss.asked_elsewhere_gbps == pytest.approx(35.7)
    assert loss.not_carried_gbps == pytest.approx(0.3)
    assert loss.carried_latency_ms == pytest.approx(0.003 * 11.0)
    assert loss.carried_utilisation == pytest.approx(-0.003)
    made, loss = as_carried(CARRIERS["region"], routes, below, network, demands)
    assert made.exit_shares(demands)["exit"].tolist() == ["near"]
    assert loss.not_carried_gbps == pytest.approx(35.7)
    assert loss.carried_utilisation == pytest.approx(1.0 - 0.643)


# -- in a run -------------------------------------------------------------------------------------


def played(**control):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 100.0))
    scheme_of = {"kind": "min_latency", "utilisation_cap": 0.643}
    strategies = {"static": static(), "it": sdn(scheme_of, **control)}
    return play(case_of(network, demands, strategies, hours=0.5))


def test_a_run_installs_what_routers_carry_and_says_what_that_costs():
    free, got = played(), played(carried_by="region")
    assert free.figure("exit_utilisation_peak", "exit:near:out") == pytest.approx(0.643)
    assert got.figure("exit_utilisation_peak", "exit:near:out") == pytest.approx(1.0)
    assert got.figure("asked_elsewhere_gbps") == pytest.approx(35.7)
    assert got.figure("not_carried_gbps") == pytest.approx(35.7)
    assert got.figure("carried_utilisation") == pytest.approx(0.357)
    assert not any(metric == "not_carried_gbps" for metric, _ in free.figures["it"])
    log = got.table("control")
    decided = log[log["layer"] == "controller"]
    assert decided["not_carried_gbps"].notna().all()
    assert log[log["layer"] == "static"]["not_carried_gbps"].isna().all()


def test_headroom_is_that_of_what_is_carried():
    """All by one exit of 100 Gbps: to 80 % there is less room than with splits at will."""
    assert played(carried_by="region").figure("headroom") == pytest.approx(0.8, rel=5e-3)
    assert played().figure("headroom") == pytest.approx(1.6, rel=5e-3)


@pytest.mark.parametrize("name", carrier.names())
def test_a_scenario_chooses_it_by_its_word(name):
    scenario = sim.load("mini").with_changes(
        {"horizon_h": 1, "replications": 1, "strategies.sdn-ideal.control.carried_by": name}
    )
    results = sim.run(scenario.with_strategies(["igp", "sdn-ideal"]))
    assert results.figure("sdn-ideal", "not_carried_gbps") >= 0.0
    with pytest.raises(sim.SimulatorError, match="way of carrying"):
        sim.load("mini").with_changes({"strategies.sdn-ideal.control.carried_by": "tunnel"})


def test_what_the_docs_say_of_china169(no_headroom):
    """The figures of the scenario, in the words of the docs and of its first comment."""
    results = sim.run(sim.load("carried-by-routers"))
    text = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    table = re.findall(
        r"^\| ([^|]*) \| ([-\d.]*) *\| ([-\d.]*) *\| (.*) % \| (.*) % \|$", text, re.M
    )
    names = ("as-decided", "tunnels", "ecmp-only", "prefix-groups", "region", "igp")
    assert len(table) == len(names)
    for name, (_, other, later, full, lost) in zip(names, table, strict=True):
        told = 100 * results.figure(name, "exit_utilisation_p95")
        gone = 100 * results.figure(name, "loss_fraction", "international_out")
        assert (full, lost) == (f"{told:.1f}", f"{gone:.2f}"), name
        if name not in ("as-decided", "igp"):
            assert other == f"{results.figure(name, 'not_carried_gbps'):.1f}", name
            assert later == f"{results.figure(name, 'carried_latency_ms'):.2f}", name
            assert round(results.figure(name, "asked_elsewhere_gbps")) == 763


# -- the table of decisions -----------------------------------------------------------------------

INSTANT = {
    "every_s": 900.0, "compute_s": 0.0, "install_s": 0.0, "staleness_s": 0.0, "window_s": 0.0,
    "noise_sigma": 0.0, "detect_s": 0.0, "converge_s": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def recorded():
    """A controller that acts at once at every step, and is killed in the end."""
    changes = {
        "horizon_h": 4, "step_s": 900, "replications": 1, "start": "2017-12-01T18:00",
        "record": {"demands": "pair", "decisions": True},
        "strategies": {
            "static": {"scheme": "igp_ecmp"},
            "sdn": {
                "scheme": {"kind": "min_latency", "utilisation_cap": 0.7, "classes": ["exit"]},
                "control": {**INSTANT, "carried_by": {"kind": "tunnels", "inside": "igp"}},
            },
        },
        "events": [{"at_h": 3.5, "controller": "sdn", "how": "killed"}],
    }  # fmt: skip
    return sim.run(sim.load("mini").with_changes(changes))


def test_decisions_and_traffic_make_the_load_of_exits(recorded):
    routes = recorded.table("routes")
    assert set(routes["strategy"]) == {"sdn"}
    demands = recorded.demands[recorded.demands["strategy"] == "sdn"]
    exits = recorded.exits[recorded.exits["strategy"] == "sdn"]
    held = {}
    for time, rows in demands[demands["time_s"] < 3.5 * 3600].groupby("time_s"):
        now = routes[routes["time_s"] == time]
        for pair, mine in now.groupby(["source", "target"], observed=True):
            held[pair] = list(zip(mine["exit"], mine["direction"], mine["share"], strict=True))
        load = {}
        rate = {(r.source, r.target): r.offered_gbps for r in rows.itertuples()}
        for pair, shares in held.items():
            for exit_id, way, share in shares:
                key = exit_id, way
                load[key] = load.get(key, 0.0) + share * rate[pair]
        there = exits[exits["time_s"] == time]
        for row in there.itertuples():
            assert row.offered_gbps == pytest.approx(
                load.get((row.exit, row.direction), 0.0), abs=1e-9
            )


def test_rows_say_what_stays_with_the_igp_and_when_it_is_over(recorded):
    routes = recorded.table("routes")
    last = routes[routes["time_s"] >= 3.5 * 3600]
    before = routes[routes["time_s"] < 3.5 * 3600]
    assert before["igp_share"].to_numpy() == pytest.approx(before["share"].to_numpy())
    assert (before["share"] * 100).round(6).mod(1).eq(0).all(), "whole per cents"
    assert (last["exit"] == "").all() and last["share"].eq(0).all()
    pairs = before[["source", "target"]].drop_duplicates()
    assert len(last) == len(pairs)
    assert last["time_s"].unique() == pytest.approx([3.5 * 3600 + 0.2])


def test_only_changes_have_rows(recorded):
    routes = recorded.table("routes")
    rows = routes[routes["time_s"] > 0].groupby("time_s")["source"].count()
    first = (routes["time_s"] == 0).sum()
    assert (rows.iloc[:-1] < first).all()


def test_keeping_decisions_changes_no_figure():
    base = {"horizon_h": 6, "replications": 1}
    plain = sim.run(sim.load("mini").with_changes(base))
    kept = sim.run(sim.load("mini").with_changes({**base, "record.decisions": True}))
    assert not kept.table("routes").empty and plain.table("routes").empty
    a, b = (each.summary["mean"].to_numpy() for each in (plain, kept))
    assert a == pytest.approx(b, rel=1e-9, abs=1e-9, nan_ok=True)
