"""Every value of the two reference files, computed again."""

import functools
import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import sources

from simulator.model.topology import BACKBONE_CLASSES
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax

DATA = Path(__file__).parent / "data"
CHINA = json.loads((DATA / "china169_reference.json").read_text(encoding="utf-8"))
MINI = json.loads((DATA / "mini_reference.json").read_text(encoding="utf-8"))

KINDS = {"intl_gateway": "gateway", "overseas_pop": "pop"}
CLASSES = {"intl_in": "international_in", "intl_out": "international_out"}
CHECKED = {
    "sums_gbps",
    "counts",
    "tm_totals_gbps",
    "backbone_edge_connectivity",
    "backbone_node_connectivity",
    "spf_ecmp_by_metric",
    "lp_min_mlu_all_classes",
    "lp_min_mlu_backbone_others_capped_at_1",
    "lower_bound_exit_inbound_over_capacity",
    "worst_single_backbone_link_failures_spf",
    "exit_gbps_by_cable",
    "cable_faults",
    "gateway_site_loss",
    "international_only_latency_tradeoff",
}
CHECKED_MINI = {
    "totals_gbps",
    "spf_metric",
    "spf_hops",
    "lp_min_mlu_any_path",
    "lp_min_mlu_domestic_only_on_backbone",
    "arc_loads_spf_metric",
}


def near(value, decimals=6):
    """As near as the printed digits allow."""
    return pytest.approx(value, rel=0, abs=max(1e-6, 0.5001 * 10.0**-decimals))


def utilisation(network, demands, routes):
    load = routes.loads(demands.gbps)
    live = network.up & (network.capacity_gbps > 0)
    return np.divide(load, network.capacity_gbps, out=np.zeros_like(load), where=live)


def fullest(network, used, *classes):
    """Utilisation and name of the fullest arc of some link classes."""
    used = np.where(np.isin(np.repeat(network.link_class, 2), classes), used, -1.0)
    return float(used.max()), network.arc_name(int(used.argmax()))


def least_mlu(network, demands, **options):
    routes = MinMax(**options).route(network, demands)
    assert routes.certificate.gap < 1e-6
    np.testing.assert_allclose(routes.served, 1.0, atol=1e-12)
    counted = np.isin(np.repeat(network.link_class, 2), options.get("classes", network.link_class))
    mlu = float(utilisation(network, demands, routes)[counted].max())
    assert mlu == pytest.approx(routes.certificate.mlu, rel=1e-9)
    return mlu


def exits_left(network):
    return float((network.capacity_gbps * network.up)[::2][network.exits].sum())


def test_every_key_is_looked_at():
    assert set(CHINA) - {"_about", "conventions"} == CHECKED
    assert set(MINI) - {"_about"} == CHECKED_MINI


# -- china169: sums and counts -----------------------------------------------------------------


@pytest.mark.parametrize("key", [k for k in CHINA["sums_gbps"] if not k.startswith("by_")])
@pytest.mark.reference(sources.CHINA169)
def test_sums(china, key):
    network, _ = china
    found = {
        "backbone_undirected_once": network.backbone_gbps,
        "core_links": network.total_gbps("core"),
        "provincial_uplinks": network.total_gbps("provincial"),
        "exits": network.exits_gbps,
        "gateway_links": network.total_gbps("gateway"),
    }
    assert found[key] == near(CHINA["sums_gbps"][key])


@pytest.mark.parametrize(
    ("end", "node", "gbps"),
    [
        (end, *item)
        for end, by in (("a", "by_gateway"), ("b", "by_pop"))
        for item in CHINA["sums_gbps"][by].items()
    ],
)
@pytest.mark.reference(sources.CHINA169)
def test_exits_by_end(china, end, node, gbps):
    table = china[0].frame()
    table = table[table["class"] == "exit"]
    assert set(table[end]) == set(CHINA["sums_gbps"][{"a": "by_gateway", "b": "by_pop"}[end]])
    assert table.groupby(end)["capacity_gbps"].sum()[node] == near(gbps)


@pytest.mark.parametrize(("role", "count"), CHINA["counts"]["roles"].items())
@pytest.mark.reference(sources.CHINA169)
def test_counts_of_nodes(china, role, count):
    network, _ = china
    assert np.count_nonzero(network.node_kind == KINDS.get(role, role)) == count
    assert len(network.nodes) == CHINA["counts"]["nodes"]


