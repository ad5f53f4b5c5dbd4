"""Every single failure, beside ngraph, pyNTM and NetworkX; a cable cut with routes made again.

``pip install '.[peers]'`` brings ngraph. pyNTM asks for networkx 3.1 to the digit, which this
project has left behind, and works with newer ones: ``pip install --no-deps pyNTM==5.0.0``. A peer
that is not installed is left out, and the note below the table says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.cases import FULL, SDN, Case, largest
from benchmarks.ecmp import NetworkX
from benchmarks.race import Limit, Race
from simulator.control.settled import Trial
from simulator.control.strategy import Strategy
from simulator.formats.format import load_network
from simulator.formats.matrices.demand_format import read_demands
from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.link_state import link_state
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.paths.ecmp_screen import EcmpScreen, Screened
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import scheme as schemes
from simulator.simulation.route_store import RouteStore

OURS = "EcmpScreen: loads, latency, served share"
PEERS = {"ngraph": "ngraph", "pyNTM": "pyNTM"}
PLENTY_GBPS = 1e12
"""Capacity for peers that place no more than fits: all of it."""
MOST_PYNTM = 2000
"""Demands that pyNTM routes in some tenths of a second."""
CUT = Fault("cable", "TPE")
ON_ALL = "min_max on all links"

Loads = Callable[[int], np.ndarray]
"""Takes a link that is down, and returns the load of every arc."""


def races(case: Case) -> Iterator[Race]:
    """Single links of germany50 and TataNld, or of a small network, and a cable cut."""
    if case.size.scenario == FULL.scenario:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is assumed of topohub's networks
            germany = load_network("topohub:sndlib/germany50")
            tata = load_network("topohub:topozoo/TataNld")
        yield _screening(germany, _germany(germany), 88, {"pyNTM": 4, "NetworkX": 8})
        few = {"route, loads": 10, "ngraph": 5, "NetworkX": 2}
        yield _screening(tata, _full_mesh(tata), 181, few)
    else:
        yield _screening(case.network, case.demands, 4, {})
    yield _cable_cut(case)


def _germany(network: Network) -> Demands:
    """The demands of SNDlib, which lists one of both directions, in both."""
    one = read_demands("topohub:sndlib/germany50", network)
    ends = np.concatenate([one.source, one.target]), np.concatenate([one.target, one.source])
    names = [[network.nodes[i] for i in end] for end in ends]
    return Demands.of(network, *names, np.tile(1000.0 * one.gbps, 2))


def _full_mesh(network: Network) -> Demands:
    pairs = [(a, b) for a in network.nodes for b in network.nodes if a != b]
    source, target = zip(*pairs, strict=True)
    return Demands.of(network, source, target, np.full(len(pairs), 1000.0))


# -- every single link ----------------------------------------------------------------------------


def _screening(network: Network, demands: Demands, count: int, few: Mapping[str, int]) -> Race:
    """All links by ours, and as many as are worth waiting for by the others."""
    down = np.repeat(np.eye(len(network.links), dtype=bool), 2, axis=1)[:count]
    others: dict[str, Loads] = {
        "route, loads": lambda link: _routed(network, demands, down[link]),
        **_peers(network, demands),
    }
    counts = {name: min(few.get(name, count), count) for name in others}

    def ours() -> Screened:
        found = EcmpScreen(network, demands).cases(down)
        assert len(found.latency_ms) == len(found.served_share) == count
        return found

    def agree() -> dict[str, Limit]:
        load = ours().load_gbps
        return {
            f"load of every arc, {name}": Limit(
                max(largest(loads(i) - load[i]) / load[i].max() for i in range(counts[name])), 1e-9
            )
            for name, loads in others.items()
        }

    runners: dict[str, Callable[[], Any]] = {OURS: ours}
    for name, loads in others.items():
        runners[name] = _all(loads, counts[name])
    absent = [name for name, module in PEERS.items() if importlib.util.find_spec(module) is None]
    return Race(
        f"{network.name}: {count} single links of {len(network.links)}, {len(demands):,} demands",
        runners,
        OURS,
        agree,
        "failure",
        note="peers: networks are built beforehand, outside of their time"
        + (f"; not installed: {', '.join(absent)}" if absent else "")
        + ("; pyNTM would take minutes" if len(demands) > MOST_PYNTM else ""),
        counts={OURS: count, **counts},
    )


def _all(loads: Loads, count: int) -> Callable[[], Any]:
    return lambda: [loads(link) for link in range(count)]


def _routed(network: Network, demands: Demands, down: np.ndarray) -> np.ndarray:
    hurt = network.under(up=network.up & ~down)
    return IgpEcmp().route(hurt, demands).loads(demands.gbps)


# -- peers ----------------------------------------------------------------------------------------


def _peers(network: Network, demands: Demands) -> dict[str, Loads]:
    """Peers that are installed; those without border or stubs only where there are none."""
    found: dict[str, Loads] = {"NetworkX": _networkx(network, demands)}
    if network.is_stub.any() or len(network.exits):
        return found
    if importlib.util.find_spec("ngraph"):
        found["ngraph"] = _ngraph(network, demands)
    if importlib.util.find_spec("pyNTM") and len(demands) <= MOST_PYNTM:
        found["pyNTM"] = _pyntm(network, demands)
    return found


def _networkx(network: Network, demands: Demands) -> Loads:
    graphs = NetworkX.of(network)

    def loads(link: int) -> np.ndarray:
        taken = []
        for graph in graphs.sides.values():
            edges = [(u, v, d) for u, v, d in graph.edges(data=True) if d["arc"] // 2 == link]
            graph.remove_edges_from([(u, v) for u, v, _ in edges])
            taken.append((graph, edges))
        found = graphs.loads(demands)
        for graph, edges in taken:
            graph.add_edges_from(edges)
        return found

    return loads


def _ngraph(network: Network, demands: Demands) -> Loads:
    """Its placement on masked edges, as its failure manager does it, with capacity in plenty."""
    import netgraph_core
    import ngraph
    from ngraph.analysis.functions import build_demand_placement_inputs
    from ngraph.analysis.placement import place_demands

    theirs, links = ngraph.Network(), []
    for node in network.nodes:
        theirs.add_node(ngraph.Node(node))
    for arc in range(0, len(network.tail), 2):
        ends = network.nodes[network.tail[arc]], network.nodes[network.head[arc]]
        links.append(ngraph.Link(*ends, capacity=PLENTY_GBPS, cost=float(network.metric[arc])))
        theirs.add_link(links[-1])
    asked = [
        {
            "source": f"^{re.escape(network.nodes[s])}$",
            "target": f"^{re.escape(network.nodes[t])}$",
            "volume": float(gbps), "mode": "pairwise", "flow_policy": "SHORTEST_PATHS_ECMP",
        }
        for s, t, gbps in zip(demands.source, demands.target, demands.gbps, strict=True)
    ]  # fmt: skip
    context, expanded, ids = build_demand_placement_inputs(theirs, asked)
    volumes = [each.volume for each in expanded.demands]
    begins = np.asarray(context.multidigraph.edge_src_view())
    order = []
    for place, link in enumerate(links):
        there, back = context.link_id_to_edge_indices[link.id]
        forward = context.node_mapper.to_id(network.nodes[network.tail[2 * place]])
        order += [there, back] if begins[there] == forward else [back, there]

    def loads(link: int) -> np.ndarray:
        flows = netgraph_core.FlowGraph(context.multidigraph)
        masks = context.build_node_mask(set()), context.build_edge_mask({links[link].id})
        place_demands(expanded.demands, volumes, flows, context, *masks, resolved_ids=ids)
        return np.asarray(flows.edge_flow_view())[order]

    return loads


def _pyntm(network: Network, demands: Demands) -> Loads:
    """Its model for large networks without LSPs; it prints as it goes, which is swallowed."""
    from pyNTM import PerformanceModel

    model = PerformanceModel(set(), set(), set(), set())
    ends = [(network.nodes[a], network.nodes[b])
            for a, b in zip(network.tail, network.head, strict=True)]  # fmt: skip
    interfaces = [
        {
            "name": str(arc), "cost": int(network.metric[arc]), "capacity": PLENTY_GBPS,
            "node": a, "remote_node": b, "address": arc // 2, "failed": False,
            "circuit_id": str(arc // 2),
        }
        for arc, (a, b) in enumerate(ends)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        model.add_network_interfaces_from_list(interfaces)
        for place, gbps in enumerate(demands.gbps):
            s, t = (network.nodes[end[place]] for end in (demands.source, demands.target))
            model.add_demand(s, t, float(gbps), str(place))

    def loads(link: int) -> np.ndarray:
        with contextlib.redirect_stdout(io.StringIO()):
            model.fail_interface(str(2 * link), ends[2 * link][0])
            model.update_simulation()
            found = np.zeros(len(ends))
            for each in model.interface_objects:
                found[int(each.name)] = 0.0 if each.failed else each.traffic
            model.unfail_interface(str(2 * link), ends[2 * link][0])
        return found

    return loads


# -- a cable cut with routes made again -----------------------------------------------------------


def _cable_cut(case: Case) -> Race:
    """Cut a cable, let the controller decide again, and work out all figures; all else is warm."""
    network, demands = case.network, case.demands
    made = {
        "igp_ecmp": Strategy(scheme="igp_ecmp"),
        "min_latency at the exits, cap 0.8": Strategy(
            scheme=SDN["sdn"]["scheme"], control={"kind": "perfect_information"}
        ),
        "min_max at the exits": Strategy(
            scheme={"kind": "min_max", "classes": ["exit"]}, control={"kind": "perfect_information"}
        ),
        ON_ALL: Strategy(scheme="min_max", control={"kind": "perfect_information"}),
    }
    kept: dict[str, dict[str, Any]] = {name: {} for name in made}
    store = RouteStore()

    def cut(name: str) -> tuple[Network, np.ndarray, float]:
        strategy = made[name]
        trial = Trial(
            strategy, strategy.static_scheme, network, demands, demands.gbps, Streams(0, 0),
            store=store, at_start=kept[name],
        )  # fmt: skip
        *_, _ = trial.settle()
        trial.fail([CUT])
        *_, routes = trial.settle()
        state = link_state(routes, trial.network, demands.gbps[:, None], NoQueue())
        return trial.network, routes.loads(demands.gbps), float(state.delivered_gbps.sum())

    def agree() -> dict[str, Limit]:
        found = {name: cut(name) for name in made}
        hurt, load, _ = found["igp_ecmp"]
        anew = IgpEcmp().route(hurt, demands).loads(demands.gbps)
        able = hurt.up & (hurt.capacity_gbps > 0)
        used = found[ON_ALL][1][able] / hurt.capacity_gbps[able]
        program = schemes.make("min_max").route(hurt, demands)
        best = program.certificate.mlu_bound if program.certificate else np.nan
        return {
            "load of every arc, igp_ecmp": Limit(largest(load - anew) / anew.max(), 1e-9),
            "MLU, min_max and its bound": Limit(abs(used.max() - best), 1e-7),
        }

    return Race(
        f"{network.name}: {CUT}, routes and figures made again",
        {name: (lambda name=name: cut(name)) for name in made},  # type: ignore[misc]
        "igp_ecmp",
        agree,
        "cut",
        note="routes before the cut are known; all after it is worked out",
    )
