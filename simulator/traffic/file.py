"""A matrix listed in a file."""

from __future__ import annotations

from pathlib import Path

from simulator.formats.demands import read_demands
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.traffic.traffic import matrix


@matrix("file")
class File:
    """Demands listed in a CSV file: ``source,target,gbps`` with optional ``class``.

    Attributes
    ----------
    path : pathlib.Path
        The file, relative to the scenario.
    """

    path: Path

    def demands(self, network: Network, folder: Path) -> Demands:
        """Read the file."""
        return read_demands(folder / self.path, network)
