"""Directed arcs, as many files list them, become full-duplex links."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Pairs(NamedTuple):
    """Directed arcs as full-duplex links, by position.

    Attributes
    ----------
    both : list of (int, int)
        An arc and the one back.
    loops : list of (int, int)
        An arc from a node to itself, twice.
    alone : list of int
        Other arcs without one back.
    """

    both: list[tuple[int, int]]
    loops: list[tuple[int, int]]
    alone: list[int]

    @property
    def links(self) -> list[tuple[int, int]]:
        """Arcs there and back, loops included, in the order of the file."""
        return sorted([*self.both, *self.loops])


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
    loops = [(arc, arc) for arc in left if ends[arc][0] == ends[arc][1]]
    return Pairs(sorted(both), loops, [arc for arc in left if ends[arc][0] != ends[arc][1]])
