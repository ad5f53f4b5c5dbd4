"""Hops: decisions without tunnels, obeyed by every router at home or by provinces alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from simulator.control.carriers.carrier import Carrier
from simulator.control.carriers.prefix_groups import PrefixGroups
from simulator.control.carriers.region import Region
from simulator.export.addresses import AddressPlan
from simulator.export.bgp import PREFERENCE
from simulator.export.decided import Pair, Ways
from simulator.model.demands import Demands
from simulator.model.exit_shares import PER_CENT, ExitShares
from simulator.model.network import Network
from simulator.model.zipf import zipf_sizes
from simulator.paths.by_metric import ByMetric
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.verify import overlay
from simulator.verify.controller import Controller
from simulator.verify.decisions import Cycle, Decided
from simulator.verify.failures import differences
from simulator.verify.flows import by_demand, send_to
from simulator.verify.kernel import Hops
from simulator.verify.routers import Routers, wait_for

CYCLES = 10
"""Decisions that are carried in each way."""
GROUPS = PrefixGroups()
PROVINCES_ALONE = "provinces_alone"
_WITHIN_S, _POLL_S = 30.0, 0.1
_ONE_PATH = "path-information 0.0.0.1"
_BITS = (GROUPS.count - 1).bit_length()

Choice = dict[tuple[str, str], str]
"""Exit by router and prefix."""


class Carried(NamedTuple):
    """A decision carried in one way.

    Attributes
    ----------
    way : str
        A carrier, or ``provinces_alone``: choices of a province that no router behind it knows;
        only where provinces are stubs, as each might follow a choice of its own else.
    cycle : int
    time_s : float
    entries : int
        Routers and prefixes that were told an exit.
    in_force_s : float
    wrong : int
        Of these, those that have other next hops than the IGP's to that exit.
    kept_share : float
        Share of the traffic that leaves where the decision has it, by the project.
    difference : float
        Largest difference of an exit's share of counted flows from the project's.
    sent, delivered : int
    """

    way: str
    cycle: int
    time_s: float
    entries: int
    in_force_s: float
    wrong: int
    kept_share: float
    difference: float
    sent: int
    delivered: int


@dataclass(eq=False)
class HopByHop:
    """Routers at home that all hear the controller, and have no tunnels.

    Attributes
    ----------
    routers : Routers
        Of a plan in which every node at home is an end of traffic.
    controller : Controller
    static : mapping of Pair to Hops
    source : Decided
    flows : int
    """

    routers: Routers
    controller: Controller
    static: Mapping[Pair, Hops]
    source: Decided
    flows: int

    def __post_init__(self) -> None:
        self._told: Choice = {}
        self._gone: set[tuple[str, str]] = set()

    @property
    def plan(self) -> AddressPlan:
        """Addresses of the routers."""
        return self.routers.plan

    @cached_property
    def _home(self) -> list[str]:
        network = self.plan.network
        return [node for node, away in zip(network.nodes, network.is_abroad, strict=True)
                if not away]  # fmt: skip

    def play(self, cycles: Sequence[Cycle]) -> Iterator[Carried]:
        """Carry decisions in each way."""
        for cycle in cycles:
            asked = Asked.of(cycle.ways, self.source.rates(cycle.time_s), self.plan.network)
            yield self._carried("region", cycle, asked, Region(), np.ones(1))
            sizes = zipf_sizes(GROUPS.count, GROUPS.skew)
            yield self._carried("prefix_groups", cycle, asked, GROUPS, sizes)
            if self._ends_carry_nothing(cycle):
                yield self._alone(cycle, asked)

    def _ends_carry_nothing(self, cycle: Cycle) -> bool:
        """Whether no router behind a province has a choice of its own, as provinces are stubs."""
        network = self.plan.network
        return all(network.is_stub[network.node_index[source]] for source, _ in cycle.ways)

    def _carried(
        self, way: str, cycle: Cycle, asked: Asked, carrier: Carrier, sizes: np.ndarray
    ) -> Carried:
        """Tell all routers at home the same exit for each prefix."""
        shares = carrier.carried(asked.shares, asked.demands)
        exits = exits_of_groups(shares, asked.demands, sizes)
        prefixes = {region: self._parts(region, len(sizes)) for region in exits}
        choice = {
            (node, prefix): link
            for node in self._home
            for region, links in exits.items()
            for prefix, link in zip(prefixes[region], links, strict=True)
        }
        return self._seen(way, cycle, asked, choice, shares, sizes)

    def _alone(self, cycle: Cycle, asked: Asked) -> Carried:
        """Tell provinces the exit that has most of each pair, and nobody else anything."""
        main = {pair: max(sorted(ways), key=lambda each: ways[each])
                for pair, ways in cycle.ways.items() if ways}  # fmt: skip
        shares = deflected(main, asked)
        choice = {(source, self._parts(target, 1)[0]): link
                  for (source, target), link in main.items()}  # fmt: skip
        return self._seen(PROVINCES_ALONE, cycle, asked, choice, shares, np.ones(1))

    def _seen(
        self,
        way: str,
        cycle: Cycle,
        asked: Asked,
        choice: Choice,
        shares: ExitShares,
        sizes: np.ndarray,
    ) -> Carried:
        lines = [self._line("announce", key, link) for key, link in choice.items()
                 if self._told.get(key) != link]  # fmt: skip
        lines += [self._line("withdraw", key, self._told[key]) for key in {*self._told} - {*choice}]
        began = time.monotonic()
        self.controller.tell(lines)
        self._gone = {*self._gone, *self._told} - {*choice}
        self._told = choice
        wait_for(lambda: not self._wrong(), _WITHIN_S, _POLL_S)
        seconds = time.monotonic() - began
        counts = by_demand(asked.rates, self.flows)
        seen = send_to(self.routers, self._addressed(counts, sizes), sorted(asked.regions))
        expected = asked.by_link(shares)
        elsewhere = asked.shares.elsewhere_gbps(shares, asked.demands.gbps)
        kept = 1.0 - elsewhere / float(asked.demands.gbps.sum())
        apart = differences(seen.links, seen.sent, expected)
        return Carried(way, cycle.number, cycle.time_s, len(choice), seconds, self._wrong(), kept,
                       apart, seen.sent, seen.delivered)  # fmt: skip

    def _line(self, verb: str, key: tuple[str, str], link: str) -> str:
        node, prefix = key
        preference = f" local-preference {PREFERENCE}" if verb == "announce" else ""
        return (
            f"neighbor {self.plan.loopbacks[node]} {verb} route {prefix}"
            f" next-hop {self._far(link)} {_ONE_PATH}{preference}"
        )

    def _far(self, link: str) -> str:
        return str(self.plan.link_addresses(link)[1 - overlay.out_arc(self.plan, link) % 2])

    def _wrong(self) -> int:
        tables = self.routers.tables(self._home)
        wrong = sum(set(tables[node].get(prefix, {})) != self._expected(node, link)
                    for (node, prefix), link in self._told.items())  # fmt: skip
        return wrong + sum(set(tables[node].get(prefix, {})) != self._without(node, prefix)
                           for node, prefix in self._gone)  # fmt: skip

    def _without(self, node: str, prefix: str) -> set[str]:
        """Return the next hops without a decision: the IGP's; a part of a prefix has none."""
        region = self._region_of.get(prefix)
        return set(self.static.get((node, region), {})) if region else set()

    @cached_property
    def _region_of(self) -> dict[str, str]:
        return {str(each.prefix): region for region in self.plan.regions
                for each in self.plan.prefixes[region]}  # fmt: skip

    def _expected(self, node: str, link: str) -> set[str]:
        """Return the next hops towards an exit: those of the IGP to its gateway, or its far end."""
        gateway = overlay.gateway_of(self.plan, link)
        return {self._far(link)} if node == gateway else set(self.static[node, gateway])

    def _parts(self, region: str, count: int) -> list[str]:
        """Return the prefixes of the groups of a region: parts of its own, or that itself."""
        whole = self.plan.prefixes[region][0].prefix
        if count == 1:
            return [str(whole)]
        return [str(each) for each in list(whole.subnets(prefixlen_diff=_BITS))[:count]]

    def _addressed(
        self, counts: Mapping[Pair, int], sizes: np.ndarray
    ) -> dict[tuple[str, str], int]:
        """Return flows by source and address: those of a pair shared out over its groups."""
        found = {}
        for (source, region), flows in counts.items():
            whole = self.plan.prefixes[region][0].prefix
            step = whole.num_addresses >> (_BITS if len(sizes) > 1 else 0)
            edges = np.rint(flows * np.append(0.0, np.cumsum(sizes))).astype(int)
            for group, count in enumerate(np.diff(edges).tolist()):
                found[source, str(whole[1 + group * step])] = count
        return found


