"""What these pages take from the program: tables of keys, and what examples print.

``python docs/renew.py`` renews all of it; tests say when that is needed. The marks are comments:

``fields: MODULE.CLASS``, ``kinds: MODULE.REGISTRY``
    a table of the keys of a class, and all that a registry holds; up to ``end``
``metrics: MODULE.CATALOGUE``, ``tables: MODULE.CATALOGUE``
    a table of all metrics, and a section for each table that results have; up to ``end``
``laws: MODULE.FUNCTION``
    the laws of schemes, as tests/test_laws.py tries them; up to ``end``
``events: MODULE.FUNCTION``
    what a function among the tests returns: documented events beside ours; up to ``end``
``commands: MODULE.GROUP``
    a section for each command of a click group, with its help; up to ``end``
``kept: NAME``
    what a study found in a run that is kept in ``kept/NAME.json``, an ``answer.json``, as its run
    needs what builds of these pages have not; up to ``end``
``runnable``
    Python that runs, after what stands above it; a text block below holds what it prints
``file: NAME``
    a file that what follows may use; a Python file is imported
``prints: COMMAND``
    the first lines that a command prints
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent

# What the docstrings of the classes leave to these pages.
MEANINGS = {
    ("Settings", "engine"): "How time is played; see [below](#engine).",
    ("Settings", "traffic"): "Demands over time; see [below](#traffic).",
    ("Settings", "queue"): "How long traffic waits at a link; see [below](#queue).",
    ("Settings", "strategies"): "Ways of running the network, by name; see [below](#strategies)."
    " The first is the one that others are compared with.",
    ("Settings", "events"): "What happens, and when; see [below](#events).",
    ("Settings", "replications"): "Independent draws; intervals need two or more. A mapping draws"
    " worlds as well; see [below](#replications).",
    ("Settings", "uncertainty"): "What is not known, by name; see [below](#uncertainty).",
    ("Settings", "record"): "Detail that the tables keep; see [below](#record).",
    ("Settings", "inbound"): "How neighbours abroad choose where they hand over traffic; see"
    " [below](#inbound). Without it inbound traffic lands where each strategy's routes lead it.",
    ("Settings", "targets"): "What the network is held to; see [below](#targets).",
    ("Settings", "billing"): "How exits with a price are billed; see [below](#billing).",
    ("Settings", "reliability"): "How often elements fail and how long repairs take, for worst"
    " cases and availability; goes before what the topology says, see"
    " [there](topology.md#reliability).",
    ("Settings", "exits"): "Exits that the scenario puts on its network; see [below](#exits).",
    ("Settings", "regions"): "Regions abroad beyond them; see [below](#regions).",
    ("Settings", "cables"): "Cables that they ride, as in [a topology](topology.md#cables).",
    ("Settings", "upgrades"): "What can be bought, and what `simulator plan` must hold; see"
    " [below](#upgrades).",
    ("Upgrades", "offers"): "What can be bought, see [below](#offers). If left out, estimates:"
    " exits in modules of 10 and 100 Gbps at the price of their transit (100 Gbps 40 % cheaper),"
    " links abroad and ports in 100 Gbps.",
    ("Upgrades", "periods"): "When orders are placed; see [below](#periods-growth-and-demand).",
    ("Upgrades", "demand"): "Demands that are held; see [below](#periods-growth-and-demand).",
    ("Settings", "what_if"): "Named changes for `simulator whatif`; see [below](#what_if).",
    ("Settings", "start"): "Local date or time of the start, such as `2017-12-31` or"
    " `2017-12-31T18:00`; midnight when left out.",
    ("Settings", "end"): "Local date or time of the end, with `start` and in place of `horizon_h`.",
    ("Traffic", "services"): "What the traffic is, by name; see [below](#services).",
    ("Traffic", "shapes"): "Factors over time, multiplied in order.",
    ("TopologyFile", "nodes"): "See [below](#nodes).",
    ("TopologyFile", "links"): "See [below](#links).",
    ("TopologyFile", "regions"): "See [below](#regions).",
    ("TopologyFile", "marks"): "Where the values of other fields come from; see [below](#marks).",
    ("TopologyFile", "uncertainty"): "What is not known, by name; see [below](#uncertainty).",
    ("TopologyFile", "totals"): "What the sums should be; see [below](#totals).",
    ("NodeEntry", "utc_offset_h"): "Hours ahead of UTC; left out, the network's at home, and"
    " a fifteenth of the longitude abroad.",
    ("WhatIf", "name"): "What the change is called; one name, one change.",
    ("Loop", "predict"): "What the traffic will be while the routes are in force; see"
    " [below](#predictors).",
    ("Loop", "carried_by"): "What routers carry of a decision; see [below](#ways-of-carrying). When"
    " left out they carry it as decided, in any shares and along any paths.",
    ("*", "packet_bytes"): "Mean size of a packet.",
    ("*", "buffer_ms"): "Buffer of a port, as time at line rate: the longest wait.",
}


# -- a class becomes a table --------------------------------------------------------------------


def rows(cls: type) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and meaning of every field of a checked dataclass."""
    from simulator.base.schema import json_schema

    schema = json_schema(cls, "")
    for field in dataclasses.fields(cls):
        key = field.name.rstrip("_")
        told = schema["properties"][key]
        if key == "kind" and "const" in told:
            continue
        yield key, _type(told), _default(key, told, schema), _meaning(cls, key, told)


