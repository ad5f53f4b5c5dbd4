"""Run the benchmarks: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import sys
import textwrap
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import (
    days,
    ecmp,
    events,
    fluid,
    large,
    loading,
    peers,
    plans,
    programs,
    sweeps,
    years,
)
from benchmarks.cases import FULL, QUICK, Case
from benchmarks.race import Outcome, run

GROUPS = {
    "day": days,
    "year": years,
    "events": events,
    "flow": fluid,
    "program": programs,
    "plan": plans,
    "large": large,
    "ecmp": ecmp,
    "load": loading,
    "sweep": sweeps,
    "peers": peers,
}
LIBRARIES = ("simpy", "numpy", "scipy", "networkx", "highspy", "pandas", "pyarrow", "PyYAML")
PEERS = ("ngraph", "pyNTM")


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, print tables, and write JSON if wanted."""
    given = _parser().parse_args(arguments)
    size = QUICK if given.quick else FULL
    if given.rounds:
        size = dataclasses.replace(size, rounds=given.rounds)
    case = Case(size)
    machine = _machine()
    print(_sentence(machine), flush=True)
    outcomes = []
    for group in given.only or GROUPS:
        for race in GROUPS[group].races(case):
            outcome = run(group, race, rounds=size.rounds, least_s=size.least_s)
            outcomes.append(outcome)
            print(f"\n{_table(outcome)}", flush=True)
    if given.json:
        told = {"machine": machine, "quick": given.quick, "outcomes": [*map(_plain, outcomes)]}
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="run this group (again)")
    parser.add_argument("--rounds", type=int, help="turns of every runner (7)")
    parser.add_argument("--quick", action="store_true", help="small and imprecise, for tests")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE")
    return parser


def _table(outcome: Outcome) -> str:
    wide = max(len(timing.runner) for timing in outcome.timings)
    head = f"CPU per {outcome.per}"
    lines = [f"[{outcome.group}] {outcome.title}"]
    lines.append(f"  {'':{wide}}  {head:>16}   times the yardstick (least - most)")
    for timing in outcome.timings:
        ratio = (
            f"{_ratio(timing.ratio):>7}  ({_ratio(timing.ratio_low)} - {_ratio(timing.ratio_high)})"
        )
        told = "yardstick" if timing.runner == outcome.yardstick else ratio
        lines.append(f"  {timing.runner:{wide}}  {_time(timing.cpu_ms):>16}   {told}")
    agreed = (f"{what} {limit.found:.1e}" for what, limit in outcome.agreement.items())
    agreement = f"agree: {'; '.join(agreed)}"
    lines += textwrap.wrap(agreement, 100, initial_indent="  ", subsequent_indent=" " * 9)
    if outcome.note:
        lines.append(f"  note: {outcome.note}")
    return "\n".join(lines)


def _time(cpu_ms: float) -> str:
    for unit, factor in (("s", 1e-3), ("ms", 1.0)):
        if cpu_ms * factor >= 1.0:
            return f"{cpu_ms * factor:.3g} {unit}"
    return f"{cpu_ms * 1e3:.3g} µs"


def _ratio(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _plain(outcome: Outcome) -> dict[str, Any]:
    plain = dataclasses.asdict(outcome)
    plain["agreement"] = {k: limit._asdict() for k, limit in outcome.agreement.items()}
    return plain


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in (*LIBRARIES, *_present(PEERS))},
    }


def _present(names: Iterable[str]) -> Iterator[str]:
    """Yield the packages that are installed."""
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.version(name)
            yield name


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def _sentence(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = machine["load_average"]
    busy = f"; load average {load[0]:.1f} at the start" if load else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}{busy}\n"
        f"Python {machine['python']}, {versions}\n"
        "CPU time; medians over rounds in which all runners take turns"
    )


if __name__ == "__main__":
    sys.exit(main())
