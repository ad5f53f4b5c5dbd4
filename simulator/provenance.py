"""Provenance: run.json and the inputs of a run, for readers who check it or run it again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from simulator.formats.matrices.demands import write_demands, write_recording
from simulator.formats.native import flow
from simulator.formats.native import write as write_network
from simulator.model.network import COUNTING_RULE, Network
from simulator.results.folder import COMPLETE, RUN_JSON
from simulator.scenario.marks import marks
from simulator.scenario.scenario import Scenario
from simulator.scenario.settings import BORDER_KEYS

LIBRARIES = ("simpy", "numpy", "scipy", "networkx", "highspy", "pandas", "pyarrow", "pydantic")

INPUTS = "inputs"
"""The folder of the inputs in a results folder."""

SAME_TRAFFIC = "Every replication has the same traffic"
"""How the note begins on a scenario without a random shape."""
LEFT_OUT = (
    "Traffic is constant within a step: peaks shorter than a step are not seen.",
    "Queueing is a model of the mean wait; at backbone rates propagation and the choice of exit "
    "decide latency.",
)
INELASTIC = (
    "Demands do not react to loss or latency (inelastic): loss above zero stands for demand that "
    "could not be served, not for packet loss as TCP would see it."
)
RECORDED = (
    "Plans and predictors know of a recording what it holds before the scenario starts ({known}), "
    "and what has been measured since."
)
CHOOSE = {
    "exits": (
        "Neighbours abroad choose among all exits where inbound traffic lands (inbound.handover: "
        "exits): they are at every point of presence, or overseas links are others'. With points "
        "they choose near their region, and detours are shorter."
    ),
    "points": (
        "Neighbours abroad choose among the exits of the points where their region meets us "
        "(inbound.handover: points); with exits they choose among all, and detours are longer."
    ),
}
PARTLY_ELASTIC = (
    "{percent} % of every demand reacts to loss (traffic.elastic_share, an assumption): of what "
    "does not get through it is deferred first, does not come back, and only the rest is lost."
)
ELASTIC = (
    "Elastic services slow down at once and exactly to their fair part of what is left: no ramps, "
    "no timeouts. What they do not send is deferred, and does not come back later."
)


def notes(scenario: Scenario) -> list[str]:
    """Return what the figures rest on and what the model leaves out, in plain sentences."""
    about = scenario.network.about
    found = [f"Estimate: {e['of']}: {e['how']}" for e in about.estimates]
    whose: dict[str, list[str]] = {}
    for name, strategy in scenario.settings.strategies.items():
        for note in strategy.control.notes():
            whose.setdefault(note, []).append(name)
    found += [f"{', '.join(names)}: {note}" for note, names in whose.items()]
    if inbound := scenario.settings.inbound:
        found.append(CHOOSE[inbound.handover])
    if scenario.case.series.recorded:
        before_h = max(scenario.case.series.recorded.begin_h, 0.0)
        known = f"{before_h:g} h" if before_h else "nothing, so its first matrix stands for it"
        found.append(RECORDED.format(known=known))
    found += _same_traffic(scenario)
    services = scenario.settings.traffic.services or {}
    reacts = ELASTIC if any(service.elastic for service in services.values()) else INELASTIC
    if share := scenario.settings.traffic.elastic_share:
        reacts = PARTLY_ELASTIC.format(percent=f"{100 * share:g}")
    return [*found, LEFT_OUT[0], reacts, *LEFT_OUT[1:]]


def _same_traffic(scenario: Scenario) -> list[str]:
    """Return the note that replications differ in nothing but what controllers measure, if so."""
    traffic = scenario.settings.traffic
    services = (traffic.services or {}).values()
    shapes = [*traffic.shapes, *(shape for service in services for shape in service.shapes)]
    if scenario.settings.days < 2 or any(shape.random for shape in shapes):
        return []
    played = "the recording, and no shape is random" if scenario.recording else "no shape is random"
    return [
        f"{SAME_TRAFFIC} ({played}): replications differ only in what controllers measure and how"
        " long they take, and intervals say nothing of other traffic."
    ]


def write(
    scenario: Scenario,
    folder: Path,
    *,
    seconds: float,
    workers: int,
    solve_s: dict[str, list[float | None]],
) -> None:
    """Write ``run.json``.

    Parameters
    ----------
    seconds : float
        Wall-clock time of the run.
    workers : int
        Processes that shared it.
    solve_s : dict of str to list of float or None
        Seconds that each decision of each strategy took to solve; None for decisions without a
        solver.
    """
    network, demands = scenario.network, scenario.demands
    summary: dict[str, Any] = {
        "status": COMPLETE,
        "name": scenario.name,
        "title": scenario.settings.title,
        "scenario": scenario.resolved(),
        "changes": {key: _shown(value) for key, value in scenario.changes.items()},
        "matched": {key: list(ids) for key, ids in scenario.matched.items()},
        "rerun": "simulator run inputs/scenario.yaml",
        "network": {
            "name": network.name,
            "title": network.about.title,
            "nodes": len(network.nodes),
            "links": len(network.links),
            "backbone_gbps": network.backbone_gbps,
            "exits_gbps": network.exits_gbps,
            "counting_rule": COUNTING_RULE,
            "exits": {network.links[i]: float(network.capacity_gbps[2 * i]) for i in network.exits},
        },
        "demands_gbps": {
            name: demands.total_gbps(name) for name in sorted(set(demands.traffic_class))
        },
        "uncertainty": {
            name: dict(
                zip(("low", "high"), each.law.range(), strict=True),
                what=each.what(),
                source=each.source,
            )
            for name, each in scenario.assumptions.items()
            if each.moves_runs
        },
        "marks": [mark._asdict() for mark in marks(scenario)],
        "notes": notes(scenario),
        "warnings": [str(problem) for problem in scenario.warnings],
        "inputs": {path.name: digest(path) for path in scenario.inputs},
        "versions": versions(),
        "timings": {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "workers": workers,
            "solve_s": solve_s,
        },
    }
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    (folder / RUN_JSON).write_text(text, encoding="utf-8")


def versions() -> dict[str, str]:
    """Return the versions of the simulator, of Python and of the libraries behind the figures."""
    return {
        "simulator": _version("telecom-capacity-simulator"),
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
    }


def identity(folder: Path) -> dict[str, Any]:
    """Return what the results of a run depend on: its inputs, as kept in its folder, and versions.

    Two runs with the same identity have the same results.
    """
    files = sorted((folder / INPUTS).iterdir())
    return {"inputs": {file.name: digest(file) for file in files}, "versions": versions()}


_APART = ("strategies", "title", "what_if", "sources")
"""Settings that figures of a strategy do not depend on, but for its own."""


def strategy_identities(scenario: Scenario, folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the results of each strategy depend on.

    Two runs have the same results of a strategy with the same identity. Empty where that is in
    doubt: with drawn worlds, an assumption may be about any strategy.

    Parameters
    ----------
    folder : pathlib.Path
        A results folder with its inputs.
    """
    if scenario.settings.worlds > 1:
        return {}
    inputs, case = folder / INPUTS, scenario.case
    settings = scenario.resolved()
    strategies = settings["strategies"]
    common = {
        "network": digest(inputs / "topology.yaml"),
        "demands": digest(inputs / "demands.csv"),
        "settings": {key: value for key, value in settings.items() if key not in _APART},
        "versions": versions(),
        "yardstick": strategies.get(case.yardstick) if case.yardstick else None,
    }
    landing = {}
    if case.inbound is not None:  # what each announces bounds what all could have announced
        landing = {n: strategies[n] for n, s in case.strategies.items() if not s.control.at_will}
    first = next(iter(case.strategies))  # events of the network stand under its name
    return {
        name: {
            **common,
            "strategy": each,
            "name": name,
            "first": name == first,
            "landing": landing if name in landing else None,
        }
        for name, each in strategies.items()
    }


