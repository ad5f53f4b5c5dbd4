"""Scenario: the words of a command line become a scenario, and changes of one."""

from __future__ import annotations

from typing import Any

import click

from simulator.base.errors import InputError, Problem
from simulator.base.text import cut_at_commas
from simulator.cli.options import RunOptions
from simulator.scenario.address import masked
from simulator.scenario.changes import parse_value
from simulator.scenario.load import load
from simulator.scenario.scenario import Scenario
from simulator.study.whatif import check_what_if


def load_scenario(options: RunOptions, sets: tuple[str, ...] = ()) -> Scenario:
    """Load the scenario that a verb runs, changed by its options and by *sets*, ``KEY=VALUE``."""
    changes = [pair(text, "--set") for text in sets]
    for key, value in (("seed", options.seed), ("replications", options.replications)):
        changes += [(key, str(value))] if value is not None else []
    scenario = load(options.scenario, changes)
    if options.worlds is not None:
        replications = scenario.settings.draws._replace(worlds=max(options.worlds, 1))._asdict()
        scenario = scenario.with_changes({"replications": replications}, "--worlds")
    if options.strategies is None:
        return scenario
    names = [name.strip() for name in options.strategies.split(",")]
    return scenario.with_strategies(names, f"--strategies {options.strategies}")


def warnings_of(scenario: Scenario) -> list[Problem]:
    """Return what looks like a mistake in a scenario and in the changes of its ``what_if``.

    Raises
    ------
    InputError
        A change is wrong. Whatever is done with the scenario, its file is to be mended.
    """
    of_changes = check_what_if(scenario)
    if any(problem.severity == "error" for problem in of_changes):
        raise InputError([*of_changes, *scenario.warnings])
    return [*scenario.warnings, *of_changes]


def parse_changes(named: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the changes that a question compares, by name.

    Each is ``NAME: KEY=VALUE, ...``; without a name, the text is the name.
    """
    changes: dict[str, dict[str, Any]] = {}
    for name, assigned in map(_change, named):
        if name in changes:
            raise click.BadParameter(f"two changes are named {name!r}", param_hint="--change")
        changes[name] = {key: parse_value(key, text) for key, text in assigned}
    return changes


def _change(text: str) -> tuple[str, list[tuple[str, str]]]:
    head, equals, _ = masked(text).partition("=")
    name, colon, _ = head.rpartition(": ")
    if not equals:
        raise click.BadParameter(
            f'expected "NAME: KEY=VALUE, ...", found {text!r}', param_hint="--change"
        )
    rest = text[len(name) + len(colon) :]
    name = text[: len(name)].strip() or text
    return name, [pair(part, "--change") for part in cut_at_commas(rest)]


def pair(text: str, option: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    at = masked(text).find("=")  # an id in quotes may hold one
    if at < 0 or not text[:at].strip():
        raise click.BadParameter(f"expected KEY=VALUE, found {text.strip()!r}", param_hint=option)
    return text[:at].strip(), text[at + 1 :].strip()
