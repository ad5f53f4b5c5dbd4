"""Words: the first sentence of an export, and what routers drop of the decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulator.base.text import counted
from simulator.export.decided import Decided, Decision
from simulator.export.steps import Step
from simulator.model.exit_shares import PER_CENT

HOP_BY_HOP = ("region", "prefix_groups")
"""Ways of carrying in which all routers choose by destination, without tunnels."""
_ROUNDING = 1e-6


def sentence(
    strategy: str, decisions: Sequence[Decision], steps: Sequence[Step], is_day: bool, when: str
) -> str:
    """Return what was written: how many decisions, and what whole per cents changed of them."""
    some = [each for each in decisions if each.ways]
    split = sum(len(each.ways) > 1 for each in some)
    how = f"{len(some) - split:,} by one exit, {split:,} split"
    if is_day:
        what = f"Wrote the decisions of {strategy}, {when}: {_course(steps)}; in all {how}"
    else:
        what = f"Wrote {counted(len(some), 'decision')} of {strategy} {when}: {how}"
    share, gbps = _rounded(some)
    if share < _ROUNDING:
        return f"{what}; shares were whole per cents already."
    lost = f"at most {share:.4f} of a share lost to whole per cents"
    return f"{what}; {lost}." if is_day else f"{what}; {lost}, {gbps:.2f} Gbps in all."


def _course(steps: Sequence[Step]) -> str:
    """Return how many decisions there are at first, and how often they change."""
    first = counted(len(steps[0].changes), "decision")
    if len(steps) == 1:
        return f"{first}, and no change"
    changes = counted(sum(len(step.changes) for step in steps[1:]), "change")
    return f"{first} first, then {changes} at {counted(len(steps) - 1, 'instant')}"


def notes(
    decided: Decided, decisions: Sequence[Decision], others: int, carried_by: str
) -> Iterator[str]:
    """Yield what routers do not do as decided, a sentence each.

    Parameters
    ----------
    others : int
        Replications besides the one that is written.
    carried_by : str
        How decisions are carried in the simulation; empty where they are as decided.
    """
    some = [each for each in decisions if each.ways]
    if dropped := sum(len(each.asked.shares) - len(each.ways) for each in some):
        yield (f"Shares below one per cent, given to other exits of their decisions: {dropped:,}.")
    if partly := sum(_served(each) < 1 - _ROUNDING for each in some):
        yield (
            f"Decisions on a part of the traffic, the rest being throttled or left to static"
            f" routes: {partly:,}; routers send all of it by these exits."
        )
    if merged := sum(each.asked.demands > 1 for each in some):
        yield (
            f"Decisions that stand for several services of a pair, weighed by rate: {merged:,};"
            " routers tell destinations apart, not services."
        )
    yield from _inner(some)
    if carried_by in HOP_BY_HOP:
        yield (
            f"Simulated as carried by {carried_by}, hop by hop; written as weights at each"
            " province, which takes tunnels to the exits."
        )
    if decided.inbound:
        yield (
            f"Inbound decisions of {counted(decided.inbound, 'pair')} are left out: neighbours"
            " choose where inbound traffic comes in."
        )
    if others:
        yield f"Other replications, which decided otherwise, are left out: {others:,}."


def _served(decision: Decision) -> float:
    return sum(decision.asked.shares.values())


def _inner(some: Sequence[Decision]) -> Iterator[str]:
    """Yield what is known of paths inside, which no form carries."""
    igp = np.array([each.asked.igp_share for each in some])
    whole = np.array([_served(each) for each in some])
    gbps = np.array([each.asked.gbps for each in some])
    known = ~np.isnan(igp)
    other = known & (igp < whole - _ROUNDING)
    if other.any():
        load = float((gbps * (whole - igp))[other].sum() / max(float((gbps * whole).sum()), 1e-12))
        yield (
            f"Decisions with paths inside or beyond the exit that are not the IGP's:"
            f" {int(other.sum()):,}, {PER_CENT * load:.1f} % of the traffic; routers take the"
            " IGP's."
        )
    if not known.all():
        yield "Whether paths inside are the IGP's is not known: routers take the IGP's."


def _rounded(some: Sequence[Decision]) -> tuple[float, float]:
    """Return the largest change of a share by rounding, and the traffic that it moves."""
    largest, moved = 0.0, 0.0
    for each in some:
        served = _served(each)
        apart = [
            abs(share / served - each.ways.get(name, 0) / PER_CENT)
            for name, share in each.asked.shares.items()
        ]
        largest = max(largest, *apart)
        moved += each.asked.gbps * served * sum(apart) / 2
    return largest, moved
