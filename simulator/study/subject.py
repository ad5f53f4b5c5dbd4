"""Subject: the network, traffic and strategies that a study is of, from a scenario or by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator.base.errors import InputError, Problem
from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import Reliability
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.headroom import AnyScheme, strategies_of


class Subject(NamedTuple):
    """What a study of the network as it is looks at.

    Attributes
    ----------
    title : str
    network : Network
    demands : Demands
    strategies : mapping of str to Strategy
    stated : Reliability, optional
        How often elements fail, where the scenario says it.
    lands : bool
        Whether neighbours abroad choose where inbound traffic lands.
    scenario : Scenario, optional
        None for a network and its traffic.
    """

    title: str
    network: Network
    demands: Demands
    strategies: Mapping[str, Strategy]
    stated: Reliability | None
    lands: bool
    scenario: Scenario | None


def subject_of(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None,
    scheme: AnyScheme | Sequence[AnyScheme],
    verb: str,
) -> Subject:
    """Return what a study is of.

    Raises
    ------
    InputError
        A network comes without demands, or a scenario with some.
    """
    if isinstance(scenario, Network):
        if demands is None:
            raise _wrong(f"a network needs demands: sim.{verb}(network, demands)")
        return Subject(scenario.name, scenario, demands, strategies_of(scheme), None, False, None)
    if demands is not None:
        raise _wrong("are for a network; a scenario has its own")
    made = as_scenario(scenario)
    settings = made.settings
    return Subject(
        settings.title or made.name, made.network, made.demands, settings.strategies,
        settings.reliability, settings.inbound is not None, made,
    )  # fmt: skip


def _wrong(message: str) -> InputError:
    return InputError([Problem("", None, None, "demands", message)])
