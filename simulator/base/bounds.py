"""Bounds: how much a file may hold, so that reading ends, and the word that lifts these bounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LIFTS = "--any-size (any_size=True in Python) reads it all the same, if memory suffices"
"""What every refusal for size ends in."""

_lifted: ContextVar[bool] = ContextVar("any_size", default=False)


@contextmanager
def any_size(wanted: bool = True) -> Iterator[None]:
    """Read files of any size within this context, if *wanted*; a bound that is lifted stays so.

    Not lifted are bounds against files that are built to unfold: depth, aliases, long names.
    """
    token = _lifted.set(_lifted.get() or wanted)
    try:
        yield
    finally:
        _lifted.reset(token)


def are_lifted() -> bool:
    """Return whether files of any size are read."""
    return _lifted.get()


def exceeds(size: float, most: float) -> bool:
    """Return whether a size is above its bound, unless bounds are lifted."""
    return size > most and not are_lifted()


def bytes_to_read(most: int) -> int:
    """Return how many bytes to ask for: one above the bound tells that there are more."""
    return -1 if are_lifted() else most + 1
