"""The built-in scenarios and the figures they gave: if one moves, say why, and pin it anew."""

import math

import networkx as nx
import numpy as np
import pytest
from conftest import MINI

import simulator as sim
from simulator.base.library import find

COARSE = {"replications": 1, "step_s": 1800}
PINNED = {
    "mini": (
        {},
        {
            "best_static": {
                "exit_utilisation_peak": 0.7056151483193295,
                "latency_ms_mean": 10.68211071991544,
                "propagation_ms_mean": 10.58016357052564,
                "offered_gbit": 231324629.20229402,
                "lost_gbit": 0.0,
                "headroom": 1.1337655976470264,
                "control_cycles": 1.0,
            },
            "igp": {
                "exit_utilisation_peak": 0.8987615876066658,
                "latency_ms_mean": 10.612391709458942,
                "propagation_ms_mean": 10.499855740394368,
                "offered_gbit": 231324629.20229402,
                "lost_gbit": 0.0,
                "headroom": 0.8903198060695566,
                "control_cycles": 0.0,
            },
            "sdn": {
                "exit_utilisation_peak": 0.7056151483193295,
                "latency_ms_mean": 10.682110719915437,
                "propagation_ms_mean": 10.58016357052564,
                "offered_gbit": 231324629.20229402,
                "lost_gbit": 0.0,
                "headroom": 1.1337655976470264,
                "control_cycles": 97.0,
            },
            "sdn-ideal": {
                "exit_utilisation_peak": 0.8529178505474748,
                "latency_ms_mean": 10.612523713404046,
                "propagation_ms_mean": 10.502468294586569,
                "offered_gbit": 231324629.20229402,
                "lost_gbit": 0.0,
                "headroom": 1.1870930747594086,
                "control_cycles": 96.0,
            },
        },
    ),
    "igp-against-ideal": (
        COARSE,
        {
            "igp": {
                "exit_utilisation_peak": 1.545501093196252,
                "lost_gbit": 0.0,
                "deferred_gbit": 8864089.529377937,
                "headroom": 0.5176314682156059,
            },
            "sdn-ideal": {
                "exit_utilisation_peak": 0.8986376634318007,
                "lost_gbit": 0.0,
                "headroom": 1.4025774669730633,
            },
        },
    ),
    "tpe-cut": (
        COARSE,
        {
            "best_static": {
                "exit_utilisation_peak": 2.5043165108146486,
                "latency_ms_mean": 12.273877833161215,
                "lost_gbit": 0.0,
                "deferred_gbit": 2974433.851591608,
                "headroom": 0.3194484389434312,
            },
            "igp": {
                "exit_utilisation_peak": 4.169785290492356,
                "latency_ms_mean": 12.027656467964578,
                "lost_gbit": 0.0,
                "deferred_gbit": 13104244.336578937,
                "headroom": 0.19185640129339573,
            },
            "sdn": {
                "exit_utilisation_peak": 2.3570269794628786,
                "latency_ms_mean": 11.914132821909426,
                "lost_gbit": 0.0,
                "deferred_gbit": 43335.3487705931,
                "headroom": 0.33941062489760077,
            },
            "sdn-ideal": {
                "exit_utilisation_peak": 2.7665690384430537,
                "latency_ms_mean": 11.661191142280892,
                "lost_gbit": 0.0,
                "deferred_gbit": 101722.5393036569,
                "headroom": 1.043380798601913,
            },
        },
    ),
    "chinanet-exits": (
        COARSE,
        {
            "static": {
                "exit_utilisation_peak": 1.1388531991979234,
                "latency_ms_mean": 47.20748012759113,
                "propagation_ms_mean": 45.736858918875434,
                "lost_gbit": 20951.48609266989,
                "headroom": 0.7024610376152324,
            },
            "sdn": {
                "exit_utilisation_peak": 0.7840660776726527,
                "latency_ms_mean": 43.157393986358606,
                "propagation_ms_mean": 42.58656690312533,
                "lost_gbit": 0.0,
                "headroom": 1.1913661436567644,
            },
        },
    ),
    "china169-2017": (
        COARSE,
        {
            "best_static": {
                "exit_utilisation_peak": 0.8126830662645819,
                "latency_ms_mean": 12.231951698750596,
                "propagation_ms_mean": 10.428088892284505,
                "lost_gbit": 0.0,
                "headroom": 0.9843935886065914,
            },
            "igp": {
                "exit_utilisation_peak": 1.502195847474411,
                "latency_ms_mean": 12.176685287305022,
                "propagation_ms_mean": 10.2292970920208,
                "lost_gbit": 0.0,
                "headroom": 0.532553728826379,
            },
            "sdn": {
                "exit_utilisation_peak": 0.7265423118977994,
                "latency_ms_mean": 11.84450479805337,
                "propagation_ms_mean": 10.572860361259467,
                "lost_gbit": 0.0,
                "headroom": 1.1011058638970688,
            },
            "sdn-ideal": {
                "exit_utilisation_peak": 0.8986376634318008,
                "latency_ms_mean": 11.642376200973782,
                "propagation_ms_mean": 10.364544794190396,
                "lost_gbit": 0.0,
                "headroom": 1.4025774669730633,
            },
        },
    ),
    "cernet-exits": (
        COARSE,
        {
            "static": {
                "exit_utilisation_peak": 1.2409622839948227,
                "latency_ms_mean": 53.75693764877163,
                "propagation_ms_mean": 51.03025610808194,
                "lost_gbit": 720.8319780130405,
                "headroom": 0.6446610105060515,
            },
            "sdn": {
                "exit_utilisation_peak": 1.3814866250258067,
                "latency_ms_mean": 50.434105396893436,
                "propagation_ms_mean": 49.67776260668122,
                "lost_gbit": 163.96396374049073,
                "headroom": 1.9781943510717246,
            },
            "production": {
                "exit_utilisation_peak": 0.5904550455972697,
                "latency_ms_mean": 53.56846223100361,
                "propagation_ms_mean": 53.322741473680146,
                "lost_gbit": 0.0,
                "headroom": 1.8083315975025887,
            },
        },
    ),
}
#: The others have tests of their own, or run in notebooks.
QUICK = ("mini", "chinanet-exits", "china169-2017")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in PINNED]
)
def test_figures_are_as_they_were(name, tmp_path):
    changes, figures = PINNED[name]
    results = sim.run(sim.load(name).with_changes(changes), out=tmp_path / name)
    for strategy, expected in figures.items():
        told = {metric: results.figure(strategy, metric) for metric in expected}
        assert told == pytest.approx(expected, rel=1e-9, abs=0), strategy
    hold_together(results)


