"""A scenario puts exits, regions and cables on a network that has none."""

import numpy as np
import pytest
import yaml

import simulator as sim
from simulator.base.document import Document
from simulator.base.errors import InputError
from simulator.formats.native import write
from simulator.model.border import NewExit, pop_of, with_border
from simulator.model.geo import great_circle_km
from simulator.scenario.load import from_document

PLAIN = {
    "nodes": [
        {"id": "north", "lat": 40.0, "lon": 116.0},
        {"id": "south", "lat": 23.0, "lon": 113.0},
        {"id": "inland", "lat": 30.0, "lon": 104.0},
    ],
    "links": [
        {"id": "n-s", "a": "north", "b": "south", "capacity_gbps": 1000, "delay_ms": 10},
        {"id": "n-i", "a": "north", "b": "inland", "capacity_gbps": 1000, "delay_ms": 8},
        {"id": "s-i", "a": "south", "b": "inland", "capacity_gbps": 1000, "delay_ms": 7},
    ],
}
SCENARIO = {
    "topology": "plain.yaml",
    "horizon_h": 2,
    "step_s": 600,
    "regions": [
        {"id": "west", "name": "The West", "weight": 2, "lat": 37.0, "lon": -122.0},
        {"id": "near", "weight": 1},
    ],
    "exits": [
        {"id": "n-out", "gateway": "north", "capacity_gbps": 100,
         "regions": {"west": 70, "near": 30}, "cables": {"C1": 1.0}},
        {"id": "s-out", "gateway": "south", "capacity_gbps": 200,
         "regions": {"west": 80, "near": 5}, "metric": 5},
    ],
    "cables": [{"id": "C1", "length_km": 12000}],
    "traffic": {"matrix": {"kind": "gravity", "by": "degree", "domestic_gbps": 50,
                           "international_out_gbps": 60, "international_in_gbps": 180}},
    "strategies": {
        "static": {"scheme": "nearest_exit"},
        "sdn": {"scheme": {"kind": "min_latency", "classes": ["exit"]},
                "control": {"every_s": 600}},
    },
}  # fmt: skip


def made(folder, **changes):
    (folder / "plain.yaml").write_text(yaml.safe_dump(PLAIN))
    path = folder / "it.yaml"
    path.write_text(yaml.safe_dump({**SCENARIO, **changes}))
    return sim.load(path)


def refused(folder, **changes):
    with pytest.raises(InputError) as caught:
        made(folder, **changes)
    return [f"{p.key}: {p.message}" for p in caught.value.problems]


def test_exits_are_put_on(tmp_path):
    network = made(tmp_path).network
    assert network.exits_gbps == 300 and [network.links[i] for i in network.exits] == [
        "n-out",
        "s-out",
    ]
    assert network.cables == ("C1",) and network.cable_share("C1")[network.exits[0]] == 1.0
    # What all regions of an exit share of the way is on the exit, the rest beyond it.
    exit_, west, near = (network.link_index[k] for k in ("n-out", "n-out:west", "n-out:near"))
    assert network.delay_ms[[2 * exit_, 2 * west, 2 * near]].tolist() == [30.0, 40.0, 0.0]
    assert network.metric[2 * network.link_index["s-out"]] == 5
    assert (network.capacity_gbps[[2 * west, 2 * near]] == 1000).all()
    assert network.weight[network.node_index["west"]] == 2
    assert "2 exits of 300 Gbps" in network.about.assumptions[-1]


def test_latency_by_each_exit_is_what_was_given(tmp_path):
    scenario = made(tmp_path)
    network = scenario.network
    demands = sim.Demands.of(
        network, ["north", "south", "west"], ["west", "near", "south"], [1.0] * 3
    )
    routes = sim.route("lowest_latency_exit", network, demands)
    _, delay = routes.arrivals(network.delay_ms)
    assert delay.tolist() == [70.0, 5.0, 80.0]


def test_delays_follow_from_places(tmp_path):
    exits = [{"id": "n-out", "gateway": "north", "capacity_gbps": 10, "regions": ["west"]}]
    regions = [SCENARIO["regions"][0]]
    network = made(tmp_path, exits=exits, regions=regions, cables=[]).network
    expected = great_circle_km(40.0, 116.0, 37.0, -122.0) * 1.35 / 204.0
    assert network.delay_ms[2 * network.link_index["n-out"]] == pytest.approx(expected)
    all_of_them = [{"id": "n-out", "gateway": "north", "capacity_gbps": 10}]
    again = made(tmp_path, exits=all_of_them, regions=regions, cables=[]).network
    assert again.delay_ms.tolist() == network.delay_ms.tolist()


def test_an_exit_may_differ_by_direction(tmp_path):
    exits = [dict(each) for each in SCENARIO["exits"]]
    exits[0] |= {"capacity_ba_gbps": 400, "metric": 2, "metric_ba": 7}
    exits[1] |= {"capacity_ba_gbps": 0}
    network = made(tmp_path, exits=exits).network
    out, back = (2 * network.link_index["n-out"] + way for way in (0, 1))
    assert network.capacity_gbps[[out, back]].tolist() == [100, 400]
    assert network.metric[[out, back]].tolist() == [2, 7]
    way = 2 * network.link_index["n-out:west"]
    assert network.capacity_gbps[way] == 4000  # ten times the wider direction
    only_out = 2 * network.link_index["s-out"]
    assert network.up[[only_out, only_out + 1]].tolist() == [True, False]
    changed = made(tmp_path, exits=exits).with_changes({"exits.0.capacity_ba_gbps": 50})
    assert changed.network.capacity_gbps[back] == 50


