"""YAML -> a valid Scenario: what exists was checked once, at the door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import PlainValidator

from simulator.base import library
from simulator.base.document import Document, KeyPath, parse_yaml, read_yaml
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.schema import (
    Name,
    NonNegativeInt,
    Positive,
    PositiveInt,
    check,
    checked,
    shown,
    to_plain,
)
from simulator.control.strategy import Strategy
from simulator.engines.case import Case, with_window
from simulator.engines.engine import engine as engines
from simulator.engines.fluid import Fluid
from simulator.formats.format import is_third_party_name, read_network
from simulator.formats.matrices.demand_format import is_there, neighbours
from simulator.formats.rules.border import put_border
from simulator.formats.rules.entries import CableEntry, NewExitEntry, NewRegion, UtcOffset
from simulator.model.change import all_changed, changed
from simulator.model.demands import CLASSES, INTERNATIONAL, Demands
from simulator.model.faults import fault as fault_kinds
from simulator.model.network import Network
from simulator.model.recording import Playback, Recording
from simulator.queues.burst import Burst
from simulator.queues.queue import queue as queues
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.faults import Event
from simulator.traffic.services import Service, parted, qos, uneven
from simulator.traffic.traffic import Series
from simulator.traffic.traffic import matrix as matrices
from simulator.traffic.traffic import shape as shapes_known

MAX_STEPS = 4_000_000
BASELINE = "baseline"
"""The scenario as it stands, among its changes."""
BORDER_KEYS = ("exits", "regions", "cables")
"""What a scenario puts on the network of its topology."""
NETWORK_KEYS = ("topology", "utc_offset_h", *BORDER_KEYS)
LINK_KEYS = ("capacity_gbps", "capacity_ba_gbps", "delay_ms", "metric")
DEMAND_KEYS = (*CLASSES, "international", "all")


@checked
class Traffic:
    """Demands over time: a base matrix and the shapes that multiply it, in order.

    Attributes
    ----------
    matrix : Matrix
        Base demands; the topology's own matrix when left out.
    shapes : tuple of Shape
    services : mapping of str to Service, optional
        What the traffic is, by name (``video``, ``bulk``): every demand is parted by their shares.
    """

    matrix: Annotated[Any, matrices.choice] | None = None
    shapes: tuple[Annotated[Any, shapes_known.choice], ...] = ()
    services: dict[Name, Service] | None = None


@checked
class Record:
    """Detail that the tables keep; figures are exact whatever is kept.

    Attributes
    ----------
    demands : str
        Rows of the demands table: by class and ``region``, by class and ``province`` (the end at
        home; of domestic traffic, the source), by class and ``service``, by ``pair``, or ``none``.
    every : int
        Keep every n-th step.
    """

    demands: Literal["region", "province", "service", "pair", "none"] = "region"
    every: PositiveInt = 1


@checked
class Targets:
    """What the network is held to.

    Attributes
    ----------
    exit_utilisation : float
        Utilisation of an exit direction that headroom is counted to.
    """

    exit_utilisation: Positive = 0.8


@checked
class WhatIf:
    """A named change of the scenario, compared with the scenario as it stands.

    Attributes
    ----------
    name : str
    set : mapping of str to value
        Keys such as ``links.bj-la.capacity_gbps`` or ``strategies.sdn.control.every_s`` and their
        new values; numbers may change by ``+400``, ``-100``, ``x1.5`` or ``+25%``.
    """

    name: Name
    set: dict[str, Any]


def _local_time(value: object) -> str:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or not isinstance(value, str):
        expected = "expected a date such as 2017-12-31 or 2017-12-31T18:00"
        raise ValueError(f"{expected}, found {shown(value)}")
    if time.tzinfo is not None:
        raise ValueError(f"times are local: leave the zone out of {value!r}")
    return value


LocalTime = Annotated[str, PlainValidator(_local_time, json_schema_input_type=str)]


@checked
class Settings:
    """The keys of a scenario file.

    Attributes
    ----------
    title : str
        The question that the scenario asks, in a line.
    topology : str
        Name of a built-in topology, or a file or folder, relative to the scenario.
    seed : int
        Root of all random streams.
    replications : int
        Independent draws; intervals need two or more.
    horizon_h : float
        Length in hours; 24 when neither this nor ``end`` is given.
    start, end : str
        Local dates or times (``2017-12-31``, ``2017-12-31T18:00``) in place of ``horizon_h``.
    step_s : float
        Traffic is constant for a step.
    utc_offset_h : float
        Hours ahead of UTC of the network's home, where its file does not tell.
    exits, regions, cables : list
        A border for a network that has none, or more of it: exits from nodes at home, the regions
        abroad that they lead to, and the cables that they ride.
    """

    title: str = ""
    topology: Name
    seed: NonNegativeInt = 1
    replications: PositiveInt = 1
    horizon_h: Positive | None = None
    start: LocalTime | None = None
    end: LocalTime | None = None
    step_s: Positive = 300.0
    engine: Annotated[Any, engines.choice] = Fluid()
    traffic: Traffic = Traffic()
    queue: Annotated[Any, queues.choice] = Burst()
    strategies: dict[Name, Strategy]
    events: tuple[Event, ...] = ()
    record: Record = Record()
    targets: Targets = Targets()
    utc_offset_h: UtcOffset | None = None
    exits: tuple[NewExitEntry, ...] = ()
    regions: tuple[NewRegion, ...] = ()
    cables: tuple[CableEntry, ...] = ()
    what_if: tuple[WhatIf, ...] = ()


@dataclass(frozen=True, eq=False)
class Scenario:
    """A question, checked and ready to run; :meth:`with_changes` asks another one.

    Attributes
    ----------
    name : str
    settings : Settings
        The keys of the file, with defaults filled in.
    network : Network
        After the changes to links, if any.
    demands : Demands
        Base demands, after the changes to demands, if any; ``case`` parts them by service.
    recording : Recording, optional
        Rates over time, as they were read: a change to demands changes all of them alike.
    warnings : tuple of Problem
    inputs : tuple of pathlib.Path
        Files that were read.
    """

    name: str
    settings: Settings
    network: Network
    demands: Demands
    warnings: tuple[Problem, ...]
    inputs: tuple[Path, ...]
    recording: Recording | None = field(default=None, repr=False)
    changes: Mapping[str, Any] = field(default_factory=dict)
    _document: Document = field(repr=False, default=Document.of({}))
    _folder: Path = Path()

    def __repr__(self) -> str:
        return (
            f"<Scenario {self.name}: {', '.join(self.settings.strategies)} on {self.network.name}>"
        )

    def with_changes(self, changes: Mapping[str, Any], origin: str = "change") -> Scenario:
        """Return the scenario with some keys changed.

        Parameters
        ----------
        changes : mapping of str to value
            ``{"links.bj-la.capacity_gbps": "+400", "seed": 7}``: keys of the scenario file, of
            links (``links.ID.`` and ``capacity_gbps, capacity_ba_gbps, delay_ms`` or ``metric``)
            or of demands (``demands.international_in``, ``demands.all``: a total in Gbps, or a
            change of it).
        origin : str
            Where the changes come from, for messages.

        Raises
        ------
        InputError
            A key or value is wrong; the message names the nearest right one.
        """
        return _with_changes(self, changes, origin)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a problem with what stands at *path* in the scenario's file."""
        return self._document.problem(path, message)

    @cached_property
    def horizon_s(self) -> float:
        """Length in seconds."""
        return _horizon_h(self.settings) * 3600.0

    @cached_property
    def case(self) -> Case:
        """Everything an engine needs."""
        s = self.settings
        steps = int(np.ceil(self.horizon_s / s.step_s - 1e-9))
        start = s.start or (self.recording.start if self.recording else None)
        series = Series(
            self.network,
            self.demands,
            _dated(s.traffic.shapes, start),
            s.step_s / 3600.0,
            _start_hour(start),
            self._recorded(),
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
        )

    def _recorded(self) -> Playback | None:
        """Return the recording, begun where the scenario starts."""
        if self.recording is None:
            return None
        return Playback(
            self.recording,
            _begin_h(self.settings.start, self.recording),
            self.horizon_s / 3600.0,
            _outside(self.settings.traffic) == "repeat",
        )

    def resolved(self) -> dict[str, Any]:
        """Return the settings as plain data, defaults filled in, to be written and read again."""
        return {key: value for key, value in to_plain(self.settings).items() if value is not None}


