"""Change: sets a number to a value, or changes it by an amount or a factor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from pydantic import AfterValidator

_RELATIVE = re.compile(r"(?P<sign>[+\-x*])\s*(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?P<per>%?)")


def changed(old: float, change: float | str) -> float:
    """Apply a change to a number.

    Parameters
    ----------
    change : float or str
        A number, or ``+400``, ``-100``, ``x1.5``, ``+25%``; a number below zero is subtracted, as
        YAML reads ``-100`` as a number and no size is below zero.

    Raises
    ------
    ValueError
        The text is none of these, or the result is below zero or not finite.

    Examples
    --------
    >>> changed(180.0, "+400"), changed(180.0, "x1.5"), changed(180.0, "+25%"), changed(180.0, 90)
    (580.0, 270.0, 225.0, 90.0)
    """
    if isinstance(change, str):
        match = _RELATIVE.fullmatch(change.strip())
        if not match or (match["per"] and match["sign"] in "x*"):
            raise ValueError(
                f"expected a number, or a change such as +400, -100, x1.5 or +25%, found {change!r}"
            )
        amount = float(match["number"])
        if match["sign"] in "x*":
            new = old * amount
        else:
            amount *= old / 100.0 if match["per"] else 1.0
            new = old + amount if match["sign"] == "+" else old - amount
    else:
        new = float(change) if change >= 0 else old + float(change)
    if not math.isfinite(new) or new < 0:
        given = change if isinstance(change, str) else f"{change:g}"
        raise ValueError(f"{given} makes {old:g} into {new:g}, which is not a size")
    return new


def all_changed(old: float, changes: Iterable[float | str]) -> float:
    """Apply changes one after the other."""
    for change in changes:
        old = changed(old, change)
    return old


def in_part(old: np.ndarray, parts: np.ndarray, change: float | str) -> np.ndarray:
    """Apply a change to a part of each number, from 0 to 1; return the means of both parts."""
    new = old.copy()
    for i in np.flatnonzero(parts).tolist():
        new[i] += parts[i] * (changed(float(old[i]), change) - old[i])
    return new


def _check(change: float | str) -> float | str:
    changed(math.ldexp(1.0, 100), change)
    return change


Change = Annotated[float | str, AfterValidator(_check)]
"""A field that holds a change."""
