"""Assumptions: what the figures of a page rest on, marked by where each number comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator import provenance
from simulator.report.shown_tables import ShownCell, ShownTable, table_of, value_cell
from simulator.scenario.load import load
from simulator.scenario.marks import KINDS, marks

_ESTIMATE = "Estimate: "
_SCENARIO = "scenario.yaml"
_MATRIX = "traffic.matrix"


class Grounds(NamedTuple):
    """What a page says about its inputs.

    Attributes
    ----------
    counts : list of (str, int)
        How many fields are of each kind of mark, the best first.
    marks : ShownTable or None
        Every field with its mark and its source.
    unknown : ShownTable or None
        What is not known, with the range that 5 and 95 % of its probability do not exceed.
    notes : list of str
        What the model does and leaves out.
    """

    counts: list[tuple[str, int]]
    marks: ShownTable | None
    unknown: ShownTable | None
    notes: list[str]


def grounds_of_run(run: Mapping[str, Any]) -> Grounds:
    """Return what ``run.json`` says."""
    return _grounds(run.get("marks", []), run.get("uncertainty", {}), run["notes"])


def grounds_of_inputs(inputs: Path) -> Grounds | None:
    """Return what the kept inputs of a study say; None where a study keeps none."""
    if not (inputs / _SCENARIO).is_file():
        return None
    scenario = load(inputs / _SCENARIO, any_size=True)
    # The matrix was written beside it from where the topology says; that mark is the one to show.
    stated = [each._asdict() for each in marks(scenario)]
    named = any(each["of"] == "matrix" for each in stated)
    kept = [each for each in stated if not (named and each["of"] == _MATRIX)]
    unknown = {
        name: dict(
            zip(("low", "high"), each.law.range(), strict=True),
            what=each.what(),
            source=each.source,
        )
        for name, each in scenario.assumptions.items()
        if each.moves_runs
    }
    return _grounds(kept, unknown, provenance.notes(scenario))


def _grounds(
    stated: Sequence[Mapping[str, str]], unknown: Mapping[str, Any], notes: Sequence[str]
) -> Grounds:
    kinds = [kind for kind in reversed(KINDS) if any(each["kind"] == kind for each in stated)]
    counts = [(kind, sum(each["kind"] == kind for each in stated)) for kind in kinds]
    of_marks = table_of(
        "Where every number comes from, worst first",
        ("field", "mark", "source, or how it was made"),
        [(each["of"], each["kind"], each["source"]) for each in stated],
    )
    of_unknown = table_of(
        "What is not known, and its stated range (5 to 95 %)",
        ("assumption", "low", "high", "of what", "where the range comes from"),
        [_unknown(name, each) for name, each in unknown.items()],
    )
    return Grounds(
        counts,
        of_marks if stated else None,
        of_unknown if unknown else None,
        [note for note in notes if not note.startswith(_ESTIMATE)],
    )


def _unknown(name: str, each: Mapping[str, Any]) -> tuple[str | ShownCell, ...]:
    ends = [value_cell(float(f"{each[end]:.3g}")) for end in ("low", "high")]
    return (name, *ends, each["what"], each["source"])
