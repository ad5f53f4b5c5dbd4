"""Every command of the README and the pages runs, on shortened scenarios; whole ones are slow."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from routers import needs

from simulator.base import library
from simulator.cli import running
from simulator.cli.main import main
from simulator.explore.server import Server

pytestmark = pytest.mark.usefixtures("no_headroom")

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "topologies" / "README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))
PLACEHOLDER = re.compile(r"[A-Z]{2,}(\.\.\.)?|KEY=VALUE|FILE…?")
HEAVY = (
    "schemes-shootout",
    "sensitivity mini",
    "china169-2017 --worlds 20",
    "headroom run-out-2020",
    "verify ",
)
"""Plan for a window, search weights, draw many worlds or start routers: long, however short."""
SHORT = {"horizon_h": 0.5, "replications": 1}
QUICK = {
    "igp": {"scheme": "igp_ecmp"},
    "sdn": {"scheme": "min_latency", "control": {"every_s": 300}, "fallback": "igp_ecmp"},
}


def commands():
    """Every `simulator ...` that a page shows, in a shell block or in the text, once."""
    found = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [
            line
            for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL)
            for line in block.replace("\\\n", " ").splitlines()
        ]
        lines += re.findall(r"`(simulator [^`]+)`", text)
        for line in lines:
            words = shlex.split(line, comments=True) if line.startswith("simulator ") else []
            words = words[1 : words.index(">") if ">" in words else None]
            bare = (
                len(words) == 1
                or words[:1] == ["topology"]
                and words[1:] in (["show"], ["convert"])
            )
            if words and not bare and not any(PLACEHOLDER.fullmatch(word) for word in words):
                found.setdefault(" ".join(words), (page.name, words))
    long = (pytest.mark.slow, pytest.mark.timeout(900))
    return [
        pytest.param(*value, id=key, marks=long if any(w in key for w in HEAVY) else ())
        for key, value in found.items()
    ]


COMMANDS = commands()


def examples(name):
    """Return all files that a page tells the reader to save, if *name* is one of them."""
    pattern = r"<!-- file: ([\w.-]+) -->\n```\w+\n(.*?)```"
    for page in PAGES:
        found = dict(re.findall(pattern, page.read_text(encoding="utf-8"), re.DOTALL))
        if name in found:
            return found
    return {}


def scenario(name, **changes):
    """Return the text of a built-in scenario, changed, that may stand in any folder."""
    source = library.find("scenarios", name)
    keys = yaml.safe_load(source.read_text(encoding="utf-8"))
    beside = source.parent / keys["topology"]
    if beside.exists():
        keys["topology"] = str(beside.resolve())
    return yaml.safe_dump({**keys, **changes})


def topology():
    """Return the text of a topology that may stand in any folder."""
    text = library.find("topologies", "china169-mini").read_text(encoding="utf-8")
    return text.replace("matrix: china169-mini-base.csv\n", "")


def prepare(words, folder, short):
    """Put the files that a command needs into its folder."""
    from simulator.run import run
    from simulator.scenario.load import load

    verb, *rest = words
    for word in rest:
        file = folder / word
        if (
            word in library.names("scenarios")
            and verb in ("run", "whatif", "sensitivity", "sweep")
            and short
        ):
            worlds = verb == "sensitivity" or "--worlds" in rest
            few = {"strategies": QUICK} if worlds else {}  # a hundred worlds learn for a day each
            file.write_text(scenario(word, **SHORT, **few, events=[]), encoding="utf-8")
        elif word.startswith("results/") and verb in ("plot", "report"):
            worlds = {"replications": {"worlds": 3}} if "worlds" in word else {}
            run(load("mini").with_changes({**SHORT, "strategies": QUICK, **worlds}), out=file)
        elif word.startswith("results/") and verb == "export":
            changes = {"horizon_h": 2.75, "events": [], "record.decisions": True}
            shown = load("carried-by-routers").with_strategies(["igp", "as-decided"])
            run(shown.with_changes(changes), out=file)
        elif word.endswith((".yaml", ".csv")) and not file.exists() and (saved := examples(word)):
            for name, text in saved.items():
                (folder / name).write_text(text, encoding="utf-8")
        elif word.endswith(".yaml") and not file.exists():
            text = topology() if "network" in word else scenario("mini", **SHORT)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif word.endswith(".graphml") and verb == "topology" and word == rest[1]:
            shutil.copy(library.find("topologies", "Chinanet"), file)


def interrupted(*_, **__):
    raise KeyboardInterrupt


def invoke(words, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Server, "serve_forever", interrupted)  # all but the waiting
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, f"simulator {shlex.join(words)}\n{done.output}"
    assert done.output.strip()


def test_the_readme_shows_the_commands_that_people_come_for():
    verbs = {words[0] for _, words in (each.values for each in COMMANDS)}
    assert verbs >= {"run", "whatif", "check", "topology", "list"}


@pytest.mark.parametrize(("page", "words"), COMMANDS)
def test_a_command_runs(page, words, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "draw", lambda folder: None)  # tests/test_plots.py draws
    if words[0] == "verify":
        needs("zebra", "isisd", "bgpd", "exabgp", "tc")
    prepare(words, tmp_path, short=True)
    workers = ["--workers", "1"] if words[0] in ("run", "whatif", "sweep") else []
    kept = [w for i, w in enumerate(words) if "--workers" not in words[max(0, i - 1) : i + 1]]
    invoke([*kept, *workers], tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("page", "words"), [c for c in COMMANDS if c.values[1][0] == "run"])
def test_a_run_runs_whole(page, words, tmp_path, monkeypatch):
    prepare(words, tmp_path, short=False)
    invoke(words, tmp_path, monkeypatch)
