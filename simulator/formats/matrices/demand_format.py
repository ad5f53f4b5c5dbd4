"""The contract of demand formats: a file or folder becomes a Recording of traffic matrices.

Adding one is adding a file to ``formats``::

    @demand_format("my_demands")
    class MyDemands(DemandFormat):
        \"\"\"One line that ``simulator list formats`` prints.\"\"\"

        suffixes: ClassVar[tuple[str, ...]] = (".mine",)
        readable: ClassVar[str] = "a .mine file"

        def read(self, path, network, unit=None): ...
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.base import regular
from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.formats.file_format import FileFormat, Formats
from simulator.formats.matrices.doubts import completed
from simulator.formats.reading import reason
from simulator.formats.units import Unit
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS, refused_rate


class RecordingWarning(UserWarning):
    """Something in a file of demands that looks like a mistake but does not stop a run."""


class DemandFormat(FileFormat):
    """What every demand format offers; only :meth:`read` has no default."""

    @abstractmethod
    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrices.

        Parameters
        ----------
        path : Path
            A file or folder that the format reads, or a name that it knows.
        network : Network
            Says which nodes there are.
        unit : {"bps", "kbps", "mbps", "gbps", "tbps"}, optional
            Of rates whose unit the file does not state; what is usual in the format if left out.

        Raises
        ------
        InputError
            Holds every error found.
        """


demand_format = Formats("demand format", "simulator.formats", DemandFormat)


def read_recording(path: str | Path, network: Network, *, unit: Unit | None = None) -> Recording:
    """Read traffic matrices in any format: one, or many over time.

    Parameters
    ----------
    path : str or Path
        A file or folder, or a name that a format knows.
    network : Network
        Says which nodes there are.
    unit : {"bps", "kbps", "mbps", "gbps", "tbps"}, optional
        Of rates whose unit the file does not state.

    Returns
    -------
    Recording
        With NaN where the file says nothing, and at instants that are missing.

    Raises
    ------
    InputError
        Holds the errors found, or lists what can be read.
    """
    recording = _read(Path(path), network, unit)
    _refuse_beyond_reason(path, recording)
    return completed(str(path), recording, network)


def _refuse_beyond_reason(path: str | Path, recording: Recording) -> None:
    """Raise an InputError on a rate that its format did not refuse, such as a sum."""
    gbps = np.nan_to_num(recording.gbps)
    if gbps.max(initial=0.0) > MOST_GBPS:
        pair, instant = np.unravel_index(int(gbps.argmax()), gbps.shape)
        name = recording.demands.names[int(pair)].rsplit(":", 1)[0]
        raise refusal(path, refused_rate(f"{gbps[pair, instant]:g} of {name}"))


def _read(path: Path, network: Network, unit: Unit | None) -> Recording:
    """Read a file as its format does."""
    if known := demand_format.named(str(path)):
        return known.read(path, network, unit)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        raise refusal(path, f"cannot read this file: {reason(error)}") from None
    if not there:
        raise refusal(path, f"no such file{did_you_mean(path.name, neighbours(path))}")
    refused = (
        "cannot read this file: it is a folder" if path.is_dir() else "no demands that I can read"
    )
    return demand_format.reading(path, refused).read(path, network, unit)


def read_demands(path: str | Path, network: Network, *, unit: Unit | None = None) -> Demands:
    """Read demands between the nodes of *network*, in any format.

    Of a file with several instants the rates are means over its time, and all instants are the
    planning window (``window_gbps``). What is missing there is interpolated. A `RecordingWarning`
    says so, and what else was assumed or left out; :func:`read_recording`, whose parameters and
    errors are the same, returns the file as it stands.

    Parameters
    ----------
    path : str or Path
        A file or folder, such as a CSV file with the columns `source,target,gbps` and optionally
        `class` and `time`. An empty class follows from where the ends lie.

    Returns
    -------
    Demands
        In the order of the file.
    """
    recording = read_recording(path, network, unit=unit)
    for note in recording.notes:
        warnings.warn(str(note), RecordingWarning, stacklevel=2)
    if missing := recording.gaps_summary():
        try:
            recording = recording.filled("interpolate")
        except ValueError as error:
            raise refusal(path, str(error)) from None
        warnings.warn(f"{path}: {missing}: interpolated", RecordingWarning, stacklevel=2)
    demands = recording.demands
    if len(recording) == 1:
        return demands
    return replace(demands, window_gbps=recording.gbps)


def is_there(path: Path) -> bool:
    """Return whether *path* is a file, a folder, or a name that a format knows."""
    return regular.is_there(path) or demand_format.named(str(path)) is not None


def neighbours(path: Path) -> list[str]:
    """Return the names of files beside *path* that can be read."""
    suffixes = tuple(suffix for each in demand_format.every() for suffix in each.endings())
    try:
        names = (each.name for each in path.parent.iterdir())
        return sorted(name for name in names if name.lower().endswith(suffixes))
    except OSError:
        return []


def recording_of(
    network: Network,
    pairs: Sequence[tuple[str, str]],
    gbps: np.ndarray,
    hours: np.ndarray | None = None,
    start: str | None = None,
    *,
    step_h: float | None = None,
    notes: Iterable[Problem] = (),
) -> Recording:
    """Return matrices as a Recording.

    Parameters
    ----------
    pairs : sequence of (source, target)
        Ids of nodes that exist.
    gbps : ndarray, shape (pairs, instants)
        NaN where nothing is known.
    hours : ndarray, shape (instants,), optional
        When each matrix begins; left out for a single one.
    start : str, optional
        Local time of the first.
    step_h : float, optional
        Hours from one to the next, where the file states them.
    notes : iterable of Problem
        Warnings on what was assumed or left out.
    """
    source, target = ([pair[end] for pair in pairs] for end in (0, 1))
    demands = Demands.of(network, source, target, np.zeros(len(pairs)))
    hours = np.zeros(1) if hours is None else hours
    return Recording.of(demands, hours, gbps, start, step_h=step_h, notes=notes)


def unknown_node(name: str, network: Network) -> str:
    """Return a message about a node that the network does not have."""
    return f"no node named {shown(name)} in {network.name}{did_you_mean(name, network.nodes)}"
