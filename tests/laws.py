"""Laws that hold for the routes of every scheme, and for the loads and losses that follow.

A law is a function of a :class:`Solved` case that raises AssertionError. :func:`broken` runs
several and collects what fails, so that one broken law does not hide the others.
"""

import dataclasses
import functools
import hashlib

import networkx as nx
import numpy as np
import pytest
from law_networks import CASES, case
from scipy import sparse

from simulator.model.link_state import link_state
from simulator.model.network import Network
from simulator.model.routes import Routes, link_loads
from simulator.queues.burst import Burst
from simulator.queues.none import NoQueue
from simulator.routing.clairvoyant import Clairvoyant
from simulator.routing.scheme import scheme

FACTORS = np.array([0.1, 0.5, 0.9, 1.0, 1.2, 2.0, 5.0, 10.0, 20.0])


#: Settings under which the laws are tried, where the defaults take longer and no law depends on it.
QUICK = {"tuned_igp": {"iterations": 40}, "semi_oblivious": {"paths": 2}}
#: Subjects beside the schemes by their names, tried by the slow tests.
AS_DELIVERED = {f"{name} as delivered": name for name in QUICK}


def made(kind):
    """The scheme of this name, or one *as delivered*: with its defaults."""
    if kind in AS_DELIVERED:
        return scheme.make(AS_DELIVERED[kind])
    return scheme.make(kind, **QUICK.get(kind, {}))


@dataclasses.dataclass(frozen=True, eq=False)
class Solved:
    """The routes of one scheme on one network."""

    name: str
    kind: str
    routes: Routes

    @property
    def network(self):
        return case(self.name)[0]

    @property
    def demands(self):
        return case(self.name)[1]

    @functools.cached_property
    def paths(self):
        return list(self.routes.paths())

    @functools.cached_property
    def matrix(self):
        return self.routes.matrix.toarray()


@functools.cache
def solved(name, kind):
    return Solved(name, kind, made(kind).route(*case(name)))


def afresh(name, kind):
    """Routes on a network made anew, by an instance of its own."""
    return made(kind).route(*CASES[name]())


def broken(laws, subject):
    """Run laws and return a message for each that does not hold: law, scheme, network, reason."""
    messages = []
    for law in laws:
        try:
            law(subject)
        except AssertionError as error:
            messages.append(f"{law.__name__}: {subject.kind} on {subject.name}: {error}")
    return messages


def fingerprint(routes):
    """Every byte of the routes, whatever they are made of."""
    digest = hashlib.sha256()

    def take(value):
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).tobytes())
        elif sparse.issparse(value):
            for part in (value.data, value.indices, value.indptr):
                take(part)
        elif isinstance(value, tuple):
            for part in value:
                take(part)
        elif dataclasses.is_dataclass(value):
            take(tuple(getattr(value, field.name) for field in dataclasses.fields(value)))
        elif not isinstance(value, Network):
            digest.update(repr(value).encode())

    take(routes)
    take(routes.matrix)
    return digest.hexdigest()


# -- where the traffic goes --------------------------------------------------------------------


def nothing_vanishes_on_the_way(s):
    """What leaves the source of a demand arrives at its target; loads are shares x rates."""
    each = np.arange(len(s.demands))
    out = np.zeros((len(s.network.nodes), len(s.demands)))
    np.add.at(out, s.network.tail, s.matrix)
    np.subtract.at(out, s.network.head, s.matrix)
    out[s.demands.source, each] -= s.routes.served
    out[s.demands.target, each] += s.routes.served
    assert np.abs(out).max() < 1e-9
    assert s.matrix.min() >= 0
    loads = s.routes.loads(s.demands.gbps)
    np.testing.assert_allclose(loads, s.matrix @ s.demands.gbps, atol=1e-9)


def exactly_those_are_served_that_can_be(s):
    """Shares of a demand with a path add to 1 (less where a scheme shapes); none without."""
    wrong = np.flatnonzero(~is_served_like(s.kind, s.routes.served, reachable(s.name)))
    assert not len(wrong), [(s.demands.names[i], float(s.routes.served[i])) for i in wrong[:5]]


