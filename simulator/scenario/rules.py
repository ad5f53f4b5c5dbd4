"""Rules: what must hold together among the settings of a scenario, its network and its traffic.

A rule yields findings: the path of what is wrong, a message, and True if the key itself is wrong
and not its value. Rules see the settings that are sound by themselves, by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.registry import problems_in, walk
from simulator.control.strategy import Strategy
from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS, refused_rate
from simulator.scenario.changes import DEMAND_KEYS, changes_of
from simulator.scenario.event_rules import Finding, Values, event_problems
from simulator.scenario.pairing import unpaired
from simulator.scenario.settings import Traffic, hours_between, length_h
from simulator.traffic.services import Service, uneven

MAX_STEPS = 4_000_000
BASELINE = "baseline"
"""The name of the scenario as it stands, among its changes."""


def setting_problems(values: Values, document: Any) -> Iterator[Finding]:
    """What settings get wrong among themselves; *document* is the data that they come from."""
    return chain(
        time_problems(values),
        strategy_problems(values, document),
        inbound_problems(values),
        what_if_problems(values),
        service_problems(values),
        size_problems(values),
    )


def size_problems(values: Values) -> Iterator[Finding]:
    """Rates that are no rates, whatever they are of: those of links and of demands are bounded."""
    for path, value in walk(values):
        is_rate = str(path[-1] if path else "").endswith("gbps")
        if is_rate and isinstance(value, int | float) and value > MOST_GBPS:
            yield path, refused_rate(f"{value:g}")


def network_problems(values: Values, network: Network) -> Iterator[Finding]:
    """What settings get wrong about the network."""
    return chain(
        event_problems(values, network, _length_h(values)),
        problems_in(values, network),
        reliability_problems(values, network),
        upgrade_problems(values, network),
    )


def reliability_problems(values: Values, network: Network) -> Iterator[Finding]:
    """Figures of elements that the network does not have."""
    stated = values.get("reliability")
    for path, message in stated.problems(network) if stated else ():
        yield ("reliability", *path), message


def upgrade_problems(values: Values, network: Network) -> Iterator[Finding]:
    """Offers of links that the network does not have, and the like."""
    stated = values.get("upgrades")
    for path, message in stated.problems(network) if stated else ():
        yield ("upgrades", *path), message


def traffic_problems(
    values: Values, demands: Demands, recording: Recording | None
) -> Iterator[Finding]:
    """What settings get wrong about the demands that were read."""
    return chain(recording_problems(values, recording), share_problems(values["traffic"], demands))


# -- time --------------------------------------------------------------------------------------


def _length_h(values: Values) -> float:
    return length_h(*(values.get(key) for key in ("start", "end", "horizon_h")))


def time_problems(values: Values) -> Iterator[Finding]:
    """The end, the length and the step."""
    start, end, horizon = (values.get(key) for key in ("start", "end", "horizon_h"))
    if end is not None and start is None:
        if "start" in values:
            yield ("end",), "needs start as well"
        return
    if end is not None and horizon is not None:
        yield ("end",), "give end or horizon_h, not both"
        return
    length, step = _length_h(values), values.get("step_s")
    if length <= 0:
        yield ("end",), f"{end} is not after start, {start}"
    elif step is None:
        return
    elif step < 1e-3:
        yield ("step_s",), f"expected a millisecond or more, found {step:g}"
    elif step > length * 3600:
        yield ("step_s",), f"{step:g} s is longer than the whole scenario"
    elif length * 3600 / step > MAX_STEPS:
        steps = f"{length * 3600 / step:,.0f}"
        yield ("step_s",), f"makes {steps} steps; at most {MAX_STEPS:,} are allowed"


def begin_h(start: str | None, recording: Recording) -> float:
    """Hour of the recording at which a scenario begins: its first if either has no date."""
    if start is None or recording.start is None:
        return 0.0
    return hours_between(recording.start, start)


def recording_problems(values: Values, recording: Recording | None) -> Iterator[Finding]:
    """A scenario that starts before its recording or goes on after it."""
    if recording is None or values["traffic"].outside != "refuse":
        return
    start, length = values.get("start"), recording.length_h
    begin = begin_h(start, recording)
    end = begin + _length_h(values)
    extent = f"the recording is {length:g} h long"
    if recording.start:
        extent += f", from {recording.time_of(0.0)} to {recording.end}"
    way_out = "or give traffic.matrix.outside: hold or repeat"
    if not -1e-9 <= begin <= length - 1e-9:
        yield ("start",), f"{extent}, and {start} lies outside; start within it, {way_out}"
    elif end > length + 1e-9:
        key = "end" if values.get("end") else "horizon_h"
        late = f"the scenario ends {end - length:g} h after it"
        yield (key,), f"{extent}; {late}; shorten it, {way_out}"


# -- strategies --------------------------------------------------------------------------------


def strategy_problems(values: Values, document: Any) -> Iterator[Finding]:
    """Strategies whose scheme, control and fallback do not go together."""
    strategies: Mapping[str, Strategy] | None = values.get("strategies")
    if strategies is not None and not strategies:
        yield ("strategies",), "needs one strategy or more"
    for name, strategy in (strategies or {}).items():
        at: KeyPath = ("strategies", name)
        if strategy.scheme.default_control != "loop" and _lacks_kind(document, (*at, "control")):
            message = f"{strategy.scheme.kind} knows all traffic as it comes; leave control out"
            yield (*at, "control"), f"{message}, or give its kind"
        elif not strategy.has_controller and strategy.fallback is not None:
            message = "only a strategy with a controller has a fallback; give control.every_s"
            yield (*at, "fallback"), message
        for path, message in strategy.control.problems(None):
            yield (*at, "control", *path), message


def inbound_problems(values: Values) -> Iterator[Finding]:
    """Announcements that do not go with how inbound traffic lands."""
    inbound = values.get("inbound")
    for name, strategy in values.get("strategies", {}).items():
        announcements = getattr(strategy.control, "announcements", None)
        if announcements is None:
            continue
        path: KeyPath = ("strategies", name, "control", "announcements", "plan")
        if inbound is None and announcements.plan != "scheme":
            message = (
                f"{announcements.plan} needs inbound, which says how neighbours abroad choose;"
                " add inbound: {}"
            )
            yield path, message
        elif inbound is not None and announcements.plan == "scheme":
            message = (
                "with inbound, neighbours abroad choose where traffic lands, and scheme calls it to"
                " one exit; take once, learn or know"
            )
            yield path, message


def _lacks_kind(document: Any, path: KeyPath) -> bool:
    """Whether a mapping stands at *path* that does not say its kind."""
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return isinstance(document, Mapping) and "kind" not in document


def what_if_problems(values: Values) -> Iterator[Finding]:
    """Changes without a name of their own, without effect, or of what all columns share."""
    seen: set[str] = set()
    for i, change in enumerate(values.get("what_if", ())):
        if change.name in seen:
            yield ("what_if", i, "name"), f"{change.name!r} is taken already"
        seen.add(change.name)
        if change.name == BASELINE:
            message = f"{BASELINE!r} is the scenario as it stands; choose another name"
            yield ("what_if", i, "name"), message
        if not change.set:
            yield ("what_if", i, "set"), "changes nothing; give keys and their new values"
        for key, message in unpaired(changes_of(change.set, f"what_if[{i}]")):
            yield ("what_if", i, "set", key), message


# -- services ----------------------------------------------------------------------------------


def service_problems(values: Values) -> Iterator[Finding]:
    """Services whose names are taken, and names of services that do not exist."""
    if "traffic" not in values:
        return
    services: Mapping[str, Service] | None = values["traffic"].services
    if services is not None and not services:
        yield ("traffic", "services"), "names no service; leave it out, or give one or more"
    if services and values["traffic"].elastic_share:
        message = "with services each says by itself whether it is elastic; leave this out"
        yield ("traffic", "elastic_share"), message
    for name in services or ():
        at: KeyPath = ("traffic", "services", name)
        if name in DEMAND_KEYS:
            message = f"{name!r} says where traffic goes; choose another name for what it is"
            yield at, message, True
        elif ":" in name:
            yield at, f"expected a name without ':', found {name!r}", True
    if "record" in values and values["record"].demands == "service" and not services:
        message = "there are no services to keep rows of; give traffic.services"
        yield ("record", "demands"), message
    for name, strategy in (values.get("strategies") or {}).items():
        yield from _named_services(("strategies", name), strategy, services or {})


def _named_services(
    at: KeyPath, strategy: Strategy, services: Mapping[str, Service]
) -> Iterator[Finding]:
    """Services that a strategy names and that do not exist."""
    for i, each in enumerate(strategy.control.services):
        if each not in services:
            near = did_you_mean(each, services)
            why = near if services else "; the scenario has none: give traffic.services"
            yield (*at, "control", "services", i), f"no service named {each!r}{why}"
    known = (*CLASSES, *services)
    for role, scheme in (("scheme", strategy.scheme), ("fallback", strategy.fallback)):
        for path, words in (scheme.class_words() if scheme else {}).items():
            for each in [word for word in words if word not in known]:
                message = f"no traffic class or service named {each!r}"
                near = did_you_mean(each, known) or f"; known: {', '.join(known)}"
                yield (*at, role, *path, each), f"{message}{near}", True


def share_problems(traffic: Traffic, demands: Demands) -> Iterator[Finding]:
    """Shares of services that do not add up."""
    services = traffic.services or {}
    for traffic_class, total in uneven(demands, services) if services else ():
        each = ", ".join(f"{name} {s.share_of(traffic_class):g}" for name, s in services.items())
        message = f"the shares of {traffic_class} add up to {total:.10g}, not to 1 ({each})"
        yield ("traffic", "services"), message
