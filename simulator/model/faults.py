"""Fault: a target on a network that fails, wholly or in part; and the kinds of faults."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from simulator.base.errors import did_you_mean
from simulator.base.registry import Registered, Registry


class FaultKind(Registered):
    """A kind of fault: one file in ``fault_kinds/``.

    Its name is the key of its targets in the events of a scenario. Its docstring describes that
    key; lists show its first line.

    Attributes
    ----------
    partial : bool
        Whether a fault may take a part of its target. What it takes are shares of the installed
        capacity: they add up, and a link with nothing left is down. A fault that is not partial
        takes down every link that rides on its target, and leaves the capacity as it is.
    verb : str
        What a target does, or what is done to it.
    """

    partial: ClassVar[bool] = False
    verb: ClassVar[str] = "down"

    @abstractmethod
    def shares(self, network: Any) -> Mapping[str, Mapping[int, float]]:
        """Return what rides on every target.

        Called once for each network.

        Returns
        -------
        mapping of str to mapping of int to float
            For every target, in the order of the file: positions of links in ``network.links``,
            and the share of each that fails with the target, above 0 and at most 1.
        """

    def targets(self, network: Any) -> tuple[str, ...]:
        """Return the ids of all targets on the network, in the order of the file."""
        return tuple(self.shares(network))

    def stands_for(self, network: Any) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return kinds and targets that a fault of a target stands for, each failing by its part.

        Such a fault is replaced by theirs where faults are merged, so that what fails twice is
        counted once. A target that is not named stands for itself. Called once for each network.
        """
        return {}

    def words(self, target: str, part: float) -> str:
        """Return a fault in words: ``cable TPE cut (40%)``."""
        percent = "" if part == 1.0 else f" ({part:.0%})"
        return f"{self.kind} {target} {self.verb}{percent}"


fault = Registry("fault kind", "simulator.model.fault_kinds", contract=FaultKind)


@dataclass(frozen=True)
class Fault:
    """A target that fails.

    Attributes
    ----------
    kind : str
        Kind of fault: a name of the registry, such as ``cable``, ``link`` or ``place``.
    target : str
        Id of what fails.
    part : float
        Part of it that fails, from 0 to 1; below 1 for partial kinds only.

    Examples
    --------
    >>> str(Fault("cable", "TPE", 0.4))
    'cable TPE cut (40%)'
    """

    kind: str
    target: str
    part: float = 1.0

    def __str__(self) -> str:
        return str(fault.make(self.kind).words(self.target, self.part))


def merged(faults: Iterable[Fault]) -> frozenset[Fault]:
    """Return one fault for every target; parts of one target add up to at most all of it.

    The order of the faults does not matter to the last bit.
    """
    parts: dict[tuple[str, str], list[float]] = {}
    for each in faults:
        parts.setdefault((each.kind, each.target), []).append(each.part)
    return frozenset(Fault(*of, min(1.0, math.fsum(each))) for of, each in parts.items())


@dataclass(frozen=True, eq=False)
class Resources:
    """Everything that can fail on a network: a row for every target of every kind of fault.

    Attributes
    ----------
    share : csr_array, shape (resources, links)
        Share of every link that rides on the resource.
    row : mapping of (str, str) to int
        Row of every kind and target.
    partial : ndarray of bool, shape (resources,)
        Whether a part of it may fail.
    stands_for : mapping of (str, str) to tuple of (str, str)
        Kinds and targets whose faults take the place of a fault of this one.
    """

    share: sparse.csr_array
    row: Mapping[tuple[str, str], int]
    partial: np.ndarray
    stands_for: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]

    @classmethod
    def of(cls, network: Any) -> Resources:
        """Ask every kind of fault once for what rides on its targets."""
        row: dict[tuple[str, str], int] = {}
        partial: list[bool] = []
        entries: list[tuple[int, int, float]] = []
        groups: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        for kind in map(fault.make, fault.names()):
            for target, links in kind.shares(network).items():
                entries += [(len(row), link, share) for link, share in links.items() if share]
                row[kind.kind, target] = len(row)
                partial.append(kind.partial)
            groups |= {(kind.kind, of): each for of, each in kind.stands_for(network).items()}
        at, link, share = np.array(entries, dtype=float).reshape(-1, 3).T
        shape = (len(row), len(network.links))
        indices = at.astype(np.int64), link.astype(np.int64)
        shares = sparse.csr_array((share, indices), shape=shape)
        return cls(shares, row, np.array(partial, bool), groups)

    def spelled_out(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return the faults, with those of a group in place of each that stands for a group."""
        return [
            Fault(kind, target, each.part)
            for each in faults
            for kind, target in self.stands_for.get(
                (each.kind, each.target), ((each.kind, each.target),)
            )
        ]

    def row_of(self, kind: str, target: str) -> int:
        """Return the row of a target.

        Raises
        ------
        KeyError
            No such target; the message names the nearest.
        InputError
            No such kind of fault.
        """
        if (kind, target) not in self.row:
            noun = fault[kind].kind  # refuses an unknown kind
            known = [name for of, name in self.row if of == noun]
            raise KeyError(f"no {noun} named {target!r}{did_you_mean(target, known)}")
        return self.row[kind, target]

    def require(self, faults: Iterable[Fault]) -> None:
        """Refuse faults of unknown targets, and parts that cannot fail.

        Raises
        ------
        KeyError
            No such target.
        ValueError
            A part that is not from 0 to 1, or not 1 where no part can fail.
        """
        for each in faults:
            partial = self.partial[self.row_of(each.kind, each.target)]
            if not (0 <= each.part <= 1 if partial else each.part == 1):
                wanted = "a share from 0 to 1" if partial else "all of it"
                raise ValueError(
                    f"a {each.kind} loses {wanted}, found {each.part} of {each.target}"
                )

    def taken(self, faults: Iterable[Fault]) -> tuple[np.ndarray, np.ndarray]:
        """Return what merged faults take.

        Returns
        -------
        left : ndarray of float, shape (links,)
            Share of the installed capacity that partial faults leave.
        down : ndarray of bool, shape (links,)
            Links that other faults take down.
        """
        # In the order of the rows, so that a sum does not depend on the order of the faults.
        by_row = sorted((self.row[each.kind, each.target], each.part) for each in faults)
        rows = np.array([row for row, _ in by_row], dtype=np.int64)
        parts = np.array([part for _, part in by_row], dtype=float)
        cut = self.partial[rows]
        links = self.share.shape[1]
        riding = self.share[rows[cut]]
        taken = riding.data * np.repeat(parts[cut], np.diff(riding.indptr))
        left = np.clip(1.0 - np.bincount(riding.indices, taken, links), 0.0, 1.0)
        left[left < 1e-12] = 0.0
        down = np.zeros(links, dtype=bool)
        down[self.share[rows[~cut]].indices] = True
        return left, down


def descriptions() -> dict[str, str]:
    """Return every kind of fault, which is its key in an event, with its docstring in one line."""
    return {name: " ".join((inspect.getdoc(fault[name]) or "").split()) for name in fault.names()}
