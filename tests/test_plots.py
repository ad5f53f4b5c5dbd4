"""The pictures show what the tables hold, and no name or size of a run breaks them."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import MINI, without_headroom
from dropin import dropped_in
from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from simulator.base.errors import SimulatorError
from simulator.figures import control, exit_utilisation, loss, plotter, run_data, style
from simulator.figures.figure import NothingToShow, figure, figures_of
from simulator.figures.plotter import Plotter, write_figures
from simulator.figures.run_data import Folds, RunView, exit_peaks, exits_by_peak
from simulator.figures.time_axis import TimeAxis
from simulator.results.results import Results
from simulator.run import run
from simulator.scenario.load import load

pytestmark = pytest.mark.usefixtures("no_headroom")
TOPOLOGY = Path(__file__).parent.parent / "topologies" / "china169-mini.yaml"
STATIC = {"scheme": {"kind": "nearest_exit"}}
FIGURES = [name for name, cls in figures_of("results").items() if cls.standard]
HOSTILE_EXITS = {
    "beijing-la": r"$\\alpha$_x^2 <script>alert(1)</script>",
    "shanghai-hk": "上海—香港出口链路，一条名字很长的链路用于测试版面是否会被破坏",
    "guangzhou-la": r"_under\\score{ }%d $",
    "beijing-tokyo": "a-name-that-goes-on-and-on-and-on-until-nobody-can-read-it-anymore-number-1",
}
HOSTILE_SCENARIO = r"""
title: "标题 $\\frac{1}{0}$ <script>x</script> %s {braces} \U0001F600 and on and on, beyond all
  margins, and then some more, because nobody ever stops a title that has no reason to end"
topology: mini.yaml
seed: 7
replications: 2
start: 2017-12-31T18:00
horizon_h: 30
step_s: 3600
traffic: {shapes: [{kind: diurnal, peak_hour: 21, trough: 0.35}, {kind: noise, sigma: 0.08}]}
strategies:
  "$x^2$ 静态路由": {scheme: {kind: nearest_exit}}
  "_sdn_ <b>controller</b> with a name too long for anything at all, really":
    scheme: {kind: min_latency, utilisation_cap: 0.80}
    control: {every_s: 3600}
  "3": {scheme: {kind: igp_ecmp}}
events:
  - {at_h: 3, link: "guangzhou-hk", until_h: 5}
  - at_h: 4
    until_h: 9
    controller: "_sdn_ <b>controller</b> with a name too long for anything at all, really"
"""


@pytest.fixture(autouse=True)
def _no_window():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def mini_day(tmp_path_factory):
    """A day in steps of an hour, one replication, a cable cut in the evening."""
    changes = {
        "replications": 1,
        "step_s": 3600,
        "strategies.sdn.control.every_s": 3600,
        "events": [{"at_h": 20, "cable": "TPE", "until_h": 23}],
    }
    with without_headroom():
        return run(load(MINI).with_changes(changes), out=tmp_path_factory.mktemp("plots") / "day")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """Three strategies, two replications, two events, and names that want to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    text = TOPOLOGY.read_text(encoding="utf-8")
    for plain, name in HOSTILE_EXITS.items():
        text = text.replace(f"{{id: {plain},", f'{{id: "{name}",')
    (folder / "mini.yaml").write_text(text, encoding="utf-8")
    matrix = TOPOLOGY.with_name("china169-mini-base.csv")
    (folder / matrix.name).write_bytes(matrix.read_bytes())
    (folder / "hostile.yaml").write_text(HOSTILE_SCENARIO, encoding="utf-8")
    with without_headroom():
        return run(load(folder / "hostile.yaml"), out=folder / "results")


