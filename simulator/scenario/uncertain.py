"""Uncertain: checks of what a scenario states as not known, with the whole of its ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from simulator.base.checking import check, value_or_default
from simulator.base.document import Document
from simulator.base.errors import Problem
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.scenario import rules
from simulator.scenario.changes import Change, change_document
from simulator.scenario.pairing import SHARED
from simulator.scenario.settings import Replications, Settings
from simulator.uncertainty.assumption import Assumption
from simulator.uncertainty.world import World, drawn, merged

UNCERTAINTY = "uncertainty"
_ENDS = np.array([1e-6, 1 - 1e-6])
"""Shares of the probability between which a number has to be one that its key can have."""
Values = Mapping[str, Any]


def world_problems(
    document: Document, values: Values, network: Network, demands: Demands, changed: bool
) -> Iterator[Problem]:
    """Yield what is wrong with the worlds that a scenario asks for.

    Parameters
    ----------
    values : mapping
        The settings that are sound by themselves, by key.
    changed : bool
        Whether the scenario is not as its file has it. Then a setting may be gone that an
        assumption stands for (``--strategies static``): all worlds have it as it stands.
    """
    if not {"replications", UNCERTAINTY} <= values.keys():
        return
    own, known = values[UNCERTAINTY], network.about.uncertainty
    for name in (name for name, each in own.items() if each is None and name not in known):
        message = f"the topology states nothing of this name; known: {', '.join(known) or 'none'}"
        yield document.problem((UNCERTAINTY, name), message, key=True)
    every = merged(known, own)
    several = isinstance(values["replications"], Replications) and values["replications"].worlds > 1
    if several and not every:
        message = "nothing is stated as not known, so all worlds would be alike; give uncertainty"
        yield document.problem(("replications", "worlds"), message)
    for name, each in every.items():
        of_file = document.problem((UNCERTAINTY, name), "").file == document.file
        if changed and of_file and (message := unfit(document, each)):
            if several:
                message = f"{message}; it stays so in all worlds"
                yield document.problem((UNCERTAINTY, name), message, severity="warning")
            continue
        found = [*_setting_problems(document, each)]
        if not found and each.removes and (several or name in own):
            found = [*_removal_problems(values, name, each, network, demands)]
        for message in found:
            if name in own:
                yield document.problem((UNCERTAINTY, name), message)
            else:
                yield document.problem(("topology",), f"its {UNCERTAINTY} {name!r}: {message}")


def unfit(document: Document, each: Assumption) -> str:
    """Return why an assumption stands for no number of the scenario as it stands, or nothing."""
    low, high = each.law.range()
    for key in _keys(each):
        change = Change(key, None, UNCERTAINTY)
        stated = (
            value_or_default(Settings, document.data, change.path) if change.of_setting else None
        )
        if isinstance(stated, bool) or not isinstance(stated, int | float):
            return f"{key} is no number of the scenario, as it stands"
        if not each.law.holds(float(stated)):
            return f"{key} is {stated:g} as stated, and the law has {low:g} to {high:g}"
    return ""


def _keys(each: Assumption) -> list[str]:
    return list(each.settings_under(each.law.value(np.array([0.5]))))


def _setting_problems(document: Document, each: Assumption) -> Iterator[str]:
    """A key that is no number of the scenario, or takes values that it cannot have."""
    for key in _keys(each):
        if str(Change(key, None, UNCERTAINTY).path[0]) in (*SHARED, UNCERTAINTY):
            yield f"{key} is the same in all worlds"
            return
        if message := unfit(document, each):
            yield message
            return
        for value in each.law.value(_ENDS).tolist():
            changed, problems = change_document(document, [Change(key, value, UNCERTAINTY)])
            # What is wrong with the scenario as it stands is said elsewhere.
            if new := [*problems, *check(Settings, changed)[1]]:
                known = {(p.key, p.message) for p in check(Settings, document)[1]}
                new = [p for p in new if (p.key, p.message) not in known]
            if new:
                yield f"{key} cannot be {value:.4g}: {new[0].message}"
                return


def _removal_problems(
    values: Values, name: str, each: Assumption, network: Network, demands: Demands
) -> Iterator[str]:
    """What the scenario says of links that may be missing."""
    known = {finding[1] for finding in rules.network_problems(values, network)}
    lean = drawn(World(own={name: 1e-9}), 0, {name: each}, network, demands).network
    for finding in rules.network_problems(values, lean):
        path = ".".join(map(str, finding[0]))
        if finding[1] not in known and not path.startswith(UNCERTAINTY):
            yield f"where it does not exist, {path} is wrong: {finding[1]}"
            return