def is_served_like(kind, served, can):
    """Whether each demand is served as it can be: whole, or in part by a scheme that shapes."""
    if made(kind).shapes:
        return ((served > 0) == (can > 0)) & (served <= 1 + 1e-9)
    return np.abs(served - can) <= 1e-9


@functools.cache
def reachable(name):
    """Which demands have a path, by NetworkX under the same rules."""
    network, demands = case(name)
    can = np.zeros(len(demands))
    outer = np.where(network.is_abroad[demands.target], demands.target, demands.source)
    outer = np.where(network.is_abroad[outer], outer, -1)
    for target, end in np.unique(np.stack([demands.target, outer]), axis=1).T:
        usable = network.usable(bool(network.is_abroad[target]))
        usable &= ~network.is_stub[network.head] | (network.head == target)
        if end >= 0:
            usable &= ~closed_to(name, end)
        graph = nx.DiGraph(zip(network.tail[usable], network.head[usable], strict=True))
        graph.add_node(target)
        these = (demands.target == target) & (outer == end)
        can[these] = np.isin(demands.source[these], list(nx.ancestors(graph, target)))
    return can


@functools.cache
def closed_to(name, end):
    """Arcs of exits that do not reach an end abroad, by the graph."""
    network = case(name)[0]
    reaches = [network.attributes(link).get("reaches") for link in network.links]
    closed = [bool(some) and network.nodes[end] not in some for some in reaches]
    return np.repeat(np.array(closed, dtype=bool), 2)


def paths_are_paths(s):
    """Every path leads from source to target, arc by arc, and visits no node twice."""
    served = np.zeros(len(s.demands))
    matrix = np.zeros(s.matrix.shape)
    tail, head = s.network.tail.tolist(), s.network.head.tolist()
    source, target = s.demands.source.tolist(), s.demands.target.tolist()
    for demand, share, arcs in s.paths:
        assert share > 0
        walked = [source[demand], *(head[arc] for arc in arcs)]
        assert [tail[arc] for arc in arcs] == walked[:-1]
        assert walked[-1] == target[demand]
        assert len(set(walked)) == len(walked), "a node is visited twice"
        served[demand] += share
        matrix[list(arcs), demand] += share
    np.testing.assert_allclose(served, s.routes.served, atol=1e-9)
    np.testing.assert_allclose(matrix, s.matrix, atol=1e-9)


def paths_keep_the_rules(s):
    """No path takes a dead link, a stub as transit, a closed exit, or a needless border."""
    network, home = s.network, ~s.network.is_abroad
    crosses = network.crosses_out | network.crosses_in
    tail_is_stub = network.is_stub[network.tail]
    for demand, _, arcs in s.paths:
        arcs = list(arcs)
        assert network.up[arcs].all(), "a dead link"
        assert not tail_is_stub[arcs[1:]].any(), "transit through a stub"
        ends = int(s.demands.source[demand]), int(s.demands.target[demand])
        crossed = np.count_nonzero(crosses[arcs])
        needed = home[ends[0]] != home[ends[1]]
        assert crossed == needed, "the border is crossed more often than needed"
        for end in ends:
            if network.is_abroad[end] and crossed:
                assert not closed_to(s.name, end)[arcs].any(), "an exit not open"


def loads_can_be_listed(s):
    """The table of loads has every arc, and a dead one carries nothing."""
    table = link_loads(s.routes, s.demands)
    assert len(table) == len(s.network.tail)
    assert (table["offered_gbps"][~s.network.up] == 0).all()
    assert table["utilisation"].isna().equals(table["capacity_gbps"] == 0)


# -- no scheme is better than an optimum -------------------------------------------------------


def mlu(network, demands, routes):
    live = network.up & (network.capacity_gbps > 0)
    return (routes.loads(demands.gbps)[live] / network.capacity_gbps[live]).max()


