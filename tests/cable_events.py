"""Cable events: documented events, replayed on china169-2017 in its busy hour, as rows of a page.

Routes are planned for the whole network and held through the event, as fixed routing does after
partial cuts; beside them stand routes made anew for what is left.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

import simulator as sim
from simulator.model.faults import Fault
from simulator.model.link_state import LinkState, link_state
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.queues.burst import Burst
from simulator.routing.min_latency import MinLatency

UNITED_STATES = ("pop-los-angeles", "pop-san-jose")
SOME = 1e-3
"""The least share, or time in ms, that counts as an effect."""
OVERLAND = ("bj-frankfurt", "bj-london", "bj-moscow")


@dataclass(frozen=True)
class Event:
    """A documented event, and the effect of it that is compared.

    Attributes
    ----------
    what, published : str
        When and what, and what was reported, with its source.
    cables : mapping of str to float
        What is cut on the model: the part of every cable. Empty where it has none of them.
    effect : callable, optional
        The effect on the model, from the faults: a share or a time in ms.
    named : str
        The effect in words.
    low, high : float
        Range of the published effect; where only a direction was reported, one end is open.
    unit : str
        ``%`` for a share, ``ms`` for a time.
    reason : str
        What the model leaves out, and why it misses where it does.
    judged : bool
        Whether any effect was published that the model's could be held against.
    """

    what: str
    published: str
    reason: str
    cables: Mapping[str, float] = field(default_factory=dict)
    effect: Callable[[tuple[Fault, ...]], float] | None = None
    named: str = ""
    low: float = SOME
    high: float = np.inf
    unit: str = "%"
    judged: bool = True

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is cut on the model."""
        return tuple(Fault("cable", cable, part) for cable, part in self.cables.items())

    @property
    def ours(self) -> float | None:
        """The effect on the model."""
        return self.effect(self.faults) if self.effect else None

    @property
    def verdict(self) -> str:
        """Whether direction and size are those that were published."""
        ours = self.ours
        if not self.judged:
            return "not judged: no effect was published"
        if ours is None:
            return "**miss**: not in the model"
        if self.low <= ours <= self.high:
            sized = np.isfinite(self.low) and np.isfinite(self.high)
            return "direction and size right" if sized else "direction right"
        if ours < SOME:
            return "**miss**: no effect"
        return f"direction right, **size missed**: too {'small' if ours < self.low else 'large'}"


@functools.cache
def case() -> tuple[Network, sim.Demands]:
    """Return the network and its busy hour."""
    scenario = sim.load("china169-2017")
    return scenario.network, scenario.demands


@functools.cache
def routes_after(faults: tuple[Fault, ...]) -> Routes:
    """Return routes that are made for the network with these faults."""
    network, demands = case()
    scheme = MinLatency(utilisation_cap=0.80, classes=("exit",))
    return scheme.route(network.after(faults), demands)


@functools.cache
def state(
    faults: tuple[Fault, ...], *, planned_for: tuple[Fault, ...] = (), buffer_ms: float = 50.0
) -> LinkState:
    """Return load and latency under faults, on routes that were made for others."""
    network, demands = case()
    queue = Burst(burst_ms=0.5, buffer_ms=buffer_ms)
    rates = demands.gbps[:, None]
    return link_state(routes_after(planned_for), network.after(faults), rates, queue)


# -- effects --------------------------------------------------------------------------------------


