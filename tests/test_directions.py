"""The two directions of a link: metric, delay and capacity of each, in routing and in edits."""

import networkx as nx
import numpy as np
import pytest
from conftest import make_tiny
from helpers import case_of, play, static, two_exits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import check_network, read_network, write_network
from simulator.inbound.choices import Catchments
from simulator.model.demands import Demands
from simulator.model.facts import facts, shortest
from simulator.model.link_state import link_state
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.paths.candidates import fastest_paths
from simulator.paths.shortest import ecmp
from simulator.queues.none import NoQueue
from simulator.simulation.inbound_world import InboundWorld
from simulator.uncertainty.kinds.links import Links
from simulator.uncertainty.law import law

ANY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)
WAYS = st.tuples(
    st.integers(0, 5),
    st.integers(0, 5),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.sampled_from([(100.0, 100.0), (100.0, 40.0), (100.0, 0.0)]),
)


def random_networks():
    return st.lists(WAYS.filter(lambda w: w[0] != w[1]), min_size=3, max_size=14).map(
        lambda rows: [(str(a), str(b), *rest) for a, b, *rest in rows]
    )


def digraph(rows, which: int) -> nx.MultiDiGraph:
    """Return the same as NetworkX has it: *which* is 2 for metrics, 3 for delays."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(map(str, range(6)))
    for row in rows:
        (a, b), (there, back), (_, gbps_ba) = row[:2], row[which], row[4]
        graph.add_edge(a, b, weight=there)
        if gbps_ba:
            graph.add_edge(b, a, weight=back)
    return graph


def network_of(rows) -> Network:
    graph = nx.MultiGraph()
    graph.add_nodes_from(map(str, range(6)), kind="core")
    for order, (a, b, metric, delay_ms, gbps) in enumerate(rows):
        attributes = dict(
            zip(
                ("metric", "metric_ba", "delay_ms", "delay_ba_ms", "capacity_gbps",
                 "capacity_ba_gbps"),
                (*metric, *delay_ms, *gbps),
                strict=True,
            )
        )  # fmt: skip
        graph.add_edge(a, b, key=f"l{order}", order=order, a=a, b=b, cables={}, **attributes)
    return Network(graph, "made")


def all_pairs(network: Network) -> Demands:
    pairs = [(a, b) for a in network.nodes for b in network.nodes if a != b]
    return Demands.of(network, *zip(*pairs, strict=True), np.ones(len(pairs)))


# -- against NetworkX ---------------------------------------------------------------------------


@ANY
@given(rows=random_networks())
def test_ecmp_splits_as_the_shortest_paths_of_a_directed_graph(rows):
    network, graph = network_of(rows), digraph(rows, 2)
    demands = all_pairs(network)
    routes = ecmp(network, demands, network.metric)
    loads = routes.loads(demands.gbps)
    expected = np.zeros(len(network.tail))
    for source in network.nodes:
        for target in nx.descendants(graph, source):
            expected += _spread(network, graph, source, target)
    np.testing.assert_allclose(loads, expected, atol=1e-9)
    assert not loads[~network.exists].any()


def _spread(network: Network, graph: nx.MultiDiGraph, source: str, target: str) -> np.ndarray:
    """Return the load of a demand of 1, split at every node over all arcs on shortest paths."""
    left = nx.single_source_dijkstra_path_length(graph.reverse(), target)
    at, load = dict.fromkeys(network.nodes, 0.0) | {source: 1.0}, np.zeros(len(network.tail))
    for node in sorted(left, key=left.get, reverse=True):
        if node == target or not at[node]:
            continue
        out = [
            arc
            for arc in np.flatnonzero(network.exists).tolist()
            if network.nodes[network.tail[arc]] == node
            and left.get(network.nodes[network.head[arc]], np.inf) + network.metric[arc]
            == left[node]
        ]
        for arc in out:
            load[arc] += at[node] / len(out)
            at[network.nodes[network.head[arc]]] += at[node] / len(out)
    return load


@ANY
@given(rows=random_networks())
def test_latency_and_distances_are_those_of_a_directed_graph(rows):
    network, graph = network_of(rows), digraph(rows, 3)
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph))
    found = shortest(network, network.delay_ms)
    demands = all_pairs(network)
    fastest = ecmp(network, demands, network.delay_ms)
    state = link_state(fastest, network, 1e-6 * demands.gbps[:, None], NoQueue())
    paths = fastest_paths(network, demands, 2)
    first = dict(zip(paths.demand.tolist()[::-1], paths.sums(network.delay_ms)[::-1], strict=True))
    for k, (source, target) in enumerate(zip(demands.source, demands.target, strict=True)):
        ends = network.nodes[source], network.nodes[target]
        expected = lengths[ends[0]].get(ends[1], np.inf)
        assert found[source, target] == expected
        assert first.get(k, np.inf) == expected
        latency = state.latency_ms[k, 0]
        assert latency == pytest.approx(expected) if np.isfinite(expected) else np.isnan(latency)


# -- one link -----------------------------------------------------------------------------------


def triangle(**more) -> Network:
    network = make_tiny(("ab", "a", "b", 100.0, 10.0, 1.0), ("ac", "a", "c", 100.0, 10.0, 2.0),
                        ("cb", "c", "b", 100.0, 10.0, 4.0))  # fmt: skip
    return network.with_link("ab", **more) if more else network


def routed(network: Network, source: str, target: str) -> dict[str, float]:
    demands = Demands.of(network, [source], [target], [1.0])
    loads = ecmp(network, demands, network.metric).loads(demands.gbps)
    return {network.arc_name(arc): loads[arc] for arc in np.flatnonzero(loads)}


def test_each_direction_goes_by_its_own_metric():
    network = triangle(metric_ba=30.0)
    assert routed(network, "a", "b") == {"a>b": 1.0}
    assert routed(network, "b", "a") == {"b>c": 1.0, "c>a": 1.0}


def test_a_one_way_link_carries_nothing_back_before_and_after_faults():
    network = triangle(capacity_ba_gbps=0.0)
    for each in (network, network.failed(links=["ac"]), network.with_capacity("ab", 7.0)):
        assert not each.up[1] and each.capacity_gbps[1] == 0 and each.up[0]
    assert routed(network, "b", "a") == {"b>c": 1.0, "c>a": 1.0}
    assert network.with_capacity("ab", 7.0).capacity_gbps[0] == 7.0


def test_a_way_back_that_is_added_is_up_unless_the_link_has_failed():
    network = triangle(capacity_ba_gbps=0.0)
    assert network.with_link("ab", capacity_ba_gbps=5.0).up[1]
    assert not network.failed(links=["ab"]).with_link("ab", capacity_ba_gbps=5.0).up[1]


def test_an_edit_changes_both_directions_unless_it_says_otherwise():
    network = triangle(metric=10.0, metric_ba=30.0, delay_ms=1.0, delay_ba_ms=3.0)
    assert network.metric[:2].tolist() == [10.0, 30.0]
    assert network.with_link("ab", metric=7.0).metric[:2].tolist() == [7.0, 7.0]
    assert network.with_link("ab", metric_ba=7.0).metric[:2].tolist() == [10.0, 7.0]
    assert network.with_link("ab", delay_ms=7.0).delay_ms[:2].tolist() == [7.0, 7.0]
    assert network.with_link("ab", delay_ba_ms=0.0).delay_ms[:2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("wrong", [{"metric_ba": 0.0}, {"delay_ba_ms": -1.0}, {"metric_ab": 1.0}])
def test_what_a_direction_cannot_have_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        triangle(**wrong)


def test_a_factor_that_is_drawn_is_that_of_both_directions():
    network = triangle(metric=10.0, metric_ba=30.0, delay_ms=1.0, delay_ba_ms=3.0)
    for attribute, expected in (("metric", [20.0, 60.0]), ("delay_ms", [2.0, 6.0])):
        factor = Links(
            links=("ab",), attribute=attribute, law=law.make("uniform", low=1, high=3), source="x"
        )
        drawn = factor.network_under(network, np.array([2.0]))
        values = drawn.metric if attribute == "metric" else drawn.delay_ms
        assert values[:2].tolist() == expected


def test_facts_count_unlike_directions():
    network = triangle(metric_ba=30.0).with_link("ac", delay_ba_ms=9.0)
    known = facts(network.with_link("cb", capacity_ba_gbps=0.0))
    assert (known.unequal, known.unequal_metric, known.unequal_delay, known.one_way) == (0, 1, 1, 1)
    assert known.classes[0].min_gbps == 100.0


def test_the_table_of_links_has_both_directions():
    row = triangle(metric_ba=30.0, delay_ba_ms=5.0).frame().iloc[0]
    assert (row["metric"], row["metric_ba"], row["delay_ms"], row["delay_ba_ms"]) == (10, 30, 1, 5)


# -- files --------------------------------------------------------------------------------------

AB = "capacity_ba_gbps: 5, delay_ba_ms: 3, metric_ba: 30"
YAML = f"""
nodes: [{{id: a}}, {{id: b}}, {{id: c}}]
links:
  - {{id: ab, a: a, b: b, capacity_gbps: 10, delay_ms: 1, metric: 10, {AB}}}
  - {{id: bc, a: b, b: c, capacity_gbps: 10, delay_ms: 1, metric: 10}}
  - {{id: ca, a: c, b: a, capacity_gbps: 10, delay_ms: 1, metric: 10, capacity_ba_gbps: 0}}
