"""Failures: links go down, loudly or silently, and what routers do is compared with the model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.control.settings import LoopSettings
from simulator.export.decided import Pair
from simulator.export.frr_router import HELLO_S, HELLOS
from simulator.model.network import Network
from simulator.verify import overlay
from simulator.verify.commands import batch, tried
from simulator.verify.exits import exit_shares
from simulator.verify.flows import Counted, address_of, by_demand, send
from simulator.verify.replay import Replay
from simulator.verify.routers import wait_for
from simulator.verify.static import static_hops, wrong_of
from simulator.verify.stream import Stream

LIMIT = 0.01
"""Difference of an exit's share of counted flows from the project's, at most."""
CONVERGED_WITHIN_S = 30.0
_BEFORE_S, _POLL_S = 0.5, 0.05
_HELLOS_S = float(HELLO_S * (HELLOS - 1)), float(HELLO_S * HELLOS)
_LATE_S = 3.0
"""What noticing may take beyond the last hello: flooding, and SPF after its interval."""
_DROP_ALL = "root tbf rate 1kbit burst 10 limit 10"


class Measure(NamedTuple):
    """One quantity of a failure.

    Attributes
    ----------
    failure, what, unit : str
    seen, model : float
        NaN where the model has none.
    setting : str
        Key of the control that the model's value is of.
    same : str
        ``yes`` or ``no``; empty where the two are not the same quantity.
    """

    failure: str
    what: str
    unit: str
    seen: float
    model: float
    setting: str = ""
    same: str = ""


@dataclass(frozen=True, eq=False)
class Lost:
    """Links that a failure takes down, under decisions that do not know of it.

    Attributes
    ----------
    name : str
        The failure in words.
    links : sequence of str
    network, after : Network
        Without and with it.
    rates : mapping of Pair to float
    flows : int
    control : LoopSettings
        Of the strategy, for the model's times.
    """

    name: str
    links: Sequence[str]
    network: Network
    after: Network
    rates: Mapping[Pair, float]
    flows: int
    control: LoopSettings

    def measure(
        self, what: str, unit: str, seen: float, model: float, setting: str = "", same: str = ""
    ) -> Measure:
        """Return a row about this failure."""
        return Measure(self.name, what, unit, seen, model, setting, same)


def cut(replay: Replay, lost: Lost) -> list[Measure]:
    """Let links go down and look at what happens before the controller reacts."""
    routers, pair = replay.routers, _pair_at(replay, lost)
    expected = static_hops(routers.plan, lost.after)
    stream = _stream(replay, *pair) if pair else None
    time.sleep(_BEFORE_S)
    began = time.monotonic()
    routers.set_links(lost.links, "down")
    converged_s, wrong = _converged(replay, lost.after, began)
    replay.static = expected
    found = []
    control = lost.control
    if stream:
        arrived = stream.result()
        repair_s = control.local_repair_s
        model_s = control.detect_s + control.converge_s if repair_s is None else repair_s
        found.append(lost.measure("traffic of one flow lost", "s", arrived.lost_s, model_s,
                                  "detect_s + converge_s" if repair_s is None else
                                  "local_repair_s"))  # fmt: skip
    found.append(lost.measure("static routes converged", "s", converged_s,
                              control.detect_s + control.converge_s,
                              "detect_s + converge_s"))  # fmt: skip
    found.append(lost.measure("wrong static next hops", "1", wrong, 0, "", _yes(not wrong)))
    wrong_ways = len(replay.wrong())
    found.append(lost.measure("decisions that left the kernels", "1", wrong_ways, 0, "",
                              _yes(not wrong_ways)))  # fmt: skip
    return [*found, *_burst(replay, lost, "before the controller answers", lost.after)]


def repair(replay: Replay, lost: Lost) -> list[Measure]:
    """Let links come up again, and put back what the kernels dropped from the exits' tables."""
    routers = replay.routers
    exits = [link for link in lost.links if link in routers.plan.exits]
    routers.set_links(lost.links, "up")
    empty = sum(not _exit_route(replay, link) for link in exits)
    expected = static_hops(routers.plan, lost.network)
    converged_s, wrong = _converged(replay, lost.network, time.monotonic())
    routers.put_back(exits)
    replay.static = expected
    return [
        lost.measure("exit tables left empty at link up", "1", empty, float("nan")),
        lost.measure("static routes as before", "s", converged_s, float("nan")),
        lost.measure("wrong static next hops then", "1", wrong, 0, "", _yes(not wrong)),
        *_burst(replay, lost, "after tables are put back", lost.network),
    ]


