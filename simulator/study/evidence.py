"""Evidence: how a table shows what replications say of a figure, and the words that explain it.

A figure has an interval, or what was seen in its place: how many replications show a rare figure,
or how far the replications are apart; see :mod:`simulator.results.intervals` for which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from simulator.base.text import Cell, Form, cell, number
from simulator.results.intervals import MOST_NEEDED, UNEVEN_NEEDS, unseen_share

SPAN = "↕"
"""Before how far replications are apart."""
_SAME = "same"
"""Where all of them have the same figure."""
Estimate = Mapping[str, Any]
"""A row of :func:`simulator.results.statistics.estimates`."""


class Shown(NamedTuple):
    """A figure of a table, or a paired difference of two."""

    estimate: Estimate
    apart: bool = False


def largest_of(figures: Iterable[Shown | None]) -> float:
    """Return the largest figure of a line, which decides how all of them are rounded."""
    known = [shown.estimate["mean"] for shown in figures if shown and not shown.apart]
    return max((abs(mean) for mean in known if math.isfinite(mean)), default=0.0)


def cell_of(shown: Shown | None, form: Form, largest: float) -> Cell:
    """Return a figure as a table shows it; a dash where there is none."""
    if shown is None:
        return Cell("–")
    estimate, apart = shown
    mean, low, high = estimate["mean"], estimate["ci_low"], estimate["ci_high"]
    plain = cell(mean, low, high, form, apart=apart, largest=largest)
    count = estimate["replications"]
    match _place(shown):
        case "unseen":
            return Cell("none", f"in {count}")
        case "seldom":
            return Cell(plain.value, _seen(estimate, apart))
        case "span":
            size = max(abs(mean), largest)
            span = number(estimate["most"] - estimate["least"], form, size)
            return Cell(plain.value, f"{SPAN} {span}" if _NOT_ZERO.search(span) else _SAME)
    return Cell(plain.value, _SAME) if low == high else plain


def range_cell(shown: Shown | None, form: Form, largest: float) -> Cell:
    """Return how far a figure moves over worlds: ``72.1 to 118.3 %``; a dash without worlds."""
    if shown is None:
        return Cell("–")
    estimate, apart = shown
    ends = [estimate.get(key, math.nan) for key in ("range_low", "range_high")]
    if math.isnan(sum(ends)) or math.isnan(estimate["mean"]):
        return Cell("–")
    texts = [
        cell(end, math.nan, math.nan, form, apart=apart, largest=largest).value for end in ends
    ]
    if texts[0] == texts[1]:
        return Cell(texts[0])
    unit = next((unit for unit in (" %", " pp") if texts[0].endswith(unit)), "")
    return Cell(f"{texts[0].removesuffix(unit)} to {texts[1].removeprefix('x')}")


def explained(lines: Iterable[tuple[str, Form, Sequence[Shown | None]]]) -> Iterator[str]:
    """Yield what a reader of cells without an interval has to know.

    Parameters
    ----------
    lines : iterable of (label, form, figures)
        Lines of the tables that were shown.
    """
    places: dict[str, int] = {}
    needs: dict[str, float] = {}
    for label, form, figures in lines:
        largest = largest_of(figures)
        # Differences may need far more than both of their sides, which are to be known first.
        own, apart = [0.0], [0.0]
        for shown in figures:
            if shown is None or not (place := _place(shown)):
                continue
            count = shown.estimate["replications"]
            if place == "span" and cell_of(shown, form, largest).spread == _SAME:
                continue
            places[place] = count
            if math.isfinite(shown.estimate["needs"]):
                (apart if shown.apart else own).append(shown.estimate["needs"])
        if most := max(own) or max(apart):
            name = _UNIT.sub("", label.strip())
            needs[name] = max(needs.get(name, 0.0), most)
    words = [_WORDS[place] for place in _WORDS if place in places]
    if words:
        yield f"Where replications are too few for an interval: {'; '.join(words)}."
    if needs:
        more = sorted((most, name) for name, most in needs.items() if most > UNEVEN_NEEDS)
        listed = "; ".join(f"{name} needs {_needed(most)}" for most, name in more)
        yield f"Their intervals need {UNEVEN_NEEDS} replications{listed and f' ({listed})'}."
    if unseen := places.get("unseen"):
        below = f"below {100 * unseen_share(unseen):.0f} % at 95 %"
        yield f"none in {unseen} ({below}): a smaller share of replications shows it."


_UNIT = re.compile(", (ms|[GTP]bit|Gbps)")
_NOT_ZERO = re.compile("[1-9]")
_WORDS = {
    "span": f"{SPAN} is highest less lowest",
    "seldom": "k/n is how many show it, or are lower or higher",
}


def _place(shown: Shown) -> Literal["", "unseen", "seldom", "span"]:
    """Return what stands in place of an interval, if there is none."""
    estimate, apart = shown
    count, changed = estimate["replications"], estimate["above"] + estimate["below"]
    if not math.isfinite(estimate["mean"]) or count < 2 or math.isfinite(estimate["ci_low"]):
        return ""
    if estimate["rare"] and not changed and not apart:
        return "unseen"
    return "seldom" if estimate["rare"] and 0 < changed < count + apart else "span"


def _seen(estimate: Estimate, apart: bool) -> str:
    above, below, count = (estimate[name] for name in ("above", "below", "replications"))
    if not apart:
        return f"in {above}/{count}"
    parts = [f"lower {below}"] if below else []
    parts += [f"higher {above}"] if above else []
    return f"{', '.join(parts)} of {count}" if len(parts) > 1 else f"{parts[0]}/{count}"


def _needed(count: float) -> str:
    return f"over {MOST_NEEDED:,}" if count > MOST_NEEDED else f"{count:,.0f}"
