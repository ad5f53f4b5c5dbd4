"""Matrices listed in a file: one, or many over time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from simulator.base.errors import InputError, Problem
from simulator.formats.matrices.demand_format import Unit, read_recording
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import FILLED, Gaps, Recording
from simulator.traffic.traffic import Matrix, matrix


@matrix("file")
class File(Matrix):
    """Demands from a file: CSV, Parquet and more, of one instant or over time.

    With several instants the file drives the traffic: each matrix holds until the next, and steps
    are their exact means. Static schemes plan for the mean of the whole file.

    Attributes
    ----------
    path : pathlib.Path
        The file, relative to the scenario.
    unit : str, optional
        Of rates whose unit the file does not state; when left out, what is usual in the format,
        ``gbps`` in tables, and a warning says so.
    gaps : str
        What stands in for rates that are missing, also at instants of which the file has nothing:
        a straight line between those before and after (``interpolate``), the one before
        (``hold``), or nothing (``zero``); ``refuse`` tolerates none.
    outside : str
        What traffic is before and after the file's times: its first and last matrix (``hold``), or
        all of them over again (``repeat``); ``refuse`` wants a scenario within them.
    """

    path: Path
    unit: Unit | None = None
    gaps: Gaps = "interpolate"
    outside: Literal["refuse", "hold", "repeat"] = "refuse"

    def files(self) -> Mapping[str, Path]:
        """Return the file."""
        return {"path": self.path}

    def demands(self, network: Network, folder: Path) -> Demands:
        """Read the file; rates that change are means over time."""
        return self.recording(network, folder)[0].demands

    def recording(self, network: Network, folder: Path) -> tuple[Recording, str]:
        """Read the file, fill its gaps, and say what was missing.

        Raises
        ------
        InputError
            The file cannot be read, or its gaps cannot be filled.
        """
        path = folder / self.path
        recording = read_recording(path, network, unit=self.unit)
        missing = recording.gaps_summary()
        try:
            filled = recording.filled(self.gaps)
        except ValueError as error:
            raise InputError([Problem(str(path), None, None, "", str(error))]) from None
        return filled, f"{self.path.name}: {missing}: {FILLED[self.gaps]}" if missing else ""
