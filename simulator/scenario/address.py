"""Address: which elements of a network the key of a change names: by id, in quotes, by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from simulator.base.errors import did_you_mean, nearest

QUOTED = re.compile(r"""(?<=\.)("[^"]*"|'[^']*')(?=[.=\s]|$)""")
"""An id in quotes within a key: taken as it is, with its dots and stars."""
_WILD = re.compile(r"[*?]")


class Address(NamedTuple):
    """What a key says after its section.

    Attributes
    ----------
    section : str
        ``links``, ``exits``, ``cables``, ``nodes`` or ``regions``.
    id : str
        An id, or a pattern of ids in which ``*`` stands for any letters and ``?`` for one.
    attribute : str
        What of the elements; empty for the elements themselves.
    literal : bool
        Whether the id stood in quotes, and is no pattern.
    """

    section: str
    id: str
    attribute: str
    literal: bool

    @classmethod
    def of(cls, key: str, *, whole: bool = False) -> Address:
        """Take a key apart: of ids with dots, the last part is the attribute, unless *whole*."""
        section, _, rest = key.partition(".")
        if quoted := QUOTED.match(key, len(section) + 1):
            return cls(section, quoted[0][1:-1], key[quoted.end() :].lstrip("."), True)
        if whole:
            return cls(section, rest, "", False)
        found, _, attribute = rest.rpartition(".")
        return cls(section, found, attribute, False)

    @property
    def is_pattern(self) -> bool:
        """Whether the id may stand for several."""
        return not self.literal and bool(_WILD.search(self.id))

    def among(self, ids: Sequence[str], noun: str) -> tuple[str, ...]:
        """Return the ids that are meant; an id that is just so is preferred to a pattern.

        Raises
        ------
        KeyError
            There is none; the message names the nearest.
        """
        if self.id in ids:
            return (self.id,)
        if not self.is_pattern:
            raise KeyError(f"no {noun} named {self.id!r}{did_you_mean(self.id, ids)}")
        found = tuple(each for each in ids if _fits(self.id, each))
        if not found:
            raise KeyError(f"no {noun} is like {self.id!r}{_like(self.id, ids)}")
        return found


def masked(text: str) -> str:
    """Return a text in which ids in quotes are blank, so that signs outside of them are found."""
    return QUOTED.sub(lambda found: "_" * len(found[0]), text)


def _fits(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _like(pattern: str, ids: Iterable[str]) -> str:
    """Return the nearest pattern that would match: its begin or end as ids have it."""
    ids = list(ids)
    near = _with_known_begin(pattern, ids)
    if near is None and (turned := _with_known_begin(pattern[::-1], [x[::-1] for x in ids])):
        near = turned[::-1]
    if near is not None:
        return f"; did you mean {near!r}?"
    return did_you_mean(_WILD.sub("", pattern), ids) or f"; there are {len(ids):,}"


def _with_known_begin(pattern: str, ids: Sequence[str]) -> str | None:
    """Return the pattern with its first letters as some id has them, if it would match then."""
    head = _WILD.split(pattern)[0]
    sizes = range(max(len(head) - 1, 1), len(head) + 3) if head else ()
    begin = nearest(head, dict.fromkeys(each[:size] for size in sizes for each in ids))
    if begin is None:
        return None
    near = begin + pattern[len(head) :]
    return near if any(_fits(near, each) for each in ids) else None
