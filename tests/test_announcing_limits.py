"""Limits of announcing in a played run: at one exit each, heard by no one, and nothing changed.

What is announced is set by hand: a run takes it from `InboundWorld.everywhere`.
"""

from dataclasses import replace

import numpy as np
import pytest
from conftest import built_in
from helpers import case_of, play, sdn, static

from simulator.control.arrival_routes import ArrivalRoutes
from simulator.inbound.choices import Catchments
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.paths.candidates import paths_by_exit
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.inbound_world import Announced, InboundWorld
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

#: Every source hears all, and is of one taste for all provinces, for ever.
SURE = Catchments(stray=0.0, own=0.0, drift_per_day=0.0, neighbours=1)
NETWORKS = ("china169-mini", "china169-2017")
SHAPES = (Diurnal(), Noise())
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def case(name, inbound, strategies=None, hours=1.0, fill=0.02, shapes=SHAPES):
    """A case with so little traffic that nothing is lost, wherever it lands."""
    network, demands = built_in(name)
    demands = demands.with_gbps(demands.gbps * fill)
    made = case_of(network, demands, strategies or static(), hours=hours, step_s=900, shapes=shapes)
    return replace(made, inbound=inbound)


def announced(case, exits):
    """What is announced, of *exits*, a function of the numbers of groups and exits."""
    world = InboundWorld(case.network, case.demands, case.inbound, Streams(1, 0))
    full = world.everywhere(4)
    return full._replace(exits=exits(*full.exits.shape))


def alone(groups, exits):
    """Each group at an exit of its own."""
    chosen = np.random.default_rng(groups).integers(0, exits, groups)
    return np.arange(exits) == chosen[:, None]


def some(groups, exits):
    """Each group at some exits, or at none."""
    return np.random.default_rng(groups).random((groups, exits)) < 0.3


@pytest.fixture
def announcing(monkeypatch):
    """Return a function that plays a case in which all strategies announce a state at all times."""

    def played(case, state: Announced):
        monkeypatch.setattr(InboundWorld, "everywhere", lambda world, groups=1: state)
        return play(case)

    return played


# -- at one exit each -----------------------------------------------------------------------------


class InPieces:
    """Direct steering in pieces: whole groups of every demand go by the exits that they are at.

    Where an exit has no way for a demand, the piece stays on the static routes. Most exits of the
    small network lead to some regions only.
    """

    def __init__(self, case, state):
        network, demands = case.network, case.demands
        self.mine = np.flatnonzero(demands.of_class("international_in"))
        inbound, exits = demands.take(self.mine), network.exit_arcs["in"]
        home = np.unique(inbound.target)[state.province]
        wanted = np.stack([state.exits[home == each].mean(axis=0) for each in inbound.target])
        paths, place = paths_by_exit(network, inbound, exits, network.metric)
        steered = np.where(place >= 0, wanted, 0.0)
        demand, by = np.nonzero(steered)
        ways = paths.take(place[demand, by])
        static = IgpEcmp().route(network, inbound)
        self.inbound = Routes.from_paths(
            network, len(inbound), demand, steered[demand, by], ways.arcs, ways.starts
        ).with_fallback(static)
        rest = 1.0 - steered.sum(axis=1, keepdims=True)
        self.share = steered + rest * static.matrix[exits].toarray().T
        everywhere = self.inbound.scattered(self.mine, len(demands))
        self.routes = everywhere.with_fallback(IgpEcmp().route(network, demands))


