"""Regular: files that end; a reader would wait for a pipe, and never be done with a device."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from simulator.base.errors import refusal

_OTHERS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_there(path: str | Path) -> bool:
    """Return whether a path leads to something; one that the system cannot look for does not."""
    return os.path.exists(path)  # `Path.exists` raises an OSError on a name that is too long


def refuse_special(path: str | Path) -> None:
    """Raise an InputError if *path* is a pipe, a socket or a device."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return  # who opens it is told why
    for is_one, what in _OTHERS:
        if is_one(mode):
            raise refusal(path, f"not a regular file: {what}; save it to a file first")
