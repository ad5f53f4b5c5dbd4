"""A network is a value: what it adds up to, what an edit changes, and what it leaves alone."""

import networkx as nx
import numpy as np
import pytest
from conftest import make_tiny

from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.network import COUNTING_RULE, Network
from simulator.model.topology import About
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.clock import Clock
from simulator.simulation.network_state import NetworkState

ARRAYS = (
    "tail", "head", "capacity_gbps", "delay_ms", "metric", "up", "background_gbps",
    "is_stub", "is_abroad", "link_class", "node_kind",
)  # fmt: skip


@pytest.fixture
def net():
    """A province, two cores, a gateway, a pop and a region; all link classes; odd directions."""
    graph = nx.MultiGraph()
    for node, kind, more in (
        ("bj", "super_core", {"weight": 2.0}),
        ("xa", "core", {}),
        ("sx", "provincial", {"weight": 1.0, "utc_offset_h": 6}),
        ("igw", "gateway", {}),
        ("la", "pop", {"lon": -118.2}),
        ("sj", "pop", {"utc_offset_h": -7}),
        ("na", "region", {}),
    ):
        graph.add_node(node, kind=kind, **more)
    for order, (link, a, b, kind, gbps, more) in enumerate(
        (
            ("bj-xa", "bj", "xa", "core", 100, {"metric": 10}),
            ("bj-xa-2", "xa", "bj", "core", 40, {"capacity_ba_gbps": 60, "metric": 10}),
            ("sx-bj", "sx", "bj", "provincial", 30, {}),
            ("sx-xa", "sx", "xa", "provincial", 20, {}),
            ("bj-igw", "bj", "igw", "gateway", 25, {}),
            ("bj-la", "igw", "la", "exit", 10, {"cables": {"TPE": 0.7, "JUS": 0.3}}),
            ("bj-sj", "sj", "igw", "exit", 8, {"cables": {"TPE": 1.0}, "capacity_ba_gbps": 5}),
            ("la-sj", "la", "sj", "overseas", 50, {}),
            ("la-na", "la", "na", "access", 500, {}),
        )
    ):
        graph.add_edge(
            a, b, key=link, order=order, a=a, b=b, capacity_gbps=gbps, delay_ms=float(order),
            **{"class": kind, **more},
        )  # fmt: skip
    about = About("test", utc_offset_h=8, cables={"TPE": {}, "AAG": {}}, hop_delay_ms=0.25)
    return Network(graph, about)


def arc(network, link, back=False):
    return 2 * network.link_index[link] + back


def snapshot(network):
    return {name: getattr(network, name).tolist() for name in ARRAYS}


# -- reading -----------------------------------------------------------------------------------


def test_totals_count_each_link_once(net):
    assert net.backbone_gbps == 100 + 40 + 30 + 20
    assert net.exits_gbps == 10 + 8
    assert net.total_gbps("gateway", "access") == 525
    assert net.total_gbps() == 0
    assert "once" in COUNTING_RULE
    assert repr(net) == "<Network test: 7 nodes, 9 links, backbone 190 Gbps, exits 18 Gbps>"


def test_totals_of_the_built_in_networks(china, mini):
    assert (china[0].backbone_gbps, china[0].exits_gbps) == (200_000, 2460)
    assert (mini[0].backbone_gbps, mini[0].exits_gbps) == (20_000, 246)


def test_every_link_is_two_arcs(net):
    assert len(net.tail) == 2 * len(net.links)
    forward, backward = slice(0, None, 2), slice(1, None, 2)
    np.testing.assert_array_equal(net.tail[forward], net.head[backward])
    np.testing.assert_array_equal(net.head[forward], net.tail[backward])
    assert net.arc_name(arc(net, "bj-xa-2")) == "xa>bj"
    assert net.arc_name(arc(net, "bj-xa-2", back=True)) == "bj>xa"


