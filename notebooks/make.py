"""Turn the sources (``*.py``) into executed notebooks (``*.ipynb``): ``make notebooks``."""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("[0-9]*.py"))


def read(source: Path) -> nbformat.NotebookNode:
    """Return the notebook of a source, as yet without outputs."""
    notebook = jupytext.read(source)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02d}"  # random ids would change with every run
    return notebook


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run all cells in the folder of the notebooks, and keep what they say."""
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        coalesce_streams=True,  # or printed text comes in as many pieces as the load makes of it
        resources={"metadata": {"path": str(HERE)}},
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # wall-clock times


def main() -> None:
    """Execute every source and write its notebook beside it."""
    for source in SOURCES:
        print(f"executing {source.name}", file=sys.stderr)
        notebook = read(source)
        execute(notebook)
        target = source.with_suffix(".ipynb")
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
