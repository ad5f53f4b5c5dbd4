"""Output: text and JSON on standard output, messages on standard error, and exit codes."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.study.answer import Answer

RUN_TIME_FAILURE, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
_SPELT_OUT = {
    "±": "+/-",
    "–": "-",
    "—": "-",
    "…": "...",
    "×": "x",
    "≥": ">=",
    "≤": "<=",
    "↕": "range",
}


def print_text(text: str) -> None:
    """Print to standard output; a reader that left early, as ``head`` does, is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: Any) -> None:
    """Print JSON to standard output."""
    print_text(json.dumps(value, indent=1, allow_nan=False, default=str))


def print_error(message: object) -> None:
    """Print a message to standard error."""
    print(message, file=sys.stderr)


def print_answer(answer: Answer, below: str = "", *, as_json: bool, quiet: bool) -> None:
    """Print what a study found, as JSON or as text.

    *below* is a line on where all of it is; ``{folder}`` in it becomes the folder of the answer.
    """
    if as_json:
        print_json(answer.to_json())
    elif not quiet:
        where = below.replace("{folder}", folder_text(answer.folder))
        print_text(f"{answer}\n\n{where}" if where else str(answer))


def folder_text(folder: Path) -> str:
    """Return a folder as a user of the current directory writes it, with a slash at the end."""
    near = os.path.relpath(folder)
    return f"{folder if near.startswith(os.pardir) else near}{os.sep}"


def tolerate_plain_terminals() -> None:
    """Let a terminal that cannot show a letter print a replacement."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_spell_out.__name__)


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(_SPELT_OUT.get(letter, "?") for letter in letters), error.end


codecs.register_error(_spell_out.__name__, _spell_out)
