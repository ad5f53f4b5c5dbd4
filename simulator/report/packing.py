"""Packing: arrays and names as text that a page can hold, harmless whatever is in them."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

WHOLE = 65534
"""Largest share in ten-thousandths that two bytes hold beside the mark of a gap."""
GAP, DOWN = 65535, 255
"""Marks of values that are not there, in two bytes and in one."""
_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}
_IN_SCRIPT["\u2029"] = "\\u2029"


def ten_thousandths(values: np.ndarray) -> str:
    """Return shares from 0 to 6.55 as two bytes each, in base64; NaN is a gap."""
    scaled = np.clip(np.rint(np.nan_to_num(values) * 1e4), 0, WHOLE)
    return _base64(np.where(np.isnan(values), GAP, scaled).astype("<u2"))


def percents(values: np.ndarray) -> str:
    """Return shares from 0 to 2.54 as one byte each, in base64; NaN is the mark of down."""
    scaled = np.clip(np.rint(np.nan_to_num(values) * 100), 0, DOWN - 1)
    return _base64(np.where(np.isnan(values), DOWN, scaled).astype("u1"))


def script_json(value: Any) -> str:
    """Return JSON that a ``script`` element can hold: no character in it ends or opens a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _IN_SCRIPT.items():
        text = text.replace(character, escape)
    return text


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
