"""Definitions and figures: small scenarios whose results were worked out by hand."""

import shutil

import numpy as np
import pandas as pd
import pytest
import sources
from cases import FOLDER, case
from conftest import ROOT, make_tiny
from helpers import asks, case_of, play, static
from scipy import stats
from topology_files import read

import simulator as sim
from simulator.base.errors import InputError
from simulator.model.demands import Demands
from simulator.routing.scheme import scheme

HOUR_S = 3600
OF_DIRECTIONS = ("a04", "a05", "a24", "c15", "c19", "d17", "d19")
"""Cases whose tests stand in a file of their own."""


def run(folder, scenario="s.yaml", **changes):
    return sim.run(sim.load(case(folder, scenario)).with_changes(changes))


def figures(results, strategy="a", scope="all", **expected):
    """Assert figures of one strategy in one scope."""
    for metric, value in expected.items():
        found = results.figure(strategy, metric, scope)
        assert found == pytest.approx(value, rel=1e-9, abs=1e-9), metric


def at(table, hour, **where):
    """Return the row of a table at one hour, for the values of some columns."""
    rows = table[table.time_s == hour * HOUR_S]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return row


# ---------------------------------------------------------------- definitions


@pytest.mark.reference(sources.BY_HAND)
def test_a_percentile_is_the_smallest_value_not_exceeded_so_often():
    results = run("c01-p95-definition")
    utilisation = {"peak": 1.0, "p95": 0.95, "mean": 0.505}
    figures(
        results, scope="exit:X:out", **{f"exit_utilisation_{k}": v for k, v in utilisation.items()}
    )
    figures(results, scope="exit:X:out", hours_above_80=100 / 60, hours_above_100=0.0)


@pytest.mark.reference(sources.BY_HAND)
def test_events_hold_from_their_beginning_until_their_end():
    results = run("c02-half-open-events")
    figures(results, offered_gbit=54_000, lost_gbit=19_812, hours_above_100=0.5 - 3 / HOUR_S)


@pytest.mark.reference(sources.BY_HAND)
def test_a_node_that_fails_takes_its_traffic_and_no_other():
    results = run("c03-node-failure")
    figures(results, lost_gbit=21_600)
    loads = {
        (a, b, hour): at(results.links, hour, source=a, target=b)["offered_gbps"]
        for a, b in ("AB", "BC", "AD", "DC", "BA", "CD")
        for hour in (0, 1)
    }
    assert [loads[*arc, 0] for arc in ("AB", "BC", "AD", "DC")] == [6.0, 6.0, 6.0, 4.0]
    assert [loads[*arc, 1] for arc in ("AB", "BC", "AD", "DC")] == [0.0, 0.0, 8.0, 8.0]
    lost = {
        pair: at(results.demands, 1, source=pair[0], target=pair[1]) for pair in ("AC", "AB", "BD")
    }
    assert [lost[pair]["carried_gbps"] for pair in lost] == [8.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("folder", "ends", "links"),
    [
        ("c04-float-equal-cost", ("A", "C"), ("AB", "DA")),
        ("c24-float-sum-of-many", ("N0", "N60"), ("L0", "L59")),
    ],
)
def test_sums_of_decimals_are_equal_costs(folder, ends, links):
    network, _ = read(case(folder, "net.yaml"))
    demands = asks(network, (*ends, 2.0))
    loads = sim.link_loads(sim.route("igp_ecmp", network, demands), demands)
    carried = loads.groupby("link").offered_gbps.sum()
    assert [carried[link] for link in links] == pytest.approx([1.0, 1.0])
    assert carried[carried > 0].to_numpy() == pytest.approx(1.0)


@pytest.mark.reference(sources.BY_HAND)
def test_a_cable_takes_all_its_links():
    results = run("c06-srlg-two-links")
    figures(results, lost_gbit=0.0)
    figures(results, scope="exit:X3:out", exit_utilisation_peak=0.9)
    found = [
        at(results.exits, hour, exit=name, direction="out")["utilisation"]
        for name in ("X1", "X3")
        for hour in (0, 1, 2)
    ]
    assert np.nan_to_num(found) == pytest.approx([0.3, 0.0, 0.3, 0.3, 0.9, 0.3])


