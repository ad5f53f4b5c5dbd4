"""The contract of this folder: a format turns a file into a Network, and where it can, back.

Adding one is adding a file here::

    @format_("my_format")
    class MyFormat:
        \"\"\"One line that ``simulator list formats`` prints.\"\"\"

        suffixes: ClassVar[tuple[str, ...]] = (".mine",)
        readable: ClassVar[str] = "a .mine file"

        def reads(self, path): ...
        def read(self, path): ...
        def write(self, network, path): ...  # where it is written as well; returns what is lost
        def names(self, text): ...  # where it knows networks by name, not by file;
        def read_name(self, text): ...  # then this reads them

`read` fills a :class:`~simulator.formats.rules.draft.Draft` and hands it to
:func:`~simulator.formats.rules.assemble.assemble`, so that every format is checked alike.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, ClassVar, Protocol

from simulator.base import library
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.registry import Registry
from simulator.model.network import Network

format_ = Registry("topology format", "simulator.formats")


class NetworkWarning(UserWarning):
    """Something in a topology that looks like a mistake but does not stop anyone."""


class Format(Protocol):
    """What every format offers."""

    kind: str
    suffixes: ClassVar[tuple[str, ...]]
    """Endings of the files it reads, in lower case; none for a format that reads folders."""
    readable: ClassVar[str]
    """What it reads, in words: `a .yaml or .yml file`."""

    def reads(self, path: Path) -> bool:
        """Say whether *path*, which exists, is in this format."""
        ...

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        ...


def read_network(path_or_name: str | Path) -> tuple[Network, list[Problem]]:
    """Read a topology in any format.

    Parameters
    ----------
    path_or_name : str or Path
        A file, a folder, or the name of a built-in topology.

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
    network, problems = _read(path_or_name)
    if network is None:
        raise InputError(problem for problem in problems if problem.severity == "error")
    return network, problems


def load_network(path_or_name: str | Path) -> Network:
    """Read a topology; what looks like a mistake becomes a `NetworkWarning`.

    Parameters
    ----------
    path_or_name : str or Path
        A file, a folder, or the name of a built-in topology.

    Raises
    ------
    InputError
        Holds every error found.
    """
    network, problems = read_network(path_or_name)
    for problem in problems:
        warnings.warn(str(problem), NetworkWarning, stacklevel=2)
    return network


def check_network(path: str | Path) -> list[Problem]:
    """Return all that is wrong with a topology, errors and warnings; none means it is sound."""
    return _read(path)[1]


def write_network(network: Network, path: str | Path) -> list[str]:
    """Write *network* to *path*, in the format that its ending names.

    Parameters
    ----------
    network : Network
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
    ending = "" if folder else path.suffix.lower()
    writers = [each for each in _formats() if hasattr(each, "write")]
    for writer in writers:
        if ending in (writer.suffixes or ("",)):
            lost: list[str] = writer.write(network, path)
            return lost
    endings = ", ".join(suffix for writer in writers for suffix in writer.suffixes)
    message = f"cannot write to this; endings that can be: {endings}, or a folder"
    raise _refusal(path, message)


def write_whole(path: Path, text: str) -> None:
    """Write *text* to *path* whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def is_third_party_name(text: str | Path) -> bool:
    """Say whether some format takes *text* for a name of its own, such as `topohub:sndlib/sun`."""
    return _namer(text) is not None


def _namer(text: str | Path) -> Any:
    """Return the format that reads *text* by name and not as a file, or None."""
    by_name = (each for each in _formats() if hasattr(each, "names"))
    return next((each for each in by_name if each.names(str(text))), None)


def _read(path_or_name: str | Path) -> tuple[Network | None, list[Problem]]:
    try:
        if namer := _namer(path_or_name):
            found: tuple[Network | None, list[Problem]] = namer.read_name(str(path_or_name))
            return found
        path = _found(path_or_name)
        return _format_of(path).read(path)
    except InputError as error:
        return None, list(error.problems)


def _found(path_or_name: str | Path) -> Path:
    try:
        return library.find("topologies", path_or_name)
    except FileNotFoundError as error:
        raise InputError([Problem("", None, None, "", str(error))]) from None
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(path_or_name, f"cannot read this: {reason}") from None


def _format_of(path: Path) -> Format:
    formats = _formats()
    for each in formats:
        if each.reads(path):
            return each
    suffixes = [suffix for each in formats for suffix in each.suffixes]
    near = did_you_mean(path.suffix.lower(), suffixes) if path.suffix else ""
    readable = ", ".join(each.readable for each in formats)
    raise _refusal(path, f"not a topology I can read{near or ';'} readable: {readable}")


def _formats() -> list[Format]:
    return [format_.make(name) for name in format_.names()]


def _refusal(path: str | Path, message: str) -> InputError:
    return InputError([Problem(str(path), None, None, "", message)])