@pytest.mark.parametrize("name", NETWORKS)
def test_groups_at_one_exit_each_are_steered_directly_in_pieces(name):
    """Shares and routes of inbound demands are those of the paths by exit."""
    given = case(name, SURE)
    state = announced(given, alone)
    direct = InPieces(given, state)
    world = InboundWorld(given.network, given.demands, SURE, Streams(1, 0))
    share, _ = world.shares(state, given.network)
    np.testing.assert_allclose(share, direct.share, **EXACT)
    assert ((share > 0).sum(axis=1) > 1).any(), "demands are split over exits"
    routes = ArrivalRoutes(given.demands.take(direct.mine), world.exit_arcs)
    made = routes.over(given.network, share)
    np.testing.assert_allclose(made.matrix.toarray(), direct.inbound.matrix.toarray(), **EXACT)
    np.testing.assert_allclose(made.served, 1.0, **EXACT)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_loads_links_as_direct_steering_in_pieces_does(name, announcing):
    given = case(name, SURE)
    state = announced(given, alone)
    direct = InPieces(given, state)
    played = announcing(given, state)
    links, demands = (
        played.table(table).pivot_table(
            index="time_s", columns=keys, values="offered_gbps", sort=False
        )
        for table, keys in (("links", ["link", "source"]), ("demands", ["source", "target"]))
    )
    network, nodes = given.network, np.array(given.network.nodes)
    pairs = list(zip(nodes[given.demands.source], nodes[given.demands.target], strict=True))
    arcs = [(network.links[arc // 2], network.nodes[tail]) for arc, tail in enumerate(network.tail)]
    assert set(links.columns) <= set(arcs)
    column = [arcs.index(each) for each in links.columns]
    assert set(network.exit_arcs["in"]) <= set(column)
    for time_s in links.index:
        rates = demands.loc[time_s, pairs].to_numpy()
        load = direct.routes.loads(rates)
        np.testing.assert_allclose(links.loc[time_s], load[column], **EXACT)
    assert played.figure("lost_gbit") == 0.0


def test_where_strays_are_it_is_not_direct_steering():
    """The limit is one: with `stray` some traffic is at its natural exit."""
    given = case("china169-mini", replace(SURE, stray=0.5))
    state = announced(given, alone)
    world = InboundWorld(given.network, given.demands, given.inbound, Streams(1, 0))
    assert np.abs(world.shares(state, given.network)[0] - InPieces(given, state).share).max() > 0.2


# -- heard by no one, and nothing changed ---------------------------------------------------------


def assert_same(one, other, strategy="it", tables=("links", "exits", "demands")):
    """Assert that tables are the same to the last bit."""
    for table in tables:
        assert one.table(table, strategy).equals(other.table(table, strategy)), table


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("exits", [alone, some])
def test_where_no_one_hears_all_follows_the_metric_whatever_is_announced(name, exits, announcing):
    without = play(case(name, None, fill=1.0))
    given = case(name, Catchments(stray=1.0, drift_per_day=0.0), fill=1.0)
    assert_same(announcing(given, announced(given, exits)), without)


def test_loads_stay_while_nothing_changes(announcing):
    """Traffic is constant; a controller with nothing to gain announces what it did."""
    settings = Catchments(drift_per_day=0.0)
    learn = sdn(
        "min_latency",
        announcements={"plan": "learn", "every_s": 900.0},
        steers=("international_in",),
    )
    strategies = {"igp": static(), "learn": learn}
    given = case("china169-mini", settings, strategies, hours=3.0, shapes=())
    state = announced(given, lambda *shape: some(*shape) | alone(*shape))
    played = announcing(given, state)
    log = played.table("control", "learn").query("layer == 'announcements' and trigger == 'cycle'")
    assert len(log) >= 11 and (log["status"] == "unchanged").all()
    for name in strategies:
        rows = played.table("links", name)
        steps = [part.reset_index(drop=True) for _, part in rows.groupby("time_s")]
        assert len(steps) == 12
        for later in steps[1:]:
            assert later.drop(columns="time_s").equals(steps[0].drop(columns="time_s"))
    ours, theirs = (played.table("links", name) for name in strategies)
    assert ours.equals(theirs)


def test_more_groups_that_are_announced_alike_are_one(announcing):
    """To split a province changes no load as long as nothing is announced apart."""
    given = case("china169-2017", replace(SURE, neighbours=4))
    one = announced(given, lambda *shape: alone(*shape))
    first = Announced(*(array[::4] for array in one))
    four = Announced(*(np.repeat(array, 4, axis=0) for array in first))
    whole, split = announcing(given, first), announcing(given, four)
    for table in ("links", "exits"):
        loads = [each.table(table)["offered_gbps"] for each in (whole, split)]
        np.testing.assert_allclose(*loads, **EXACT)