def test_it_runs_static_against_sdn_and_again_from_its_folder(tmp_path):
    scenario = made(tmp_path, exits=[{**SCENARIO["exits"][0], "cables": {"C1": 1.0}},
                                     {**SCENARIO["exits"][1]}])  # fmt: skip
    results = sim.run(scenario, out=tmp_path / "out")
    table = results.summary.set_index(["strategy", "metric", "scope"])["mean"]
    # Inland is as near to both: half of its third goes by either, 90 Gbps into 100 by the north.
    assert table["static", "exit_utilisation_peak", "all"] == pytest.approx(0.9)
    assert table["sdn", "exit_utilisation_peak", "all"] < 1.0
    again = sim.run(sim.load(tmp_path / "out" / "inputs" / "scenario.yaml"))
    assert again.summary.equals(results.summary)


def test_changes_keep_the_border_once(tmp_path):
    scenario = made(tmp_path)
    more = scenario.with_changes({"links.n-out.capacity_gbps": "+100", "seed": 7})
    assert more.network.exits_gbps == 400 and len(more.network.exits) == 2
    other = scenario.with_changes({"exits[0].capacity_gbps": 400})
    assert other.network.exits_gbps == 600 and len(other.network.exits) == 2
    with_cable = scenario.with_changes({"events": [{"at_h": 1, "cable": "C1"}]})
    assert with_cable.settings.events[0].cable == "C1"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"exits": [{**SCENARIO["exits"][0], "gateway": "nroth"}]},
            "exits[0].gateway: an exit begins at a node at home, but 'nroth' does not exist; did"
            " you mean 'north'?",
        ),
        (
            {"exits": [{**SCENARIO["exits"][0], "regions": {"wets": 9}}]},
            "exits[0].regions: no region named 'wets'; did you mean 'west'?",
        ),
        (
            {"exits": [{**SCENARIO["exits"][0], "regions": ["near"]}]},
            "exits[0].regions: nothing tells the delay to 'near': give it as near: MS under"
            " regions, or coordinates to 'near'",
        ),
        (
            {"exits": [{**SCENARIO["exits"][0], "cables": {"C1": 0.5}}]},
            "exits[0].cables: the shares add to 0.5, not to 1",
        ),
        (
            {"exits": [{**SCENARIO["exits"][0], "cables": {"C1 ": 1.0}}]},
            "exits[0].cables: no cable named 'C1 '; did you mean 'C1'?",
        ),
        (
            {"exits": [{**SCENARIO["exits"][0], "id": "n-s"}]},
            "exits[0].id: there is a link named 'n-s' already",
        ),
        (
            {"regions": [*SCENARIO["regions"], {"id": "north"}]},
            "regions[2].id: there is a node named 'north' already",
        ),
        ({"exits": []}, "regions[0].id: no exit leads to the region 'west'"),
    ],
)
def test_mistakes_are_told(tmp_path, changes, told):
    assert told in refused(tmp_path, **changes)


def test_what_a_scenario_puts_on_can_be_written(tmp_path):
    network = made(tmp_path).network
    write(network, tmp_path / "whole.yaml")
    again = sim.load_network(tmp_path / "whole.yaml")
    assert again.links == network.links and again.nodes == network.nodes
    for name in ("tail", "head", "capacity_gbps", "delay_ms", "metric"):
        np.testing.assert_allclose(getattr(again, name), getattr(network, name))


def test_regions_have_the_weights_given_them(tmp_path):
    demands = made(tmp_path).demands
    inbound = demands.take(demands.of_class("international_in"))
    names = [demands.nodes[s] for s in inbound.source]
    west = sum(g for g, n in zip(inbound.gbps, names, strict=True) if n == "west")
    assert west == pytest.approx(120.0) and inbound.gbps.sum() == pytest.approx(180.0)


def test_the_clock_of_home(tmp_path):
    scenario = made(tmp_path, utc_offset_h=8)
    network = scenario.network
    offsets = dict(zip(network.nodes, network.utc_offset_h, strict=True))
    assert offsets["north"] == 8.0 and offsets["west"] == -8.0
    assert scenario.with_changes({"seed": 3}).network.about.utc_offset_h == 8.0
    results = sim.run(scenario, out=tmp_path / "out")
    again = sim.run(sim.load(tmp_path / "out" / "inputs" / "scenario.yaml"))
    assert again.summary.equals(results.summary)


def test_a_network_may_have_exits_already():
    network = sim.load_network("china169-mini")
    gateway = network.nodes[network.gateways[0]]
    region = next(iter(np.array(network.nodes)[network.is_abroad]))
    more = with_border(network, [NewExit("new", gateway, 50.0, {region: 60.0})], [])
    assert more.exits_gbps == network.exits_gbps + 50
    assert more.node_index[pop_of("new")] == len(network.nodes)


def test_from_a_document_in_memory(tmp_path):
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(PLAIN))
    scenario = from_document(Document.of(SCENARIO), tmp_path, "memory")
    assert scenario.network.exits_gbps == 300
