"""Results: columns as promised, intervals as in the books, and folders that are whole or absent."""

import importlib
import itertools
import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import MINI
from scipy import stats

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.cli.main import main
from simulator.results import writer
from simulator.results.exchange import held_open
from simulator.results.folder import StagingFolder
from simulator.results.intervals import interval
from simulator.results.results import Results
from simulator.results.statistics import differences, summarise
from simulator.results.writer import write_figures

RUN = importlib.import_module("simulator.run")
"""The module; ``simulator.run`` is the function."""
FOLDER = importlib.import_module("simulator.results.folder")
SUMMARY = ["strategy", "metric", "scope", "unit", "mean", "ci_low", "ci_high", "replications"]
FIRST = ["replication", "strategy", "time_s"]
TABLES = {
    "links": ["link", "source", "target", "class", "capacity_gbps", "offered_gbps",
              "carried_gbps", "utilisation", "utilisation_peak", "queueing_ms"],
    "exits": ["exit", "direction", "capacity_gbps", "offered_gbps", "carried_gbps", "utilisation",
              "utilisation_peak", "queueing_ms"],
    "demands": ["class", "region", "offered_gbps", "carried_gbps", "latency_ms",
                "propagation_ms", "queueing_ms"],
    "control": ["layer", "trigger", "status", "mlu", "mlu_bound", "objective_gbps_ms",
                "bound_gbps_ms", "gap", "paths", "rounds", "moves", "moved_gbps", "entries",
                "transient_mlu", "prediction_error", "groups", "toggles", "promise",
                "asked_elsewhere_gbps", "not_carried_gbps", "carried_latency_ms",
                "carried_utilisation"],
    "events": ["event"],
}  # fmt: skip
METRICS = {
    *(f"exit_utilisation_{name}" for name in ("peak", "p95", "mean")),
    *(f"latency_ms_{name}" for name in ("mean", "p50", "p95", "p99")),
    *(f"hours_above_{level}" for level in (70, 80, 90, 100)),
    *(f"latency_below_capacity_ms_{name}" for name in ("mean", "p50", "p95", "p99")),
    "queueing_below_capacity_ms_mean", "full_buffer_ms_mean", "full_buffer_fraction",
    "full_buffer_hours", "latency_ms_mean_buffer_5ms", "latency_ms_mean_buffer_200ms",
    "unlisted_fraction", "exit_balance_jain", "mlu_peak", "propagation_ms_mean",
    "queueing_ms_mean", "offered_gbit",
    "carried_gbit", "lost_gbit", "loss_fraction", "headroom", "control_cycles", "moves",
    "moved_gbps", "moved_gbps_per_day", "entries_peak", "prediction_error", "gap_max",
    "recovery_s", "recovery_unserved_gbit", "recovery_peak",
}  # fmt: skip


@pytest.fixture(scope="module")
def short():
    """A scenario that is done in a moment."""
    events = [{"at_h": 0.5, "link": "beijing-la"}]
    changes = {"horizon_h": 2, "step_s": 900, "replications": 2, "events": events}
    return sim.load(MINI).with_changes(changes)


@pytest.fixture(scope="module")
def finished(short, tmp_path_factory):
    return sim.run(short, out=tmp_path_factory.mktemp("results") / "mini")


# -- columns ----------------------------------------------------------------------------------


def test_figures_have_the_columns_of_the_contract(finished):
    assert finished.summary.columns.tolist() == SUMMARY
    assert finished.differences.columns.tolist() == SUMMARY
    assert finished.figures.columns.tolist() == ["replication", *SUMMARY[:4], "value"]
    rows = json.loads((finished.folder / "summary.json").read_text())
    assert all(list(row) == SUMMARY for row in rows)


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_the_columns_of_the_contract(finished, table):
    frame = getattr(finished, table)
    if table == "control":  # solving times are kept apart, and shown together
        assert (frame.pop("solve_s") > 0).all()
    assert frame.columns.tolist() == FIRST + TABLES[table]
    assert len(frame)
    stored = pq.read_schema(finished.folder / f"{table}.parquet")
    assert stored.names == frame.columns.tolist()
    for name, kind in zip(stored.names, stored.types, strict=True):
        if name.endswith(("_gbps", "_ms", "_s", "utilisation", "_gbps_ms")):
            assert str(kind) == "double", name


