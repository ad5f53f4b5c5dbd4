"""Places: each id has a number of its own that stays when other ids come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from simulator.base.errors import InputError, Problem


def places(ids: Iterable[str], count: int, what: str) -> dict[str, int]:
    """Return a number below *count* for each id, no two the same.

    The number of an id is a digest of its name. Of ids whose digests meet, the first in the
    alphabet has that number and the others take the next that is free. So an id that is added
    moves others only where digests meet.

    Parameters
    ----------
    what : str
        What the ids are, for messages: ``ends abroad``.

    Raises
    ------
    InputError
        There are more ids than numbers.
    """
    names = sorted(set(ids))
    if len(names) > count:
        message = f"{len(names):,} {what}; the address plan has room for {count:,}"
        raise InputError([Problem("", None, None, "", message)])
    taken: dict[int, str] = {}
    for name in names:
        at = _digest(name) % count
        while at in taken:
            at = (at + 1) % count
        taken[at] = name
    return {name: at for at, name in sorted(taken.items(), key=lambda each: each[1])}


def _digest(name: str) -> int:
    raw = name.encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(raw).digest()[:8])
