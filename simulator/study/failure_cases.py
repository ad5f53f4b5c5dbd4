"""Failure cases: the sets of faults that a screening tries, and the states they leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import counted
from simulator.model.faults import Fault
from simulator.model.network import Network

KINDS = {
    "links": "link",
    "nodes": "node",
    "cables": "cable",
    "gateways": "gateway",
    "exits": "link",
}
"""What can be asked to fail, and the kind of fault that it is."""
MOST_TOGETHER = 2
MOST_CASES = 100_000
NOTHING = "no failure"


class FailureCase(NamedTuple):
    """Faults that hold at once.

    Attributes
    ----------
    name : str
        ``cable TPE``, or several of these with `` + `` between.
    faults : tuple of Fault
    """

    name: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, eq=False)
class States:
    """The states of a network that some cases leave, each once.

    Attributes
    ----------
    faults : sequence of tuple of Fault
        Of the first case that leads to each state; none for the first state, the network itself.
    up : ndarray of bool, shape (states, arcs)
    capacity_gbps : ndarray, shape (states, arcs)
        Zero where an arc is down.
    of_case : ndarray of int, shape (cases,)
    """

    faults: Sequence[tuple[Fault, ...]]
    up: np.ndarray
    capacity_gbps: np.ndarray
    of_case: np.ndarray

    @classmethod
    def of(cls, network: Network, cases: Iterable[FailureCase]) -> States:
        """Let all cases happen to a network; cases that leave the same have one state.

        What is not on the network, as in a drawn world, takes nothing away.
        """
        row = network.resources.row
        there = ([f for f in case.faults if (f.kind, f.target) in row] for case in cases)
        known: dict[bytes, int] = {}
        faults: list[tuple[Fault, ...]] = []
        masks: list[tuple[np.ndarray, np.ndarray]] = []
        places = []
        for each in [(), *map(tuple, there)]:
            hurt = network.after(each)
            up = hurt.up & (hurt.capacity_gbps > 0)
            capacity = np.where(up, hurt.capacity_gbps, 0.0)
            place = known.setdefault(capacity.tobytes(), len(known))
            if place == len(masks):
                masks.append((up, capacity))
                faults.append(each)
            places.append(place)
        up, capacity = (np.array(each) for each in zip(*masks, strict=True))
        return cls(faults, up, capacity, np.array(places[1:], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.faults)

    def take(self, which: np.ndarray) -> States:
        """Return some of the states, in this order."""
        some = [self.faults[i] for i in which]
        return States(some, self.up[which], self.capacity_gbps[which], np.arange(len(which)))


def words_of(of: str | Iterable[str]) -> tuple[str, ...]:
    """Return what is asked to fail, each once, from ``links,cables`` or a list of such.

    Raises
    ------
    InputError
        A word is none of ``KINDS``, or there is none.
    """
    given = [of] if isinstance(of, str) else list(of)
    words = [word.strip() for each in given for word in str(each).split(",") if word.strip()]
    for word in words:
        if word not in KINDS:
            raise _wrong("of", f"nothing of the kind {word!r} fails{known_instead(word, KINDS)}")
    if not words:
        raise _wrong("of", f"expected one or more of {', '.join(KINDS)}, found none")
    return tuple(dict.fromkeys(words))


def failure_cases(
    network: Network, of: Sequence[str], together: int, *, any_size: bool = False
) -> list[FailureCase]:
    """Return every case of so many faults at once, among the elements of some kinds.

    Parameters
    ----------
    of : sequence of str
        Words of ``KINDS``.
    together : int
        Faults at once, 1 or 2.
    any_size : bool
        Allow more than ``MOST_CASES``.

    Raises
    ------
    InputError
        The network has nothing of a kind, or there are too few elements or too many cases.
    """
    if together not in range(1, MOST_TOGETHER + 1):
        raise _wrong("k", f"expected 1 or {MOST_TOGETHER} failures at once, found {together}")
    single = dict[Fault, str]()
    for word in of:
        found = list(_elements(network, word))
        if not found:
            raise _wrong("of", f"{network.name} has no {word}; others may fail: {_others(network)}")
        for target in found:
            single.setdefault(Fault(KINDS[word], target), f"{word.removesuffix('s')} {target}")
    count = comb(len(single), together)
    if not count:
        raise _wrong("k", f"{network.name} has {counted(len(single), 'such element')}: no pair")
    if count > MOST_CASES and not any_size:
        raise _wrong("k", f"{count:,} cases; more than {MOST_CASES:,} need --any-size")
    return [
        FailureCase(" + ".join(single[fault] for fault in faults), faults)
        for faults in combinations(single, together)
    ]


def _elements(network: Network, word: str) -> Iterator[str]:
    """Yield the ids of what may fail; regions abroad stand for their traffic and do not."""
    if word == "exits":
        yield from (network.links[i] for i in network.exits)
    elif word == "nodes":
        kinds = zip(network.nodes, network.node_kind, strict=True)
        yield from (node for node, kind in kinds if kind != "region")
    else:
        yield from (of for kind, of in network.resources.row if kind == KINDS[word])


def _others(network: Network) -> str:
    return ", ".join(word for word in KINDS if any(True for _ in _elements(network, word)))


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