def test_every_metric_of_the_contract_is_there(finished):
    summary = finished.summary
    assert METRICS <= set(summary["metric"])
    assert set(summary["strategy"]) == {"static", "sdn"}
    exits = [s for s in summary["scope"].unique() if s.startswith("exit:")]
    assert len(exits) == 18 and all(s.split(":")[2] in ("out", "in") for s in exits)
    whole = summary[summary["scope"] == "all"]
    assert METRICS == set(whole["metric"])
    keys = ["strategy", "metric", "scope"]
    assert not summary.duplicated(keys).any()
    units = summary.groupby("metric")["unit"].nunique()
    assert (units == 1).all()
    assert (summary["replications"] == 2).all()


def test_differences_are_of_all_but_the_first(finished):
    apart = finished.differences
    assert set(apart["strategy"]) == {"sdn"}
    assert len(apart) == len(finished.summary) / 2


def test_the_summary_in_json_is_that_in_csv(finished):
    rows = pd.DataFrame(json.loads((finished.folder / "summary.json").read_text()))
    table = finished.summary
    assert rows[SUMMARY[:4]].equals(table[SUMMARY[:4]].astype(object).astype(rows["unit"].dtype))
    for column in ("mean", "ci_low", "ci_high"):
        told = rows[column].astype(float).to_numpy()
        assert told == pytest.approx(table[column].to_numpy(), rel=1e-12, abs=0, nan_ok=True)


def test_small_figures_keep_their_digits_in_json(tmp_path):
    # Figures of a network measured in bps, in Gbit: 15 places after the point are not enough.
    values = [1.2345678901234e-12, 2.3456789012345e-12]
    write_figures(tmp_path, frame_of({"static": [values]}))
    (row,) = json.loads((tmp_path / "summary.json").read_text())
    assert row["mean"] == pytest.approx(np.mean(values), rel=1e-12, abs=0)


def test_run_json_tells_what_was_run(finished):
    run = finished.run
    assert run["status"] == "complete" and run["name"] == "mini"
    assert run["scenario"]["seed"] == 7 and run["scenario"]["horizon_h"] == 2
    assert {"versions", "timings", "network", "demands_gbps", "notes"} <= set(run)


def test_the_folder_runs_again_by_itself(finished, tmp_path):
    again = sim.run(sim.load(finished.folder / "inputs" / "scenario.yaml"), out=tmp_path / "again")
    pd.testing.assert_frame_equal(again.figures, finished.figures, check_exact=True)


def test_no_events_no_table(short, tmp_path):
    calm = short.with_changes({"events": [], "replications": 1})
    results = sim.run(calm, out=tmp_path / "calm")
    assert results.events.empty and not (results.folder / "events.parquet").exists()


# -- intervals --------------------------------------------------------------------------------


def frame_of(values):
    """Figures from ``{strategy: [[value by replication] by scope]}``."""
    return pd.DataFrame(
        [
            (replication, strategy, "exit_utilisation_peak", f"s{i}", "1", value)
            for strategy, scopes in values.items()
            for i, row in enumerate(scopes)
            for replication, value in enumerate(row)
        ],
        columns=["replication", "strategy", "metric", "scope", "unit", "value"],
    )


@pytest.mark.parametrize("count", [2, 3, 10, 100])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_intervals_are_those_of_student(count, confidence):
    values = np.random.default_rng(count).lognormal(3.0, 1.0, (5, count))
    mean, low, high = interval(values, confidence)
    for i, row in enumerate(values):
        expected = stats.t.interval(confidence, count - 1, row.mean(), stats.sem(row))
        assert (low[i], high[i]) == pytest.approx(expected, rel=1e-12)
        assert mean[i] == pytest.approx(row.mean(), rel=1e-15)


