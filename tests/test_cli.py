"""The command line: what it prints, what it writes, how it ends."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import MINI

from simulator.base import text as show
from simulator.cli import main as cli
from simulator.cli import running, verbs
from simulator.cli.verbs.list import NOUNS
from simulator.scenario.load import load
from simulator.scenario.settings import Settings

pytestmark = pytest.mark.usefixtures("no_headroom")

ROOT = Path(__file__).parent.parent
WITH_US = {**os.environ, "PYTHONPATH": str(ROOT)}
LONG = ("--set", "horizon_h=20000", "--quiet")
"""Makes `mini` run for minutes."""
CONTRACT = {
    "links": "replication strategy time_s link source target class capacity_gbps offered_gbps"
    " carried_gbps utilisation utilisation_peak queueing_ms",
    "exits": "replication strategy time_s exit direction capacity_gbps offered_gbps carried_gbps"
    " utilisation utilisation_peak queueing_ms",
    "demands": "replication strategy time_s class region offered_gbps carried_gbps latency_ms"
    " propagation_ms queueing_ms",
    "control": "replication strategy time_s layer trigger status mlu mlu_bound objective_gbps_ms"
    " bound_gbps_ms gap paths rounds moves moved_gbps entries transient_mlu prediction_error"
    " groups toggles promise asked_elsewhere_gbps not_carried_gbps carried_latency_ms"
    " carried_utilisation",
    "headroom": "replication strategy factor factor_high binds at_h link link_factor",
    "events": "replication strategy time_s event",
}
SMALL = """\
topology: china169-mini
horizon_h: 1
step_s: 900
strategies:
  static: {scheme: nearest_exit}
  sdn: {scheme: min_latency, control: {every_s: 900}}
"""


def shell(*words, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "simulator", *map(str, words)],
        cwd=cwd,
        **{"capture_output": True, "text": True, "env": WITH_US, "check": False, **options},
    )


def call(*words):
    return CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_figures(monkeypatch):
    def draw(folder):
        (folder / "figures").mkdir()
        (folder / "figures" / "hottest_exit.png").touch()

    monkeypatch.setattr(running, "draw", draw)


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The results of `simulator run mini`, a short day with an event for the table of events."""
    place = tmp_path_factory.mktemp("mini")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        events = "events=[{at_h: 2, cable: TPE, until_h: 3}]"
        done = call("run", MINI, "--set", events, "--set", "horizon_h=6")
    assert done.exit_code == 0, done.stderr
    return done, place / "results" / "mini"


# -- help ---------------------------------------------------------------------------------------


def test_help_needs_nothing_heavy():
    heavy = "numpy pandas pydantic matplotlib highspy scipy networkx simpy rich yaml pyarrow"
    code = (
        "import sys, simulator.cli.main as cli; [v.get_short_help_str() for v in"
        f" cli.main.commands.values()]; print(*set(sys.modules) & set({heavy.split()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=WITH_US, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], *([verb, "--help"] for verb in cli.main.commands)]
)
def test_every_verb_has_help_in_plain_letters(words):
    done = call(*words)
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: simulator")
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 100


NEW_VERB = """\
import click

@click.command()
@click.argument("name")
def verb(name):
    \"\"\"Greet a name.\"\"\"
    click.echo(f"hello {name}")
"""


def test_a_verb_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "greet.py").write_text(NEW_VERB, encoding="utf-8")
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path)])
    assert re.search(r"^  greet +Greet a name\.$", call("--help").stdout, re.MULTILINE)
    assert call("greet", "--help").stdout.startswith("Usage: simulator greet [OPTIONS] NAME\n")
    assert call("greet", "operator").stdout == "hello operator\n"
    assert "Did you mean 'greet'?" in call("greeet").stderr
    del sys.modules["simulator.cli.verbs.greet"]


@pytest.mark.parametrize("file", sorted(Path(verbs.__file__).parent.glob("*.py")), ids=str)
def test_a_verb_imports_late(file):
    """Only the standard library, click and the light helpers stand at the top of a verb."""
    import ast

    light = {"simulator.cli.options", "simulator.cli.output"}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            top = name.partition(".")[0]
            assert top == "click" or top in sys.stdlib_module_names or name in light, name


