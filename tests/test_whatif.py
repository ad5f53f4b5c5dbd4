"""What if: baseline and changes under the same traffic, and what is written."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI

from simulator.base import text as show
from simulator.base.errors import InputError, SimulatorError
from simulator.cli import main as cli
from simulator.cli import running
from simulator.figures.changes import Changed
from simulator.figures.plotter import Plotter
from simulator.results.results import Results
from simulator.scenario.load import load
from simulator.scenario.pairing import SHARED
from simulator.study.whatif import what_if

pytestmark = pytest.mark.usefixtures("no_headroom")

LOCAL = {
    "more": {"links.beijing-la.capacity_gbps": "+1000"},
    "grown": {"demands.international": "x1.2"},
}
COLUMNS = [
    *("strategy", "metric", "scope", "unit", "baseline", "change"),
    *("value", "difference", "ci_low", "ci_high", "range_low", "range_high", "replications"),
]


@pytest.fixture(scope="module")
def scenario():
    return load(MINI, [("horizon_h", "2"), ("replications", "3")])


@pytest.fixture(scope="module")
def answer(scenario):
    return what_if(scenario, LOCAL)


def figure(answer, change, metric, scope="all", strategy="static"):
    frame = answer.frame.set_index(["change", "strategy", "metric", "scope"])
    return frame.loc[(change, strategy, metric, scope)]


def test_the_frame_has_a_row_for_every_figure_and_change(answer):
    assert list(answer.frame.columns) == COLUMNS
    assert list(dict.fromkeys(answer.frame["change"])) == ["more", "grown"]
    assert len(answer.frame) == 2 * len(answer.results["baseline"].summary)
    assert (answer.frame["replications"] == 3).all()


def test_growth_is_seen_and_its_interval_is_that_of_pairs(answer):
    offered = figure(answer, "grown", "offered_gbit", "international_in")
    assert offered["value"] == pytest.approx(1.2 * offered["baseline"], rel=1e-9)
    per_run = answer.results["baseline"].figures.set_index(["strategy", "metric", "scope"])
    mine = per_run.loc[("static", "offered_gbit", "international_in"), "value"].to_numpy()
    half = 4.302652729911275 * np.std(0.2 * mine, ddof=1) / math.sqrt(3)
    assert offered["ci_high"] - offered["difference"] == pytest.approx(half, rel=1e-6)


def test_what_a_change_leaves_alone_stays_exactly_the_same(answer):
    row = figure(answer, "more", "offered_gbit", "domestic")
    assert row["difference"] == row["ci_low"] == row["ci_high"] == 0.0
    assert figure(answer, "more", "latency_ms_mean", "domestic")["difference"] == 0.0


def test_values_are_those_of_the_runs(answer):
    for name, results in answer.results.items():
        if name != "baseline":
            row = figure(answer, name, "exit_utilisation_peak", strategy="sdn")
            assert row["value"] == results.figure("sdn", "exit_utilisation_peak")
            assert row["baseline"] == answer.results["baseline"].figure(
                "sdn", "exit_utilisation_peak"
            )


def test_it_prints_within_a_hundred_columns(answer):
    text = str(answer)
    assert max(map(show.columns, text.splitlines())) <= 100
    assert text.startswith("What if: A day on the small network\nOn china169-mini, of 2 changes ")
    assert "grown: demands.international = x1.2" in text
    assert text.count("\nStrategy ") == 2
    for heading in ("baseline", "more", "grown", "difference"):
        assert heading in text


@pytest.mark.parametrize("columns", [40, 64, 80, 100, 132, 200])
def test_a_difference_stands_beside_its_change_at_every_width(answer, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = str(answer)
    assert max(map(show.columns, text.splitlines())) <= columns
    heads = [line for line in text.splitlines() if "baseline  " in line and "difference" in line]
    assert all(line.split()[0] == "baseline" for line in heads)
    assert all(line.split()[2::2] == ["difference"] * len(line.split()[2::2]) for line in heads)
    assert heads or columns == 40


def test_every_exit_is_shown_on_request_most_changed_first(scenario):
    scenario = scenario.with_changes({"replications": 1})
    answer = what_if(scenario, {"more": {"links.beijing-la.capacity_gbps": "+1000"}}, exits=True)
    captions = [section.caption for section in answer.sections]
    assert captions == ["Strategy static", "Exits of static", "Strategy sdn", "Exits of sdn"]
    rows = answer.sections[1].rows
    assert len(rows) == 9 * 2 * 3
    assert [row.label for row in rows[:3]] == ["beijing-la in, peak", "  p95", "  mean"]
    value = figure(answer, "more", "exit_utilisation_peak", "exit:beijing-la:in")["difference"]
    assert rows[0].cells[2].value == f"{100 * value:+.1f} pp"


def test_a_notebook_gets_escaped_text(scenario):
    answer = what_if(scenario.with_changes({"replications": 1}), {"<b>": {"demands.all": "x2"}})
    page = answer._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_changes_may_come_from_the_scenario_or_be_just_one(scenario):
    scenario = scenario.with_changes({"replications": 1})
    own = what_if(scenario)
    assert list(own.results) == ["baseline", "Frankfurt +10G"]
    one = what_if(scenario, {"demands.international": "x2"})
    assert list(one.results) == ["baseline", "demands.international = x2"]


def test_no_change_is_refused(scenario):
    with pytest.raises(InputError, match="nothing to change"):
        what_if(scenario.with_changes({"what_if": []}))
    with pytest.raises(InputError, match="as it stands"):
        what_if(scenario, {"baseline": {"demands.all": "x2"}})


def test_every_wrong_change_is_told_before_anything_runs(scenario, tmp_path):
    wrong = {"a": {"seeed": 1}, "b": {"links.nowhere.metric": 2}, "c": {"demands.all": "x2"}}
    with pytest.raises(InputError) as stopped:
        what_if(scenario, wrong, out=tmp_path / "out")
    assert str(stopped.value).splitlines() == [
        "change 'a': seeed: unknown key; did you mean 'seed'?",
        "change 'b': links.nowhere.metric: no link named 'nowhere'",
    ]
    assert not list(tmp_path.iterdir())


def test_strategies_that_a_change_drops_are_left_out_of_its_rows(scenario):
    only = {"static": {"scheme": "nearest_exit"}}
    answer = what_if(scenario, {"less": {"strategies": only}})
    assert set(answer.frame["strategy"]) == {"static"}
    assert (answer.frame["replications"] == 3).all()
    row = figure(answer, "less", "exit_utilisation_peak")
    assert row["difference"] == 0.0
    assert "–" in str(answer)  # nothing to say of sdn


@pytest.mark.parametrize("key", list(SHARED))
def test_what_all_columns_share_is_refused_in_a_change(scenario, key):
    value = {"start": "2017-01-01", "end": "2017-01-02"}.get(key, 2)
    with pytest.raises(InputError) as stopped:
        what_if(scenario, {"a": {"demands.all": "x2", key: value}})
    message = str(stopped.value).splitlines()[0]
    assert message.startswith(f"change 'a': {key}: ")
    assert "differences from the baseline would not be paired" in message
    assert f"--set {key}={value}" in message


def test_a_warning_that_a_change_adds_is_passed_on_before_anything_runs(scenario):
    found = []

    def stop(problem):
        found.append(str(problem))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        what_if(scenario, {"full": {"targets.exit_utilisation": 80}}, warn=stop)
    (warning,) = found
    assert warning.startswith("change 'full': targets.exit_utilisation: warning: 80 is 8,000 %")


def test_the_sentence_is_about_the_best_change_of_each_strategy(answer):
    first, second = answer.sentence.split("; ")
    peak = "exit_utilisation_peak"
    for clause, strategy in ((first, "static"), (second, "sdn")):
        row = figure(answer, "more", peak, strategy=strategy)
        assert f"of 2 changes ranked by traffic lost, more is first for {strategy}: " in clause
        assert f"{strategy} with more " in clause
        for value in (row["baseline"], row["value"]):
            assert f"{100 * value:.1f} %" in clause
    assert answer.sentence.endswith(".")


def test_an_answer_draws_the_hottest_exit_of_every_run(answer):
    assert list(answer.figures) == [
        "changes",
        *(f"{name}: hottest_exit" for name in answer.results),
    ]
    axes = answer.figures["grown: hottest_exit"]()
    assert axes.figure.axes


@pytest.mark.parametrize("width", ["column", "page", "slide"])
def test_a_picture_of_all_changes_has_the_baseline_as_lines(answer, width):
    subject = Changed(*answer.figures["changes"].args[0])
    panels = Plotter(subject, "what_if").changes(width=width)
    figure_ = panels[0].figure
    assert figure_.get_suptitle().replace("\n", " ").startswith("Of 2 changes ranked by")
    at = answer.frame.set_index(["metric", "scope", "strategy", "change"])
    for ax, (metric, scope, _, is_share) in zip(panels, subject.lines, strict=True):
        scale = 100 if is_share else 1
        bars = sorted(ax.patches, key=lambda bar: bar.get_y())
        expected = [
            scale * at.loc[(metric, scope, strategy, change), "value"]
            for strategy in ("static", "sdn")
            for change in ("more", "grown")
        ]
        assert [bar.get_width() for bar in bars] == pytest.approx(expected)
        assert ax.get_xlim()[1] > 1.2 * max(expected)
    figure_.clear()


def test_a_change_that_drops_a_strategy_is_not_compared_with_it(scenario):
    only = {"static": {"scheme": "nearest_exit"}}
    answer = what_if(scenario.with_changes({"replications": 1}), {"less": {"strategies": only}})
    assert answer.sentence.startswith("On china169-mini, in one replication, static with less and")
    assert answer.sentence.endswith("; no change keeps sdn.")


# -- folders ------------------------------------------------------------------------------------


def test_the_folder_holds_every_run(scenario, tmp_path):
    shares: list[float] = []
    names = {
        "LA +20G": {"demands.all": "x2"},
        "la 20g": {"demands.all": "x3"},
        "baseline!": {"demands.all": "x4"},
        "中文/..": {"demands.all": "x5"},
    }
    answer = what_if(
        scenario.with_changes({"replications": 1}),
        names,
        out=tmp_path / "out",
        progress=shares.append,
    )
    folders = {name: each.folder for name, each in answer.results.items()}
    assert [folder.name for folder in folders.values()] == [
        *("baseline", "la-20g", "la-20g-2", "baseline-2", "中文"),
    ]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *(folder.name for folder in folders.values()),
        *("whatif.csv", "binding.csv", "whatif.json", "answer.json", "manifest.json"),
    }
    for folder in folders.values():
        assert Results(folder).run["status"] == "complete"
    told = json.loads((tmp_path / "out" / "whatif.json").read_text(encoding="utf-8"))
    assert told["folders"]["LA +20G"] == "la-20g"
    frame = pd.read_csv(tmp_path / "out" / "whatif.csv")
    assert list(frame.columns) == COLUMNS
    assert len(frame) == len(answer.frame)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_of_what_fails_halfway(scenario, tmp_path):
    scenario = scenario.with_changes({"replications": 1})

    def stop(folder):
        if folder.parent.joinpath("baseline").exists():
            raise OSError(28, "No space left on device")

    with pytest.raises(SimulatorError, match=r"/out cannot be written: the disk is full"):
        what_if(scenario, LOCAL, out=tmp_path / "out", finish=stop)
    assert not list(tmp_path.iterdir())


def test_only_results_of_its_own_kind_are_replaced(scenario, tmp_path):
    small, out = scenario.with_changes({"replications": 1}), tmp_path / "out"
    change = {"a": {"demands.all": "x2"}}
    what_if(small, change, out=out)
    with pytest.raises(SimulatorError, match="exists already"):
        what_if(small, change, out=out)
    what_if(small, {"b": {"demands.all": "x2"}}, out=out, force=True)
    assert {file.name for file in out.iterdir()} == {
        *("baseline", "b", "whatif.csv", "binding.csv", "whatif.json", "answer.json"),
        "manifest.json",
    }
    with pytest.raises(SimulatorError, match="not a results folder"):
        what_if(small, change, out=out / "baseline", force=True)


# -- on the command line ------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "draw", lambda folder: (folder / "figures").mkdir())
    return tmp_path


def call(*words):
    return CliRunner().invoke(cli.main, ["whatif", *map(str, words)])


def test_changes_on_the_command_line(here):
    Path("a.yaml").write_text(
        "topology: china169-mini\nhorizon_h: 1\nstrategies:\n"
        "  sdn: {scheme: min_latency, control: {every_s: 900}}\n",
        encoding="utf-8",
    )
    done = call(
        *("a.yaml", "--seed", 5, "--json"),
        *("--set", "links.beijing-la.capacity_gbps=+20", "--set", "step_s=600"),
        *("--change", "out only: strategies.sdn.control.steers=[international_out]"),
        *("--change", "demands.all=x2"),
    )
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"sentence", "tables"}
    assert "sdn with" in told["sentence"]
    assert set(told["tables"]) == {"differences", "binding"}
    rows = told["tables"]["differences"]
    assert list(rows[0]) == COLUMNS
    folder = here / "results" / "a-whatif"
    record = json.loads((folder / "whatif.json").read_text(encoding="utf-8"))
    assert Results(folder / "baseline").run["scenario"]["seed"] == 5
    assert record["changes"] == {
        "out only": {"strategies.sdn.control.steers": ["international_out"]},
        "demands.all=x2": {"demands.all": "x2"},
    }
    for name in ("baseline", "out-only", "demands-all-x2"):  # --set is for all columns
        run = Results(folder / name).run
        assert run["scenario"]["step_s"] == 600
        assert run["changes"]["links.beijing-la.capacity_gbps"] == "+20"
    assert {row["change"] for row in rows} == set(record["changes"])
    assert (folder / "out-only" / "figures").is_dir()


def test_a_wrong_change_on_the_command_line(here):
    done = call("mini", "--change", "a: links.beijing-l.capacity_gbps=+20")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "change 'a': links.beijing-l.capacity_gbps: no link named 'beijing-l';"
        " did you mean 'beijing-la'?\n"
    )
    assert not list(here.iterdir())


@pytest.mark.parametrize("key", ["seed=6", "replications=2", "horizon_h=3", "step_s=60"])
def test_a_change_that_breaks_the_pairing_is_refused(here, key):
    done = call("mini", "--change", f"a: demands.all=x2, {key}")
    assert (done.exit_code, done.stdout) == (2, "")
    (message,) = done.stderr.splitlines()
    assert message.startswith(f"change 'a': {key.split('=')[0]}: ")
    assert f"set it for all columns: --set {key}" in message
    assert not list(here.iterdir())


def test_changes_are_checked_for_what_is_strange_too(here):
    Path("a.yaml").write_text(
        "topology: china169-mini\nhorizon_h: 1\nstrategies: {static: {scheme: nearest_exit}}\n"
        "what_if: [{name: full, set: {targets.exit_utilisation: 80}}]\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(cli.main, ["check", "a.yaml"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == (
        "a.yaml:4:56: what_if[0].set.'targets.exit_utilisation': warning: 80 is 8,000 %;"
        " did you mean 0.8?"
    )
    done = call("a.yaml")
    assert done.exit_code == 0
    assert done.stderr.startswith("change 'full': targets.exit_utilisation: warning: 80 is 8,000 %")
    assert call("a.yaml", "--quiet", "--force").stderr == ""


def test_a_scenario_without_changes_asks_for_one(here):
    done = call("mini", "--set", "what_if=[]", "--replications", 1)
    assert done.exit_code == 0 or "nothing to change" in done.stderr
    Path("a.yaml").write_text(
        "topology: china169-mini\nstrategies: {static: {scheme: nearest_exit}}\n", encoding="utf-8"
    )
    done = call("a.yaml")
    assert done.exit_code == 2
    assert "nothing to change" in done.stderr
