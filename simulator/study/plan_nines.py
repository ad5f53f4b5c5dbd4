"""Plan nines: the cheapest upgrades that keep a promise for a share of time, and their price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.base.errors import InputError, Problem, known_instead
from simulator.model.reliability import capacity_under
from simulator.optimise.availability_program import AvailabilityProgram, Kept, Promise
from simulator.optimise.failure_sets import MOST_SETS, TooManySets, all_sets, likely_sets
from simulator.study.plan_case import PlanCase
from simulator.study.plan_rows import exits_of

DEFAULT_LEVELS = (0.99, 0.999, 0.9999)
ALL = "all"
EXAMPLES = "'600 Gbps to region-europe' or '70 % of all'"
_MOST_ELEMENTS = 13
_LEAST = (1e-8, 1e-7, 1e-6, 1e-5)
"""Where there are too many elements for all states, those that are at least as likely as this."""
_LISTED = 30_000
_PART = re.compile(r"(?P<size>\d+(?:\.\d+)?) ?(?P<unit>Gbps|%) (?:to|of) (?P<scope>\S+)")


@dataclass(frozen=True, eq=False)
class Commitment:
    """What is promised.

    Attributes
    ----------
    words : str
    gbps : mapping of str to ndarray
        Of every end abroad of a direction.
    """

    words: str
    gbps: Mapping[str, np.ndarray]


def commitment_of(words: str, case: PlanCase) -> Commitment:
    """Return what words promise: one or more parts with commas between, all kept at once.

    Raises
    ------
    InputError
        They are none, or name no end abroad.
    """
    gbps = {way: np.zeros(len(side.ends)) for way, side in case.sides.items()}
    for part in words.split(","):
        found = _PART.fullmatch(" ".join(part.split()))
        if not found or not float(found["size"]) > 0:
            raise _wrong("commit", f"expected a commitment such as {EXAMPLES}, found {words!r}")
        _promise(gbps, float(found["size"]), found["unit"], found["scope"], case)
    return Commitment(", ".join(" ".join(part.split()) for part in words.split(",")), gbps)


def _promise(
    gbps: dict[str, np.ndarray], size: float, unit: str, scope: str, case: PlanCase
) -> None:
    known = False
    for way, side in case.sides.items():
        names = [case.network.nodes[end] for end in side.ends.tolist()]
        stated = np.bincount(side.far, case.demand.demands.gbps[side.mine], len(names))
        chosen = np.array([scope in (ALL, name) for name in names])
        known |= bool(chosen.any())
        if unit == "%":
            gbps[way] += np.where(chosen, size / 100.0 * stated, 0.0)
        elif scope == ALL:
            gbps[way] += size * stated / stated.sum()
        else:
            gbps[way] += np.where(chosen, size, 0.0)
    if not known:
        ends = [case.network.nodes[end] for side in case.sides.values() for end in side.ends]
        message = f"no end abroad named {scope!r}{known_instead(scope, [ALL, *ends])}"
        raise _wrong("commit", message)


def nine_rows(
    case: PlanCase, commitments: Sequence[Commitment], levels: Sequence[float]
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield a row for each commitment and share of time, and rows of what is bought for it."""
    states = _states(case)
    for commitment in commitments:
        program = _program(case, commitment, *states)
        for level in sorted(levels):
            kept = program.kept(level)
            yield _row(case, commitment, level, kept, states[0]), _bought(
                case, commitment, level, kept)  # fmt: skip


def _states(case: PlanCase) -> tuple[np.ndarray, np.ndarray]:
    """States with the probability of each: all of them, or those that are likely enough."""
    q = np.array([each.unavailability for each in case.elements])
    if len(q) <= _MOST_ELEMENTS:
        return all_sets(q)
    for least in _LEAST:
        try:
            return likely_sets(q, least, exactly=True, most=min(_LISTED, MOST_SETS))
        except TooManySets:
            continue
    message = f"{len(q)} elements make too many states; let fewer kinds fail with --of"
    raise _wrong("availability", message)


def _program(
    case: PlanCase, commitment: Commitment, down: np.ndarray, chance: np.ndarray
) -> AvailabilityProgram:
    network = case.network
    whole = np.where(network.up, network.capacity_gbps, 0.0)
    kept = capacity_under(network, case.elements, down)
    left = np.divide(kept, whole, out=np.zeros_like(kept), where=whole > 0)
    promises = [
        Promise(way, commitment.gbps[way], side.cuts, side.ways, side.by_flow, left)
        for way, side in case.sides.items() if commitment.gbps[way].any()
    ]  # fmt: skip
    return AvailabilityProgram(case.orders, promises, down, chance)


def _row(
    case: PlanCase, commitment: Commitment, level: float, kept: Kept, down: np.ndarray
) -> dict[str, Any]:
    head = {"commitment": commitment.words, "availability": level, "now": kept.now}
    tail = {"hopeless": kept.hopeless, "states": kept.decided}
    if kept.modules is None:
        worst = [case.elements[i].id for i in np.flatnonzero(down[kept.worst]).tolist()]
        nan = float("nan")
        status = (
            f"nothing that can be bought keeps it for {kept.hopeless:.2g} of the time, above all"
            f" with {' + '.join(worst) or 'nothing'} down"
        )
        return {**head, "cost": nan, "bound": nan, "gap": nan, "reached": nan, "gbps": nan,
                "augments": nan, **tail, "status": status}  # fmt: skip
    sizes = np.array([each.module_gbps for each in case.market.augments])[case.orders.offer]
    there = exits_of(case)[case.orders.offer]
    gap = 1.0 - kept.bound / kept.cost if kept.cost > 0 else 0.0
    status = "" if gap < 1e-9 else f"not proven: {kept.bound:,.6g} or more"
    return {
        **head, "cost": kept.cost, "bound": kept.bound, "gap": max(gap, 0.0),
        "reached": kept.reached, "gbps": float((sizes * kept.modules)[there].sum()),
        "augments": int(kept.modules.sum()), **tail, "status": status,
    }  # fmt: skip


def _bought(
    case: PlanCase, commitment: Commitment, level: float, kept: Kept
) -> list[dict[str, Any]]:
    if kept.modules is None:
        return []
    found = []
    for i in np.flatnonzero(kept.modules).tolist():
        augment, count = case.market.augments[case.orders.offer[i]], int(kept.modules[i])
        found.append({
            "commitment": commitment.words, "availability": level, "element": augment.beside,
            "kind": augment.kind, "module_gbps": augment.module_gbps, "modules": count,
            "gbps": count * augment.module_gbps, "cost": count * augment.price,
        })  # fmt: skip
    return found


def require_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Return shares of time, none twice.

    Raises
    ------
    InputError
        One is no share below 1.
    """
    for each in levels:
        if not 0 < each < 1:
            message = f"expected a share of time above 0 and below 1, found {each:g}"
            raise _wrong("availability", message)
    return tuple(dict.fromkeys(float(each) for each in levels))


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