@dataclass(frozen=True, eq=False)
class Asked:
    """What a decision asks for, of the traffic at its instant.

    Attributes
    ----------
    rates : dict of Pair to float
    demands : Demands
    shares : ExitShares
    """

    rates: dict[Pair, float]
    demands: Demands
    shares: ExitShares

    @classmethod
    def of(cls, ways: Mapping[Pair, Ways], rates: Mapping[Pair, float], network: Network) -> Asked:
        """Make it of the pairs that have a decision and traffic."""
        mine = {pair: rates[pair] for pair in sorted(rates) if rates[pair] > 0 and ways.get(pair)}
        demands = Demands.of(network, [p[0] for p in mine], [p[1] for p in mine],
                             list(mine.values()))  # fmt: skip
        rows = [(i, _out(network, link), percent / PER_CENT)
                for i, pair in enumerate(mine) for link, percent in ways[pair].items()]  # fmt: skip
        demand, arc, share = zip(*rows, strict=True)
        shares = ExitShares.summed(network, len(mine), np.array(demand), np.array(arc),
                                   np.array(share))  # fmt: skip
        return cls(mine, demands, shares)

    @property
    def regions(self) -> set[str]:
        """Ends of the traffic."""
        return {region for _, region in self.rates}

    def by_link(self, shares: ExitShares) -> dict[str, float]:
        """Return the share of all traffic at each exit."""
        network = shares.network
        loads = shares.loads(self.demands.gbps) / self.demands.gbps.sum()
        return {network.links[at]: float(loads[2 * at] + loads[2 * at + 1])
                for at in network.exits}  # fmt: skip