def min_max_has_the_least_mlu(s):
    """No scheme has a fullest link below the bound that min_max proves."""
    best = solved(s.name, "min_max").routes
    if not best.served.any():
        assert not s.routes.served.any()
    elif (s.routes.served >= best.served - 1e-9).all():  # a scheme that shapes may load links less
        bound = best.certificate.mlu_bound
        assert mlu(s.network, s.demands, s.routes) >= bound * (1 - 1e-9) - 1e-12


def clairvoyant_has_the_least_cost(s):
    """No scheme costs less than the clairvoyant one."""
    best = solved(s.name, "clairvoyant").routes
    rates = s.demands.gbps[:, None]
    found, least = (Clairvoyant().cost(s.network, r, rates)[0] for r in (s.routes, best))
    assert found >= least * (1 - 1e-7) - 1e-9


def an_empty_table_of_homes_is_the_nearest_exit(s):
    """The scheme homed, without a table, is nearest_exit."""
    if s.kind == "homed":
        assert fingerprint(s.routes) == fingerprint(solved(s.name, "nearest_exit").routes)


LAWS = [
    nothing_vanishes_on_the_way,
    exactly_those_are_served_that_can_be,
    paths_are_paths,
    paths_keep_the_rules,
    loads_can_be_listed,
    min_max_has_the_least_mlu,
    clairvoyant_has_the_least_cost,
    an_empty_table_of_homes_is_the_nearest_exit,
]


# -- loads, loss and latency -------------------------------------------------------------------


def check_link_state(routes, network, rates, queue=None):
    """Everything that must hold at every instant, whatever the routes."""
    got = link_state(routes, network, rates, queue or NoQueue())
    capacity = np.where(network.up, network.capacity_gbps, 0.0)[:, None]
    scale = max(float(rates.max()), 1e-300)
    assert np.isfinite(got.offered_gbps).all() and (got.offered_gbps >= 0).all()
    assert (got.carried_gbps <= capacity * (1 + 1e-9)).all()
    assert (got.carried_gbps <= got.offered_gbps * (1 + 1e-12)).all()
    assert (got.carried_gbps[~network.up] == 0).all()
    lost = got.offered_gbps - got.carried_gbps
    fits = got.offered_gbps <= capacity
    assert (lost[fits] <= 1e-9 * scale).all(), "what fits is not lost"
    full = ~fits & (capacity > 0)
    assert np.allclose(got.carried_gbps[full], np.broadcast_to(capacity, full.shape)[full], 1e-9)

    # Delivered and lost is asked: over all arcs, with what has no way at all.
    unserved = (1.0 - routes.served) @ rates
    balance = got.delivered_gbps.sum(axis=0) + lost.sum(axis=0) + unserved - rates.sum(axis=0)
    assert np.abs(balance).max() <= 1e-9 * rates.sum(axis=0).max()
    assert (got.delivered_gbps <= rates * (1 + 1e-12)).all()

    # The fixed point: loads under the shares kept give those shares.
    pass_fraction = np.divide(got.carried_gbps, got.offered_gbps, out=np.ones_like(lost),
                     where=got.offered_gbps > 0)  # fmt: skip
    load = routes.loads(rates, pass_fraction)
    assert np.abs(load - got.offered_gbps).max() <= 1e-9 * max(float(load.max()), 1e-300)
    arrived = got.delivered_gbps > 0
    assert np.isfinite(got.latency_ms[arrived]).all()
    assert np.isnan(got.latency_ms[~arrived]).all()
    assert (got.latency_ms[arrived] >= got.propagation_ms[arrived] * (1 - 1e-12)).all()
    return got


def link_state_at_any_load(s):
    """What is delivered and lost is what was asked; no link carries beyond capacity."""
    check_link_state(s.routes, s.network, s.demands.gbps[:, None] * FACTORS, Burst())


def link_state_after_failures(s):
    """The same when links fail and the routes stay."""
    up = np.random.default_rng(len(s.demands)).random(len(s.network.tail)) > 0.15
    rates = s.demands.gbps[:, None] * FACTORS
    check_link_state(s.routes, s.network.under(up=s.network.up & up), rates)