@pytest.fixture(scope="session")
def landlocked(tmp_path_factory):
    """A network without exits."""
    folder = tmp_path_factory.mktemp("landlocked")
    tables = folder / "tables"
    tables.mkdir()
    (tables / "nodes.csv").write_text("id,kind\na,core\nb,core\n", encoding="utf-8")
    (tables / "links.csv").write_text("id,a,b,capacity_gbps\nab,a,b,10\n", encoding="utf-8")
    (folder / "demands.csv").write_text("source,target,gbps\na,b,5\n", encoding="utf-8")
    (folder / "s.yaml").write_text(
        "topology: tables\nhorizon_h: 4\nstep_s: 3600\n"
        "traffic: {matrix: {kind: file, path: demands.csv}}\n"
        "strategies: {static: {scheme: {kind: igp_ecmp}}}\n",
        encoding="utf-8",
    )
    return run(load(folder / "s.yaml"), out=folder / "results")


def _title(axes):
    figure = np.atleast_1d(axes)[0].figure
    return " ".join(figure.get_suptitle().split())


def _source(axes):
    return " ".join(np.atleast_1d(axes)[0].figure.get_supxlabel().split())


def _legend(axes):
    (legend,) = np.atleast_1d(axes)[0].figure.legends
    return [text.get_text().strip() for text in legend.get_texts()]


def _lines(ax):
    """Lines of the strategies, without the value held to the end."""
    found: dict[str, np.ndarray] = {}
    for line in ax.get_lines():
        if not line.get_label().startswith("_child"):
            y = np.asarray(line.get_ydata())
            assert y[-1] == y[-2] or (np.isnan(y[-1]) and np.isnan(y[-2]))
            found.setdefault(line.get_label(), y[:-1])
    return found


def _by_time(table: pd.DataFrame, strategy: str) -> pd.api.typing.DataFrameGroupBy:
    return table[table["strategy"] == strategy].groupby("time_s")


# -- what the lines show ------------------------------------------------------------------------


def test_hottest_exit_is_the_greatest_of_the_table(mini_day):
    ax = mini_day.plot.hottest_exit()
    lines = _lines(ax)
    assert list(lines) == ["static", "sdn"]
    for strategy, y in lines.items():
        np.testing.assert_allclose(y, _by_time(mini_day.exits, strategy)["utilisation"].max())
    x = ax.get_lines()[0].get_xdata()
    np.testing.assert_allclose(x, np.arange(25))


def test_hottest_exit_says_what_the_summary_says(mini_day):
    ax = mini_day.plot.hottest_exit()
    for strategy in ("static", "sdn"):
        peak = mini_day.figure(strategy, "exit_utilisation_peak")
        assert f"{strategy} {100 * peak:.0f} %" in _title(ax)
    hours = mini_day.figure("static", "hours_above_100")
    assert _legend(ax)[0] == f"static: {hours:.1f} h above capacity"
    assert _legend(ax)[-2:] == ["capacity", "target 80 %"]
    levels = {line.get_ydata()[0] for line in ax.get_lines() if len(line.get_ydata()) == 2}
    assert {1.0, 0.8} <= levels
    assert ax.get_xlabel() == "local time (h)"
    assert "% of capacity" in ax.get_ylabel()
    assert "1 replication: no interval" in _source(ax)
    assert re.search(r"Inputs, worst first: \d+ assumed without a range; \d+ assumed with a range;",
                     _source(ax))  # fmt: skip


def test_every_exit_panel_shows_its_rows(mini_day):
    panels = mini_day.plot.exit_utilisation()
    names = [ax.texts[0].get_text() for ax in panels]
    assert sorted(names) == sorted(mini_day.run["network"]["exits"])
    for name, ax in zip(names, panels, strict=True):
        for strategy in mini_day.strategies:
            rows = mini_day.exits[
                (mini_day.exits["exit"] == name) & (mini_day.exits["strategy"] == strategy)
            ]
            drawn = [
                np.asarray(n.get_ydata())[:-1] for n in ax.get_lines() if n.get_label() == strategy
            ]
            assert len(drawn) == 2
            for way in ("in", "out"):
                y = rows.loc[rows["direction"] == way, "utilisation"].to_numpy()
                assert any(np.array_equal(y, line) for line in drawn)