@pytest.mark.reference(sources.BY_HAND)
def test_what_is_lost_loads_no_link_behind():
    results = run("c07-over-100-tandem")
    figures(results, lost_gbit=15 * HOUR_S)
    link = at(results.links, 0, link="BC", source="B")
    assert link["utilisation"] == pytest.approx(1.5) and link["carried_gbps"] == pytest.approx(10)
    through, local = (at(results.demands, 0, source=node)["carried_gbps"] for node in "AB")
    assert (through, local) == pytest.approx((20 / 3, 10 / 3))


def test_what_reaches_no_end_is_lost_and_has_no_latency():
    figures(run("c08-unreachable"), loss_fraction=0.75, latency_ms_mean=1.0, lost_gbit=3 * HOUR_S)


def test_a_replication_depends_on_its_number_and_the_seed_alone():
    def drawn(**changes):
        table = run("c10-reps-seeds", **changes).figures
        table = table[(table.strategy == "a") & (table.metric == "offered_gbit")]
        return table[table.scope == "all"].set_index("replication").value

    scenario = sim.load(case("c10-reps-seeds", "s.yaml"))
    a, b = {"scheme": "igp_ecmp"}, {"scheme": "min_max"}
    three = drawn()
    for changes in (
        {"replications": 5},
        {"strategies": {"b": b, "a": a}},
        {"strategies": {"a": a, "c": {"scheme": "min_latency"}, "b": b}},
    ):
        pd.testing.assert_series_equal(drawn(**changes).head(3), three, check_exact=True)
    assert len(three) == 3 and three.nunique() == 3
    assert not set(drawn(seed=12)) & set(three)
    row = sim.run(scenario).summary.query("strategy == 'a' and metric == 'offered_gbit'").iloc[0]
    half = stats.t.ppf(0.975, 2) * three.std() / np.sqrt(3)
    assert (row["mean"], row["ci_high"]) == pytest.approx((three.mean(), three.mean() + half))


def test_a_matrix_of_zeros_is_refused():
    with pytest.raises(InputError, match=r"s.yaml:4:19: traffic.matrix: the matrix holds no traff"):
        run("c13-zero-traffic")


def test_cables_of_a_link_add_up():
    results = run("c17-two-cables-on-one-link")
    figures(results, lost_gbit=14_400, mlu_peak=0.8)
    capacities = [
        at(results.exits, hour, exit="X", direction="out")["capacity_gbps"] for hour in range(5)
    ]
    assert capacities == pytest.approx([10.0, 5.0, 0.0, 5.0, 10.0])


# ---------------------------------------------------------------- simulation


@pytest.mark.reference(sources.BY_HAND)
def test_headroom_holds_at_every_instant():
    results = run("s01-headroom-every-instant")
    found = [results.figure(name, "headroom") for name in ("static", "sdn", "minmax")]
    assert found == pytest.approx([1.0] * 3, rel=2e-3)


@pytest.mark.reference(sources.BY_HAND)
def test_headroom_counts_what_announcements_do():
    results = run("s02-headroom-announcements", "an1.yaml")
    found = [results.figure(name, "headroom") for name in ("static", "sdn")]
    assert found == pytest.approx([2 / 3] * 2, rel=2e-3)


@pytest.mark.reference(sources.BY_HAND)
def test_regret_is_not_negative_and_more_where_more_is_lost():
    results = run("s03-regret-not-negative", "s4.yaml")
    static_, slow, best = (results.figure(n, "regret") for n in ("static", "slow", "best"))
    assert best == 0.0 and 0.0 < static_ < slow
    lost = [results.figure(name, "lost_gbit") for name in ("static", "slow")]
    assert lost == pytest.approx([86_406, 86_520])


@pytest.mark.reference(sources.BY_HAND)
def test_quantiles_of_latency_are_by_volume():
    quantiles = {"p50": 10.0, "p95": 100.0, "p99": 100.0, "mean": 55.0}
    expected = {f"latency_ms_{name}": value for name, value in quantiles.items()}
    figures(run("s04-latency-quantiles-by-volume"), "static", **expected)


