"""Needs: what a machine must have to be a network of routers, and what to install."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from simulator.base.errors import InputError, Problem

FRR = Path("/usr/lib/frr")
"""Where Debian's package has FRR's daemons."""
_DAEMONS = ("zebra", "isisd", "bgpd")
_TOOLS = {"ip": "iproute2", "bridge": "iproute2", "tc": "iproute2"}
_CONTROLLER = {"exabgp": "exabgp"}
_PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def refuse_without(*, controller: bool = True) -> None:
    """Refuse a machine on which no routers can be started.

    Parameters
    ----------
    controller : bool
        Whether decisions are given to the routers, too.

    Raises
    ------
    InputError
        Says all that is missing, and how to get it.
    """
    if lacking := list(_lacking(controller)):
        raise InputError([Problem("", None, None, "--on frr", each) for each in lacking])


def program(name: str) -> str:
    """Return the path of a program of the system."""
    return shutil.which(name, path=_PATHS) or name


def _lacking(controller: bool) -> Iterator[str]:
    if not sys.platform.startswith("linux"):
        yield f"network namespaces are of Linux, and this is {sys.platform}"
        return
    if os.geteuid() != 0:
        yield "network namespaces need root: sudo simulator verify ..."
    tools = _TOOLS | (_CONTROLLER if controller else {})
    packages = {tools[name] for name in tools if shutil.which(name, path=_PATHS) is None}
    if not all((FRR / name).exists() for name in _DAEMONS):
        packages.add("frr")
    if packages:
        names = " ".join(sorted(packages))
        yield f"not installed: {names}; on Debian and Ubuntu: apt-get install {names}"
