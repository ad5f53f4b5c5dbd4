"""Changes of elements of the network: by id, in quotes, by pattern, as a whole."""

import pytest
from click.testing import CliRunner
from conftest import MINI

import simulator as sim
from simulator.cli import main as cli
from simulator.cli.scenario import pair, parse_changes
from simulator.scenario.address import Address
from simulator.scenario.elements import cable_gbps
from simulator.scenario.load import load

ODD = """\
name: odd
hop_delay_ms: 0
nodes:
  - {id: c, kind: core, weight: 2, lat: 30, lon: 110}
  - {id: "g.1", kind: gateway, weight: 1, lat: 31, lon: 111}
  - {id: pop, kind: pop, weight: 1, lat: 35, lon: -120}
links:
  - {id: "c.g", a: c, b: "g.1", class: gateway, capacity_gbps: 100, delay_ms: 1}
  - {id: "c*g", a: c, b: "g.1", class: gateway, capacity_gbps: 50, delay_ms: 1}
  - {id: "c=g", a: c, b: "g.1", class: gateway, capacity_gbps: 20, delay_ms: 1}
  - {id: "7", a: "g.1", b: pop, class: exit, capacity_gbps: 40, delay_ms: 60,
     cables: {A: 0.25, B: 0.75}, price_usd_per_mbps: 10}
  - {id: one-way, a: "g.1", b: pop, class: exit, capacity_gbps: 8, capacity_ba_gbps: 0,
     delay_ms: 60, cables: {A: 1.0}, price_usd_per_mbps: 20}
"""


@pytest.fixture(scope="module")
def mini():
    return load(MINI, [("horizon_h", "1"), ("replications", "1")])


@pytest.fixture
def odd(tmp_path):
    (tmp_path / "odd.yaml").write_text(ODD, encoding="utf-8")
    keys = {
        "topology": str(tmp_path / "odd.yaml"),
        "horizon_h": 1,
        "step_s": 1800,
        "traffic": {
            "matrix": {
                "kind": "gravity",
                "by": "weight",
                "domestic_gbps": 3,
                "international_out_gbps": 6,
                "international_in_gbps": 6,
            }
        },
        "strategies": {"static": {"scheme": "nearest_exit"}},
    }
    return sim.Scenario(**keys)


def both_ways(scenario, link):
    network = scenario.network
    at = 2 * network.link_index[link]
    return network.installed_gbps[at : at + 2].tolist()


def refused(scenario, changes):
    with pytest.raises(sim.InputError) as stopped:
        scenario.with_changes(changes)
    (message,) = str(stopped.value).splitlines()
    return message


# -- patterns -----------------------------------------------------------------------------------


def test_a_pattern_changes_all_that_it_fits_and_nothing_else(mini):
    key = "links.beijing-?a.capacity_gbps"
    more = mini.with_changes({"links.beijing-*.capacity_gbps": "+20%", key: "x2"})
    for link in mini.network.links:
        factor = 1.2 if link.startswith("beijing-") else 1.0
        factor *= 2 if link == "beijing-la" else 1
        expected = [factor * gbps for gbps in both_ways(mini, link)]
        assert both_ways(more, link) == pytest.approx(expected, rel=1e-12), link
    assert len(more.matched["links.beijing-*.capacity_gbps"]) == 7
    assert more.matched[key] == ("beijing-la",)
    assert more.with_changes({"seed": 3}).matched == more.matched


def test_exits_are_those_links_alone(mini):
    more = mini.with_changes({"exits.*.capacity_gbps": "x2"})
    assert more.network.exits_gbps == 2 * mini.network.exits_gbps
    assert more.network.backbone_gbps == mini.network.backbone_gbps
    message = refused(mini, {"exits.beijing--wuhan.metric": 2})
    assert "is no exit, but a link of class core: links.beijing--wuhan" in message


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("links.bejing-*.metric", "no link is like 'bejing-*'; did you mean 'beijing-*'?"),
        ("links.*-tokio.metric", "no link is like '*-tokio'; did you mean '*-tokyo'?"),
        ("exits.zzz*.metric", "no exit is like 'zzz*'; there are 9"),
        ("cables.TPEE.capacity_gbps", "no cable named 'TPEE'; did you mean 'TPE'?"),
        ("nodes.wuhn.weight", "no node named 'wuhn'; did you mean 'wuhan'?"),
        ("links.beijing-la.capacity", "unknown key; did you mean 'capacity_gbps'? known: "),
        ("cables.TPE.delay_ms", "unknown key; known: capacity_gbps"),
        ("links.'beijing-*'.metric", "no link named 'beijing-*'"),
        ("links", "expected links.ID.KEY, such as links.bj-la.capacity_gbps"),
        ("node.wuhan.weight", "unknown key; did you mean 'nodes'?"),
        ("exits[3].metric", "the scenario lists 0 exits of its own, counted from 0"),
    ],
)
def test_what_fits_nothing_is_refused_with_the_nearest(mini, key, expected):
    message = refused(mini, {key: 2})
    assert message.startswith(f"change: {key}: ")
    assert expected in message


