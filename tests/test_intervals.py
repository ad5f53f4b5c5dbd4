"""Intervals that cover, and what stands where replications are too few for one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import MINI
from helpers import asks, case_of, static, two_exits
from interval_coverage import coverage, population
from scipy import stats

import simulator as sim
from simulator.base import text as show
from simulator.provenance import SAME_TRAFFIC
from simulator.queues.burst import Burst
from simulator.results.intervals import (
    UNEVEN_NEEDS,
    Kinds,
    estimate,
    estimate_difference,
    unseen_share,
)
from simulator.results.metrics import metric
from simulator.results.statistics import estimates
from simulator.study.evidence import Shown, cell_of, explained
from simulator.traffic.shapes.noise import Noise


def kinds(*spreads, signed=False):
    return Kinds(np.array(spreads), np.full(len(spreads), signed))


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


@pytest.mark.parametrize("spread", ["skewed", "rare"])
def test_few_replications_are_not_asked_whether_they_are_skewed(spread):
    rng = np.random.default_rng(2)
    for count, allowed in ((4, False), (UNEVEN_NEEDS - 1, False), (UNEVEN_NEEDS, True)):
        for values in (rng.normal(100.0, 1.0, count), rng.normal(100.0, 1e-6, count)):
            found = one(values, spread)
            assert has_interval(found) == allowed
            assert found.needs == (0 if allowed else UNEVEN_NEEDS)
            assert has_interval(one(values, "plain"))


@pytest.mark.parametrize("count", [100, 400])
def test_many_replications_have_an_interval_where_cochran_allows_it(count):
    for sigma in (0.05, 0.3, 0.6, 0.9):
        values = np.exp(sigma * stats.norm.ppf((np.arange(count) + 0.5) / count))
        needed = 25 * stats.skew(values) ** 2
        assert has_interval(one(values, "skewed")) == (needed <= count)
        assert one(values, "skewed").needs == (0 if needed <= count else np.ceil(needed))
        assert has_interval(one(-values, "skewed", signed=True)) == (needed <= count)


@pytest.mark.parametrize("spread", ["skewed", "rare"])
def test_what_never_differed_has_no_interval(spread):
    for count in (4, 100, 1000):
        found = one([3.0] * count, spread)
        assert np.isnan(found.low) and np.isinf(found.needs)
    found = one([3.0] * 4, "plain")
    assert found.low == found.high == 3.0 and not found.needs


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
    many = np.random.default_rng(1).normal(5.0, 0.1, (2, 1, 100))
    both = estimate_difference(*many, kinds("rare"))
    assert np.isfinite(both.low[0]) and not both.rare[0]
    seldom = np.where(np.arange(100) < 40, many[0], 0.0)
    third = estimate_difference(seldom, many[1], kinds("rare"))
    assert np.isnan(third.low[0]) and third.rare[0] and third.needs[0] > 100
    even = estimate_difference(heavy * (1 + 1e-15), heavy, kinds("plain"))
    assert even.mean[0] == even.low[0] == even.high[0] == 0.0, "rounding is no difference"


def test_a_metric_file_is_the_place_that_says_how_it_spreads():
    for each in metric:
        assert each.spread in ("plain", "skewed", "rare"), each.name
    assert metric["exit_utilisation_peak"].spread == "plain"
    assert metric["lost_gbit"].spread == metric["hours_above_100"].spread == "rare"
    assert metric["latency_ms_p99"].spread == "skewed"


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
        (shown([0.0, 0.0, 2.0, 0.0]), "0.50 in 1/4"),
        (shown([0.0] * 4), "none in 4"),
        (shown([5.0, 5.01, 5.02, 5.0]), "5.01 ↕ 0.02"),
        (shown([5.0, 5.01, 5.02, 5.0], "offered_gbit"), "5.01 ± 0.02"),
        (shown([1.0, 9.0, 2.0, 4.0]), "4.00 ↕ 8.00"),
        (shown([3.0] * 4), "3.00 same"),
        (shown([3.0] * 4, "headroom"), "3.00 same"),
        (shown([7.0, 7.0, 7.5, 7.2], "latency_ms_p99"), "7.17 ↕ 0.50"),
        (shown([0.0] * 4, base=[5.0, 5.1, 5.0, 5.2]), "-5.08 lower 4/4"),
        (shown([0.0, 9.0], base=[1.0, 2.0]), "+3.00 lower 1, higher 1 of 2"),
        (shown([0.0] * 4, base=[0.0] * 4), "0.00 same"),
        (shown([5.0]), "5.00"),
    ],
)  # fmt: skip
def test_a_cell_says_what_the_replications_say(each, text):
    assert str(cell_of(each, "ms", 0.0)) == text


def test_the_foot_explains_what_the_cells_show():
    lines = [
        ("  queueing, ms", "ms", [shown([1.0, 9.0, 2.0, 4.0], "queueing_ms_mean"), None]),
        ("lost (all)", "ms", [shown([0.0, 1.0, 0.0, 0.0]), shown([0.0] * 4)]),
        ("peak", "share", [shown([0.7, 0.8, 0.7, 0.8], "exit_utilisation_peak")]),
    ]
    few, needs, none = explained(lines)
    assert "↕" in few and "k/n" in few
    assert "need 100 replications (lost (all) needs 400)." in needs
    assert list(explained(lines[:1]))[1] == "Their intervals need 100 replications."
    assert none.startswith("none in 4 (below 53 % at 95 %)")
    assert not list(explained(lines[2:]))
    apart = shown([0.0] * 4, base=[5.0, 5.1, 5.0, 5.2])
    apart.estimate["needs"] = 900.0
    (_, needs, *_) = explained([("lost", "ms", [shown([0.0, 1.0, 0.0, 0.0]), apart])])
    assert "lost needs 400" in needs, "a figure before its difference"
    (_, needs) = explained([("lost", "ms", [shown([5.0, 5.01, 5.02, 5.0], "offered_gbit"), apart])])
    assert "lost needs 900" in needs


def test_a_run_speaks_the_same_in_a_terminal_a_notebook_and_a_what_if():
    changes = {"horizon_h": 2, "step_s": 900, "replications": 3, "record": {"demands": "none"}}
    scenario = sim.load(MINI).with_changes({**changes, "demands.international": "x0.4"})
    answer = sim.compare(sim.run(scenario))
    again = sim.what_if(scenario, {"links.beijing-la.capacity_gbps": "+1"})
    for each in (answer, again):
        for words in ("none in 3", "(below 63 % at 95 %)", "need 100", "↕"):
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
    quiet = sim.load(MINI).with_changes({**changes, "traffic": {"shapes": []}})
    noisy = sim.load(MINI).with_changes(changes)
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
    """Every interval covers, however seldom it is given, and none is below zero."""
    given = found[found["given"] > 0]
    off = given[(given["covered"] < 0.9) | (given["covered"] > 0.99)]
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
    found = coverage(population(case, 200), runs=1000)
    check(found)
    # Seldom and skewed, as the scenario was made to be: a plain interval would often miss.
    for name in ("lost_gbit", "hours_above_100", "queueing_ms_mean", "latency_ms_p99"):
        assert mean_of(found, name, "student") < 0.8
        assert mean_of(found, name, "given") == 0.0
    for name in ("exit_utilisation_peak", "exit_utilisation_p95", "offered_gbit"):
        assert mean_of(found, name, "given") == 1.0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scale", ["x0.6", "x1.1"])
def test_intervals_cover_in_a_thousand_runs(scale):
    """All of summary.csv and of the comparison: static routing, then SDN, near capacity."""
    changes = {"record": {"demands": "none"}, "step_s": 1800, "demands.international": scale}
    scenario = sim.load(MINI).with_changes(changes)
    figures = population(scenario.case, 400)
    found = coverage(figures)
    check(found)
    given = found[found["given"] > 0]
    assert len(given) > len(found) / 3
    assert 0.94 <= given["covered"].mean() <= 0.96
    # Of a hundred replications, an interval that is usual covers; a seldom one is a tail not seen.
    many = coverage(figures, count=UNEVEN_NEEDS)
    usual = many[many["given"] > 0.5]
    assert len(usual) > 0.8 * len(many) and usual["covered"].between(0.9, 0.99).all()