def hold_together(results):
    """What must hold whatever the figures are."""
    at = results.figures.set_index(["replication", "strategy", "metric", "scope"])["value"]
    at = at.sort_index()
    for replication in results.figures["replication"].unique():
        for strategy in results.strategies:
            f = at[replication, strategy]
            lost = f["offered_gbit", "all"] - f["carried_gbit", "all"]
            # A difference of two volumes of 1e9 Gbit has lost digits.
            short = f["lost_gbit", "all"] + f.get(("deferred_gbit", "all"), 0.0)
            assert short == pytest.approx(lost, abs=1e-9 * f["offered_gbit", "all"])
            parts = f["propagation_ms_mean", "all"] + f["queueing_ms_mean", "all"]
            assert f["latency_ms_mean", "all"] == pytest.approx(parts, rel=1e-12)
            for scope in ("all", "domestic", "international_in", "international_out"):
                spread = [f[f"latency_ms_p{q}", scope] for q in (50, 95, 99)]
                assert spread == sorted(spread)
            exits = f["exit_utilisation_peak"]
            assert exits["all"] == exits.drop("all").max()
            hours = [f[f"hours_above_{level}", "all"] for level in (70, 80, 90, 100)]
            assert hours == sorted(hours, reverse=True) and hours[0] <= 24.0 + 1e-9
            assert 0 < f["exit_balance_jain", "all"] <= 1
            assert np.isfinite(f["headroom", "all"])
        # Loads of static routes grow in proportion: at the headroom the hottest exit is at 80 %.
        fixed = {"static", "igp", "best_static"} & set(results.strategies)
        assert fixed
        for name in fixed:
            static = at[replication, name]
            hottest = static["headroom", "all"] * static["exit_utilisation_peak", "all"]
            assert hottest == pytest.approx(0.8, rel=1e-9)
        offered = [at[replication, s, "offered_gbit", "all"] for s in results.strategies]
        assert offered == pytest.approx([offered[0]] * len(offered), rel=1e-12)