# -- ids as they come ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("links.c.g.metric", {"c.g"}),
        ("links.c*g.metric", {"c*g"}),  # an id that is just so goes before the pattern
        ("links.c?g.metric", {"c.g", "c*g", "c=g"}),
        ('links."c*g".metric', {"c*g"}),
        ("links.'c=g'.metric", {"c=g"}),
        ('exits."7".metric', {"7"}),
        ("links.7.metric", {"7"}),
    ],
)
def test_ids_with_dots_stars_and_digits_are_reached(odd, key, changed):
    network = odd.with_changes({key: 9}).network
    assert {link for link in network.links if network.attributes(link)["metric"] == 9} == changed


def test_quotes_work_on_the_command_line():
    assert pair('links."a=b".metric=2', "--set") == ('links."a=b".metric', "2")
    assert parse_changes(('n: links."a: b=c".metric=2, links.d.metric=3',)) == {
        "n": {'links."a: b=c".metric': 2, "links.d.metric": 3}
    }
    assert parse_changes(("links.l'aquila.metric=2",)) == {
        "links.l'aquila.metric=2": {"links.l'aquila.metric": 2}
    }
    assert parse_changes(("gone: links.bj-la=null",)) == {"gone": {"links.bj-la": None}}
    assert Address.of('links."a.b".metric') == ("links", "a.b", "metric", True)


# -- values -------------------------------------------------------------------------------------


def test_relative_values_are_of_each_direction_and_of_each_link(odd):
    more = odd.with_changes({"exits.*.capacity_gbps": "x2"})
    assert both_ways(more, "7") == [80, 80]
    assert both_ways(more, "one-way") == [16, 0]
    back = odd.with_changes({'links."7".capacity_ba_gbps': "+10"})
    assert both_ways(back, "7") == [40, 50]
    cheaper = odd.with_changes({"exits.*.price_usd_per_mbps": "x0.9"}).network
    prices = [cheaper.attributes(x)["price_usd_per_mbps"] for x in ("7", "one-way")]
    assert prices == pytest.approx([9, 18])


def test_a_relative_price_of_an_exit_without_one_is_refused(mini):
    message = refused(mini, {"exits.beijing-la.price_usd_per_mbps": "x0.9"})
    assert message.endswith("has no price_usd_per_mbps to change by x0.9; give a number")
    assert mini.with_changes({"exits.beijing-la.price_usd_per_mbps": 3}).network


def test_reaches_and_cables_of_a_link(odd):
    network = odd.with_changes({"links.one-way.cables": {"B": 1.0}}).network
    assert network.attributes("one-way")["cables"] == {"B": 1.0}
    assert "add to 0.5" in refused(odd, {"links.one-way.cables": {"B": 0.5}})
    assert "no cable named 'Z'" in refused(odd, {"links.one-way.cables": {"Z": 1.0}})
    only = odd.with_changes({'exits."7".reaches': ["pop"]})
    assert only.network.attributes("7")["reaches"] == ("pop",)
    freed = only.with_changes({'exits."7".reaches': None}).network
    assert freed.attributes("7")["reaches"] is None
    assert "no node abroad is named 'c'" in refused(odd, {'exits."7".reaches': ["c"]})


# -- cables -------------------------------------------------------------------------------------


def test_a_cable_is_what_links_have_on_it(odd):
    assert cable_gbps(odd.network, "A") == 0.25 * 40 + 8
    more = odd.with_changes({"cables.A.capacity_gbps": "+18"})  # twice as much
    assert cable_gbps(more.network, "A") == pytest.approx(36)
    assert cable_gbps(more.network, "B") == pytest.approx(30)
    assert both_ways(more, "7") == pytest.approx([50, 50])
    assert both_ways(more, "one-way") == pytest.approx([16, 0])
    shares = more.network.attributes("7")["cables"]
    assert shares == pytest.approx({"A": 20 / 50, "B": 30 / 50})


