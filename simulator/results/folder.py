"""StagingFolder: a folder that is built beside its place and published when it is whole."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from simulator.base.errors import SimulatorError
from simulator.base.text import short
from simulator.base.whole import why_not_written
from simulator.results import manifest
from simulator.results.exchange import exchange, held_open, is_held, signals_wait

RUN_JSON = "run.json"
"""The file that marks a results folder."""
COMPLETE = "complete"
"""The status of a finished run in that file."""
_OLD = "-old"
_LONGEST_PATH = 200


class NotWritten(SimulatorError):
    """A folder that cannot be written, and why, without temporary names."""

    def __init__(self, place: Path, reason: str) -> None:
        self.place, self.reason = place, reason
        name = short(str(place), _LONGEST_PATH)
        super().__init__(f"{name} cannot be written: {reason}, or write elsewhere with --out DIR")


class StagingFolder:
    """A folder under construction: beside its final place, moved there when whole, removed if not.

    A lock is held on it for as long as it is built, so that another process that finds it knows
    whether anybody works on it, wherever that process runs.

    Parameters
    ----------
    place : path or None
        Final place of the folder; None for a temporary one. What a link points to is its target.
    force : bool
        Replace a folder that stands at *place*, if a run wrote all that it holds.
    mark : str
        The file that marks a folder of this kind.

    Attributes
    ----------
    folder : pathlib.Path
        Where the files are written until the folder is published.
    published : bool
        Whether the folder stands at its place.
    temporary : tempfile.TemporaryDirectory or None
        What holds a folder without a place; :class:`Results` keeps it and cleans it up.

    Raises
    ------
    SimulatorError
        The place is taken by something that may not be replaced, or cannot be written.
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
        self.place = _place(place)
        self.published = False
        self._force, self._mark = force, mark
        self._lock: int | None = None
        try:
            if self.temporary is None:
                _restore(self.place)
            self.check_free()
        except OSError as error:
            raise self._not_written(error) from None
        name = f"{_unfinished(self.place)}{os.getpid()}-{secrets.token_hex(4)}"
        self.folder = self.place.with_name(name)

    def check_free(self) -> None:
        """Refuse a place that is taken or cannot be moved to, before any work is done."""
        if os.path.ismount(self.place):
            raise SimulatorError(
                f"{self.place} is where a disk or volume is mounted, which cannot be replaced;"
                f" write into it, as --out {self.place / 'results'}"
            )
        if not self.place.exists():
            return
        if not self.place.is_dir():
            raise SimulatorError(
                f"{self.place} is a file, not a folder; write elsewhere with --out DIR"
            )
        if not any(self.place.iterdir()):
            return
        if not self._force:
            raise SimulatorError(
                f"{self.place} exists already; --force replaces it, --out DIR writes elsewhere"
            )
        if not (self.place / self._mark).is_file():
            raise SimulatorError(f"{self.place} is not a results folder; it is left alone")
        if foreign := manifest.foreign(self.place):
            raise SimulatorError(f"{self.place} is left alone: {foreign}")
        if self._holds_the_present():
            raise SimulatorError(
                f"{self.place} holds the current directory, which cannot be replaced; run from"
                " elsewhere, or write elsewhere with --out DIR"
            )

    def _holds_the_present(self) -> bool:
        present = Path(os.path.realpath(os.curdir))
        return self.place == present or self.place in present.parents

    def __enter__(self) -> StagingFolder:
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_by_dead_processes(self.place)
            self.folder.mkdir()
            self._lock = held_open(self.folder)
        except OSError as error:
            self._remove()
            raise self._not_written(error) from None
        except BaseException:  # an interrupt as well
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if kind is not None and not self.published:
            self._remove()
        self._release()
        if isinstance(error, NotWritten) and error.place.is_relative_to(self.folder):
            raise NotWritten(self.place, error.reason) from None  # of a run within this study
        if isinstance(error, OSError) and error.errno and self._is_of_here(error.filename):
            raise self._not_written(error) from None

    def _is_of_here(self, file: object) -> bool:
        """Whether an error may come from writing the folder: its file is in there, or not told."""
        return not isinstance(file, str) or Path(file).is_relative_to(self.folder)

    def _not_written(self, error: OSError) -> NotWritten:
        return NotWritten(self.place, why_not_written(error))

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.temporary is not None:
            self.temporary.cleanup()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def publish(self) -> Path:
        """Move the finished folder to its place, and return the place.

        Signals wait meanwhile; an interrupt says that the folder was written. Where the system can,
        old and new change places in one step, so that at no instant is there neither.
        """
        self.check_free()
        manifest.write(self.folder)
        try:
            with signals_wait():
                self._move()
                self.published = True
        except KeyboardInterrupt:  # it came meanwhile, and waited
            raise KeyboardInterrupt(f"{self.place} was written") from None
        return self.place

    def _move(self) -> None:
        if not self.place.exists():
            self.folder.rename(self.place)
            return
        if exchange(self.folder, self.place):
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        old = self.folder.with_name(self.folder.name + _OLD)
        self.place.rename(old)
        try:
            self.folder.rename(self.place)
        except OSError:
            old.rename(self.place)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _place(place: str | Path) -> Path:
    """Return where a folder is to stand; what a link points to is its target."""
    name = os.fspath(place)
    try:
        name.encode("utf-8")
        return Path(os.path.realpath(name))
    except ValueError:  # of which UnicodeError is a kind: a lone surrogate, or a zero
        raise SimulatorError(
            f"{name!a} cannot be written: the name is not text in UTF-8; write elsewhere with"
            " --out DIR"
        ) from None


def _unfinished(place: Path) -> str:
    """How names of staging folders begin; a long name is cut, for file systems with a limit."""
    return f".{place.name[:40]}.unfinished-"


def _left(place: Path) -> Iterator[Path]:
    """Yield the staging folders of a place that nobody works on."""
    for left in sorted(place.parent.glob(f"{glob.escape(_unfinished(place))}*")):
        if left.is_dir() and not is_held(left):
            yield left


def _restore(place: Path) -> None:
    """Put back what stood at a place, if a process died between taking it away and the new one."""
    if place.exists():
        return
    for left in _left(place):
        if left.name.endswith(_OLD) and (left / manifest.NAME).is_file():
            left.rename(place)
            return


def _remove_left_by_dead_processes(place: Path) -> None:
    """Remove the staging folders of this place that nobody works on."""
    for left in _left(place):
        shutil.rmtree(left, ignore_errors=True)
