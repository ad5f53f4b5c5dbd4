"""StagingFolder: a folder that is built beside its place and published when it is whole."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from simulator.base.errors import SimulatorError

RUN_JSON = "run.json"
"""The file that marks a results folder."""
COMPLETE = "complete"
"""The status of a finished run in that file."""


class StagingFolder:
    """A folder under construction: beside its final place, renamed when whole, removed if not.

    Parameters
    ----------
    place : path or None
        Final place of the folder; None for a temporary one.
    force : bool
        Replace a results folder that stands at *place*.
    mark : str
        The file that marks a folder of this kind.

    Attributes
    ----------
    folder : pathlib.Path
        Where the files are written until the folder is published.
    temporary : tempfile.TemporaryDirectory or None
        What holds a folder without a place; :class:`Results` keeps it and cleans it up.

    Raises
    ------
    SimulatorError
        The place is taken by something that may not be replaced.
    """

    def __init__(
        self, place: str | Path | None, *, force: bool = False, mark: str = RUN_JSON
    ) -> None:
        self.temporary: tempfile.TemporaryDirectory[str] | None = None
        if place is None:
            self.temporary = tempfile.TemporaryDirectory(
                prefix="simulator-", ignore_cleanup_errors=True
            )
            place = Path(self.temporary.name) / "results"
        self.place = Path(os.path.abspath(place))
        self._force, self._mark = force, mark
        self.check_free()
        name = f"{_unfinished(self.place)}{os.getpid()}-{secrets.token_hex(4)}"
        self.folder = self.place.with_name(name)

    def check_free(self) -> None:
        """Refuse a place that is taken, before any work is done."""
        if not self.place.exists():
            return
        if self.place.is_dir() and not any(self.place.iterdir()):
            return
        if not self._force:
            raise SimulatorError(
                f"{self.place} exists already; --force replaces it, --out DIR writes elsewhere"
            )
        if not (self.place / self._mark).is_file():
            raise SimulatorError(f"{self.place} is not a results folder; it is left alone")

    def __enter__(self) -> StagingFolder:
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_by_dead_processes(self.place)
            self.folder.mkdir()
        except BaseException:  # an interrupt as well
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.temporary is not None:
            self.temporary.cleanup()

    def publish(self) -> Path:
        """Move the finished folder to its place, and return the place."""
        self.check_free()
        old: Path | None = None
        if self.place.exists():
            old = self.folder.with_name(self.folder.name + "-old")
            self.place.rename(old)
        try:
            self.folder.rename(self.place)
        except OSError:
            if old is not None:
                old.rename(self.place)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
        return self.place


def _unfinished(place: Path) -> str:
    """How names of staging folders begin; a long name is cut, for file systems with a limit."""
    return f".{place.name[:40]}.unfinished-"


def _remove_left_by_dead_processes(place: Path) -> None:
    """Remove the staging folders of this place whose processes are gone."""
    for left in place.parent.glob(f"{glob.escape(_unfinished(place))}*"):
        pid = left.name.rsplit("unfinished-", 1)[1].split("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        pass
    return True
