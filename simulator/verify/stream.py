"""Stream: numbered packets of one flow, to see how long traffic is lost."""

from __future__ import annotations

import socket
import threading
import time
from typing import NamedTuple

from simulator.verify.inside import inside

PORT = 5001
_EVERY_S, _LAST_S = 0.001, 0.5
_BUFFER = 1 << 22


class Arrived(NamedTuple):
    """What became of a stream.

    Attributes
    ----------
    sent, received : int
    lost_s : float
        Packets lost, times the mean time between two.
    """

    sent: int
    received: int
    lost_s: float


class Stream:
    """One flow from an end of traffic to another, sent while something else happens.

    Begins when it is made; :meth:`result` ends it.

    Parameters
    ----------
    source, target : tuple of str
        Namespace and address.
    """

    def __init__(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        self._here, self._there = source[1], target[1]
        self._receiver = inside(target[0], self._listening)
        self._sender = inside(source[0], self._sending)
        self._end = threading.Event()
        self._sent, self._seconds, self._numbers = 0, 0.0, set[int]()
        self._threads = [threading.Thread(target=each, daemon=True)
                         for each in (self._receive, self._send)]  # fmt: skip
        for each in self._threads:
            each.start()

    def result(self) -> Arrived:
        """End the stream and say what arrived."""
        self._end.set()
        for each in self._threads:
            each.join()
        self._receiver.close()
        self._sender.close()
        lost = self._sent - len(self._numbers)
        return Arrived(self._sent, len(self._numbers), lost * self._seconds / max(self._sent, 1))

    def _listening(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.bind((self._there, PORT))
        made.settimeout(_LAST_S)
        return made

    def _sending(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self._here, PORT))
        return made

    def _send(self) -> None:
        began = time.monotonic()
        while not self._end.is_set():
            try:
                self._sender.sendto(self._sent.to_bytes(4, "big"), (self._there, PORT))
            except OSError:  # no route at this instant: lost like any other
                pass
            self._sent += 1
            time.sleep(_EVERY_S)
        self._seconds = time.monotonic() - began

    def _receive(self) -> None:
        while True:
            try:
                self._numbers.add(int.from_bytes(self._receiver.recv(64), "big"))
            except TimeoutError:
                if self._end.is_set():
                    return
