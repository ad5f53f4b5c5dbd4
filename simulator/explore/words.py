"""Words: a state as YAML for a scenario, and as a command that runs it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simulator.explore.asked import Asked, all_changes, without_noise
from simulator.scenario.scenario import Scenario

NAME = "explored"
"""Name of the changed column in what is copied."""


class Words(NamedTuple):
    """A state in words.

    Attributes
    ----------
    yaml : str
        The section ``what_if`` of a scenario file; empty where nothing is changed.
    command : str
        What to type in a shell.
    """

    yaml: str
    command: str


def words_of(asked: Asked, scenario: Scenario, begin: Sequence[str]) -> Words:
    """Return a state in words.

    Parameters
    ----------
    scenario : Scenario
        As stated.
    begin : sequence of str
        The scenario and the options with which the page was opened.
    """
    changes = all_changes(asked, scenario)
    calm = [f"{key}={_flow(value)}" for key, value in without_noise(scenario).items()]
    command = ["simulator", "whatif" if changes else "run", *begin, "--replications", "1"]
    for each in calm:
        command += ["--set", each]
    if changes:
        pairs = ", ".join(f"{key}={_flow(value)}" for key, value in changes.items())
        command += ["--change", f"{NAME}: {pairs}"]
    return Words(_yaml(changes), shlex.join(command))


def _yaml(changes: Mapping[str, Any]) -> str:
    if not changes:
        return ""
    lines = ["what_if:", f"  - name: {NAME}", "    set:"]
    lines += [f"      {json.dumps(key, ensure_ascii=False)}: {_flow(v)}" for key, v in
              changes.items()]  # fmt: skip
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """Return a value on one line; JSON is YAML, but for factors, which need no quotes."""
    if isinstance(value, str) and value.startswith("x"):
        return value
    return json.dumps(value, ensure_ascii=False)