def test_each_direction_has_its_own_capacity(net):
    assert net.capacity_gbps[[arc(net, "bj-xa-2"), arc(net, "bj-xa-2", True)]].tolist() == [40, 60]
    assert net.capacity_gbps[[arc(net, "bj-xa"), arc(net, "bj-xa", True)]].tolist() == [100, 100]


def test_parallel_links_stay_apart(net):
    assert net.links[:2] == ("bj-xa", "bj-xa-2")
    demands = Demands.of(net, ["bj"], ["xa"], [8.0])
    loads = IgpEcmp().route(net, demands).loads(demands.gbps)
    assert loads[arc(net, "bj-xa")] == loads[arc(net, "bj-xa-2", back=True)] == 4.0


def test_a_delay_is_the_link_and_the_hop(net):
    assert net.delay_ms[arc(net, "sx-xa")] == 3.25


def test_file_order_wins(net):
    graph = nx.MultiGraph(net.graph)
    shuffled = nx.MultiGraph()
    shuffled.add_nodes_from(graph.nodes(data=True))
    for a, b, key, data in reversed(list(graph.edges(keys=True, data=True))):
        shuffled.add_edge(b, a, key=key, **data)
    other = Network(shuffled, net.about)
    assert other.links == net.links
    assert snapshot(other) == snapshot(net)


def test_exits_and_the_border(net):
    assert [net.links[i] for i in net.exits] == ["bj-la", "bj-sj"]
    out = [net.arc_name(i) for i in net.exit_arcs["out"]]
    back = [net.arc_name(i) for i in net.exit_arcs["in"]]
    assert out == ["igw>la", "igw>sj"]
    assert back == ["la>igw", "sj>igw"]
    np.testing.assert_array_equal(np.flatnonzero(net.crosses_out), sorted(net.exit_arcs["out"]))
    np.testing.assert_array_equal(np.flatnonzero(net.crosses_in), sorted(net.exit_arcs["in"]))
    assert [net.nodes[i] for i in net.gateways] == ["igw"]
    # Written from the pop: out is from b to a.
    assert net.capacity_gbps[net.exit_arcs["out"]].tolist() == [10, 5]


def test_classes_follow_from_the_ends(net):
    ends = [("sx", "xa"), ("sx", "na"), ("na", "sx"), ("la", "na")]
    demands = Demands.of(net, *zip(*ends, strict=True), [1, 2, 3, 4])
    found = ["domestic", "international_out", "international_in", "transit"]
    assert demands.traffic_class.tolist() == found
    assert demands.names[1] == "sx>na:international_out"


def test_local_time(net):
    assert dict(zip(net.nodes, net.utc_offset_h.tolist(), strict=True)) == {
        "bj": 8, "xa": 8, "sx": 6, "igw": 8, "la": -8, "sj": -7, "na": 8,
    }  # fmt: skip


def test_weights(net):
    assert net.weight.tolist() == [2, 0, 1, 0, 0, 0, 0]


def test_cables(net):
    assert net.cables == ("TPE", "AAG", "JUS")
    share = dict(zip(net.links, net.cable_share("TPE").tolist(), strict=True))
    assert {link: part for link, part in share.items() if part} == {"bj-la": 0.7, "bj-sj": 1.0}
    assert net.cable_share("AAG").sum() == 0


def test_as_a_table(net):
    table = net.frame().set_index("link")
    assert list(table.index) == list(net.links)
    assert table.loc["bj-xa-2", ["a", "b", "capacity_gbps", "capacity_ba_gbps"]].tolist() == [
        "xa", "bj", 40, 60,
    ]  # fmt: skip
    assert table.loc["bj-la", "cables"] == {"TPE": 0.7, "JUS": 0.3}


def test_two_links_of_one_id_are_refused():
    with pytest.raises(ValueError, match="share one id"):
        make_tiny(("x", "a", "b", 1), ("x", "b", "c", 1))


