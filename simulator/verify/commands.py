"""Commands: programs of the system are run, and what they complain of is not lost."""

from __future__ import annotations

import subprocess

from simulator.base.errors import SimulatorError


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command and return what it prints.

    Raises
    ------
    SimulatorError
        It fails; the message has what it says.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        words = " ".join(command)
        raise SimulatorError(f"{words}: {said[0] if said else f'ended with {done.returncode}'}")
    return done.stdout


def tried(*command: str) -> str:
    """Run a command that may fail, and return what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def batch(lines: list[str], *program: str) -> None:
    """Give lines to ``ip -batch``, or to another *program* that takes them."""
    if lines:
        run(*(program or ("ip",)), "-batch", "-", stdin="\n".join(lines) + "\n")
