"""Killing a run between any two file operations, and looking at what it left behind.

A child of this process runs the scenario and counts its file operations with an audit hook, which
Python calls before it opens for writing, makes, renames or removes anything. At one of them it
ends itself with SIGKILL: nothing is cleaned up, as with ``kill -9`` or a loss of power.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

OPERATIONS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"}
#: Of renameat2, which is called through ctypes: once when it is looked up, once before the call.
FOREIGN = {"ctypes.dlsym"}
WRITES = os.O_WRONLY | os.O_RDWR


def is_operation(event: str, args: tuple) -> bool:
    """Return whether an audit event comes before a change of files."""
    if event == "open":
        return isinstance(args[2], int) and bool(args[2] & WRITES)
    return event in OPERATIONS or (event in FOREIGN and args[1] == "renameat2")


def count_operations(work: Callable[[], object]) -> int:
    """Return how many file operations some work does, in a child process."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        counted = 0

        def count(event: str, args: tuple) -> None:
            nonlocal counted
            counted += is_operation(event, args)

        sys.addaudithook(count)
        work()
        os.write(write, str(counted).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return int(pipe.read())


def killed_at(work: Callable[[], object], moment: int) -> bool:
    """Do some work in a child that dies before its operation number *moment*, from 0.

    Returns whether it died there; it had ended before if not.
    """
    if (child := os.fork()) == 0:
        left = moment

        def die(event: str, args: tuple) -> None:
            nonlocal left
            if is_operation(event, args):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        sys.addaudithook(die)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def killed_after(
    work: Callable[[], object], seconds: float, ready: Callable[[], bool] = lambda: True
) -> bool:
    """Do some work in a child that is killed after a time; return whether it was.

    The time begins when something is *ready*, so that the moment depends less on the machine.
    """
    if (child := os.fork()) == 0:
        try:
            work()
        finally:
            os._exit(0)
    while not ready():
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
