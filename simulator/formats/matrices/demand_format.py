"""The contract of demand formats: a file or folder becomes a Recording of traffic matrices.

Adding one is adding a file here::

    @demand_format("my_demands")
    class MyDemands:
        \"\"\"One line that ``simulator list formats`` prints.\"\"\"

        suffixes: ClassVar[tuple[str, ...]] = (".mine",)
        readable: ClassVar[str] = "a .mine file"

        def reads(self, path): ...
        def read(self, path, network): ...

A format whose files may leave out the unit of their rates has a field ``unit: Unit | None = None``
and is made with what the user said. One that knows matrices by name, not by file, has a method
``names(text)`` that says whether a text is such a name, whatever folder it was joined to.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np

from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.registry import Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording

demand_format = Registry("demand format", "simulator.formats")

Unit = Literal["bps", "kbps", "mbps", "gbps", "tbps"]
_UNITS_IN_A_GBPS = {"bps": 1e9, "kbps": 1e6, "mbps": 1e3, "gbps": 1.0, "tbps": 1e-3}
UNITS = tuple(_UNITS_IN_A_GBPS)


class RecordingWarning(UserWarning):
    """Something in a file of demands that looks like a mistake but does not stop anyone."""


class DemandFormat(Protocol):
    """What every demand format offers."""

    kind: str
    suffixes: ClassVar[tuple[str, ...]]
    """Endings of the files it reads, in lower case; none for a format that reads folders."""
    readable: ClassVar[str]
    """What it reads, in words: `a .csv file with source,target,gbps`."""

    def reads(self, path: Path) -> bool:
        """Say whether *path*, which exists, is in this format; looks at little of the file."""
        ...

    def read(self, path: Path, network: Network) -> Recording:
        """Return the matrices.

        Raises
        ------
        InputError
            Holds every error found.
        """
        ...


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
        With NaN where the file says nothing.

    Raises
    ------
    InputError
        Holds the errors found, or lists what can be read.
    """
    path = Path(path)
    formats = [_made(name, unit) for name in demand_format.names()]
    by_name = next((each for each in formats if _names(each, path)), None)
    if by_name is not None:
        return by_name.read(path, network)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(path, f"cannot read this file: {reason}") from None
    if not there:
        raise _refusal(path, f"no such file{did_you_mean(path.name, _beside(path, formats))}")
    for each in formats:
        if each.reads(path):
            return each.read(path, network)
    readable = ", ".join(each.readable for each in formats)
    if path.is_dir():
        message = f"cannot read this file: it is a folder; readable: {readable}"
        raise _refusal(path, message)
    suffixes = [suffix for each in formats for suffix in each.suffixes]
    near = did_you_mean(path.suffix.lower(), suffixes) if path.suffix else ""
    raise _refusal(path, f"no demands that I can read{near or ';'} readable: {readable}")


def read_demands(path: str | Path, network: Network, *, unit: Unit | None = None) -> Demands:
    """Read demands between the nodes of *network*, in any format.

    Of a file with several instants the rates are means over its time, and all instants are the
    planning window (``window_gbps``). What is missing there is interpolated, and a
    `RecordingWarning` says so; :func:`read_recording` returns it as it stands.

    Parameters
    ----------
    path : str or Path
        A file or folder, such as a CSV file with the columns `source,target,gbps` and optionally
        `class` and `time`. An empty class follows from where the ends lie.
    network : Network
        Says which nodes there are.
    unit : {"bps", "kbps", "mbps", "gbps", "tbps"}, optional
        Of rates whose unit the file does not state.

    Returns
    -------
    Demands
        In the order of the file.

    Raises
    ------
    InputError
        Holds the first 50 problems and how many more there are.
    """
    recording = read_recording(path, network, unit=unit)
    if missing := recording.gaps_summary():
        try:
            recording = recording.filled("interpolate")
        except ValueError as error:
            raise _refusal(path, str(error)) from None
        warnings.warn(f"{path}: {missing}: interpolated", RecordingWarning, stacklevel=2)
    demands = recording.demands
    if len(recording) == 1:
        return demands
    return replace(demands, window_gbps=recording.gbps)


def is_there(path: Path) -> bool:
    """Say whether *path* is a file, a folder, or a name that a format knows."""
    return path.exists() or any(_names(_made(name, None), path) for name in demand_format.names())


def neighbours(path: Path) -> list[str]:
    """Return the names of files beside *path* that can be read."""
    return _beside(path, [_made(name, None) for name in demand_format.names()])


def to_gbps(rates: np.ndarray, unit: str) -> np.ndarray:
    """Return rates given in *unit* in Gbps; infinite if too large to be a number."""
    scale = _UNITS_IN_A_GBPS[unit]
    with np.errstate(over="ignore"):
        return rates if scale == 1.0 else rates / scale


def _made(name: str, unit: Unit | None) -> DemandFormat:
    cls = demand_format[name]
    made: DemandFormat = cls(unit=unit) if "unit" in cls.__dataclass_fields__ else cls()
    return made


def _names(each: DemandFormat, path: Path) -> bool:
    return hasattr(each, "names") and bool(each.names(str(path)))


def _beside(path: Path, formats: list[DemandFormat]) -> list[str]:
    """Names of readable files in the folder of *path*."""
    suffixes = tuple(suffix for each in formats for suffix in each.suffixes)
    try:
        names = (each.name for each in path.parent.iterdir())
        return sorted(name for name in names if name.lower().endswith(suffixes))
    except OSError:
        return []


def _refusal(path: str | Path, message: str) -> InputError:
    return InputError([Problem(str(path), None, None, "", message)])