def test_version():
    from simulator import __version__

    assert call("--version").stdout == f"simulator, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", MINI, "--replication", "3"], "--replications"),
        (["list", "scheems"], "'schemes'"),
        (["run", MINI, "--seed", "-1"], "--seed"),
        (["run", MINI, "--set", "seed"], "expected KEY=VALUE, found 'seed'"),
        (["whatif", MINI, "--change", "more"], "KEY=VALUE"),
        (["whatif", MINI, "--change", "a: seed=1", "--change", "a: seed=2"], "two changes"),
        (["run"], "SCENARIO"),
        (["check"], "FILE"),
    ],
)
def test_a_wrong_word_is_met_with_a_right_one(words, hint):
    done = call(*words)
    assert done.exit_code == 2
    assert hint in done.stderr
    assert done.stdout == ""


# -- run ----------------------------------------------------------------------------------------


def test_run_prints_the_comparison(mini):
    done, folder = mini
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "A day on the small network"
    assert lines[1].startswith("On china169-mini, sdn holds the hottest exit (95th percentile) at ")
    assert max(map(show.columns, lines)) <= show.WIDTH
    for word in ("static", "sdn - static", "exit utilisation, peak", "±", "Inputs, worst first"):
        assert word in done.stdout
    assert re.fullmatch(r"Results in results/mini/, \d figures in results/mini/figures/", lines[-1])
    assert not list(folder.parent.glob(".*"))


def test_the_folder_keeps_the_contract(mini):
    _, folder = mini
    assert {file.name for file in folder.iterdir()} == {
        *(f"{table}.parquet" for table in (*CONTRACT, "recovery", "around_events")),
        *("run.json", "summary.csv", "summary.json", "differences.csv", "replications.csv"),
        *("inputs", "figures", "manifest.json"),
    }
    for table, columns in CONTRACT.items():
        assert pq.read_schema(folder / f"{table}.parquet").names == columns.split(), table
    figures = "strategy,metric,scope,unit,mean,ci_low,ci_high,replications"
    for file, header in (
        ("summary.csv", figures),
        ("differences.csv", figures),
        ("replications.csv", "replication,strategy,metric,scope,unit,value"),
    ):
        assert (folder / file).read_text(encoding="utf-8").splitlines()[0] == header
    rows = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with (folder / "summary.csv").open(encoding="utf-8") as file:
        assert len(rows) == sum(1 for _ in csv.reader(file)) - 1
    assert list(rows[0]) == figures.split(",")
    assert all(file.stat().st_size > 1000 for file in (folder / "figures").glob("*.png"))
    story = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert story["status"] == "complete"
    assert story["scenario"]["seed"] == 7


def test_the_folder_runs_again_to_the_same_bytes_with_any_workers(mini, here, no_figures):
    _, folder = mini
    scenario = folder / "inputs" / "scenario.yaml"
    done = call("run", scenario, "--out", "again", "--quiet", "--workers", 2)
    assert (done.exit_code, done.output) == (0, "")
    files = [f"{table}.parquet" for table in CONTRACT]
    for file in (*files, "summary.csv", "summary.json", "differences.csv", "replications.csv"):
        assert (here / "again" / file).read_bytes() == (folder / file).read_bytes(), file


@pytest.mark.parametrize("which", ["none", "main", "all"])
def test_figures_are_those_that_were_asked_for(here, which):
    from simulator.figures.figure import figures_of
    from simulator.results.results import Results

    (here / "small.yaml").write_text(SMALL)
    done = call("run", "small.yaml", "--figures", which)
    assert done.exit_code == 0, done.stderr
    results = Results(here / "results" / "small")
    drawn = {file.stem for file in (results.folder / "figures").glob("*.png")}
    standard = {name for name, each in figures_of("results").items() if each.standard}
    if which == "none":
        assert not drawn and done.stdout.endswith("Results in results/small/\n")
    elif which == "main":
        assert drawn and drawn <= standard
    else:
        assert drawn > standard & drawn and drawn - standard


