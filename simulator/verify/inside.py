"""Inside: a call is made in a network namespace, by a thread that ends with it."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NAMES = Path("/run/netns")
"""Where ``ip netns`` keeps the names of namespaces."""
_OF_NETWORK = 0x40000000
"""CLONE_NEWNET of ``setns(2)``."""


def inside(space: str, call: Callable[[], T]) -> T:
    """Return what a call returns that is made in a network namespace.

    Only the thread that makes it is there, so that the process stays where it is. Sockets that are
    opened stay in the namespace, and programs that are started begin in it.
    """
    found: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            _enter(space)
            found.append(call())
        except BaseException as error:  # noqa: BLE001 -- raised again below, in the thread that asked
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _enter(space: str) -> None:
    place = os.open(NAMES / space, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(place, _OF_NETWORK):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(NAMES / space))
    finally:
        os.close(place)
