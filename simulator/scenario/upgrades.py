"""Upgrades: what can be bought, when, and what a plan must hold, as keys of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean, known_instead
from simulator.base.schema import Fraction, Name, NonNegative, Positive, checked
from simulator.model.network import Network
from simulator.model.topology import LINK_CLASSES
from simulator.scenario.address import Address
from simulator.scenario.new_link import with_new_link

Rate = Annotated[float, Field(gt=-1, allow_inf_nan=False)]
Finding = tuple[KeyPath, str]
KINDS = ("circuit", "parallel", "port", "exit")
FAILING = ("cables", "exits", "gateways", "overseas")
"""Kinds of elements whose failures a plan holds through: those beyond the backbone."""
MOST_MODULES = 10_000
STRETCH_MS = 80.0
"""Default of the latency limit: an estimate."""


@checked
class Offer:
    """A kind of augment that can be bought, in modules.

    Attributes
    ----------
    kind : str
        ``circuit`` raises links that there are; ``parallel`` lays a second link beside one, which
        may ride other cables; ``port`` raises links from the backbone into gateways, as ports and
        cards do; ``exit`` is a link that there is not yet, with its cables.
    at : list of str
        Links by id, by a pattern (``sh-*``) or by class (``exit``, ``overseas``); of a ``port``
        gateways or their links. Each has an offer of its own.
    link : mapping
        Of an ``exit``: its keys, as in a topology file, without ``capacity_gbps``.
    cables : mapping
        Of a ``parallel`` link: shares of its cables; those of the link beside it if left out.
    module_gbps : float
        Capacity of a module, in each direction.
    price : float
        Of a module, in any unit that is the same for all offers.
    price_factor : float
        In place of ``price``: the price of transit at the exit, in thousand USD a month for the
        Gbps of a module, times this; 0.6 for a discount of 40 %.
    lead_months : float
        Time from the order until the module counts.
    most : int
        Modules of each link, in all periods together.
    name : str
        What the augment is called in tables; the link if left out.
    """

    kind: Literal["circuit", "parallel", "port", "exit"]
    at: tuple[Name, ...] = ()
    link: dict[str, Any] | None = None
    cables: dict[Name, Fraction] | None = None
    module_gbps: Positive = 100.0
    price: NonNegative | None = None
    price_factor: Positive | None = None
    lead_months: NonNegative = 3.0
    most: Annotated[int, Field(gt=0, le=MOST_MODULES)] = 40
    name: Name | None = None

    def __post_init__(self) -> None:
        if (self.kind == "exit") != (self.link is not None):
            raise ValueError("link is given for kind exit, and for no other")
        if (self.kind == "exit") == bool(self.at):
            raise ValueError("at says which links: for all kinds but exit, which has link")
        if self.cables is not None and self.kind != "parallel":
            raise ValueError("cables are given for kind parallel; an exit has them in link")
        if self.price is not None and self.price_factor is not None:
            raise ValueError("give price or price_factor, not both")

    def links(self, network: Network) -> tuple[str, ...]:
        """Return the links that there are and that the offer is for.

        Raises
        ------
        KeyError
            There is none of a name; the message names the nearest.
        """
        found: list[str] = []
        for word in self.at:
            found += self._named(network, word)
        return tuple(dict.fromkeys(found))

    def _named(self, network: Network, word: str) -> list[str]:
        into = network.link_class == "gateway"
        if word in LINK_CLASSES:
            return [network.links[i] for i in np.flatnonzero(network.link_class == word)]
        if self.kind == "port" and word in network.node_index:
            node = network.node_index[word]
            ends = (network.tail[::2] == node) | (network.head[::2] == node)
            return [network.links[i] for i in np.flatnonzero(ends & into)]
        ids = [network.links[i] for i in np.flatnonzero(into)] if self.kind == "port" else (
            network.links)  # fmt: skip
        noun = "gateway or link into one" if self.kind == "port" else "link"
        return list(Address("links", word, "", False).among(tuple(ids), noun))

    def problems(self, network: Network) -> Iterable[Finding]:
        """Yield links that there are not, new ones that cannot be, and prices that are missing."""
        for i, word in enumerate(self.at):
            try:
                found = self._named(network, word)
            except KeyError as error:
                yield ("at", i), str(error.args[0])
                continue
            if not found:
                yield ("at", i), f"{network.name} has no links for {word!r}"
            yield from self._unpriced(network, found, ("at", i))
        if self.link is not None:
            yield from self._new(network)
        yield from self._shares(network)

    def _shares(self, network: Network) -> Iterable[Finding]:
        """Cables of a parallel link that are not there, and shares that are not all of it."""
        for cable in self.cables or {}:
            if cable not in network.cables:
                hint = did_you_mean(cable, network.cables)
                yield ("cables", cable), f"no cable named {cable!r}{hint}"
        total = sum((self.cables or {}).values())
        if self.cables and abs(total - 1.0) > 1e-6:
            yield ("cables",), f"the shares add up to {total:g}, not to 1"

    def _unpriced(self, network: Network, links: Iterable[str], at: KeyPath) -> Iterable[Finding]:
        if self.price is not None:
            return
        for link in links:
            if network.attributes(link).get("price_usd_per_mbps") is None:
                yield at, f"{link} has no price of its own; give the offer a price"
                return

    def _new(self, network: Network) -> Iterable[Finding]:
        link = dict(self.link or {})
        if not isinstance(link.get("id"), str):
            yield ("link",), "a new link needs an id"
            return
        if link["id"] in network.link_index:
            message = f"there is a link named {link['id']!r} already; raise it with kind: circuit"
            yield ("link", "id"), message
            return
        if "capacity_gbps" in link:
            yield ("link", "capacity_gbps"), "is what is bought: leave it out"
            return
        try:
            made = with_new_link(network, link["id"], self.entry)
        except ValueError as error:
            yield ("link",), str(error)
            return
        yield from self._unpriced(made, [link["id"]], ("link",))

    @property
    def entry(self) -> Mapping[str, Any]:
        """The keys of a new link with the capacity of one module."""
        link = dict(self.link or {})
        return {"class": "exit", **link, "capacity_gbps": self.module_gbps}


@checked
class Periods:
    """When orders are placed: at the start of each period.

    Attributes
    ----------
    count : int
    months : float
        Length of each: 3 for quarters, 12 for years. Demand is that at the end of a period.
    """

    count: Annotated[int, Field(gt=0, le=40)] = 2
    months: NonNegative = 12.0


@checked
class PlannedGrowth:
    """Growth in place of that of the traffic.

    Attributes
    ----------
    per_year : float
    low, high : float, optional
        Ends of what is not known: what a plan costs when growth turns out so.
    nodes : mapping of str to float
        Rates of traffic from or to some nodes, such as regions.
    """

    per_year: Rate
    low: Rate | None = None
    high: Rate | None = None
    nodes: dict[Name, Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        low = self.per_year if self.low is None else self.low
        high = self.per_year if self.high is None else self.high
        if not low <= self.per_year <= high:
            raise ValueError(f"expected low <= per_year <= high, found {low:g}, "
                             f"{self.per_year:g}, {high:g}")  # fmt: skip


@checked
class PlannedDemand:
    """Demands that a plan must hold, all of a set.

    Attributes
    ----------
    set : str
        ``busy_hour``: the hour with the most traffic of a direction. ``box``: each demand of it up
        to so much more or less. ``hose``: every end up to the most it has in any hour, in any
        pairs. ``hose_total``: the same, all together no more than in the busiest hour. ``pipe``:
        every pair at the most it has in any hour.
    box : float
        How far every demand of a ``box`` may be off.
    total : float
        Most of all demands of a ``box`` together, in their total.
    hours : float
        Hours from the start that are looked at, one after the other.
    noise : float
        Deviation of the logarithm of each pair from hour to hour, beside the shapes of traffic:
        0.25 makes the largest of a day some 60 % more than the mean. Drawn from the seed.
    """

    set: Literal["busy_hour", "box", "hose", "hose_total", "pipe"] = "hose_total"
    box: NonNegative = 0.3
    total: Positive = 1.1
    hours: Positive = 24.0
    noise: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.0


@checked
class Upgrades:
    """What can be bought, and what a plan must hold.

    Attributes
    ----------
    offers : list
        What can be bought. If left out, estimates: exits in modules of 10 and 100 Gbps
        at the price of their transit (100 Gbps 40 % cheaper), links abroad and ports in 100 Gbps.
    periods : mapping
        When orders are placed.
    budget : float
        Most that all orders cost together.
    budget_each : list of float
        Most that the orders of each period cost.
    growth : mapping
        Growth in place of that of the traffic, or of what is assumed.
    target : float
        Utilisation of exits that is held; ``targets.exit_utilisation`` if left out.
    failures : list of str
        Kinds of elements any one of which may fail: ``cables``, ``exits``, ``gateways``,
        ``overseas``. Empty for none.
    pairs : bool
        Whether any two of them may be down at once.
    stretch_ms : float
        Limit on latency, one way: how much longer than the fastest way, from the gateway on,
        traffic of a region may take. An estimate; null for no limit.
    stretch_of : mapping of str to float
        The same for single regions.
    demand : mapping
        Demands that are held.
    gap : float
        Part of the cost that need not be proven: of plans with fixed shares, and of figures beside
        a plan (other prices, growth and sets of demands).
    commit : list of str
        What is promised for a share of time: ``600 Gbps to region-europe``, ``70 % of all``, or
        several with commas between, kept at once. The price of each nine is the answer then.
    availability : list of float
        Shares of time for which it is kept, such as 0.999.
    """

    offers: tuple[Offer, ...] = ()
    periods: Periods = Periods()
    budget: NonNegative | None = None
    budget_each: tuple[NonNegative, ...] = ()
    growth: PlannedGrowth | None = None
    target: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    failures: tuple[Literal["cables", "exits", "gateways", "overseas"], ...] = (
        "cables", "gateways",
    )  # fmt: skip
    pairs: bool = False
    stretch_ms: NonNegative | None = STRETCH_MS
    stretch_of: dict[Name, NonNegative] = field(default_factory=dict)
    demand: PlannedDemand = PlannedDemand()
    gap: Fraction = 0.005
    commit: tuple[Name, ...] = ()
    availability: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()

    def __post_init__(self) -> None:
        if self.budget_each and len(self.budget_each) != self.periods.count:
            raise ValueError(
                f"budget_each has {len(self.budget_each)} values for {self.periods.count} periods"
            )

    def problems(self, network: Network) -> Iterable[Finding]:
        """Yield what the network does not have."""
        taken: set[str] = set()
        for i, offer in enumerate(self.offers):
            for path, message in offer.problems(network):
                yield ("offers", i, *path), message
            new = str((offer.link or {}).get("id", ""))
            if new and new in taken:
                yield ("offers", i, "link", "id"), f"{new!r} is offered already"
            taken.add(new)
        nodes = self.growth.nodes if self.growth else {}
        for name in nodes:
            if name not in network.node_index:
                message = f"no node named {name!r}{did_you_mean(name, network.nodes)}"
                yield ("growth", "nodes", name), message
        abroad = [network.nodes[i] for i in np.flatnonzero(network.is_abroad)]
        for name in self.stretch_of:
            if name not in abroad:
                message = f"no end abroad named {name!r}{known_instead(name, abroad)}"
                yield ("stretch_of", name), message

    @property
    def held_words(self) -> str:
        """Failures that are held, in words: ``any single cable or gateway``."""
        if not self.failures:
            return "no failure"
        names = [{"overseas": "link abroad"}.get(each, each.removesuffix("s"))
                 for each in self.failures]  # fmt: skip
        many = "two of any" if self.pairs else "any single"
        return f"{many} {' or '.join(names)}"
