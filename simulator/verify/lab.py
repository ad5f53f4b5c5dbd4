"""Lab: network namespaces and what runs in them, gone at the end whatever happens.

Their names begin with a prefix, the number of this process and the time of its start, so that the
next lab can tell what a killed process has left, and removes it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType

from simulator.results.exchange import signals_wait
from simulator.verify.commands import batch, run, tried
from simulator.verify.inside import NAMES, inside
from simulator.verify.needs import FRR, program

PREFIX = "simv"
_OURS = re.compile(rf"{PREFIX}(?P<pid>\d+)\.(?P<began>\d+)-")
_TERMINATED = 143
"""Exit code of a process that SIGTERM ends, as shells have it."""
_SETTINGS = {
    "ipv4/ip_forward": 1,
    "ipv4/fib_multipath_hash_policy": 1,  # by ports as well
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/conf/all/accept_local": 1,  # a gateway with users of its own is a tunnel's both ends
    "ipv4/conf/all/ignore_routes_with_linkdown": 1,
    "ipv4/conf/default/ignore_routes_with_linkdown": 1,
    "ipv6/conf/all/disable_ipv6": 1,  # its neighbour discovery would be counted as traffic
    "ipv6/conf/default/disable_ipv6": 1,
}
_KERNEL = Path("/proc/sys/net")
"""Settings of the namespace of the thread that looks there."""


class Lab:
    """Namespaces, the processes in them, and a folder for their files.

    Everything ends with the ``with`` block: also by an exception, SIGINT, SIGTERM and SIGHUP.

    Attributes
    ----------
    folder : Path
        Readable by FRR's user.
    """

    def __init__(self) -> None:
        self._mark = f"{PREFIX}{os.getpid()}.{_began(os.getpid())}-"
        self._spaces: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._handlers: dict[int, object] = {}
        self.folder = Path(tempfile.gettempdir()) / f"{self._mark}{os.urandom(3).hex()}"

    def __enter__(self) -> Lab:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) == signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, _end)
        sweep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with signals_wait():
            remove(self._spaces)
            for each in self._processes:
                each.kill()  # nothing happens where it has ended with its namespace
                each.wait(timeout=10)
            shutil.rmtree(self.folder, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def place(self, name: str) -> Path:
        """Make a folder that belongs to FRR's user."""
        place = self.folder / name
        place.mkdir(parents=True)
        for each in (self.folder, place):
            each.chmod(0o755)
        shutil.chown(place, "frr", "frr")
        return place

    def space(self, name: str) -> str:
        """Make a namespace that forwards IPv4, and return its full name."""
        full = f"{self._mark}{name}"
        self._spaces.append(full)  # before it exists: removing one that does not is no failure
        run("ip", "netns", "add", full)
        inside(full, _set)
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def wire(self, wires: list[tuple[str, str, str, str]]) -> None:
        """Connect namespaces: each wire has a namespace and an interface at both of its ends."""
        batch([f"link add {a_name} netns {a} type veth peer name {b_name} netns {b}"
               for a, a_name, b, b_name in wires])  # fmt: skip
        ends: dict[str, list[str]] = {}
        for a, a_name, b, b_name in wires:
            ends.setdefault(a, []).append(f"link set {a_name} up")
            ends.setdefault(b, []).append(f"link set {b_name} up")
        for space, lines in ends.items():
            batch(lines, "ip", "-n", space)

    def start(
        self, space: str, *command: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; what it prints is added to a file."""
        with log.open("ab") as out:
            process = subprocess.Popen(
                [program("ip"), "netns", "exec", space, *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for this process; it ends the others
            )
        self._processes.append(process)
        return process

    def frr(self, space: str, place: Path, daemon: str, configuration: str) -> None:
        """Start a daemon of FRR, with its files in a folder that :meth:`place` made."""
        file = place / f"{daemon}.conf"
        file.write_text(configuration)
        shutil.chown(file, "frr", "frr")
        self.start(
            space, str(FRR / daemon), "-f", str(file), "-i", str(place / f"{daemon}.pid"),
            "--vty_socket", str(place), "-z", str(place / "zserv.api"), "-u", "frr", "-g", "frr",
            "-A", "127.0.0.1", "--log", f"file:{place}/{daemon}.log", log=place / f"{daemon}.out",
        )  # fmt: skip

    def ended(self) -> list[str]:
        """Return the commands of processes that have ended by themselves."""
        return [str(each.args[4]) for each in self._processes  # type: ignore[index]
                if each.poll() is not None]  # fmt: skip

    def memory_mb(self) -> float:
        """Return the memory that all processes hold, each counted whole."""
        return sum(_resident_mb(each.pid) for each in self._processes if each.poll() is None)


def sweep() -> None:
    """Remove what labs have left whose processes are gone."""
    if NAMES.is_dir():
        remove([path.name for path in NAMES.iterdir() if _is_left(path.name)])
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left(path.name):
            shutil.rmtree(path, ignore_errors=True)


def remove(spaces: list[str]) -> None:
    """End what runs in namespaces, and remove them; those that do not exist are passed over."""
    there = [each for each in spaces if (NAMES / each).exists()]
    for space in there:
        for pid in _pids(space):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    for space in there:
        tried("ip", "netns", "del", space)


def _set() -> None:
    """Set what the kernel does in the namespace of this thread; it may know no IPv6 at all."""
    for name, value in _SETTINGS.items():
        if (_KERNEL / name).exists():
            (_KERNEL / name).write_text(str(value))


def _pids(space: str) -> Iterator[int]:
    yield from map(int, tried("ip", "netns", "pids", space).split())


def _is_left(name: str) -> bool:
    """Whether a name is that of a lab whose process is gone."""
    found = _OURS.match(name)
    return found is not None and _began(int(found["pid"])) != int(found["began"])


def _began(pid: int) -> int:
    """Return when a process began, in ticks since the machine did; -1 where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return -1
    return int(text.rpartition(")")[2].split()[19])


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)
