"""Sweep: many points of some keys, kept until all are done, and the answer over all of them."""

import json
import os
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI
from killing import files

import simulator as sim
from simulator import provenance
from simulator.base.errors import SimulatorError
from simulator.cli.main import main
from simulator.results import manifest
from simulator.study import sweep_point
from simulator.study.design import Design
from simulator.study.sweep_sentence import sentence_of

LINK = "links.guangzhou-frankfurt.capacity_gbps"
ALL = "demands.international"


@pytest.fixture(scope="module")
def short():
    """A scenario that is done in a moment."""
    changes = {"horizon_h": 0.5, "step_s": 900, "replications": 2}
    return sim.load(MINI).with_changes(changes)


@pytest.fixture(scope="module")
def grid(short, tmp_path_factory):
    """Six points, uninterrupted."""
    out = tmp_path_factory.mktemp("sweep") / "grid"
    return sim.sweep(short, {ALL: "x0.8..x1.2:0.2", LINK: [10, 40]}, out=out)


def run(*words, code=0):
    done = CliRunner().invoke(main, ["sweep", MINI, "--set", "horizon_h=0.5", *words])
    assert done.exit_code == code, done.output
    return done


# -- keys and values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("400..1600:400", [400, 800, 1200, 1600]),
        ("0.1..0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("1e3..2e3:500", [1000, 1500, 2000]),
        ("x0.8..x1.1:x0.1", ["x0.8", "x0.9", "x1", "x1.1"]),
        ("*0.8..*1:0.1", ["x0.8", "x0.9", "x1"]),
        ("+0..+400:200", ["+0", "+200", "+400"]),
        ("-100..+100:100", ["-100", "+0", "+100"]),
        ("-20%..+20%:20", ["-20%", "+0%", "+20%"]),
        ("-20%..20%:20%", ["-20%", "+0%", "+20%"]),
        ("10, 20..40:10 ,100", [10, 20, 30, 40, 100]),
        ("min_max,min_latency", ["min_max", "min_latency"]),
        ("{kind: min_max, paths: 4}, min_max", [{"kind": "min_max", "paths": 4}, "min_max"]),
        ("[international_out],[international_in]", [["international_out"], ["international_in"]]),
        ("true,false", [True, False]),
        ("null,5", [None, 5]),
        ("../a.yaml,../b.yaml", ["../a.yaml", "../b.yaml"]),
        (range(3), [0, 1, 2]),
        (np.linspace(0, 1, 3), [0.0, 0.5, 1.0]),
        ((x for x in "ab"), ["a", "b"]),
        (5, [5]),
        ({"kind": "min_max"}, [{"kind": "min_max"}]),
    ],
)
def test_values_are_read_as_they_are_meant(given, values):
    design = Design.of({"a.key": given}, "grid", None, 1)
    found = [point.values["a.key"] for point in design.points]
    assert found == values and [*map(type, found)] == [*map(type, values)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "no values; expected some"),
        ([], "no values; expected some"),
        ("1,,2", "a value is empty"),
        ("1,2,", "a value is empty"),
        ("1600..400:200", "is empty.*write the lower end first"),
        ("400..400:200", "the range 400..400:200 is empty"),
        ("400..1600:0", "step must be a number above 0"),
        ("400..1600:-200", "step must be a number above 0"),
        ("400..1600:10%", "step must be a number above 0"),
        ("400..1600", "has no step; a grid needs one.*--design sobol"),
        ("5,400..1600", "400..1600 has no step"),
        ("400..16oo:200", "is not a range; expected LOW..HIGH:STEP"),
        ("4oo..1600:200", "is not a range; expected LOW..HIGH:STEP"),
        ("400...1600:200", "is not a range"),
        ("x0.8..1.2:0.1", "both ends must be written alike"),
        ("x80%..x120%:10", "both ends must be written alike"),
        ("10,20,10", "10 stands twice"),
        ([10, 10.0], "10.0 stands twice"),
        ("1..1e9:1", "1,000,000,000 values; at most 1,000,000"),
        ("a: [", r"over: demands\.all: .*"),
        ({"a", "b"}, "values of a set have no order"),
        ("-10..10:5", r"a number below 0 is a change.*-10\.\.\+10:5"),
    ],
)
def test_what_is_no_range_is_said(given, message):
    with pytest.raises(sim.InputError, match=message) as refused:
        Design.of({"demands.all": given}, "grid", None, 1)
    assert "demands.all" in str(refused.value) and "--set" not in str(refused.value)


