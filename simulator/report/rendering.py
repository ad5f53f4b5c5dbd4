"""Rendering: contents become one self-contained page that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STYLES = ("page.css", "charts.css", "print.css")
SCRIPTS = ("start.js", "tables.js", "time.js", "curves.js", "map.js")
"""Scripts of a page in the order in which they run; each works where there is something for it."""


def render(template: str, content: Mapping[str, Any]) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        A file of ``templates``.
    content : mapping
        What it shows. All of it is escaped, but for ``data``, which :mod:`packing` made harmless.
    """
    from markupsafe import Markup

    style, script = _joined(STYLES), _joined(SCRIPTS)
    data = content.get("data")
    return (
        _environment()
        .get_template(template)
        .render(
            {**content, "data": Markup(data) if data else None},
            policy=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
        )
    )


def _policy(style: str, script: str) -> str:
    """Return a policy that lets the page use its own style and script, and nothing else."""
    rules = {
        "default-src": "'none'",
        "style-src": _digest(style),
        "script-src": _digest(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{key} {value}" for key, value in rules.items())


def _digest(text: str) -> str:
    found = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(found).decode('ascii')}'"


@cache
def _joined(names: Sequence[str]) -> str:
    return "\n".join((HERE / "assets" / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
