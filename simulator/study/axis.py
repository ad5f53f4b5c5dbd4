"""Axis: a key that a sweep goes over, and the values or the span that it takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulator.base.errors import InputError, Problem
from simulator.base.text import cut_at_commas
from simulator.scenario.changes import parse_value, plain

OVER = "over"
"""Where the values of a sweep come from, in messages."""
MOST_VALUES = 1_000_000
_DIGITS = 6
"""Significant digits of a value that is drawn from a span, so that it can be read and typed."""
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_END = rf"\s*([x*+-]?)\s*({_NUMBER})(%?)\s*"
_SPAN = re.compile(rf"{_END}\.\.{_END}(?::{_END})?")
_BEGUN = re.compile(rf"\s*[x*+-]?\s*{_NUMBER}%?\s*\.\.|.*\.\.\s*[x*+-]?{_NUMBER}%?\s*(:.*)?$")
"""What is meant as a range: a number and two dots, or two dots and a number."""
_RANGE = "LOW..HIGH:STEP, such as 400..1600:200, x0.8..x1.4:0.1 or -20%..+20%:10"


@dataclass(frozen=True)
class Form:
    """How the numbers of a span are written: as such, or as changes (x1.2, +400, +20%)."""

    before: str = ""
    after: str = ""

    def value(self, number: Decimal) -> Any:
        """Return a number as the value of a key."""
        text = f"{number.normalize():f}"
        if self.before == "x":
            return f"x{text}"
        if self.before:
            return f"{'' if number < 0 else '+'}{text}{self.after}"
        return int(text) if number == number.to_integral_value() else float(text)


@dataclass(frozen=True)
class Axis:
    """A key and what it takes.

    Attributes
    ----------
    key : str
    values : tuple
        What it takes, in order; empty for a span.
    span : tuple of Decimal, optional
        Lowest and highest value of a span that values are drawn from.
    form : Form
        How the values of a span are written.
    notes : tuple of str
        What was assumed of it.
    """

    key: str
    values: tuple[Any, ...] = ()
    span: tuple[Decimal, Decimal] | None = None
    form: Form = Form()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str, given: Any) -> Axis:
        """Read what a key takes: ``"400..1600:200"``, ``"a,b,c"``, values, or one value.

        Raises
        ------
        InputError
            There are no values, a range is empty or misspelt, or a value stands twice.
        """
        if isinstance(given, str):
            return _read(key, given)
        if isinstance(given, set | frozenset):
            raise wrong(key, "values of a set have no order; give a list")
        several = isinstance(given, Iterable) and not isinstance(given, Mapping | bytes)
        return _listed(key, [plain(value) for value in (given if several else [given])])

    def at(self, share: float) -> Any:
        """Return the value at a share of the way, from 0 to 1: of a span, or of the list."""
        if self.span is None:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        low, high = self.span
        found = low + (high - low) * Decimal(share)
        return self.form.value(Decimal(f"{found:.{_DIGITS}g}"))

    @property
    def text(self) -> Any:
        """The values, or the span in words, for records."""
        if self.span is None:
            return list(self.values)
        low, high = (self.form.value(end) for end in self.span)
        return f"{low}..{high}"


def numbers_of(values: Iterable[Any]) -> list[float] | None:
    """Return where values stand on one axis: 1.3 for ``x1.3``; None if they are words or unlike."""
    found = [_number_of(value) for value in values]
    if len({form for form, _ in found}) > 1 or any(math.isnan(number) for _, number in found):
        return None
    return [number for _, number in found]


def _number_of(value: Any) -> tuple[str, float]:
    """Return the form of a value, and its number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "", float(value)
    found = re.fullmatch(rf"\s*([x*+-])\s*({_NUMBER})(%?)\s*", str(value))
    if found is None:
        return "", math.nan
    form = "x" if found[1] in "x*" else f"+{found[3]}"
    return form, float(f"{found[1].strip('x*')}{found[2]}")


def wrong(key: str, message: str) -> InputError:
    """Return the error that refuses what a key is to take."""
    return InputError([Problem(OVER, None, None, key, message)])


