"""JSON files: read with no key twice and no endless nesting, and written alike everywhere."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import refusal
from simulator.formats.reading import read_text, refuse_values_above


def read_json(path: Path, *, refuse_nan: bool = False) -> Any:
    """Return the data of a JSON file.

    Raises
    ------
    InputError
        It is not JSON, holds a key twice or too many values, or is nested too deep; with
        *refuse_nan* also if it holds a number that is not finite.
    """
    text = read_text(path)
    values = sum(text.count(mark) for mark in ",[{")
    refuse_values_above(path, values, "values (commas and brackets)")
    try:
        return parse_json(text, refuse_nan=refuse_nan)
    except json.JSONDecodeError as error:
        raise refusal(path, f"not valid JSON: {error.msg}", error.lineno) from None
    except ValueError as error:  # a key twice, or a number of thousands of digits
        raise refusal(path, f"not valid JSON: {error}") from None


def parse_json(text: str, *, refuse_nan: bool = False) -> Any:
    """Return the data of JSON text, or raise a ValueError; see `read_json`."""
    constant = _no_number if refuse_nan else None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def as_json(value: Any) -> str:
    """Return JSON text in ASCII; tuples are lists, and numbers of NumPy are numbers."""
    return json.dumps(value, allow_nan=False, default=np.generic.item)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"a second key {shown(twice)} in one object")
    return made


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")