def test_an_interval_by_hand():
    # 1, 2, 3: mean 2, standard error 1 / sqrt 3, t of two degrees of freedom 4.302653.
    mean, low, high = interval(np.array([1.0, 2.0, 3.0]))
    assert (mean, low, high) == pytest.approx((2.0, 2 - 2.4841377, 2 + 2.4841377), rel=1e-7)


def test_one_replication_has_no_interval():
    summary = summarise(frame_of({"static": [[5.0]]}))
    assert summary["mean"].tolist() == [5.0]
    assert summary[["ci_low", "ci_high"]].isna().all(axis=None)


def test_what_does_not_vary_has_an_interval_of_no_width():
    mean, low, high = interval(np.full(4, 0.1))
    assert low == high == mean == pytest.approx(0.1, rel=1e-15)


def test_figures_without_end_or_without_value_pass_through():
    # Headroom may be infinite and a latency may have nothing to be the mean of.
    values = frame_of({"static": [[np.inf, np.inf], [np.nan, np.nan], [1.0, np.inf]],
                       "sdn": [[np.inf, np.inf], [1.0, 2.0], [1.0, 2.0]]})  # fmt: skip
    summary = summarise(values)
    assert summary["mean"].tolist()[0] == np.inf
    assert summary["mean"].isna().tolist() == [False, True, False, False, False, False]
    assert differences(values)["mean"].isna().tolist()[:2] == [True, True]


def test_summaries_keep_the_order_of_their_rows():
    values = frame_of({"z": [[1.0, 2.0]] * 3, "a": [[3.0, 5.0]] * 3})
    assert summarise(values)["strategy"].tolist() == ["z"] * 3 + ["a"] * 3
    assert summarise(values)["mean"].tolist() == [1.5] * 3 + [4.0] * 3
    turned = summarise(values.iloc[::-1])
    assert turned["strategy"].tolist() == ["a"] * 3 + ["z"] * 3
    assert turned["mean"].tolist() == [4.0] * 3 + [1.5] * 3


def test_differences_are_paired():
    # Large common noise, a small and steady difference: pairing sees it, two intervals do not.
    rng = np.random.default_rng(3)
    common = rng.normal(100.0, 20.0, 8)
    gain = rng.normal(1.0, 0.1, 8)
    values = frame_of({"static": [common], "sdn": [common + gain], "third": [common * 2]})
    apart = differences(values)
    assert apart["strategy"].tolist() == ["sdn", "third"]
    expected = stats.t.interval(0.95, 7, gain.mean(), stats.sem(gain))
    assert apart.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx(list(expected), rel=1e-9)
    assert apart.loc[0, "mean"] == pytest.approx(gain.mean())
    assert apart.loc[1, "mean"] == pytest.approx(common.mean())
    one = summarise(values)
    assert one.loc[0, "ci_high"] > one.loc[1, "ci_low"]


def test_differences_follow_replications_not_rows():
    values = frame_of({"static": [[1.0, 5.0, 9.0]], "sdn": [[2.0, 6.0, 10.0]]})
    mixed = pd.concat([values.iloc[:3], values.iloc[[5, 3, 4]]])
    assert differences(mixed)[["mean", "ci_low", "ci_high"]].values.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("replications", [3, 10])
def test_intervals_cover_the_truth_as_often_as_they_say(replications):
    experiments = 400
    rng = np.random.default_rng(replications)
    base = rng.normal(50.0, 5.0, (experiments, replications))
    gain = rng.normal(2.0, 1.0, (experiments, replications))
    values = frame_of({"static": base, "sdn": base + gain})
    slack = 3 * np.sqrt(0.95 * 0.05 / experiments)
    summary = summarise(values)
    static = summary[summary["strategy"] == "static"]
    covered = ((static["ci_low"] <= 50.0) & (50.0 <= static["ci_high"])).mean()
    assert abs(covered - 0.95) <= slack
    apart = differences(values)
    covered = ((apart["ci_low"] <= 2.0) & (2.0 <= apart["ci_high"])).mean()
    assert abs(covered - 0.95) <= slack


