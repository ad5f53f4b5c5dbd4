"""Report: a results folder, or the folder of an answer, becomes one page to hand over.

    sim.report(results)                      # DIR/report.html
    sim.report(answer, out="cables.html")

The page is one file without any request to a network; see :mod:`simulator.report.rendering`.
"""

from __future__ import annotations

from pathlib import Path

from simulator.base.errors import SimulatorError
from simulator.base.text import plain
from simulator.report.answer_report import answer_content
from simulator.report.place import check_free, write_page
from simulator.report.rendering import render
from simulator.report.run_report import map_content, run_content
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.study.answer import Answer
from simulator.study.answer_file import ANSWER

PAGE, MAP = "report.html", "map.html"
"""Names of the pages in a folder."""


def report(
    of: Results | Answer | str | Path,
    out: str | Path | None = None,
    *,
    map_only: bool = False,
    force: bool = False,
) -> Path:
    """Write one self-contained HTML page about results or an answer.

    Parameters
    ----------
    of : Results, Answer or path
        What the page is about, or the folder in which it is.
    out : path, optional
        The file to write; ``report.html`` in that folder when left out, or ``map.html``. A
        temporary folder goes with its results, and a page in it too.
    map_only : bool
        Write the map that plays and nothing else; only of the results of a run.
    force : bool
        Replace a file that no report wrote.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SimulatorError
        The folder holds neither results nor an answer, or the page cannot be written.
    """
    folder = Path(of) if isinstance(of, str | Path) else of.folder
    place = Path(out) if out is not None else folder / (MAP if map_only else PAGE)
    is_run = _is_run(folder)
    check_free(folder, place, force=force)
    if map_only and not is_run:
        raise SimulatorError(
            f"{plain(str(folder))} holds no run, and only runs have a map that plays{_runs(folder)}"
        )
    return write_page(folder, place, _page(folder, is_run=is_run, map_only=map_only))


def _page(folder: Path, *, is_run: bool, map_only: bool) -> str:
    if not is_run:
        return render("answer.html", answer_content(folder))
    results = Results(folder)
    if map_only:
        return render("map.html", map_content(results))
    return render("run.html", run_content(results))


def _is_run(folder: Path) -> bool:
    """Return whether a folder holds a run; refuse one that holds no answer either."""
    if (folder / RUN_JSON).is_file():
        return True
    if (folder / ANSWER).is_file():
        return False
    shown = plain(str(folder))
    if not folder.is_dir():
        raise SimulatorError(f"{shown} {'is not a folder' if folder.exists() else 'is not there'}")
    raise SimulatorError(
        f"{shown} is not a results folder: it has no {RUN_JSON} and no {ANSWER}; run or study again"
        f" what an older version wrote{_runs(folder)}"
    )


def _runs(folder: Path) -> str:
    names = [plain(file.parent.name) for file in sorted(folder.glob(f"*/{RUN_JSON}"))]
    return f"; runs are in it: {', '.join(names)}" if names else ""
