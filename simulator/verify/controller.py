"""Controller: ExaBGP in a namespace of its own, and the feeder that gives it lines."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from simulator.base.errors import SimulatorError
from simulator.export.addresses import AS, CONTROLLER, AddressPlan
from simulator.export.bgp import HOLD_S
from simulator.verify.inside import inside
from simulator.verify.lab import Lab
from simulator.verify.needs import program
from simulator.verify.routers import wait_for

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

    Parameters
    ----------
    lab : Lab
    space : str
        Namespace that it is in.
    sessions : sequence of str
        Its ``neighbor`` sections; graceful restart is added to their capabilities.

    Attributes
    ----------
    process : subprocess.Popen
        ExaBGP, while it runs.
    """

    process: subprocess.Popen[bytes]

    def __init__(self, lab: Lab, space: str, sessions: Sequence[str]) -> None:
        self._lab, self._space, self._sessions = lab, space, sessions
        self._folder = lab.place("controller")
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
        file.write_text("".join(f"{line}\n" for line in self._configuration(graceful_s)))
        self.process = self._lab.start(
            self._space, program("exabgp"), str(file), environment=_ENVIRONMENT,
            log=self._folder / "exabgp.out",
        )  # fmt: skip
        wanted = len(self._sessions)
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
        lines = inside(self._space, table.read_text).splitlines()[1:]
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

    def _configuration(self, graceful_s: int | None) -> Iterator[str]:
        """Yield the lines of its configuration.

        With *graceful_s* routers are asked to keep routes of a session that broke for so long (RFC
        4724).
        """
        yield f"process feeder {{ run {self._folder}/feeder.sh; encoder text; }}"
        for each in self._sessions:
            if graceful_s is None:
                yield each
            else:
                yield each.replace("add-path", f"graceful-restart {graceful_s}; add-path")

    def _forget(self) -> None:
        """Read what no feeder has read."""
        with suppress(BlockingIOError):
            while os.read(self._pipe, 65536):
                continue


def sessions_of(plan: AddressPlan) -> list[str]:
    """Return a session for each end of traffic at home, which has several paths of a prefix."""
    return [
        f"neighbor {plan.loopbacks[node]} {{ router-id {CONTROLLER};"
        f" local-address {CONTROLLER}; local-as {AS}; peer-as {AS}; hold-time {HOLD_S};"
        " family { ipv4 unicast; } capability { add-path send/receive; }"
        " api { processes [ feeder ]; } }"
        for node in plan.provinces
    ]


def _is_session(words: list[str]) -> bool:
    ends = words[1], words[2]
    return words[3] == _ESTABLISHED and any(end.endswith(_BGP_PORT) for end in ends)


def _text(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""