# -- reading ----------------------------------------------------------------------------------


def load(path_or_name: str | Path, changes: Iterable[tuple[str, str]] = ()) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    path_or_name : str or Path
        A file, or the name of a built-in scenario.
    changes : iterable of (key, value)
        As from ``--set key=value``; values are YAML.

    Raises
    ------
    InputError
        Holds every error found, as ``file:line:column: key: message``.
    """
    try:
        path = library.find("scenarios", path_or_name)
    except FileNotFoundError as error:
        raise InputError([Problem(str(path_or_name), None, None, "", str(error))]) from None
    scenario = from_document(read_yaml(path), path.parent, path.stem)
    values = {key: parse_value(key, text) for key, text in changes}
    return scenario.with_changes(values, "--set") if values else scenario


def parse_value(key: str, text: str) -> Any:
    """Read a value given on the command line as YAML."""
    return parse_yaml(text, f"--set {key}={text}").data if text.strip() else ""


def from_document(document: Document, folder: Path, name: str) -> Scenario:
    """Check a scenario and everything it names; see :func:`load`."""
    keys = document.data if isinstance(document.data, Mapping) else {}
    if "nodes" in keys and "links" in keys:
        message = "this is a topology, not a scenario; a scenario names one: topology: FILE"
        raise InputError([document.problem((), message)])
    return _assemble(document, folder, name, known=None)


def _assemble(
    document: Document, folder: Path, name: str, known: tuple[Network, tuple[Problem, ...]] | None
) -> Scenario:
    values, problems = check(Settings, document)
    inputs: list[Path] = [document.path] if document.path else []
    network: Network | None = None
    if known:
        network = known[0]
        problems += known[1]
    elif isinstance(values.get("topology"), str):
        network = _read_topology(document, folder, values["topology"], problems, inputs)
        if network is not None and all(key in values for key in BORDER_KEYS):
            exits, regions, cables = (values[key] for key in BORDER_KEYS)
            network, found = put_border(network, exits, regions, cables, document.problem)
            problems += found
        if network is not None and values.get("utc_offset_h") is not None:
            network = network.with_clock(values["utc_offset_h"])
    problems += _time_problems(document, values)
    problems += _strategy_problems(document, values)
    problems += _service_problems(document, values)
    demands: Demands | None = None
    recording: Recording | None = None
    if network is not None:
        problems += _event_problems(document, values, network)
        if "traffic" in values:
            problems += _shape_problems(document, values["traffic"], network)
            traffic = values["traffic"]
            demands, recording = _read_matrix(document, folder, traffic, network, problems, inputs)
            if recording is not None:
                problems += _recording_problems(document, values, recording)
            if demands is not None:
                problems += _share_problems(document, traffic, demands)
    if any(p.severity == "error" for p in problems) or network is None or demands is None:
        raise InputError(_unique(p for p in problems if p.severity == "error"))
    scenario = Scenario(
        name=name,
        settings=_with_fallbacks(Settings(**values)),
        network=network,
        demands=demands,
        warnings=tuple(p for p in problems if p.severity == "warning"),
        inputs=tuple(inputs),
        recording=recording,
        _document=document,
        _folder=folder,
    )
    return replace(scenario, warnings=(*scenario.warnings, *_traffic_warnings(scenario)))


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _read_topology(
    document: Document, folder: Path, word: str, problems: list[Problem], inputs: list[Path]
) -> Network | None:
    beside = folder / word
    try:
        if is_third_party_name(word):
            path = Path(word)
        else:
            path = beside if beside.exists() else library.find("topologies", word)
    except FileNotFoundError as error:
        problems.append(document.problem(("topology",), str(error)))
        return None
    try:
        network, warnings = read_network(path)
    except InputError as error:
        problems.extend(error.problems)
        return None
    problems.extend(warnings)
    inputs.extend([path] if path.is_file() else sorted(path.glob("*.csv")))
    return network


def _read_matrix(
    document: Document,
    folder: Path,
    traffic: Traffic,
    network: Network,
    problems: list[Problem],
    inputs: list[Path],
) -> tuple[Demands | None, Recording | None]:
    where = ("traffic", "matrix")
    recording: Recording | None = None
    try:
        if traffic.matrix is None and network.about.matrix is None:
            message = f"topology {network.name} has no matrix of its own; give traffic.matrix"
            problems.append(document.problem(where, message))
            return None, None
        path = getattr(traffic.matrix, "path", None)
        if path is not None and not is_there(folder / path):
            near = did_you_mean(path.name, neighbours(folder / path))
            problems.append(document.problem((*where, "path"), f"no such file: {path}{near}"))
            return None, None
        chosen = traffic.matrix or matrices.make("file", path=str(network.about.matrix))
        beside = folder if traffic.matrix else Path()  # its own matrix is where the topology says
        file = beside / getattr(chosen, "path", "")
        if hasattr(chosen, "recording"):
            recording, missing = chosen.recording(network, beside)
            demands = recording.demands
            if missing:
                problems.append(document.problem(where, missing, severity="warning"))
        else:
            known = {"route": IgpEcmp().route} if getattr(chosen, "needs_routes", False) else {}
            demands = chosen.demands(network, folder, **known)
    except InputError as error:
        problems.extend(error.problems)
        return None, None
    except ValueError as error:
        problems.append(document.problem(where, str(error)))
        return None, None
    others = [folder / each for each in (getattr(traffic.matrix, "totals", None),) if each]
    inputs.extend(each for each in (file, *others) if each.is_file())
    if not len(demands) or not demands.gbps.sum() > 0:
        problems.append(document.problem(where, "the matrix holds no traffic"))
    return demands, recording if recording is not None and len(recording) > 1 else None


def _recording_problems(
    document: Document, values: Mapping[str, Any], recording: Recording
) -> Iterator[Problem]:
    """A scenario that starts before its recording or goes on after it."""
    if _outside(values["traffic"]) != "refuse":
        return
    try:
        settings = Settings(**{**_BLANK, **_times(values)})
        begin, length = _begin_h(settings.start, recording), recording.length_h
        end = begin + _horizon_h(settings)
    except ValueError:  # told already
        return
    told = f"the recording is {length:g} h long"
    if recording.start:
        told += f", from {recording.time_of(0.0)} to {recording.end}"
    way_out = "or give traffic.matrix.outside: hold or repeat"
    if not -1e-9 <= begin <= length - 1e-9:
        message = f"{told}, and {settings.start} lies outside; start within it, {way_out}"
        yield document.problem(("start",), message)
    elif end > length + 1e-9:
        key = "end" if settings.end else "horizon_h"
        message = f"{told}; the scenario ends {end - length:g} h after it; shorten it, {way_out}"
        yield document.problem((key,), message)


def _outside(traffic: Traffic) -> str:
    return getattr(traffic.matrix, "outside", "refuse")


def _begin_h(start: str | None, recording: Recording) -> float:
    """Hour of the recording at which a scenario begins: its first if either has no date."""
    if start is None or recording.start is None:
        return 0.0
    after = datetime.fromisoformat(start) - datetime.fromisoformat(recording.start)
    return after.total_seconds() / 3600.0


def _start_hour(start: str | None) -> float:
    """Hour of the day of a local time; midnight if there is none."""
    time = datetime.fromisoformat(start) if start else datetime.min
    return time.hour + time.minute / 60 + time.second / 3600


def _shape_problems(document: Document, traffic: Traffic, network: Network) -> Iterator[Problem]:
    """Nodes named by shapes that the network does not have."""
    found: list[tuple[KeyPath, tuple[Any, ...]]] = [(("traffic",), traffic.shapes)]
    for name, service in (traffic.services or {}).items():
        found.append((("traffic", "services", name), service.shapes))
    for at, shapes in found:
        for i, each in enumerate(shapes):
            for path, told in getattr(each, "problems", lambda _: ())(network):
                yield document.problem((*at, "shapes", i, *path), told)


def _service_problems(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Names of services that mean something else already, and names of services that are not."""
    if "traffic" not in values:
        return
    services = values["traffic"].services
    if services is not None and not services:
        message = "names no service; leave it out, or give one or more"
        yield document.problem(("traffic", "services"), message)
    for name in services or ():
        at: KeyPath = ("traffic", "services", name)
        if name in DEMAND_KEYS:
            message = f"{name!r} says where traffic goes; choose another name for what it is"
            yield document.problem(at, message, key=True)
        elif ":" in name:
            yield document.problem(at, f"expected a name without ':', found {name!r}", key=True)
    if "record" in values and values["record"].demands == "service" and not services:
        message = "there are no services to keep rows of; give traffic.services"
        yield document.problem(("record", "demands"), message)
    for name, strategy in (values.get("strategies") or {}).items():
        at = ("strategies", name)
        for i, each in enumerate(strategy.control.services):
            if each not in (services or ()):
                near = did_you_mean(each, services or ())
                why = near if services else "; the scenario has none: give traffic.services"
                message = f"no service named {each!r}{why}"
                yield document.problem((*at, "control", "services", i), message)
        for role in ("scheme", "fallback"):
            limits = getattr(getattr(strategy, role), "stretch_ms", None)
            known = (*CLASSES, *(services or ()))
            for each in limits if isinstance(limits, Mapping) else ():
                if each not in known:
                    message = f"no traffic class or service named {each!r}"
                    near = did_you_mean(each, known) or f"; known: {', '.join(known)}"
                    where = (*at, role, "stretch_ms", each)
                    yield document.problem(where, f"{message}{near}", key=True)


