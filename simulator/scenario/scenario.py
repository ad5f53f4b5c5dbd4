"""Scenario: a question that was checked, ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from simulator.base.document import Document, KeyPath
from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.schema import to_plain
from simulator.engines.case import Case, with_window
from simulator.model.recording import Playback
from simulator.scenario.assemble import Assembled, Source, assemble
from simulator.scenario.changes import changes_of, plain
from simulator.scenario.rules import begin_h
from simulator.scenario.settings import length_h
from simulator.scenario.uncertain import UNCERTAINTY, unfit
from simulator.traffic.services import parted, qos
from simulator.traffic.traffic import Series, Shape
from simulator.uncertainty.assumption import Assumption
from simulator.uncertainty.world import World, drawn, merged, settings_in

PYTHON = "scenario"
"""Name of a scenario that was made in Python, and its file in messages."""


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Scenario(Assembled):
    """A question, checked and ready to run; :meth:`with_changes` asks another one.

    Parameters
    ----------
    **keys
        The keys of a scenario file, as plain data or as checked objects such as a scheme; files
        are relative to the working directory.

    Attributes
    ----------
    name : str
    settings : Settings
        The keys, with defaults filled in.
    network : Network
        After the changes to links, if any.
    demands : Demands
        Base demands, after the changes to demands, if any; ``case`` parts them by service.
    recording : Recording, optional
        Rates over time, as they were read: a change to demands changes all of them alike.
    warnings : tuple of Problem
    inputs : tuple of pathlib.Path
        Files that were read.
    changes : mapping of str to value
        What was changed, by key.
    matched : mapping of str to tuple of str
        The elements that a pattern in such a key stands for.

    Raises
    ------
    InputError
        Holds every error found, as ``scenario: key: message``.

    Examples
    --------
    >>> Scenario(topology="china169-mini", strategies={"static": {"scheme": "nearest_exit"}})
    <Scenario scenario: static on china169-mini>
    """

    def __init__(self, **keys: Any) -> None:
        source = Source(PYTHON, Document.of(plain(keys), PYTHON), Path())
        vars(self).update(vars(assemble(source)))

    @classmethod
    def of(cls, assembled: Assembled) -> Scenario:
        """Return the scenario that was put together from a document."""
        scenario = cls.__new__(cls)
        vars(scenario).update(vars(assembled))
        return scenario

    def __repr__(self) -> str:
        return (
            f"<Scenario {self.name}: {', '.join(self.settings.strategies)} on {self.network.name}>"
        )

    def with_changes(self, changes: Mapping[str, Any], origin: str = "change") -> Scenario:
        """Return the scenario with some keys changed.

        What the changes leave alone is not read again. Changes of links and demands are kept, and
        made again on another network or matrix.

        Parameters
        ----------
        changes : mapping of str to value
            ``{"links.bj-la.capacity_gbps": "+400", "seed": 7}``: keys of the scenario file, of
            elements of the network or of demands (``demands.international_in``, ``demands.all``: a
            total in Gbps, or a change of it). Elements are ``links``, ``exits``, ``cables``,
            ``nodes`` and ``regions``, by id or by a pattern such as ``links.sh-*.metric``; None for
            ``links.ID`` removes the link, and a mapping adds one.
        origin : str
            Where the changes come from, for messages.

        Raises
        ------
        InputError
            A key or value is wrong; the message names the nearest right one.
        """
        return Scenario.of(assemble(self.source, changes_of(changes, origin), before=self))

    def with_strategies(self, names: Iterable[str], origin: str = "strategies") -> Scenario:
        """Return the scenario with some of its strategies, in this order, each exactly as it is.

        Events at the controllers of the others are left out.

        Raises
        ------
        InputError
            There is no strategy of a name.
        """
        plain_settings = self.resolved()
        known = plain_settings["strategies"]
        names = list(dict.fromkeys(names))
        unknown = [name for name in names if name not in known]
        messages = [f"no strategy named {name!r}{known_instead(name, known)}" for name in unknown]
        if messages:
            raise InputError(Problem(origin, None, None, "", message) for message in messages)
        events = plain_settings["events"]
        of = [event.get("controller") or event.get("telemetry") for event in events]
        kept = [event for event, name in zip(events, of, strict=True) if name in (None, *names)]
        values: dict[str, Any] = {"strategies": {name: known[name] for name in names}}
        if len(kept) < len(events):
            values["events"] = kept
        made = assemble(self.source, changes_of(values, origin), before=self)
        summary = {"strategies": ", ".join(names)}
        return Scenario.of(replace(made, changes={**self.changes, **summary}))

    @cached_property
    def assumptions(self) -> dict[str, Assumption]:
        """What is not known, by name: what the topology says of itself, and the scenario.

        What stands for a setting that changes have taken away, or out of its law, is left out.
        """
        every = merged(self.network.about.uncertainty, self.settings.uncertainty)
        document = self.source.document
        return {name: each for name, each in every.items() if not unfit(document, each)}

    def world(self, world: World | int) -> Scenario:
        """Return the scenario as it is in a world: 0 as stated, each other number one draw.

        Draws are keyed by the seed, the number, the assumption and its members: a change of the
        scenario, another strategy or another assumption changes no other draw.
        """
        world = World(world) if isinstance(world, int) else world
        if world.is_stated:
            return self
        return self._drawn(world)[0]

    def values_in(self, world: World | int) -> Mapping[tuple[str, str], float]:
        """Return the values that a world has drawn, by assumption and member."""
        world = World(world) if isinstance(world, int) else world
        return self._drawn(world)[1]

    def _drawn(self, world: World) -> tuple[Scenario, Mapping[tuple[str, str], float]]:
        """The scenario in a world and what was drawn; the last one is kept, for its other days."""
        if not self._last_world or self._last_world[0][0] != world:
            seed, every, made = self.settings.seed, self.assumptions, _assembled(self)
            if keys := settings_in(world, seed, every, self.network, self.demands):
                made = assemble(self.source, changes_of(keys, UNCERTAINTY), before=self)
            network, demands, values = drawn(world, seed, every, made.network, made.demands)
            scenario = Scenario.of(replace(made, network=network, demands=demands))
            self._last_world[:] = [(world, scenario, values)]
        return self._last_world[0][1:]

    @cached_property
    def _last_world(self) -> list[tuple[World, Scenario, Mapping[tuple[str, str], float]]]:
        return []

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a problem with what stands at *path* in the scenario's file."""
        return self.source.document.problem(path, message)

    @cached_property
    def horizon_s(self) -> float:
        """Length in seconds."""
        s = self.settings
        return length_h(s.start, s.end, s.horizon_h) * 3600.0

    @cached_property
    def case(self) -> Case:
        """Everything an engine needs."""
        s = self.settings
        steps = int(np.ceil(self.horizon_s / s.step_s - 1e-9))
        date = s.start or (self.recording.start if self.recording else None)
        start = datetime.fromisoformat(date) if date else None
        series = Series(
            self.network,
            self.demands,
            _dated(s.traffic.shapes, start),
            s.step_s / 3600.0,
            _hour(start) if start else 0.0,
            self._recorded(),
            elastic_share=s.traffic.elastic_share,
        )
        if services := s.traffic.services:
            base, part_of = parted(self.demands, services)
            series = replace(
                series,
                base=base,
                part_of=part_of,
                own_shapes={n: _dated(services[n].shapes, start) for n in sorted(services)},
                qos=qos(base, services),
            )
        return Case(
            network=self.network,
            demands=with_window(series.base, series, self.horizon_s),
            series=series,
            strategies=s.strategies,
            events=s.events,
            queue=s.queue,
            seed=s.seed,
            steps=steps,
            step_s=s.step_s,
            horizon_s=self.horizon_s,
            exit_target=s.targets.exit_utilisation,
            detail=s.record.demands,
            every=s.record.every,
            decisions=s.record.decisions,
            billing=s.billing,
            inbound=s.inbound,
        )

    def _recorded(self) -> Playback | None:
        """Return the recording, begun where the scenario starts."""
        if self.recording is None:
            return None
        return Playback(
            self.recording,
            begin_h(self.settings.start, self.recording),
            self.horizon_s / 3600.0,
            self.settings.traffic.outside == "repeat",
        )

    def resolved(self) -> dict[str, Any]:
        """Return the settings as plain data, defaults filled in, to be written and read again."""
        return {key: value for key, value in to_plain(self.settings).items() if value is not None}


def _assembled(scenario: Scenario) -> Assembled:
    return Assembled(**{each.name: getattr(scenario, each.name) for each in fields(Assembled)})


def _dated(shapes: tuple[Shape, ...], start: datetime | None) -> tuple[Shape, ...]:
    """Give shapes the date on which the scenario starts, if it has one."""
    return shapes if start is None else tuple(each.dated(start) for each in shapes)


def _hour(time: datetime) -> float:
    return time.hour + time.minute / 60 + time.second / 3600
