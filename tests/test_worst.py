"""Worst cases: equal to trying everything, never below a sample, and as published figures say."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sources
from click.testing import CliRunner
from conftest import make_tiny
from helpers import asks, two_exits
from risk_networks import carried, flow_graph, random_border, sets_of, vertices

import simulator as sim
from simulator.cli.main import main
from simulator.control.strategy import Strategy
from simulator.model.link_state import link_state
from simulator.model.reliability import FailureFigures, Reliability, elements_of
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.min_max import MinMax
from simulator.study import worst_search
from simulator.study.behaviour import FixedRoutes

WAYS = {"out": "international_out", "in": "international_in"}


def table(answer, **at):
    """The row of the main table that matches."""
    frame = answer.tables["worst"]
    for key, value in at.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def by_regions(network, demands, named):
    """The regions of one direction, with their sums, and its homes."""
    mine = demands.take(demands.of_class(named))
    abroad, home = (mine.target, mine.source) if named == WAYS["out"] else (
        mine.source, mine.target)  # fmt: skip
    sums = {network.nodes[r]: float(mine.gbps[abroad == r].sum()) for r in np.unique(abroad)}
    return sums, {network.nodes[h] for h in np.unique(home)}


# -- equal to trying everything -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_what_no_routing_serves_equals_all_sets_and_all_corners(seed):
    network, demands = random_border(seed)
    elements = elements_of(network, None, ("cables",))
    least, box, total = 2e-3, 0.4, 1.15
    highest = 0.0
    for chosen in sets_of(network, elements, least):
        after, lost = network.after([each.fault for each in chosen]), 0.0
        for way, named in WAYS.items():
            sums, homes = by_regions(network, demands, named)
            graph, base = flow_graph(after, way, homes), np.array(list(sums.values()))
            lost += max(
                point.sum() - carried(graph, dict(zip(sums, point, strict=True)))
                for point in vertices(base, box, total)
            )
        highest = max(highest, lost)
    answer = sim.worst(network, demands, scheme="min_max", probability=least, box=box, total=total)
    row = table(answer, metric="unserved_gbps")
    assert row["value"] == pytest.approx(highest, abs=1e-6)
    assert row["bound"] >= row["value"]


@pytest.mark.parametrize("seed", range(10))
def test_what_fixed_routes_lose_equals_all_sets_and_all_corners(seed):
    network, demands = random_border(seed)
    elements = elements_of(network, None, ("cables",))
    least, box, total = 5e-3, 0.4, 1.15
    lost_most, full_most = 0.0, 0.0
    for chosen in sets_of(network, elements, least):
        after, lost = network.after([each.fault for each in chosen]), 0.0
        for way, named in WAYS.items():
            mine = demands.take(demands.of_class(named))
            share = IgpEcmp().route(after, mine).matrix.toarray()[network.exit_arcs[way]]
            left = after.capacity_gbps[network.exit_arcs[way]]
            points = np.array(list(vertices(mine.gbps, box, total)))
            load = points @ share.T
            unrouted = points @ np.clip(1 - share.sum(axis=0), 0, None)
            lost += (np.maximum(load - left, 0).sum(axis=1) + unrouted).max()
            live = left > 1e-9
            full_most = max(full_most, (load[:, live] / left[live]).max(initial=0.0))
            if unrouted.max() > 1e-9:
                full_most = math.inf
        lost_most = max(lost_most, lost)
    answer = sim.worst(network, demands, scheme="igp_ecmp", probability=least, box=box, total=total)
    assert table(answer, metric="unserved_gbps")["value"] == pytest.approx(lost_most, abs=1e-6)
    assert table(answer, metric="exit_utilisation")["value"] == pytest.approx(full_most, rel=1e-6)


def test_the_mini_equals_programs_over_all_likely_sets_and_corners():
    """Utilisation by the full network with its backbone, unserved by flows."""
    scenario = sim.load("mini")
    network, demands = scenario.network, scenario.demands
    elements = elements_of(network, None, ("cables",))
    full, lost_most = 0.0, 0.0
    for chosen in sets_of(network, elements, 1.2e-2):
        after, lost = network.after([each.fault for each in chosen]), 0.0
        for way, named in WAYS.items():
            sums, homes = by_regions(network, demands, named)
            base, graph, worst_d = (
                np.array(list(sums.values())),
                flow_graph(after, way, homes),
                None,
            )
            cut = 0.0
            for point in vertices(base, 0.3, 1.1):
                short = point.sum() - carried(graph, dict(zip(sums, point, strict=True)))
                if short > cut:
                    cut = short
            lost += cut
            mask = demands.of_class(named)
            end = demands.target if way == "out" else demands.source
            for worst_d in vertices(base, 0.3, 1.1):
                factor = dict(zip(sums, worst_d / base, strict=True))
                gbps = demands.gbps * [factor.get(network.nodes[e], 1.0) for e in end]
                asked = demands.with_gbps(np.where(mask, gbps, 0.0)).take(mask)
                routes = MinMax(classes=("exit",)).route(after, asked)
                full = max(full, routes.certificate.mlu) if routes.served.min() > 0.99 else math.inf
                if math.isinf(full):
                    break
        lost_most = max(lost_most, lost)
    answer = sim.worst("mini", probability=1.2e-2)
    row = table(answer, strategy="sdn-ideal", metric="unserved_gbps")
    assert row["value"] == row["bound"] == pytest.approx(lost_most, abs=1e-6)
    level = table(answer, strategy="sdn-ideal", metric="exit_utilisation")
    assert level["value"] == level["bound"] == pytest.approx(full, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exactly", [False, True])
def test_a_program_finds_what_listing_finds(seed, exactly, monkeypatch):
    network, demands = random_border(seed)
    asked = {"scheme": "min_max", "probability": [1e-2, 1e-3],
             "meaning": "exactly" if exactly else "all"}  # fmt: skip
    listed = sim.worst(network, demands, **asked).tables["worst"]
    monkeypatch.setattr(worst_search, "_MOST_FIGURES", 0)
    found = sim.worst(network, demands, **asked).tables["worst"]
    for column in ("value", "single_failure_value"):
        np.testing.assert_allclose(found[column], listed[column], rtol=1e-4, atol=1e-5)
    assert (found["bound"] >= listed["value"] - 1e-6).all()


# -- as published ---------------------------------------------------------------------------------

PUBLISHED = {  # inbound alone: unserved Gbps and utilisation of the fullest exit
    1e-2: (303, 1.574, 1041, 17.5),
    1e-3: (645, 3.311, 1111, 27.3),
    1e-4: (807, 5.467, 1178, 32.9),
    1e-6: (1078, math.inf, 1349, 37.6),
}


@pytest.fixture(scope="module")
def inbound():
    """The answer for inbound traffic of the large network."""
    scenario = sim.load("china169-2017")
    demands = scenario.demands
    kept = demands.take(~demands.of_class("international_out"))
    return sim.worst(
        scenario.network, kept, scheme=["min_max", "igp_ecmp"], probability=list(PUBLISHED)
    )


@pytest.mark.parametrize("least", PUBLISHED)
@pytest.mark.reference(sources.PROTOTYPES)
def test_figures_are_those_of_the_prototype(inbound, least):
    unserved, full, static_unserved, static_full = PUBLISHED[least]
    at = {"strategy": "min_max", "probability": least}
    row = table(inbound, **at, metric="unserved_gbps")
    assert row["value"] == row["bound"] == pytest.approx(unserved, abs=0.6)
    level = table(inbound, **at, metric="exit_utilisation")
    assert level["value"] == level["bound"] == pytest.approx(full, abs=6e-4)
    at["strategy"] = "igp_ecmp"
    row = table(inbound, **at, metric="unserved_gbps")
    assert row["value"] == pytest.approx(static_unserved, abs=0.6) and row["bound"] >= row["value"]
    level = table(inbound, **at, metric="exit_utilisation")
    assert level["connected_value"] == pytest.approx(static_full, abs=0.06)


@pytest.mark.reference(sources.PROTOTYPES)
def test_multiples_of_the_worst_single_failure(inbound):
    for least, times in ((1e-2, 1.6), (1e-3, 3.4), (1e-4, 5.6)):
        row = table(inbound, strategy="min_max", probability=least, metric="exit_utilisation")
        assert row["times_single"] == pytest.approx(times, abs=0.05)
        assert row["single_failure"] == "TPE"
        assert row["single_failure_value"] == pytest.approx(0.978, abs=6e-4)


@pytest.mark.reference(sources.PROTOTYPES)
def test_exact_states_are_another_question():
    scenario = sim.load("china169-2017").with_strategies(["sdn-ideal"])
    answer = sim.worst(scenario, probability=[1e-3, 1e-4], meaning="exactly")
    for least, value in ((1e-3, 1.632603), (1e-4, 4.443822)):
        row = table(answer, probability=least, metric="exit_utilisation")
        assert row["value"] == pytest.approx(value, abs=1e-6)
    assert "exactly these down" in answer.head[0]


def test_a_fifth_of_the_faults():
    """94 sets and 1.574 at 1e-4, as at 1e-2."""
    scenario = sim.load("china169-2017").with_strategies(["sdn-ideal"])
    answer = sim.worst(scenario, probability=1e-4)
    fewer = answer.tables["fewer_faults"].iloc[0]
    rare = {"reliability.cables.faults_per_1000km_year": 0.17 / 5}
    asked = sim.worst(scenario.with_changes(rare), probability=1e-4)
    assert fewer["value"] == pytest.approx(table(asked, metric="unserved_gbps")["value"])
    assert table(asked, metric="exit_utilisation")["value"] == pytest.approx(1.574, abs=6e-4)


@pytest.mark.reference(sources.PROTOTYPES)
def test_forty_eight_elements_by_a_program():
    """1,135 Gbps at 1e-6: three cables and a gateway."""
    scenario = sim.load("china169-2017")
    stated = {
        "exits": {"mtbf_h": 997.0, "mttr_h": 3.0}, "gateways": {"mtbf_h": 999.0, "mttr_h": 1.0},
        "overseas": {"mtbf_h": 95.0, "mttr_h": 5.0},
    }  # fmt: skip
    network = scenario.network.with_about(
        replace(scenario.network.about,
                reliability=Reliability(**stated).over(scenario.network.about.reliability))
    )  # fmt: skip
    demands = scenario.demands.take(~scenario.demands.of_class("international_out"))
    of = ("cables", "exits", "overseas", "gateways")
    answer = sim.worst(network, demands, scheme="min_max", probability=[1e-4, 1e-6], of=of)
    assert len(answer.tables["elements"]) == 48
    row = table(answer, probability=1e-6, metric="unserved_gbps")
    assert row["value"] == pytest.approx(1134.99, abs=0.02)
    assert set(row["faults"].split(" + ")) == {"APCN-2", "APG", "TPE", "igw-guangzhou"}
    row = table(answer, probability=1e-4, metric="unserved_gbps")
    assert row["value"] == pytest.approx(806.99, abs=0.02) and row["bound"] < 807.1


# -- never below a sample -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [2, 5])
def test_no_sampled_case_is_above_the_bound(seed):
    """Through the schemes themselves, on the network with its backbone."""
    scenario = sim.load("mini")
    network, demands = scenario.network, scenario.demands
    least = 1e-3
    answer = sim.worst(scenario, probability=least)
    lost_igp = table(answer, strategy="igp", metric="unserved_gbps")["bound"]
    level = table(answer, strategy="sdn-ideal", metric="exit_utilisation")
    lost_free = table(answer, strategy="sdn-ideal", metric="unserved_gbps")["bound"]
    elements = elements_of(network, None, ("cables",))
    every = list(sets_of(network, elements, least))
    rng = np.random.default_rng(seed)
    connected = level["connected_value"]
    for _ in range(25):
        chosen = every[rng.integers(len(every))]
        after = network.after([each.fault for each in chosen])
        gbps = demands.gbps * np.where(
            demands.of_class("domestic"), 1.0, rng.uniform(0.7, 1.3, len(demands))
        )
        for named in WAYS.values():
            mine = demands.of_class(named)
            gbps[mine] *= min(1.0, 1.1 * demands.gbps[mine].sum() / gbps[mine].sum())
        assert lost(IgpEcmp(), after, demands.with_gbps(gbps)) <= lost_igp + 1e-6
        abroad = np.flatnonzero(~demands.of_class("domestic"))
        asked = demands.with_gbps(gbps).take(abroad)
        routes = MinMax(classes=("exit",)).route(after, asked)
        if routes.served.min() > 0.999:
            load = routes.loads(asked.gbps)
            exits = np.concatenate([*network.exit_arcs.values()])
            live = exits[after.up[exits]]
            assert (load[live] / after.capacity_gbps[live]).max() <= connected * (1 + 1e-6)
        free = 0.0
        for way, named in WAYS.items():
            sums, homes = by_regions(network, demands.with_gbps(gbps), named)
            free += sum(sums.values()) - carried(flow_graph(after, way, homes), sums)
        assert free <= lost_free + 1e-6


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["igp_ecmp", "nearest_exit", "planned"])
def test_no_loss_on_any_link_is_above_the_bound_of_fixed_routes(seed, kind):
    """With small links before and after the exits, in all likely sets, at random demands."""
    network, demands = random_border(seed)
    least, box, total = 1e-2, 0.4, 1.15
    planned = Strategy(scheme={"kind": "min_max"}, control={"kind": "loop"})
    scheme = planned if kind == "planned" else kind
    answer = sim.worst(network, demands, scheme=scheme, probability=least, box=box, total=total)
    bound = table(answer, metric="unserved_gbps")["bound"]
    strategy = planned if kind == "planned" else Strategy(scheme=kind)
    abroad = np.arange(len(demands))
    routes = FixedRoutes(strategy.static_scheme, network, demands, abroad)
    rng, highest = np.random.default_rng(seed), 0.0
    for chosen in sets_of(network, elements_of(network, None, ("cables",)), least):
        after = network.after([each.fault for each in chosen])
        made = routes.under(after.up)
        gbps = demands.gbps * rng.choice([1 - box, 1 + box], size=(40, len(demands)))
        for named in WAYS.values():
            mine = demands.of_class(named)
            most = total * demands.gbps[mine].sum()
            gbps[:, mine] *= np.minimum(1.0, most / gbps[:, mine].sum(axis=1))[:, None]
        state = link_state(made, after, gbps.T, NoQueue())
        highest = max(highest, (state.rates_gbps - state.delivered_gbps).sum(axis=0).max())
    assert 0 < highest <= bound + 1e-6


def lost(scheme, network, demands):
    """What a scheme loses across the border."""
    routes = scheme.route(network, demands)
    state = link_state(routes, network, demands.gbps[:, None], NoQueue())
    abroad = ~demands.of_class("domestic")
    return float((state.rates_gbps - state.delivered_gbps)[abroad].sum())


def test_more_probability_never_makes_it_worse():
    answer = sim.worst("mini", probability=[1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
    for _, rows in answer.tables["worst"].groupby(["strategy", "metric"], sort=False):
        assert rows["value"].is_monotonic_increasing
        assert rows["bound"].is_monotonic_increasing
        assert (rows["bound"] >= rows["value"] - 1e-9).all()
        assert (rows["faults_probability"] >= rows["probability"] * (1 - 1e-9)).all()


def test_a_hose_holds_every_box_and_equals_its_corners():
    """Two ends: all of the hose on one of them."""
    network = two_exits(near=60.0, far=50.0)
    demands = asks(network, ("home", "abroad", 80.0))
    answer = sim.worst(network, demands, scheme=["min_max", "igp_ecmp"], of=["exits"], hose=1.2,
                       total=2.0, probability=1e-3)  # fmt: skip
    free = table(answer, strategy="min_max", metric="unserved_gbps")
    assert free["value"] == pytest.approx(1.2 * 80 - 50)  # the larger exit is down
    fixed = table(answer, strategy="igp_ecmp", metric="unserved_gbps")
    assert fixed["value"] == pytest.approx(1.2 * 80 - 50)
    for scheme in ("min_max", "igp_ecmp"):
        wide, narrow = (
            table(sim.worst("mini", probability=1e-2, **span), strategy=strategy,
                  metric="unserved_gbps")["value"]
            for span in ({"hose": 1.3, "total": 1.1}, {"box": 0.3, "total": 1.1})
            for strategy in ["sdn-ideal" if scheme == "min_max" else "igp"]
        )  # fmt: skip
        assert wide >= narrow - 1e-9


# -- what is said ---------------------------------------------------------------------------------


def test_who_is_cut_off_is_named():
    answer = sim.worst("mini", probability=1e-3)
    row = table(answer, strategy="sdn-ideal", metric="exit_utilisation")
    assert math.isinf(row["value"]) and "49.92 Gbps" in row["cut_off"]
    assert np.isfinite(row["connected_value"])
    assert any(line.startswith("At 0.001 cut off: ") for line in answer.foot)
    assert json.loads(json.dumps(answer.to_json()))["tables"]["worst"][0]["strategy"]


def test_links_that_are_too_small_beyond_the_exits_are_no_cut():
    network = make_tiny(
        ("up", "home", "gw", 100.0), ("exit", "gw", "pop", 100.0), ("on", "pop", "far", 10.0),
        gw="gateway", pop="pop", far="region",
    )  # fmt: skip
    answer = sim.worst(network, asks(network, ("home", "far", 20.0)), scheme="min_max",
                       of="exits", probability=0.5)  # fmt: skip
    row = table(answer, metric="exit_utilisation")
    assert math.isinf(row["value"]) and row["cut_off"] == ""
    assert table(answer, metric="unserved_gbps")["value"] == pytest.approx(1.1 * 20 - 10)
    assert any("not enough beyond the exits" in line for line in answer.foot)


def test_exits_that_are_open_to_some_regions_only():
    """East may take its own exit alone; west may take both."""
    network = make_tiny(
        ("up", "home", "gw", 100.0), ("one", "gw", "p1", 10.0), ("two", "gw", "p2", 10.0),
        ("a", "p1", "west", 100.0), ("b", "p2", "west", 100.0), ("c", "p2", "east", 100.0),
        gw="gateway", p1="pop", p2="pop", west="region", east="region",
    )  # fmt: skip
    network = network.with_links(
        {"one": {"reaches": ("west",)}, "two": {"reaches": ("west", "east")}}
    )
    demands = asks(network, ("home", "west", 8.0), ("home", "east", 8.0))
    asked = {"scheme": "min_max", "of": "exits", "box": 0.5, "total": 2.0}
    calm = table(sim.worst(network, demands, **asked, probability=0.9), metric="unserved_gbps")
    assert calm["value"] == pytest.approx(24 - 20)
    cut = table(sim.worst(network, demands, **asked, probability=1e-3), metric="unserved_gbps")
    assert cut["value"] == pytest.approx(24 - 10) and cut["faults"] in ("one", "two")
    levels = sim.worst(network, demands, **asked, probability=1e-3)
    assert table(levels, metric="exit_utilisation")["cut_off"] == "east 12 Gbps"
    assert any("links abroad are taken as wide enough" in line for line in levels.foot)


def test_a_backbone_that_may_be_too_small_gives_a_bracket():
    scenario = sim.load("china169-2017").with_strategies(["sdn-ideal"])
    sure = sim.worst(scenario, probability=1e-2)
    assert any("Exits alone decide" in line and "78 %" in line for line in sure.foot)
    unsure = sim.worst(scenario.with_changes({"demands.domestic": "x1.3"}), probability=1e-2)
    row = table(unsure, metric="unserved_gbps")
    assert row["bound"] > row["value"] == table(sure, metric="unserved_gbps")["value"]
    assert any("Not proven with the backbone: 4 link directions" in line for line in unsure.foot)


def test_strategies_are_taken_for_what_they_can_do():
    answer = sim.worst("mini", probability=1e-2)
    text = "\n".join(answer.foot)
    assert "sdn: out: any exit" in text and "in: announcements: between free steering" in text
    assert "sdn-ideal: any exit" in text
    assert "igp: out: igp_ecmp, made again where links are down" in text
    assert "best_static: out: fixed splits of best_static" in text
    sdn = table(answer, strategy="sdn", metric="unserved_gbps")
    igp = table(answer, strategy="igp", metric="unserved_gbps")
    ideal = table(answer, strategy="sdn-ideal", metric="unserved_gbps")
    assert ideal["value"] == sdn["value"] <= sdn["bound"] and igp["value"] >= ideal["value"]


@pytest.mark.parametrize("name", ["mini", "china169-2017"])
def test_announcements_leave_a_bracket_whose_ends_are_exact_at_the_exits(name):
    scenario = sim.load(name).with_strategies(["best_static", "sdn", "sdn-ideal"])
    between, steered, static = (
        sim.worst(scenario, probability=1e-2, inbound=word)
        for word in ("announced", "steered", "static")
    )
    assert any("each end alone is exact" in line.lower() for line in between.foot)
    for metric in ("unserved_gbps", "exit_utilisation"):
        for strategy in ("best_static", "sdn"):
            low, ends, high = (
                table(answer, strategy=strategy, metric=metric)
                for answer in (steered, between, static)
            )
            assert ends["value"] == low["value"] <= high["value"]
            assert ends["bound"] == high["bound"] >= low["bound"]
        free, sdn = (table(steered, strategy=each, metric=metric) for each in ("sdn-ideal", "sdn"))
        assert sdn["value"] == sdn["bound"] == free["value"]
        assert sdn["faults"] == free["faults"]


def test_a_controller_that_steers_a_part_is_between():
    strategy = Strategy(
        scheme={"kind": "min_max"}, control={"every_s": 300, "steers": ["international_out"]},
        fallback={"kind": "igp_ecmp"},
    )  # fmt: skip
    network = sim.load_network("china169-mini")
    demands = sim.load_demands(network.about.matrix, network)
    answer = sim.worst(network, demands, scheme=strategy, probability=1e-2)
    assert "in: igp_ecmp" in answer.foot[0] + answer.foot[1]
    row = table(answer, metric="unserved_gbps")
    igp = sim.worst(network, demands, scheme="igp_ecmp", probability=1e-2)
    assert row["value"] <= table(igp, metric="unserved_gbps")["value"] + 1e-9


def test_drawn_worlds_give_the_range_of_demands():
    scenario = sim.load("mini").with_strategies(["igp"])
    answer = sim.worst(scenario, probability=1e-2, worlds=40)
    assert "5 to 95 % of 40 drawn worlds" in answer.head[0]
    again = sim.worst(scenario, probability=1e-2, worlds=40)
    pd.testing.assert_frame_equal(answer.tables["worst"], again.tables["worst"])


def test_demands_of_the_worst_case_stand_in_a_table():
    answer = sim.worst("mini", probability=1e-3)
    frame = answer.tables["demands"]
    mine = frame[(frame["strategy"] == "sdn-ideal") & (frame["metric"] == "unserved_gbps")]
    assert set(mine["direction"]) == {"out", "in"} and len(mine) == 8
    assert (mine["gbps"] <= 1.3 * mine["stated_gbps"] + 1e-9).all()
    for _, rows in mine.groupby("direction"):
        assert rows["gbps"].sum() <= 1.1 * rows["stated_gbps"].sum() + 1e-6


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"probability": 0.0}, "above 0 and up to 1, found 0"),
        ({"probability": 2}, "found 2"),
        ({"probability": []}, "found none"),
        ({"meaning": "exact"}, "did you mean 'exactly'"),
        ({"of": "cable"}, "did you mean 'cables'"),
        ({"of": "links"}, "links at home are left out"),
        ({"inbound": "steer"}, "did you mean 'steered'"),
        ({"box": -0.1}, "box: expected a number from 0, found -0.1"),
        ({"box": 0.2, "hose": 1.2}, "give box or hose, not both"),
        ({"worlds": 1}, "2 worlds or more"),
        ({"worlds": 9, "total": 1.0}, "totals of their own"),
    ],
)
def test_what_is_wrong_is_said(keywords, message):
    with pytest.raises(sim.InputError, match=message):
        sim.worst("mini", **keywords)


def test_a_network_without_a_border_is_refused():
    network = make_tiny(("l", "a", "b", 10.0))
    with pytest.raises(sim.InputError, match="no cables that could fail"):
        sim.worst(network, asks(network, ("a", "b", 1.0)))
    with pytest.raises(sim.InputError, match="no traffic crosses the border"):
        sim.worst(two_exits(), asks(two_exits(), ("home", "gw-near", 1.0)), of="exits")
    with pytest.raises(sim.InputError, match="a network needs demands"):
        sim.worst(network)


def test_too_many_sets_for_fixed_routes_are_refused(monkeypatch):
    monkeypatch.setattr(worst_search, "MOST_STATES", 5)
    with pytest.raises(sim.InputError, match="more than 5 sets of 8 elements.*igp"):
        sim.worst(sim.load("mini").with_strategies(["igp"]), probability=1e-3)
    answer = sim.worst(sim.load("mini").with_strategies(["sdn-ideal"]), probability=1e-3)
    assert table(answer, metric="unserved_gbps")["value"] > 0


def test_an_element_that_never_fails_is_in_no_set():
    network, demands = random_border(1)
    figures = dict(network.about.reliability.elements)
    figures["c0"] = FailureFigures(faults_per_year=0.0)
    never = network.with_about(replace(network.about, reliability=Reliability(elements=figures)))
    answer = sim.worst(never, demands, scheme="igp_ecmp", probability=1e-9)
    assert "c0" not in table(answer, metric="unserved_gbps")["faults"].split(" + ")


# -- as it is shown -------------------------------------------------------------------------------


def test_the_verb_prints_the_sentence_and_writes_the_picture(tmp_path):
    out = tmp_path / "w"
    words = ["worst", "mini", "--out", str(out), "--strategies", "igp,sdn-ideal",
             "--probability", "1e-2", "--probability", "1e-3"]  # fmt: skip
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "cannot be carried in the worst case that is as likely as 0.001" in said
    assert "As likely as 0.01" in said and "A bound, which does what nobody can" in said
    assert (out / "worst_bars.png").stat().st_size > 5000
    again = CliRunner().invoke(main, [*words, "--json", "--force"])
    told = json.loads(again.stdout)
    assert list(told["tables"]) == ["worst", "demands", "fewer_faults", "elements"]
    wanted = {"strategy", "value", "bound", "faults", "probability", "single_failure_value"}
    assert wanted <= set(told["tables"]["worst"][0])
    assert len(pd.read_csv(out / "worst.csv")) == len(told["tables"]["worst"]) == 8
    wrong = CliRunner().invoke(main, ["worst", "mini", "--of", "cable"])
    assert wrong.exit_code == 2 and "did you mean 'cables'" in wrong.output


def test_the_picture_has_a_bar_for_each_strategy_and_probability():
    answer = sim.worst("mini", probability=[1e-2, 1e-3])
    ax = answer.figures["worst_bars"]()
    heights = sorted(bar.get_height() for bar in ax.patches)
    frame = answer.tables["worst"]
    values = frame.loc[frame["metric"] == "unserved_gbps", "value"]
    assert heights == pytest.approx(sorted(values))
    network = two_exits()
    calm = sim.worst(network, asks(network, ("home", "abroad", 1.0)), of="exits", probability=0.5)
    with pytest.raises(sim.SimulatorError, match="everything can be carried"):
        calm.figures["worst_bars"]()