# -- frozen ------------------------------------------------------------------------------------


def test_the_graph_is_frozen(net):
    with pytest.raises(nx.NetworkXError, match="[Ff]rozen"):
        net.graph.add_edge("bj", "sx")
    with pytest.raises(nx.NetworkXError, match="[Ff]rozen"):
        net.graph.remove_node("bj")


def test_the_graph_given_is_copied(net):
    graph = nx.MultiGraph(net.graph)
    other = Network(graph, net.about)
    graph.remove_node("bj")
    graph.edges["sx", "xa", "sx-xa"]["capacity_gbps"] = 1
    assert "bj" in other.graph
    assert other.attributes("sx-xa")["capacity_gbps"] == 20


ALL_WAYS = {
    "made": lambda n: n,
    "without": lambda n: n.failed(links=["bj-xa"], cables=["TPE"]),
    "under": lambda n: n.under(up=n.up.copy(), capacity_gbps=n.capacity_gbps * 2),
    "carrying": lambda n: n.carrying(n.capacity_gbps * 0.1),
    "with_capacity": lambda n: n.with_capacity("bj-xa", 7.0),
    "without_link": lambda n: n.without_link("bj-xa"),
}


@pytest.mark.parametrize("way", ALL_WAYS)
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_read_only(net, name, way):
    array = getattr(ALL_WAYS[way](net), name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = array[0]


def test_a_mask_changed_later_changes_no_network(net):
    up, gbps, load = net.up.copy(), net.capacity_gbps.copy(), np.zeros(len(net.tail))
    seen = net.under(up=up, capacity_gbps=gbps).carrying(load)
    up[:], gbps[:], load[:] = False, 0.0, 9.0
    assert seen.up.all()
    assert (seen.capacity_gbps > 0).all()
    assert not seen.background_gbps.any()


# -- edits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ALL_WAYS)
def test_a_change_leaves_the_original_alone(net, way):
    before, edges = snapshot(net), sorted(net.graph.edges(keys=True, data="capacity_gbps"))
    changed = ALL_WAYS[way](net)
    assert changed is net or changed is not None
    assert snapshot(net) == before
    assert sorted(net.graph.edges(keys=True, data="capacity_gbps")) == edges


def test_with_capacity_sets_both_directions(net):
    wide = net.with_capacity("bj-xa-2", 400)
    assert (
        wide.capacity_gbps[[arc(net, "bj-xa-2"), arc(net, "bj-xa-2", True)]].tolist() == [400] * 2
    )
    assert wide.backbone_gbps == net.backbone_gbps + 360
    assert wide.links == net.links
    assert wide.about == net.about
    others = np.delete(np.arange(len(net.tail)), [2, 3])
    np.testing.assert_array_equal(wide.capacity_gbps[others], net.capacity_gbps[others])
    assert wide.attributes("bj-xa-2")["capacity_gbps"] == 400


def test_with_link_sets_what_it_names(net):
    changed = net.with_link("bj-sj", metric=7, capacity_gbps=20, capacity_ba_gbps=30)
    there, back = arc(net, "bj-sj"), arc(net, "bj-sj", True)
    assert changed.capacity_gbps[[there, back]].tolist() == [20, 30]
    assert changed.metric[[there, back]].tolist() == [7, 7]
    only_back = net.with_link("bj-sj", capacity_ba_gbps=30)
    assert only_back.capacity_gbps[[there, back]].tolist() == [8, 30]
    cables = net.with_link("bj-sj", cables={"JUS": 1.0})
    assert cables.cable_share("JUS")[net.link_index["bj-sj"]] == 1.0
    assert net.cable_share("JUS")[net.link_index["bj-sj"]] == 0.0


def test_without_link_takes_it_out(net):
    less = net.without_link("bj-xa")
    assert less.links == tuple(k for k in net.links if k != "bj-xa")
    assert len(less.tail) == len(net.tail) - 2
    assert less.backbone_gbps == 90
    assert less.nodes == net.nodes


def test_edits_add_up(net):
    both = net.with_capacity("bj-xa", 7).with_link("bj-xa", metric=3).without_link("sx-xa")
    assert both.capacity_gbps[0] == 7
    assert both.metric[0] == 3
    assert "sx-xa" not in both.links


def test_an_edit_keeps_the_faults(net):
    """What is down stays down, what is cut stays cut, what is carried stays."""
    hurt = net.failed(links=["sx-xa"], cables={"TPE": 0.5})
    load = np.arange(len(net.tail), dtype=float)
    wide = hurt.carrying(load).with_capacity("bj-xa", 400)
    assert wide.capacity_gbps[0] == 400
    np.testing.assert_array_equal(wide.up, hurt.up)
    np.testing.assert_array_equal(wide.capacity_gbps[2:], hurt.capacity_gbps[2:])
    np.testing.assert_array_equal(wide.background_gbps, load)


# -- faults ------------------------------------------------------------------------------------


def down(network):
    return {network.links[i] for i in np.flatnonzero(~network.up[::2])}


def test_links_down(net):
    hurt = net.failed(links=["bj-xa", "la-sj"])
    assert down(hurt) == {"bj-xa", "la-sj"}
    np.testing.assert_array_equal(hurt.up[::2], hurt.up[1::2])
    assert hurt.graph is net.graph


def test_a_node_down_takes_its_links(net):
    assert down(net.failed(nodes=["igw"])) == {"bj-igw", "bj-la", "bj-sj"}


def test_a_cut_cable_takes_its_share(net):
    hurt = net.failed(cables=["TPE"])
    assert down(hurt) == {"bj-sj"}
    np.testing.assert_allclose(hurt.capacity_gbps[[10, 11]], 3.0)
    assert hurt.capacity_gbps[0] == 100


def test_part_of_a_cable(net):
    hurt = net.failed(cables={"TPE": 0.5})
    assert down(hurt) == set()
    np.testing.assert_allclose(hurt.capacity_gbps[[10, 11, 12, 13]], [6.5, 6.5, 4.0, 2.5])


def test_all_cables_of_an_exit(net):
    assert down(net.failed(cables=["TPE", "JUS"])) == {"bj-la", "bj-sj"}
    assert down(net.failed(cables={"TPE": 1.0, "JUS": 1.0})) == {"bj-la", "bj-sj"}


@pytest.mark.parametrize("parts", [(0.1, 0.2, 0.7), (0.3, 0.3, 0.4), (0.15, 0.7, 0.15)])
def test_shares_that_add_to_one_leave_nothing(parts):
    network = make_tiny(("exit", "gw", "pop", 10), gw="gateway", pop="pop")
    cables = {f"c{i}": part for i, part in enumerate(parts)}
    network = network.with_link("exit", cables=cables)
    assert not network.failed(cables=cables.keys()).up.any()


def test_faults_add_up(net):
    once = net.failed(links=["bj-xa"], nodes=["sx"], cables=["TPE"])
    by_step = net.failed(links=["bj-xa"]).failed(nodes=["sx"]).failed(cables=["TPE"])
    assert down(once) == down(by_step) == {"bj-xa", "sx-bj", "sx-xa", "bj-sj"}
    np.testing.assert_array_equal(once.capacity_gbps, by_step.capacity_gbps)


def cabled(shares, gbps=100.0):
    """Return an exit over some cables."""
    network = make_tiny(("exit", "gw", "pop", gbps), gw="gateway", pop="pop")
    return network.with_link("exit", cables=shares)


def test_cuts_take_shares_of_what_is_installed():
    network = cabled({"A": 0.7, "B": 0.15, "C": 0.15})
    hurt = network.failed(cables=["A"])
    assert hurt.capacity_gbps == pytest.approx([30.0, 30.0])
    both = hurt.failed(cables=["B"])
    assert both.capacity_gbps == pytest.approx([15.0, 15.0]) and both.up.all()
    assert both.cut == {"A": 1.0, "B": 1.0} and both.capacity_left == pytest.approx([0.15])
    assert network.failed(cables=["B"]).failed(cables=["A"]).capacity_gbps == pytest.approx(15.0)
    assert network.failed(cables=["A", "B"]).capacity_gbps == pytest.approx(15.0)
    assert not both.failed(cables=["C"]).up.any()


def test_a_cable_can_be_cut_once():
    network = cabled({"A": 0.7, "B": 0.3})
    for first, then, left in ((1.0, 1.0, 30), (0.5, 1.0, 30), (0.5, 0.25, 47.5), (0.0, 0.5, 65)):
        hurt = network.failed(cables={"A": first}).failed(cables={"A": then})
        assert hurt.capacity_gbps == pytest.approx(left) and hurt.up.all()


def test_capacities_may_change_between_cuts():
    network = cabled({"A": 0.7, "B": 0.15, "C": 0.15})
    hurt = network.failed(cables=["A"]).with_capacity("exit", 200.0)
    assert hurt.capacity_gbps == pytest.approx(60.0)
    assert hurt.failed(cables=["B"]).capacity_gbps == pytest.approx(30.0)
    masked = network.failed(cables=["A"]).under(capacity_gbps=np.array([60.0, 6.0]))
    assert masked.failed(cables=["B"]).capacity_gbps == pytest.approx([30.0, 3.0])
    assert not network.cut and network.failed(cables=["B"]).cut == {"B": 1.0}


@pytest.mark.parametrize("seed", range(4))
def test_the_simulation_cuts_as_networks_do(seed):
    """Cuts, changes of capacity and repairs, one after the other, against one sum."""
    rng = np.random.default_rng(seed)
    shares = dict(zip("ABCD", rng.dirichlet(np.ones(4)), strict=True))
    network = cabled(shares)
    network_state = NetworkState(Clock(), network)
    lost = dict.fromkeys(shares, 0.0)
    factor, keys, began = 1.0, [], []
    for turn in range(12):
        cable, part = "ABCD"[rng.integers(4)], rng.uniform(0.1, 0.6)
        after = network.under(capacity_gbps=network.capacity_gbps * factor)
        for each, gone in lost.items():
            after = after.failed(cables={each: min(gone, 1.0)})
        further = network_state.network.failed(cables={cable: part})
        began.append(Fault("cable", cable, part))
        network_state.begin(began[-1])
        assert further.capacity_gbps == pytest.approx(network_state.network.capacity_gbps, abs=1e-9)
        lost[cable] += part
        by_hand = 1.0 - sum(min(gone, 1.0) * shares[each] for each, gone in lost.items())
        assert network_state.network.capacity_gbps == pytest.approx(
            100.0 * factor * by_hand, abs=1e-9
        )
        assert after.failed(cables={cable: part}).capacity_gbps == pytest.approx(
            network_state.network.capacity_gbps, abs=1e-9
        )
        if turn % 3 == 2:
            keys.append(object())
            network_state.begin_change(0, "x2", keys[-1])
            factor *= 2.0
            for each in [each for each in began if each.target == cable]:
                network_state.end(each)
                began.remove(each)
            lost[cable] = 0.0


def test_no_fault_is_no_change(net):
    assert snapshot(net.failed()) == snapshot(net)


def test_usable_follows_the_border_and_the_faults(net):
    hurt = net.failed(links=["bj-la"])
    home, abroad = hurt.usable(abroad=False), hurt.usable(abroad=True)
    assert not home[net.exit_arcs["out"]].any()
    assert not abroad[net.exit_arcs["in"]].any()
    assert home[net.exit_arcs["in"]].tolist() == [False, True]
    assert abroad[net.exit_arcs["out"]].tolist() == [False, True]


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "letter"),
    [
        (lambda n: n.with_capacity("bj-xaa", 1), "no link named 'bj-xaa'; did you mean 'bj-xa'?"),
        (lambda n: n.with_link("bj_la", metric=1), "no link named 'bj_la'; did you mean 'bj-la'?"),
        (lambda n: n.without_link("sx-xb"), "no link named 'sx-xb'; did you mean 'sx-xa'?"),
        (lambda n: n.failed(links=["la-an"]), "no link named 'la-an'; did you mean 'la-na'?"),
        (lambda n: n.failed(nodes=["IGW-"]), "no node named 'IGW-'; did you mean 'igw'?"),
        (lambda n: n.failed(cables=["TPE2"]), "no cable named 'TPE2'; did you mean 'TPE'?"),
        (lambda n: n.failed(cables={"JU": 1}), "no cable named 'JU'; did you mean 'JUS'?"),
        (lambda n: n.cable_share("zzzz"), "no cable named 'zzzz'"),
        (lambda n: n.attributes("zzzz"), "no link named 'zzzz'"),
    ],
)
def test_names_in_errors(net, call, letter):
    with pytest.raises(KeyError) as caught:
        call(net)
    assert caught.value.args == (letter,)