def silent(replay: Replay, lost: Lost) -> list[Measure]:
    """Let all packets on links be dropped without a link going down, for some time."""
    routers, control = replay.routers, lost.control
    share = exit_shares(replay.ways, lost.rates, routers.plan.network, lost.network)
    dead = sum(share[link] for link in lost.links if link in share)
    began = time.monotonic()
    _drop(replay, lost.links, "add")
    noticed_s, wrong = _converged(replay, lost.after, began)
    counted = send(routers, by_demand(lost.rates, lost.flows))
    gone = 1.0 - counted.delivered / counted.sent
    _drop(replay, lost.links, "del")
    _, left = _converged(replay, lost.network, time.monotonic())
    low, high = _HELLOS_S
    in_time = not wrong and low - _LATE_S <= noticed_s <= high + _LATE_S
    return [
        lost.measure("static routes have noticed", "s", noticed_s, high, "hellos of IS-IS",
                     _yes(in_time)),
        lost.measure("tunnelled traffic still lost then", "1", gone, dead, "",
                     _yes(abs(gone - dead) <= LIMIT)),
        lost.measure("noticed, in the model", "s", float("nan"), control.detect_s,
                     "detect_s"),
        lost.measure("wrong static next hops afterwards", "1", left, 0, "", _yes(not left)),
    ]  # fmt: skip


def differences(counted: Mapping[str, int], sent: int, shares: Mapping[str, float]) -> float:
    """Return the largest difference between a share that was counted and the project's."""
    return max(abs(counted[link] / sent - share) for link, share in shares.items())


def _burst(replay: Replay, lost: Lost, where: str, after: Network) -> list[Measure]:
    counted = send(replay.routers, by_demand(lost.rates, lost.flows))
    shares = exit_shares(replay.ways, lost.rates, replay.routers.plan.network, after)
    apart = differences(counted.links, counted.sent, shares)
    return [
        lost.measure(f"an exit's share apart, {where}", "1", apart, 0, "", _yes(apart <= LIMIT)),
        lost.measure(f"flows delivered, {where}", "1", counted.delivered, counted.sent, "",
                     _yes(_all_arrived(counted))),
    ]  # fmt: skip


def _converged(replay: Replay, network: Network, began: float) -> tuple[float, int]:
    """Wait until all static next hops are those of a network; return seconds, and wrong ones."""
    routers = replay.routers
    expected = static_hops(routers.plan, network)
    nodes = sorted({node for node, _ in expected})
    wait_for(
        lambda: not wrong_of(expected, routers.tables(nodes), routers.plan),
        CONVERGED_WITHIN_S,
        _POLL_S,
    )
    seconds = time.monotonic() - began
    return seconds, len(wrong_of(expected, routers.tables(nodes), routers.plan))


def _pair_at(replay: Replay, lost: Lost) -> Pair | None:
    """Return the pair with most traffic that goes by one of the dead exits alone."""
    mine = [
        pair for pair, ways in replay.ways.items()
        if len(ways) == 1 and next(iter(ways)) in lost.links and lost.rates.get(pair, 0) > 0
    ]  # fmt: skip
    return max(mine, key=lambda pair: lost.rates[pair], default=None)


def _stream(replay: Replay, source: str, target: str) -> Stream:
    routers, plan = replay.routers, replay.routers.plan
    here, there = str(plan.loopbacks[source]), address_of(plan, target)
    return Stream((routers.spaces[source], here), (routers.spaces[target], there))


def _exit_route(replay: Replay, link: str) -> str:
    plan = replay.routers.plan
    space = replay.routers.spaces[overlay.gateway_of(plan, link)]
    table = overlay.exit_route(plan, link).split()[-1]
    return tried("ip", "-n", space, "route", "show", "table", table).strip()


def _drop(replay: Replay, links: Sequence[str], verb: str) -> None:
    """Add or delete what drops all packets, at both ends of links."""
    routers, network = replay.routers, replay.routers.plan.network
    for link in links:
        for arc in (2 * network.link_index[link], 2 * network.link_index[link] + 1):
            space = routers.spaces[network.nodes[int(network.tail[arc])]]
            line = f"qdisc {verb} dev {routers.plan.interface(link)} {_DROP_ALL}"
            batch([line], "tc", "-n", space)


def _all_arrived(counted: Counted) -> bool:
    return counted.delivered == counted.sent


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
