"""Intervals that cover, and what stands where replications are too few for one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers import asks, case_of, static, two_exits
from interval_coverage import coverage, population
from scipy import stats

import simulator as sim
from simulator.base import text as show
from simulator.provenance import SAME_TRAFFIC
from simulator.queues.burst import Burst
from simulator.results.intervals import (
    STEPPED_NEEDS,
    Kinds,
    estimate,
    estimate_difference,
    unseen_share,
)
from simulator.results.metrics import metric
from simulator.results.statistics import estimates, summarise
from simulator.study.evidence import Shown, cell_of, explained
from simulator.study.headlines import figures_of
from simulator.traffic.shapes.noise import Noise


def kinds(*spreads, top=np.inf, part=None, signed=False):
    count = len(spreads)
    return Kinds(
        np.array(spreads),
        np.full(count, signed),
        np.full(count, top),
        np.arange(count) if part is None else np.array(part),
    )


def one(values, spread, **more):
    """Estimate one figure; its entries as plain numbers."""
    found = estimate(np.array([values], dtype=float), kinds(spread, **more))
    return SimpleNamespace(**{name: each[0] for name, each in found._asdict().items()})


def has_interval(found):
    return bool(np.isfinite(found.low) and np.isfinite(found.high) and not found.needs)


# -- the rule -----------------------------------------------------------------------------------


def test_a_plain_figure_has_the_interval_of_student_cut_at_zero():
    found = one([1.0, 2.0, 3.0, 10.0], "plain")
    low, high = stats.t.interval(0.95, 3, 4.0, stats.sem([1.0, 2.0, 3.0, 10.0]))
    assert low < 0 and (found.low, found.high) == (0.0, pytest.approx(high))
    assert one([1.0, 2.0, 3.0, 10.0], "plain", signed=True).low == pytest.approx(low)
    assert str(show.cell(4.0, 0.0, 10.5, "ms")) == "4.00 0.00 to 10.50"


@pytest.mark.parametrize("count", [3, 4, 8, 30])
def test_a_skewed_figure_has_an_interval_where_cochran_allows_it(count):
    # The rule by hand: 25 G^2 <= n, G = 3 c + c^3, c at its upper 99 % limit.
    upper = np.sqrt((count - 1) / stats.chi2.ppf(0.01, count - 1))
    for c in (0.005, 0.02, 0.04, 0.08, 0.3):
        shape = stats.norm.ppf((np.arange(count) + 0.5) / count)
        values = 1.0 + c * shape / shape.std(ddof=1)
        wide = c * upper
        allowed = 25 * (3 * wide + wide**3) ** 2 <= count
        assert has_interval(one(values, "skewed")) == allowed == has_interval(one(values, "rare"))
        assert has_interval(one(values, "plain"))
    needs = one([1.0, 1.1, 1.2, 1.3], "skewed").needs
    assert 4 < needs < 50
    repeated = np.tile([1.0, 1.1, 1.2, 1.3], int(needs) // 4 + 4)
    assert has_interval(one(repeated, "skewed")), "as many as it said, and a few more"


def test_only_the_part_that_is_skewed_counts():
    whole = np.array([70.0, 71.0, 72.0, 73.0])
    for part, allowed in (([0.1, 0.2, 0.1, 0.3], True), ([0.1, 2.2, 0.1, 4.3], False)):
        found = estimate(np.array([whole, part]), kinds("skewed", "skewed", part=[1, 1]))
        assert np.isfinite(found.low[0]) == allowed
        assert not np.isfinite(found.low[1])


def test_what_only_some_replications_show_has_no_interval():
    for seen, needs in ((1, 400), (2, 181), (3, 118)):
        found = one([5.0] * seen + [0.0] * (4 - seen), "rare")
        assert not np.isfinite([found.low, found.high]).any()
        assert (found.above, found.rare) == (seen, True)
        assert found.needs == pytest.approx(needs, abs=2)
    many = np.random.default_rng(1).exponential(size=500) * (np.arange(500) % 2)
    assert has_interval(one(many, "rare"))
    none = one([0.0] * 4, "rare")
    assert np.isnan(none.low) and np.isinf(none.needs)


def test_hours_press_against_the_length_of_the_run_as_well():
    values = [23.9, 23.8, 23.6, 23.2]
    assert has_interval(one(values, "rare"))
    assert not has_interval(one(values, "rare", top=24.0))
    assert not has_interval(one([24.0, 24.0, 23.9, 24.0], "rare", top=24.0))
    frame = pd.DataFrame(
        [(i, "it", "hours_above_80", "all", "h", value) for i, value in enumerate(values)],
        columns=["replication", "strategy", "metric", "scope", "unit", "value"],
    )
    assert summarise(frame)["ci_low"].notna().all()
    assert summarise(frame, hours=24.0)["ci_low"].isna().all()


def test_a_stepped_figure_has_an_interval_from_a_hundred_on():
    rng = np.random.default_rng(2)
    for count, allowed in ((4, False), (STEPPED_NEEDS - 1, False), (STEPPED_NEEDS, True)):
        found = one(rng.normal(100.0, 1.0, count), "stepped")
        assert has_interval(found) == allowed
        assert found.needs == (0 if allowed else STEPPED_NEEDS)


def test_what_no_replication_showed_has_a_largest_probability():
    # As scipy has it, for one side: 0 of n.
    for count in (1, 4, 20):
        exact = stats.binomtest(0, count, alternative="less").proportion_ci(0.95).high
        assert unseen_share(count) == pytest.approx(exact)


def test_a_difference_is_as_rare_as_its_sides():
    heavy, light = np.array([[5.0, 5.1, 4.9, 5.0]]), np.array([[0.0, 0.0, 0.1, 0.0]])
    for other in (light, 0 * light):
        found = estimate_difference(other, heavy, kinds("rare"))
        assert np.isnan(found.low[0]) and found.rare[0] and found.below[0] == 4
    both = estimate_difference(heavy[:, ::-1] + [[0.1, 0.2, 0.1, 0.3]], heavy, kinds("rare"))
    assert np.isfinite(both.low[0])
    even = estimate_difference(heavy * (1 + 1e-15), heavy, kinds("plain"))
    assert even.mean[0] == even.low[0] == even.high[0] == 0.0, "rounding is no difference"


def test_a_metric_file_is_the_place_that_says_how_it_spreads():
    names = set(metric.names())
    for each in metric:
        assert each.spread in ("plain", "skewed", "stepped", "rare"), each.name
        assert not each.skewed_part or (each.spread == "skewed" and each.skewed_part in names)
    assert metric["exit_utilisation_peak"].spread == "plain"
    assert metric["lost_gbit"].spread == metric["hours_above_100"].spread == "rare"
    assert metric["latency_ms_p99"].spread == "stepped"


# -- what tables show -----------------------------------------------------------------------------


def shown(values, name="lost_gbit", base=None):
    rows = [(i, "it", name, "all", metric[name].unit, v) for i, v in enumerate(values)]
    columns = ["replication", "strategy", "metric", "scope", "unit", "value"]
    (row,) = estimates(pd.DataFrame(rows, columns=columns)).to_dict("records")
    if base is None:
        return Shown(row)
    apart = estimate_difference(np.array([values]), np.array([base]), kinds("rare"))
    more = {name: each[0] for name, each in apart._asdict().items()}
    return Shown({**row, **more, "ci_low": more["low"], "ci_high": more["high"]}, apart=True)


@pytest.mark.parametrize(
    ("each", "text"),
    [
        (shown([0.0, 0.0, 2.0, 0.0]), "0.50 seen in 1 of 4"),
        (shown([0.0] * 4), "none seen in 4"),
        (shown([5.0, 5.01, 5.02, 5.0]), "5.01 ± 0.02"),
        (shown([1.0, 9.0, 2.0, 4.0]), "4.00 range 8.00"),
        (shown([3.0] * 4), "3.00 same in 4"),
        (shown([3.0] * 4, "headroom"), "3.00 same in 4"),
        (shown([7.0, 7.0, 7.5, 7.2], "latency_ms_p99"), "7.17 range 0.50"),
        (shown([0.0] * 4, base=[5.0, 5.1, 5.0, 5.2]), "-5.08 lower 4 of 4"),
        (shown([0.0, 9.0], base=[1.0, 2.0]), "+3.00 lower 1, higher 1 of 2"),
        (shown([0.0] * 4, base=[0.0] * 4), "0.00 same in 4"),
        (shown([5.0]), "5.00"),
    ],
)  # fmt: skip
def test_a_cell_says_what_the_replications_say(each, text):
    assert str(cell_of(each, "ms", 0.0)) == text


def test_the_foot_explains_what_the_cells_show():
    lines = [
        ("  queueing, ms", "ms", [shown([1.0, 9.0, 2.0, 4.0], "queueing_ms_mean"), None]),
        ("traffic lost (all)", "ms", [shown([0.0, 1.0, 0.0, 0.0]), shown([0.0] * 4)]),
        ("peak", "share", [shown([0.7, 0.8, 0.7, 0.8], "exit_utilisation_peak")]),
    ]
    few, needs, none = explained(lines)
    assert "range" in few and "k of n" in few
    assert "traffic lost (all) needs 400" in needs and "queueing needs 369" in needs
    assert none.startswith("none seen in 4 (below 53 % at 95 %)")
    assert not list(explained(lines[2:]))
    apart = shown([0.0] * 4, base=[5.0, 5.1, 5.0, 5.2])
    apart.estimate["needs"] = 900.0
    (_, needs, *_) = explained([("lost", "ms", [shown([0.0, 1.0, 0.0, 0.0]), apart])])
    assert "lost needs 400" in needs, "a figure before its difference"
    (_, needs) = explained([("lost", "ms", [shown([5.0, 5.01, 5.02, 5.0]), apart])])
    assert "lost needs 900" in needs


def test_a_run_speaks_the_same_in_a_terminal_a_notebook_and_a_what_if():
    changes = {"horizon_h": 2, "step_s": 900, "replications": 3, "record": {"demands": "none"}}
    scenario = sim.load("mini").with_changes({**changes, "demands.international": "x0.4"})
    answer = sim.compare(sim.run(scenario))
    again = sim.what_if(scenario, {"links.beijing-la.capacity_gbps": "+1"})
    for each in (answer, again):
        for words in ("none seen in 3", "(below 63 % at 95 %)", "needs 100", "range"):
            assert words in str(each).replace("\n  ", " ") and words in each._repr_html_()
    summary = answer.results[scenario.name].summary
    ends = summary[["ci_low", "ci_high"]]
    assert (ends.isna().sum(axis=1) != 1).all() and not (ends < 0).any(axis=None)
    for row in answer.frame.to_dict("records"):
        same = summary.query("metric == @row['metric'] and scope == @row['scope']")
        for _, one_of in same[same["strategy"] == row["strategy"]].iterrows():
            np.testing.assert_allclose(one_of["ci_high"], row["ci_high"], rtol=1e-9)


# -- the same traffic in every replication --------------------------------------------------------


def test_a_run_without_random_traffic_says_so(tmp_path):
    changes = {
        "horizon_h": 1,
        "step_s": 900,
        "replications": 2,
        "record": {"demands": "none"},
        "strategies": {"static": {"scheme": "igp_ecmp"}},
    }
    quiet = sim.load("mini").with_changes({**changes, "traffic": {"shapes": []}})
    noisy = sim.load("mini").with_changes(changes)
    for scenario, says in ((quiet, True), (noisy, False)):
        results = sim.run(scenario, out=tmp_path / str(says))
        notes = [n for n in results.run["notes"] if n.startswith(SAME_TRAFFIC)]
        assert len(notes) == says
        printed = " ".join(str(sim.compare(results)).split())
        assert printed.count(SAME_TRAFFIC) == says
    alone = quiet.with_changes({"replications": 1})
    assert not any(n.startswith(SAME_TRAFFIC) for n in sim.run(alone).run["notes"])


# -- coverage -----------------------------------------------------------------------------------


def check(found):
    """Where most runs have an interval it covers; wrong ones are few, and none is below zero."""
    assert (found["wrong"] <= 0.1).all(), found[found["wrong"] > 0.1].to_string()
    usual = found[found["given"] >= 0.6]
    off = usual[(usual["covered"] < 0.9) | (usual["covered"] > 0.99)]
    assert off.empty, off.to_string()
    assert not (found["least"][found["of"] == "figure"] < 0).any()


def mean_of(found, name, column, scope="all"):
    rows = found[(found["metric"] == name) & (found["scope"] == scope) & (found["of"] == "figure")]
    return rows.set_index("strategy")[column]["static"]


def test_intervals_cover_on_a_small_net_near_capacity(no_headroom):
    network = two_exits()
    demands = asks(
        network,
        ("home", "abroad", 80.0),
        ("abroad", "home", 60.0),
        ("home", "gw-near", 100.0),
        ("home", "gw-far", 70.0),
    )
    split = {"kind": "weighted_split", "by": "weights", "weights": {"near": 7, "far": 1}}
    case = case_of(
        network,
        demands,
        {"static": static(), "split": static(split)},
        hours=4.0,
        step_s=900.0,
        shapes=[Noise(sigma=0.1)],
        queue=Burst(),
        detail="none",
    )
    found = coverage(population(case, 200), hours=4.0, runs=400)
    check(found)
    # Seldom and skewed, as the scenario was made to be: a plain interval would often miss.
    for name in ("lost_gbit", "hours_above_100", "queueing_ms_mean", "latency_ms_p99"):
        assert mean_of(found, name, "student") < 0.8
        assert mean_of(found, name, "wrong") <= 0.02
    for name in ("exit_utilisation_peak", "exit_utilisation_p95", "offered_gbit"):
        assert mean_of(found, name, "given") == 1.0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scale", ["x0.6", "x1.1"])
def test_intervals_cover_in_a_thousand_runs(scale):
    """All of summary.csv and of the comparison: static routing, then SDN, near capacity."""
    changes = {"record": {"demands": "none"}, "step_s": 1800, "demands.international": scale}
    scenario = sim.load("mini").with_changes(changes)
    figures = figures_of(SimpleNamespace(figures=population(scenario.case, 400)))
    found = coverage(figures, hours=scenario.case.horizon_s / 3600, runs=1000)
    printed = sim.compare(sim.run(scenario.with_changes({"replications": 1}))).frame
    at = pd.MultiIndex.from_frame(printed[["metric", "scope"]])
    shown_there = pd.MultiIndex.from_frame(found[["metric", "scope"]]).isin(at)
    check(found[(found["of"] == "figure") | shown_there])
    assert found["wrong"].max() <= 0.15, "differences of other scopes, which no table shows"
    usual = found[found["given"] >= 0.6]
    assert len(usual) > len(found) / 2
    assert 0.94 <= usual["covered"].mean() <= 0.96
