"""Place: a page appears whole where it belongs, and replaces nothing that others wrote."""

from __future__ import annotations

from pathlib import Path

from simulator.base.errors import SimulatorError
from simulator.base.text import plain
from simulator.base.whole import whole, why_not_written
from simulator.results import manifest


def check_free(folder: Path, place: Path, *, force: bool) -> None:
    """Refuse a place that is taken by what no report wrote, before any work is done.

    A page of an earlier report is replaced if it is as the manifest of *folder* says.

    Raises
    ------
    SimulatorError
        Something else stands there.
    """
    if place.is_dir():
        raise SimulatorError(f"{plain(str(place))} is a folder; name a file with --out FILE")
    if place.exists() and not force and not manifest.is_own(folder, place):
        raise SimulatorError(
            f"{plain(str(place))} exists already, and no report wrote it as it is; --force replaces"
            " it, --out FILE writes elsewhere"
        )


def write_page(folder: Path, place: Path, text: str) -> Path:
    """Write a page whole, and name it in the manifest of its folder.

    Raises
    ------
    SimulatorError
        It cannot be written there.
    """
    try:
        with whole(place) as unfinished:
            unfinished.write_text(text, encoding="utf-8", newline="\n")
        manifest.add(folder, [place])
    except OSError as error:
        reason = why_not_written(error)
        raise SimulatorError(
            f"{plain(str(place))} cannot be written: {reason}, or write elsewhere with --out FILE"
        ) from None
    return place
