"""Answer report: what the page of a study shows, from its folder, whatever study wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulator.base.text import plain
from simulator.figures.figure import NothingToShow
from simulator.figures.load_map import LoadMap
from simulator.provenance import INPUTS, digest
from simulator.report.assumptions import grounds_of_inputs
from simulator.report.pictures import Picture, drawn_pictures, kept_pictures
from simulator.report.shown_tables import file_table, first_sentence, section_table
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.study.answer_file import read_answer
from simulator.study.whatif import MARK as WHATIF

MOST_MAPS = 4
"""Maps of a what-if: of the baseline and of the first changes."""


def answer_content(folder: Path) -> dict[str, Any]:
    """Return what the page of a study shows."""
    found = read_answer(folder)
    kind, _, title = found["title"].partition(": ")
    inputs = _inputs(folder)
    tables = [file_table(file) for file in sorted(folder.glob("*.csv"))]
    return {
        "kind": plain(kind) if title else "Answer",
        "title": plain(title or kind),
        "sentence": first_sentence(found["sentence"]),
        "head": [plain(line) for line in found.get("head", ())],
        "sections": [section_table(each) for each in found["sections"]],
        "foot": [plain(line) for line in found.get("foot", ())],
        "pictures": kept_pictures(folder, found.get("figures", ())),
        "maps": _maps(folder),
        "tables": [each for each in tables if each is not None],
        "runs": [file.parent.name for file in sorted(folder.glob(f"*/{RUN_JSON}"))],
        "grounds": grounds_of_inputs(inputs) if inputs else None,
        "command": found.get("command", ""),
        "inputs": [(file.name, digest(file)) for file in sorted(inputs.iterdir())]
        if inputs
        else [],
        "versions": list(found.get("versions", {}).items()),
        "data": None,
    }


def _inputs(folder: Path) -> Path | None:
    """Return where a study kept its inputs: in its own folder, or in that of its first run."""
    places = (folder / INPUTS, folder / "baseline" / INPUTS)
    return next((place for place in places if place.is_dir()), None)


def _maps(folder: Path) -> list[tuple[str, Picture]]:
    """Return the map of the baseline and of each change of a what-if, at one moment.

    It is that at which the baseline has its fullest exit. There are `MOST_MAPS` at most, and none
    where no node has coordinates, or where the folder is of another study.
    """
    if not (folder / WHATIF).is_file():
        return []
    folders = json.loads((folder / WHATIF).read_text(encoding="utf-8"))["folders"]
    shown = list(folders.items())[:MOST_MAPS]
    try:
        at_s = LoadMap().data(Results(folder / shown[0][1])).at_s
        drawn = [
            drawn_pictures(
                Results(folder / each), ["load_map"], at_h=at_s / 3600.0, asked=True, width="column"
            )
            for _, each in shown
        ]
    except NothingToShow:
        return []
    return [(plain(name), picture) for (name, _), (picture,) in zip(shown, drawn, strict=True)]