@pytest.mark.parametrize(("kind", "count"), CHINA["counts"]["links"].items())
@pytest.mark.reference(sources.CHINA169)
def test_counts_of_links(china, kind, count):
    network, _ = china
    assert np.count_nonzero(network.link_class == kind) == count
    assert len(network.links) == sum(CHINA["counts"]["links"].values())


@pytest.mark.parametrize(("kind", "gbps"), CHINA["tm_totals_gbps"].items())
@pytest.mark.reference(sources.CHINA169)
def test_totals_of_the_matrix(china, kind, gbps):
    assert china[1].total_gbps(CLASSES.get(kind, kind)) == near(gbps)


@pytest.mark.reference(sources.CHINA169)
def test_backbone_connectivity(china):
    network, _ = china
    edges = [(a, b) for a, b, d in network.graph.edges(data=True) if d["class"] in BACKBONE_CLASSES]
    backbone = nx.Graph(edges)
    assert nx.edge_connectivity(backbone) == CHINA["backbone_edge_connectivity"]
    assert nx.node_connectivity(backbone) == CHINA["backbone_node_connectivity"]


# -- china169: routing -------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "expected"), CHINA["spf_ecmp_by_metric"].items())
@pytest.mark.reference(sources.CHINA169)
def test_shortest_paths_by_class(china, kind, expected):
    network, demands = china
    used = utilisation(network, demands, IgpEcmp().route(network, demands))
    assert fullest(network, used, kind) == (near(expected["mlu"]), expected["link"])


@pytest.mark.reference(sources.CHINA169)
def test_least_mlu(china):
    assert least_mlu(*china) == near(CHINA["lp_min_mlu_all_classes"])


@pytest.mark.reference(sources.CHINA169)
def test_least_mlu_of_the_backbone(china):
    network, demands = china
    options = {"classes": ("core", "provincial"), "others_cap": 1.0}
    expected = CHINA["lp_min_mlu_backbone_others_capped_at_1"]
    assert least_mlu(network, demands, **options) == near(expected)
    routes = MinMax(**options).route(network, demands)
    assert utilisation(network, demands, routes).max() <= 1.0 + 1e-6


@pytest.mark.reference(sources.CHINA169)
def test_the_exits_bound_the_mlu_from_below(china):
    network, demands = china
    bound = demands.total_gbps("international_in") / network.exits_gbps
    assert bound == near(CHINA["lower_bound_exit_inbound_over_capacity"])
    assert least_mlu(network, demands) >= bound - 1e-9


@functools.cache
def single_backbone_failures(network, demands):
    """(backbone MLU, arc, failed link) for each backbone link, worst first."""
    found = []
    for link in network.frame().query("`class` in @BACKBONE_CLASSES")["link"]:
        hurt = network.failed(links=[link])
        used = utilisation(hurt, demands, IgpEcmp().route(hurt, demands))
        found.append((*fullest(hurt, used, *BACKBONE_CLASSES), link))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("rank", range(5))
@pytest.mark.reference(sources.CHINA169)
def test_worst_single_backbone_failures(china, rank):
    found = single_backbone_failures(*china)
    assert len(found) == 93
    expected = CHINA["worst_single_backbone_link_failures_spf"][rank]
    mlu, arc, link = found[rank]
    assert link.replace("--", "-") == expected["failed"]
    assert (mlu, arc) == (near(expected["backbone_mlu"]), expected["at"])


@pytest.mark.parametrize(("cable", "gbps"), CHINA["exit_gbps_by_cable"].items())
@pytest.mark.reference(sources.CHINA169)
def test_exit_capacity_by_cable(china, cable, gbps):
    network, _ = china
    share = network.cable_share(cable)
    assert set(network.cables) == set(CHINA["exit_gbps_by_cable"])
    assert (share * network.capacity_gbps[::2])[network.exits].sum() == near(gbps)


@pytest.mark.parametrize("cable", CHINA["cable_faults"])
@pytest.mark.reference(sources.CHINA169)
def test_cable_fault_under_shortest_paths(china, cable):
    network, demands = china
    expected = CHINA["cable_faults"][cable]
    hurt = network.failed(cables=[cable])
    assert exits_left(hurt) == near(expected["exit_capacity_left_gbps"])
    used = utilisation(hurt, demands, IgpEcmp().route(hurt, demands))
    worst = (near(expected["spf_exit_mlu"]), expected["spf_exit_link"])
    assert fullest(hurt, used, "exit") == worst


