"""Pictures: what a folder holds of them, as a page holds it in itself."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from simulator.figures.plotter import write_figures
from simulator.results.results import Results

MOST_SVG = 400_000
"""Bytes of a drawing of lines beyond which the picture of points takes its place."""
_KINDS = {"svg": "image/svg+xml", "png": "image/png"}
_TITLE = re.compile(r"<dc:title>(.*?)</dc:title>", re.DOTALL)
_PLACES = ("", "figures")


class Picture(NamedTuple):
    """A picture as an address that holds all of it, with what it shows in words."""

    name: str
    words: str
    address: str


def kept_pictures(folder: Path, names: Sequence[str]) -> list[Picture]:
    """Return the pictures of a folder by their names, as far as there are any."""
    return [found for name in names if (found := _kept(folder, name)) is not None]


def drawn_pictures(
    results: Results,
    names: Iterable[str],
    *,
    at_h: float | None = None,
    asked: bool = False,
    width: str | None = None,
) -> list[Picture]:
    """Draw some figures of a run; see `write_figures` for the rest."""
    with TemporaryDirectory(prefix="simulator-") as place:
        names = list(names)
        files = write_figures(
            results, place, ("svg", "png"), names, asked=asked, at_h=at_h, width=width
        )
        return kept_pictures(Path(place), list(dict.fromkeys(file.stem for file in files)))


def _kept(folder: Path, name: str) -> Picture | None:
    if Path(name).name != name:
        return None
    words = name.replace("_", " ")
    for form in _KINDS:
        for place in _PLACES:
            file = folder / place / f"{name}.{form}"
            if not file.is_file():
                continue
            held = file.read_bytes()
            if form == "svg":
                title = _TITLE.search(held[:4000].decode("utf-8", "replace"))
                words = html.unescape(title[1]) if title else words
                if len(held) > MOST_SVG:
                    continue
            text = base64.b64encode(held).decode("ascii")
            return Picture(name, words, f"data:{_KINDS[form]};base64,{text}")
    return None
