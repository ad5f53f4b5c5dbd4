"""Reliability: how often each element of a network fails, and how long its repair takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.schema import Name, NonNegative, Positive, checked
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.model.topology import FIBRE_KM_PER_MS

YEAR_H = 8760.0
RATES = ("faults_per_year", "faults_per_1000km_year", "faults_per_landing_year")


@checked
class FailureFigures:
    """How often something fails, and how long its repair takes.

    Either ``mtbf_h``, or rates of faults, which add up.

    Attributes
    ----------
    mtbf_h : float
        Mean time from a repair to the next fault, in hours.
    faults_per_year : float
        Faults in a year of 8,760 h.
    faults_per_1000km_year : float
        Faults in a year for every 1,000 km of its length.
    faults_per_landing_year : float
        Faults in a year at every landing of a cable.
    length_km : float
        Length that counts; if left out that of the cable, or the longest fibre that rides on it.
    mttr_h : float
        Mean time to repair, in hours.
    repair_sigma : float
        Times to repair are log-normal: standard deviation of their logarithm. 0: all alike.
    """

    mtbf_h: Positive | None = None
    faults_per_year: NonNegative | None = None
    faults_per_1000km_year: NonNegative | None = None
    faults_per_landing_year: NonNegative | None = None
    length_km: Positive | None = None
    mttr_h: Positive | None = None
    repair_sigma: NonNegative | None = None

    def __post_init__(self) -> None:
        rates = [rate for rate in RATES if getattr(self, rate) is not None]
        if self.mtbf_h is not None and rates:
            raise ValueError(f"give either mtbf_h or {' and '.join(rates)}, not both")

    @property
    def given(self) -> dict[str, float]:
        """What is given, by name."""
        return {each.name: value for each in fields(self)
                if (value := getattr(self, each.name)) is not None}  # fmt: skip

    def over(self, below: FailureFigures) -> FailureFigures:
        """Return these figures, and those of *below* where they say nothing.

        Who gives one rate or ``mtbf_h`` says how often it fails: no rate of *below* is added.
        """
        mine, rest = self.given, below.given
        if "mtbf_h" in mine or any(rate in mine for rate in RATES):
            rest = {name: value for name, value in rest.items() if name not in (*RATES, "mtbf_h")}
        return FailureFigures(**{**rest, **mine})

    def scaled(self, faults: float, repair: float) -> FailureFigures:
        """Return the figures with more faults and longer repairs."""
        factor = {**dict.fromkeys(RATES, faults), "mtbf_h": 1.0 / faults, "mttr_h": repair}
        return FailureFigures(**{n: value * factor.get(n, 1.0) for n, value in self.given.items()})


@checked
class Reliability:
    """How often the elements of a network fail, by kind and for single elements.

    Attributes
    ----------
    cables : mapping
        Figures of all cables.
    exits : mapping
        Of all exits, beside their cables: equipment, and lines at the landings.
    gateways : mapping
        Of all gateway sites: each takes its exits down.
    overseas : mapping
        Of the links abroad between points of presence.
    links : mapping
        Of all other links.
    nodes : mapping
        Of all nodes: each takes its links down.
    elements : mapping
        Figures of single elements by id; they go before those of their kind.
    """

    cables: FailureFigures | None = None
    exits: FailureFigures | None = None
    gateways: FailureFigures | None = None
    overseas: FailureFigures | None = None
    links: FailureFigures | None = None
    nodes: FailureFigures | None = None
    elements: dict[Name, FailureFigures] = field(default_factory=dict)

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Yield the elements that the network does not have."""
        known = [*network.cables, *network.links, *network.nodes]
        for name in self.elements:
            if name not in known:
                message = f"no cable, link or node named {name!r}{did_you_mean(name, known)}"
                yield ("elements", name), message

    def of(self, kind: str) -> FailureFigures:
        """Return what is given of a kind; nothing is given where it is empty."""
        return getattr(self, kind) or FailureFigures()

    def over(self, below: Reliability) -> Reliability:
        """Return these figures, and those of *below* where they say nothing."""
        empty = FailureFigures()
        names = dict.fromkeys([*below.elements, *self.elements])
        elements = {
            name: self.elements.get(name, empty).over(below.elements.get(name, empty))
            for name in names
        }
        return Reliability(**{k: self.of(k).over(below.of(k)) for k in KINDS}, elements=elements)

    def scaled(self, kinds: Sequence[str], faults: float = 1.0, repair: float = 1.0) -> Reliability:
        """Return figures with more faults or longer repairs of some kinds.

        Figures of single elements change with them, whatever their kind.
        """
        changed = {kind: self.of(kind).over(DEFAULTS.of(kind)) for kind in kinds}
        changed = {kind: each.scaled(faults, repair) for kind, each in changed.items()}
        elements = {name: each.scaled(faults, repair) for name, each in self.elements.items()}
        return replace(self, **changed, elements=elements)

    def plain(self) -> dict[str, Any]:
        """Return what is given as plain data, by the keys of a file."""
        kinds = {kind: self.of(kind).given for kind in KINDS}
        elements = {name: each.given for name, each in self.elements.items()}
        return {key: value for key, value in {**kinds, "elements": elements}.items() if value}