def keep_inputs(scenario: Scenario, folder: Path) -> None:
    """Write the inputs with changes applied, so that the folder can be run again by itself."""
    inputs = folder / INPUTS
    inputs.mkdir()
    settings = scenario.resolved()
    settings["topology"] = "topology.yaml"
    if "uncertainty" in settings:  # some may be of strategies that were left out
        known, stated = scenario.assumptions, settings["uncertainty"]
        # Null takes one of the topology away, and stays.
        settings["uncertainty"] = {
            name: each for name, each in stated.items() if each is None or name in known
        }
    matrix = {"kind": "file", "path": "demands.csv"}
    if scenario.recording is None:
        write_demands(scenario.demands, inputs / "demands.csv")
    else:
        write_recording(scenario.recording.scaled_to(scenario.demands), inputs / "demands.csv")
        matrix["outside"] = scenario.settings.traffic.outside
    settings.setdefault("traffic", {})["matrix"] = matrix
    for key in BORDER_KEYS:  # they are in the topology by now
        settings.pop(key, None)
    network = scenario.network
    alone = Network(network.graph, replace(network.about, matrix=str(inputs / "demands.csv")))
    write_network(alone, inputs / "topology.yaml")
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)
    (inputs / "scenario.yaml").write_text(text, encoding="utf-8")


def _shown(value: Any) -> str:
    """Return the value of a change as it is written on the command line."""
    return flow(value) if value is None or isinstance(value, Mapping | list) else str(value)


def digest(path: Path) -> str:
    """Return the digest of a file."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
