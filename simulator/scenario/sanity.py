"""Sanity: settings and traffic that are valid, and almost surely in another unit than is meant.

Announcements that other networks would damp are doubted as well.

Each function yields doubts: the path of a value, and what is strange about it. They are warnings,
so that a scenario that means it can go on. The limits stand in :mod:`simulator.model.scale`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from math import ceil

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import Problem
from simulator.base.registry import walk
from simulator.control.settings import Announcements
from simulator.formats.rules.checks import too_fast
from simulator.inbound.damping import HUNTED_PENALTY, SUPPRESS, least_period_s, steady_peak
from simulator.model.demands import Demands
from simulator.model.geo import great_circle_km
from simulator.model.network import Network
from simulator.model.scale import (
    HORIZON,
    LONGEST_STEP_S,
    MANY_STEPS,
    SHORTEST_S,
    SMALLER_GBPS,
    TIMES,
    WHOLE_H,
    amount,
    did_you_mean_unit,
    in_words,
    usual_of,
)
from simulator.paths.widest import widest_gbps
from simulator.scenario.address import Address
from simulator.scenario.changes import Change
from simulator.scenario.settings import Settings, length_h

Doubt = tuple[KeyPath, str]


def setting_doubts(settings: Settings) -> Iterator[Doubt]:
    """Visit all settings for values that are not usual for their key."""
    horizon_s = length_h(settings.start, settings.end, settings.horizon_h) * 3600.0
    yield from _time_doubts(settings, horizon_s)
    yield from damping_doubts(settings)
    for path, value in walk(settings):
        # A law has its ends under the same keys whatever it is a law of.
        if not is_dataclass(value) or path[:1] == ("uncertainty",):
            continue
        for each in fields(value):
            number = getattr(value, each.name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            usual = usual_of(each.name)
            doubt = usual.doubt(number) if usual else ""
            if each.name == "every_s":
                doubt = _cycle_doubt(number, settings.step_s, horizon_s)
            if doubt:
                yield (*path, each.name), doubt


def _time_doubts(settings: Settings, horizon_s: float) -> Iterator[Doubt]:
    """A length in seconds, and steps that traffic cannot be constant for."""
    horizon, step_s = settings.horizon_h, settings.step_s
    if horizon and horizon % WHOLE_H == 0 and not HORIZON.doubt(horizon):
        yield ("horizon_h",), f"{in_words(horizon, 'h')}; {HORIZON.question(horizon)}"
    whole_days = step_s % 86_400 == 0
    if step_s > LONGEST_STEP_S and not whole_days:
        meant = did_you_mean_unit("ms", step_s * 1e-3, "s")
        yield ("step_s",), f"{in_words(step_s, 's')}, and traffic is constant for a step; {meant}"
    steps = horizon_s / step_s
    if step_s < SHORTEST_S and steps > MANY_STEPS:
        meant = did_you_mean_unit("hours", step_s * 3600, "s")
        yield ("step_s",), f"{amount(step_s, 's')} makes {steps:,.0f} steps; {meant}"


def _cycle_doubt(every_s: float, step_s: float, horizon_s: float) -> str:
    """Return what is strange about the cycle of a controller, or nothing."""
    if every_s < SHORTEST_S and every_s < step_s:
        meant = did_you_mean_unit("hours", every_s * 3600, "s")
        return f"{in_words(every_s, 's')}, and traffic is constant for {step_s:g} s; {meant}"
    if every_s > max(horizon_s, 3600.0):
        meant = did_you_mean_unit("ms", every_s * 1e-3, "s")
        whole = f"longer than the whole scenario, {amount(horizon_s, 's')}"
        return f"{amount(every_s, 's')} is {whole}; {meant}"
    return ""


def damping_doubts(settings: Settings) -> Iterator[Doubt]:
    """Groups of prefixes that may change so often that other networks suppress them.

    A group may change again once it has rested. Changes that are exempt from rest are few: undoing
    the last one, and those where an exit is too full.
    """
    for name, strategy in settings.strategies.items():
        knobs: Announcements | None = getattr(strategy.control, "announcements", None)
        if knobs is None or knobs.plan not in ("learn", "know"):
            continue
        period_s = max(1, knobs.hold) * knobs.every_s
        peak = steady_peak(period_s, penalty=HUNTED_PENALTY)
        if peak > SUPPRESS:
            hold = ceil(least_period_s() / knobs.every_s)
            yield (
                ("strategies", name, "control", "announcements", "hold"),
                f"a group may change every {amount(period_s, 's')}, which takes its damping penalty"
                f" to {peak:,.0f}; 9 % of networks or more damp, most by old defaults, which"
                f" suppress a route above {SUPPRESS:,.0f}; give hold: {hold} or more",
            )


# -- changes of links --------------------------------------------------------------------------


def link_doubts(changes: Iterable[Change], network: Network) -> Iterator[Problem]:
    """Visit the changes of links; files of topologies are visited where they are read."""
    for change in {change.key: change for change in changes}.values():
        if change.of_element and change.section in ("links", "exits"):
            if doubt := next(_doubts_of(change, network), ""):
                yield change.problem(doubt, severity="warning")


def _doubts_of(change: Change, network: Network) -> Iterator[str]:
    """What is strange about the links of a change; of many the first says it for all."""
    address = Address.of(change.key, whole=isinstance(change.value, dict))
    usual = usual_of(address.attribute)
    if usual is None or not isinstance(change.value, int | float | str):
        return
    try:
        found = address.among(network.links, "link")
    except KeyError:  # a later change has removed it
        return
    for link in found:
        attributes = network.attributes(link)
        value = attributes.get(address.attribute)
        doubt = "" if value is None else usual.doubt(value)
        if address.attribute in ("delay_ms", "delay_ba_ms") and not doubt and value is not None:
            ends = (network.graph.nodes[attributes[end]] for end in ("a", "b"))
            degrees = [end[axis] for end in ends for axis in ("lat", "lon") if axis in end]
            if len(degrees) == 4:
                doubt = too_fast(value, great_circle_km(*degrees))
        if doubt:
            yield doubt if len(found) == 1 else f"{link}: {doubt}"


# -- traffic -----------------------------------------------------------------------------------


def traffic_doubts(network: Network, demands: Demands) -> list[str]:
    """Return what is strange about traffic: more, many times, than could be carried.

    Of totals by class, or else of single demands: a matrix in another unit is reported once.
    """
    return list(_total_doubts(network, demands)) or list(_demand_doubts(network, demands))


def _total_doubts(network: Network, demands: Demands) -> Iterator[str]:
    """All traffic across the border against all exits, and at home against all links there."""
    home = ~network.is_abroad[network.tail] & ~network.is_abroad[network.head]
    bounds = {
        "international_out": ("all exits", network.exit_arcs["out"]),
        "international_in": ("all exits", network.exit_arcs["in"]),
        "domestic": ("all links at home", np.flatnonzero(home)),
    }
    for name, (what, arcs) in bounds.items():
        total = demands.total_gbps(name)
        bound = float(network.installed_gbps[arcs].sum())
        if 0 < TIMES * bound < total:
            times = f"{total / bound:,.0f} times what {what} together carry ({_gbps(bound)})"
            yield f"{name} adds up to {_gbps(total)}, {times}; {_smaller(total, bound)}"


def _demand_doubts(network: Network, demands: Demands) -> Iterator[str]:
    """Single demands against the widest path between their ends."""
    widest = widest_gbps(network, demands.source, demands.target)
    times = np.divide(demands.gbps, widest, out=np.zeros(len(widest)), where=widest > 0)
    beyond = times > TIMES
    if beyond.any():
        worst = int(times.argmax())
        name = demands.take(np.array([worst])).names[0].split(":")[0]
        gbps, bound, count = float(demands.gbps[worst]), float(widest[worst]), int(beyond.sum())
        message = (
            f"{name} is {_gbps(gbps)}, {times[worst]:,.0f} times the widest path between its"
            f" ends ({_gbps(bound)})"
        )
        more = f", the worst of {count:,} demands above {TIMES:g} times theirs" if count > 1 else ""
        yield f"{message}{more}; {_smaller(gbps, bound)}"


def _gbps(rate: float) -> str:
    return amount(float(f"{rate:.6g}"), "Gbps")


def _smaller(gbps: float, bound_gbps: float) -> str:
    """Return the question for the largest smaller unit in which traffic would fit."""
    fitting = (u for u, size in SMALLER_GBPS.items() if gbps * size <= bound_gbps)
    unit = next(fitting, "bps")
    return did_you_mean_unit(unit, float(f"{gbps * SMALLER_GBPS[unit]:.6g}"), "Gbps")