def test_an_unknown_attribute_is_refused(net):
    with pytest.raises((KeyError, ValueError, TypeError), match="capacity_gbps"):
        net.with_link("bj-xa", capacity_gpbs=400)


@pytest.mark.parametrize("gbps", [-1.0, float("nan")])
def test_an_impossible_capacity_is_refused(net, gbps):
    with pytest.raises(ValueError, match="capacity"):
        net.with_capacity("bj-xa", gbps)


@pytest.mark.parametrize("part", [-0.5, 1.5, float("nan")])
def test_an_impossible_share_of_a_cable_is_refused(net, part):
    with pytest.raises(ValueError, match="TPE"):
        net.failed(cables={"TPE": part})


@pytest.mark.parametrize(
    ("source", "target", "gbps", "letter"),
    [
        ("bjj", "xa", 1.0, "no node named 'bjj'; did you mean 'bj'?"),
        ("bj", "sxx", 1.0, "no node named 'sxx'; did you mean 'sx'?"),
        ("bj", "bj", 1.0, "a demand of 'bj' to itself"),
        ("bj", "xa", -1.0, "every demand must be a finite number of Gbps, 0 or more"),
        ("bj", "xa", np.nan, "every demand must be a finite number of Gbps, 0 or more"),
        ("bj", "xa", np.inf, "every demand must be a finite number of Gbps, 0 or more"),
    ],
)
def test_impossible_demands_are_refused(net, source, target, gbps, letter):
    with pytest.raises(ValueError) as caught:
        Demands.of(net, [source], [target], [gbps])
    assert str(caught.value) == letter


# -- demands -----------------------------------------------------------------------------------


def test_demands_add_up_scale_and_select(net):
    ends = [("sx", "xa"), ("sx", "na"), ("na", "sx")]
    demands = Demands.of(net, *zip(*ends, strict=True), [1, 2, 3])
    assert len(demands) == 3
    assert demands.total_gbps() == 6
    assert demands.total_gbps("domestic") == 1
    assert demands.total_gbps(("international_out", "international_in")) == 5
    assert demands.scaled(10, "international_in").gbps.tolist() == [1, 2, 30]
    assert demands.scaled(2).gbps.tolist() == [2, 4, 6]
    assert demands.gbps.tolist() == [1, 2, 3]
    assert demands.take(demands.of_class("international_out")).names == ["sx>na:international_out"]
    assert demands.with_gbps([4, 5, 6]).gbps.tolist() == [4, 5, 6]
    assert demands.frame().iloc[2].tolist() == ["na", "sx", "international_in", 3]
    assert repr(demands) == "<Demands: 3 demands, 6.0 Gbps>"
