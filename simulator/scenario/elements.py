"""Elements: changes of links, exits, cables, nodes and regions of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import did_you_mean, known_instead
from simulator.formats.rules.checks import SHARE_TOLERANCE
from simulator.model.change import changed
from simulator.model.network import Network
from simulator.model.scale import MOST_GBPS, REFUSED, refused_rate
from simulator.model.topology import BACK
from simulator.scenario.address import Address
from simulator.scenario.new_link import with_new_link, with_new_node

SECTIONS = ("links", "exits", "cables", "nodes", "regions")
"""Sections of keys whose members are elements of the network."""
NOUNS = {each: each.removesuffix("s") for each in SECTIONS}
SIZES = tuple(key for both in BACK.items() for key in both)
PRICES = ("price_usd_per_mbps", "setup_cost")
LINK_KEYS = (*SIZES, *PRICES, "cables", "cards", "reaches")
CABLE_KEYS = ("capacity_gbps",)
NODE_KEYS = ("weight", "utc_offset_h")
KEYS = {
    "links": LINK_KEYS,
    "exits": LINK_KEYS,
    "cables": CABLE_KEYS,
    "nodes": NODE_KEYS,
    "regions": NODE_KEYS,
}
_OF = {back: key for key, back in BACK.items()}
_MAY_BE_ZERO = frozenset({"delay_ms", "delay_ba_ms", "capacity_ba_gbps"})
_DEFAULTS = {"delay_ms": 0.0, "metric": 1.0}

Changed = tuple[Network, tuple[str, ...]]
"""A network after a change, and the ids of the elements that it was made of."""


def is_attribute(section: str, key: str) -> bool:
    """Whether a key ends in an attribute that the elements of a section have."""
    address = Address.of(key)
    return bool(address.id) and address.attribute in KEYS[section]


def change_element(network: Network, section: str, key: str, value: Any) -> Changed:
    """Return the network after a change of elements, and which these are.

    Raises
    ------
    KeyError, ValueError
        There is no such element or attribute, or the value is none that it can have.
    """
    if is_attribute(section, key) or not (value is None or isinstance(value, Mapping)):
        return _change_attribute(network, Address.of(key), value)
    address = Address.of(key, whole=True)
    if not address.id or address.attribute:
        raise ValueError(_expected(section))
    if value is None:
        return _remove(network, address)
    return _add(network, address, value), (address.id,)


def _change_attribute(network: Network, address: Address, value: Any) -> Changed:
    section, noun = address.section, NOUNS[address.section]
    if not address.id:
        raise ValueError(_expected(section))
    found = _find(network, address)
    require(address.attribute, KEYS[section])
    if value is None and address.attribute != "reaches":
        of = f"{section}.{address.id}"
        raise ValueError(f"expected a value, found nothing; {of}=null removes the {noun}")
    return _CHANGES[section](network, found, address.attribute, value), found


def _find(network: Network, address: Address) -> tuple[str, ...]:
    """Return the ids of the elements that are meant."""
    ids = ids_of(network, address.section)
    noun = NOUNS[address.section]
    if noun == "exit" and address.id in network.links and address.id not in ids:
        of = network.attributes(address.id)["class"]
        raise KeyError(f"{address.id!r} is no exit, but a link of class {of}: links.{address.id}")
    return address.among(ids, noun)


def ids_of(network: Network, section: str) -> Sequence[str]:
    """Return the ids of the elements of a section."""
    match section:
        case "exits":
            return [network.links[i] for i in network.exits]
        case "cables":
            return network.cables
        case "nodes":
            return network.nodes
        case "regions":
            kinds = zip(network.nodes, network.node_kind, strict=True)
            named = network.about.regions
            return [node for node, kind in kinds if kind == "region" or node in named]
    return network.links


def _expected(section: str) -> str:
    example = {
        "links": "links.bj-la.capacity_gbps",
        "exits": "exits.bj-la.capacity_gbps",
        "cables": "cables.TPE.capacity_gbps",
        "nodes": "nodes.beijing.weight",
        "regions": "regions.us-west.weight",
    }[section]
    return f"expected {section}.ID.KEY, such as {example}"


# -- links and exits ----------------------------------------------------------------------------


def _change_links(network: Network, links: Sequence[str], attribute: str, value: Any) -> Network:
    changes = {link: _new_values(network, link, attribute, value) for link in links}
    return network.with_links(changes)


def _new_values(network: Network, link: str, attribute: str, value: Any) -> dict[str, Any]:
    if attribute == "cables":
        return {attribute: _on_cables(network, value)}
    if attribute == "cards":
        return {attribute: _shares(value, "card", "{gz-lc3: 1.0}")}
    if attribute == "reaches":
        return {attribute: _ends(network, value)}
    old = network.attributes(link)
    if attribute in PRICES:
        return {attribute: _price(link, old.get(attribute), attribute, value)}
    return _sizes(old, attribute, value)


def _sizes(old: Mapping[str, Any], attribute: str, value: Any) -> dict[str, float]:
    """Return a new size of a link, and that of its way back where this has one of its own."""
    there = _OF.get(attribute, attribute)
    before = old.get(there, _DEFAULTS.get(there, 0.0))
    new = number(old.get(attribute, before), value)
    if new <= 0 and attribute not in _MAY_BE_ZERO:
        raise ValueError(f"expected a number above 0, found {value!r}")
    _require_within_reason(attribute, new)
    back = BACK.get(attribute)
    if back is None or back not in old or (back == "capacity_ba_gbps" and old[back] == 0):
        return {attribute: new}
    other = number(old[back], value)
    if other <= 0 and attribute not in _MAY_BE_ZERO:
        raise ValueError(f"{back} would be {other:g}: expected a change that leaves it above 0")
    _require_within_reason(back, other)
    return {attribute: new, back: other}


def _price(link: str, old: float | None, attribute: str, value: Any) -> float:
    if old is None and isinstance(value, str):
        raise ValueError(f"{link!r} has no {attribute} to change by {value}; give a number")
    new = number(old or 0.0, value)
    _require_within_reason(attribute, new)
    return new


def _on_cables(network: Network, value: Any) -> dict[str, float]:
    """Return the share of a link on each cable, all of them on the network."""
    shares = _shares(value, "cable", "{TPE: 1.0}")
    for cable in shares:
        if network.cables and cable not in network.cables:
            raise ValueError(f"no cable named {cable!r}{did_you_mean(cable, network.cables)}")
    return shares


def _shares(value: Any, noun: str, example: str) -> dict[str, float]:
    """Return the share of a link on each cable or card, checked as where a topology is read."""
    if not isinstance(value, Mapping) or not all(
        isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1
        for share in value.values()
    ):
        raise ValueError(f"expected shares by {noun}, such as {example}, found {value!r}")
    total = math.fsum(value.values())
    if value and abs(total - 1) > SHARE_TOLERANCE:
        raise ValueError(f"the shares add to {total:.6g}, not to 1")
    return {str(name): float(share) for name, share in value.items()}


def _ends(network: Network, value: Any) -> tuple[str, ...] | None:
    """Return the ends abroad that an exit may carry traffic of; None for all."""
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ValueError(f"expected a list of nodes abroad, or null for all, found {shown(value)}")
    abroad = [node for node, far in zip(network.nodes, network.is_abroad, strict=True) if far]
    for end in value:
        if end not in abroad:
            raise ValueError(f"no node abroad is named {end!r}{did_you_mean(end, abroad)}")
    return tuple(value)


# -- cables -------------------------------------------------------------------------------------


def _change_cables(network: Network, cables: Sequence[str], attribute: str, value: Any) -> Network:
    for cable in cables:
        old = cable_gbps(network, cable)
        if not old:
            raise ValueError(f"no link rides on {cable!r}: it has no {attribute} to change")
        new = number(old, value)
        if new <= 0:
            raise ValueError(f"expected a number above 0; cables.{cable}=null removes the cable")
        _require_within_reason(attribute, new)
        network = _scaled(network, cable, new / old)
    return network


def cable_gbps(network: Network, cable: str) -> float:
    """Return the capacity that links have on a cable, from a to b: the sum of their shares."""
    return float(network.cable_share(cable) @ network.installed_gbps[::2])


def _scaled(network: Network, cable: str, factor: float) -> Network:
    """Return the network with another capacity on a cable; links gain and lose by their share."""
    changes: dict[str, dict[str, Any]] = {}
    for i in np.flatnonzero(network.cable_share(cable)):
        old = network.attributes(network.links[i])
        shares = {**old["cables"], cable: old["cables"][cable] * factor}
        grows = math.fsum(shares.values()) / math.fsum(old["cables"].values())
        changes[network.links[i]] = {
            "cables": {each: share / grows for each, share in shares.items()},
            "capacity_gbps": float(network.installed_gbps[2 * i]) * grows,
            "capacity_ba_gbps": float(network.installed_gbps[2 * i + 1]) * grows,
        }
        _require_within_reason("capacity_gbps", changes[network.links[i]]["capacity_gbps"])
    return network.with_links(changes)


# -- nodes and regions --------------------------------------------------------------------------


def _change_nodes(network: Network, nodes: Sequence[str], attribute: str, value: Any) -> Network:
    if attribute == "utc_offset_h":
        return network.with_nodes({node: {attribute: _offset(value)} for node in nodes})
    old = {node: float(network.weight[network.node_index[node]]) for node in nodes}
    return network.with_nodes({node: {attribute: number(old[node], value)} for node in nodes})


def _offset(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -12 <= value <= 14:
        raise ValueError(f"expected a number from -12 to 14, found {value!r}")
    return float(value)


_CHANGES: dict[str, Callable[[Network, Sequence[str], str, Any], Network]] = {
    "links": _change_links,
    "exits": _change_links,
    "cables": _change_cables,
    "nodes": _change_nodes,
    "regions": _change_nodes,
}


# -- whole elements -----------------------------------------------------------------------------


def _remove(network: Network, address: Address) -> Changed:
    if address.section in ("nodes", "regions"):
        raise ValueError(
            f"a {NOUNS[address.section]} is not removed, as its traffic would have no end; to take"
            " it down give events, to take its traffic away give another matrix"
        )
    found = _find(network, address)
    if address.section == "cables":
        for cable in found:
            network = _without_cable(network, cable)
        return network, found
    if len(found) == len(network.links):
        raise ValueError("no link would be left")
    return network.without_links(found), found


def _without_cable(network: Network, cable: str) -> Network:
    share = network.cable_share(cable)
    whole = [network.links[i] for i in np.flatnonzero(share >= 1 - SHARE_TOLERANCE)]
    if len(whole) == len(network.links):
        raise ValueError("no link would be left")
    network = _scaled(network.without_links(whole), cable, 0.0) if share.any() else network
    return network.without_cable(cable)


def _add(network: Network, address: Address, value: Mapping[str, Any]) -> Network:
    section, new = address.section, address.id
    if address.is_pattern:
        raise ValueError(f"{new!r} is a pattern; a new {NOUNS[section]} has an id of its own")
    if section == "nodes":
        return with_new_node(network, new, value)
    if new in network.links:
        raise ValueError(
            f"there is a link named {new!r} already; change its keys one by one:"
            f" {section}.{new}.capacity_gbps"
        )
    default = {"class": "exit"} if section == "exits" else {}
    return with_new_link(network, new, {**default, **value})


# -- values -------------------------------------------------------------------------------------


def require(word: str, known: Sequence[str]) -> None:
    """Refuse a key that is not known, with the nearest that is."""
    if word not in known:
        raise ValueError(f"unknown key{known_instead(word, known)}")


def number(old: float, value: Any) -> float:
    """Return a number after a change of it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or a change such as +400, found {value!r}")
    return changed(old, value)


def too_large(key: str, value: float) -> str:
    """Return why a value is out of reason."""
    if key.endswith("gbps"):
        return refused_rate(f"{value:g}")
    return f"at most {REFUSED:g} is within reason, found {value:g}"


def _require_within_reason(key: str, value: float) -> None:
    if value > (MOST_GBPS if key.endswith("gbps") else REFUSED):
        raise ValueError(too_large(key, value))