def test_a_run_with_noise_alone_covers_its_mean(tmp_path):
    """Offered volume under noise of mean one: the base matrix times the hours, within the interval
    of as many replications as say so."""
    scenario = sim.load(MINI).with_changes(
        {
            "horizon_h": 1, "step_s": 900, "replications": 40, "record": {"demands": "none"},
            "strategies": {"static": {"scheme": "igp_ecmp"}},
            "traffic": {"shapes": [{"kind": "noise", "sigma": 0.5}]},
        }
    )  # fmt: skip
    results = sim.run(scenario, out=tmp_path / "noise")
    row = results.summary.query("metric == 'offered_gbit' and scope == 'all'").iloc[0]
    truth = scenario.demands.gbps.sum() * 3600
    error = (row["ci_high"] - row["ci_low"]) / 2 / stats.t.ppf(0.975, 39)
    assert abs(row["mean"] - truth) < 4 * error


# -- folders ----------------------------------------------------------------------------------


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def fill(staging):
    (staging.folder / "run.json").write_text('{"status": "complete"}')


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with StagingFolder(tmp_path / "out", force=False) as staging:
        assert not (tmp_path / "out").exists()
        fill(staging)
        assert not (tmp_path / "out").exists()
        assert staging.publish() == tmp_path / "out"
    assert left_in(tmp_path) == ["out"]
    assert left_in(tmp_path / "out") == ["manifest.json", "run.json"]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("file/out", "a part of the path is a file"),
        ("file", "is a file, not a folder"),
        ("n" * 300, "n…n+ cannot be written: the name is too long"),
        ("a\udcffb", r"'.*a\\udcffb' cannot be written: the name is not text in UTF-8"),
        ("a\0b", r"'.*a\\x00b' cannot be written: the name is not text"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    tmp_path, short, monkeypatch, place, told
):
    monkeypatch.setattr(RUN, "executor", lambda *_: pytest.fail("work was done"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SimulatorError, match=told) as refused:
        sim.run(short, out=f"{tmp_path}/{place}", force=True)
    assert "unfinished" not in str(refused.value) and "\n" not in str(refused.value)
    assert left_in(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (KeyboardInterrupt, KeyboardInterrupt),
        (OSError(28, "No space left"), SimulatorError),
        (ValueError, ValueError),
    ],
)
def test_an_interrupted_run_leaves_nothing(tmp_path, how, told):
    with pytest.raises(told):
        with StagingFolder(tmp_path / "out", force=False) as staging:
            fill(staging)
            raise how
    assert left_in(tmp_path) == []


def test_a_taken_place_is_refused_before_any_work(finished, short, monkeypatch):
    monkeypatch.setattr(RUN, "play", lambda *_: pytest.fail("work was done"))
    monkeypatch.setattr(RUN, "executor", lambda *_: pytest.fail("work was done"))
    before = left_in(finished.folder)
    with pytest.raises(SimulatorError, match="exists already"):
        sim.run(short, out=finished.folder)
    assert left_in(finished.folder) == before


def test_force_replaces_what_a_run_wrote_and_nothing_else(tmp_path, short):
    place = tmp_path / "out"
    short = short.with_changes({"replications": 1})
    sim.run(short, out=place)
    results = sim.run(short.with_changes({"seed": 3}), out=place, force=True)
    assert results.run["scenario"]["seed"] == 3 and left_in(tmp_path) == ["out"]
    (place / "figures").mkdir()
    for name in ("mine.txt", "figures/mine.png"):
        (place / name).write_text("years of work")
        before = left_in(place)
        with pytest.raises(SimulatorError, match=f"no run wrote {name}; move it"):
            sim.run(short, out=place, force=True)
        assert left_in(place) == before and (place / name).read_text() == "years of work"
        (place / name).unlink()
    scenario = place / "inputs" / "scenario.yaml"
    text = scenario.read_text()
    scenario.write_text(text + "# mine\n")
    with pytest.raises(SimulatorError, match="inputs/scenario.yaml was changed since the run"):
        sim.run(scenario, out=place, force=True)
    scenario.write_text(text)
    assert sim.run(short, out=place, force=True).run["scenario"]["seed"] != 3