def test_a_range_that_does_not_end_on_a_step_is_told():
    assert Design.of({"seed": "1..6:2"}, "grid", None, 1).notes() == [
        "seed: 1..6:2 ends at 5, the last whole step."
    ]
    assert not Design.of({"seed": "1..5:2"}, "grid", None, 1).notes()


def test_a_grid_goes_over_all_combinations_the_last_key_fastest():
    points = Design.of({"a": "1,2", "b": "x,y,z"}, "grid", None, 1).points
    assert [(point.number, *point.values.values()) for point in points] == [
        (0, 1, "x"), (1, 1, "y"), (2, 1, "z"), (3, 2, "x"), (4, 2, "y"), (5, 2, "z"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_drawn_points_fill_the_range_and_depend_on_the_seed_alone(kind):
    over = {"a": "400..1600", "b": "x0.5..x1.5", "c": "min_max,min_latency"}
    points = Design.of(over, kind, 256, 7).points
    assert points == Design.of(over, kind, 256, 7).points
    assert points != Design.of(over, kind, 256, 8).points
    first = np.array([point.values["a"] for point in points])
    assert first.min() >= 400 and first.max() <= 1600 and abs(first.mean() - 1000) < 60
    assert {len(f"{value:.10g}".replace(".", "")) <= 6 for value in first} == {True}
    assert all(point.values["b"][0] == "x" for point in points)
    assert 100 < sum(point.values["c"] == "min_max" for point in points) < 156


def test_a_sobol_sequence_is_more_even_than_chance():
    def spread(kind):
        points = Design.of({"a": "0..1", "b": "0..1"}, kind, 64, 7).points
        cells = {(int(8 * p.values["a"]), int(8 * p.values["b"])) for p in points}
        return len(cells)

    assert spread("sobol") == 64 > spread("random")


def test_a_key_more_moves_no_other_that_is_drawn_at_random():
    one, two = ({"a": "0..1"}, {"a": "0..1", "b": "0..1"})
    drawn = [[p.values["a"] for p in Design.of(each, "random", 9, 7).points] for each in (one, two)]
    assert drawn[0] == drawn[1]


def test_a_sobol_sequence_of_another_length_than_a_power_of_two_is_told():
    assert "such as 128" in Design.of({"a": "0..1"}, "sobol", 100, 1).notes()[0]
    assert not Design.of({"a": "0..1"}, "sobol", 64, 1).notes()


@pytest.mark.parametrize(
    ("over", "kind", "points", "message"),
    [
        ({}, "grid", None, "nothing to go over"),
        ({"seed": "1,2"}, "gird", None, "no design named 'gird'; did you mean 'grid'"),
        ({"seed": "1,2"}, "grid", 5, "as many points as there are combinations, found 5 points"),
        ({"seed": "1..9"}, "sobol", None, "needs a number of points"),
        ({"seed": "1..9"}, "random", 0, "needs a number of points"),
        ({"seed": "1..2000:1", "horizon_h": "1..2000:1"}, "grid", None, "4,000,000 points; at"),
        ({"replications": [{"worlds": 2}]}, "grid", None, "--worlds says how many"),
    ],
)
def test_a_design_that_cannot_be_is_refused(over, kind, points, message):
    with pytest.raises(sim.InputError, match=message):
        Design.of(over, kind, points, 1)


# -- the answer -----------------------------------------------------------------------------------


def test_each_point_is_what_a_run_of_the_changed_scenario_gives(short, grid):
    alone = sim.run(short.with_changes({ALL: "x1.2", LINK: 40})).summary
    mine = grid.frame[(grid.frame[ALL] == "x1.2") & (grid.frame[LINK] == 40)]
    assert set(mine["point"]) == {5}
    keys = ["strategy", "metric", "scope", "unit"]
    joined = alone.merge(mine, on=keys, suffixes=("", "_swept"), validate="one_to_one")
    assert len(joined) == len(alone) > 100
    for column in ("mean", "ci_low", "ci_high", "replications"):
        np.testing.assert_array_equal(joined[column], joined[f"{column}_swept"])


def test_the_table_has_the_keys_and_all_figures(grid):
    assert list(grid.tables) == ["points"]
    assert list(grid.frame.columns) == [
        "point", ALL, LINK, "strategy", "metric", "scope", "unit", "mean", "ci_low", "ci_high",
        "range_low", "range_high", "replications",
    ]  # fmt: skip
    assert grid.frame[LINK].dtype == np.int64 and set(grid.frame["replications"]) == {2}
    assert grid.frame["range_low"].isna().all()
    json.dumps(grid.to_json(), allow_nan=False)


def test_pandas_reads_the_folder_as_one_table(grid):
    frame = pd.read_parquet(grid.folder / "points")
    frame["point"] = frame["point"].astype(np.int64)
    frame = frame[list(grid.frame.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, grid.frame)


def test_the_folder_says_what_it_is_of(grid):
    record = json.loads((grid.folder / "sweep.json").read_text())
    assert record["design"] == {
        "kind": "grid", "over": {ALL: ["x0.8", "x1", "x1.2"], LINK: [10, 40]}, "points": 6,
    }  # fmt: skip
    assert set(record["inputs"]) == {"scenario.yaml", "topology.yaml", "demands.csv"}
    assert record["versions"]["numpy"] == np.__version__
    listed = json.loads((grid.folder / "manifest.json").read_text())["files"]
    for each in record["points"]:
        file = f"points/point={each['point']:06d}/part.parquet"
        assert f"sha256:{listed[file][1]}" == each["file"]
    assert len({each["key"] for each in record["points"]}) == 6
    assert manifest.foreign(grid.folder) == "" and not unfinished(grid.folder).exists()


def unfinished(out):
    return out.with_name(f"{out.name}.unfinished")


def test_a_seed_or_a_number_of_replications_may_be_swept(short):
    answer = sim.sweep(short, {"replications": "1,3", "seed": [5, 6]})
    rows = answer.frame.groupby("point")["replications"].unique().map(list).tolist()
    assert rows == [[1], [1], [3], [3]] and list(answer.frame.columns).count("replications") == 1
    assert "sweep_map" in answer.figures


def test_worlds_give_ranges(short):
    scenario = short.with_changes({"replications": {"worlds": 4, "days": 1}})
    frame = sim.sweep(scenario, {ALL: "x1,x1.2"}).frame
    peak = frame[(frame["metric"] == "exit_utilisation_peak") & (frame["scope"] == "all")]
    assert (peak["range_low"] < peak["range_high"]).all() and set(peak["replications"]) == {1}
    alone = sim.run(scenario.with_changes({ALL: "x1.2"})).ranges
    figure = alone.query("of == 'figure' and metric == 'exit_utilisation_peak' and scope == 'all'")
    last = peak[peak["point"] == 1]
    assert last["range_high"].tolist() == pytest.approx(figure["high"].tolist(), rel=1e-12)


def test_values_of_any_kind_are_written_as_words(short):
    schemes = ["nearest_exit", {"kind": "igp_ecmp"}]
    frame = sim.sweep(short, {"strategies.static.scheme": schemes}).frame
    assert set(frame["strategies.static.scheme"]) == {"nearest_exit", '{"kind": "igp_ecmp"}'}


def rows_of(design, peaks):
    """Rows of peaks, by strategy and in the order of the points."""
    return pd.DataFrame(
        [
            {
                "point": i, "strategy": name, "metric": "exit_utilisation_peak", "scope": "all",
                "unit": "1", "mean": peak,
            }
            for name, each in peaks.items()
            for i, peak in enumerate(each)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("over", "static", "sdn", "clause"),
    [
        ({ALL: "x1..x1.3:0.1"}, [0.7, 0.79, 0.81, 0.9], [0.7, 0.7, 0.8, 0.9],
         f"sdn keeps every exit within 80 % up to {ALL} = x1.2; static up to x1.1"),
        ({ALL: "x1.1,x1"}, [0.9, 0.7], [0.9, 0.7],
         f"static and sdn keep every exit within 80 % up to {ALL} = x1"),
        ({LINK: "10,20,40"}, [0.9, 0.9, 0.9], [0.9, 0.8, 0.7],
         f"sdn keeps every exit within 80 % from {LINK} = 20; static at no point"),
        ({LINK: "10,20,40"}, [0.9, 0.7, 0.9], [0.7, 0.7, 0.7],
         "sdn keeps every exit within 80 % at every point; static at 1 of 3 points"),
        ({"a": "one,two"}, [0.9, 0.7], [0.7, 0.9],
         "static and sdn keep every exit within 80 % at 1 of 2 points"),
        ({"a": "x1,+20"}, [0.7, 0.9], [0.7, 0.9],
         "static and sdn keep every exit within 80 % at 1 of 2 points"),
        ({LINK: "10,20", ALL: "x1,x1.1"}, [0.7, 0.9, 0.7, 0.9], [0.7, 0.9, 0.7, 0.7],
         f"sdn keeps every exit within 80 % from {LINK} = 20; static at 2 of 4 points, "
         f"whatever {ALL}"),
        ({LINK: "10,20", ALL: "x1,x1.1"}, [0.7, 0.9, 0.7, 0.9], [0.7, 0.9, 0.7, 0.9],
         f"static and sdn keep every exit within 80 % up to {ALL} = x1, whatever {LINK}"),
        ({ALL: "x1,x1.1"}, [np.nan, 0.7], [0.9, 0.95],
         f"static keeps every exit within 80 % from {ALL} = x1.1; sdn at no point"),
    ],
)  # fmt: skip
def test_the_sentence_says_how_far_each_strategy_keeps_the_target(short, over, static, sdn, clause):
    design = Design.of(over, "grid", None, 1)
    rows = rows_of(design, {"static": static, "sdn": sdn})
    opening, answer = sentence_of(short, design, rows, 0.8)
    assert opening.startswith(f"Over {design.count} points of ") and answer == clause


def test_without_a_target_the_sentence_names_the_best_point(short):
    design = Design.of({ALL: "x1,x2"}, "grid", None, 1)
    rows = rows_of(design, {"static": [0.7, 0.9], "sdn": [0.6, 0.8]})
    assert sentence_of(short, design, rows, None)[1] == (
        f"exit utilisation peak is lowest with sdn at {ALL} = x1 (60.0 %) and highest with static"
        f" at {ALL} = x2 (90.0 %)"
    )
    higher = rows.assign(metric="headroom")
    assert "is highest with static at" in sentence_of(short, design, higher, None)[1]


def test_a_bound_is_no_answer(short):
    every = short.resolved()["strategies"]
    bound = {name: {**each, "bound": name == "sdn"} for name, each in every.items()}
    scenario = short.with_changes({"strategies": bound})
    design = Design.of({ALL: "x1,x2"}, "grid", None, 1)
    rows = rows_of(design, {"static": [0.7, 0.9], "sdn": [0.6, 0.7]})
    for target in (0.8, None):
        assert "sdn" not in sentence_of(scenario, design, rows, target)[1]


def test_a_target_that_is_swept_is_no_target(short):
    answer = sim.sweep(short, {"targets.exit_utilisation": "0.7,0.9"})
    assert "exit utilisation peak is lowest with" in answer.sentence


def test_the_answer_is_about_any_figure_that_is_asked_for(short):
    answer = sim.sweep(short, {ALL: "x1,x1.2"}, of="latency_ms_mean:international_out")
    assert "latency ms mean (international_out) is lowest with" in answer.sentence
    for of, message in (
        ("latency_mean", "there is no metric 'latency_mean'; did you mean"),
        ("latency_ms_mean:abroad", "latency_ms_mean has no scope 'abroad'"),
        ("regret", "this scenario has no figure of metric 'regret'"),
    ):
        with pytest.raises(sim.InputError, match=message):
            sim.sweep(short, {ALL: "x1,x1.2"}, of=of)


def test_the_text_fits_a_screen_and_hides_nothing_in_silence(short):
    few = short.with_changes({"replications": 1}).with_strategies(["static"])
    answer = sim.sweep(few, {ALL: "x0.5..x1.04:0.02"}, of="offered_gbit")
    text = str(answer)
    assert "4 more points are in the table points." in text
    assert max(map(len, text.splitlines())) <= 100
    assert f"{ALL} = x0.52" in text and f"{ALL} = x1.02" not in text


# -- figures --------------------------------------------------------------------------------------


def drawn(answer, name):
    axes = answer.figures[name]()
    figure = np.atleast_1d(axes)[0].figure
    plt.close(figure)
    return axes, figure


def test_one_key_gives_curves_with_intervals_and_the_target(short):
    answer = sim.sweep(short, {ALL: "x1.2,x0.8,x1"})
    assert list(answer.figures) == ["sweep_curves"]
    ax, figure = drawn(answer, "sweep_curves")
    shown = answer.frame.query("metric == 'exit_utilisation_peak' and scope == 'all'")
    for line, name in zip(ax.lines, ("static", "sdn"), strict=False):
        mine = shown[shown["strategy"] == name].set_index(ALL)
        np.testing.assert_allclose(line.get_xdata(), [0.8, 1.0, 1.2])
        np.testing.assert_allclose(line.get_ydata(), 100 * mine["mean"][["x0.8", "x1", "x1.2"]])
    assert set(ax.lines[-1].get_ydata()) == {80.0} and len(ax.collections) == 2
    title = figure.get_suptitle().replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ")
    assert title.lower() in answer.sentence.lower() and "Over 3 points" not in title
    assert ax.get_xlabel() == f"{ALL}, factor"


def test_words_on_the_axis_have_no_line_between_them(short):
    schemes = ["nearest_exit", "igp_ecmp"]
    ax, _ = drawn(sim.sweep(short, {"strategies.static.scheme": schemes}), "sweep_curves")
    assert [label.get_text() for label in ax.get_xticklabels()] == schemes
    assert ax.lines[0].get_linestyle() == "None"


def test_two_keys_give_a_map_for_each_strategy(grid):
    axes, figure = drawn(grid, "sweep_map")
    assert [ax.texts[0].get_text() for ax in axes if ax.texts] and len(axes) == 2
    shown = grid.frame.query("metric == 'exit_utilisation_peak' and scope == 'all'")
    for ax, name in zip(axes, ("static", "sdn"), strict=True):
        mine = shown[shown["strategy"] == name]["mean"].to_numpy().reshape(3, 2)
        np.testing.assert_allclose(ax.images[0].get_array(), 100 * mine)
        over = mine > 0.8
        crossed = (over[1:] != over[:-1]).sum() + (over[:, 1:] != over[:, :-1]).sum()
        assert len(ax.lines) == crossed
    assert len({image.get_clim() for ax in axes for image in ax.images}) == 1
    assert axes[1].get_xlabel() and axes[0].get_ylabel() == f"{ALL}, factor"


def test_points_that_are_no_grid_are_drawn_as_points(short):
    answer = sim.sweep(short, {ALL: "x0.8..x1.4", LINK: "10..40"}, design="sobol", points=8)
    axes, _ = drawn(answer, "sweep_map")
    assert len(axes[0].collections[0].get_offsets()) == 8


def test_three_keys_have_tables_only_and_say_so(short):
    answer = sim.sweep(short, {ALL: "x1,x1.1", LINK: "10,20", "seed": "1"})
    assert not answer.figures
    assert "Pictures show one or two keys; of 3 there are tables only." in answer.foot


# -- resuming, parts, failures --------------------------------------------------------------------

OVER = {ALL: "x0.8..x1.2:0.2", LINK: [10, 40]}


def marks(folder):
    """When each point was finished."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.rglob("_finished")}


def fail_at(monkeypatch, *values):
    """Let points with these values of the link fail; return the list of what was played."""
    played, play = [], sweep_point.figures_of_day

    def figures_of_day(scenario, replication, progress):
        gbps = scenario.network.attributes("guangzhou-frankfurt")["capacity_gbps"]
        played.append(gbps)
        if gbps in values:
            raise ZeroDivisionError(f"at {gbps:g}")
        return play(scenario, replication, progress)

    monkeypatch.setattr(sweep_point, "figures_of_day", figures_of_day)
    return played


def test_a_point_that_fails_is_named_and_never_reused_and_the_others_are(
    short, grid, tmp_path, monkeypatch
):
    out, over = tmp_path / "out", {LINK: [10, 20, 40]}
    whole = sim.sweep(short, over, out=tmp_path / "whole")
    fail_at(monkeypatch, 20)
    with pytest.raises(SimulatorError) as failed:
        sim.sweep(short, over, out=out)
    told = str(failed.value)
    assert told.startswith("1 of 3 points failed\n")
    assert f"point 1 ({LINK} = 20): ZeroDivisionError: at 20" in told
    assert f"2 of 3 points are kept in {unfinished(out)}" in told
    assert not out.exists()
    (record,) = json.loads((unfinished(out) / "failed.json").read_text())
    assert record["point"] == 1 and "Traceback" in record["trace"]
    kept = marks(unfinished(out))
    assert set(kept) == {"point=000000", "point=000002"}
    with pytest.raises(SimulatorError, match="1 of 3 points failed"):
        sim.sweep(short, over, out=out)
    assert marks(unfinished(out)) == kept
    monkeypatch.undo()
    said = []
    played = fail_at(monkeypatch)
    sim.sweep(short, over, out=out, warn=said.append)
    assert said == ["2 of 3 points are finished already"] and set(played) == {20}
    assert files(out) == files(whole.folder) and not unfinished(out).exists()


def test_a_value_that_is_wrong_only_with_another_one_is_named_with_its_point(short, tmp_path):
    events = [{"at_h": 0.6, "link": "guangzhou-frankfurt"}]
    over = {"events": [[], events], "horizon_h": [0.75, 0.5]}
    with pytest.raises(sim.InputError, match="point 3 ") as failed:
        sim.sweep(short, over, out=tmp_path / "out")
    assert "1 of 4 points failed" in str(failed.value)


@pytest.mark.parametrize(
    ("changes", "over", "told"),
    [
        ({"seed": 8}, OVER, "seed is 8 and was 7"),
        ({"horizon_h": 1}, OVER, "horizon_h is 1.0 and was 0.5"),
        ({LINK: "+1"}, OVER, "the network changed"),
        ({ALL: "x1.1"}, OVER, "the demands changed"),
        ({}, {ALL: "x0.8..x1.2:0.2", LINK: [10, 20]}, f"over.{LINK} is"),
    ],
)
def test_another_sweep_is_refused_where_one_is_unfinished(short, tmp_path, changes, over, told):
    out = tmp_path / "out"
    sim.sweep(short, OVER, out=out, shard="1/6")
    kept = marks(unfinished(out))
    assert len(kept) == 1
    other = short.with_changes(changes) if changes else short
    with pytest.raises(SimulatorError, match="unfinished sweep of something else") as refused:
        sim.sweep(other, over, out=out)
    assert told in str(refused.value) and "--force starts anew" in str(refused.value)
    assert marks(unfinished(out)) == kept
    sim.sweep(other, over, out=out, force=True, shard="1/6")
    assert set(marks(unfinished(out))) == set(kept) and marks(unfinished(out)) != kept


def test_other_versions_are_refused_by_the_folder_and_by_a_worker(short, tmp_path, monkeypatch):
    out = tmp_path / "out"
    sim.sweep(short, OVER, out=out, shard="1/6")
    real = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**real, "numpy": "1.0"})
    with pytest.raises(SimulatorError, match=r"numpy is 1\.0 and was 2"):
        sim.sweep(short, OVER, out=out)
    sweep_point._own_versions.cache_clear()
    sweep_point._own_versions()
    monkeypatch.undo()
    with pytest.raises(SimulatorError, match=r"this worker has numpy 1\.0 and not 2"):
        sim.sweep(short, OVER, out=out)
    sweep_point._own_versions.cache_clear()


def test_force_takes_nothing_of_the_users(short, tmp_path):
    out = tmp_path / "out"
    sim.sweep(short, OVER, out=out, shard="1/6")
    notes = unfinished(out) / "points" / "notes.txt"
    notes.write_text("mine")
    for force in (False, True):
        with pytest.raises(SimulatorError):
            sim.sweep(short.with_changes({"seed": 8}), OVER, out=out, force=force)
    with pytest.raises(SimulatorError, match="left alone: no sweep wrote points/notes.txt"):
        sim.sweep(short.with_changes({"seed": 8}), OVER, out=out, force=True)
    assert notes.read_text() == "mine" and len(marks(unfinished(out))) == 1


def test_a_folder_of_the_user_with_the_name_of_an_unfinished_one_is_left_alone(short, tmp_path):
    mine = tmp_path / "out.unfinished"
    mine.mkdir()
    (mine / "thesis.md").write_text("mine")
    for force in (False, True):
        with pytest.raises(SimulatorError, match="left alone: no sweep wrote thesis.md"):
            sim.sweep(short, OVER, out=tmp_path / "out", force=force)
    assert {each.name for each in mine.iterdir()} == {"thesis.md"}


def test_results_that_stand_there_are_replaced_on_demand_alone(short, tmp_path):
    out = tmp_path / "out"
    sim.sweep(short, {ALL: "x1"}, out=out)
    before = files(out)
    with pytest.raises(SimulatorError, match="exists already; --force replaces it"):
        sim.sweep(short, {ALL: "x1.1"}, out=out)
    assert files(out) == before and not unfinished(out).exists()
    sim.sweep(short, {ALL: "x1.1"}, out=out, force=True)
    assert files(out) != before and manifest.foreign(out) == ""


def test_shards_in_one_folder_make_the_same_bytes(short, grid, tmp_path):
    out = tmp_path / "out"
    for shard in ("3/4", "1/4", "2/4", "4/4"):
        part = sim.sweep(short, OVER, out=out, shard=shard)
        assert not out.exists() and part.folder == unfinished(out)
        assert set(part.frame["point"]) == set(range(int(shard[0]) - 1, 6, 4))
    assert "6 of 6 points are kept" in sim.sweep(short, OVER, out=out, shard="9/9").sentence
    sim.sweep(short, OVER, out=out)
    assert files(out) == files(grid.folder)


def test_shards_in_folders_of_their_own_are_taken_over(short, grid, tmp_path, monkeypatch):
    parts = [tmp_path / f"part-{i}" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        sim.sweep(short, OVER, out=part, shard=f"{i}/3")
    played, out = fail_at(monkeypatch), tmp_path / "out"
    with pytest.raises(
        SimulatorError, match=r"part-1 is no unfinished sweep; did you mean .*part-1\.un"
    ):
        sim.sweep(short, OVER, out=out, take=[parts[0]])
    other = short.with_changes({"seed": 8})
    with pytest.raises(SimulatorError, match="is a sweep of something else: seed is 8"):
        sim.sweep(other, OVER, out=tmp_path / "other", take=[unfinished(parts[0])])
    assert not played
    sim.sweep(short, OVER, out=out, take=[unfinished(part) for part in parts])
    assert len(played) == 2 * 2, "two points of two replications were left"
    assert files(out) == files(grid.folder)


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/0", "a/b", "3/8/2", "-1/8"])
def test_what_is_no_part_is_said(short, text):
    with pytest.raises(sim.InputError, match="expected a part such as 3/8"):
        sim.sweep(short, OVER, shard=text)


def test_workers_do_not_change_a_byte(short, grid, tmp_path):
    sim.sweep(short, OVER, out=tmp_path / "out", workers=2)
    assert files(tmp_path / "out") == files(grid.folder)


def test_the_order_of_points_does_not_change_a_figure(short):
    """What a network remembers of one point must not show in another."""
    there = sim.sweep(short, {ALL: ["x0.8", "x1.2", "x1"]}, of="mlu_peak").frame
    back = sim.sweep(short, {ALL: ["x1", "x1.2", "x0.8"]}, of="mlu_peak").frame
    order = [ALL, "strategy", "metric", "scope", "unit"]
    one, two = (
        each.drop(columns="point").sort_values(order, ignore_index=True) for each in (there, back)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_files_that_points_read_are_part_of_what_a_sweep_is_of(tmp_path):
    for name, gbps in (("a", 5), ("b", 7)):
        (tmp_path / f"{name}.csv").write_text(
            f"source,target,gbps\nbeijing,us-west,{gbps}\n", encoding="utf-8"
        )
    scenario = sim.load(MINI).with_changes({"horizon_h": 0.5, "replications": 1})
    places = [str(tmp_path / f"{name}.csv") for name in "ab"]
    node = scenario.demands.names[0].split(">")[0]
    far = scenario.demands.names[0].split(">")[1].split(":")[0]
    for place in places:
        Path(place).write_text(
            Path(place).read_text().replace("beijing", node).replace("us-west", far)
        )
    over, out = (
        {"traffic.matrix": [{"kind": "file", "path": place} for place in places]},
        tmp_path / "out",
    )
    sim.sweep(scenario, over, out=out, shard="1/2")
    Path(places[1]).write_text(Path(places[1]).read_text().replace("7", "9"))
    with pytest.raises(SimulatorError, match=r"something else: b\.csv changed"):
        sim.sweep(scenario, over, out=out)


def test_an_interrupt_says_what_is_kept(short, tmp_path, monkeypatch):
    play = sweep_point.figures_of_day
    calls = []

    def figures_of_day(*words):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return play(*words)

    monkeypatch.setattr(sweep_point, "figures_of_day", figures_of_day)
    with pytest.raises(KeyboardInterrupt, match="2 of 6 points are kept in .*the same command"):
        sim.sweep(short, OVER, out=tmp_path / "out")


# -- the command ----------------------------------------------------------------------------------


def test_the_command_writes_the_folder_with_a_picture(tmp_path):
    out = tmp_path / "out"
    done = run("--over", f"{ALL}=x1,x1.2", "--out", str(out), "--replications", "1")
    assert "exit utilisation peak" in done.stdout and "points/" in done.stdout
    assert (out / "figures" / "sweep_curves.png").stat().st_size > 10_000
    assert manifest.foreign(out) == ""
    again = run("--over", f"{ALL}=x1,x1.2", "--out", str(out), code=1)
    assert "exists already" in again.stderr


def test_json_holds_sentence_and_table_and_nothing_else(tmp_path):
    done = run("--over", "seed=1,2", "--json", "--replications", "1", "--out", str(tmp_path / "o"))
    found = json.loads(done.stdout)
    assert set(found) == {"sentence", "tables"} and found["tables"]["points"][0]["seed"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--over", "demands.internatinal=x1,x2"], "did you mean 'international'"),
        (["--over", "links.guangzou-frankfurt.capacity_gbps=1,2"], "did you mean 'guangzhou-fr"),
        (["--over", "sed=1,2"], "unknown key; did you mean 'seed'"),
        (["--over", "seed"], "expected KEY=VALUE, found 'seed'"),
        (["--over", "seed="], "no values; expected some, as seed=1,2,3"),
        (["--over", "seed=5..1:1"], "write the lower end first"),
        (["--over", "seed=1..5"], "has no step"),
        (["--over", "step_s=900,0"], "step_s: "),
        (["--over", "seed=1", "--over", "seed=2"], "seed is given twice"),
        (["--over", "seed=1..900000:1"], "900,000 runs of .*refused unless --any-size"),
        (["--over", "horizon_h=1,9e5", "--over", "seed=1..400:1"], "refused unless --any-size"),
        ([], "nothing to go over"),
        (["--over", "seed=1,2", "--points", "5"], "leave --points out"),
        (["--over", "seed=1,2", "--of", "headrom"], "did you mean 'headroom'"),
        (["--over", "seed=1,2", "--shard", "9/8"], "expected a part such as 3/8"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_runs(words, message, tmp_path):
    done = run(*words, "--out", str(tmp_path / "out"), code=2)
    assert re.search(message, " ".join(done.stderr.split())), done.stderr
    assert "Traceback" not in done.stderr and not any(tmp_path.iterdir())


def test_each_mistake_is_said_once(tmp_path):
    words = ["--over", "sed=1,2", "--over", f"{ALL}=x1..x2:0.1", "--out", str(tmp_path / "out")]
    assert run(*words, code=2).stderr.count("unknown key") == 1


def test_warnings_of_points_are_told_before_they_run(tmp_path):
    words = ["--over", f"{ALL}=x1,x500", "--replications", "1", "--out", str(tmp_path / "out")]
    done = run(*words)
    assert "warning" in done.stderr and ALL in done.stderr
    assert os.listdir(tmp_path) == ["out"]


def test_a_part_leaves_the_results_to_a_call_without_it(tmp_path):
    words = ["--over", "seed=1,2", "--replications", "1", "--out", str(tmp_path / "out")]
    done = run(*words, "--shard", "1/2")
    assert "1 of 2 points are kept in" in " ".join(done.stdout.split())
    assert os.listdir(tmp_path) == ["out.unfinished"]
    assert "1 of 2 points are finished already" in run(*words).stderr
    assert os.listdir(tmp_path) == ["out"]
