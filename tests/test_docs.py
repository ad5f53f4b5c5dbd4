"""The pages say what the program does, and their examples run."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from simulator.control.kinds.loop import Loop
from simulator.control.settings import Announcements, Coverage, Hysteresis
from simulator.control.strategy import Strategy
from simulator.engines.engine import engine
from simulator.formats.rules import entries
from simulator.inbound.choices import Catchments
from simulator.model.billing import Billing
from simulator.queues.queue import queue
from simulator.routing.scheme import scheme
from simulator.scenario.load import load
from simulator.scenario.settings import Record, Replications, Settings, Targets, Traffic, WhatIf
from simulator.simulation.faults import Event
from simulator.traffic.traffic import matrix, shape
from simulator.uncertainty.law import law

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
READ = {page.name: page.read_text(encoding="utf-8") for page in PAGES}

every_page = pytest.mark.parametrize("page", READ)


# -- what the pages take from the program ---------------------------------------------------------


@pytest.fixture(scope="module")
def renew():
    spec = importlib.util.spec_from_file_location("docs_renew", DOCS / "renew.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@every_page
def test_tables_are_up_to_date(page, renew):
    assert READ[page] == renew.with_tables(READ[page]), "python docs/renew.py renews them"


@every_page
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_examples_print_what_the_page_says(page, renew):
    assert READ[page] == renew.with_outputs(READ[page]), "python docs/renew.py renews them"


def test_numbers_in_the_quick_start_are_those_of_its_table():
    table = re.search(r"<!-- prints: .*?```text\n(.*?)```", READ["quickstart.md"], re.DOTALL)[1]
    prose = sections(READ["quickstart.md"])["What it means"]
    quoted = re.findall(r"x\d+\.\d+|\d+\.\d+ %", prose)
    assert quoted and all(number in table for number in quoted), quoted


def sections(text):
    """Return the text below every heading, by heading."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def told(section):
    """Return the row of every key in the tables of a section: type, default, meaning."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", section, re.MULTILINE)
    return {key: row for key, *row in rows}


def as_written(value):
    if value == {}:
        return "`{}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    if isinstance(value, str):
        return f"`{value}`" if value else '`""`'
    return "none" if value is None else f"`{value:g}`"


CLASSES = {
    "Keys at the top": Settings,
    "`strategies`": Strategy,
    "`control`": Loop,
    "`hysteresis`": Hysteresis,
    "`coverage`": Coverage,
    "`announcements`": Announcements,
    "`traffic`": Traffic,
    "`events`": Event,
    "`record`": Record,
    "`targets`": Targets,
    "`billing`": Billing,
    "`inbound`": Catchments,
    "`what_if`": WhatIf,
    "`replications`": Replications,
}
for registry in (scheme, matrix, shape, queue, engine, law):
    CLASSES |= {f"`{name}`": registry[name] for name in registry.names()}


@pytest.mark.parametrize("heading", CLASSES)
def test_every_key_of_a_scenario_stands_there_with_its_default(heading):
    cls = CLASSES[heading]
    rows = told(sections(READ["scenario.md"])[heading])
    fields = {field.name: field for field in dataclasses.fields(cls) if field.name != "kind"}
    assert set(rows) == set(fields)
    for name, (kind, default, meaning) in rows.items():
        info = cls.__pydantic_fields__[name]
        value = info.get_default(call_default_factory=True)
        assert kind and meaning
        if info.is_required():
            assert default == "required"
        elif hasattr(value, "kind"):
            assert default == f"`{{kind: {value.kind}}}`"
        elif dataclasses.is_dataclass(value):
            assert default == "as below"
        else:
            assert default == as_written(value)


@pytest.mark.parametrize(
    ("heading", "entry"),
    {
        "Keys": entries.TopologyFile,
        "`nodes`": entries.NodeEntry,
        "`links`": entries.LinkEntry,
        "`cables`": entries.CableEntry,
        "`regions`": entries.RegionEntry,
        "`totals`": entries.Totals,
        "`estimates`": entries.Estimate,
        "`marks`": entries.Mark,
    }.items(),
)
def test_every_key_of_a_topology_stands_there(heading, entry):
    rows = told(sections(READ["topology.md"])[heading])
    assert set(rows) == set(entries.keys(entry))
    assert all(meaning for *_, meaning in rows.values())


# -- results --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    from simulator.run import run

    changes = {
        "horizon_h": 1,
        "replications": 1,
        "events": [{"at_h": 0.5, "cable": "APCN-2"}],
        "record": {"demands": "pair"},
        "exits.*.price_usd_per_mbps": 1.5,
        "traffic.services": {"web": {"share": 0.5, "elastic": True}, "bulk": {"share": 0.5}},
        "strategies": {
            "static": {"scheme": "nearest_exit"},
            "sdn": {
                "scheme": "min_latency",
                "control": {
                    "every_s": 900,
                    "announcements": {"plan": "learn"},
                    "carried_by": "tunnels",
                },
            },
            "bound": {"scheme": "clairvoyant"},
        },
    }
    return run(load("mini").with_changes(changes), out=tmp_path_factory.mktemp("run") / "day")


def test_every_metric_has_its_row(results):
    section = sections(READ["results.md"])["Figures"]
    row = r"^\| `(\w+)` \| (\S+) \| (.*) \| (?:lower|higher|neither) \| .+ \|$"
    rows = re.findall(row, section, re.MULTILINE)
    listed = {metric: (unit, scopes.split(", ")) for metric, unit, scopes in rows}
    scope = results.summary["scope"].astype(str)
    kinds = pd.Series("region", index=scope.index)
    kinds[scope.str.startswith("exit:")] = "exit"
    kinds[scope.str.startswith("exits:")] = "exits"
    kinds[scope.isin(["domestic", "international_in", "international_out"])] = "class"
    kinds[scope.isin(["core", "exit"])] = "link class"
    kinds[scope.isin(["web", "bulk"])] = "service"
    kinds[scope == "all"] = "all"
    found = results.summary.assign(kind=kinds).groupby("metric", sort=False)
    assert listed == {
        metric: (str(rows["unit"].iloc[0]), list(dict.fromkeys(rows["kind"])))
        for metric, rows in found
    }


@pytest.mark.parametrize("table", ["links", "exits", "demands", "control", "events"])
def test_every_column_has_its_row(results, table):
    section = sections(READ["results.md"])[f"`{table}`"]
    named = set(re.findall(r"`(\w+)`", section)) | {"replication", "strategy", "time_s"}
    assert set(getattr(results, table).columns) <= named


def test_every_file_has_its_row(results):
    listed = set(re.findall(r"`([\w./]+)`", sections(READ["results.md"])["The folder"]))
    for file in results.folder.iterdir():
        assert file.name + "/" * file.is_dir() in listed


# -- examples -------------------------------------------------------------------------------------


def test_the_ten_lines_of_the_quick_start_are_a_scenario(tmp_path, renew):
    examples = renew.EXAMPLE.finditer(READ["quickstart.md"])
    (example,) = (match for match in examples if match["language"] == "yaml")
    assert len(example["code"].splitlines()) == 10
    file = tmp_path / example["file"]
    file.write_text(example["code"], encoding="utf-8")
    assert list(load(file).settings.strategies) == ["static", "sdn"]


LAWS = """
import fastest_path
from law_networks import CASES
from laws import FLOW_LAWS, LAWS, afresh, broken, fingerprint, solved

