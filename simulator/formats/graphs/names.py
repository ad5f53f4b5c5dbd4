"""Names: what the attributes of third-party nodes and edges are called, and what they mean.

Case, blanks and hyphens do not count. A name may end in its unit, as in `bandwidth_mbps`,
`Capacity (Gbps)` or `delay [us]`; the unit stated there goes before any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from simulator.formats.unit_words import split_unit

NODE_NAMES: dict[str, tuple[str, ...]] = {
    "label": ("label", "name"),
    "lat": ("lat", "latitude", "breitengrad", "latitud", "latitudine", "纬度"),
    "lon": (
        *("lon", "longitude", "lng", "long", "längengrad", "laengengrad", "longitud"),
        *("longitudine", "经度"),
    ),
    "country": ("country", "country_code", "land", "pays", "país", "pais", "paese", "国家"),
    "city": ("city", "stadt", "ville", "ciudad", "cidade", "città", "城市"),
    "province": ("province", "省", "省份"),
    "kind": ("kind",),
    "weight": ("weight",),
    "utc_offset_h": ("utc_offset_h",),
}
LINK_NAMES: dict[str, tuple[str, ...]] = {
    "metric": (
        *("metric", "weight", "igp_metric", "cost", "metrik", "gewicht", "kosten", "métrique"),
        *("metrique", "coût", "poids", "métrica", "metrica", "costo", "coste", "custo", "peso"),
        *("度量", "度量值", "开销", "权重"),
    ),
    "delay_ms": ("delay_ms", "latency_ms", "delay", "latency"),
    "fibre_km": (
        *("fibre_km", "length_km", "distance_km", "dist_km"),
        *("length", "distance", "dist", "km"),
    ),
    "class": ("class",),
    "path_factor": ("path_factor",),
    "price_usd_per_mbps": ("price_usd_per_mbps",),
    "cables": ("cables",),
    "cards": ("cards",),
    "capacity_ba_gbps": ("capacity_ba_gbps",),
    "metric_ba": ("metric_ba", "weight_ba", "igp_metric_ba", "cost_ba", "reverse_cost"),
    "delay_ba_ms": ("delay_ba_ms", "latency_ba_ms"),
}
NUMBERS = frozenset(
    {"lat", "lon", "weight", "utc_offset_h", "metric", "delay_ms", "fibre_km"}
    | {"path_factor", "price_usd_per_mbps", "capacity_ba_gbps", "metric_ba", "delay_ba_ms"}
)
CAPACITY_NAMES = {
    "capacity_gbps": "gbps",
    "linkspeedraw": "bps",
    "ifhighspeed": "mbps",
    "ifspeed": "bps",
    "capacity": "",
    "bandwidth": "",
    "bw": "",
    "linkspeed": "text",
    "link_speed": "text",
    "speed": "text",
    "rate": "text",
    "linklabel": "text",
    "label": "label",
}
"""Names for the capacity of a link with their units, the surest first.