def capacity_lost(
    *, pops: tuple[str, ...] = (), links: tuple[str, ...] = ()
) -> Callable[[tuple[Fault, ...]], float]:
    """Return the share of the capacity of exits that is lost: to places, of some exits, or all."""

    def lost(faults: tuple[Fault, ...]) -> float:
        network, _ = case()
        out = network.exit_arcs["out"]
        ends = np.array(network.nodes)[network.head[out]]
        ids = np.array(network.links)[out // 2]
        named = np.isin(ends, pops) | np.isin(ids, links)
        mine = out[named] if pops or links else out
        left = network.after(faults)
        there = np.where(left.up, left.capacity_gbps, 0.0)[mine].sum()
        return float(1.0 - there / network.capacity_gbps[mine].sum())

    return lost


def not_through(found: LinkState) -> float:
    """Return the share of international traffic that does not get through."""
    _, demands = case()
    abroad = demands.of_class(("international_out", "international_in"))
    return float(1.0 - found.delivered_gbps[abroad].sum() / found.rates_gbps[abroad].sum())


def more_lost(faults: tuple[Fault, ...]) -> float:
    """Return what does not get through on held routes, beyond what did not before."""
    return not_through(state(faults)) - not_through(state(()))


def lost_after_rerouting(faults: tuple[Fault, ...]) -> float:
    """Return what does not get through once routes are made anew."""
    return not_through(state(faults, planned_for=faults))


def moved_overland(faults: tuple[Fault, ...]) -> float:
    """Return by which share the exits over land carry more once routes are made anew."""
    network, _ = case()
    arcs = np.concatenate(list(network.exit_arcs.values()))
    mine = [arc for arc in arcs if network.links[arc // 2] in OVERLAND]
    before, after = (
        state(each, planned_for=each).carried_gbps[mine].sum() for each in ((), faults)
    )
    return float(after / before - 1.0)


def round_trip_ms(region: str, buffer_ms: float = 50.0) -> Callable[[tuple[Fault, ...]], float]:
    """Return the mean round trip to a region, over traffic, on held routes."""

    def trip(faults: tuple[Fault, ...]) -> float:
        found, (_, demands) = state(faults, buffer_ms=buffer_ms), case()
        node = demands.nodes.index(region)
        ways = (demands.target == node, demands.source == node)
        means = [
            np.average(found.latency_ms[way, 0], weights=found.delivered_gbps[way, 0])
            for way in ways
        ]
        return float(sum(means))

    return trip


def longer_trip_ms(region: str, buffer_ms: float = 50.0) -> Callable[[tuple[Fault, ...]], float]:
    """Return by how many ms the round trip to a region is longer than without the faults."""
    trip = round_trip_ms(region, buffer_ms)
    return lambda faults: trip(faults) - trip(())


# -- what was reported ----------------------------------------------------------------------------

QUAKE = {"APCN-2": 1.0, "SMW-3": 1.0}
EVENTS = (
    Event(
        "February 2001: China-US cable cut near China",
        "main cut, 10 days (China News Service, 19 February 2001)",
        "The cable was retired in 2016, before the network of the model.",
    ),
    Event(
        "December 2006: earthquake south of Taiwan island, six or more systems within hours",
        "a carrier of Hong Kong lost half of its data capacity (Washington Times, 27 December"
        " 2006)",
        "Four of the six cables are not in the model, and TPE and APG, which are, came after 2006.",
        QUAKE,
        capacity_lost(),
        "exit capacity lost",
        0.4,
        0.6,
    ),
    Event(
        "the same, four days later",
        "international exit bandwidth of China Telecom at about 60 % of normal (Asia Sentinel,"
        " January 2007)",
        "As above.",
        QUAKE,
        capacity_lost(),
        "exit capacity lost",
        0.3,
        0.5,
    ),
    Event(
        "the same",
        "traffic moved to land cables and satellite (china.org.cn, 30 January 2007)",
        "No satellite in the model. Inbound, exits over land are at their cap of 80 % before.",
        QUAKE,
        moved_overland,
        "more on exits over land, routes made anew",
    ),
    Event(
        "August 2009: typhoon Morakot, nine systems in nine days",
        "Chinese carriers lost 70 % of Internet capacity to the US (submarinenetworks.com, 2009)",
        "In 2009 most of it went by way of cables that the model lacks; in 2017 most of it is TPE.",
        {**QUAKE, "EAC-C2C": 1.0},
        capacity_lost(pops=UNITED_STATES),
        "exit capacity to the US lost",
        0.6,
        0.8,
    ),
    Event(
        "17 August 2009: earthquake, FNAL and its protection route",
        "North America and Europe affected (Sina, 17 August 2009)",
        "FNAL is not in the model, nor are protection routes.",
    ),
    Event(
        "March 2011: earthquake off Japan, no system fully down",
        "China Unicom: two or three cables damaged, traffic re-routed, little disruption"
        " (Telecom Asia, 14 March 2011)",
        "Assumed: half of each cable, as each had landings that stood. PC-1 is not in the model.",
        {"APCN-2": 0.5, "JUS": 0.5, "EAC-C2C": 0.5},
        lost_after_rerouting,
        "international traffic not through, routes made anew",
        0.0,
        0.01,
    ),
    Event(
        "the same",
        "slower access to sites in North America (China Telecom, in Xinhua, 14 March 2011)",
        "Held routes, buffers of 50 ms.",
        {"APCN-2": 0.5, "JUS": 0.5, "EAC-C2C": 0.5},
        longer_trip_ms("region-na-west"),
        "longer round trip to the US west",
        unit="ms",
    ),
    Event(
        "September 2014 and August 2016: AAG, three cuts between Vietnam, Hong Kong and Singapore",
        "18 to 21 days (Tuoi Tre, techz.vn); of an effect in China nothing is known to us",
        "A cable of the model has no segments: one cut takes all of it, and a second changes"
        " nothing. Vietnam is not a region.",
        {"AAG": 1.0},
        more_lost,
        "more international traffic not through, routes held",
        judged=False,
    ),
    Event(
        "August 2017: two typhoons, routes from Hong Kong to Sydney",
        "52 days (modernasian.com.au, 5 September 2017)",
        "No exit and no cable to Australia.",
    ),
    Event(
        "February 2019: APG off Malaysia",
        "higher latency to Singapore for a carrier of Taiwan island (Malaysian Wireless, 15 March"
        " 2019)",
        "The whole cable is cut, not the branch: Tokyo, Seoul and the US lose as well, which was"
        " not reported.",
        {"APG": 1.0},
        longer_trip_ms("region-se-asia"),
        "longer round trip to Southeast Asia",
        unit="ms",
    ),
    Event(
        "2018 to 2022: TPE, repeated cuts",
        "round trip to the US west coast about 300 ms (community notes on AS4837)",
        "Full buffers make the difference: 50 ms each here.",
        {"TPE": 1.0},
        round_trip_ms("region-na-west"),
        "round trip to the US west",
        270.0,
        330.0,
        "ms",
    ),
    Event(
        "the same",
        "the same",
        "With buffers of 200 ms: the published value lies between the two.",
        {"TPE": 1.0},
        round_trip_ms("region-na-west", 200.0),
        "round trip to the US west",
        270.0,
        330.0,
        "ms",
    ),
    Event(
        "February 2024: four cables in the Red Sea",
        "25 % of the traffic through the Red Sea affected, by a carrier of Hong Kong (AP, 4 March"
        " 2024)",
        "Some fifteen cables pass there, and exits of the model ride two of them, AAE-1 and SMW-5.",
        {"AAE-1": 1.0},
        capacity_lost(links=("gz-frankfurt", "gz-london")),
        "capacity of exits to Europe by sea lost",
        0.15,
        0.35,
    ),
    Event(
        "2014 to 2020: TSE-1, 14 faults in 6.5 years",
        "anchors, trawling and sand mining, 12 within 45 km of the shore (encyclopaedia)",
        "The cable is not in the model, and nothing fails by chance.",
    ),
)
"""Documented events, each with its source."""


def table() -> str:
    """Return all events as a table."""
    lines = [
        "| event | published | simulated | ours | verdict | why |",
        "|---|---|---|---|---|---|",
    ]
    for event in EVENTS:
        cut = ", ".join(f"{c}{'' if p == 1 else f' {p:.0%}'}" for c, p in event.cables.items())
        simulated = f"{cut}: {event.named}" if cut else "nothing"
        cells = event.what, event.published, simulated, written(event), event.verdict, event.reason
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def written(event: Event) -> str:
    """Return the effect on the model as the page has it, in digits that any machine gives."""
    ours = event.ours
    if ours is None:
        return "none"
    return f"{ours:.0f} ms" if event.unit == "ms" else f"{round(ours * 100, 1) + 0.0:.1f} %"