def test_balance_is_of_the_fuller_direction_and_of_both_in_older_results(mini_day, tmp_path):
    assert "Jain in: " in _title(mini_day.plot.exit_peaks())
    old = tmp_path / "old"
    shutil.copytree(mini_day.folder, old)
    summary = pd.read_csv(old / "summary.csv", dtype={"strategy": str})
    new = summary["scope"].str.startswith("exits:")
    assert new.any()
    summary[~new].to_csv(old / "summary.csv", index=False)
    assert "Jain all: " in _title(Results(old).plot.exit_peaks())


def test_exit_panels_are_in_order_of_peak_and_say_it(mini_day):
    panels = mini_day.plot.exit_utilisation()
    s = mini_day.summary
    s = s[(s["metric"] == "exit_utilisation_peak") & s["scope"].str.startswith("exit:")]
    top = s.groupby(s["scope"].str.split(":").str[1])["mean"].max().sort_values(ascending=False)
    assert [ax.texts[0].get_text() for ax in panels] == list(top.index)
    full = s[(s["mean"] > 1) & (s["strategy"] == "static")]["scope"].str.split(":").str[1].nunique()
    assert f"static: {full} of 9" in _title(panels)
    first = panels[0].texts
    capacity = mini_day.run["network"]["exits"][first[0].get_text()]
    assert first[1].get_text().startswith(f"{capacity:g} Gbps, peak ")


def test_exits_can_be_chosen(mini_day):
    (ax,) = mini_day.plot.exit_utilisation("shanghai-hk", direction="out")
    assert set(_lines(ax)) == {"static", "sdn"}
    rows = mini_day.exits.query("exit == 'shanghai-hk' and direction == 'out'")
    np.testing.assert_array_equal(
        _lines(ax)["sdn"], rows[rows["strategy"] == "sdn"]["utilisation"].to_numpy()
    )
    two = mini_day.plot.exit_utilisation(["shanghai-hk", "beijing-la"])
    assert [a.texts[0].get_text() for a in two] == ["shanghai-hk", "beijing-la"]
    with pytest.raises(SimulatorError, match="did you mean 'shanghai-hk'"):
        mini_day.plot.exit_utilisation("shanghai-hkk")
    with pytest.raises(SimulatorError, match="direction 'in' or 'out'"):
        mini_day.plot.exit_peaks(direction="inbound")


def test_peaks_are_those_of_the_summary(hostile):
    axes = hostile.plot.exit_peaks()
    assert [ax.texts[0].get_text() for ax in axes] == ["inbound", "outbound"]
    order = exits_by_peak(exit_peaks(RunView.of(hostile)), ["in", "out"])
    s = hostile.summary.set_index(["metric", "strategy", "scope"])
    for ax, way in zip(axes, ("in", "out"), strict=True):
        dots = [line for line in ax.get_lines() if len(line.get_xdata()) == len(order)]
        whiskers = [c for c in ax.collections if to_hex(c.get_color()[0]) != style.PALE]
        for place, strategy in enumerate(hostile.strategies):
            scopes = [("exit_utilisation_peak", strategy, f"exit:{e}:{way}") for e in order]
            np.testing.assert_allclose(dots[place].get_xdata(), s.loc[scopes, "mean"])
            ends = np.array([segment[:, 0] for segment in whiskers[place].get_segments()])
            np.testing.assert_allclose(ends[:, 0], s.loc[scopes, "ci_low"].clip(lower=0))
            np.testing.assert_allclose(ends[:, 1], s.loc[scopes, "ci_high"])
    assert "95 % confidence" in _source(axes)