_LONG_HAUL = FailureFigures(faults_per_1000km_year=0.17, mttr_h=480.0, repair_sigma=0.6)
DEFAULTS = Reliability(
    cables=_LONG_HAUL,
    exits=FailureFigures(mtbf_h=4000.0, mttr_h=12.0, repair_sigma=0.6),
    gateways=FailureFigures(mtbf_h=8760.0, mttr_h=8.0, repair_sigma=0.6),
    overseas=_LONG_HAUL,
    links=FailureFigures(faults_per_1000km_year=1.0, mttr_h=12.0, repair_sigma=0.6),
    nodes=FailureFigures(mtbf_h=17520.0, mttr_h=4.0, repair_sigma=0.6),
)
"""What is assumed where nothing is stated."""
KINDS = ("cables", "exits", "gateways", "overseas", "links", "nodes")
ASSUMED_KM = 1000.0
"""Length of what nothing tells the length of."""

LEFT_BY_ROUNDING = 1e-9
"""Share of a link below which shares that add up to all of it have left nothing."""


@dataclass(frozen=True)
class Element:
    """An element that fails and is repaired, independently of all others.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    fault : Fault
        What happens when it fails.
    mtbf_h : float
        Mean time from a repair to the next fault; infinite where it never fails.
    mttr_h, repair_sigma : float
        Mean time to repair, and standard deviation of its logarithm.
    assumed : tuple of str
        Its figures that nothing states, with their values.
    """

    kind: str
    fault: Fault
    mtbf_h: float
    mttr_h: float
    repair_sigma: float
    assumed: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Id of the cable, link or node."""
        return self.fault.target

    @property
    def unavailability(self) -> float:
        """Share of time in which it is down.

        Examples
        --------
        >>> Element("cables", Fault("cable", "TPE"), 80.0, 20.0, 0.0).unavailability
        0.2
        """
        return self.mttr_h / (self.mtbf_h + self.mttr_h) if np.isfinite(self.mtbf_h) else 0.0


def elements_of(
    network: Network, stated: Reliability | None, kinds: Sequence[str]
) -> tuple[Element, ...]:
    """Return the elements of some kinds, in the order of the network.

    Parameters
    ----------
    stated : Reliability, optional
        Goes before what the topology says; ``DEFAULTS`` fill the rest.
    """
    own = network.about.reliability or Reliability()
    known = own if stated is None else stated.over(own)
    return tuple(
        _element(network, known, kind, fault) for kind in kinds for fault in _faults(network, kind)
    )


def _faults(network: Network, kind: str) -> list[Fault]:
    """Return the faults of a kind of elements; cables that nothing rides on are left out."""
    if kind == "cables":
        return [Fault("cable", c) for c in network.cables if network.cable_share(c).any()]
    if kind == "gateways":
        return [Fault("gateway", network.nodes[i]) for i in network.gateways.tolist()]
    if kind == "nodes":
        return [Fault("node", node) for node in network.nodes]
    wanted = {
        "exits": network.link_class == "exit",
        "overseas": network.link_class == "overseas",
        "links": ~np.isin(network.link_class, ("exit", "overseas")),
    }[kind]
    return [Fault("link", network.links[i]) for i in np.flatnonzero(wanted).tolist()]


def _element(network: Network, known: Reliability, kind: str, fault: Fault) -> Element:
    stated = known.elements.get(fault.target, FailureFigures()).over(known.of(kind))
    figures, assumed = stated.over(DEFAULTS.of(kind)), []
    for name, value in figures.given.items():
        if name not in stated.given:
            assumed.append(f"{name} {value:g}")
    per_year = figures.faults_per_year or 0.0
    if figures.faults_per_1000km_year:
        length_km, guess = _length(network, fault, figures.length_km)
        per_year += figures.faults_per_1000km_year * length_km / 1000.0
        assumed += [guess] if guess else []
    if figures.faults_per_landing_year:
        landings = network.about.cables.get(fault.target, {}).get("landings") or ()
        per_year += figures.faults_per_landing_year * len(landings)
    mtbf_h = figures.mtbf_h or (YEAR_H / per_year if per_year > 0 else np.inf)
    repair = figures.mttr_h or 0.0, figures.repair_sigma or 0.0
    return Element(kind, fault, float(mtbf_h), *repair, tuple(assumed))


def _length(network: Network, fault: Fault, stated: float | None) -> tuple[float, str]:
    """Return the length of a cable or link, and what was assumed for it."""
    described = network.about.cables.get(fault.target, {}) if fault.kind == "cable" else {}
    if known := stated or described.get("length_km"):
        return float(known), ""
    fibres = _fibres(network, fault)
    if not max(fibres, default=0.0):
        return ASSUMED_KM, f"length_km {ASSUMED_KM:g}, as nothing tells it"
    found = max(fibres)
    return found, "" if fault.kind != "cable" else f"length_km {found:g}, the longest link on it"


def _fibres(network: Network, fault: Fault) -> list[float]:
    riding = np.flatnonzero(network.fault_share(fault)).tolist()
    return [
        float(network.attributes(network.links[i]).get("fibre_km")
              or network.delay_ms[2 * i] * FIBRE_KM_PER_MS)
        for i in riding
    ]  # fmt: skip


def capacity_under(network: Network, elements: Sequence[Element], down: np.ndarray) -> np.ndarray:
    """Return the capacity of every arc in many states at once, shape (states, arcs).

    Parameters
    ----------
    down : ndarray of bool, shape (states, elements)
        Which elements are down.
    """
    resources = network.resources
    rows = [resources.row_of(each.fault.kind, each.fault.target) for each in elements]
    share, cut = resources.share[rows].toarray(), resources.partial[rows]
    left = np.clip(1.0 - down[:, cut].astype(float) @ share[cut], 0.0, 1.0)
    left[left < LEFT_BY_ROUNDING] = 0.0
    left[down[:, ~cut].astype(float) @ share[~cut] > 0] = 0.0
    whole = np.where(network.up, network.capacity_gbps, 0.0)
    return np.asarray(np.repeat(left, 2, axis=1) * whole)


def assumed_words(elements: Iterable[Element]) -> list[str]:
    """Return a line for all elements of a kind of which the same figures are assumed."""
    lines: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in elements:
        if each.assumed:
            lines.setdefault((each.kind, each.assumed), []).append(each.id)
    return [
        f"assumed for {kind} {', '.join(ids[:3])}{f' and {len(ids) - 3} more' * (len(ids) > 3)}:"
        f" {', '.join(words)}"
        for (kind, words), ids in lines.items()
    ]
