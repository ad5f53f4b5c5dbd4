"""The few ways it can go wrong, told as letters to a tired engineer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

UNITS = frozenset("bps kbps mbps gbps tbps ns us ms s min h days m km mi gbit mbit tbit".split())
"""Units in which names end; one for another is wrong by their ratio, so it is never a slip."""
MOST_KNOWN = 20
"""Names that an error lists; the rest is counted."""
LONGEST_KEY, LONGEST_MESSAGE = 200, 5_000
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that move or colour what a terminal shows, or that it cannot show at all."""
LONGEST_WORD = 100  # difflib is quadratic: longer words are never a slip of the finger


class SimulatorError(Exception):
    """Anything the simulator refuses to do."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what the user wrote, and where.

    Attributes
    ----------
    file : str
        The file, or whatever the value came from (`--set a.b=3`).
    line, column : int or None
        Where it stands, counted from 1.
    key : str
        The dotted key, `strategies.sdn.scheme.kind`.
    message : str
        What is wrong, in plain words.
    severity : {"error", "warning"}
        A warning does not stop the run.
    """

    file: str
    line: int | None
    column: int | None
    key: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        mark = "warning: " if self.severity == "warning" else ""
        key = self.key if len(self.key) <= LONGEST_KEY else f"{self.key[: LONGEST_KEY - 1]}…"
        message = mark + self.message
        if more := max(0, len(message) - LONGEST_MESSAGE):  # a word of a broken file is in it
            message = f"{message[:LONGEST_MESSAGE]}… and {more:,} characters more"
        return printable(": ".join(part for part in (place, key, message) if part))


class InputError(SimulatorError, ValueError):
    """What the user wrote cannot be used; holds every problem found.

    Parameters
    ----------
    problems : iterable of Problem
        All of them, so that one reading mends the whole file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UnknownName(InputError, KeyError):
    """A name that nothing bears; a KeyError too, as a dictionary raises it."""


def printable(text: str) -> str:
    """Return a text on one line, with control characters as Python writes them."""
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


def refusal(
    path: str | Path,
    message: str,
    line: int | None = None,
    column: int | None = None,
    key: str = "",
) -> InputError:
    """Return the error that refuses *path* for one reason, with its place as far as known."""
    return InputError([Problem(str(path), line, column, key, message)])


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like *word*, or None when nothing is near."""
    if len(word) > LONGEST_WORD:
        return None
    by_plain_form = {_plain_form(candidate): candidate for candidate in candidates}
    found = difflib.get_close_matches(_plain_form(word), by_plain_form, n=1, cutoff=0.6)
    return by_plain_form[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, or nothing when nothing is near."""
    near = nearest(word, candidates)
    if near is None:
        return ""
    units = {_unit(word), _unit(near)}
    other = ", which is in another unit" if len(units) == 2 and "" not in units else ""
    return f"; did you mean {near!r}{other}?"


def known_instead(word: str, candidates: Iterable[str]) -> str:
    """Return what may stand in place of *word*: `; did you mean 'x'? known: w, x and 3 more`."""
    names = list(dict.fromkeys(map(str, candidates)))
    if not names:
        return "; there are none"
    left = len(names) - MOST_KNOWN
    more = f" and {left:,} more" if left > 0 else ""
    return f"{did_you_mean(word, names) or ';'} known: {', '.join(names[:MOST_KNOWN])}{more}"


def unknown_name(message: str, word: str, candidates: Iterable[str]) -> UnknownName:
    """Return the error for a *word* that names nothing: *message*, and what there is instead."""
    told = f"{message}{known_instead(word, candidates)}"
    return UnknownName([Problem("", None, None, "", told)])


def _unit(name: str) -> str:
    """Return the unit that a name ends in, `gbps` of `capacity_gbps`; nothing if it has none."""
    last = _plain_form(name).rpartition("_")[2]
    return last if last in UNITS else ""


def _plain_form(word: str) -> str:
    return word.casefold().replace("-", "_")