def _read(key: str, text: str) -> Axis:
    parts = [part.strip() for part in cut_at_commas(text)]
    if not text.strip():
        raise wrong(key, f"no values; expected some, as {key}=1,2,3, or a range {_RANGE}")
    if "" in parts:
        raise wrong(key, f"a value is empty in {text.strip()!r}; two commas, or one at an end")
    spans = [_SPAN.fullmatch(part) for part in parts]
    if len(parts) == 1 and spans[0] and spans[0][8] is None:
        low, high, form = _ends(key, parts[0], spans[0])
        return Axis(key, span=(low, high), form=form)
    values: list[Any] = []
    notes: list[str] = []
    for part, span in zip(parts, spans, strict=True):
        if span is not None:
            values += _stepped(key, part, span, notes)
        elif _BEGUN.match(part):
            raise wrong(key, f"{part!r} is not a range; expected {_RANGE}")
        else:
            values.append(_parsed(key, part))
        if len(values) > MOST_VALUES:
            raise wrong(key, f"more than {MOST_VALUES:,} values")
    return _listed(key, values, tuple(notes))


def _parsed(key: str, text: str) -> Any:
    try:
        return parse_value(key, text)
    except InputError as error:
        raise wrong(key, "; ".join(each.message for each in error.problems)) from None


def _listed(key: str, values: list[Any], notes: tuple[str, ...] = ()) -> Axis:
    if not values:
        raise wrong(key, f"no values; expected some, as {key}=1,2,3, or a range {_RANGE}")
    seen: set[str] = set()
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if (text := repr(float(value) if is_number else value)) in seen:
            raise wrong(key, f"{value} stands twice; each value is one point")
        seen.add(text)
    return Axis(key, tuple(values), notes=notes)


def _ends(key: str, text: str, found: re.Match[str]) -> tuple[Decimal, Decimal, Form]:
    form = _form(key, text, found)
    low, high = (_signed(found, i, form) for i in (1, 4))
    if not low < high:
        back = " (for the same values write the lower end first)" if high < low else ""
        raise wrong(key, f"the range {text} is empty: it ends at or before its begin{back}")
    if form == Form() and low < 0 <= high and key.split(".")[0] in ("links", "demands"):
        message = f"of {key.split('.')[0]} a number below 0 is a change and one above is a size"
        raise wrong(key, f"{text}: {message}; for changes write +: {text.replace('..', '..+', 1)}")
    return low, high, form


def _form(key: str, text: str, found: re.Match[str]) -> Form:
    """Return how both ends are written; they must be written alike."""
    kinds = [_kind(found[i], found[i + 2]) for i in (1, 4)]
    if kinds[1] == Form("+") and kinds[0] == Form() and found[1] == "-":
        kinds[0] = kinds[1]  # -100..+100
    if kinds[0] != kinds[1] or kinds[0] == Form("x", "%"):
        raise wrong(key, f"{text}: both ends must be written alike; expected {_RANGE}")
    if found[8] is not None:
        step = _kind(found[7], found[9])
        if step not in (Form(), kinds[0]) or found[7] == "-":
            raise wrong(key, f"{text}: the step must be a number above 0, as in {_RANGE}")
    return kinds[0]


def _kind(sign: str, percent: str) -> Form:
    if sign in ("x", "*"):
        return Form("x", percent)
    if percent:
        return Form("+", "%")
    return Form("+") if sign == "+" else Form()


def _signed(found: re.Match[str], place: int, form: Form) -> Decimal:
    number = Decimal(found[place + 1])
    return -number if found[place] == "-" else number


def _stepped(key: str, text: str, found: re.Match[str], notes: list[str]) -> list[Any]:
    low, high, form = _ends(key, text, found)
    if found[8] is None:
        raise wrong(key, f"{text} has no step; expected {_RANGE}")
    step = Decimal(found[8])
    if not step > 0:
        raise wrong(key, f"{text}: the step must be a number above 0")
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise wrong(key, f"{text} has {count:,} values; at most {MOST_VALUES:,} are possible")
    last = low + step * (count - 1)
    if last != high:
        notes.append(f"{key}: {text} ends at {form.value(last)}, the last whole step.")
    return [form.value(low + step * i) for i in range(count)]