def test_bands_span_the_replications(hostile):
    ax = hostile.plot.hottest_exit()
    name = hostile.strategies[0]
    rows = hostile.exits[hostile.exits["strategy"] == name]
    peak = rows.groupby(["replication", "time_s"])["utilisation"].max().unstack()
    np.testing.assert_allclose(_lines(ax)[name], peak.mean())
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert set(np.round(peak.min(), 9)) <= set(np.round(heights, 9))
    assert set(np.round(peak.max(), 9)) <= set(np.round(heights, 9))
    assert "band: lowest to highest of 2 replications" in _source(ax)


def test_latency_distribution_is_that_of_the_table(mini_day):
    inbound, outbound, split = mini_day.plot.latency()
    assert [ax.texts[0].get_text() for ax in (inbound, outbound)] == ["inbound", "outbound"]
    rows = mini_day.demands.query("`class` == 'international_in' and strategy == 'static'")
    line = next(n for n in inbound.get_lines() if n.get_label() == "static")
    x, y = line.get_xdata(), line.get_ydata()
    for i in (100, 500, 1000, 1500):
        below = rows["carried_gbps"].where(rows["latency_ms"] <= x[i], 0).sum()
        assert y[i] == pytest.approx(below / rows["carried_gbps"].sum(), abs=2e-3)
    assert (np.diff(y) >= 0).all()
    assert y[-1] == pytest.approx(1.0, abs=2e-3)
    drawn = sorted(patch.get_width() for patch in split.patches)
    s = mini_day.summary[mini_day.summary["scope"].isin(["international_in", "international_out"])]
    parts = ["propagation_ms_mean", "queueing_below_capacity_ms_mean", "full_buffer_ms_mean"]
    s = s[s["metric"].isin(parts)]
    np.testing.assert_allclose(drawn, sorted(s["mean"]))


def test_latency_title_is_the_paired_difference(mini_day):
    d = mini_day.differences
    d = d[(d["metric"] == "latency_below_capacity_ms_mean") & (d["scope"] == "international_in")]
    (mean,) = d["mean"]
    sign = "−" if mean < 0 else "+"
    title = _title(mini_day.plot.latency())
    assert f"sdn against static: {sign}{abs(mean):.1f} ms inbound" in title


def test_latency_of_a_region(mini_day):
    axes = mini_day.plot.latency("pop-frankfurt")
    assert len(axes) == 2
    assert axes[0].texts[0].get_text() == "pop-frankfurt"
    with pytest.raises(SimulatorError, match="did you mean 'pop-frankfurt'"):
        mini_day.plot.latency("pop-frankfur")


def test_latency_over_time_is_weighted_by_traffic(mini_day):
    ax = mini_day.plot.latency_over_time()
    rows = mini_day.demands[mini_day.demands["class"] != "domestic"]
    rows = rows.assign(weighted=rows["latency_ms"].fillna(0) * rows["carried_gbps"])
    for strategy in mini_day.strategies:
        sums = _by_time(rows, strategy)[["weighted", "carried_gbps"]].sum()
        expected = sums["weighted"] / sums["carried_gbps"]
        np.testing.assert_allclose(_lines(ax)[strategy], expected)


def test_loss_is_what_is_not_carried(mini_day):
    ax = mini_day.plot.loss()
    for strategy in mini_day.strategies:
        sums = _by_time(mini_day.demands, strategy)[["offered_gbps", "carried_gbps"]].sum()
        lost = sums["offered_gbps"] - sums["carried_gbps"]
        np.testing.assert_allclose(_lines(ax)[strategy], lost.clip(lower=0), atol=1e-9)
    assert _title(ax).startswith("How much international traffic is lost? static ")