def test_a_folder_is_not_ours_because_of_a_name(tmp_path, short):
    """``echo '[]' > run.json`` beside code, or results of a version without manifests."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "run.json").write_text("[]")
    (place / "main.py").write_text("code")
    for manifest in (None, "[]", "{", '{"files": {}, "folders": [".."]}', '{"files": {}}'):
        if manifest is not None:
            (place / "manifest.json").write_text(manifest)
        with pytest.raises(SimulatorError, match=r"no manifest.json that says what a run wrote"):
            sim.run(short, out=place, force=True)
    (place / "manifest.json").write_text('{"files": {}, "folders": []}')
    with pytest.raises(SimulatorError, match="no run wrote main.py, run.json; move it"):
        sim.run(short, out=place, force=True)
    assert (place / "main.py").read_text() == "code"


def test_pictures_that_were_drawn_later_are_ours(tmp_path, short):
    place = tmp_path / "out"
    short = short.with_changes({"replications": 1})
    sim.run(short, out=place)
    assert CliRunner().invoke(main, ["plot", str(place), "--format", "svg"]).exit_code == 0
    assert any(place.glob("figures/*.svg"))
    sim.run(short, out=place, force=True)
    assert not (place / "figures").exists()


def test_a_link_is_followed_and_stays(tmp_path, short):
    short = short.with_changes({"replications": 1})
    (tmp_path / "disk").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "disk" / "first")
    sim.run(short, out=link)  # where it leads is not there yet
    sim.run(short, out=link, force=True)
    assert link.is_symlink() and (tmp_path / "disk" / "first" / "run.json").is_file()


def test_a_place_that_cannot_be_moved_to_is_refused_before_any_work(tmp_path, short, monkeypatch):
    monkeypatch.setattr(RUN, "executor", lambda *_: pytest.fail("work was done"))
    volume = tmp_path / "volume"
    volume.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == volume)
    with pytest.raises(SimulatorError, match="a disk or volume is mounted"):
        sim.run(short, out=volume)
    monkeypatch.undo()
    place = tmp_path / "here"
    sim.run(short.with_changes({"replications": 1}), out=place)
    monkeypatch.chdir(place)
    with pytest.raises(SimulatorError, match="holds the current directory"):
        sim.run(short, out=".", force=True)


def test_a_foreign_folder_is_left_alone(tmp_path, short):
    place = tmp_path / "thesis"
    place.mkdir()
    (place / "chapter-1.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(SimulatorError, match="left alone" if force else "exists already"):
            sim.run(short, out=place, force=force)
    assert left_in(place) == ["chapter-1.txt"] and left_in(tmp_path) == ["thesis"]


def test_a_file_in_the_place_is_left_alone(tmp_path, short):
    place = tmp_path / "out"
    place.write_text("a file")
    with pytest.raises(SimulatorError):
        sim.run(short, out=place, force=True)
    assert place.read_text() == "a file" and left_in(tmp_path) == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path, short):
    place = tmp_path / "new" / "out"
    place.mkdir(parents=True)
    sim.run(short.with_changes({"replications": 1}), out=place)
    assert (place / "run.json").exists() and left_in(place.parent) == ["out"]


def test_a_force_that_fails_leaves_the_old_results(tmp_path, short, monkeypatch):
    place = tmp_path / "out"
    old = sim.run(short.with_changes({"replications": 1}), out=place)
    before = (place / "summary.csv").read_bytes()
    monkeypatch.setattr(RUN, "write_figures", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sim.run(short, out=place, force=True)
    assert (place / "summary.csv").read_bytes() == before
    assert left_in(tmp_path) == ["out"] and Results(place).run == old.run


def test_a_place_taken_meanwhile_is_not_overwritten(tmp_path):
    with pytest.raises(SimulatorError, match="exists already"):
        with StagingFolder(tmp_path / "out", force=False) as staging:
            fill(staging)
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "other.txt").write_text("somebody was faster")
            staging.publish()
    assert left_in(tmp_path) == ["out"] and left_in(tmp_path / "out") == ["other.txt"]


def test_what_nobody_works_on_is_swept_and_what_is_held_is_not(tmp_path):
    """By a lock, not by a process number, which says nothing in another container."""
    names = {
        f".out.unfinished-{os.getpid()}-abc": False,
        ".out.unfinished-1-abc-old": False,
        ".out.unfinished-99-def": True,
        ".outer.unfinished-1-abc": True,
        "out.unfinished-1-abc": True,
    }
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_text("x")
    held = held_open(tmp_path / ".out.unfinished-99-def")
    with StagingFolder(tmp_path / "out", force=False) as staging:
        fill(staging)
        staging.publish()
    assert set(left_in(tmp_path)) == {"out", *(name for name, stays in names.items() if stays)}
    os.close(held)


def test_two_runs_at_a_time_leave_each_other_alone(tmp_path):
    with StagingFolder(tmp_path / "out") as one, StagingFolder(tmp_path / "out") as other:
        fill(one)
        assert one.folder.is_dir() and other.folder.is_dir()
        one.publish()
        with pytest.raises(SimulatorError, match="exists already"):
            fill(other)
            other.publish()


@pytest.mark.parametrize("in_one_step", [True, False])
def test_what_is_killed_while_it_moves_leaves_the_old_or_the_new(
    tmp_path, monkeypatch, in_one_step
):
    """A kill before or after every file operation of the move, on a system that can and cannot."""
    if not in_one_step:
        monkeypatch.setattr(FOLDER, "exchange", lambda *_: False)
    for moment in itertools.count():
        place = tmp_path / str(moment) / "out"
        with StagingFolder(place) as staging:
            fill(staging)
            (staging.folder / "which").write_text("old")
            staging.publish()
        left = iter(range(moment, -1, -1))

        def killed(operation, left=left):
            def guarded(*args, **kinds):
                if next(left, None) == 0:
                    raise Killed
                return operation(*args, **kinds)

            return guarded

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", killed(Path.rename))
            patch.setattr(FOLDER, "exchange", killed(FOLDER.exchange))
            patch.setattr(FOLDER.shutil, "rmtree", killed(FOLDER.shutil.rmtree))
            staging = StagingFolder(place, force=True)
            done = False
            try:
                staging.__enter__()
                fill(staging)
                (staging.folder / "which").write_text("new")
                staging.publish()
                done = True
            except Killed:
                pass
            staging._release()  # a killed process holds no lock
        # The next run finds the old one or the new one, whole, and replaces it if it is told to.
        with StagingFolder(place, force=True) as again:
            assert (place / "which").read_text() in ("old", "new")
            assert (place / "run.json").is_file()
            fill(again)
            again.publish()
        assert left_in(place.parent) == ["out"]
        if done:
            break
    assert moment >= 2


class Killed(BaseException):
    """Stands for the end of a process at this instant."""


@pytest.mark.parametrize("when", ["before", "while it moves"])
def test_an_interrupt_says_whether_anything_was_written(tmp_path, monkeypatch, when):
    place = tmp_path / "out"
    words = [
        "run",
        MINI,
        "--set",
        "horizon_h=1",
        "--replications",
        "1",
        "--out",
        str(place),
        "--quiet",
    ]
    if when == "before":
        monkeypatch.setattr(RUN, "merge", lambda *_: signal.raise_signal(signal.SIGINT))
    else:
        move = StagingFolder._move
        monkeypatch.setattr(
            StagingFolder,
            "_move",
            lambda self: (signal.raise_signal(signal.SIGINT), move(self)),
        )
    # A job in the background of a shell ignores interrupts, and so would this one.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = CliRunner().invoke(main, words)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert done.exit_code == 130
    told = "nothing was written" if when == "before" else f"{place} was written"
    assert f"simulator: interrupted; {told}" in done.stderr
    assert place.exists() == (when != "before") and left_in(tmp_path) == ["out"] * place.exists()


def test_odd_names_of_places(tmp_path):
    for name in ("[a]*?", "x" * 200, "dänemark ±", "a.b"):
        with StagingFolder(tmp_path / name, force=False) as staging:
            fill(staging)
            staging.publish()
        assert (tmp_path / name / "run.json").exists()
    assert len(left_in(tmp_path)) == 4


@pytest.mark.parametrize(
    ("where", "what"),
    [(pq.ParquetWriter, "write_table"), (RUN, "write_figures"), (RUN.provenance, "keep_inputs"),
     (RUN, "merge"), (Path, "rename"), (Path, "write_text")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_full_disk_leaves_nothing(tmp_path, short, monkeypatch, where, what):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, what, full)
    with pytest.raises(SimulatorError, match=r"out cannot be written: the disk is full; make room"):
        sim.run(short.with_changes({"replications": 1}), out=tmp_path / "out")
    assert left_in(tmp_path) == []


def test_a_full_disk_in_a_worker_leaves_nothing(tmp_path, short):
    # The worker cannot write its parts: a file stands where their folder should.
    class Gone(StagingFolder):
        def __enter__(self):
            super().__enter__()
            (self.folder / "parts").write_text("no folder")
            return self

    strategies = {"static": {"scheme": "igp_ecmp"}}
    scenario = short.with_changes({"strategies": strategies, "replications": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RUN, "StagingFolder", Gone)
        with pytest.raises(SimulatorError, match="out cannot be written: a part of the path is a"):
            sim.run(scenario, out=tmp_path / "out", workers=2)
    assert left_in(tmp_path) == []


def test_results_without_a_place_go_with_the_results(short):
    results = sim.run(short.with_changes({"replications": 1}))
    folder = results.folder
    assert results.is_temporary and folder.exists()
    del results
    assert not folder.exists()


@pytest.mark.parametrize("text", [None, "", "{", '{"status": "running"}', "{}"])
def test_a_folder_that_is_not_whole_is_not_read(tmp_path, text):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(SimulatorError):
        Results(tmp_path)


def test_figures_are_read_as_they_were_worked_out(tmp_path):
    # Every bit of a number survives the file, tiny or huge; so do names that look like gaps.
    rng = np.random.default_rng(9)
    values = rng.normal(size=400) * 10.0 ** rng.integers(-100, 100, 400)
    figures = frame_of({"NA": [values], "1": [values[::-1]]}).assign(scope="nan")
    write_figures(tmp_path, figures)
    (tmp_path / "run.json").write_text('{"status": "complete", "scenario": {"replications": 400}}')
    read = Results(tmp_path).figures
    assert np.array_equal(read["value"], figures["value"])
    assert read["strategy"].unique().tolist() == ["NA", "1"]
    assert set(read["scope"]) == {"nan"}


def test_figures_by_name(finished):
    peak = finished.figure("static", "exit_utilisation_peak")
    rows = finished.figures.query("strategy == 'static' and metric == 'exit_utilisation_peak'")
    assert peak == pytest.approx(rows[rows["scope"] == "all"]["value"].mean(), rel=1e-15)
    with pytest.raises(KeyError, match="no metric named"):
        finished.figure("static", "happiness")


def test_parts_of_a_table_may_differ_in_their_words(tmp_path):
    # Words are coded part by part; together they are what they were.
    parts = tmp_path / "parts"
    (parts / "0").mkdir(parents=True)
    for place, words in enumerate((["a", "b"], ["b", "c", "a"])):
        with writer.TableWriter(parts / "0", 0, place, f"s{place}") as part:
            for word in words:
                coded = writer.Coded.of(np.array([word]))
                part.add("events", {"time_s": np.array([1.0]), "event": coded})
    writer.merge(parts, tmp_path)
    frame = pd.read_parquet(tmp_path / "events.parquet")
    assert frame["event"].tolist() == ["a", "b", "b", "c", "a"]
    assert frame["strategy"].tolist() == ["s0"] * 2 + ["s1"] * 3


def test_inputs_of_a_run_with_some_strategies_can_be_run_again(tmp_path):
    """What is not known of the strategies that were left out is left out with them."""
    few = sim.load("mini").with_changes({"horizon_h": 1, "replications": 1})
    first = sim.run(few.with_strategies(["igp", "sdn-ideal"]), out=tmp_path / "first")
    again = sim.run(
        sim.load(tmp_path / "first" / "inputs" / "scenario.yaml"), out=tmp_path / "again"
    )
    assert again.summary.equals(first.summary)