def table(cls: type) -> str:
    """Return the keys of a class as a table."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for row in rows(cls):
        key, *others = (text.replace("|", "\\|") for text in row)
        lines.append(f"| `{key}` | {' | '.join(others)} |")
    return "\n".join(lines)


def kinds(registry: Any, level: int) -> str:
    """Return every class of a registry: its word as a heading, its docstring, its keys."""
    parts = []
    for name in registry.names():
        cls = registry[name]
        parts += [f"{'#' * level} `{name}`", _prose(cls)]
        parts.append(table(cls) if list(rows(cls)) else "No options.")
    return "\n\n".join(parts)


def _prose(cls: type) -> str:
    """Return a docstring up to its attributes, as Markdown."""
    text = re.split(r"\n\w[\w ]*\n---", inspect.getdoc(cls) or "")[0].strip() + "\n"
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", _plain(text))
    parts: list[str] = []
    for i, piece in enumerate(re.split(r" ?::\n\n((?: {4}.*\n|\n)+)", text)):
        if i % 2:
            parts[-1] += ":"
            parts.append(f"```text\n{textwrap.dedent(piece).strip()}\n```")
        else:
            parts += [" ".join(part.split()) for part in piece.strip().split("\n\n") if part]
    return "\n\n".join(parts)


def _type(told: dict[str, Any]) -> str:
    if "anyOf" in told:
        branches = [branch for branch in told["anyOf"] if branch.get("type") != "null"]
        if "enum" in branches[0] and any("kind" in b.get("properties", {}) for b in branches):
            return "a word, or a mapping with `kind`"
        return " or ".join(dict.fromkeys(map(_type, branches)))
    if "enum" in told:
        return ", ".join(f"`{word}`" for word in told["enum"])
    if "const" in told:
        return f"`{told['const']}`"
    match told.get("type"):
        case "array":
            return f"list of {_plural(_type(told['items']))}"
        case "object":
            inner = told.get("additionalProperties")
            return (
                f"mapping of names to {_plural(_type(inner if inner not in (None, True) else {}))}"
            )
        case "number" | "integer":
            noun = {"number": "number", "integer": "whole number"}[told["type"]]
            return noun + _limits(told)
        case "boolean":
            return "`true` or `false`"
        case "string":
            return "path" if told.get("format") == "path" else "text"
    return "mapping" if "$ref" in told else "any value"


def _plural(words: str) -> str:
    if words.startswith("a word, or"):
        return "words, or mappings with `kind`"
    return re.sub(r"^(text|path|mapping|list|number|whole number|any value)", r"\1s", words)


def _limits(told: dict[str, Any]) -> str:
    low, high, above = (told.get(k) for k in ("minimum", "maximum", "exclusiveMinimum"))
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if above is not None:
        return f" above {above:g}"
    return f", at least {low:g}" if low is not None else ""


def _default(key: str, told: dict[str, Any], schema: dict[str, Any]) -> str:
    if key in schema.get("required", ()):
        return "required"
    value = told.get("default", {} if told.get("type") == "object" else None)
    if value is None:
        return "none"
    if isinstance(value, dict):
        if "kind" in value:
            return f"`{{kind: {value['kind']}}}`"
        return "as below" if value else "`{}`"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, int | float) else f"`{value or chr(34) * 2}`"


def _meaning(cls: type, key: str, told: dict[str, Any]) -> str:
    given = MEANINGS.get((cls.__name__, key)) or told.get("description") or MEANINGS.get(("*", key))
    return _plain(given or "")


def _plain(text: str) -> str:
    return text.replace("``", "`")


# -- a catalogue becomes a table ------------------------------------------------------------------


def metrics(catalogue: Any) -> str:
    """Return every metric with its unit, scopes, direction, spread and meaning, as a table."""
    lines = ["| metric | unit | scopes | better | meaning | spread |", "|---|---|---|---|---|---|"]
    for each in catalogue:
        cells = f"`{each.name}`", each.unit, ", ".join(each.scopes), each.better
        cells += each.sentence, each.spread
        lines.append(_plain(f"| {' | '.join(cells)} |"))
    return "\n".join(lines)


def tables(catalogue: Any, level: int) -> str:
    """Return every table that has a file: its name as a heading, its sentence, its columns."""
    from simulator.results.tables import FIRST

    parts = []
    for each in catalogue.values():
        if each.file:
            rows = [c for c in each.columns if each.file.endswith(".csv") or c not in FIRST]
            lines = [f"| `{c.name}` | {c.unit} | {c.sentence} |" for c in rows]
            parts += [f"{'#' * level} `{each.name}`", f"`{each.file}`. {each.sentence}"]
            parts.append("\n".join(["| column | unit | meaning |", "|---|---|---|", *lines]))
    return _plain("\n\n".join(parts))


def laws(listed: list[Any]) -> str:
    """Return the laws of schemes: those of routes, those of loads, and what whole tests try."""
    from laws import FLOW_LAWS

    of_loads = [law for laws in FLOW_LAWS.values() for law in laws]
    lines = []
    for law in dict.fromkeys([*listed, *of_loads]):
        meaning = inspect.getdoc(law).partition("\n")[0]
        lines.append(f"- *{law.__name__.replace('_', ' ')}*: {meaning}")
    tests = vars(importlib.import_module("test_laws"))
    names = [
        name.removeprefix("test_").replace("_", " ")
        for name, test in tests.items()
        if name.startswith("test_")
        and "kind" in inspect.signature(test).parameters
        and name != "test_every_law_holds"
    ]
    return "\n".join([*lines, *(f"- *{name}*" for name in names)])


def commands(group: Any, level: int, above: Any = None) -> str:
    """Return every command of a group: its words as a heading, and its help below."""
    import click

    parts = []
    context = click.Context(group, parent=above, info_name=group.name, max_content_width=100)
    context.help_option_names = ["-h", "--help"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(
            command, parent=context, info_name=name, terminal_width=100, max_content_width=100
        )
        text = command.get_help(inner).replace("\b\n", "")
        parts += [f"{'#' * level} `{inner.command_path}`", f"```text\n{text}\n```"]
        if isinstance(command, click.Group):
            parts.append(commands(command, level + 1, context))
    return "\n\n".join(parts)


def kept(name: str) -> str:
    """Return a kept answer as the text that its command printed."""
    from simulator.base.text import WIDTH, Cell, Row, wrapped
    from simulator.base.text import table as text_table

    found = json.loads((HERE / "kept" / f"{name}.json").read_text(encoding="utf-8"))
    lines = [line for text in (found["title"], found["sentence"], *found["head"])
             for line in wrapped(text, WIDTH)]  # fmt: skip
    for each in found["sections"]:
        rows = [Row(row["label"], tuple(Cell(*cell) for cell in row["cells"]))
                for row in each["rows"]]  # fmt: skip
        lines += ["", each["caption"], text_table(each["headings"], rows, most=WIDTH)]
    lines += ["", *(line for text in found["foot"] for line in wrapped(text, WIDTH, hang="  "))]
    return "```text\n" + "\n".join(lines) + "\n```"


_KINDS = "fields|kinds|metrics|tables|commands|laws|events|kept"
_TABLES = re.compile(
    rf"(<!-- ({_KINDS}): ([\w.-]+) -->\n).*?(<!-- end -->)",
    re.DOTALL,
)


def with_tables(text: str) -> str:
    """Return a page with its tables made anew."""
    return _TABLES.sub(lambda match: f"{match[1]}\n{_made(match, text)}\n\n{match[4]}", text)


def _made(match: re.Match[str], text: str) -> str:
    if match[2] == "kept":
        return kept(match[3])
    module, _, name = match[3].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if match[2] == "fields":
        return table(found)
    if match[2] == "events":
        return str(found())
    if match[2] in ("metrics", "laws"):
        return {"metrics": metrics, "laws": laws}[match[2]](found)
    above = re.findall(r"^(#+) ", _TABLES.sub("", text[: match.start()]), re.MULTILINE)
    made = {"kinds": kinds, "tables": tables, "commands": commands}
    return made[match[2]](found, len(above[-1]) + 1)


# -- what examples print ------------------------------------------------------------------------

EXAMPLE = re.compile(
    r"<!-- (?:runnable|file: (?P<file>[\w.-]+)) -->\n```(?P<language>\w+)\n(?P<code>.*?)```\n"
    r"(?P<below>\n```text\n)?(?P<output>(?(below).*?(?=```)))",
    re.DOTALL,
)
PRINTED = re.compile(r"(<!-- prints: (simulator [^>]+) -->\n```text\n)(.*?)(?=```)", re.DOTALL)
_RULE = "-----\n"


def with_outputs(text: str) -> str:
    """Return a page with what its examples print, printed anew."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = iter(_outputs(text, Path(folder)))
        text = EXAMPLE.sub(lambda match: match[0] if match["file"] else _put(match, outputs), text)
        return PRINTED.sub(lambda match: match[1] + _first_lines(match, Path(folder)), text)