names = [name for name in CASES if not name.startswith("china")]
for name in names:
    found = broken([*LAWS, *FLOW_LAWS.get(name, [])], solved(name, "fastest_path"))
    assert not found, found
    routes = solved(name, "fastest_path").routes
    assert fingerprint(routes) == fingerprint(afresh(name, "fastest_path")), name
print(len(names), "ok")
"""


def test_the_worked_example_obeys_the_laws(tmp_path, renew):
    match = next(renew.EXAMPLE.finditer(READ["adding-a-scheme.md"]))
    (tmp_path / match["file"]).write_text(match["code"], encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n{LAWS}"
    count, ok = renew.python(code, tmp_path).split()
    assert int(count) > 30 and ok == "ok"


def test_a_worked_example_that_breaks_a_law_is_found(tmp_path, renew):
    match = next(renew.EXAMPLE.finditer(READ["adding-a-scheme.md"]))
    wrong = match["code"].replace("np.ones(len(demands))", "np.full(len(demands), 0.5)")
    assert wrong != match["code"]
    (tmp_path / match["file"]).write_text(wrong, encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n{LAWS}"
    with pytest.raises(RuntimeError, match="exactly_those_are_served_that_can_be"):
        renew.python(code, tmp_path)


YAML = [
    pytest.param(block, id=f"{page} {i}")
    for page in ("scenario.md", "topology.md")
    for i, block in enumerate(re.findall(r"```yaml\n(.*?)```", READ[page], re.DOTALL))
]


@pytest.mark.parametrize("block", YAML)
def test_yaml_in_the_pages_is_valid(block, tmp_path):
    from simulator.base.document import parse_yaml
    from simulator.formats.format import check_network

    keys = parse_yaml(block).data
    if "nodes" in keys:
        (tmp_path / "network.yaml").write_text(block, encoding="utf-8")
        assert not check_network(tmp_path / "network.yaml")
        return
    base = load("china169-2017").with_changes({"replications": 1})
    base.with_changes(keys)


# -- pictures -------------------------------------------------------------------------------------


def test_the_readme_shows_three_pictures_with_a_sentence_each():
    spec = importlib.util.spec_from_file_location("docs_pictures", DOCS / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^!\[.+\]\(docs/images/([\w.-]+)\)\n\n(.+)\n", readme, re.MULTILINE)
    assert [name for name, _ in shown] == list(module.PICTURES)
    for name, sentence in shown:
        held = (DOCS / "images" / name).read_bytes()
        assert held.startswith(b"\x89PNG") and 10_000 < len(held) < 150_000, name
        assert sentence.endswith("."), name


# -- links and commands ---------------------------------------------------------------------------


def slug(heading):
    """Return the anchor that GitHub and MyST give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", READ[page]):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        if file.startswith("notebooks/"):  # made from a notebook when the pages are built
            assert (ROOT / file).with_suffix(".ipynb").is_file(), target
            continue
        assert not file or (DOCS / file).is_file(), target
        if anchor:
            headings = sections(READ[file or page])
            assert anchor in map(slug, headings), target