def test_a_removed_cable_takes_its_share_along(odd):
    gone = odd.with_changes({"cables.A": None}).network
    assert "one-way" not in gone.links
    assert gone.cables == ("B",)
    assert gone.attributes("7")["cables"] == pytest.approx({"B": 1.0})
    assert gone.installed_gbps[2 * gone.link_index["7"]] == pytest.approx(30)


# -- whole elements -----------------------------------------------------------------------------


def test_a_link_is_removed_and_one_is_added(mini):
    changes = {
        "links.beijing-la": None,
        "links.xian-la": {
            **{"a": "xian", "b": "pop-los-angeles", "class": "exit"},
            **{"capacity_gbps": 40, "capacity_ba_gbps": 60},
        },
        "links.xian-la.capacity_gbps": "+10",
    }
    network = mini.with_changes(changes).network
    assert "beijing-la" not in network.links
    assert network.links[-1] == "xian-la"
    assert both_ways(mini.with_changes(changes), "xian-la") == [50, 70]
    assert network.attributes("xian-la")["delay_ms"] > 40  # from the great circle
    assert mini.network.links[-1] != "xian-la"


def test_removed_by_a_pattern_all_that_fits_is_gone(mini):
    less = mini.with_changes({"exits.beijing-*": None})
    assert [x for x in less.network.links if x.startswith("beijing-")] == [
        "beijing--shanghai",
        "beijing--guangzhou",
        "beijing--wuhan",
        "beijing--xian",
    ]
    assert len(less.matched["exits.beijing-*"]) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"links.new": {"a": "xian", "b": "los-angeles"}},
            "capacity_gbps: required key is missing",
        ),
        ({"links.new": {"a": "xian", "b": "losangeles", "capacity_gbps": 1}}, "'pop-los-angeles'"),
        ({"links.new": {"a": "xian", "b": "wuhan", "capacity": 1}}, "capacity_gbps"),
        ({"links.beijing-la": {"a": "xian", "b": "wuhan"}}, "named 'beijing-la' already"),
        ({"links.new": {"id": "old", "a": "xian"}}, "'new' by the key, and 'old' by the value"),
        ({"links.*": None}, "no link would be left"),
        ({"links.n*": {"a": "xian", "b": "wuhan"}}, "is a pattern"),
        ({"nodes.wuhan": None}, "a node is not removed"),
        ({"nodes.new": {"kind": "cor"}}, "kind: "),
        ({"nodes.wuhan": {"kind": "core"}}, "there is a node named 'wuhan' already"),
        ({"links.beijing-la.metric": None}, "links.beijing-la=null removes the link"),
        ({"links.beijing-la": 5}, "expected links.ID.KEY"),
        ({"exits.new": {"gateway": "wuhan", "capacity_gbps": 4}}, "leads nowhere"),
        ({"exits.new": {"gateway": "wuhn", "capacity_gbps": 4}}, "did you mean 'wuhan'?"),
        ({"exits.n*": {"gateway": "wuhan", "capacity_gbps": 4}}, "is a pattern"),
    ],
)
def test_a_wrong_element_is_told_in_one_letter(mini, changes, expected):
    with pytest.raises(sim.InputError) as stopped:
        mini.with_changes(changes)
    assert expected in str(stopped.value)
    assert "change" in str(stopped.value)


def test_a_new_exit_is_one_of_the_scenario(mini):
    exit_ = {"gateway": "wuhan", "capacity_gbps": 40, "regions": ["pop-frankfurt"]}
    more = mini.with_changes({"exits.wuhan-out": exit_, "exits.wuhan-out.capacity_gbps": "x2"})
    assert more.network.exits_gbps == mini.network.exits_gbps + 80
    assert [each["id"] for each in more.resolved()["exits"]] == ["wuhan-out"]
    assert more.demands.total_gbps() == mini.demands.total_gbps()
    gone = more.with_changes({"exits.wuhan-out": None})
    assert gone.network.exits_gbps == mini.network.exits_gbps


def test_a_new_gateway_is_a_node_with_its_links(mini):
    changes = {
        "nodes.gw": {"kind": "gateway", "lat": 22.8, "lon": 108.3},
        "nodes.other": {"kind": "core", "lat": 22.8, "lon": 108.3},
        "links.w-gw": {"a": "wuhan", "b": "gw", "class": "gateway", "capacity_gbps": 100},
        "links.gw-tokyo": {"a": "gw", "b": "pop-tokyo", "class": "exit", "capacity_gbps": 50},
        "links.w-other": {"a": "wuhan", "b": "other", "capacity_gbps": 100},
    }
    more = mini.with_changes(changes)
    assert more.network.nodes[-2:] == ("gw", "other")
    assert more.network.exits_gbps == mini.network.exits_gbps + 50
    assert more.demands.names == mini.demands.names
    assert (more.demands.gbps == mini.demands.gbps).all()


