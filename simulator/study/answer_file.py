"""Answer file: what a study found, as it is shown, beside the tables in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator.base.errors import SimulatorError
from simulator.base.text import Row
from simulator.base.whole import whole
from simulator.provenance import versions
from simulator.study.answer import Answer, Section

ANSWER = "answer.json"
"""The file by which a folder is known to hold an answer."""
Finish = Callable[[Answer], None]


def keep_answer(answer: Answer, finish: Finish | None = None) -> None:
    """Write an answer into its folder, which is not published yet, then give it to *finish*.

    Every study calls this, so that a report can lay its folder out without knowing the study.
    """
    _write(answer.folder, {**as_shown(answer), "versions": versions()})
    if finish:
        finish(answer)


def as_shown(answer: Answer) -> dict[str, Any]:
    """Return an answer as text and tables of text: what is shown of it, without its folder."""
    words = _without(answer.folder)
    return {
        "title": answer.title,
        "sentence": words(answer.sentence),
        "head": [words(line) for line in answer.head],
        "sections": [_section(section) for section in answer.sections],
        "foot": [words(line) for line in answer.foot],
        "figures": list(answer.figures),
        "tables": list(answer.tables),
    }


def add_command(folder: Path, command: str) -> None:
    """Add the command that gives the same answer, run in the folder."""
    _write(folder, {**read_answer(folder), "command": command})


def read_answer(folder: Path) -> dict[str, Any]:
    """Return what :func:`keep_answer` wrote.

    Raises
    ------
    SimulatorError
        The folder holds no answer that can be read.
    """
    file = folder / ANSWER
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SimulatorError(f"{file} cannot be read: {error}") from None
    missing = {"title", "sentence", "sections"} - set(found if isinstance(found, dict) else ())
    if missing:
        raise SimulatorError(f"{file} holds no answer: it lacks {', '.join(sorted(missing))}")
    return dict(found)


def _write(folder: Path, shown: Mapping[str, Any]) -> None:
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    with whole(folder / ANSWER) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _section(section: Section) -> dict[str, Any]:
    caption, headings, rows, *_ = section
    shown = [{"label": row.label, "cells": list(_cells(row))} for row in rows]
    return {"caption": caption, "headings": list(headings), "rows": shown}


def _cells(row: Row) -> Iterator[list[str]]:
    """Yield the value and the spread of every cell; some studies have plain texts as cells."""
    for each in row.cells:
        value, spread = (each, "") if isinstance(each, str) else each
        yield [str(value), str(spread)]


def _without(folder: Path) -> Callable[[str], str]:
    """Return what takes the path of a folder, which will be another, out of a text."""
    paths = [os.path.abspath(folder), os.path.relpath(folder), str(folder)]
    ways = sorted({f"{path}{os.sep}" for path in paths}, key=len, reverse=True)

    def words(text: str) -> str:
        for way in ways:
            text = text.replace(way, "")
        return text

    return words
