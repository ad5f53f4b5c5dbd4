"""The notebooks run, and what is committed is what they say."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the notebooks extra is not installed")
pytest.importorskip("jupytext", reason="the notebooks extra is not installed")

FOLDER = Path(__file__).parent.parent / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9]*.py"))


def maker():
    spec = importlib.util.spec_from_file_location("make_notebooks", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(notebook) -> list[str]:
    """Printed text and tables as text; pictures are looked at by people."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                texts.append(output.text)
            elif "text/plain" in output.get("data", {}) and "image/png" not in output.data:
                texts.append(output.data["text/plain"])
    return texts


def pictures(notebook) -> int:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(scope="module")
def executed():
    """All notebooks by their source, run one after the other; none sees a name of another.

    In one kernel: to start one and to import everything takes longer than most of the notebooks.
    It imports this checkout, whatever is installed.
    """
    make = maker()
    notebooks = {source: make.read(source) for source in SOURCES}
    together = nbformat.v4.new_notebook()
    for notebook in notebooks.values():
        together.cells += [*notebook.cells, nbformat.v4.new_code_cell("%reset -f")]
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        make.execute(together)
    return notebooks


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs_and_says_what_is_committed(executed, source):
    committed = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    fresh = executed[source]
    assert [cell.source for cell in fresh.cells] == [cell.source for cell in committed.cells]
    assert said(fresh) == said(committed)
    assert pictures(fresh) == pictures(committed) > 0


def test_three_lines_reach_the_first_figure():
    first = (FOLDER / "01-first-run.py").read_text().split("# %%\n")[1].split("# %% ")[0]
    assert len([line for line in first.splitlines() if line.strip()]) == 3
