"""What is kept of comparisons with reference values is what tests compare, and none else."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import validation

ROOT = Path(__file__).parent.parent


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "KEPT", tmp_path / "validation.json")


def compared(*pairs):
    with validation.noted(sys.modules[__name__]) as rows:
        for found, reference in pairs:
            assert found == pytest.approx(reference, rel=1e-3)
        np.testing.assert_allclose([1.0, 2.0, np.inf], [1.0, 2.0001, np.inf], rtol=1e-3)
    return rows


def test_comparisons_are_noted_and_compare_as_before():
    rows = compared((2.0001, 2.0), ({"a": 3.0}, {"a": 3.0}))
    assert rows == [
        {"reference": 2.0, "ours": 2.0001},
        {"what": "a", "reference": 3.0, "ours": 3.0},
        {"values": 3, "ends": [1.0, 2.0001], "off": 1e-4},
    ]
    with pytest.raises(AssertionError), validation.noted(sys.modules[__name__]):
        assert pytest.approx(1.0) == 2.0
    with pytest.raises(AssertionError), validation.noted(sys.modules[__name__]):
        np.testing.assert_allclose(1.0, 2.0)


@pytest.mark.parametrize(
    ("pairs", "source", "told"),
    [
        ([(2.0, 2.0)], "a book", None),
        ([(2.0, 2.001)], "a book", "another reference value"),
        ([(2.001, 2.0)], "a book", "and kept is"),
        ([(2.0, 2.0), (1.0, 1.0)], "a book", "compares other values"),
        ([(2.0, 2.0)], "another book", "another source"),
    ],
)
def test_what_is_kept_is_held(empty, pairs, source, told):
    validation.write({"t::a": {"source": "a book", "rows": compared((2.0, 2.0))}})
    if told is None:
        validation.check("t::a", source, compared(*pairs))
        return
    with pytest.raises(AssertionError, match=told):
        validation.check("t::a", source, compared(*pairs))
    with pytest.raises(AssertionError, match="is not in validation"):
        validation.check("t::b", source, compared(*pairs))


def test_what_did_not_run_stays(empty):
    kept = {"source": "a book", "rows": compared((1.0, 1.0))}
    validation.write({"t::a": kept})
    validation.write({"t::b": kept})
    assert list(validation.kept()) == ["t::a", "t::b"]


def test_every_test_that_is_kept_is_there_and_is_marked():
    marked = {}
    for file in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                marks = [ast.unparse(each) for each in node.decorator_list]
                if any(each.startswith("pytest.mark.reference(") for each in marks):
                    marked[f"tests/{file.name}::{node.name}"] = marks
    assert {name.partition("[")[0] for name in validation.kept()} <= set(marked)
    assert len(marked) > 40


def test_the_table_has_a_row_for_each_value(empty):
    rows = compared((2.0001, 2.0), ({"a": 3.0}, {"a": 3.0}))
    validation.write({"tests/test_a.py::test_of_b[c|d]": {"source": "a book", "rows": rows}})
    assert validation.table().splitlines() == [
        "### a book",
        "",
        "| what | reference | ours | difference | test |",
        "|---|---|---|---|---|",
        "| of b, c/d | 2 | 2.0001 | 1.0e-04 | `test_a.py` |",
        "| of b, c/d, a | 3 | 3 | 0 | `test_a.py` |",
        "| of b, c/d | 3 values, 1 to 2.0001 | each | at most 1.0e-04 | `test_a.py` |",
    ]
    assert validation.counts().startswith("5 values of 1 tests. Of the 2 that stand one by one, 2")