def test_a_season_of_a_recording_is_what_was_seen_so_far(tmp_path):
    split_s, logs = 5400, []
    for factor in (1.0, 3.0):
        folder = tmp_path / f"{factor:g}"
        shutil.copytree(case("s05-seasonal-sees-the-future"), folder)
        rows = pd.read_csv(folder / "dem.csv")
        since = pd.to_datetime(rows.time) - pd.Timestamp("2020-01-01")
        rows.loc[since.dt.total_seconds() >= split_s, "gbps"] *= factor
        rows.to_csv(folder / "dem.csv", index=False)
        logs.append(sim.run(sim.load(folder / "leak.yaml")).control)
    columns = ["time_s", "trigger", "mlu", "moves", "moved_gbps", "objective_gbps_ms"]
    past, future = (
        [log[mask(log.time_s)][columns].reset_index(drop=True) for log in logs]
        for mask in (lambda t: t <= split_s, lambda t: t > split_s)
    )
    pd.testing.assert_frame_equal(*past, check_exact=True)
    assert len(past[0]) > split_s / 300 and not future[0].equals(future[1])


# ---------------------------------------------------------------- described in words


@pytest.mark.parametrize("order", ["abc", "cba"])
def test_exits_as_near_share_whatever_their_order(order):
    assert "equal split over the exits" in case("s06-nearest-exit-ties", "README").read_text()
    links = [(f"in-{g}", "core", f"gw-{g}", 9.0) for g in order]
    links += [(f"x-{g}", f"gw-{g}", "abroad", 9.0) for g in order]
    network = make_tiny(*links, **{f"gw-{g}": "gateway" for g in order}, abroad="region")
    demands = asks(network, ("core", "abroad", 6.0))
    for options, expected in (({}, [2.0, 2.0, 2.0]), ({"ties": "lowest_id"}, [6.0, 0.0, 0.0])):
        loads = scheme["nearest_exit"](**options).route(network, demands).loads(demands.gbps)
        found = dict(zip(network.links, loads[::2], strict=True))
        assert [found[f"x-{g}"] for g in "abc"] == pytest.approx(expected)


def test_a_gap_is_a_share_of_the_bound(mini):
    assert "(value - bound) / bound" in case("s07-gap-definition", "README").read_text()
    proof = scheme["min_max"](paths=1).route(*mini).certificate
    assert proof.gap == pytest.approx(0.96 / 0.72 - 1, rel=1e-6)


@pytest.mark.parametrize("kind", ["min_max", "min_latency", "semi_oblivious", "max_min_fair"])
def test_capacities_far_apart_have_an_answer(kind):
    assert "c0->c2 290 Gbps" in case("s08-far-apart-capacities", "README").read_text()
    ends = [("c1", "c2", 0.57), ("c0", "c1", 4900.0), ("c0", "c2", 0.00012)]
    ends += [("c1", "c0", 37_000.0), ("c0", "c2", 40_000.0)]
    links = [
        (f"l{i}", *end, 1.0, delay)
        for i, (end, delay) in enumerate(zip(ends, (5.0, 3.0, 3.0, 3.0, 3.0), strict=True))
    ]
    network = make_tiny(*links)
    demands = Demands.of(network, ["c0"], ["c2"], [290.0])
    loads = sim.route(kind, network, demands).loads(demands.gbps)
    assert (loads / network.capacity_gbps).max() < 1.0


def test_failures_close_together_are_converged_on_once():
    assert "here 33 s" in case("s09-close-failures", "README").read_text()
    gateways = {"gw-a": "gateway", "gw-b": "gateway", "gw-c": "gateway"}
    network = make_tiny(
        *[(f"in-{g}", "home", f"gw-{g}", 100.0, 1.0 + i) for i, g in enumerate("abc")],
        *[(f"x-{g}", f"gw-{g}", "abroad", 100.0, 1.0) for g in "abc"],
        **gateways, abroad="pop",
    )  # fmt: skip
    events = [{"at_h": 0.1, "link": "x-a"}, {"at_h": 0.1 + 2 / HOUR_S, "link": "x-b"}]
    demands = asks(network, ("home", "abroad", 10.0))
    got = play(case_of(network, demands, static(detect_s=1, converge_s=30), events=events))
    log = got.table("control").query("trigger == 'topology'")
    assert (log.time_s - 360).tolist() == pytest.approx([33.0])


# ---------------------------------------------------------------- none is left out


def test_every_case_has_a_test():
    """A folder that no test names is one that holds for nothing."""
    if not FOLDER.is_dir():
        pytest.skip("the cases are not on this machine")
    there = ROOT / "tests"
    tests = "\n".join(path.read_text(encoding="utf-8") for path in there.glob("test_*.py"))
    folders = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
    pending = () if (there / "test_cases_directions.py").exists() else OF_DIRECTIONS
    without = [n for n in folders if n not in tests and not n.startswith(pending)]
    assert folders and without == []
