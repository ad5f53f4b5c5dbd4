"""Routers for tests: network namespaces with real daemons, removed at the end whatever happens."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

FRR = Path("/usr/lib/frr")
PREFIX = "simx"
"""How names of our namespaces begin; the number of the process and a name of the test follow."""


def needs(*programs: str) -> None:
    """Skip a test, with the reason, where programs, root or namespaces are missing."""
    where = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:{FRR}"
    missing = [each for each in ("ip", *programs) if shutil.which(each, path=where) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (.ci/run installs it)")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    probe = f"{PREFIX}{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no network namespaces")
    subprocess.run(["ip", "netns", "del", probe], check=False)


class Bench:
    """Namespaces and what runs in them.

    At the start namespaces of processes that are gone are removed; at the end its own are.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="simulator-routers-"))
        self.folder.chmod(0o755)

    def __enter__(self) -> Bench:
        for name in namespaces():
            owner = re.match(rf"{PREFIX}(\d+)-", name)
            if owner and not Path(f"/proc/{owner[1]}").exists():
                _remove(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for name in self._names:
            _remove(name)
        for each in self._processes:
            each.kill()  # one that is just starting was not in its namespace yet
            each.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def space(self, name: str) -> str:
        """Make a namespace that forwards, and return its full name."""
        full = f"{PREFIX}{os.getpid()}-{name}"
        self._names.append(full)
        run("ip", "netns", "add", full)
        self.ip(full, "link set lo up")
        settings = ("ip_forward=1", "fib_multipath_hash_policy=1", "conf.all.rp_filter=0")
        run("ip", "netns", "exec", full, "sysctl", "-qw", *(f"net.ipv4.{s}" for s in settings))
        return full

    def ip(self, space: str, *lines: str) -> None:
        """Run commands of ``ip`` in a namespace."""
        run("ip", "-n", space, "-batch", "-", stdin="\n".join(lines) + "\n")

    def wire(self, one: str, other: str, name: str, other_name: str = "") -> None:
        """Connect two namespaces, and bring both ends up."""
        other_name = other_name or name
        run("ip", "link", "add", name, "netns", one, "type", "veth",
            "peer", "name", other_name, "netns", other)  # fmt: skip
        self.ip(one, f"link set {name} up")
        self.ip(other, f"link set {other_name} up")

    def start(self, space: str, *command: str, **environment: str) -> Path:
        """Start a program in a namespace, and return the file of what it prints."""
        log = self.folder / f"{space}-{len(self._processes)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["ip", "netns", "exec", space, *command],
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **environment}, cwd=self.folder,
            )  # fmt: skip
        self._processes.append(process)
        return log

    def frr(self, space: str, configurations: dict[str, str]) -> Path:
        """Start FRR's daemons with a configuration each; return the folder of their sockets."""
        place = self.folder / space
        place.mkdir()
        shutil.chown(place, "frr", "frr")
        for daemon, text in configurations.items():
            file = place / f"{daemon}.conf"
            file.write_text(text)
            shutil.chown(file, "frr", "frr")
            self.start(
                space, str(FRR / daemon), "-f", str(file), "-i", str(place / f"{daemon}.pid"),
                "--vty_socket", str(place), "-z", str(place / "zserv.api"), "-u", "frr",
                "-g", "frr", "-A", "127.0.0.1", "--log", f"file:{place}/{daemon}.out",
            )  # fmt: skip
            wait_for(lambda d=daemon: (place / f"{d}.vty").exists(), f"{daemon} to start")
        return place


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command, and return what it prints; what it complains of is in the failure."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert not done.returncode, f"{command}: {done.stderr or done.stdout}"
    return done.stdout


def vtysh(place: Path, *words: str) -> str:
    """Run vtysh on the daemons of a folder."""
    return run("vtysh", "--vty_socket", str(place), *words)


def routes(space: str, table: str = "main") -> dict[str, dict[str, int]]:
    """Return the weight of every next hop by prefix, in the kernel of a namespace."""
    text = run("ip", "-n", space, "-j", "route", "show", "table", table)
    found = {}
    for route in json.loads(text or "[]"):
        hops = route.get("nexthops") or [{**route, "weight": 1}]
        found[route["dst"]] = {hop["gateway"]: hop["weight"] for hop in hops if "gateway" in hop}
    return found


def weights(space: str, prefix: str, table: str = "main") -> dict[str, int]:
    """Return the weight of every next hop of a prefix, none where there is no route."""
    return routes(space, table).get(prefix, {})


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> None:
    """Wait until something holds; a test fails that waits too long."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


def namespaces() -> list[str]:
    """Return the names of all network namespaces."""
    return [line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()]


def _remove(name: str) -> None:
    """End what runs in a namespace, and remove it."""
    found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                           check=False)  # fmt: skip
    for pid in found.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
