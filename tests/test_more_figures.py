"""Figures that are drawn when asked for: their data against the tables of the run."""

import numpy as np
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator.cli.main import main
from simulator.figures.figure import NothingToShow, figure, figures_of
from simulator.figures.plotter import write_figures

MORE = [name for name, cls in figures_of("results").items() if not cls.standard]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    changes = {
        "horizon_h": 30,
        "step_s": 1800,
        "replications": {"worlds": 4, "days": 2, "drawn_days": 1},
        "record": {"demands": "pair"},
        "events": [{"at_h": 20, "until_h": 23, "link": "beijing-la"}],
    }
    scenario = sim.load("mini").with_changes(changes)
    return sim.run(scenario, out=tmp_path_factory.mktemp("more") / "run")


@pytest.fixture(scope="module")
def exits(results):
    return results.exits.copy()


def test_durations_are_sorted_steps_of_the_fullest_exit(results, exits):
    data = figure["utilisation_duration"]().data(results)
    for strategy, track in data.tracks.items():
        mine = exits[exits["strategy"] == strategy]
        by_step = mine.groupby(["replication", "time_s"])["utilisation"].max().unstack()
        falling = -np.sort(-by_step.to_numpy(), axis=1)
        assert track.mean[0] == pytest.approx(falling[:, 0].mean())
        half = track.mean[np.isclose(track.time_s, 0.5)]
        assert half == pytest.approx(falling[:, falling.shape[1] // 2].mean())
        assert (np.diff(track.mean) <= 1e-12).all()
        assert track.high[0] == pytest.approx(falling[:, 0].max())


def test_duration_of_one_exit(results, exits):
    data = figure["utilisation_duration"](exit="beijing-la").data(results)
    mine = exits[(exits["strategy"] == "igp") & (exits["exit"] == "beijing-la")]
    by_step = mine.groupby(["replication", "time_s"])["utilisation"].max()
    assert data.tracks["igp"].high[0] == pytest.approx(by_step.max())
    with pytest.raises(sim.SimulatorError, match="no exit named 'beijing-sf'"):
        figure["utilisation_duration"](exit="beijing-sf").data(results)


def test_hours_hold_their_highest_step(results, exits):
    data = figure["exit_hours"]().data(results)
    assert data.hours.tolist() == list(range(24))
    start_h = data.run.time.begin_h
    hour = ((start_h + exits["time_s"] / 3600) % 24).astype(int)
    fuller = exits.assign(hour=hour).groupby(["strategy", "exit", "hour", "replication"])
    most = fuller["utilisation"].max().groupby(level=[0, 1, 2]).mean()
    for strategy, used in data.used.items():
        for row, exit_id in enumerate(data.exits):
            expected = most.loc[strategy, exit_id].reindex(data.hours).to_numpy()
            assert used[row] == pytest.approx(expected, nan_ok=True)
    peaks = np.nanmax([np.nan_to_num(used).max(axis=1) for used in data.used.values()], axis=0)
    assert (np.diff(peaks) <= 0).all(), "the fullest first"


def test_latency_changes_by_pair(results):
    data = figure["latency_change"]().data(results)
    assert (data.strategy, data.base) == ("sdn", "best_static")
    rows = results.demands
    rows = rows[rows["class"].isin(["international_out", "international_in"])]
    out = rows["class"] == "international_out"
    ends = rows[["source", "target"]].astype(str)
    home = ends["source"].where(out, ends["target"])
    abroad = ends["target"].where(out, ends["source"])
    weighted = rows["carried_gbps"] * rows["latency_ms"].fillna(0.0)
    keys = [rows["strategy"].astype(str), home, abroad]
    mean = weighted.groupby(keys).sum() / rows["carried_gbps"].groupby(keys).sum()
    for here in data.ms.index:
        for there in data.ms.columns:
            change = mean["sdn", here, there] - mean["best_static", here, there]
            assert data.ms.loc[here, there] == pytest.approx(change, abs=1e-9)
    back = figure["latency_change"](strategy="best_static", base="sdn").data(results)
    assert back.mean_ms == pytest.approx(-data.mean_ms)


def test_latency_changes_need_pairs():
    run = sim.run(sim.load("mini").with_changes({"horizon_h": 1, "replications": 1}))
    with pytest.raises(NothingToShow, match=r"record: \{demands: pair\}"):
        figure["latency_change"]().data(run)


def test_ranks_are_by_what_is_lost_then_by_the_fullest_exit(results):
    data = figure["ranking"]().data(results)
    keys = [
        tuple(round(results.figure(name, metric), 9) for metric in data.metrics[:2])
        for name in data.strategies
    ]
    assert keys == sorted(keys)
    assert data.metrics[1] == "exit_utilisation_p95"
    for metric in data.metrics:
        assert data.values[metric].shape == (len(results.strategies), 4)
        stated = [results.figure(name, metric) for name in data.strategies]
        assert data.values[metric][:, 0] == pytest.approx(stated, nan_ok=True)


@pytest.mark.parametrize("name", MORE)
def test_they_are_drawn_when_asked_for_and_left_out_else(results, name, tmp_path):
    words = ["plot", str(results.folder), "--figure", name, "--out", str(tmp_path / "one")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "one").iterdir()] == [f"{name}.png"]
    title = np.atleast_1d(getattr(results.plot, name)())[0].figure.get_suptitle()
    assert title.startswith(figure[name].question)


def test_a_run_draws_the_standard_ones(results, tmp_path):
    names = {path.stem for path in write_figures(results, tmp_path)}
    assert not names & set(MORE) and "hottest_exit" in names
