"""What the readers of foreign files share: bytes within limits, units, and arcs made into links."""

from __future__ import annotations

import gzip
import zlib
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from simulator.base.document import KeyPath, dotted, shown
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording

MOST_BYTES = 100_000_000
"""Of a file, unpacked: a bomb stops here."""
MOST_PROBLEMS = 50
TEN_TO_THE = {"bps": 9, "kbps": 6, "mbps": 3, "gbps": 0, "tbps": -3}
"""By how many powers of ten a unit is smaller than Gbps."""

# ---------------------------------------------------------------- files


def refusal(path: str | Path, message: str, line: int | None = None, key: str = "") -> InputError:
    """Return the error that refuses *path* for one reason."""
    return InputError([Problem(str(path), line, None, key, message)])


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, unpacked if its name ends in `.gz`.

    Raises
    ------
    InputError
        It cannot be read, is broken, or is larger than `MOST_BYTES`.
    """
    try:
        with open(path, "rb") as file:
            packed = path.suffix.lower() == ".gz"
            raw = (gzip.GzipFile(fileobj=file) if packed else file).read(MOST_BYTES + 1)
    except EOFError:
        raise refusal(path, "the packed file is cut short") from None
    except gzip.BadGzipFile as error:
        raise refusal(path, f"not a gzip file: {error}") from None
    except zlib.error as error:
        raise refusal(path, f"the packed file is broken: {error}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refusal(path, f"cannot read this file: {reason}") from None
    if len(raw) > MOST_BYTES:
        raise refusal(path, f"larger than {MOST_BYTES // 1_000_000} MB, which is too much to read")
    if not raw.strip():
        raise refusal(path, "the file is empty")
    return raw


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with lines ended by a line feed."""
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise refusal(path, message, line) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def begins_with(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


# ---------------------------------------------------------------- pointing


@dataclass(frozen=True)
class Places:
    """Where nodes and links stand in a file.

    Attributes
    ----------
    file : str
    lines : mapping of str to list of int
        By section, the line of each record.
    """

    file: str
    lines: Mapping[str, Sequence[int | None]]

    def point(
        self,
        path: KeyPath,
        message: str,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a problem with the value at *path*, such as `("links", 3, "a")`."""
        return Problem(self.file, self.line(path), None, dotted(path), message, severity)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of the record at *path*, as far as it is known."""
        if len(path) < 2 or not isinstance(path[1], int):
            return None
        lines = self.lines.get(str(path[0]), ())
        return lines[path[1]] if path[1] < len(lines) else None


def first_of(problems: Sequence[Problem], file: str) -> list[Problem]:
    """Return the first problems, and one that counts the others."""
    more = len(problems) - MOST_PROBLEMS
    if more <= 0:
        return list(problems)
    return [*problems[:MOST_PROBLEMS], Problem(file, None, None, "", f"and {more} more")]


# ---------------------------------------------------------------- units


def in_gbps(value: str | float, unit: str) -> float:
    """Return a finite number of *unit* in Gbps, the same to the last bit whatever the unit."""
    return shifted(value, -TEN_TO_THE[unit])


def shifted(value: str | float, places: int) -> float:
    """Return a finite number times ten to the power of *places*, rounded once."""
    if float(value) == 0:
        return 0.0
    return float(Decimal(value if isinstance(value, str) else repr(float(value))).scaleb(places))


# ---------------------------------------------------------------- arcs


class Pairs(NamedTuple):
    """Directed arcs as full-duplex links: `both` ways, and arcs left `alone`; by position."""

    both: list[tuple[int, int]]
    alone: list[int]


def paired(ends: Sequence[tuple[Hashable, Hashable]], *alike: Sequence[Hashable | None]) -> Pairs:
    """Pair arcs with arcs between the same ends the other way.

    Arcs that are alike come first, those that nothing else tells apart in their order.

    Parameters
    ----------
    ends : sequence of (tail, head)
    *alike : sequences
        What the two arcs of a link share, the surest sign first; None where there is no sign.
        What finds no partner by any of them is paired by its ends alone.
    """
    both: list[tuple[int, int]] = []
    left: list[int] = list(range(len(ends)))
    for sign in (*alike, [True] * len(ends)):
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        unsigned: list[int] = []
        for arc in left:
            (tail, head), mark = ends[arc], sign[arc]
            if mark is None:
                unsigned.append(arc)
            elif tail != head and waiting.get((head, tail, mark)):
                both.append((waiting[head, tail, mark].popleft(), arc))
            else:
                waiting[tail, head, mark].append(arc)
        left = sorted([*unsigned, *(arc for queue in waiting.values() for arc in queue)])
    return Pairs(sorted(both), left)


# ---------------------------------------------------------------- demands


def recording_of(
    network: Network,
    pairs: Sequence[tuple[str, str]],
    gbps: np.ndarray,
    hours: np.ndarray | None = None,
    start: str | None = None,
) -> Recording:
    """Return matrices as a Recording.

    Parameters
    ----------
    network : Network
    pairs : sequence of (source, target)
        Ids of nodes that exist.
    gbps : ndarray, shape (pairs, instants)
        NaN where nothing is known.
    hours : ndarray, shape (instants,), optional
        When each matrix begins; left out for a single one.
    start : str, optional
        Local time of the first.
    """
    source, target = ([pair[end] for pair in pairs] for end in (0, 1))
    demands = Demands.of(network, source, target, np.zeros(len(pairs)))
    return Recording.of(demands, np.zeros(1) if hours is None else hours, gbps, start)


def unknown_node(name: str, network: Network) -> str:
    """Return a message about a node that the network does not have."""
    return f"no node named {shown(name)} in {network.name}{did_you_mean(name, network.nodes)}"


def counted(count: int, noun: str) -> str:
    """Return `1 link` or `3 links`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Iterable[str], most: int = 3) -> str:
    """Return the first words, and how many more there are."""
    words = list(words)
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
