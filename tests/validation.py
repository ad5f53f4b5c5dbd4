"""Validation: what tests compare with reference values is kept, and becomes a table of the docs.

A test with the mark ``reference("where the value is from")`` has its comparisons noted: those by
``pytest.approx`` and by ``assert_allclose``. They are held against `KEPT`, which
``pytest -m reference --renew-validation`` writes anew and `docs/validation.md` shows. Tests whose
data are not on a machine skip, and what is kept of them stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

KEPT = Path(__file__).parent / "data" / "validation.json"
NEAR = 1e-4
"""How far our value may be from the one that is kept, in its own size; the test holds it closer."""
DIGITS = 9

Row = dict[str, Any]
Rows = list[Row]


# -- what a test compares -------------------------------------------------------------------------


class _Noted:
    """What ``pytest.approx`` returns, which takes note of what it is compared with."""

    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None
    __array_priority__ = 100

    def __init__(self, inner: Any, rows: Rows) -> None:
        self._inner, self._rows = inner, rows

    def __eq__(self, found: object) -> bool:
        equal = bool(self._inner == found)
        if equal:
            _note(self._rows, self._inner.expected, found)
        return equal

    def __ne__(self, found: object) -> bool:
        return not self == found

    def __repr__(self) -> str:
        return repr(self._inner)


def _note(rows: Rows, reference: Any, found: Any) -> None:
    if isinstance(reference, Mapping):
        for key, value in reference.items():
            rows.append({"what": str(key), **_row(value, found[key])})
    elif np.ndim(reference) == 0 and isinstance(reference, int | float | np.number):
        rows.append(_row(float(reference), np.max(np.asarray(found, dtype=float))))
    else:
        rows.append(_many(np.ravel(reference).astype(float), np.ravel(found).astype(float)))


def _row(reference: float, found: Any) -> Row:
    return {"reference": _rounded(reference), "ours": _rounded(found)}


def _many(reference: np.ndarray, found: np.ndarray) -> Row:
    """Return one row for many values: their ends, and the largest difference."""
    reference, found = np.broadcast_arrays(reference, found)
    known = np.isfinite(reference) & np.isfinite(found)
    if not known.any():
        return {"values": len(reference)}
    off = np.abs(found[known] - reference[known]).max()
    ends = [_rounded(end(reference[known])) for end in (np.min, np.max)]
    return {"values": len(reference), "ends": ends, "off": float(f"{off:.2g}")}


def _rounded(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")


@contextmanager
def noted(module: Any) -> Iterator[Rows]:
    """Take note of what is compared in a test of *module*."""
    rows: Rows = []
    approx, close = pytest.approx, np.testing.assert_allclose

    def noting_approx(expected: Any, *args: Any, **named: Any) -> Any:
        return _Noted(approx(expected, *args, **named), rows)

    def noting_close(actual: Any, desired: Any, *args: Any, **named: Any) -> None:
        close(actual, desired, *args, **named)
        _note(rows, desired, actual)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest, "approx", noting_approx)
        patch.setattr(np.testing, "assert_allclose", noting_close)
        if hasattr(module, "assert_allclose"):
            patch.setattr(module, "assert_allclose", noting_close)
        yield rows


# -- what is kept ---------------------------------------------------------------------------------


def kept() -> dict[str, Any]:
    """Return what is kept: by test, where its values are from, and its comparisons."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def check(test: str, source: str, rows: Rows) -> None:
    """Hold what a test compared against what is kept of it."""
    again = "; pytest -m reference --renew-validation writes it anew, docs/renew.py its page"
    known = kept().get(test)
    assert known is not None, f"{test} is not in {KEPT.name}{again}"
    assert known["source"] == source, f"{test} has another source in {KEPT.name}{again}"
    assert len(known["rows"]) == len(rows), f"{test} compares other values now{again}"
    for old, new in zip(known["rows"], rows, strict=True):
        same = {key: new[key] for key in ("what", "reference", "values", "ends") if key in new}
        before = {key: old[key] for key in same}
        assert before == same, f"{test} has another reference value now{again}"
        if "ours" in new:
            near = abs(new["ours"] - old["ours"]) <= NEAR * max(abs(old["ours"]), 1e-6)
            assert near or old["ours"] == new["ours"], f"{test}: {new}, and kept is {old}{again}"


def write(found: Mapping[str, Any]) -> None:
    """Keep what tests compared, beside what is kept of tests that did not run."""
    whole = {name: each for name, each in {**kept(), **found}.items() if each["rows"]}
    lines = [f"{json.dumps(name)}: {json.dumps(whole[name])}" for name in sorted(whole)]
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


# -- the table ------------------------------------------------------------------------------------


def table() -> str:
    """Return a table for each source: what, reference, ours, difference, and the test."""
    by_source: dict[str, list[tuple[str, Row]]] = {}
    for test, each in kept().items():
        for row in each["rows"]:
            by_source.setdefault(each["source"], []).append((test, row))
    parts = []
    for source, rows in sorted(by_source.items(), key=lambda item: item[0].lower()):
        lines = [f"### {source}", "", "| what | reference | ours | difference | test |"]
        lines += ["|---|---|---|---|---|", *(_line(test, row) for test, row in rows)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _line(test: str, row: Row) -> str:
    file, _, name = test.partition("::")
    what, _, param = name.removeprefix("test_").partition("[")
    words = [what.replace("_", " "), param.removesuffix("]"), row.get("what", "")]
    label = ", ".join(word.replace("|", "/") for word in words if word)
    cells = _cells(row)
    return f"| {label} | {' | '.join(cells)} | `{file.removeprefix('tests/')}` |"


def _cells(row: Row) -> tuple[str, str, str]:
    if "values" not in row:
        off = row["ours"] - row["reference"]
        ours = f"{row['ours']:.7g}"
        return f"{row['reference']:.7g}", ours, f"{off:.1e}" if off else "0"
    if "ends" not in row:
        return f"{row['values']:,} values", "the same", "0"
    low, high = row["ends"]
    ends = f"{low:.5g} to {high:.5g}" if low != high else f"{low:.5g}"
    return f"{row['values']:,} values, {ends}", "each", f"at most {row['off']:.1e}"


def counts() -> str:
    """Return how many values there are, and how many differ by more than a thousandth."""
    rows = [row for each in kept().values() for row in each["rows"]]
    values = sum(row.get("values", 1) for row in rows)
    single = [row for row in rows if "reference" in row]
    far = [r for r in single if abs(r["ours"] - r["reference"]) > 1e-3 * abs(r["reference"])]
    return (
        f"{values:,} values of {len(kept()):,} tests. Of the {len(single):,} that stand one by one,"
        f" {len(single) - len(far):,} differ by less than a thousandth of themselves."
    )