def test_control_shows_every_cycle_after_the_start(mini_day):
    moved, believed = mini_day.plot.control()
    c = mini_day.control.query("layer == 'controller' and trigger != 'start'")
    np.testing.assert_allclose(moved.get_lines()[0].get_ydata()[: len(c)], c["moved_gbps"])
    drawn = next(n for n in believed.get_lines() if n.get_label() == "sdn")
    np.testing.assert_allclose(drawn.get_ydata()[: len(c)], c["mlu"])
    np.testing.assert_allclose(drawn.get_xdata()[: len(c)], c["time_s"] / 3600)


def test_a_stopped_controller_leaves_a_gap(hostile):
    _, believed = hostile.plot.control()
    line = next(n for n in believed.get_lines() if n.get_label().startswith("_sdn_"))
    hours = np.asarray(line.get_xdata()) - 18  # the run starts at 18:00
    gone = hours[np.isnan(line.get_ydata())]
    assert [4 < hour < 9 for hour in gone if hour < 30] == [True]


# -- time and events ----------------------------------------------------------------------------


def test_events_are_shaded_and_named(mini_day):
    ax = mini_day.plot.hottest_exit()
    spans = [p.get_window_extent() for p in ax.patches]
    assert len(spans) == 1
    left, right = ax.transData.inverted().transform([[spans[0].x0, 0], [spans[0].x1, 0]])[:, 0]
    assert (left, right) == pytest.approx((20, 23))
    assert "cable TPE cut" in [text.get_text() for text in ax.texts]
    assert "cable TPE cut 20:00–23:00" in _legend(mini_day.plot.exit_utilisation())


def test_several_events_are_numbered_in_small_panels(hostile):
    panels = hostile.plot.exit_utilisation()
    assert [text.get_text() for text in panels[0].texts[2:]] == ["1", "2"]
    words = [label for label in _legend(panels) if label.startswith(("1:", "2:"))]
    assert words[0] == "1: link guangzhou-hk down 31 Dec 21:00–23:00"
    assert words[1].endswith("down 31 Dec 22:00–1 Jan 03:00")


def _ticks(**scenario):
    whole = {"horizon_h": None, "step_s": 300.0, "record": {"every": 1}, **scenario}
    ax = Figure(figsize=(7, 3)).subplots()
    TimeAxis.of(whole).dress(ax, ticks=9)
    low, high = ax.get_xlim()
    labels = [*ax.get_xticklabels(), *ax.get_xticklabels(minor=True)]
    shown = [text for text in labels if low - 1e-6 <= text.get_position()[0] <= high + 1e-6]
    return [text.get_text() for text in shown if text.get_text()]


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ({"horizon_h": 24}, "0 3 6 9 12 15 18 21 24"),
        ({"start": "2017-12-31T18:00", "horizon_h": 12}, "18 20 22 0 2 4 6"),
        ({"horizon_h": 48}, "0 6 12 18 0 6 12 18 24"),
        ({"horizon_h": 0.5}, "0:00 0:05 0:10 0:15 0:20 0:25 0:30"),
        ({"horizon_h": 72}, "1 2 3"),
        ({"horizon_h": 24 * 15}, "1 3 5 7 9 11 13 15"),
        ({"start": "2017-12-30", "end": "2018-01-02"}, "30 Dec|31 Dec|1 Jan"),
    ],
)
def test_time_axis(scenario, expected):
    assert _ticks(**scenario) == expected.split("|" if "|" in expected else " ")


# -- size ---------------------------------------------------------------------------------------


def test_thinning_keeps_every_peak():
    rng = np.random.default_rng(1)
    mean = rng.normal(size=100_003)
    mean[777], mean[55_555], mean[9] = 50.0, -50.0, np.nan
    x = np.arange(len(mean), dtype=float)
    thin_x, thin, low, high = run_data.decimated(x, mean, mean - 1, mean + 1)
    assert len(thin) == run_data.MOST_POINTS
    assert {50.0, -50.0} <= set(thin)
    assert (np.diff(thin_x) >= 0).all()
    np.testing.assert_array_equal(thin, mean[thin_x.astype(int)])
    assert high.max() == 51.0
    assert low.min() == -51.0


