"""Rendering: contents become one self-contained page that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
STYLES = ("page.css", "charts.css", "print.css")
SCRIPTS = ("start.js", "tables.js", "time.js", "curves.js", "map.js")
"""Scripts of a page in the order in which they run; each works where there is something for it."""


class Extension(NamedTuple):
    """What a page of another room adds to the assets of reports.

    Attributes
    ----------
    folder : Path
        Holds ``templates`` and ``assets``.
    styles, scripts : tuple of str
        Files of its assets, which come after those of reports.
    rules : mapping of str to str
        Additions to the policy of the page.
    """

    folder: Path
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    rules: Mapping[str, str] = {}


NOTHING_MORE = Extension(HERE)


def render(template: str, content: Mapping[str, Any], more: Extension = NOTHING_MORE) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        A file of ``templates``.
    content : mapping
        What it shows. All of it is escaped, but for ``data``, which :mod:`packing` made harmless.
    more : Extension
        Where the template is, and what else the page holds.
    """
    from markupsafe import Markup

    style, script = _assets(more)
    data = content.get("data")
    return (
        _environment(more.folder)
        .get_template(template)
        .render(
            {**content, "data": Markup(data) if data else None},
            policy=policy(more),
            style=Markup(style),
            script=Markup(script),
        )
    )


def policy(more: Extension = NOTHING_MORE) -> str:
    """Return a policy that lets the page use its own style and script, and nothing else."""
    style, script = _assets(more)
    rules = {
        "default-src": "'none'",
        "style-src": _digest(style),
        "script-src": _digest(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        **more.rules,
    }
    return "; ".join(f"{key} {value}" for key, value in rules.items())


def _digest(text: str) -> str:
    found = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(found).decode('ascii')}'"


def _assets(more: Extension) -> tuple[str, str]:
    """Return style and script of a page."""
    return (
        "\n".join([_joined(HERE, STYLES), _joined(more.folder, more.styles)]).rstrip("\n"),
        "\n".join([_joined(HERE, SCRIPTS), _joined(more.folder, more.scripts)]).rstrip("\n"),
    )


@cache
def _joined(folder: Path, names: Sequence[str]) -> str:
    return "\n".join((folder / "assets" / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment(folder: Path) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder / "templates", HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
