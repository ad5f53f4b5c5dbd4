"""The tables of keys in these pages, made from the classes that check the files.

``python docs/tables.py`` renews them; a test says when that is needed. What stands between
``<!-- fields: simulator.scenario.Settings -->`` and ``<!-- end -->`` is a table of the keys of a
class; ``<!-- kinds: simulator.model.latency.queue -->`` lists all classes of a registry.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGES = ("scenario.md", "topology.md")
_BLOCK = re.compile(r"(<!-- (fields|kinds): ([\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# What the docstrings of the classes leave to these pages.
MEANINGS = {
    ("Settings", "engine"): "How time is played; see [below](#engine).",
    ("Settings", "traffic"): "Demands over time; see [below](#traffic).",
    ("Settings", "queue"): "How long traffic waits at a link; see [below](#queue).",
    ("Settings", "strategies"): "Ways of running the network, by name; see [below](#strategies)."
    " The first is the one that others are compared with.",
    ("Settings", "events"): "What happens, and when; see [below](#events).",
    ("Settings", "record"): "Detail that the tables keep; see [below](#record).",
    ("Settings", "targets"): "What the network is held to; see [below](#targets).",
    ("Settings", "what_if"): "Named changes for `simulator whatif`; see [below](#what_if).",
    ("Settings", "start"): "Local date or time of the start, such as `2017-12-31` or"
    " `2017-12-31T18:00`; midnight when left out.",
    ("Settings", "end"): "Local date or time of the end, with `start` and in place of `horizon_h`.",
    ("Traffic", "shapes"): "Factors over time, multiplied in order.",
    ("*", "packet_bytes"): "Mean size of a packet.",
    ("*", "buffer_ms"): "Buffer of a port, as time at line rate: the longest wait.",
}


# -- a class becomes a table --------------------------------------------------------------------


def rows(cls: type) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and meaning of every field of a checked dataclass."""
    from simulator.schema import json_schema

    schema = json_schema(cls, "")
    for field in dataclasses.fields(cls):
        key = field.name.rstrip("_")
        if key == "kind" and "const" in schema["properties"]["kind"]:
            continue
        told = schema["properties"][key]
        yield key, _type(told), _default(key, told, schema), _meaning(cls, key, told)


def table(cls: type) -> str:
    """Return the keys of a class as a table."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for row in rows(cls):
        key, *others = (text.replace("|", "\\|") for text in row)
        lines.append(f"| `{key}` | {' | '.join(others)} |")
    return "\n".join(lines)


def kinds(registry: Any, level: int) -> str:
    """Return every class of a registry: its word as a heading, its line, its keys."""
    parts = []
    for name, summary in registry.describe():
        parts += [f"{'#' * level} `{name}`", _plain(summary)]
        parts.append(table(registry[name]) if list(rows(registry[name])) else "No options.")
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
            return f"mapping of names to {_plural(_type(_inner(told)))}"
        case "number" | "integer":
            noun = {"number": "number", "integer": "whole number"}[told["type"]]
            return noun + _limits(told)
        case "string":
            return "path" if told.get("format") == "path" else "text"
    return "mapping" if "$ref" in told else "any value"


def _inner(told: dict[str, Any]) -> dict[str, Any]:
    inner = told.get("additionalProperties")
    return inner if isinstance(inner, dict) else {}


def _plural(words: str) -> str:
    first, _, rest = words.partition(" ")
    if first in ("text", "path", "mapping"):
        words = {"text": "texts", "path": "paths", "mapping": "mappings"}[first] + words[len(first) :]
    elif words.startswith(("number", "whole number")):
        words = words.replace("number", "numbers", 1)
    elif words.startswith("a word, or"):
        words = "words, or mappings with `kind`"
    elif words == "any value":
        words = "any values"
    return words


def _limits(told: dict[str, Any]) -> str:
    low, high, above = (told.get(k) for k in ("minimum", "maximum", "exclusiveMinimum"))
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if above is not None:
        return f" above {above:g}"
    return f", at least {low:g}" if low is not None else ""


def _default(key: str, told: dict[str, Any], schema: dict[str, Any]) -> str:
    if "default" not in told:
        return "required" if key in schema.get("required", ()) else "none"
    value = told["default"]
    if value is None:
        return "none"
    if isinstance(value, dict):
        return f"`{{kind: {value['kind']}}}`" if "kind" in value else "as below"
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


# -- a page with tables -------------------------------------------------------------------------


def renewed(text: str) -> str:
    """Return a page with its tables made anew."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{_made(match, text)}\n\n{match[4]}", text)


def _made(match: re.Match[str], text: str) -> str:
    module, _, name = match[3].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if match[2] == "fields":
        return table(found)
    above = re.findall(r"^(#+) ", _BLOCK.sub("", text[: match.start()]), re.MULTILINE)
    return kinds(found, len(above[-1]) + 1)


def main() -> None:
    """Renew the tables of all pages."""
    sys.path.insert(0, str(HERE.parent))
    for page in PAGES:
        file = HERE / page
        old = file.read_text(encoding="utf-8")
        new = renewed(old)
        if new != old:
            file.write_text(new, encoding="utf-8")
            print(f"{page}: renewed")


if __name__ == "__main__":
    main()
