"""Parts: what a run has worked out of its strategies, kept for other runs that have them alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path


class SharedParts:
    """The parts of tables that runs have written, by the key of a strategy.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are kept; on the file system of the runs, so that a file is a link.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def known(self, keys: Mapping[str, str]) -> set[str]:
        """Return the strategies whose parts are kept."""
        return {name for name, key in keys.items() if (self._folder / key).is_dir()}

    def keep(self, parts: Path, keys: Mapping[str, str], names: Collection[str]) -> None:
        """Keep the parts of some strategies of a run.

        Parameters
        ----------
        parts : pathlib.Path
            A folder for each replication.
        keys : mapping of str to str
            Of all strategies, in their order.
        """
        for place, (name, key) in enumerate(keys.items()):
            if name not in names:
                continue
            for file in sorted(parts.glob(f"*/*-{place:03d}.parquet")):
                table = file.stem.rpartition("-")[0]
                _link(file, self._folder / key / file.parent.name / f"{table}.parquet")

    def put(self, parts: Path, keys: Mapping[str, str], names: Collection[str]) -> None:
        """Put the parts of some strategies into those of a run, as if it had written them."""
        for place, (name, key) in enumerate(keys.items()):
            if name not in names:
                continue
            for file in sorted((self._folder / key).glob("*/*.parquet")):
                _link(file, parts / file.parent.name / f"{file.stem}-{place:03d}.parquet")

    def remove(self) -> None:
        """Remove all that is kept."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _link(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, place)
    except OSError:  # a file system without links
        shutil.copyfile(file, place)
