"""Recovery: what is lost after events, for how long, and how full exits get meanwhile."""

import numpy as np
import pandas as pd
import pytest
from helpers import asks, case_of, play, sdn, static, two_exits

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.figures.figure import NothingToShow, figure
from simulator.results.table import declared

CUT = {"at_h": 0.5, "link": "near"}


def played(strategy, *events, gbps=60.0, hours=2.0, **more):
    network = two_exits()
    demands = asks(network, ("home", "abroad", gbps))
    return play(case_of(network, demands, strategy, hours=hours, events=events, **more))


@pytest.mark.parametrize(("detect_s", "converge_s"), [(1.0, 2.0), (0.05, 0.2), (26.0, 40.0)])
def test_recovery_from_a_dead_link_is_rate_times_time(detect_s, converge_s):
    got = played(static(detect_s=detect_s, converge_s=converge_s), CUT)
    (row,) = got.table("recovery").to_dict("records")
    took_s = detect_s + converge_s
    assert row["time_s"] == 1800.0 and row["until_s"] == 7200.0
    assert "near" in row["event"]
    assert (row["unserved_before_gbps"], row["settled_unserved_gbps"]) == (0.0, 0.0)
    assert row["unserved_at_once_gbps"] == pytest.approx(60.0)
    assert row["recovered_s"] == pytest.approx(took_s)
    assert row["unserved_gbit"] == row["lost_gbit"] == pytest.approx(60.0 * took_s)
    assert got.figure("recovery_s") == pytest.approx(took_s)
    assert got.figure("recovery_unserved_gbit") == pytest.approx(got.figure("lost_gbit"))
    assert got.figure("recovery_peak") == pytest.approx(row["peak_utilisation"])


def test_what_never_recovers_is_counted_to_the_next_event():
    """A cut in part that no IGP sees: 90 Gbps on 45 for half an hour, and again for an hour."""
    cut = {"link": "near", "capacity_gbps": 45.0}
    got = played(
        static(),
        {"at_h": 0.25, "until_h": 0.75, **cut},
        {"at_h": 1.0, **cut},
        gbps=90.0,
    )
    rows = got.table("recovery")
    assert rows["time_s"].tolist() == [900.0, 2700.0, 3600.0]
    assert rows["recovered_s"].isna().tolist() == [True, False, True]
    assert rows["recovered_s"][1] == 0.0
    assert rows["unserved_gbit"].tolist() == pytest.approx([45.0 * 1800, 0.0, 45.0 * 3600])
    assert rows["peak_utilisation"].tolist() == pytest.approx([2.0, 0.9, 2.0])
    assert rows["settled_utilisation"].tolist() == pytest.approx([2.0, 0.9, 2.0])
    assert got.figure("recovery_s") == 3600.0
    assert got.figure("recovery_unserved_gbit") == pytest.approx(got.figure("lost_gbit"))


def test_a_controller_recovers_and_the_peak_is_that_before_it_acts():
    cut = {"at_h": 0.5, "link": "near", "capacity_gbps": 40.0}
    strategy = sdn(compute_s=2.0, install_s=5.0, window_s=0.0, staleness_s=0.0)
    got = played(strategy, cut, gbps=80.0)
    (row,) = got.table("recovery").to_dict("records")
    assert 0.0 < row["recovered_s"] <= 300.0 + 7.0
    assert row["unserved_gbit"] == pytest.approx(40.0 * row["recovered_s"])
    assert row["peak_utilisation"] == pytest.approx(2.0)
    assert row["settled_utilisation"] <= 1.0 + 1e-9


def test_intervals_around_an_event_add_up_to_its_row():
    got = played(static(detect_s=1.0, converge_s=2.0), CUT)
    (row,) = got.table("recovery").to_dict("records")
    around = got.table("around_events")
    assert around["time_s"].iloc[0] <= 1800.0 - 300.0 < around["time_s"].iloc[0] + 3600.0
    assert np.allclose((around["time_s"] + around["lasts_s"])[:-1], around["time_s"][1:])
    after = around[around["time_s"] >= 1800.0]
    assert after["unserved_gbps"] @ after["lasts_s"] == pytest.approx(row["unserved_gbit"])
    assert 1803.0 in after["time_s"].tolist()


def test_events_of_a_controller_stand_under_its_strategy_alone():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 60.0))
    case = case_of(
        network,
        demands,
        {"it": sdn(), "other": static()},
        hours=1.0,
        events=[{"at_h": 0.25, "until_h": 0.5, "controller": "it", "how": "killed"}],
    )
    got = play(case)
    assert len(got.table("recovery")) == 2
    assert ("other", "recovery") not in got.parts
    metrics = {metric for metric, *_ in got.figures["other"]}
    assert not any(metric.startswith("recovery") for metric in metrics)


def test_without_events_there_is_no_recovery():
    got = played(static())
    assert ("it", "recovery") not in got.parts
    assert not any(metric.startswith("recovery") for metric, *_ in got.figures["it"])


def test_an_interval_that_holds_an_event_is_cut_there():
    """Nothing changes when a controller dies that had nothing to move: one step holds both."""
    got = played(sdn(), {"at_h": 0.4, "controller": "it", "how": "feeder_dead"}, hours=1.0)
    (row,) = got.table("recovery").to_dict("records")
    assert row["time_s"] == pytest.approx(1440.0) and row["recovered_s"] == 0.0
    assert 1440.0 in got.table("around_events")["time_s"].round(9).tolist()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    scenario = sim.load("mini").with_changes(
        {
            "horizon_h": 2,
            "replications": 2,
            "events": [
                {"at_h": 0.5, "until_h": 1.0, "cable": "TPE"},
                {"at_h": 1.5, "cable": "APG"},
            ],
        }
    )
    return sim.run(scenario, out=tmp_path_factory.mktemp("recovery") / "run")


def test_the_figure_shows_what_the_table_says(results):
    data = figure["recovery"]().data(results)
    rows = results.table("recovery")
    at_once = rows[np.isclose(rows["time_s"], data.at_s)]
    for strategy, track in data.unserved.items():
        mine = at_once[at_once["strategy"] == strategy]
        after = track.time_s > 0
        assert track.mean[after][0] == pytest.approx(mine["unserved_at_once_gbps"].mean())
        assert track.mean[~after][-2] == pytest.approx(mine["unserved_before_gbps"].mean())
        assert track.mean[-1] == pytest.approx(mine["settled_unserved_gbps"].mean(), abs=1e-6)


def test_the_figure_of_another_event_and_of_none(results):
    later = figure["recovery"](at_h=1.5).data(results)
    assert later.at_s == 5400.0 and "APG" in later.what
    with pytest.raises(SimulatorError, match="nothing happens 1.4 h after the start"):
        figure["recovery"](at_h=1.4).data(results)
    quiet = sim.run(sim.load("mini").with_changes({"horizon_h": 1, "replications": 1}))
    with pytest.raises(NothingToShow, match="no events"):
        figure["recovery"]().data(quiet)


def test_a_drawing_has_two_panels_and_a_title_with_the_answer(results):
    upper, lower = results.plot.recovery()
    title = upper.figure.get_suptitle()
    assert title.startswith("How fast do strategies recover? ") and "cut" in title
    assert len(upper.lines) >= len(results.strategies) and lower.get_xlabel()


def test_columns_are_those_of_the_catalogue(results):
    for name in ("recovery", "around_events"):
        found = set(results.table(name).columns)
        assert found >= {column.name for column in declared(name).columns}
        assert isinstance(results.table(name), pd.DataFrame)
