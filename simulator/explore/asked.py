"""Asked: the state of the network that a page asks about, and the changes that lead to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

import numpy as np

from simulator.base.checking import build
from simulator.base.document import Document
from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.schema import Name, NonNegative, Positive, checked, to_plain
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.scenario.address import Address
from simulator.scenario.scenario import Scenario

KINDS = ("cable", "gateway", "link")
"""Kinds of faults that the page has lists of."""
REQUEST = "request"
"""The file of a question in messages."""


@checked
class Asked:
    """A state of the network, an hour and a strategy.

    Attributes
    ----------
    strategy : str
        The strategy that meets the state.
    at_h : float
        Hours from the start of the scenario.
    exits : mapping of str to float
        New capacity of exits, outbound, in Gbps; the inbound one changes in proportion.
    international : float
        Factor on all international traffic.
    target : float, optional
        Utilisation that exits are held to; that of the scenario when left out.
    schemes : mapping of str to str
        Another scheme for some strategies, with its default options.
    failed : mapping of str to tuple of str
        What is down, by kind of fault.
    """

    strategy: Name
    at_h: NonNegative = 0.0
    exits: dict[Name, NonNegative] = field(default_factory=dict)
    international: Positive = 1.0
    target: Positive | None = None
    schemes: dict[Name, Name] = field(default_factory=dict)
    failed: dict[Literal["cable", "gateway", "link"], tuple[Name, ...]] = field(
        default_factory=dict
    )

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is down, each once, in the same order however it was asked."""
        found = {Fault(kind, target) for kind, targets in self.failed.items() for target in targets}
        return tuple(sorted(found, key=lambda fault: (fault.kind, fault.target)))


def asked_of(data: Any, scenario: Scenario) -> Asked:
    """Return what the page asks, checked against the scenario.

    Raises
    ------
    InputError
        A key or a value is wrong, or the scenario has no such element; the message says which.
    """
    asked = build(Asked, Document.of(data, REQUEST))
    if problems := list(_problems(asked, scenario)):
        raise InputError(problems)
    return asked


def _problems(asked: Asked, scenario: Scenario) -> Iterator[Problem]:
    strategies, network = scenario.settings.strategies, scenario.network
    exits = exit_ids(network)
    for key, name, known in (
        ("strategy", asked.strategy, strategies),
        *(("schemes", name, strategies) for name in asked.schemes),
        *(("exits", name, exits) for name in asked.exits),
    ):
        if name not in known:
            yield _problem(key, f"no {key.removesuffix('s')} named {name!r}", name, known)
    hours = scenario.horizon_s / 3600.0
    if asked.at_h >= hours:
        yield _problem("at_h", f"expected hours from 0 to below {hours:g}, found {asked.at_h:g}")
    for fault in asked.faults:
        if (fault.kind, fault.target) not in network.resources.row:
            ids = [target for kind, target in network.resources.row if kind == fault.kind]
            message = f"no {fault.kind} named {fault.target!r}"
            yield _problem(f"failed.{fault.kind}", message, fault.target, ids)


def _problem(key: str, message: str, word: str = "", known: Any = ()) -> Problem:
    hint = known_instead(word, known) if known else ""
    return Problem(REQUEST, None, None, key, f"{message}{hint}")


def exit_ids(network: Network) -> list[str]:
    """Return the ids of all exits, in the order of the file."""
    return [network.links[i] for i in network.exits]


# -- changes --------------------------------------------------------------------------------------


def without_noise(scenario: Scenario) -> dict[str, Any]:
    """Return the changes that leave what is random out of the traffic of a scenario."""
    traffic = scenario.settings.traffic
    services = traffic.services or {}
    lists = {"traffic.shapes": traffic.shapes}
    lists |= {f"traffic.services.{name}.shapes": each.shapes for name, each in services.items()}
    found: dict[str, Any] = {}
    for key, shapes in lists.items():
        drawn = [i for i, each in enumerate(shapes) if each.random]
        if all(shapes[i].kind == "noise" for i in drawn):
            found |= {f"{key}[{i}].sigma": 0 for i in drawn}
        else:
            found[key] = [to_plain(each) for each in shapes if not each.random]
    return found


def settings_changes(asked: Asked, scenario: Scenario) -> dict[str, Any]:
    """Return the changes of a scenario that lead to a state, without what fails."""
    changes: dict[str, Any] = {}
    for exit_id, gbps in sorted(asked.exits.items()):
        if (value := _capacity(scenario.network, exit_id, gbps)) is not None:
            changes[_key(scenario.network, exit_id)] = value
    if asked.international != 1.0:
        changes["demands.international"] = f"x{asked.international!r}"
    if asked.target not in (None, scenario.settings.targets.exit_utilisation):
        changes["targets.exit_utilisation"] = asked.target
    return changes | _scheme_changes(asked, scenario)


def all_changes(asked: Asked, scenario: Scenario) -> dict[str, Any]:
    """Return the changes of a scenario that lead to a state; what fails does so after a step."""
    changes = settings_changes(asked, scenario)
    if asked.faults:
        at_h = scenario.settings.step_s / 3600.0
        new = [{"at_h": at_h, fault.kind: fault.target} for fault in asked.faults]
        changes["events"] = [*_stated_events(scenario), *new]
    return changes


def _stated_events(scenario: Scenario) -> list[dict[str, Any]]:
    """Return the events of a scenario as plain data, without keys that say nothing."""
    events = scenario.resolved()["events"]
    return [{k: v for k, v in event.items() if v is not None} for event in events]


def _capacity(network: Network, exit_id: str, gbps: float) -> float | str | None:
    """Return the new capacity; a factor where the directions differ; None where it stays."""
    link = 2 * network.link_index[exit_id]
    first, second = network.installed_gbps[link : link + 2].tolist()
    outbound = second if bool(np.isin(link + 1, network.exit_arcs["out"])) else first
    if gbps == outbound:
        return None
    return gbps if first == second or outbound == 0 else f"x{gbps / outbound!r}"


def outbound_gbps(network: Network) -> dict[str, float]:
    """Return the installed outbound capacity of every exit."""
    arcs = network.exit_arcs["out"].tolist()
    return {network.links[arc // 2]: float(network.installed_gbps[arc]) for arc in arcs}


def _key(network: Network, exit_id: str) -> str:
    """Return the key of the capacity of an exit, in quotes where its id needs them."""
    if all(letter.isalnum() or letter in "-_" for letter in exit_id):
        return f"exits.{exit_id}.capacity_gbps"
    for quote in "\"'":
        if quote not in exit_id:
            return f"exits.{quote}{exit_id}{quote}.capacity_gbps"
    pattern = "".join(c if c.isalnum() or c in "-_ " else "?" for c in exit_id)
    key = f"exits.{pattern}.capacity_gbps"
    if Address.of(key).among(exit_ids(network), "exit") != (exit_id,):
        message = f"the id {exit_id!r} has both kinds of quotes, and no key names it alone"
        raise InputError([_problem("exits", message)])
    return key


def _scheme_changes(asked: Asked, scenario: Scenario) -> dict[str, Any]:
    """Return the changes of schemes; all strategies at once where a name cannot be in a key."""
    new = {name: {"kind": kind} for name, kind in sorted(asked.schemes.items())}
    if all(not set(name) & set(".[],= \"'") for name in new):
        return {f"strategies.{name}.scheme": value for name, value in new.items()}
    stated: Mapping[str, Any] = scenario.resolved()["strategies"]
    changed = {n: {**each, "scheme": new.get(n, each["scheme"])} for n, each in stated.items()}
    return {"strategies": json.loads(json.dumps(changed))}