def _put(match: re.Match[str], outputs: Iterator[str]) -> str:
    output = next(outputs)
    if bool(output) != bool(match["below"]):
        raise ValueError(f"prints {output!r}, but the page says otherwise:\n{match['code']}")
    return match[0][: len(match[0]) - len(match["output"])] + output


def _outputs(text: str, folder: Path) -> list[str]:
    code = []
    for match in EXAMPLE.finditer(text):
        if match["file"]:
            (folder / match["file"]).write_text(match["code"], encoding="utf-8")
            if match["language"] == "python":
                code.append(f"import {Path(match['file']).stem}")
        else:
            code += [match["code"], f"print({_RULE.strip()!r})"]
    return python("\n".join(code), folder).split(_RULE)[:-1] if code else []


def _first_lines(match: re.Match[str], folder: Path) -> str:
    words = shlex.split(match[2])[1:]
    words += ["--out", str(folder / "-".join(["out", *words]))]
    code = f"from simulator.cli.main import main; main({words!r})"
    lines = python(code, folder).splitlines(keepends=True)
    return "".join(lines[: len(match[3].splitlines())])


def python(code: str, folder: Path) -> str:
    """Run code in a folder and return what it prints; a warning is an error."""
    environment = {
        **os.environ,
        "COLUMNS": "100",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
        "MPLBACKEND": "Agg",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def main() -> None:
    """Renew all pages."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the laws stand among the tests
    for page in sorted(HERE.glob("*.md")):
        old = page.read_text(encoding="utf-8")
        new = with_outputs(with_tables(old))
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(f"{page.name}: renewed")


if __name__ == "__main__":
    main()
