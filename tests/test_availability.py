"""Availability: closed forms, listing against simulation and sampling, and levels as written."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import sources
from click.testing import CliRunner
from conftest import make_tiny
from helpers import asks, two_exits
from risk_networks import carried, flow_graph, random_border

import simulator as sim
from simulator.cli.main import main
from simulator.model.link_state import link_state
from simulator.model.reliability import FailureFigures, Reliability, capacity_under, elements_of
from simulator.optimise.exit_cuts import cuts_of, exit_network
from simulator.optimise.failure_sets import all_sets
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study.levels import Level, parse
from simulator.study.outages import estimate, listed, sampled, simulated


def failing(network, default=None, **figures):
    """The network with elements that fail: by id ``(mtbf_h, mttr_h)``, or all links alike."""
    elements = {name.replace("_", "-"): FailureFigures(mtbf_h=up, mttr_h=down, repair_sigma=0.5)
                for name, (up, down) in figures.items()}  # fmt: skip
    links = None
    if default:
        links = FailureFigures(mtbf_h=default[0], mttr_h=default[1], repair_sigma=0.5)
    about = replace(network.about, reliability=Reliability(links=links, elements=elements))
    return network.with_about(about)


def met(answer, **at):
    """The row of the main table that matches."""
    frame = answer.tables["availability"]
    for key, value in at.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


# -- closed forms ---------------------------------------------------------------------------------


def test_links_in_series_multiply():
    network = failing(make_tiny(("x", "a", "b", 10.0), ("y", "b", "c", 10.0)),
                      x=(90.0, 10.0), y=(95.0, 5.0))  # fmt: skip
    answer = sim.availability(network, asks(network, ("a", "c", 5.0)), scheme="igp_ecmp")
    row = met(answer, scope="all", level="100 %")
    assert row["availability"] == row["ci_low"] == row["ci_high"] == pytest.approx(0.9 * 0.95)
    assert row["hours_missed_per_year"] == pytest.approx(8760 * (1 - 0.9 * 0.95))
    lost = answer.tables["lost"].iloc[0]
    assert lost["lost_tbit_per_year"] == pytest.approx(5.0 * (1 - 0.9 * 0.95) * 8760 * 3.6)
    assert lost["share_of_demand"] == pytest.approx(1 - 0.9 * 0.95)


def test_links_in_parallel_stand_in_for_each_other():
    network = failing(make_tiny(("x", "a", "b", 10.0), ("y", "a", "b", 10.0)),
                      x=(90.0, 10.0), y=(80.0, 20.0))  # fmt: skip
    demands = asks(network, ("a", "b", 5.0))
    answer = sim.availability(network, demands, scheme="igp_ecmp")
    assert met(answer, level="100 %")["availability"] == pytest.approx(1 - 0.1 * 0.2)
    importance = answer.tables["elements"].set_index("element")["importance"]
    assert importance["x"] == pytest.approx(0.2) and importance["y"] == pytest.approx(0.1)


def test_two_of_three_links_have_to_be_up():
    network = failing(make_tiny(*((name, "a", "b", 10.0) for name in "xyz")), default=(99.0, 1.0))
    answer = sim.availability(
        network, asks(network, ("a", "b", 30.0)), scheme="igp_ecmp", level=["a>b 20 Gbps", "60 %"]
    )
    two_of_three = 0.99**3 + 3 * 0.99**2 * 0.01
    assert met(answer, level="20 Gbps")["availability"] == pytest.approx(two_of_three)
    assert met(answer, level="60 %")["availability"] == pytest.approx(two_of_three)


def test_a_latency_holds_where_the_short_way_is_up():
    network = failing(
        make_tiny(("near", "a", "b", 10.0, 1.0, 5.0), ("far", "a", "b", 10.0, 2.0, 50.0)),
        near=(90.0, 10.0), far=(80.0, 20.0),
    )  # fmt: skip
    demands = asks(network, ("a", "b", 5.0))
    answer = sim.availability(network, demands, scheme=["igp_ecmp", "min_max"],
                              level=["a>b p95 20 ms", "a>b p95 60 ms"])  # fmt: skip
    assert met(answer, level="p95 20 ms", strategy="igp_ecmp")["availability"] == pytest.approx(0.9)
    far = met(answer, level="p95 60 ms", strategy="igp_ecmp")["availability"]
    assert far == pytest.approx(0.98)
    controlled = met(answer, level="p95 60 ms", strategy="min_max")
    assert controlled["availability"] == pytest.approx(0.98) and controlled["how"] == "scheme"


# -- the same by other ways -----------------------------------------------------------------------


def mesh():
    """Nine nodes and fifteen links, which are down for half a per cent of the time."""
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 3))
    pairs = [*graph.edges, (0, 4), (4, 8), (2, 4)]
    assert len(pairs) == 15
    links = [(f"l{i}", f"n{a}", f"n{b}", 10.0, 1.0 + 0.1 * i) for i, (a, b) in enumerate(pairs)]
    network = failing(make_tiny(*links), default=(398.0, 2.0))
    rows = [(f"n{a}", f"n{b}", 7.0) for a, b in ((0, 8), (2, 6), (3, 5), (1, 7), (6, 8))]
    return network, asks(network, *rows)


def test_fifteen_links_listed_simulated_and_sampled_agree():
    network, demands = mesh()
    asked = {"scheme": "igp_ecmp", "level": ["100 %", "n0>n8 5 Gbps"]}
    whole = sim.availability(network, demands, **asked)
    ways = {
        "simulated": {"years": 60, "seed": 4},
        "sampled": {"samples": 3000, "seed": 4},
    }
    for row in whole.tables["availability"].to_dict("records"):
        assert row["ci_high"] - row["ci_low"] < 2e-6 and row["availability"] < 0.9999
    for method, more in ways.items():
        answer = sim.availability(network, demands, **asked, method=method, **more)
        for row in answer.tables["availability"].to_dict("records"):
            exact = met(whole, scope=row["scope"], level=row["level"])["availability"]
            assert row["ci_low"] <= exact <= row["ci_high"], (method, row)
            assert row["ci_high"] - row["ci_low"] < 0.02
        lost, known = (a.tables["lost"].iloc[0] for a in (answer, whole))
        assert lost["ci_low"] <= known["lost_tbit_per_year"] <= lost["ci_high"]


def elements_like(count, up, down):
    network = failing(make_tiny(*((f"l{i}", "a", "b", 1.0) for i in range(count))),
                      default=(up, down))  # fmt: skip
    return elements_of(network, None, ("links",))


@pytest.mark.parametrize(("up", "down", "least"), [(990.0, 10.0, 2), (95.0, 5.0, 3)])
def test_sampling_is_unbiased_and_its_intervals_hold(up, down, least):
    """So many of six elements down at once, which is rare; by 200 seeds."""
    elements = elements_like(6, up, down)
    states, chance = all_sets([each.unavailability for each in elements])
    exact = float(chance[states.sum(axis=1) >= least].sum())
    found = []
    for seed in range(200):
        drawn = sampled(elements, 2000, seed)
        found.append(estimate(drawn, (drawn.down.sum(axis=1) >= least).astype(float)))
    means = np.array([each.value for each in found])
    spread = means.std(ddof=1)
    assert abs(means.mean() - exact) < 4 * spread / math.sqrt(200)
    held = sum(each.low <= exact <= each.high for each in found)
    assert 180 <= held <= 199
    plain = math.sqrt(exact * (1 - exact) / 2000)
    assert spread < 0.75 * plain  # rare states are seen more often than they are


def test_simulated_years_have_the_share_and_length_of_outages():
    elements = elements_like(3, 900.0, 100.0)
    found = [simulated(elements, 40, seed) for seed in range(60)]
    held, values = 0, []
    for each in found:
        assert each.weight.sum(axis=1) == pytest.approx(np.ones(40))
        one = estimate(each, each.down[:, 0].astype(float))
        values.append(one.value)
        held += one.low <= 0.1 <= one.high
    assert np.mean(values) == pytest.approx(0.1, abs=4 * np.std(values) / math.sqrt(60))
    assert 49 <= held <= 60
    first = np.mean([year.weight[0] @ year.down[:, 0] for year in found])
    spread = np.std([year.weight[0] @ year.down[:, 0] for year in found]) / math.sqrt(60)
    assert first == pytest.approx(0.1, abs=4 * spread)  # it begins as at any other time


def test_a_draw_of_an_element_does_not_depend_on_the_others():
    few, many = elements_like(2, 900.0, 100.0), elements_like(4, 900.0, 100.0)
    one, other = simulated(few, 5, 1), simulated(many, 5, 1)
    np.testing.assert_allclose(one.weight @ one.down[:, :2], other.weight @ other.down[:, :2])


@pytest.mark.slow
def test_many_elements_are_sampled_and_that_is_said():
    scenario = sim.load("china169-2017").with_strategies(["sdn-ideal"])
    asked = {"of": "cables,gateways,exits,overseas", "moments": 1, "level": "all 100 %"}
    answer = sim.availability(scenario, **asked, samples=1500)
    assert "in 1,500 samples" in answer.head[0] and answer.head[0].startswith("48 elements")
    row = met(answer, scope="all")
    assert 0 < row["ci_high"] - row["ci_low"] < 0.05


def test_more_elements_than_are_listed_leave_a_rest():
    elements = elements_like(40, 900.0, 100.0)
    found = listed(elements)
    assert found.missing > 1e-6 and found.weight.sum() + found.missing == pytest.approx(1.0)
    whole = estimate(found, np.ones(len(found.down)), most=1.0)
    assert whole.value < 1.0 and whole.high == pytest.approx(1.0)


# -- controllers by cuts --------------------------------------------------------------------------


@pytest.mark.reference(sources.PROTOTYPES)
def test_shares_of_time_are_those_of_the_prototype():
    """All regions at once at 100 to 50 % of the inbound demand, over 8,192 states."""
    network = sim.load_network("china169-2017")
    demands = sim.load_demands(network.about.matrix, network)
    inbound = demands.take(~demands.of_class("international_out"))
    known = {100: 0.961761, 90: 0.981428, 80: 0.993875, 70: 0.997668, 50: 0.999737}
    answer = sim.availability(
        network, inbound, scheme="min_max", level=[f"every {share} %" for share in known]
    )
    found = {share: met(answer, level=f"{share} %")["availability"] for share in known}
    assert found == pytest.approx(known, abs=6e-7)


@pytest.mark.parametrize("seed", range(6))
def test_fair_shares_carry_the_most_and_are_fair(seed):
    network, demands = random_border(seed)
    elements = elements_of(network, None, ("cables",))
    down, _ = all_sets([each.unavailability for each in elements])
    mine = demands.take(demands.of_class("international_in"))
    ends, far = np.unique(mine.source, return_inverse=True)
    asked = np.bincount(far, 2.5 * mine.gbps)
    net = exit_network(network, "in", ends, np.unique(mine.target))
    cuts = cuts_of(net, network.capacity_gbps, np.full(len(ends), 100.0))
    share = cuts.fair_shares(capacity_under(network, elements, down), asked)
    assert (share >= 0).all() and (share <= 1).all() and (share < 1 - 1e-9).any()
    for row, shares in list(zip(down, share, strict=True))[::3]:
        faults = [each.fault for each, lost in zip(elements, row, strict=True) if lost]
        graph = flow_graph(network.after(faults), "in", {"h0", "h1"})
        names = [network.nodes[end] for end in ends]
        got = dict(zip(names, shares * asked, strict=True))
        most = carried(graph, dict(zip(names, asked, strict=True)))
        assert sum(got.values()) == pytest.approx(most, abs=1e-6)
        assert carried(graph, got) == pytest.approx(most, abs=1e-6)
        for i, name in enumerate(names):  # nobody gets more unless one with less loses
            if shares[i] < 1 - 1e-6:
                richer = {n: min(got[n], shares[i] * asked[j]) for j, n in enumerate(names)}
                richer[name] = got[name] + 1e-3
                assert carried(graph, richer) < sum(richer.values()) - 5e-4


def test_what_fixed_routes_deliver_is_what_the_scheme_delivers():
    network, demands = random_border(3)
    answer = sim.availability(network, demands, scheme="igp_ecmp", level=["all 80 %"])
    elements = elements_of(network, None, ("cables",))
    down, chance = all_sets([each.unavailability for each in elements])
    share, lost = 0.0, 0.0
    for row, probability in zip(down, chance, strict=True):
        faults = [each.fault for each, is_down in zip(elements, row, strict=True) if is_down]
        after = network.after(faults)
        routes = IgpEcmp().route(after, demands)
        state = link_state(routes, after, demands.gbps[:, None], NoQueue())
        got = float(state.delivered_gbps.sum())
        share += probability * (got >= 0.8 * demands.gbps.sum() * (1 - 1e-9))
        lost += probability * (demands.gbps.sum() - got)
    assert met(answer, scope="all")["availability"] == pytest.approx(share)
    found = answer.tables["lost"].set_index("scope").loc["all", "lost_tbit_per_year"]
    assert found == pytest.approx(lost * 8760 * 3.6, rel=1e-6)


def test_a_controller_is_never_below_fixed_routes():
    answer = sim.availability("mini", moments=2)
    frame = answer.tables["availability"]
    wide = frame.pivot_table(index=["scope", "level"], columns="strategy", values="availability")
    whole = wide.loc[["all", "every"]]
    assert (whole["sdn-ideal"] >= whole["igp"] - 1e-12).all()
    assert (frame["at_most"] >= frame["availability"] - 1e-12).all()
    assert (frame["ci_low"] <= frame["availability"] + 1e-12).all()
    sdn = frame[(frame["strategy"] == "sdn") & (frame["scope"] == "all")].set_index("level")
    ideal = frame[(frame["strategy"] == "sdn-ideal") & (frame["scope"] == "all")].set_index("level")
    assert sdn["at_most"].to_dict() == pytest.approx(ideal["availability"].to_dict())


def test_links_at_home_are_asked_of_the_scheme_itself():
    network = failing(two_exits(near=60.0, far=50.0), to_near=(90.0, 10.0), to_far=(90.0, 10.0))
    demands = asks(network, ("home", "abroad", 40.0))
    answer = sim.availability(network, demands, scheme=["min_max", "igp_ecmp"], of="links")
    for strategy in ("min_max", "igp_ecmp"):
        row = met(answer, strategy=strategy, scope="all", level="100 %")
        assert row["availability"] == pytest.approx(1 - 0.1 * 0.1)


# -- levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("95 %", Level("", "share", 0.95)),
        ("95% of demand carried", Level("", "share", 0.95)),
        ("region-japan 10 Gbps available 99.9 %", Level("region-japan", "gbps", 10.0, 0.95, 0.999)),
        ("a>b 10Gbps", Level("a>b", "gbps", 10.0)),
        ("a>b p95 at most 17 ms", Level("a>b", "ms", 17.0, 0.95)),
        ("all p50 <= 17ms 99 %", Level("all", "ms", 17.0, 0.5, 0.99)),
    ],
)
def test_levels_are_read_as_planners_write_them(text, level):
    assert repr(parse(text)) == repr(level)


def test_what_is_required_is_judged():
    answer = sim.availability("mini", level=["pop-hong-kong 100 % 99.8 %", "all 100 % 99 %"])
    verdicts = answer.tables["availability"].set_index(["scope", "strategy"])["is_met"]
    assert verdicts["pop-hong-kong", "sdn-ideal"] == "yes" and verdicts["all", "igp"] == "no"
    assert "100 % of pop-hong-kong is asked for 99.8 % of the time" in answer.sentence


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"level": "fast"}, "expected a level such as 95 %"),
        ({"level": "120 %"}, "up to 100 %"),
        ({"level": []}, "found none"),
        ({"level": "pop-tokio 95 %"}, "no traffic named 'pop-tokio'; did you mean 'pop-tokyo'"),
        ({"of": "cable"}, "did you mean 'cables'"),
        ({"of": "overseas,gatways"}, "did you mean 'gateways'"),
        ({"method": "monte-carlo"}, "no method 'monte-carlo'"),
        ({"samples": 5}, "expected 100 or more, found 5"),
        ({"years": 1}, "expected 2 or more"),
        ({"demands": "x"}, "a scenario has its own"),
    ],
)
def test_what_is_wrong_is_said(keywords, message):
    with pytest.raises(sim.InputError, match=message):
        sim.availability("mini", **keywords)


def test_assumed_figures_are_named():
    network = make_tiny(("x", "a", "b", 10.0))
    answer = sim.availability(network, asks(network, ("a", "b", 1.0)), scheme="igp_ecmp")
    assert any("assumed for links x: faults_per_1000km_year 1, mttr_h 12" in t for t in answer.foot)


# -- as it is shown -------------------------------------------------------------------------------


def test_the_verb_prints_the_sentence_and_writes_the_picture(tmp_path):
    out = tmp_path / "a"
    words = ["availability", "mini", "--out", str(out), "--strategies", "igp,sdn-ideal",
             "--moments", "1"]  # fmt: skip
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "100 % of all traffic is carried" in said and "256 states, all of them" in said
    assert (out / "availability_bars.png").stat().st_size > 5000
    again = CliRunner().invoke(main, [*words, "--json", "--force"])
    told = json.loads(again.stdout)
    assert list(told["tables"]) == ["availability", "lost", "elements"]
    wanted = {"strategy", "scope", "level", "availability", "ci_low", "ci_high"}
    assert wanted <= set(told["tables"]["availability"][0])
    assert len(pd.read_csv(out / "availability.csv")) == len(told["tables"]["availability"])
    wrong = CliRunner().invoke(main, ["availability", "mini", "--level", "often"])
    assert wrong.exit_code == 2 and "expected a level such as" in wrong.output


def test_the_picture_counts_nines():
    network = failing(make_tiny(("x", "a", "b", 10.0)), x=(999.0, 1.0))
    answer = sim.availability(network, asks(network, ("a", "b", 1.0)), scheme="igp_ecmp")
    ax = answer.figures["availability_bars"]()
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([3.0])
