"""Texts use the field's standard terms and plain order: subject first, no riddles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [
    *(ROOT / "simulator").rglob("*.py"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "topologies/README.md")),
]
INVERSIONS = re.compile(
    r"\b(told|found|shown|kept|counted|added|noted|left out|not counted) (are|is|were|was) "
    r"(the|what|those|all|that|how|a|by|then)\b|\bwhoever\b|\bnobody('s)? (doing|knew|is there)\b"
    r"|\bknocking\b|\ball there is to\b",
    re.IGNORECASE,
)
OLD_NAMES = re.compile(
    r"\b(Plant|Desk|Workshop|Landings|Rung|Alarm|Timetable|Treatment|Strand|Sketch|Picky|Shelf"
    r"|Goals|Towards|thinned|foresees|rules_peak|the desk|the plant|the toll)\b"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_riddles_and_no_old_names(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        assert not INVERSIONS.search(line), f"{file}:{number}: {line.strip()}"
        assert not OLD_NAMES.search(line), f"{file}:{number}: {line.strip()}"
