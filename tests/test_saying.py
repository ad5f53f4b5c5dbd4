"""What the program says: help as written, text as wide as the terminal, names that there are."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator.base import text as show
from simulator.base.errors import InputError, SimulatorError, known_instead
from simulator.base.registry import Registry, import_modules
from simulator.cli.main import main
from simulator.cli.verbs.list import NOUNS

ROOT = Path(__file__).parent.parent


def commands(group, path=()):
    for name in group.commands:
        command = group.commands[name]
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


VERBS = dict(commands(main))
every_verb = pytest.mark.parametrize("path", VERBS, ids=" ".join)


# -- help -----------------------------------------------------------------------------------------


@every_verb
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_prints_examples_as_they_are_written(path, option, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(main, [*path, option], prog_name="simulator")
    assert done.exit_code == 0
    assert "\\b" not in done.stdout and "\b" not in done.stdout
    source = (VERBS[path].callback.__doc__ or "").splitlines()
    written = [line.strip() for line in source if line.startswith("      ")]
    printed = [line.strip() for line in done.stdout.splitlines()]
    assert [line for line in written if line not in printed] == []


def test_some_verbs_have_examples():
    docs = {path: command.callback.__doc__ or "" for path, command in VERBS.items()}
    assert {path for path, doc in docs.items() if "\\b\n" in doc} >= {("run",), ("whatif",)}


@pytest.mark.parametrize("group", [[], ["topology"]], ids=["simulator", "topology"])
def test_the_list_of_verbs_is_not_cut(group):
    listed = CliRunner().invoke(main, [*group, "-h"]).stdout.partition("Commands:")[2]
    assert listed and "..." not in listed


# -- text is as wide as the terminal --------------------------------------------------------------


def in_terminal(words, columns):
    """Return what a verb prints on a terminal of so many columns."""
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "simulator", *words]
    with subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=env) as running:
        os.close(child)
        read = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:  # Linux, when the other end is closed
                break
            if not part:
                break
            read += part
    os.close(parent)
    assert running.returncode == 0
    return read.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80, 130])
def test_text_on_a_terminal_fits_it(columns):
    lines = in_terminal(["topology", "show", "china169-mini"], columns).splitlines()
    widest = min(columns, show.WIDTH)  # prose is never wider than WIDTH
    assert widest - 10 < max(map(show.columns, lines)) <= columns


def test_the_width_of_a_table_is_that_of_the_terminal(monkeypatch):
    rows = [show.Row("exit", tuple(show.Cell("1.00") for _ in range(12)))]
    headings = [f"strategy {i}" for i in range(12)]
    pages = {}
    for columns in (40, 100, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = show.table(headings, rows).splitlines()
        assert max(map(show.columns, lines)) <= columns
        pages[columns] = lines.count("") + 1
    assert pages[40] > pages[100] > pages[200] == 1
    monkeypatch.delenv("COLUMNS")
    assert show.width() == show.WIDTH  # a pipe, as pytest is


@pytest.mark.parametrize(
    "names",
    [
        ["a controller that moves little", "a controller that moves much"],
        ["regional controller 2024 north", "regional controller 2025 north"],
        ["x" * 60 + "a" + "y" * 60, "x" * 60 + "b" + "y" * 60],
        ["control", "a controller that moves much"],
        ["策略" * 20 + "一" + "策略" * 20, "策略" * 20 + "二" + "策略" * 20],
    ],
)
def test_names_that_differ_are_shown_unlike(names):
    shown = show.shorts(names)
    assert len(set(shown)) == len(names)
    assert all(len(name) <= 24 or name in names or "…" in name for name in shown)


def test_names_that_are_alike_and_long_are_cut():
    assert show.shorts(["x" * 500, "x" * 500]) == ["x" * 15 + "…" + "x" * 8] * 2


def test_strategies_with_long_names_have_columns_of_their_own(no_headroom):
    names = ["controller with announcements, first", "controller with announcements, second"]
    strategies = {name: {"scheme": "nearest_exit"} for name in names}
    results = sim.run(
        sim.load(ROOT / "tests" / "scenarios" / "mini.yaml").with_changes(
            {"strategies": strategies, "horizon_h": 1, "replications": 1}
        )
    )
    text = str(sim.compare(results))
    assert "first" in text and "second" in text


# -- names ----------------------------------------------------------------------------------------


def test_a_wrong_name_is_answered_with_what_there_is():
    assert known_instead("nerest", ["nearest", "far"]) == (
        "; did you mean 'nearest'? known: nearest, far"
    )
    assert known_instead("zzz", ["nearest", "far"]) == "; known: nearest, far"
    assert known_instead("zzz", []) == "; there are none"
    assert known_instead("zzz", map(str, range(25))).endswith(", 19 and 5 more")


@pytest.mark.parametrize("call", ["run", "load", "what_if", "sensitivity"])
def test_a_scenario_that_is_not_there(call):
    with pytest.raises(InputError, match="did you mean 'mini'\\? built in are .*tpe-cut"):
        getattr(sim, call)("minni")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    changes = {"horizon_h": 1, "replications": 1}
    scenario = sim.load(ROOT / "tests" / "scenarios" / "mini.yaml").with_changes(changes)
    return sim.run(scenario, out=tmp_path_factory.mktemp("saying") / "day")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (
            lambda r: r.figure("sdm", "mlu_peak"),
            r"^no strategy named 'sdm'; did you mean 'sdn'\? known: static, sdn$",
        ),
        (
            lambda r: r.figure("sdn", "mlu_peek"),
            r"no metric named 'mlu_peek' among the figures of sdn; did you mean 'mlu_peak'\? known",
        ),
        (
            lambda r: r.figure("sdn", "loss_fraction", "internatonal"),
            r"no scope named 'internatonal' .* did you mean 'international.*'\? known: all, ",
        ),
        (
            lambda r: r.table("link"),
            r"no table 'link' is declared; did you mean 'links'\? known: links",
        ),
        (lambda r: r.hottest_exit("zz"), "no strategy named 'zz'; known: static, sdn"),
        (
            lambda r: r.plot.exit_utilisation(exits="bejing-la"),
            r"no exit named 'bejing-la'; did you mean 'beijing-la'\? known: ",
        ),
        (
            lambda r: r.plot.exit_utilisation(direction="out-bound"),
            "found 'out-bound'; .*known: in, out",
        ),
        (lambda r: r.plot.latency(scope="zz"), "no traffic named 'zz'; known: "),
        (
            lambda r: sim.compare(r, metrics=["headrom"]),
            r"no metric 'headrom' is declared; did you mean 'headroom'\? known: ",
        ),
    ],
)
def test_a_name_that_results_do_not_have(results, ask, told):
    with pytest.raises(SimulatorError, match=told) as error:
        ask(results)
    assert isinstance(error.value, KeyError)  # what such calls raised before


def test_a_figure_that_is_not_there(results, tmp_path):
    from simulator.figures.plotter import write_figures

    with pytest.raises(AttributeError, match=r"did you mean 'latency'\? known: .*hottest_exit"):
        results.plot.latencey()
    with pytest.raises(SimulatorError, match=r"no figure named 'latencey'; did you mean"):
        write_figures(results, tmp_path, names=["latencey"])


def test_a_strategy_that_is_not_there():
    scenario = sim.load(ROOT / "tests" / "scenarios" / "mini.yaml")
    with pytest.raises(InputError, match=r"no strategy named 'zz'; known: .*sdn"):
        scenario.with_strategies(["zz"])


def test_a_name_that_the_package_does_not_have():
    with pytest.raises(AttributeError, match="no attribute 'laod'; did you mean 'load'"):
        sim.laod  # noqa: B018


def test_list_holds_every_registry():
    import_modules("simulator")
    modules = [each for name, each in sys.modules.items() if name.startswith("simulator.")]
    values = [value for module in modules for value in vars(module).values()]
    packages = {value.package for value in values if isinstance(value, Registry)}
    packages = {each for each in packages if each.startswith("simulator.")}
    places = " ".join(place for kinds in NOUNS.values() for place in kinds.values())
    modules = set(re.findall(r"simulator[\w.]*(?=:)", places))
    listed = {
        getattr(value, "package", None)
        for module in modules
        for value in vars(sys.modules[module]).values()
        if isinstance(value, Registry)
    }
    assert len(packages) > 10
    assert packages <= listed


def test_list_holds_every_table(results):
    from simulator.results.tables import TABLES

    printed = CliRunner().invoke(main, ["list", "tables"]).stdout
    names = [line.split()[0] for line in printed.splitlines()]
    assert names == [each.name for each in TABLES.values() if each.file]


# -- columns that belong together ---------------------------------------------------------------


def grouped(columns, changes=3, value="100.0 %", spread="± 12.3"):
    """Return the pages of a table of a baseline and changes, each with its difference."""
    names = [f"change {i}" for i in range(changes)]
    headings = ["baseline", *(each for name in names for each in (name, f"less {name}"))]
    cells = tuple(show.Cell(value, spread) for _ in headings)
    rows = [show.Row("exit utilisation, peak", cells), show.Row("  outbound", cells)]
    text = show.table(headings, rows, columns, groups=(1, *(2 for _ in names)))
    assert max(map(show.columns, text.splitlines())) <= columns
    return text.split("\n\n")


@pytest.mark.parametrize("columns", range(40, 201, 8))
def test_a_change_is_never_torn_from_its_difference(columns):
    pages = grouped(columns)
    for page in pages:
        assert "baseline" in page
        for i in range(3):
            assert ("less change" in page) and (f" change {i}" in page) == (
                f"less change {i}" in page
            )
    assert sum(page.count("less change 1") for page in pages) in (1, 2)  # twice as a list


def test_columns_that_belong_together_stand_side_by_side_where_they_fit():
    assert len(grouped(150)) == 1
    assert len(grouped(100)) > 1
    wide = grouped(100)[0].splitlines()
    assert wide[1].startswith("exit utilisation, peak  ")
    narrow = grouped(60)[0].splitlines()  # labels stand above
    assert narrow[1] == "exit utilisation, peak"
    assert narrow[2].count("100.0 %") == 3
    listed = grouped(40)[0].splitlines()
    assert listed[:2] == ["exit utilisation, peak", "    baseline              100.0 % ± 12.3"]


def test_pages_without_groups_are_as_they_were():
    rows = [show.Row("a", tuple(show.Cell(str(i)) for i in range(6)))]
    text = show.table([f"column {i}" for i in range(6)], rows, 40)
    assert [page.count("column") for page in text.split("\n\n")] == [3, 3]
