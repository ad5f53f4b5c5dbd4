"""Figures that are drawn when asked for: their data against the tables of the run."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_rgb

import simulator as sim
from simulator.cli.main import main
from simulator.engines.fluid import Fluid
from simulator.figures.figure import NothingToShow, figure, figures_of
from simulator.figures.link_series import links_of_bundles
from simulator.figures.maps.load_drawing import LEVELS, load_colour
from simulator.figures.plotter import write_figures
from simulator.figures.words import percent
from simulator.results.writer import Coded

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


# -- worlds as fans -----------------------------------------------------------------------------


def test_the_fullest_exit_of_a_world_is_that_of_its_exits():
    """Recorded alone, the fullest exit of every step is the highest row of the table of exits."""
    changes = {"horizon_h": 5, "step_s": 900, "events": [{"at_h": 1.1, "link": "beijing-la"}]}
    case = sim.load("mini").with_changes(changes).case

    def played(case):
        rows = []

        def emit(strategy, table, columns):
            if table in ("exits", "world_exits"):
                words = {k: v for k, v in columns.items() if isinstance(v, Coded)}
                frame = pd.DataFrame({k: v for k, v in columns.items() if k not in words})
                for name, coded in words.items():
                    frame[name] = np.array(coded.words)[coded.codes]
                rows.append(frame.assign(strategy=strategy, table=table))

        figures = Fluid().play(case, 0, emit, lambda _: None)
        return figures, pd.concat(rows)

    figures, whole = played(case)
    alone_figures, alone = played(case.of_drawn_world())
    assert repr(figures) == repr(alone_figures)
    assert set(alone["table"]) == {"world_exits"} and set(whole["table"]) == {"exits"}
    highest = whole.groupby(["strategy", "time_s"])["utilisation"].max()
    mine = alone.set_index(["strategy", "time_s"])["utilisation"]
    assert len(mine) == len(highest) == 20 * len(case.strategies)
    assert mine.to_numpy() == pytest.approx(highest.loc[mine.index].to_numpy(), rel=1e-12)
    keys = ["strategy", "time_s", "exit", "direction"]
    of_exit = whole.set_index(keys)["utilisation"]
    named = alone.set_index(keys).index
    assert of_exit.loc[named].to_numpy() == pytest.approx(mine.to_numpy(), rel=1e-12)


def test_fans_are_ranges_over_worlds(results, exits):
    data = figure["exit_worlds"]().data(results)
    table = results.table("world_exits")
    assert sorted(table["replication"].unique()) == [2, 3, 4], "drawn worlds alone"
    for strategy, track in data.tracks.items():
        mine = table[table["strategy"] == strategy]
        by_step = mine.pivot(index="time_s", columns="replication", values="utilisation")
        mean = exits[exits["strategy"] == strategy].groupby(["replication", "time_s"])
        stated = mean["utilisation"].max().unstack().mean()
        assert track.mean == pytest.approx(stated.to_numpy())
        assert track.low == pytest.approx(np.minimum(by_step.min(axis=1), stated).to_numpy())
        assert track.high == pytest.approx(np.maximum(by_step.max(axis=1), stated).to_numpy())
        assert data.median[strategy] == pytest.approx(by_step.median(axis=1).to_numpy())
        rows = results.ranges.query(
            f"of == 'figure' and metric == 'exit_utilisation_peak' and scope == 'all'"
            f" and strategy == '{strategy}'"
        )
        assert data.peaks[strategy] == tuple(rows[["stated", "low", "high"]].iloc[0])


def test_fans_need_worlds():
    run = sim.run(sim.load("mini").with_changes({"horizon_h": 1, "replications": 1}))
    with pytest.raises(NothingToShow, match="--worlds 20"):
        figure["exit_worlds"]().data(run)


# -- the load map -------------------------------------------------------------------------------


def test_a_load_map_is_of_the_step_with_the_fullest_exit(results, exits):
    data = figure["load_map"]().data(results)
    assert not results.bounds or "sdn-ideal" in results.bounds
    built = exits[~exits["strategy"].isin(results.bounds)]
    highest = built.groupby(["strategy", "time_s", "replication"], observed=True)
    mean = highest["utilisation"].max().groupby(level=[0, 1], observed=True).mean()
    assert data.at_s == mean.idxmax()[1]
    network = data.map_data.network
    rows = results.links[results.links["time_s"] == data.at_s]
    for strategy, used in data.utilisation.items():
        mine = rows[rows["strategy"] == strategy]
        wanted = mine.groupby(["link", "source"], observed=True)["utilisation"].mean()
        for arc in range(len(used)):
            key = network.links[arc // 2], network.nodes[int(network.tail[arc])]
            assert used[arc] == pytest.approx(wanted[key], nan_ok=True), key


@pytest.mark.parametrize("at_h", [19.5, 20.0, 22.9, 23.0])
def test_a_load_map_marks_what_has_failed(results, at_h):
    data = figure["load_map"](at_h=at_h).data(results)
    down = at_h >= 20 and at_h < 23
    links = data.map_data.network.links
    arcs = [2 * links.index("beijing-la") + way for way in (0, 1)]
    assert all(np.isnan(used[arcs]).all() == down for used in data.utilisation.values())
    assert (data.standing[arcs] == (0.0 if down else 1.0)).all()
    axes = results.plot.load_map(at_h=at_h)
    for ax in axes:
        crosses = [line for line in ax.get_lines() if line.get_gid() == "down"]
        assert len(crosses) == down


def test_a_load_map_answers_in_its_title_and_has_the_colours_of_its_loads(results):
    axes = results.plot.load_map(width="column")
    data = figure["load_map"]().data(results)
    title = " ".join(axes[0].figure.get_suptitle().split())
    network = data.map_data.network
    arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
    for ax, (strategy, used) in zip(axes, data.utilisation.items(), strict=True):
        arc = int(arcs[np.nan_to_num(used[arcs]).argmax()])
        words = f"{network.links[arc // 2]} {percent(used[arc])}"
        assert ax.get_title(loc="left") == strategy and ax.get_title(loc="right").endswith(words)
        drawn = {line.get_color() for line in ax.get_lines() if line.get_linestyle() == "-"}
        links = links_of_bundles(network)
        bundles = data.view.bundles(data.map_data)
        of_line = [np.r_[links[b[:3]]] for b in bundles]
        wanted = [np.fmax(used[2 * own], used[2 * own + 1]).max() for own in of_line]
        up = [float(value) for value in wanted if not np.isnan(value)]
        assert drawn == {load_colour(value, data.run.target) for value in up}
    first = next(iter(data.utilisation))
    assert f"{first} {percent(np.nan_to_num(data.utilisation[first][arcs]).max())}" in title


def test_colours_of_load_get_darker():
    lightness = [np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) for colour in LEVELS]
    assert (np.diff(lightness) < -0.1).all()


def test_a_load_map_at_home_and_outside_the_run(results):
    data = figure["load_map"](view="home").data(results)
    assert {b.link_class for b in data.view.bundles(data.map_data)} <= {"core", "gateway"}
    with pytest.raises(sim.SimulatorError, match="did you mean 'home'"):
        figure["load_map"](view="hom").data(results)
    with pytest.raises(sim.SimulatorError, match="31 h after the start is outside the run"):
        figure["load_map"](at_h=31).data(results)


def test_plot_takes_a_moment(results, tmp_path):
    words = ["plot", str(results.folder), "--out", str(tmp_path / "one"), "--at"]
    named = ["--figure", "load_map"]
    assert CliRunner().invoke(main, [*words, "21", *named]).exit_code == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["load_map.png"]
    done = CliRunner().invoke(main, [*words, "21"])
    assert done.exit_code == 2 and "goes with --figure" in done.output
    done = CliRunner().invoke(main, [*words, "21", "--figure", "exit_peaks"])
    assert done.exit_code == 2 and "known: recovery, load_map" in done.output
