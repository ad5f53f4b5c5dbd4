"""The built-in scenarios and the figures they gave: if one moves, say why, and pin it anew."""

import numpy as np
import pytest

import simulator as sim

COARSE = {"replications": 1, "step_s": 1800}
PINNED = {
    "mini": (
        {"replications": 2},
        {
            "static": {
                "exit_utilisation_peak": 1.658566406408988,
                "exit_utilisation_mean": 0.287049808329939,
                "offered_gbit": 231637292.82294768,
                "lost_gbit": 247521.46008236706,
                "latency_ms_mean": 10.912999419301169,
                "propagation_ms_mean": 10.613032407118045,
                "headroom": 0.48234442649779724,
                "control_cycles": 0.0,
            },
            "sdn": {
                "exit_utilisation_peak": 0.8501689899783884,
                "exit_utilisation_mean": 0.287049808329939,
                "offered_gbit": 231637292.82294774,
                "lost_gbit": 0.0,
                "latency_ms_mean": 10.599003483942926,
                "propagation_ms_mean": 10.489363588688406,
                "headroom": 1.251172205997284,
                "control_cycles": 96.0,
            },
        },
    ),
    "china169-2017": (
        COARSE,
        {
            "static": {
                "exit_utilisation_peak": 1.545501093196252,
                "lost_gbit": 8864089.529377937,
                "headroom": 0.5176314682156059,
            },
            "sdn": {
                "exit_utilisation_peak": 0.8986376634318007,
                "lost_gbit": 0.0,
                "headroom": 1.4018761782395768,
            },
        },
    ),
    "tpe-cut": (
        COARSE,
        {
            "static": {
                "exit_utilisation_peak": 4.169785290492356,
                "lost_gbit": 13470141.217535019,
                "headroom": 0.19185640129339573,
            },
            "sdn": {
                "exit_utilisation_peak": 2.7665690384430537,
                "lost_gbit": 101722.53930330276,
                "headroom": 1.0428591082026122,
            },
        },
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "mini" else pytest.mark.slow) for n in PINNED]
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
            assert f["lost_gbit", "all"] == pytest.approx(lost, abs=1e-9 * f["offered_gbit", "all"])
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
        static = at[replication, "static"]
        hottest = static["headroom", "all"] * static["exit_utilisation_peak", "all"]
        assert hottest == pytest.approx(0.8, rel=1e-9)
        offered = [at[replication, s, "offered_gbit", "all"] for s in results.strategies]
        assert offered == pytest.approx([offered[0]] * len(offered), rel=1e-12)


def test_the_paired_difference_is_that_of_the_means(tmp_path):
    results = sim.run(sim.load("mini").with_changes({"horizon_h": 3}), out=tmp_path / "mini")
    means = results.summary.set_index(["strategy", "metric", "scope"])["mean"]
    apart = results.differences.set_index(["metric", "scope"])["mean"]
    expected = means["sdn"] - means["static"]
    both = expected.dropna().index
    scale = np.maximum(means["sdn"][both].abs(), means["static"][both].abs())
    assert ((apart[both] - expected[both]).abs() <= 1e-12 * scale + 1e-300).all()