@pytest.mark.parametrize(
    "cable",  # four of them in a hurry: the program is the same for all
    [
        pytest.param(each, marks=[pytest.mark.slow] * (place >= 4))
        for place, each in enumerate(CHINA["cable_faults"])
    ],
)
@pytest.mark.reference(sources.CHINA169)
def test_cable_fault_under_the_optimum(china, cable):
    network, demands = china
    mlu = least_mlu(network.failed(cables=[cable]), demands)
    assert mlu == near(CHINA["cable_faults"][cable]["lp_min_mlu_all_classes"])


@pytest.mark.parametrize("gateway", CHINA["gateway_site_loss"])
@pytest.mark.reference(sources.CHINA169)
def test_loss_of_a_gateway_site(china, gateway):
    network, demands = china
    expected = CHINA["gateway_site_loss"][gateway]
    hurt = network.failed(nodes=[gateway])
    assert exits_left(hurt) == near(expected["exit_capacity_left_gbps"])
    used = utilisation(hurt, demands, IgpEcmp().route(hurt, demands))
    assert fullest(hurt, used, "exit")[0] == near(expected["spf_exit_mlu"])
    assert fullest(hurt, used, "gateway")[0] == near(expected["spf_gateway_mlu"])
    assert least_mlu(hurt, demands) == near(expected["lp_min_mlu_all_classes"])


@pytest.mark.parametrize(("key", "expected"), CHINA["international_only_latency_tradeoff"].items())
@pytest.mark.reference(sources.CHINA169)
def test_latency_of_international_traffic(china, key, expected):
    network, demands = china
    demands = demands.take(demands.of_class(("international_out", "international_in")))
    rule = key.removeprefix("lp_min_mean_one_way_ms_all_links_at_most_")
    if key == "mean_one_way_ms_spf_metric":
        scheme, cap = IgpEcmp(), np.inf
    elif key == "mean_one_way_ms_uncapacitated_shortest_latency":
        scheme, cap = MinLatency(utilisation_cap=1e6), np.inf
    else:
        scheme, cap = MinLatency(utilisation_cap=float(rule)), float(rule)
    routes = scheme.route(network, demands)
    assert utilisation(network, demands, routes).max() <= cap + 1e-6
    assert routes.certificate is None or routes.certificate.gap < 1e-6
    mean = np.average(routes.arrivals(network.delay_ms)[1], weights=demands.gbps)
    assert mean == near(expected, decimals=4)


# -- china169-mini -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mini_hops(mini):
    """The mini with a metric of 1 on every link."""
    network, demands = mini
    for link in network.links:
        network = network.with_link(link, metric=1.0)
    return network, demands


@pytest.mark.parametrize(("kind", "gbps"), MINI["totals_gbps"].items())
@pytest.mark.reference(sources.SMALL_NETWORK)
def test_mini_totals(mini, kind, gbps):
    assert mini[1].total_gbps(CLASSES.get(kind, kind)) == near(gbps)


@pytest.mark.parametrize("place", ["backbone", "exit"])
@pytest.mark.parametrize("by", ["metric", "hops"])
@pytest.mark.reference(sources.SMALL_NETWORK)
def test_mini_shortest_paths(mini, mini_hops, by, place):
    network, demands = {"metric": mini, "hops": mini_hops}[by]
    used = utilisation(network, demands, IgpEcmp().route(network, demands))
    expected = MINI[f"spf_{by}"][place]
    classes = {"backbone": BACKBONE_CLASSES, "exit": ("exit",)}[place]
    assert fullest(network, used, *classes) == (near(expected["mlu"]), expected["arc"])


@pytest.mark.reference(sources.SMALL_NETWORK)
def test_mini_least_mlu(mini):
    assert least_mlu(*mini) == near(MINI["lp_min_mlu_any_path"])


@pytest.mark.reference(sources.SMALL_NETWORK)
def test_mini_least_mlu_of_domestic_traffic(mini):
    network, demands = mini
    demands = demands.take(demands.of_class("domestic"))
    assert least_mlu(network, demands) == near(MINI["lp_min_mlu_domestic_only_on_backbone"])


@pytest.mark.parametrize(("arc", "gbps"), MINI["arc_loads_spf_metric"].items())
@pytest.mark.reference(sources.SMALL_NETWORK)
def test_mini_arc_loads(mini, arc, gbps):
    network, demands = mini
    loads = IgpEcmp().route(network, demands).loads(demands.gbps)
    names = [network.arc_name(i) for i in range(len(loads))]
    assert set(names) == set(MINI["arc_loads_spf_metric"])
    assert loads[names.index(arc)] == near(gbps)