def test_links_that_go_leave_demands_without_a_way_and_say_so(odd):
    alone = odd.with_changes({"exits.one-way": None, 'exits."7"': None})
    assert any("have no way to their target" in str(each) for each in alone.warnings)


# -- nodes --------------------------------------------------------------------------------------


def test_weights_shape_the_matrix_that_is_made_from_them(odd):
    total = odd.demands.total_gbps(("domestic",))
    more = odd.with_changes({"nodes.c.weight": "x3"})
    assert more.demands.total_gbps(("domestic",)) == pytest.approx(total)
    assert not (more.demands.gbps == odd.demands.gbps).all()
    assert not [each for each in more.warnings if "changes nothing" in str(each)]


def test_a_weight_that_nothing_depends_on_is_told(mini):
    (warning,) = mini.with_changes({"nodes.wuhan.weight": "x3"}).warnings
    assert "nodes.wuhan.weight: warning: changes nothing" in str(warning)


def test_clocks_of_nodes(mini):
    network = mini.with_changes({"nodes.wuhan.utc_offset_h": -3}).network
    assert network.utc_offset_h[network.node_index["wuhan"]] == -3
    assert "from -12 to 14" in refused(mini, {"nodes.wuhan.utc_offset_h": 30})


# -- the same everywhere ------------------------------------------------------------------------


def test_keys_mean_the_same_in_yaml_on_the_shell_and_in_python(tmp_path, no_headroom, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(
        "topology: china169-mini\nhorizon_h: 1\nstep_s: 3600\n"
        "strategies: {static: {scheme: nearest_exit}}\n"
        "what_if:\n"
        "  - {name: x, set: {links.beijing-*.capacity_gbps: +20%, links.beijing-la: null}}\n",
        encoding="utf-8",
    )
    change = "x: links.beijing-*.capacity_gbps=+20%, links.beijing-la=null"
    from_yaml = sim.what_if("a.yaml")
    in_python = sim.what_if(
        "a.yaml", {"x": {"links.beijing-*.capacity_gbps": "+20%", "links.beijing-la": None}}
    )
    words = ["whatif", "a.yaml", "--change", change, "--out", "out", "--quiet"]
    assert CliRunner().invoke(cli.main, words).exit_code == 0
    for answer in (from_yaml, in_python):
        told = (tmp_path / "out" / "whatif.csv").read_bytes()
        assert (answer.folder / "whatif.csv").read_bytes() == told
        assert "links.beijing-*.capacity_gbps = +20% (7 links), links.beijing-la = null" in str(
            answer
        ).replace("\n", " ")


def test_set_beside_a_change_is_the_base_of_all_columns(no_headroom):
    base = load(MINI, [("horizon_h", "1"), ("exits.*.capacity_gbps", "x2")])
    answer = sim.what_if(base, {"a": {"exits.beijing-la.capacity_gbps": "+100"}})
    before = load(MINI).network
    at = 2 * before.link_index["beijing-la"]
    for name, more in (("baseline", 0), ("a", 100)):
        told = answer.results[name].run["network"]["exits"]
        assert told["beijing-la"] == 2 * before.installed_gbps[at] + more
        assert told["beijing-tokyo"] == 2 * before.installed_gbps[at + 2]


def test_a_link_that_one_column_has_alone(no_headroom):
    scenario = load(MINI, [("horizon_h", "1"), ("replications", "1")])
    new = {"a": "xian", "b": "pop-los-angeles", "class": "exit", "capacity_gbps": 40}
    answer = sim.what_if(scenario, {"new": {"exits.xian-la": new}, "gone": {"exits.*-la": None}})
    links = {name: set(each.links["link"]) for name, each in answer.results.items()}
    assert links["new"] - links["baseline"] == {"xian-la"}
    assert links["baseline"] - links["gone"] == {"beijing-la", "shanghai-la", "guangzhou-la"}
    scopes = answer.frame.groupby("change")["scope"].agg(set)
    assert "exit:xian-la:out" not in scopes["new"]  # there is nothing to compare it with
    assert "exit:beijing-la:out" not in scopes["gone"]
