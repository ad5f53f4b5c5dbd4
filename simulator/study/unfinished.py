"""Unfinished: the visible folder beside the results in which finished parts are kept until all are.

A study that is stopped, by ``kill -9`` as well, goes on there when the same call is made again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.base.errors import SimulatorError
from simulator.base.text import plain
from simulator.base.whole import whole, why_not_written
from simulator.jobs import FINISHED
from simulator.results.folder import NotWritten

SUFFIX = ".unfinished"
PARTS = "parts"
_PART = rf"{PARTS}(/\.?[\w-]+(\.unfinished-[\w-]+)?(/([\w-]+\.(npz|json)|{FINISHED}))?)?"
_SHOWN = 5


@dataclass(frozen=True)
class Unfinished:
    """The folder, and the record by which it is known.

    Attributes
    ----------
    folder : pathlib.Path
    mark : str
        Name of the file that holds the record.
    record : dict
        What is asked, as plain data.
    """

    folder: Path
    mark: str
    record: Mapping[str, Any]

    @classmethod
    def beside(cls, place: Path, mark: str, record: Mapping[str, Any]) -> Unfinished:
        """Return the folder of a study whose results are to stand at *place*."""
        return cls(place.with_name(place.name + SUFFIX), mark, record)

    @property
    def parts(self) -> Path:
        """Where finished parts are."""
        return self.folder / PARTS

    def open(self, *, force: bool) -> None:
        """Make the folder, or go on with one of the same study.

        Raises
        ------
        SimulatorError
            It is of something else, which *force* replaces, or holds what no study wrote.
        """
        if self.folder.exists() and _read(self.folder / self.mark) != self._plain():
            self._refuse_foreign()
            if self.parts.exists() and not force:
                raise SimulatorError(
                    f"{self.folder} holds an unfinished study of something else; --force starts"
                    " anew, --out DIR writes elsewhere"
                )
            self.remove()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.write_record(self.folder)
        except OSError as error:
            raise NotWritten(self.folder, why_not_written(error)) from None

    def write_record(self, folder: Path) -> None:
        """Write the record into a folder: this one, or that of the results."""
        with whole(folder / self.mark) as file:
            text = json.dumps(self.record, indent=1, default=str, ensure_ascii=False)
            file.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def tidy(cls, place: Path, mark: str) -> None:
        """Remove what is left over of a study that was killed when its results stood already."""
        left = cls.beside(place, mark, {})
        if left.folder.is_dir() and _read(left.folder / mark) == _read(place / mark):
            left.remove()

    def remove(self) -> None:
        """Remove the folder, if a study wrote all that it holds.

        Raises
        ------
        SimulatorError
            It holds something else, which is left alone with all the rest.
        """
        self._refuse_foreign()
        shutil.rmtree(self.parts, ignore_errors=True)  # killed here, it can go on
        shutil.rmtree(self.folder)

    def _plain(self) -> Any:
        return json.loads(json.dumps(self.record, default=str))

    def _refuse_foreign(self) -> None:
        ours = re.compile(rf"\.?{re.escape(self.mark)}(\.unfinished-[\w-]+)?|{_PART}")
        paths = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*"))
        if foreign := sorted(name for name in paths if not ours.fullmatch(name)):
            listed = ", ".join(plain(name) for name in foreign[:_SHOWN])
            raise SimulatorError(
                f"{self.folder} is left alone: no study wrote {listed}; move it, or write elsewhere"
                " with --out DIR"
            )


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
