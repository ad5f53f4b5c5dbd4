"""Topologies of the package topohub, by name: `topohub:sndlib/germany50`."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import json
import re
from collections import Counter
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, nearest, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.matrices.demand_format import (
    DemandFormat,
    demand_format,
    recording_of,
    unknown_node,
)
from simulator.formats.reading import Places
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import (
    ONE_PLACE_KM,
    PATH_FACTOR,
    WITHIN_A_PLACE_KM,
    Draft,
    Record,
)
from simulator.formats.rules.repair import repaired
from simulator.formats.units import Unit, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording

PREFIX = "topohub:"
NAME = re.compile(r"(?<![^/])topohub:.*", re.DOTALL)
INSTALL = 'pip install "telecom-capacity-simulator[topologies]"'
ON_A_PLANE = ("gabriel",)
"""Groups whose positions are kilometres on a plane, not degrees."""
ABOUT = "the repository of Jurkiewicz, SoftwareX 24 (2023) 101540"
DEMAND_UNIT: Unit = "mbps"


@topology_format("topohub")
class Topohub(TopologyFormat):
    """Topologies of the package topohub, by name: topohub:sndlib/germany50.

    A fibre is 1.35 times as long as the distance that topohub gives. It gives no capacities.
    """

    readable: ClassVar[str] = "topohub:GROUP/NAME"

    def is_name(self, text: str) -> bool:
        """Return whether *text* is a name of this format."""
        return text.startswith(PREFIX)

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network called *path*, or None if there are errors, and all problems."""
        return assemble(*repaired(_draft(str(path))))


@demand_format("topohub")
class TopohubDemands(DemandFormat):
    """Demands that topohub holds of SNDlib's networks: topohub:sndlib/germany50.

    topohub states no unit: rates are in Mbps, SNDlib's, unless the scenario gives another.
    """

    readable: ClassVar[str] = "topohub:sndlib/NAME"

    def is_name(self, text: str) -> bool:
        """Return whether *text* is a name of this format, whatever folder it was joined to."""
        return NAME.search(_plain(text)) is not None

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrix called *path*, a recording of one instant."""
        found = NAME.search(_plain(str(path)))
        text = found[0] if found else str(path)
        topology = load(text)
        listed = topology["graph"]["demands"]
        if not any(listed.values()):
            raise refusal(text, "topohub holds no demands of this topology")
        ids = node_ids(topology)
        rates = {
            (ids[source], ids[target]): rate
            for source, targets in listed.items()
            for target, rate in targets.items()
        }
        unknown = [name for name in ids.values() if name not in network.node_index]
        if unknown:
            raise refusal(text, unknown_node(unknown[0], network))
        gbps = to_gbps(np.array(list(rates.values()))[:, None], unit or DEMAND_UNIT)
        return recording_of(network, list(rates), gbps)


def load(text: str) -> dict[str, Any]:
    """Return what topohub holds under a name, as a node-link mapping with all its figures.

    Links carry `dist` in km, and `ecmp_fwd` and `ecmp_bwd`: their load under equal-cost multipath
    by hop count in percent of the highest, for traffic alike between all pairs (`uni`), for such
    in proportion to degrees (`deg`), and for the original demands (`org`).

    Raises
    ------
    InputError
        topohub is not installed, or has nothing of this name.
    """
    text = _plain(text)
    known = _known()
    if not known:
        raise refusal(text, f"needs the package topohub: {INSTALL}")
    key = text.removeprefix(PREFIX)
    if key not in known:
        raise refusal(text, f"topohub has no topology {shown(key)}{_hint(key)}")
    found: dict[str, Any] = json.loads(known[key].read_text(encoding="utf-8"))
    return found


def names() -> list[str]:
    """Return all names, `topohub:gabriel/10/0` and so on; none if topohub is not installed."""
    return [PREFIX + key for key in _known()]


def node_ids(topology: dict[str, Any]) -> dict[str, str]:
    """Return the ids that nodes have here, by those in topohub.

    They are the names; where a name is missing or not the only one, its number goes with it.
    """
    often = Counter(node.get("name") for node in topology["nodes"])
    return {
        str(node["id"]): node["name"]
        if node.get("name") and often[node["name"]] == 1
        else f"{node.get('name') or 'node'}-{node['id']}"
        for node in topology["nodes"]
    }


@cache
def _known() -> dict[str, Path]:
    """Return the files of topohub by key."""
    if importlib.util.find_spec("topohub") is None:
        return {}
    data = Path(str(importlib.resources.files("topohub") / "data"))
    found = {
        path.relative_to(data).with_suffix("").as_posix(): path for path in data.rglob("*.json")
    }
    return dict(sorted(found.items()))


def _plain(text: str) -> str:
    return text.replace("\\", "/")


def _hint(key: str) -> str:
    """Name the key most like *key*: as a whole, else by its last part in any group."""
    known = list(_known())
    group = key.rpartition("/")[0]
    if near := did_you_mean(key, [each for each in known if each.startswith(f"{group}/")]):
        return near
    last = {each.rpartition("/")[2]: each for each in reversed(known)}
    found = nearest(key.rpartition("/")[2], last)
    if found is not None:
        return f"; did you mean {last[found]!r}?"
    groups = sorted({each.partition("/")[0] for each in known})
    return f"; its groups are {', '.join(groups)}"


def _draft(text: str) -> Draft:
    text = _plain(text)
    topology = load(text)
    key = text.removeprefix(PREFIX)
    ids = node_ids(topology)
    plane = key.partition("/")[0] in ON_A_PLANE
    assumed = [f"a fibre is {PATH_FACTOR} times as long as the distance that topohub gives"]
    if plane:
        assumed.append("positions are kilometres on a plane and are left out")
    version = importlib.metadata.version("topohub")
    return Draft(
        about={
            "name": key,
            "sources": (f"topohub {version}, {key}: {ABOUT}",),
            "assumptions": tuple(assumed),
        },
        nodes=[_node(node, ids, plane) for node in topology["nodes"]],
        links=[_link(edge, ids) for edge in topology["edges"]],
        point=partial(Places.point, Places(text, {})),
    )


def _node(node: dict[str, Any], ids: dict[str, str], plane: bool) -> Record:
    record: Record = {"id": ids[str(node["id"])], "kind": "core"}
    if not plane:
        record["lon"], record["lat"] = node["pos"]
        record["city"] = node.get("name")
    return record


def _link(edge: dict[str, Any], ids: dict[str, str]) -> Record:
    km = edge["dist"]
    return {
        "a": ids[str(edge["source"])],
        "b": ids[str(edge["target"])],
        "class": "core",
        "fibre_km": PATH_FACTOR * km if km >= ONE_PLACE_KM else WITHIN_A_PLACE_KM,
    }
