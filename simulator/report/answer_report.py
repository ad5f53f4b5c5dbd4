"""Answer report: what the page of a study shows, from its folder, whatever study wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.base.text import plain
from simulator.provenance import INPUTS, digest
from simulator.report.assumptions import grounds_of_inputs
from simulator.report.pictures import kept_pictures
from simulator.report.shown_tables import file_table, first_sentence, section_table
from simulator.results.folder import RUN_JSON
from simulator.study.answer_file import read_answer


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