def exits_of_groups(
    shares: ExitShares, demands: Demands, sizes: np.ndarray
) -> dict[str, tuple[str, ...]]:
    """Return the exit of each group of every destination, as the shares of its demands say.

    Of groups of equal size the order does not matter.
    """
    found: dict[str, tuple[str, ...]] = {}
    for demand in range(len(demands)):
        region = demands.nodes[demands.target[demand]]
        if region in found:
            continue
        mine = shares.demand == demand
        arcs, part = shares.arc[mine], shares.share[mine] / shares.share[mine].sum()
        for places in product(range(len(arcs)), repeat=len(sizes)):
            if np.allclose(np.bincount(places, sizes, len(arcs)), part):
                links = shares.network.links
                found[region] = tuple(links[arcs[place] // 2] for place in places)
                break
    return found


def deflected(choices: Mapping[Pair, str], asked: Asked) -> ExitShares:
    """Return where traffic leaves if its province alone knows the exit that was chosen.

    The next router on the IGP's path to that exit sends it where its own static routes lead.
    """
    network = asked.shares.network
    pairs = list(asked.rates)
    arcs, paths, place = ByMetric.of(network, asked.demands)
    column = np.searchsorted(arcs, [_out(network, choices[pair]) for pair in pairs])
    first = paths.arcs[paths.starts[place[np.arange(len(pairs)), column]]]
    there = [network.nodes[node] for node in network.head[first].tolist()]
    onward = Demands.of(network, there, [region for _, region in pairs], asked.demands.gbps)
    return ExitShares.of(IgpEcmp().route(network, onward).matrix, network)


def _out(network: Network, link: str) -> int:
    arc = 2 * network.link_index[link]
    return arc if network.crosses_out[arc] else arc + 1