def test_json_is_all_there_is_on_standard_output(here, no_figures, capfd):
    tmp_path = here
    words = ("--replications", 2, "--seed", 3, "--set", "horizon_h=2")
    done = call("run", MINI, "--json", *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert capfd.readouterr() == ("", "")  # what a library would print past Python
    told = json.loads(done.stdout)
    assert told["sentence"].startswith("On china169-mini, sdn ")
    assert set(told["tables"]) == {"comparison"}
    assert (told["seed"], told["replications"], told["strategies"]) == (3, 2, ["static", "sdn"])
    assert Path(tmp_path / told["folder"]) == tmp_path / "results" / "mini"
    summary = pd.read_csv(tmp_path / "results" / "mini" / "summary.csv")
    means = [np.nan if row["mean"] is None else row["mean"] for row in told["summary"]]
    assert means == pytest.approx(summary["mean"].tolist(), rel=1e-12, nan_ok=True)
    assert {row["strategy"] for row in told["differences"]} == {"sdn"}
    assert all((tmp_path / figure).is_file() for figure in told["figures"])


def test_json_keeps_errors_apart(here):
    done = call("run", "nowhere", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "built in are" in done.stderr


def test_set_changes_settings_links_and_demands_together(here, no_figures):
    sets = {
        "horizon_h": "0.2",  # shorter than the step of the file, so only right together
        "step_s": "60",
        "links.beijing-la.capacity_gbps": "+400",
        "links.beijing-tokyo.capacity_gbps": "-1",
        "demands.international": "x1.5",
        "replications": "1",
    }
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    done = call("run", MINI, *words)
    assert done.exit_code == 0, done.stderr
    story = json.loads((here / "results" / "mini" / "run.json").read_text(encoding="utf-8"))
    before = load(MINI)
    assert (story["scenario"]["horizon_h"], story["scenario"]["step_s"]) == (0.2, 60)
    assert story["network"]["exits_gbps"] == pytest.approx(before.network.exits_gbps + 399)
    for name in ("international_in", "international_out"):
        assert story["demands_gbps"][name] == pytest.approx(1.5 * before.demands.total_gbps(name))
    assert "changed: horizon_h = 0.2" in done.stdout


def test_every_wrong_set_is_told(here):
    done = call("run", MINI, "--set", "seeed=1", "--set", "links.beijing-l.metric=2")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "--set: seeed: unknown key; did you mean 'seed'?\n"
        "--set: links.beijing-l.metric: no link named 'beijing-l'; did you mean 'beijing-la'?\n"
    )
    assert not list(here.iterdir())


def test_a_change_of_topology_brings_its_network():
    before = load(MINI)
    after = before.with_changes({"links.bj-la.capacity_gbps": "+400", "topology": "china169-2017"})
    plain = load("china169-2017").network
    assert after.network.name == "china169-2017"
    assert after.network.exits_gbps == pytest.approx(plain.exits_gbps + 400)
    assert len(after.demands) > len(before.demands)


def test_a_change_of_matrix_brings_its_demands():
    matrix = {"kind": "gravity", "international_in_gbps": 5.0}
    after = load(MINI).with_changes({"traffic.matrix": matrix, "demands.all": "x2"})
    assert after.demands.gbps.sum() == pytest.approx(10.0)
    shaped = load(MINI).with_changes({"demands.all": "x2"})
    shaped = shaped.with_changes({"traffic.shapes[0].trough": 0.5})
    assert shaped.demands.gbps.sum() == pytest.approx(2 * load(MINI).demands.gbps.sum())


def test_strategies_are_chosen_and_put_in_order(here, no_figures):
    short = ("--set", "horizon_h=1", "--replications", "1")
    assert call("run", MINI, *short, "--out", "all").exit_code == 0
    assert call("run", MINI, *short, "--out", "two", "--strategies", "sdn,static").exit_code == 0
    done = call("run", MINI, *short, "--out", "one", "--strategies", "sdn")
    assert "sdn - " not in done.stdout
    figures = {
        name: pd.read_csv(here / name / "summary.csv").set_index(["strategy", "metric", "scope"])
        for name in ("all", "two", "one")
    }
    assert list(dict.fromkeys(figures["two"].index.get_level_values(0))) == ["sdn", "static"]
    for name in ("two", "one"):  # what is left keeps its static rules, so its figures as well
        same = figures["all"]["mean"].reindex(figures[name].index)
        pd.testing.assert_series_equal(figures[name]["mean"], same)
    done = call("run", MINI, "--strategies", "sdm")
    assert done.exit_code == 2
    assert "no strategy named 'sdm'; did you mean 'sdn'?" in done.stderr


def test_strategies_left_out_take_their_events_along(here, no_figures):
    Path("a.yaml").write_text(SMALL + "events: [{at_h: 0.5, controller: sdn}]\n", encoding="utf-8")
    assert call("run", "a.yaml", "--strategies", "static").exit_code == 0
    assert not (here / "results" / "a" / "events.parquet").exists()


def test_quiet_says_nothing(here, no_figures):
    done = call("run", MINI, "--set", "horizon_h=1", "--quiet")
    assert (done.exit_code, done.output) == (0, "")


# -- where results may go -----------------------------------------------------------------------


def test_results_are_not_overwritten_unless_told(here, no_figures):
    Path("a.yaml").write_text(SMALL, encoding="utf-8")
    assert call("run", "a.yaml").exit_code == 0
    before = (here / "results" / "a" / "run.json").read_bytes()
    done = call("run", "a.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.fullmatch(
        r"simulator: .*results/a exists already; --force replaces it.*\n", done.stderr
    )
    assert (here / "results" / "a" / "run.json").read_bytes() == before
    assert call("run", "a.yaml", "--force", "--seed", 5).exit_code == 0
    assert (here / "results" / "a" / "run.json").read_bytes() != before
    assert [file.name for file in (here / "results").iterdir()] == ["a"]


@pytest.mark.parametrize("verb", ["run", "whatif"])
def test_a_folder_of_something_else_is_never_replaced(here, no_figures, verb):
    precious = here / "thesis"
    precious.mkdir()
    (precious / "chapter.txt").write_text("years", encoding="utf-8")
    done = call(verb, "mini", "--out", precious, "--force")
    assert done.exit_code == 1
    assert done.stderr.endswith("thesis is not a results folder; it is left alone\n")
    assert [file.name for file in precious.iterdir()] == ["chapter.txt"]
    assert [file.name for file in here.iterdir()] == ["thesis"]


def test_an_empty_folder_may_be_used(here, no_figures):
    Path("a.yaml").write_text(SMALL, encoding="utf-8")
    (here / "empty").mkdir()
    assert call("run", "a.yaml", "--out", "empty").exit_code == 0
    assert (here / "empty" / "run.json").is_file()


def test_a_place_that_cannot_be_written_is_told_in_a_line(here, no_figures):
    Path("a.yaml").write_text(SMALL, encoding="utf-8")
    Path("file").write_text("", encoding="utf-8")
    done = call("run", "a.yaml", "--out", "file/below")
    assert done.exit_code == 1
    assert done.stderr.startswith("simulator: ")
    assert done.stderr.count("\n") == 1


def test_a_full_disk_is_told_in_a_line_and_leaves_nothing(here, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device", str(folder / "figures"))

    Path("a.yaml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setattr(running, "draw", full)
    done = call("run", "a.yaml")
    assert done.exit_code == 1
    assert done.stderr.endswith(
        "results/a cannot be written: the disk is full; make room there, or write elsewhere with"
        " --out DIR\n"
    )
    assert done.stderr.count("\n") == 1 and "unfinished" not in done.stderr
    assert not list((here / "results").iterdir())


# -- ends that come too soon --------------------------------------------------------------------


def started(place, *words):
    """Start a long run in a process group of its own and wait until its folder is in the making."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "run", MINI, *LONG, "--out", "out", *words],
        cwd=place,
        env=WITH_US,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: list(place.glob(".out.unfinished-*")))
    return process


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
@pytest.mark.parametrize(("workers", "after_s"), [(1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0), (2, 4.0)])
def test_ctrl_c_leaves_nothing(tmp_path, workers, after_s):
    process = started(tmp_path, "--workers", str(workers))
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to workers as well
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "simulator: interrupted; nothing was written\n"
    assert not list(tmp_path.iterdir())
    until(lambda: gone(process.pid))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_leaves_nothing(tmp_path, workers):
    process = started(tmp_path, "--workers", str(workers))
    time.sleep(1)
    process.terminate()
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    assert not list(tmp_path.iterdir())
    until(lambda: gone(process.pid))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_kill_the_next_run_cleans_up(here, no_figures, workers):
    tmp_path = here
    process = started(tmp_path, "--workers", str(workers))
    time.sleep(1 if workers == 1 else 4)  # both at work: in this process, in the others
    process.kill()
    process.communicate(timeout=60)
    until(lambda: gone(process.pid))  # workers follow
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".out.unfinished-")
    Path("a.yaml").write_text(SMALL, encoding="utf-8")
    done = call("run", "a.yaml", "--out", "out", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert {file.name for file in tmp_path.iterdir()} == {"a.yaml", "out"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds workers in /proc")
def test_a_killed_worker_is_told_and_ends_the_run(tmp_path):
    process = started(tmp_path, "--workers", "2")
    until(lambda: workers_of(process.pid))
    time.sleep(1)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("simulator: a worker process was killed")
    assert not list(tmp_path.iterdir())


def workers_of(parent):
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [int(pid) for pid, command in commands.items() if b"spawn_main" in command]


# -- awkward terminals --------------------------------------------------------------------------


LEAVE_EARLY = """\
import gc, os, sys
import simulator.cli.check, simulator.cli.main, simulator.routing.scheme
simulator.routing.scheme.scheme.discover()
gc.freeze()  # nobody copies a page to find garbage on the way out
for words in sys.argv[1:]:
    reader, writer = os.pipe()
    os.close(reader)
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        simulator.cli.main.main(words.split())
    os.close(writer)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_reader_that_leaves_early_is_no_failure(tmp_path):
    words = ["list schemes", "check mini", "--help", "run --help", "schema scenario"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore:This process", "-c", LEAVE_EARLY, *words],
        **{"cwd": tmp_path, "env": WITH_US, "capture_output": True, "text": True, "check": False},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_terminal_without_unicode(here, no_figures):
    tmp_path, path = here, here / "名.yaml"
    path.write_text("title: 北京 → LA\nreplications: 2\n" + SMALL, encoding="utf-8")
    plain = {**WITH_US, "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    done = CliRunner(charset="ascii").invoke(cli.main, ["run", "名.yaml"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "+/-" in done.stdout
    path.write_text(SMALL + "北京: 1\n", encoding="utf-8")
    done = shell("run", "名.yaml", cwd=tmp_path, env=plain)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"\S+:\d+:\d+: \S+: unknown key.*\n", done.stderr)
    assert {file.name for file in tmp_path.iterdir()} == {"名.yaml", "results"}


@pytest.mark.skipif(shutil.which("script") is None, reason="needs script(1)")
def test_a_terminal_sees_a_bar_on_standard_error_only(tmp_path):
    run = "import simulator.cli.running as r, simulator.cli.main as m; r.draw = bool; m.main()"
    command = f'{sys.executable} -c "{run}" run mini --set horizon_h=2 --replications 1 > out.txt'
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=tmp_path,
        env={**WITH_US, "TERM": "xterm"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "%" in done.stdout
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert text.startswith("A day on the small network\n")
    assert "\x1b" not in text


HOSTILE = [
    "<script>alert(1)<script>",
    "策略 🚀",
    "x" * 200,
    "NA",
    "1",
    "$\\frac{1$ {0} %s [red]",
    "a, b: c",
]


def test_hostile_names_do_no_harm(here, monkeypatch):
    strategies = {name: {"scheme": "nearest_exit"} for name in HOSTILE}
    text = (
        SMALL.partition("strategies")[0]
        + f"strategies: {json.dumps(strategies, ensure_ascii=False)}\n"
    )
    text += 'title: "<b>bold</b> \\e[31mred\\nline"\nreplications: 2\n'
    file = "<img src=x> [ab]* 中文 " + "y" * 180
    Path(f"{file}.yaml").write_text(text, encoding="utf-8")
    done = call("run", f"{file}.yaml")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    folder = here / "results" / file
    assert done.stdout.startswith("<b>bold</b> [31mred line\n")
    assert "\x1b" not in done.stdout
    assert max(map(show.columns, done.stdout.splitlines()[:-1])) <= show.WIDTH
    summary = pd.read_csv(folder / "summary.csv", keep_default_na=False, dtype=str)
    assert list(dict.fromkeys(summary["strategy"])) == HOSTILE
    from simulator.results.results import Results
    from simulator.study.compare import compare

    results = Results(folder)
    assert list(dict.fromkeys(results.summary["strategy"])) == HOSTILE
    page = compare(results)._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    monkeypatch.setattr(running, "draw", lambda folder: None)
    assert call("run", f"{file}.yaml", "--force", "--quiet").exit_code == 0
    assert [each.name for each in (here / "results").iterdir()] == [file]


@pytest.mark.parametrize("name", ["...yaml", "....yaml"])
def test_a_file_of_dots_does_not_aim_elsewhere(here, no_figures, name):
    Path(name).write_text(SMALL, encoding="utf-8")
    assert call("run", name).exit_code == 0
    assert (here / "results" / "scenario" / "run.json").is_file()


# -- the smaller verbs --------------------------------------------------------------------------


def test_check_counts_what_is_fine():
    done = call("check", MINI, "china169-mini", ROOT / "scenarios" / "tpe-cut.yaml")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert "mini.yaml: fine: 2 strategies, 0 events, 1 what-if change" in lines[0]
    assert "china169-mini.yaml: fine: 10 nodes, " in lines[1]
    assert call("check", MINI, "--quiet").stdout == ""


def test_every_built_in_file_is_fine():
    files = [*(ROOT / "scenarios").glob("*.yaml"), *(ROOT / "topologies").glob("*.yaml")]
    done = call("check", *files)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.count(": fine: ") == len(files)


def test_check_goes_on_after_an_error(here):
    done = call("check", "nowhere", "mini", "--json")
    assert done.exit_code == 2
    (problem,) = json.loads(done.stdout)
    assert problem["file"] == "nowhere"
    assert "no such file, and no built-in" in problem["message"]
    done = call("check", "nowhere", "mini")
    assert done.stdout.count("\n") == 2


def test_check_reads_the_demands_that_a_topology_names(here):
    for file in ("china169-mini.yaml", "china169-mini-base.csv"):
        shutil.copy(ROOT / "topologies" / file, file)
    Path("china169-mini-base.csv").write_text(
        "source,target,gbps\nbeijing,nowhere,1\n", encoding="utf-8"
    )
    done = call("check", "china169-mini.yaml")
    assert done.exit_code == 2
    assert "china169-mini-base.csv:2:" in done.stdout


def test_check_takes_a_folder_of_tables(here):
    Path("net").mkdir()
    Path("net/nodes.csv").write_text("id\na\nb\n", encoding="utf-8")
    Path("net/links.csv").write_text(
        "id,a,b,capacity_gbps,delay_ms\nl,a,b,10,1\n", encoding="utf-8"
    )
    done = call("check", "net")
    assert (done.exit_code, done.stdout) == (0, "net: fine: 2 nodes, 1 link, 0 exits\n")


@pytest.mark.parametrize("what", list(NOUNS))
def test_list_is_one_line_each(what):
    lines = call("list", what).stdout.splitlines()
    rows = json.loads(call("list", what, "--json").stdout)
    assert len(lines) == len(rows) > 0
    assert all(line.startswith(row["name"]) for line, row in zip(lines, rows, strict=True))
    assert all(row["description"] for row in rows)


def test_schema_accepts_what_the_simulator_accepts():
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    for what, folder in (("scenario", "scenarios"), ("topology", "topologies")):
        schema = json.loads(call("schema", what).stdout)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert f"# yaml-language-server: $schema={what}.schema.json" in schema["description"]
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for file in (ROOT / folder).glob("*.yaml"):
            validator.validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert list(validator.iter_errors({"nonsense": 1}))


def test_schema_knows_every_key():
    schema = json.loads(call("schema", "scenario").stdout)
    assert set(schema["properties"]) == set(Settings.__dataclass_fields__)
    assert "nearest_exit" in json.dumps(schema)


def test_plot_draws_into_the_folder_or_elsewhere(mini, here):
    _, folder = mini
    done = call("plot", folder, "--format", "svg", "--format", "png", "--out", "pictures")
    assert done.exit_code == 0
    assert [Path(line).suffix for line in done.stdout.split()][:2] == [".svg", ".png"]
    assert all(Path(line).is_file() for line in done.stdout.split())
    done = call("plot", here)
    assert done.exit_code == 1
    assert "is not a results folder: it has no run.json" in done.stderr
    assert "No such file or directory" not in done.stderr
    assert "is not there" in call("plot", here / "nowhere").stderr


def test_whatif_draws_all_changes_and_plot_says_where_runs_are(here):
    words = ("mini", "--replications", "1", "--set", "horizon_h=1", "--strategies", "igp")
    done = call("whatif", *words, "--change", "traffic.elastic_share=0.5", "--out", "w")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("the picture in changes.png\n")
    assert (here / "w" / "changes.png").stat().st_size > 10_000
    assert "changes.png" in (here / "w" / "manifest.json").read_text()
    assert "those of runs are in it: baseline, traffic" in call("plot", "w").stderr