"""


@pytest.mark.parametrize(
    "name", ["net.yaml", "net.graphml", "net.gml", "net.json", "net.graph", "net"]
)
def test_every_format_that_is_written_keeps_both_directions(tmp_path, name):
    (tmp_path / "first.yaml").write_text(YAML)
    network, problems = read_network(tmp_path / "first.yaml")
    assert problems == []
    write_network(network, tmp_path / name)
    again, _ = read_network(tmp_path / name)
    for array in ("capacity_gbps", "metric", "delay_ms", "up"):
        np.testing.assert_array_equal(getattr(again, array), getattr(network, array))
    assert again.links == network.links


def test_one_way_links_that_leave_no_way_back_are_doubted(tmp_path):
    text = YAML.replace("a: c, b: a", "a: a, b: c")
    (tmp_path / "net.yaml").write_text(text)
    assert check_network(tmp_path / "net.yaml") == []  # back over b
    only = "id: bc, a: b, b: c, capacity_gbps: 10"
    (tmp_path / "net.yaml").write_text(text.replace(only, f"{only}, capacity_ba_gbps: 0"))
    (found,) = check_network(tmp_path / "net.yaml")
    assert "one-way links leave no way to and from every node: 'c' lack" in found.message


def test_an_odd_delay_back_is_doubted(tmp_path):
    (tmp_path / "net.yaml").write_text(YAML.replace("delay_ba_ms: 3", "delay_ba_ms: 3000"))
    told = "\n".join(map(str, check_network(tmp_path / "net.yaml")))
    assert "links[0].delay_ba_ms: warning: 3,000 ms is 3 s" in told


SCENARIO = """
topology: net.yaml
horizon_h: 1
step_s: 900
traffic: {matrix: {kind: file, path: tm.csv}}
queue: none
strategies: {a: {scheme: igp_ecmp}}
"""


def scenario(folder, extra: str = ""):
    (folder / "net.yaml").write_text(YAML)
    (folder / "tm.csv").write_text("source,target,gbps\na,b,4\nb,a,4\n")
    (folder / "s.yaml").write_text(SCENARIO + extra)
    return folder / "s.yaml"


def test_a_run_goes_by_the_metric_of_each_direction(tmp_path):
    results = sim.run(sim.load(scenario(tmp_path)))
    assert results.figure("a", "latency_ms_mean") == pytest.approx((1 + 2) / 2)
    assert results.figure("a", "lost_gbit") == 0


@pytest.mark.parametrize(
    ("key", "value", "metrics"),
    [
        ("links.ab.metric", 7, [7.0, 7.0]),
        ("links.ab.metric", "x2", [20.0, 60.0]),
        ("links.ab.metric_ba", "+5", [10.0, 35.0]),
        ("links.bc.metric_ba", "+5", [10.0, 15.0]),
    ],
)
def test_a_change_says_which_direction_it_is_of(tmp_path, key, value, metrics):
    network = sim.load(scenario(tmp_path)).with_changes({key: value}).network
    at = 2 * network.link_index[key.split(".")[1]]
    assert network.metric[at : at + 2].tolist() == metrics


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("links.ab.metric", "-10", "expected a number above 0"),
        ("links.ab.capacity_gbps", "-5", "capacity_ba_gbps would be 0"),
        ("links.ab.metric_bb", 1, "did you mean 'metric_ba'"),
    ],
)
def test_a_change_that_leaves_nothing_is_refused(tmp_path, key, value, told):
    with pytest.raises(InputError, match=told):
        sim.load(scenario(tmp_path)).with_changes({key: value})


def test_a_capacity_change_leaves_a_one_way_link_one_way(tmp_path):
    loaded = sim.load(scenario(tmp_path)).with_changes({"links.ca.capacity_gbps": "+5"})
    assert loaded.network.capacity_gbps[4:].tolist() == [15.0, 0.0]
    event = "events: [{at_h: 0.5, link: ca, capacity_gbps: x2, until_h: 0.75}]\n"
    results = sim.run(sim.load(scenario(tmp_path, event)))
    assert results.figure("a", "lost_gbit") == 0


def test_the_natural_exit_is_that_of_the_ways_in():
    network = two_exits()
    demands = Demands.of(network, ["abroad"], ["home"], [1.0])

    def natural(of: Network) -> tuple[str, list[float]]:
        choices = InboundWorld(of, demands, Catchments(), Streams(1, 0)).choices
        return choices.exits[choices.natural[0, 0]], choices.metric_ms[0, 0].tolist()

    assert natural(network)[0] == "near"
    assert natural(network.with_link("near", metric_ba=15.0))[0] == "far"
    assert natural(network.with_link("to-near", metric_ba=15.0))[0] == "far"
    assert natural(network.with_link("near", capacity_ba_gbps=0.0))[1][0] == np.inf
    slower = network.with_links({each: {"delay_ba_ms": 40.0} for each in ("near", "far")})
    assert natural(network)[1] == [2.0 * 15.0, 11.0 * 15.0]  # 15 ms for a unit of an exit's metric
    assert natural(slower)[1] == [2.0 * 40.0, 11.0 * 40.0]


def test_a_one_way_exit_carries_out_and_not_in():
    network = make_tiny(("home-gw", "home", "gw", 100.0), ("out", "gw", "far", 10.0),
                        ("both", "gw", "far", 10.0, 5.0), gw="gateway", far="pop")  # fmt: skip
    network = network.with_link("out", capacity_ba_gbps=0.0)
    demands = Demands.of(network, ["home", "far"], ["far", "home"], [4.0, 4.0])
    played = play(case_of(network, demands, static()))
    assert played.figure("exit_utilisation_peak", "exit:out:out") == pytest.approx(0.4)
    assert played.figure("exit_utilisation_peak", "exit:both:in") == pytest.approx(0.4)
    assert played.figure("lost_gbit", "all") == 0
