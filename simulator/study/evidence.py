"""Evidence: how a table shows what replications say of a figure, and the words that explain it.

A figure has an interval, or what was seen in its place: how many replications show a rare figure,
or the lowest and the highest of them; see :mod:`simulator.results.intervals` for which.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from simulator.base.text import Cell, Form, cell, number
from simulator.results.intervals import MOST_NEEDED, unseen_share

Estimate = Mapping[str, Any]
"""A row of :func:`simulator.results.statistics.estimates`."""


class Shown(NamedTuple):
    """A figure of a table, or a paired difference of two."""

    estimate: Estimate
    apart: bool = False


def cell_of(shown: Shown | None, form: Form, largest: float) -> Cell:
    """Return a figure as a table shows it; a dash where there is none."""
    if shown is None:
        return Cell("–")
    estimate, apart = shown
    mean, low, high = estimate["mean"], estimate["ci_low"], estimate["ci_high"]
    plain = cell(mean, low, high, form, apart=apart, largest=largest)
    count = estimate["replications"]
    if not math.isfinite(mean) or count < 2 or (math.isfinite(low) and low != high):
        return plain
    if _is_unseen(shown):
        return Cell("none", f"seen in {count}")
    if _is_seldom(shown):
        return Cell(plain.value, _seen(estimate, apart))
    size = max(abs(mean), largest)
    least, most = (number(estimate[end], form, size, sign=apart) for end in ("least", "most"))
    return Cell(plain.value, f"same in {count}" if least == most else f"({least} to {most})")


def explained(lines: Iterable[tuple[str, Iterable[Shown | None]]]) -> Iterator[str]:
    """Yield what a reader of cells without an interval has to know.

    Parameters
    ----------
    lines : iterable of (label, figures)
        Lines of the tables that were shown.
    """
    needs: dict[str, float] = {}
    spans, seldom, unseen = False, False, 0
    for label, figures in lines:
        for shown in figures:
            if shown is None or not math.isfinite(shown.estimate["mean"]):
                continue
            count = shown.estimate["replications"]
            if count < 2 or math.isfinite(shown.estimate["ci_low"]):
                continue
            if _is_unseen(shown):
                unseen = count
                continue
            rare = _is_seldom(shown)
            seldom |= rare
            spans |= not rare
            if math.isfinite(shown.estimate["needs"]):
                name = label.strip()
                needs[name] = max(needs.get(name, 0.0), shown.estimate["needs"])
    what = ["(a to b): their lowest and highest"] if spans else []
    what += ["seen, lower or higher in k of n: what that many of them show"] if seldom else []
    if what:
        yield f"Where they are too few for an interval: {'; '.join(what)}."
    if needs:
        yield f"An interval {_listed(needs)}."
    if unseen:
        below = f"{100 * unseen_share(unseen):.0f} % at 95 %"
        yield f"none seen in {unseen} (below {below}): fewer replications than that show it."


def _is_unseen(shown: Shown) -> bool:
    estimate, apart = shown
    return not apart and estimate["rare"] and estimate["above"] + estimate["below"] == 0


def _is_seldom(shown: Shown) -> bool:
    """Whether the number of replications that show it says more than their lowest and highest."""
    estimate, apart = shown
    changed = estimate["above"] + estimate["below"]
    if apart:
        return bool(estimate["rare"] and changed)
    return bool(estimate["rare"] and changed < estimate["replications"])


def _seen(estimate: Estimate, apart: bool) -> str:
    above, below, count = (estimate[name] for name in ("above", "below", "replications"))
    if not apart:
        return f"seen in {above} of {count}"
    parts = [f"lower in {below}"] if below else []
    parts += [f"higher in {above}"] if above else []
    return f"{', '.join(parts)} of {count}"


def _listed(needs: Mapping[str, float]) -> str:
    """Return the numbers needed, the labels of equal ones together."""
    labels: dict[str, list[str]] = {}
    for label, count in sorted(needs.items(), key=lambda item: item[1]):
        most = count > MOST_NEEDED
        text = f"more than {MOST_NEEDED:,}" if most else f"{count:,.0f}"
        labels.setdefault(text, []).append(label)
    parts = [f"needs {count} for {', '.join(names)}" for count, names in labels.items()]
    return "; ".join(parts)
