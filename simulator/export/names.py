"""Names: ids from input files, made safe for configurations, file names and shell scripts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_HOSTNAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._:;/+()@,%='-]")
_LONGEST, _DIGITS = 30, 8
_LONGEST_COMMENT = 200


def hostnames(ids: Iterable[str]) -> dict[str, str]:
    """Return a name for each id that routers and file systems take, no two the same.

    An id of at most 40 small letters, digits and hyphens is its own name. Any other gets what is
    left of it without all else, and eight digits of a digest of the whole id.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    whole = sorted(set(ids), key=lambda each: (not _is_hostname(each), each))
    for each in whole:
        name, digits = each, _DIGITS
        while not _is_hostname(name) or name in taken:
            name = f"{_left(each)}-{_digest(each)[:digits]}"
            digits += 1
        names[each] = name
        taken.add(name)
    return names


def comment(text: str) -> str:
    """Return a text for a comment or description: one line of plain ASCII, the rest underscores."""
    return _UNSAFE.sub("_", text)[:_LONGEST_COMMENT]


def _is_hostname(text: str) -> bool:
    return _HOSTNAME.fullmatch(text) is not None


def _left(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST].strip("-") or "node"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
