"""Whole: a file appears at its place when it is written to the end, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = "the disk is full; make room there"
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "the quota of this disk is used up; make room there",
    errno.EFBIG: "a file would be larger than files may be there",
    errno.EROFS: "that disk is read-only",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.ENOENT: "there is no such folder, and none can be made",
}


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a name beside *path* to write to; at the end of the block it becomes *path*.

    Raises
    ------
    OSError
        Names *path*, not the file beside it.
    """
    name = f".{path.name[:40]}.unfinished-{os.getpid()}-{secrets.token_hex(4)}"
    unfinished = path.with_name(name)
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)


def why_not_written(error: OSError) -> str:
    """Return in words why something could not be written."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)
