"""What holds for the demands of every registered traffic matrix, as a scenario makes them."""

import numpy as np
import pytest
import yaml
from conftest import TOPOLOGIES, built_in

import simulator as sim
from simulator.model.demands import CLASSES
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.traffic.traffic import matrix

#: Settings of each matrix, and its total in Gbps; one that is not here is tried without settings.
SETTINGS = {
    "file": ({"path": "base.csv"}, None),
    "gravity": ({"domestic_gbps": 100.0, "international_out_gbps": 5.0}, 105.0),
    "synthetic": ({"total_gbps": 200.0, "seed": 5}, 200.0),
    "tomogravity": ({"path": "counters.csv", "totals": "totals.csv"}, None),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the settings name: base matrix, link counters, node totals."""
    folder = tmp_path_factory.mktemp("matrices")
    network, demands = built_in("china169-mini")
    base = demands.frame()[["source", "target", "gbps"]]
    base.to_csv(folder / "base.csv", index=False)
    load = IgpEcmp().route(network, demands).loads(demands.gbps)
    rows = [f"{network.links[a // 2]},{network.nodes[network.tail[a]]},"
            f"{network.nodes[network.head[a]]},{load[a]!r}" for a in range(len(load))]  # fmt: skip
    rows = [row.replace("np.float64(", "").replace(")", "") for row in rows]
    (folder / "counters.csv").write_text("\n".join(["link,source,target,gbps", *rows]) + "\n")
    out = np.bincount(demands.source, demands.gbps, len(network.nodes)).tolist()
    into = np.bincount(demands.target, demands.gbps, len(network.nodes)).tolist()
    rows = [f"{node},{out[i]!r},{into[i]!r}" for i, node in enumerate(network.nodes)]
    (folder / "totals.csv").write_text("\n".join(["node,out_gbps,in_gbps", *rows]) + "\n")
    return folder


def made(folder, kind, topology="china169-mini"):
    """Network and demands of a scenario with this matrix."""
    settings = {
        "topology": str(topology),
        "traffic": {"matrix": {"kind": kind, **SETTINGS.get(kind, ({}, None))[0]}},
        "strategies": {"static": {"scheme": "igp_ecmp"}},
    }
    path = folder / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(settings))
    scenario = sim.load(path)
    return scenario.network, scenario.demands


def by_name(demands):
    return dict(zip(demands.names, demands.gbps.tolist(), strict=True))


@pytest.mark.parametrize("kind", matrix.names())
def test_demands_are_demands(folder, kind):
    network, demands = made(folder, kind)
    count = len(demands)
    assert count
    for values in (demands.gbps, demands.source, demands.target, demands.traffic_class):
        assert values.shape == (count,)
    assert np.isfinite(demands.gbps).all() and (demands.gbps >= 0).all()
    assert (demands.source != demands.target).all(), "a node sends to itself"
    for ends in (demands.source, demands.target):
        assert (ends >= 0).all() and (ends < len(network.nodes)).all()
    assert set(demands.traffic_class) <= set(CLASSES)
    assert (demands.traffic_class == network.class_of(demands.source, demands.target)).all()
    assert len(set(demands.names)) == count, "a pair stands twice"


@pytest.mark.parametrize("kind", matrix.names())
def test_the_total_is_as_asked(folder, kind):
    total = SETTINGS.get(kind, ({}, None))[1]
    if total is None:  # of the file, and of the loads that it explains
        total = built_in("china169-mini")[1].gbps.sum()
    assert made(folder, kind)[1].gbps.sum() == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("kind", matrix.names())
def test_the_same_settings_give_the_same_bytes(folder, kind):
    one, two = made(folder, kind)[1], made(folder, kind)[1]
    assert one.names == two.names
    for name in ("source", "target", "gbps"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


@pytest.mark.parametrize("kind", matrix.names())
def test_the_order_of_nodes_does_not_matter(folder, kind):
    """The same topology with its nodes in another order: the same rate for every pair."""
    document = yaml.safe_load((TOPOLOGIES / "china169-mini.yaml").read_text())
    document["nodes"] = document["nodes"][::-1]
    document.pop("matrix", None)
    other = folder / "reversed.yaml"
    other.write_text(yaml.safe_dump(document, sort_keys=False))
    network, demands = made(folder, kind, other)
    assert network.nodes != built_in("china169-mini")[0].nodes
    assert by_name(demands) == pytest.approx(by_name(made(folder, kind)[1]), rel=1e-6, abs=1e-9)