Where the name states no unit, the graph's `unit` counts, else Gbps. Text states its own. Only of
`capacity`, `bandwidth` and `bw` is a bare number taken for Gbps."""
WITH_A_UNIT = frozenset(
    {"", "capacity", "bandwidth", "bw", "speed", "rate", "cap", "linkspeed", "link_speed"}
    | {"link_capacity", "link_bandwidth", "linkcapacity", "linkbandwidth", "line_rate", "linerate"}
    | {"max_bandwidth", "max_capacity", "maxbandwidth", "max_link_bandwidth", "interface_speed"}
    | {"port_speed", "if_speed", "ifspeed", "link_rate"}
    | {"kapazität", "kapazitaet", "bandbreite", "geschwindigkeit", "capacité", "capacite", "débit"}
    | {"debit", "bande_passante", "capacidad", "capacidade", "ancho_de_banda", "velocidad"}
    | {"largura_de_banda", "velocidade", "capacità", "banda", "velocità"}
    | {"带宽", "容量", "链路带宽", "链路容量", "速率", "端口速率"}
)
"""What a name says beside a unit of rates, if it is a capacity."""
USUAL_UNITS = {"delay": "ms", "latency": "ms", "length": "km", "distance": "km", "dist": "km"}
_PER_MS = {"ms": 1.0, "msec": 1.0, "milliseconds": 1.0, "us": 1e-3, "µs": 1e-3, "usec": 1e-3}
_PER_MS |= {
    "毫秒": 1.0,
    "微秒": 1e-3,
    "microseconds": 1e-3,
    "ns": 1e-6,
    "s": 1e3,
    "sec": 1e3,
    "seconds": 1e3,
}
_PER_KM = {"km": 1.0, "kilometres": 1.0, "kilometers": 1.0, "m": 1e-3, "metres": 1e-3}
_PER_KM |= {"公里": 1.0, "千米": 1.0, "米": 1e-3, "meters": 1e-3, "mi": 1.609344, "miles": 1.609344}
MEASURES = (
    ("delay_ms", ("delay", "latency", "propagation_delay", "prop_delay", "link_delay"), _PER_MS),
    ("fibre_km", ("fibre", "fiber", "length", "distance", "dist", "fibre_length"), _PER_KM),
    ("fibre_km", ("fiber_length", "link_length", "span", "cable_length"), _PER_KM),
    ("fibre_km", ("länge", "laenge", "entfernung", "longueur", "distancia", "distância"), _PER_KM),
    ("fibre_km", ("comprimento", "longitud", "lunghezza", "distanza"), _PER_KM),
    ("delay_ms", ("laufzeit", "latenz", "verzögerung", "délai", "latence", "latencia"), _PER_MS),
    ("delay_ms", ("latência", "latenza", "retardo", "atraso", "时延", "延迟"), _PER_MS),
    ("fibre_km", ("距离", "长度", "光缆长度", "光纤长度", "链路长度"), _PER_KM),
)
"""Keys that may state another unit than ours: what they are called, and the units they may have."""
LONGEST_NAME = 200
"""Longer ones state no unit: to look for it takes time that grows with the square."""
_UNIT_AT_END = re.compile(
    r"(?P<name>.*?)(?:[\s_]*[(\[](?P<inside>[^\W\d_]+)[)\]]|[\s_](?:in[\s_])?(?P<after>[^\W\d_]+))"
)
MEANT = (
    (re.compile("cap|band|bw|speed|rate|bps"), "a capacity? name it capacity_mbps or _gbps"),
    (re.compile("delay|laten|rtt"), "a delay? name it delay_ms, one way"),
    (re.compile("dist|len|km|mile"), "a length? name it length_km"),
    (re.compile("cost|metric|weight|igp"), "a metric? name it metric"),
    (re.compile("lat|lon|coord|pos|^x$|^y$"), "a place? name it lat and lon"),
)
"""What an attribute that is not used might be, by parts of its name."""


_PLAIN = str.maketrans("- （）【】", "__()[]")
_BRACKETS = str.maketrans("-（）【】", "_()[]")


class Measure(NamedTuple):
    """A key of a topology file in some unit: a value times *factor* is in ours."""

    key: str
    factor: float


def by_plain_name(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are given, by names in lower case; the first of two alike."""
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        if value is not None and not (isinstance(value, str) and not value.strip()):
            found.setdefault(plain_name(key), value)
    return found


@cache
def plain_name(key: str) -> str:
    """Return a name in lower case, with low lines for blanks and hyphens, and narrow brackets."""
    return key.strip().casefold().translate(_PLAIN)


def first_given(given: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the first value that is given under one of some names, or None."""
    return next((given[name] for name in names if name in given), None)


@cache
def capacity_unit(name: str) -> str | None:
    """Return the unit that the name of a capacity states; None if it is no such name."""
    base, unit = split_unit(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    return unit if unit and plain_name(base).strip("_") in WITH_A_UNIT else None


@cache
def measure(name: str) -> Measure | None:
    """Return which length or delay a name is that states its unit, or None."""
    found = (
        _UNIT_AT_END.fullmatch(name.strip().casefold().translate(_BRACKETS))
        if len(name) <= LONGEST_NAME
        else None
    )
    if found is None:
        return None
    base, unit = plain_name(found["name"]).strip("_"), found["inside"] or found["after"]
    for key, names, units in MEASURES:
        if base in names and unit in units:
            return Measure(key, units[unit])
    return None


def guess(name: str) -> str:
    """Return what an attribute might be by its name, in words; nothing if it says nothing."""
    return next((words for sign, words in MEANT if sign.search(plain_name(name))), "")