def test_thinning_leaves_short_lines_alone():
    x = np.arange(run_data.MOST_POINTS, dtype=float)
    assert run_data.decimated(x, x, x, x)[1] is x


def test_replications_fold_around_outages():
    folds = Folds()
    for values in ([1.0, np.nan, np.nan], [3.0, 5.0, np.nan]):
        folds.add("s", np.array(values))
    track = folds.tracks(np.arange(3.0))["s"]
    np.testing.assert_array_equal(track.mean, [2.0, 5.0, np.nan])
    np.testing.assert_array_equal(track.low, [1.0, 5.0, np.nan])
    np.testing.assert_array_equal(track.high, [3.0, 5.0, np.nan])


# -- names --------------------------------------------------------------------------------------


def test_hostile_names_stay_words_and_within_the_page(hostile):
    """Every text is plain, fits, and is drawn without a warning (warnings are errors here)."""
    for name in FIGURES:
        axes = np.atleast_1d(getattr(Plotter(hostile, new_figure=Figure), name)())
        figure = axes[0].figure
        figure.draw_without_rendering()
        page = figure.bbox
        for text in figure.findobj(Text):
            assert not text.get_parse_math() or "$" not in text.get_text()
            if text.get_visible() and not text.get_text().isdigit():  # ticks may lie outside
                box = text.get_window_extent()
                assert box.x0 >= page.x0 - 2, (name, text)
                assert box.x1 <= page.x1 + 2, (name, text)


def test_hostile_names_are_still_told_apart(hostile):
    labels = _legend(hostile.plot.loss())
    assert labels[0].startswith("$x^2$ ")
    assert labels[1].startswith("_sdn_ <b>")
    assert labels[2] == "3"


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("two\nlines\tand\x00 a \u202egap", "two lines and a gap"),
        ("x" * 40, "x" * 19 + "…" + "x" * 10),
        ("\ud800\U0010fffd", "□□"),
        ("$a$", "$a$"),
    ],
)
def test_names_are_made_drawable(name, drawn):
    with style.style():
        assert style.name(name) == drawn


# -- one strategy, no exits, no controller --------------------------------------------------------


def test_one_strategy_is_enough(tmp_path):
    changes = {"replications": 1, "step_s": 7200, "strategies": {"static": STATIC}}
    results = run(load(MINI).with_changes(changes), out=tmp_path / "one")
    names = [path.stem for path in write_figures(results, tmp_path / "figures")]
    # Nothing is lost at the event of this one.
    assert names == [name for name in FIGURES if name not in ("control", "recovery")]
    assert "Mean inbound / outbound: static" in _title(results.plot.latency())
    with pytest.raises(NothingToShow, match="no strategy of this run has a controller"):
        results.plot.control()


def test_without_a_demands_table(tmp_path):
    changes = {"replications": 1, "step_s": 7200, "record": {"demands": "none"}}
    results = run(load(MINI).with_changes(changes), out=tmp_path / "none")
    names = {path.stem for path in write_figures(results, tmp_path / "figures")}
    assert names == {"hottest_exit", "exit_utilisation", "exit_peaks", "control"}
    with pytest.raises(SimulatorError, match="kept no demands table"):
        results.plot.latency()


def test_without_exits(landlocked, tmp_path):
    for name in ("hottest_exit", "exit_utilisation", "exit_peaks"):
        with pytest.raises(SimulatorError, match="has no exits"):
            getattr(landlocked.plot, name)()
    names = [path.stem for path in write_figures(landlocked, tmp_path)]
    assert names == ["latency", "latency_over_time"]
    assert landlocked.plot.latency()[0].texts[0].get_text() == "all traffic"


