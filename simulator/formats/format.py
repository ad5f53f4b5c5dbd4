"""The contract of topology formats: a file becomes a Network, and where possible a file again.

Adding one is adding a file here::

    @topology_format("my_format")
    class MyFormat(TopologyFormat):
        \"\"\"One line that ``simulator list formats`` prints.\"\"\"

        suffixes: ClassVar[tuple[str, ...]] = (".mine",)
        readable: ClassVar[str] = "a .mine file"
        written: ClassVar[tuple[str, ...]] = (".mine",)  # only where it has a `write`

        def read(self, path): ...
        def write(self, network, path): ...

`read` fills a :class:`~simulator.formats.rules.draft.Draft` and hands it to
:func:`~simulator.formats.rules.assemble.assemble`, or to
:func:`~simulator.formats.rules.repair.repaired` before, so that every format is checked alike.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from simulator.base import bounds, library, regular
from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.base.whole import whole
from simulator.formats.file_format import FileFormat, Formats
from simulator.formats.foreign import as_topology
from simulator.formats.reading import errors_of, reason
from simulator.model.network import Network


class NetworkWarning(UserWarning):
    """Something in a topology that looks like a mistake but does not stop a run."""


class TopologyFormat(FileFormat):
    """What every topology format offers; only :meth:`read` has no default.

    Attributes
    ----------
    written : tuple of str
        Endings of the files that :meth:`write` makes, the empty one for a folder; none for a
        format that is only read.
    cannot_hold : tuple of str
        What a network loses when it is written and read again: keys of a topology file, and
        phrases for what has no key.
    """

    written: ClassVar[tuple[str, ...]] = ()
    cannot_hold: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found.

        Parameters
        ----------
        path : Path
            A file or folder that the format reads, or a name that it knows.

        Raises
        ------
        InputError
            The file cannot be read at all.
        """

    def choosing(self, network: str, path: Path) -> TopologyFormat:
        """Return the format that reads the network of this name, of several in the file *path*."""
        message = f"a topology in the format {self.kind} is one network; leave out its name"
        raise refusal(path, f"{message}, {shown(network)}")

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all.

        Returns
        -------
        list of str
            What the format could not hold, such as `cables of 20 links`.

        Raises
        ------
        InputError
            The format has no way to write an id, or writes nothing.
        """
        raise refusal(path, f"{self.kind} is read, not written")


topology_format = Formats("topology format", "simulator.formats", TopologyFormat)


def read_network(
    path_or_name: str | Path, *, network: str | None = None
) -> tuple[Network, list[Problem]]:
    """Read a topology in any format: a file, a folder, or the name of a built-in topology.

    Parameters
    ----------
    path_or_name : str or Path
    network : str, optional
        Which network of a file that holds several.

    Returns
    -------
    network : Network
    warnings : list of Problem
        What looks like a mistake.

    Raises
    ------
    InputError
        Holds every error found.
    """
    found, problems = _read(path_or_name, network)
    if found is None:
        raise InputError(errors_of(problems))
    return found, problems


def load_network(path_or_name: str | Path, *, any_size: bool = False) -> Network:
    """Read a topology as `read_network` does; each of its warnings becomes a `NetworkWarning`.

    With *any_size* also one that is larger than reading is sure to end in time and memory.
    """
    with bounds.any_size(any_size):
        network, problems = read_network(path_or_name)
    for problem in problems:
        warnings.warn(str(problem), NetworkWarning, stacklevel=2)
    return network


def check_network(path: str | Path) -> list[Problem]:
    """Return all that is wrong with a topology, errors and warnings; none means it is sound."""
    _, problems = _read(path)
    return [*errors_of(problems), *(each for each in problems if each.severity == "warning")]


def write_network(network: Network, path: str | Path) -> list[str]:
    """Write *network* to *path*, in the format that its ending names.

    Parameters
    ----------
    path : str or Path
        A file; or a folder for CSV tables, with a slash at its end or without any ending.

    Returns
    -------
    list of str
        What the format could not hold, such as `cables of 20 links`; empty when nothing is lost.

    Raises
    ------
    InputError
        No format with this ending can write, or the format has no way to write an id.
    """
    folder = str(path).endswith(("/", os.sep))
    path = Path(path)
    writers = {end: each for each in topology_format.every() for end in each.written}
    name = path.name.lower()
    if folder or not path.suffix:
        return writers[""].write(network, path)
    for ending in sorted(filter(None, writers), key=len, reverse=True):  # .rfc8345.json, .json
        if name.endswith(ending):
            return writers[ending].write(network, path)
    endings = ", ".join(filter(None, writers))
    raise refusal(path, f"cannot write to this; endings that can be: {endings}, or a folder")


def write_whole(path: Path, text: str) -> None:
    """Write *text* to *path* whole or not at all."""
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def write_csv(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Write rows of cells to a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue())


def is_third_party_name(text: str | Path) -> bool:
    """Return whether some format takes *text* for a name of its own: `topohub:sndlib/sun`."""
    return topology_format.named(str(text)) is not None


def is_topology(path_or_name: str | Path) -> bool:
    """Return whether some format reads a file, or takes its path for a name of its own."""
    path = Path(path_or_name)
    return is_third_party_name(path_or_name) or (
        regular.is_there(path) and any(each.reads(path) for each in topology_format.every())
    )


def _read(
    path_or_name: str | Path, network: str | None = None
) -> tuple[Network | None, list[Problem]]:
    try:
        path, known = Path(path_or_name), topology_format.named(str(path_or_name))
        if known is None:
            path = _found(path_or_name)
            known = topology_format.reading(path, "not a topology I can read", as_topology)
        return (known if network is None else known.choosing(network, path)).read(path)
    except InputError as error:
        return None, list(error.problems)


def _found(path_or_name: str | Path) -> Path:
    try:
        return library.find("topologies", path_or_name)
    except FileNotFoundError as error:
        raise refusal("", str(error)) from None
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        raise refusal(path_or_name, f"cannot read this: {reason(error)}") from None