def test_the_paired_difference_is_that_of_the_means(tmp_path):
    results = sim.run(sim.load(MINI).with_changes({"horizon_h": 3}), out=tmp_path / "mini")
    means = results.summary.set_index(["strategy", "metric", "scope"])["mean"]
    apart = results.differences.set_index(["metric", "scope"])["mean"]
    expected = means["sdn"] - means["static"]
    both = expected.dropna().index
    scale = np.maximum(means["sdn"][both].abs(), means["static"][both].abs())
    assert ((apart[both] - expected[both]).abs() <= 1e-12 * scale + 1e-300).all()


EVENING = {"replications": 1, "step_s": 3600, "start": "2017-12-31T18:00", "horizon_h": 6}
ANSWERS = {
    "upgrade-la-400g": {  # Beijing-LA changes nothing, San Jose halves what is deferred
        ("LA +400G (Beijing)", "igp"): [True, "gz-hk in", 1.5070151703670285, 5602561.864887325],
        ("LA +400G (Beijing)", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
        ("San Jose +400G (Shanghai)", "igp"): [
            *(False, "gz-hk in", 1.5070151703670285, 2860223.3312086044)
        ],
        ("San Jose +400G (Shanghai)", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
        ("200G each", "igp"): [False, "gz-hk in", 1.5070151703670285, 2860223.3312086044],
        ("200G each", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
    },
    "new-exits-2024": {  # the new exits to Singapore and Hong Kong carry nothing, Tokyo overflows
        ("Nanning to Singapore", "igp"): [
            *(False, "gz-hk in", 1.5492694265034441, 5747006.554391743)
        ],
        ("Nanning to Singapore", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
        ("Haikou to Hong Kong", "igp"): [False, "gz-hk in", 1.5492694265034441, 5747006.554391743],
        ("Haikou to Hong Kong", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
        ("Qingdao to Tokyo", "igp"): [False, "qd-tokyo in", 2.8476321675414913, 6743622.871766535],
        ("Qingdao to Tokyo", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
        ("all four, with Kunming", "igp"): [
            *(False, "qd-tokyo in", 2.8476321675414913, 6593868.411282534)
        ],
        ("all four, with Kunming", "sdn-ideal"): [True, "bj-seoul in", 0.8893558985560635, 0.0],
    },
}
"""Of each change and strategy: whether it changes nothing, what binds, and some figures."""


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_what_if_are_as_they_were(name, no_headroom):
    base = sim.load(name).with_changes(EVENING).with_strategies(["igp", "sdn-ideal"])
    answer = sim.what_if(base.with_changes({"strategies.sdn-ideal.control.every_s": 3600}))
    at = answer.frame[answer.frame["scope"] == "all"]
    at = at.set_index(["change", "strategy", "metric"])["value"]
    told = {}
    for row in answer.tables["binding"].to_dict("records"):
        key = row["change"], row["strategy"]
        figures = [at[(*key, metric)] for metric in ("exit_utilisation_peak", "deferred_gbit")]
        told[key] = [row["still"], f"{row['element']} {row['direction']}", *figures]
    expected = ANSWERS[name]
    assert told.keys() == expected.keys()
    for key, (still, where, *figures) in expected.items():
        assert told[key][:2] == [still, where], key
        assert told[key][2:] == pytest.approx(figures, rel=1e-9, abs=0), key


CITIES = {"beijing-out": "Beijing", "shanghai-out": "Shanghai", "guangzhou-out": "Guangzhou"}


def test_chinanet_fills_its_exits_as_counted_by_hand(tmp_path, no_headroom):
    """Degrees, hops and the clock, from NetworkX's own reading of the file."""
    shapes = sim.load("chinanet-exits").resolved()["traffic"]["shapes"]
    assert shapes.pop()["kind"] == "noise"
    changes = {"traffic.shapes": shapes, "replications": 1, "step_s": 3600, "horizon_h": 24}
    results = sim.run(sim.load("chinanet-exits").with_changes(changes), out=tmp_path / "out")
    told = results.exits.set_index(["strategy", "direction", "exit", "time_s"])["offered_gbps"]

    graph = nx.Graph(nx.read_graphml(find("topologies", "Chinanet")))
    graph = nx.relabel_nodes(graph, nx.get_node_attributes(graph, "label"))
    size = {city: graph.degree(city) + (city in CITIES.values()) for city in graph}
    # Gateways that are as near share alike.
    gates = [city for city in graph if city in CITIES.values()]
    hops = {gate: nx.single_source_shortest_path_length(graph, gate) for gate in gates}
    called = dict.fromkeys(gates, 0)
    for city in graph:
        if not city.startswith("International Link"):
            nearest = min(hops[gate][city] for gate in gates)
            mine = [gate for gate in gates if hops[gate][city] == nearest]
            for gate in mine:
                called[gate] += size[city] / len(mine)

    def level(hour):
        return 0.35 + 0.65 * (1 + math.cos(2 * math.pi * (hour - 21) / 24)) / 2

    for direction, total in (("in", 85), ("out", 34)):
        for step in (9, 21):
            clock = step + 0.5
            abroad = 0.5 * level(clock + 8) + 0.3 * level(clock) + 0.2 * level(clock - 7)
            busy = 0.75 * level(clock) + 0.25 * abroad
            for exit_, city in CITIES.items():
                expected = total * busy * called[city] / sum(size.values())
                offered = told["static", direction, exit_, step * 3600]
                assert offered == pytest.approx(expected, rel=1e-9), (exit_, direction, step)


def test_the_cut_overfills_chinanet_under_static_routing_only(tmp_path, no_headroom):
    changes = {"replications": 1, "horizon_h": 22, "events[0].until_h": 22}
    results = sim.run(sim.load("chinanet-exits").with_changes(changes), out=tmp_path / "out")
    assert results.figure("static", "exit_utilisation_peak", "exit:shanghai-out:in") > 1.1
    assert results.figure("sdn", "exit_utilisation_peak") < 0.85
    assert results.figure("sdn", "lost_gbit") == 0 < results.figure("static", "lost_gbit")
    before = results.exits[(results.exits["time_s"] < 20 * 3600)]
    assert before["utilisation_peak"].max() < 0.85
    # Links at home are not what is full: neither detours nor the shortest paths overflow them.
    home = results.links[results.links["class"] == "core"]
    assert home["utilisation_peak"].max() < 1.0


def test_cernet_hurts_until_the_controller_has_decided_again(tmp_path, no_headroom):
    results = sim.run(sim.load("cernet-exits").with_changes({"replications": 1}), out=tmp_path)
    hours = {s: results.figure(s, "hours_above_100") for s in results.strategies}
    assert hours["static"] == pytest.approx(23 - 20.1, abs=0.01)
    # From 20:06 to the decision of 20:30, computed in 2 s and installed in 5 s.
    assert hours["sdn"] == pytest.approx(20.5 - 20.1 + 7 / 3600, abs=1e-6)
    assert hours["production"] == 0
    assert results.figure("sdn", "lost_gbit") > 0 == results.figure("production", "lost_gbit")
    slower = [results.figure(s, "propagation_ms_mean", "all") for s in ("sdn", "production")]
    assert slower[0] < slower[1]