def _share_problems(document: Document, traffic: Traffic, demands: Demands) -> Iterator[Problem]:
    """Shares of services that do not add up."""
    services = traffic.services or {}
    for traffic_class, total in uneven(demands, services) if services else ():
        each = ", ".join(f"{name} {s.share_of(traffic_class):g}" for name, s in services.items())
        message = f"the shares of {traffic_class} add up to {total:.10g}, not to 1 ({each})"
        yield document.problem(("traffic", "services"), message)


def _dated(shapes: tuple[Any, ...], start: str | None) -> tuple[Any, ...]:
    """Tell shapes that ask for it the date on which the scenario starts."""
    if start is None:
        return shapes
    begins = datetime.fromisoformat(start)
    return tuple(each.dated(begins) if hasattr(each, "dated") else each for each in shapes)


def _horizon_h(settings: Any) -> float:
    if settings.end is not None and settings.start is not None:
        span = datetime.fromisoformat(settings.end) - datetime.fromisoformat(settings.start)
        return span.total_seconds() / 3600.0
    return settings.horizon_h or 24.0


def _time_problems(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    start, end, horizon = (values.get(key) for key in ("start", "end", "horizon_h"))
    if end is not None and start is None:
        if "start" not in document.data:
            yield document.problem(("end",), "needs start as well")
        return
    if end is not None and horizon is not None:
        yield document.problem(("end",), "give end or horizon_h, not both")
        return
    if end is not None and start is not None:
        span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
        horizon = span.total_seconds() / 3600.0
        if horizon <= 0:
            yield document.problem(("end",), f"{end} is not after start, {start}")
            return
    horizon = horizon or 24.0
    step = values.get("step_s")
    if step is None:
        return
    if step < 1e-3:
        yield document.problem(("step_s",), f"expected a millisecond or more, found {step:g}")
    elif step > horizon * 3600:
        yield document.problem(("step_s",), f"{step:g} s is longer than the whole scenario")
    elif horizon * 3600 / step > MAX_STEPS:
        steps = f"{horizon * 3600 / step:,.0f}"
        yield document.problem(
            ("step_s",), f"makes {steps} steps; at most {MAX_STEPS:,} are allowed"
        )


def _strategy_problems(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    strategies = values.get("strategies")
    if strategies is None:
        return
    if not strategies:
        yield document.problem(("strategies",), "needs one strategy or more")
    for name, strategy in strategies.items():
        at: KeyPath = ("strategies", name)
        if strategy.scheme.default_control != "loop" and _lacks_kind(document, (*at, "control")):
            message = f"{strategy.scheme.kind} knows all traffic as it comes; leave control out"
            yield document.problem((*at, "control"), f"{message}, or give its kind")
            continue
        if not strategy.has_controller and strategy.fallback is not None:
            message = "only a strategy with a controller has a fallback; give control.every_s"
            yield document.problem((*at, "fallback"), message)
        for path, message in strategy.control.problems(None):
            yield document.problem((*at, "control", *path), message)
    seen: dict[str, int] = {}
    for i, change in enumerate(values.get("what_if", ())):
        if change.name in seen:
            yield document.problem(("what_if", i, "name"), f"{change.name!r} is taken already")
        seen[change.name] = i
        if change.name == BASELINE:
            message = f"{BASELINE!r} is the scenario as it stands; choose another name"
            yield document.problem(("what_if", i, "name"), message)
        if not change.set:
            message = "changes nothing; give keys and their new values"
            yield document.problem(("what_if", i, "set"), message)


def _lacks_kind(document: Document, path: KeyPath) -> bool:
    value = document.data
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return isinstance(value, Mapping) and "kind" not in value


def _with_fallbacks(settings: Settings) -> Settings:
    """Give every controlled strategy its static routes: those of the first static strategy."""
    static: Any = next((s.scheme for s in settings.strategies.values() if s.is_static), IgpEcmp())
    filled = {
        name: replace(s, fallback=static) if s.has_controller and s.fallback is None else s
        for name, s in settings.strategies.items()
    }
    return replace(settings, strategies=filled)


def _event_problems(
    document: Document, values: Mapping[str, Any], network: Network
) -> Iterator[Problem]:
    strategies = values.get("strategies") or {}
    try:
        horizon: float | None = _horizon_h(Settings(**{**_BLANK, **_times(values)}))
    except ValueError:
        horizon = None
    kinds = [fault_kinds.make(name) for name in fault_kinds.names()]
    known = {kind.kind: kind.targets(network) for kind in kinds}
    known["controller"] = tuple(name for name, s in strategies.items() if s.has_controller)
    partial = [kind.kind for kind in kinds if kind.partial]
    for i, event in enumerate(values.get("events", ())):
        at: KeyPath = ("events", i)
        if len(event.named) != 1:
            *others, last = Event.keys()
            found = " and ".join(event.named) or "none"
            message = f"expected one of {', '.join(others)} or {last}, found {found}"
            yield document.problem(at, message)
            continue
        ((what, word),) = event.named.items()
        if word not in known[what]:
            noun = "strategy with a controller" if what == "controller" else what
            message = f"no {noun} named {word!r}{did_you_mean(word, known[what])}"
            yield document.problem((*at, what), message)
        if event.capacity_gbps is not None:
            if what != "link":
                yield document.problem((*at, "capacity_gbps"), "only a link has a capacity to set")
        if event.severity != 1.0 and what not in partial:
            message = f"only a {' or a '.join(partial)} is lost in part"
            yield document.problem((*at, "severity"), message)
        if horizon is not None and event.at_h >= horizon:
            message = f"{event.at_h:g} h is not before the end of the scenario, at {horizon:g} h"
            yield document.problem((*at, "at_h"), message)
        if event.until_h is not None and event.until_h <= event.at_h:
            message = f"{event.until_h:g} h is not after at_h, {event.at_h:g} h"
            yield document.problem((*at, "until_h"), message)
        elif event.until_h is not None and horizon is not None and event.until_h > horizon:
            message = (
                f"{event.until_h:g} h is after the end of the scenario, at {horizon:g} h;"
                " leave it out for an event that lasts to the end"
            )
            yield document.problem((*at, "until_h"), message)
    yield from _capacity_problems(document, values.get("events", ()), network)


def _capacity_problems(
    document: Document, events: Sequence[Event], network: Network
) -> Iterator[Problem]:
    """Changes of one link's capacity that, one after the other, lead to none or less."""
    for i, event in enumerate(events):
        if event.resized not in network.link_index:
            continue
        for time in (event.at_h, *(e.until_h for e in events if e.until_h is not None)):
            begun = [
                other
                for other in sorted(events, key=lambda other: other.at_h)
                if other.resized == event.resized and other.at_h <= time < (other.until_h or np.inf)
            ]
            if event not in begun:
                continue
            changes = [other.capacity_gbps for other in begun if other.capacity_gbps is not None]
            arc = 2 * network.link_index[event.resized]
            try:
                left = min(all_changed(network.installed_gbps[a], changes) for a in (arc, arc + 1))
                if left > 0:
                    continue
                message = "a capacity of zero is an outage: leave capacity_gbps out"
            except ValueError as error:
                message = str(error)
            yield document.problem(("events", i, "capacity_gbps"), message)
            break


_BLANK: dict[str, Any] = {"topology": "-", "strategies": {}}


def _times(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in ("start", "end", "horizon_h") if key in values}


def _traffic_warnings(scenario: Scenario) -> Iterator[Problem]:
    """Demands that no route serves even when everything is up."""
    demands = scenario.demands
    lost = demands.take(IgpEcmp().route(scenario.network, demands).served < 1.0 - 1e-9)
    lost = lost.take(lost.gbps > 0)
    if len(lost):
        first = lost.names[0].rsplit(":", 1)[0]
        message = (
            f"{len(lost)} demands ({lost.gbps.sum():,.1f} Gbps) have no way to their target"
            f" even when everything is up, the first {first}; they count as lost"
        )
        yield scenario._document.problem(("traffic",), message, severity="warning")


# -- changing ---------------------------------------------------------------------------------


def _with_changes(scenario: Scenario, changes: Mapping[str, Any], origin: str) -> Scenario:
    """Change settings first, as they may bring another network, then links and demands."""
    before, document = scenario.changes, scenario._document
    problems: list[Problem] = []
    settings, parts = _sorted_out(changes)
    for key, value in settings.items():
        try:
            document = _change_setting(scenario, document, key, value, origin)
        except InputError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(Problem(origin, None, None, key, str(error)))
    if settings and not problems:
        scenario = _reassembled(scenario, document)
    network, demands = scenario.network, scenario.demands
    for key, value in parts.items():
        try:
            if key.startswith("links"):
                network = _change_link(network, key, value)
            else:
                demands = _change_demands(demands, key, value)
        except (KeyError, ValueError) as error:
            problems.append(Problem(origin, None, None, key, str(error.args[0])))
    if network is not scenario.network:
        problems += _capacity_problems(document, scenario.settings.events, network)
    if problems:
        raise InputError(problems)
    return replace(
        scenario,
        network=network,
        demands=_on(demands, network),
        changes={**before, **changes},
    )


def _sorted_out(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part changes of settings from changes of links and demands."""
    settings: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for key, value in changes.items():
        (parts if _parts(key)[0] in ("links", "demands") else settings)[key] = value
    return settings, parts


def _reassembled(scenario: Scenario, document: Document) -> Scenario:
    """Check the changed document; network and matrix are read again only if they are others."""
    was, now = scenario._document.data, document.data
    same = all(now.get(key) == was.get(key) for key in NETWORK_KEYS)
    unchanged = same and _matrix_of(now) == _matrix_of(was)
    for key, kept in (("topology", same), ("traffic.matrix", unchanged)):
        gone = ("links", "demands") if key == "topology" else ("demands",)
        lost = [each for each in scenario.changes if not kept and _parts(each)[0] in gone]
        if lost:
            message = f"would undo the change of {lost[0]}; change both at once"
            raise InputError([Problem("change", None, None, key, message)])
    fresh = _assemble(
        document, scenario._folder, scenario.name, known=(scenario.network, ()) if same else None
    )
    if not unchanged:
        return fresh
    return replace(
        fresh, demands=scenario.demands, recording=scenario.recording, inputs=scenario.inputs
    )


def _matrix_of(data: Mapping[str, Any]) -> Any:
    return (data.get("traffic") or {}).get("matrix")


def _on(demands: Demands, network: Network) -> Demands:
    return demands if demands.nodes is network.nodes else replace(demands, nodes=network.nodes)


def _parts(key: str) -> list[str | int]:
    """``events[0].at_h`` and ``events.0.at_h`` alike."""
    parts: list[str | int] = []
    for word in re.sub(r"\[(\d+)\]", r".\1", key).split("."):
        parts.append(int(word) if word.isdigit() else word)
    return parts


def _change_link(network: Network, key: str, value: Any) -> Network:
    link, _, attribute = key.removeprefix("links.").rpartition(".")
    if not link:
        raise ValueError("expected links.ID.KEY, such as links.bj-la.capacity_gbps")
    old = network.attributes(link)
    if attribute not in LINK_KEYS:
        known = ", ".join(LINK_KEYS)
        near = did_you_mean(attribute, LINK_KEYS) or ";"
        raise ValueError(f"unknown key{near} known: {known}")
    fallback = "capacity_gbps" if attribute == "capacity_ba_gbps" else attribute
    new = _number(old.get(attribute, old.get(fallback, 0.0)), value)
    if new <= 0 and attribute != "delay_ms":
        raise ValueError(f"expected a number above 0, found {value!r}")
    if attribute != "capacity_gbps":
        return network.with_link(link, **{attribute: new})
    back = _number(old.get("capacity_ba_gbps", old["capacity_gbps"]), value)
    return network.with_link(link, capacity_gbps=new, capacity_ba_gbps=back)


def _change_demands(demands: Demands, key: str, value: Any) -> Demands:
    scope = key.removeprefix("demands").removeprefix(".")
    if scope not in DEMAND_KEYS:
        known = ", ".join(DEMAND_KEYS)
        near = did_you_mean(scope, DEMAND_KEYS) or ";"
        raise ValueError(f"unknown key{near} known: {known}")
    groups = {"international": INTERNATIONAL, "all": CLASSES}
    classes = groups.get(scope, (scope,))
    old = demands.total_gbps(classes)
    if old <= 0:
        raise ValueError(f"there is no {scope} traffic to change")
    return demands.scaled(_number(old, value) / old, classes)


def _change_setting(
    scenario: Scenario, document: Document, key: str, value: Any, origin: str
) -> Document:
    path = tuple(_parts(key))
    if path[0] not in Settings.__dataclass_fields__:
        known = [*Settings.__dataclass_fields__, "links", "demands"]
        raise ValueError(f"unknown key{did_you_mean(str(path[0]), known)}")
    if isinstance(value, str) and re.match(r"\s*[+\-x*]\s*\d", value):
        old = _resolved_at(scenario, path)
        if isinstance(old, int | float) and not isinstance(old, bool):
            new = changed(old, value)
            value = int(new) if isinstance(old, int) and new == int(new) else new
    return document.with_value(path, value, origin)


def _resolved_at(scenario: Scenario, path: KeyPath) -> Any:
    value: Any = scenario.resolved()
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _number(old: float, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or a change such as +400, found {value!r}")
    return changed(old, value)