def shell_lines(text):
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`(simulator [^`]+)`", text)


def test_every_public_name_is_in_the_reference():
    import simulator

    told = set(re.findall(r"auto(?:function|class):: simulator\.(\w+)", READ["reference.md"]))
    assert set(simulator.__all__) <= told


def test_every_question_has_its_page_and_its_command():
    """Each is a heading with a link to its page, and what its command prints."""
    asked = sections(READ["questions.md"])
    questions = [heading for heading in asked if heading.endswith("?")]
    assert len(questions) >= 12
    for question in questions:
        (title, page) = re.findall(r"^\[(.*?)\]\(([\w-]+\.md)\)$", asked[question], re.MULTILINE)[0]
        assert READ[page].startswith(f"# {title}\n"), question
        assert re.search(r"<!-- prints: simulator \w+ .*? -->\n```text\n.+\n.+", asked[question])


@every_page
def test_commands_exist(page):
    try:
        from simulator.cli.main import main
    except ImportError as error:
        pytest.skip(f"there is no command line yet: {error}")
    for line in shell_lines(READ[page]):
        words = shlex.split(line, comments=True)
        if not words or words[0] != "simulator":
            continue
        assert words[1] in main.commands, line
        known = {o for parameter in main.commands[words[1]].params for o in parameter.opts}
        for word in words[2:]:
            assert not word.startswith("--") or word.partition("=")[0] in known, line


def test_targets_of_make_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page, text in READ.items():
        for target in re.findall(r"(?:^|`)make (\w[\w-]*)", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


def test_the_plan_in_design_is_the_one_that_is_tested():
    from test_architecture import FLOORS

    plan = re.search(r"```text\n(__main__.*?)```", READ["design.md"], re.DOTALL)[1]
    rooms = [re.match(r"\w+(?:  \w+)*(?= )", line)[0].split() for line in plan.splitlines()]
    assert rooms == FLOORS


def test_every_page_is_in_the_index():
    listed = re.search(r"```\{toctree\}\n(.*?)```", READ["index.md"], re.DOTALL)[1].split()
    assert {f"{name}.md" for name in listed[2:]} == set(READ) - {"index.md"}


@pytest.fixture(scope="module")
def notebook_pages():
    spec = importlib.util.spec_from_file_location("notebook_pages", DOCS / "notebook_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_notebook_is_a_page_and_in_the_index(notebook_pages, tmp_path):
    pages = notebook_pages.write_pages(ROOT / "notebooks", tmp_path / "notebooks")
    assert len(pages) == len(list((ROOT / "notebooks").glob("*.ipynb"))) >= 4
    listed = re.findall(r"^notebooks/(.*)$", READ["index.md"], re.MULTILINE)
    assert listed == [page.stem for page in pages]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith("# ") and "```python\n" in text
        pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
        assert pictures and all((page.parent / picture).stat().st_size for picture in pictures)


def test_a_page_holds_all_that_a_notebook_shows(notebook_pages, tmp_path):
    def out(kind, **data):
        return {"output_type": kind, "data": data}

    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "```\n"]},
        out("execute_result", **{"text/plain": "plain", "text/html": "<b>rich</b>"}),
        out("execute_result", **{"text/plain": ["only ", "plain"]}),
        out("display_data", **{"image/png": "aGk=\n", "text/plain": "<Figure>"}),
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "x = 1", "outputs": outputs},
    ]
    text = notebook_pages.page({"cells": cells}, "one", tmp_path)
    assert text == (
        "# Title\ntext\n\n```python\nx = 1\n```\n\n````text\na\n```\n````\n\n"
        "```{raw} html\n<b>rich</b>\n```\n\n```text\nonly plain\n```\n\n"
        "![What the cell above draws](one-1-3.png)\n"
    )
    assert (tmp_path / "one-1-3.png").read_bytes() == b"hi"
    cells[1]["outputs"] = [{"output_type": "error", "ename": "E"}]
    with pytest.raises(ValueError, match="no page can show an output of kind error"):
        notebook_pages.page({"cells": cells}, "one", tmp_path)


def test_the_page_of_the_command_line_holds_every_verb():
    from simulator.cli.main import main

    headings = sections(READ["command-line.md"])
    assert [f"`simulator {name}`" in headings for name in main.commands] == [True] * len(
        main.commands
    )


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path):
    for needed in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(needed, reason="the docs extra is not installed")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(DOCS), str(tmp_path / "built")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
