"""Directed arcs, as many files list them, become full-duplex links."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple


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