def link_state_without_room(s):
    """The same where capacities are a millionth."""
    small = s.network.under(capacity_gbps=s.network.capacity_gbps * 1e-6)
    check_link_state(s.routes, small, s.demands.gbps[:, None] * FACTORS)


def delivery_is_the_sum_over_paths(s):
    """Share delivered and latency of every demand, from its paths one at a time."""
    network, rates = s.network, s.demands.gbps * 4.0
    got = link_state(s.routes, network, rates[:, None], Burst())
    pass_fraction = np.ones(len(network.tail))
    np.divide(got.carried_gbps[:, 0], got.offered_gbps[:, 0], out=pass_fraction,
              where=got.offered_gbps[:, 0] > 0)  # fmt: skip
    share, spent = np.zeros(len(s.demands)), np.zeros(len(s.demands))
    for demand, part, arcs in s.paths:
        arrives = part * np.prod(pass_fraction[list(arcs)])
        share[demand] += arrives
        spent[demand] += arrives * (network.delay_ms + got.wait_ms[:, 0])[list(arcs)].sum()
    assert (got.delivered_gbps[:, 0] < rates * 0.99).any(), "the case must lose traffic"
    assert got.delivered_gbps[:, 0] == pytest.approx(rates * share, rel=1e-9, abs=1e-12)
    arrived = share > 0
    assert got.latency_ms[arrived, 0] == pytest.approx((spent / share)[arrived], rel=1e-9)


def littles_law_without_loss(s):
    """Delivered times latency is load times delay, summed over all."""
    # Traffic under way, seen from the ends: delivered x latency. Seen from the links: load x delay.
    network, demands = s.network, s.demands
    load = s.routes.loads(demands.gbps)
    used = load > 0
    rates = demands.gbps * 0.9 / (load[used] / network.capacity_gbps[used]).max()
    got = link_state(s.routes, network, rates[:, None], Burst())
    served = got.delivered_gbps[:, 0] > 0
    at_ends = got.delivered_gbps[served, 0] @ got.latency_ms[served, 0]
    on_links = got.carried_gbps[:, 0] @ (network.delay_ms + got.wait_ms[:, 0])
    assert at_ends == pytest.approx(on_links, rel=1e-9)


def units_by_powers_of_two_do_not_change_a_bit(s):
    """In units that differ by a power of two, loads and losses have the same bits."""
    rates = s.demands.gbps[:, None] * FACTORS
    ours = link_state(s.routes, s.network, rates, Burst())
    for power in (-30, -10, 10):
        factor = 2.0**power
        small = s.network.under(capacity_gbps=s.network.capacity_gbps * factor)
        routes = made(s.kind).route(small, s.demands.with_gbps(s.demands.gbps * factor))
        theirs = link_state(routes, small, rates * factor, Burst())
        assert np.array_equal(theirs.carried_gbps, ours.carried_gbps * factor)
        assert np.array_equal(theirs.delivered_gbps, ours.delivered_gbps * factor)
        assert np.array_equal(theirs.latency_ms, ours.latency_ms, equal_nan=True)


_ANYWHERE = [link_state_at_any_load, link_state_after_failures, link_state_without_room]
#: Laws of loads and losses, by the network on which each is tried.
FLOW_LAWS = {
    "china": [link_state_at_any_load],
    "mini": [link_state_at_any_load, littles_law_without_loss],
    "random small 0": _ANYWHERE,
    "random small 1": [littles_law_without_loss],
    "random medium 10": [units_by_powers_of_two_do_not_change_a_bit],
    "random medium 11": _ANYWHERE,
    "random medium 13": [delivery_is_the_sum_over_paths],
    "random medium 14": _ANYWHERE,
    "random medium 15": [littles_law_without_loss],
    "random 70, unlike ways": _ANYWHERE,
    "random 71, unlike ways": [delivery_is_the_sum_over_paths],
    "random 72, unlike ways": [littles_law_without_loss],
    "random 74, unlike ways": [units_by_powers_of_two_do_not_change_a_bit],
    "random large 20": _ANYWHERE,
    "random large 21": [littles_law_without_loss],
}