# -- files and manners --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", style.FORMATS)
def test_the_same_results_give_the_same_bytes(mini_day, tmp_path, kind):
    names = FIGURES if kind == "png" else ("exit_peaks", "latency")
    first = write_figures(mini_day, tmp_path / "a", [kind], names)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30}):
        second = write_figures(Results(mini_day.folder), tmp_path / "b", [kind], names)
    assert [p.name for p in first] == [f"{name}.{kind}" for name in names]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in first)


def test_png_holds_no_date_and_150_dots_an_inch(mini_day, tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = write_figures(mini_day, tmp_path, names=FIGURES[:1])[0]
    with image.open(path) as png:
        assert png.width == round(style.WIDTH_IN * 150)
        assert set(png.info) == {"dpi"}


def test_loss_is_left_out_when_nothing_is_lost(mini_day, tmp_path, monkeypatch):
    monkeypatch.setattr(loss, "ROUNDING", 1.0)
    monkeypatch.setattr(plotter, "save", lambda drawn, path, form: path)  # written above
    assert "loss" not in [path.stem for path in write_figures(mini_day, tmp_path)]


def test_unknown_format(mini_day, tmp_path):
    with pytest.raises(SimulatorError, match="no figures as 'pgn'; did you mean 'png'"):
        write_figures(mini_day, tmp_path / "x", ["pgn"])
    assert not (tmp_path / "x").exists()


def test_a_failed_write_leaves_nothing(tmp_path):
    def savefig(path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("disk full")

    figure = cast(Any, SimpleNamespace(savefig=savefig))
    with pytest.raises(OSError, match="disk full"):
        style.save(figure, tmp_path / "a.png", "png")
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_reader_are_left_alone(mini_day, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda *a, **k: pytest.fail("plt.show was called"))
    before = dict(matplotlib.rcParams)
    for name in FIGURES:
        getattr(mini_day.plot, name)()
    assert dict(matplotlib.rcParams) == before


def test_axes_belong_to_pyplot_so_that_a_notebook_shows_them(mini_day):
    ax = mini_day.plot.hottest_exit()
    assert ax.figure.number in pyplot.get_fignums()
    assert "hottest_exit" in repr(mini_day.plot)


# -- the contract -------------------------------------------------------------------------------

DROPPED = '''
from simulator.figures.figure import Figure, figure

@figure("latency_bars")
class LatencyBars(Figure):
    """How long does traffic travel? A bar for each strategy."""

    question = "How long does traffic travel?"
    scope: str = "all"

    def data(self, results):
        return {s: results.figure(s, "latency_ms_mean", self.scope) for s in results.strategies}

    def draw(self, data, fig):
        ax = fig.subplots()
        ax.bar(list(data), list(data.values()))
        ax.set_title(f"{self.question} {self.scope}")
        return ax
'''


def test_a_figure_is_dropped_in_as_one_file(mini_day, tmp_path):
    with dropped_in(figure, "latency_bars", DROPPED):
        sentence = "How long does traffic travel? A bar for each strategy."
        assert dict(figure.describe())["latency_bars"] == sentence
        assert "latency_bars" in dir(mini_day.plot)
        axes = mini_day.plot.latency_bars("international_in")
        assert axes.get_title() == "How long does traffic travel? international_in"
        written = write_figures(mini_day, tmp_path, names=["latency_bars"])
        assert [path.name for path in written] == ["latency_bars.png"]
        assert list(figures_of("results"))[-1] == "latency_bars"


LIGHT = """
import sys
import simulator as sim
from simulator.cli import topology

def drawn():
    return sorted({"matplotlib", "simulator.figures.maps"} & set(sys.modules))

sim.load_network("china169-mini")
assert "simulator.model.network" in sys.modules
print("loading a network", *drawn())
topology.built_in()
print("a list of topologies", *drawn())
import simulator.figures.plotter
print("figures", *drawn())
from simulator.figures.figure import figure, figures_of
for cls in (cls for cls in figures_of("results").values() if cls.standard):
    cls().data(sim.Results(sys.argv[1]))
print(len(figure.describe()), "matplotlib" in sys.modules)
"""


def test_only_drawing_needs_matplotlib(mini_day):
    """Neither a network, nor a list of them, nor the data of figures: all in one new process."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(mini_day.folder)],
        env={**os.environ, "PYTHONPATH": str(TOPOLOGY.parent.parent)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "loading a network", "a list of topologies", "figures", "28 False"
    ]  # fmt: skip


def test_every_figure_has_a_question():
    assert FIGURES == ["hottest_exit", "exit_utilisation", "exit_peaks", "latency",
                       "latency_over_time", "loss", "recovery", "control"]  # fmt: skip
    for name, sentence in figure.describe():
        assert figure[name].question.endswith("?"), name
        assert "?" in sentence, name
    assert list(figures_of("network")) == ["map"]


def test_a_figure_without_a_drawing_is_refused():
    class Half:
        def data(self, results):
            return results

    with pytest.raises(TypeError, match=r"figure 'half' has no draw; see simulator\.figures"):
        figure("half")(Half)


def test_methods_are_named_described_and_checked(mini_day):
    plot = mini_day.plot
    assert {*FIGURES} <= {*dir(plot)}
    assert "map" not in dir(plot)
    assert plot.latency.__name__ == "latency"
    assert "Parameters\n----------\nscope : str" in plot.latency.__doc__
    assert "Raises\n------\nSimulatorError" in plot.latency.__doc__
    options = inspect.signature(plot.exit_utilisation).parameters
    assert {name: each.default for name, each in options.items()} == {
        "exits": None, "direction": None, "width": None
    }  # fmt: skip
    with pytest.raises(TypeError, match="unexpected keyword argument 'scop'"):
        plot.latency(scop="all")
    with pytest.raises(AttributeError, match="no figure of results named 'latencie'; did you mean"):
        plot.latencie()


def test_decisions_of_replications_that_are_seconds_apart_are_folded():
    one, two = np.array([900.0, 1800.0]), np.array([903.0, 1797.0])
    time_s = control.with_pauses(np.unique([*one, *two]), 1350.0, 7200.0)
    np.testing.assert_array_equal(time_s, [900, 903, 1797, 1800, 3150])
    found = control.held(two, np.array([5.0, 7.0]), time_s, 1350.0)
    np.testing.assert_array_equal(found, [np.nan, 5.0, 7.0, 7.0, np.nan])


def test_many_strategies_get_the_span_of_their_peaks(mini_day):
    picture = figure["exit_utilisation"]()
    content = picture.data(mini_day)
    subtitle = exit_utilisation.subtitle(content, "shanghai-hk", 3.0)
    assert " → " in subtitle
    peaks = sorted(peak for peak in subtitle.split("peak ")[1].rstrip(" %").split(" → "))
    narrow = exit_utilisation.subtitle(content, "shanghai-hk", 0.5)
    assert narrow == f"12 Gbps, peak {min(peaks, key=float)} to {max(peaks, key=float)} %"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (15, "30 Nov|3 Dec|6 Dec|9 Dec|12 Dec"),
        (120, "Dec|2018|Feb|Mar"),
        (400, "2018|Mar|May|Jul|Sep|Nov|2019"),
    ],
)
def test_long_runs_have_calendar_ticks(days, expected):
    assert _ticks(start="2017-11-29", horizon_h=24.0 * days) == expected.split("|")


def test_latency_of_parts_without_traffic(monkeypatch):
    from simulator.figures import latency

    parts = [
        pd.DataFrame({"carried_gbps": carried, "latency_ms": ms})
        for carried, ms in (([0.0], [np.nan]), ([1.5, 0.5], [2.0, 1.0]), ([], []))
    ]
    monkeypatch.setattr(latency.run_data, "demand_rows", lambda *_: [("it", parts)])
    x, y = latency.spread(None, "all")["it"]
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0], [0.25, 1.0])
