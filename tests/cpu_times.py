"""CPU of every test, and the list ``thorough.txt`` of those that are dear.

``make test-times`` runs the tests with ``-p cpu_times``, which writes what each takes, and then
this file as a program, which writes the list. Where tests of a file share something, the first of
them pays for all.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TIMES = Path(__file__).parent.parent / "build" / "cpu-times"
THOROUGH = Path(__file__).parent / "thorough.txt"
FROM_S = 0.3


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Write down what a test takes, with what it sets up and tears down."""
    began = _cpu_s()
    result = yield
    TIMES.mkdir(parents=True, exist_ok=True)
    with open(TIMES / f"{os.getpid()}.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps([item.nodeid, _cpu_s() - began]) + "\n")
    return result


def read() -> dict[str, float]:
    """Return the CPU of every test, in seconds."""
    found: dict[str, float] = {}
    for file in TIMES.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, seconds = json.loads(line)
            found[name] = seconds
    return found


def known() -> set[str]:
    """Return the tests of the list, and whole files."""
    return set(THOROUGH.read_text(encoding="utf-8").splitlines())


def main(from_s: float = FROM_S) -> None:
    """Write the list anew.

    What is on it stays while it takes half of the bound, or was not measured: without the first
    tests of a file, others pay for what they share, so that it takes two rounds. Files that are on
    it as a whole, as all of their tests share something dear, stay.
    """
    times, before = read(), known()
    dear = {name for name, seconds in times.items()
            if seconds >= (from_s / 2 if name in before else from_s)}  # fmt: skip
    dear |= before - set(times)
    files = {name for name in before if "::" not in name}
    dear = {name for name in dear if name in files or name.partition("::")[0] not in files}
    THOROUGH.write_text("".join(f"{name}\n" for name in sorted(dear)), encoding="utf-8")
    whole = sum(times.values())
    left = sum(seconds for name, seconds in times.items()
               if not {name, name.partition("::")[0]} & dear)  # fmt: skip
    print(f"{len(times):,} tests, {whole:.0f} s of CPU; {left:.0f} s but for {len(dear):,} listed")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
