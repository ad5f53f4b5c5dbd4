"""Controller: ExaBGP in a namespace of its own, and the feeder that gives it lines."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from simulator.base.errors import SimulatorError
from simulator.export.addresses import AS, CONTROLLER, AddressPlan
from simulator.export.bgp import HOLD_S
from simulator.verify.inside import inside
from simulator.verify.needs import program
from simulator.verify.routers import Routers, wait_for

SESSIONS_WITHIN_S, FEEDER_WITHIN_S, TOLD_WITHIN_S = 60.0, 20.0, 20.0
_POLL_S = 0.02
_ENVIRONMENT = {
    "exabgp.daemon.user": "root",
    "exabgp.api.cli": "false",
    "exabgp.api.ack": "false",
    "exabgp.api.terminate": "false",  # what is shown of a dead feeder is ExaBGP's own default
    "exabgp.api.respawn": "false",
    "exabgp.log.destination": "stdout",
}
_FEEDER = """\
#!/bin/sh
echo $$ > {folder}/feeder.pid
exec cat {folder}/lines
"""
_ESTABLISHED = "01"
_BGP_PORT = f":{179:04X}"


class Controller:
    """A controller that can be told lines, and that can die in several ways.

    Attributes
    ----------
    process : subprocess.Popen
        ExaBGP, while it runs.
    """

    process: subprocess.Popen[bytes]

    def __init__(self, routers: Routers) -> None:
        self._routers = routers
        self._folder = routers.lab.place("controller")
        self._lines = self._folder / "lines"
        os.mkfifo(self._lines)
        # Open at both ends: the feeder never sees an end, and lines wait for it.
        self._pipe = os.open(self._lines, os.O_RDWR | os.O_NONBLOCK)
        feeder = self._folder / "feeder.sh"
        feeder.write_text(_FEEDER.format(folder=self._folder))
        feeder.chmod(0o755)

    def start(self, graceful_s: int | None = None) -> float:
        """Start it and wait for its sessions; return the seconds that took."""
        began = time.monotonic()
        pid_file = self._folder / "feeder.pid"
        pid_file.unlink(missing_ok=True)
        file = self._folder / "exabgp.conf"
        file.write_text("".join(
            f"{line}\n" for line in configuration(self._routers.plan, self._folder, graceful_s)
        ))  # fmt: skip
        self.process = self._routers.lab.start(
            self._routers.controller, program("exabgp"), str(file), environment=_ENVIRONMENT,
            log=self._folder / "exabgp.out",
        )  # fmt: skip
        wanted = len(self._routers.plan.provinces)
        if not wait_for(lambda: self.sessions() == wanted, SESSIONS_WITHIN_S, _POLL_S):
            raise SimulatorError(
                f"ExaBGP has {self.sessions()} of {wanted} sessions after {SESSIONS_WITHIN_S:g} s"
            )
        if not wait_for(lambda: bool(_text(pid_file)), FEEDER_WITHIN_S, _POLL_S):
            raise SimulatorError("ExaBGP did not start its feeder")
        return time.monotonic() - began

    def sessions(self) -> int:
        """Return how many routers have a connection to it."""
        table = Path("/proc/thread-self/net/tcp")
        lines = inside(self._routers.controller, table.read_text).splitlines()[1:]
        return sum(_is_session(line.split()) for line in lines)

    def tell(self, lines: Iterable[str]) -> int:
        """Give it announcements and withdrawals; return how many."""
        many = list(lines)
        text = "".join(f"{line}\n" for line in many).encode()
        end = time.monotonic() + TOLD_WITHIN_S
        while text:
            try:
                text = text[os.write(self._pipe, text) :]
            except BlockingIOError:  # the pipe is full
                time.sleep(_POLL_S)
            if time.monotonic() > end:
                raise SimulatorError(f"ExaBGP took no lines for {TOLD_WITHIN_S:g} s")
        return len(many)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to ExaBGP alone."""
        self.process.send_signal(number)

    def end_feeder(self) -> None:
        """End the feeder alone; it outlives an ExaBGP that is killed."""
        with suppress(ProcessLookupError):
            os.kill(int(_text(self._folder / "feeder.pid")), signal.SIGKILL)

    def stop(self) -> None:
        """End it at once, and wait until it is gone."""
        self.process.kill()
        self.process.wait(timeout=10)
        self.end_feeder()
        self._forget()

    def close(self) -> None:
        """Close the pipe to the feeder."""
        os.close(self._pipe)

    def misunderstood(self) -> list[str]:
        """Return what it says of lines that it did not understand."""
        text = (self._folder / "exabgp.out").read_text(errors="replace")
        return [line for line in text.splitlines() if "not understood" in line]

    def _forget(self) -> None:
        """Read what no feeder has read."""
        with suppress(BlockingIOError):
            while os.read(self._pipe, 65536):
                continue


def configuration(plan: AddressPlan, folder: Path, graceful_s: int | None) -> Iterator[str]:
    """Yield the lines of ExaBGP's configuration: a session for each end of traffic at home.

    Parameters
    ----------
    graceful_s : int, optional
        Time for which routers are asked to keep routes of a session that broke (RFC 4724).
    """
    yield f"process feeder {{ run {folder}/feeder.sh; encoder text; }}"
    graceful = "" if graceful_s is None else f"graceful-restart {graceful_s}; "
    for node in plan.provinces:
        yield (
            f"neighbor {plan.loopbacks[node]} {{ router-id {CONTROLLER};"
            f" local-address {CONTROLLER}; local-as {AS}; peer-as {AS}; hold-time {HOLD_S};"
            f" family {{ ipv4 unicast; }} capability {{ {graceful}add-path send/receive; }}"
            " api { processes [ feeder ]; } }"
        )


def _is_session(words: list[str]) -> bool:
    ends = words[1], words[2]
    return words[3] == _ESTABLISHED and any(end.endswith(_BGP_PORT) for end in ends)


def _text(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""
