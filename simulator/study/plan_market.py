"""Plan market: every augment that can be bought, and the network with what was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from simulator.base.errors import InputError, Problem
from simulator.model.network import Network
from simulator.optimise.orders import Orders
from simulator.scenario.new_link import with_new_link
from simulator.scenario.upgrades import Offer, Upgrades

PRICE_USD = 10.0
"""Assumed of an exit that states no price of transit, per Mbps a month."""
UNIT = "k USD a month"
_DISCOUNT = 0.6
_PORT, _ABROAD = 10.0, 120.0
_LEAD = {"exit": 3.0, "gateway": 3.0, "overseas": 3.0}
ESTIMATES = (
    "Prices are estimates, in thousand USD (k USD) a month, as the scenario gives none under"
    " upgrades.offers: exits at their price of transit per Mbps, 100 Gbps 40 % cheaper than ten of"
    f" 10 Gbps; a port of 100 Gbps into a gateway {_PORT:g}, 100 Gbps between points of presence"
    f" abroad {_ABROAD:g};"
    " three months from order to service; at most 40 modules of each."
)


@dataclass(frozen=True)
class Augment:
    """One offer for one link.

    Attributes
    ----------
    link : str
        Id in the network with all links that may be; a parallel link has one of its own.
    kind : str
        One of :data:`simulator.scenario.upgrades.KINDS`.
    beside : str
        Link that a parallel one lies beside; else the link itself.
    module_gbps, price, lead_months : float
    most : int
    name : str
    """

    link: str
    kind: str
    beside: str
    module_gbps: float
    price: float
    lead_months: float
    most: int
    name: str


class Bought(NamedTuple):
    """Modules of an augment."""

    augment: Augment
    modules: int


@dataclass(frozen=True, eq=False)
class Market:
    """What can be bought on a network.

    Attributes
    ----------
    before : Network
        As it is.
    network : Network
        With all links that may be, after those that are.
    augments : tuple of Augment
    notes : tuple of str
        What is estimated, in words.
    """

    before: Network
    network: Network
    augments: tuple[Augment, ...]
    notes: tuple[str, ...] = ()

    @property
    def base_gbps(self) -> np.ndarray:
        """Capacity at the start, 0 of links that may be; shape (arcs of ``network``,)."""
        whole = np.zeros(len(self.network.tail))
        now = np.where(self.before.up, self.before.capacity_gbps, 0.0)
        whole[: len(now)] = now
        return whole

    def orders(self, months: float, upgrades: Upgrades) -> Orders:
        """Return the columns of a program."""
        count, periods = len(self.augments), upgrades.periods.count
        gives = np.zeros((count, len(self.network.tail)))
        for i, each in enumerate(self.augments):
            arc = 2 * self.network.link_index[each.link]
            gives[i, [arc, arc + 1]] = each.module_gbps
        offer, ordered = (x.ravel() for x in np.meshgrid(
            np.arange(count), np.arange(periods), indexing="ij"))  # fmt: skip
        arrival = ordered * months + np.array([a.lead_months for a in self.augments])[offer]
        ends = (np.arange(periods) + 1) * months
        there = arrival <= ends[:, None] + 1e-9 if months > 0 else np.ones((periods, len(offer)))
        counts = there.astype(bool) & (ordered <= np.arange(periods)[:, None])
        useful = counts.any(axis=0)
        each_budget = np.array(upgrades.budget_each) if upgrades.budget_each else None
        return Orders(
            self.base_gbps, gives, np.array([a.most for a in self.augments], dtype=int),
            offer[useful], ordered[useful],
            np.array([a.price for a in self.augments], dtype=float)[offer[useful]],
            counts[:, useful],
            np.inf if upgrades.budget is None else upgrades.budget, each_budget,
            self._rank(offer[useful], ordered[useful]),
        )  # fmt: skip

    def _rank(self, offer: np.ndarray, ordered: np.ndarray) -> np.ndarray:
        """Return the place of each column by id, kind and size of its augment, the latest first."""
        keys = [(a.link, a.kind, a.module_gbps, a.price, a.lead_months) for a in self.augments]
        place = sorted(range(len(offer)), key=lambda i: (*keys[offer[i]], -ordered[i], offer[i]))
        rank = np.empty(len(offer), dtype=int)
        rank[place] = np.arange(len(offer))
        return rank

    def upgraded(self, bought: Iterable[Bought]) -> Network:
        """Return the network as it is with so many modules."""
        more: dict[str, float] = {}
        for augment, modules in bought:
            more[augment.link] = more.get(augment.link, 0.0) + modules * augment.module_gbps
        old = {link: gbps for link, gbps in more.items() if link in self.before.link_index}
        network = self.before.with_links({k: self._raised(k, gbps) for k, gbps in old.items()})
        for link, gbps in more.items():
            if link not in old and gbps > 0:
                attributes = {**self.network.attributes(link), "capacity_gbps": gbps}
                attributes.pop("order", None)
                network = network.with_new_link(link, attributes)
        return network

    def _raised(self, link: str, gbps: float) -> Mapping[str, float]:
        arc = 2 * self.before.link_index[link]
        out, back = self.before.installed_gbps[[arc, arc + 1]]
        return {"capacity_gbps": float(out + gbps), "capacity_ba_gbps": float(back + gbps)}

    def equal_prices(self) -> Market:
        """Return the same with one price for a Gbps at all exits of a module size: the mean."""
        exits = {self.network.links[i] for i in self.network.exits}
        sizes: dict[float, list[float]] = {}
        for each in self.augments:
            if each.link in exits:
                sizes.setdefault(each.module_gbps, []).append(each.price)
        mean = {size: float(np.mean(prices)) for size, prices in sizes.items()}
        made = [replace(each, price=mean[each.module_gbps]) if each.link in exits else each
                for each in self.augments]  # fmt: skip
        return replace(self, augments=tuple(made))


def market_of(network: Network, stated: Upgrades | None) -> Market:
    """Return what can be bought: as stated, or by estimates.

    Raises
    ------
    InputError
        Nothing can be bought.
    """
    if stated is None or not stated.offers:
        found = _estimated(network)
        notes: tuple[str, ...] = (ESTIMATES, *_unpriced(network))
        made, grown = found, network
    else:
        made, grown, notes = [], network, ()
        for offer in stated.offers:
            grown, some = _offered(grown, network, offer)
            made += some
    if not made:
        message = f"nothing can be bought: {network.name} has no exits, and no offers are given"
        raise InputError([Problem("", None, None, "upgrades.offers", message)])
    return Market(network, grown, tuple(made), notes)


def _unpriced(network: Network) -> list[str]:
    exits = [network.attributes(network.links[i]) for i in network.exits]
    without = [each for each in exits if each.get("price_usd_per_mbps") is None]
    if not without:
        return []
    return [f"Exits without a price of transit are taken at {PRICE_USD:g} USD per Mbps a month: an"
            f" estimate ({len(without)} of {len(network.exits)})."]  # fmt: skip


def _estimated(network: Network) -> list[Augment]:
    """Exits in two sizes, ports into gateways and links abroad in one."""
    found = []
    for i, link in enumerate(network.links):
        kind = str(network.link_class[i])
        if kind == "exit":
            price = network.attributes(link).get("price_usd_per_mbps")
            price = PRICE_USD if price is None else float(price)
            found.append(Augment(link, "circuit", link, 10.0, 10.0 * price, _LEAD[kind], 40, link))
            found.append(Augment(link, "circuit", link, 100.0, 100.0 * _DISCOUNT * price,
                                 _LEAD[kind], 40, link))  # fmt: skip
        elif kind in ("gateway", "overseas"):
            price = _PORT if kind == "gateway" else _ABROAD
            word = "port" if kind == "gateway" else "circuit"
            found.append(Augment(link, word, link, 100.0, price, _LEAD[kind], 40, link))
    return found if len(network.exits) else []


def _offered(grown: Network, network: Network, offer: Offer) -> tuple[Network, Sequence[Augment]]:
    """Return the network with the links of an offer, and an augment for each of its links."""
    if offer.link is not None:
        link = str(offer.link["id"])
        grown = with_new_link(grown, link, offer.entry)
        return grown, [_augment(offer, link, link, grown.attributes(link))]
    found = []
    for beside in offer.links(network):
        attributes = network.attributes(beside)
        link = beside
        if offer.kind == "parallel":
            link = _free_name(grown, beside)
            grown = grown.with_new_link(link, _parallel(attributes, offer))
        found.append(_augment(offer, link, beside, attributes))
    return grown, found


def _parallel(attributes: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    made = {k: v for k, v in attributes.items()
            if k not in ("order", "capacity_ba_gbps", "cards", "modules")}  # fmt: skip
    made["capacity_gbps"] = offer.module_gbps
    if offer.cables is not None:
        made["cables"] = dict(offer.cables)
    return made


def _free_name(network: Network, beside: str) -> str:
    number = 2
    while f"{beside}-{number}" in network.link_index:
        number += 1
    return f"{beside}-{number}"


def _augment(offer: Offer, link: str, beside: str, attributes: Mapping[str, Any]) -> Augment:
    price = offer.price
    if price is None:
        factor = 1.0 if offer.price_factor is None else offer.price_factor
        price = float(attributes["price_usd_per_mbps"]) * offer.module_gbps * factor
    return Augment(link, offer.kind, beside, offer.module_gbps, price, offer.lead_months,
                   offer.most, offer.name or link)  # fmt: skip
