"""A trial: what a strategy does when something fails under traffic that stands still."""

import numpy as np
import pytest
from conftest import MINI

import simulator as sim
from simulator.control.settled import Trial, settled
from simulator.model.faults import Fault
from simulator.model.streams import Streams
from simulator.routing.igp_ecmp import IgpEcmp


@pytest.fixture(scope="module")
def inbound():
    """The built-in small scenario, with inbound traffic that lands by itself."""
    return sim.load("mini").case


@pytest.fixture(scope="module")
def plain():
    return sim.load(MINI).with_changes({"inbound": None, "uncertainty": {}}).case


def trial(case, name, **more):
    strategy = case.strategies[name]
    return Trial(
        strategy, strategy.static_scheme, case.network, case.demands, case.demands.gbps,
        Streams(case.seed, 0), **more,
    )  # fmt: skip


def last(routes):
    *_, end = routes
    return end


def test_before_a_failure_a_trial_is_settled(plain):
    for name, strategy in plain.strategies.items():
        routes = settled(
            strategy, strategy.static_scheme, plain.network, plain.demands, plain.demands.gbps,
            Streams(plain.seed, 0),
        )  # fmt: skip
        assert not len(last(trial(plain, name).settle()).changed(last(routes)))


def test_static_routes_are_those_of_the_network_that_is_left(plain):
    case = trial(plain, "static")
    before = last(case.settle())
    link = plain.network.links[plain.network.exits[0]]
    case.fail([Fault("link", link)])
    after = last(case.settle())
    hurt = plain.network.failed(links=[link])
    scheme = plain.strategies["static"].static_scheme
    expected = scheme.route(hurt, plain.demands)
    np.testing.assert_allclose(
        after.loads(plain.demands.gbps), expected.loads(plain.demands.gbps), atol=1e-9
    )
    assert len(after.changed(before))
    np.testing.assert_array_equal(case.network.up, hurt.up)


def test_a_cut_in_part_moves_a_controller_and_no_igp(plain):
    cut = Fault("cable", "GD-HK", 0.5)
    for name in plain.strategies:
        case = trial(plain, name)
        before = last(case.settle())
        case.fail([cut])
        moved = len(last(case.settle()).changed(before))
        assert bool(moved) == plain.strategies[name].has_controller, name


def test_what_is_learned_before_the_start_is_learned_once(inbound, monkeypatch):
    """Bit by bit the same, whether a trial learned by itself or took over what another did."""
    from simulator.control.announcing import Announcing

    learned = []
    learn = Announcing._learn_before_start
    monkeypatch.setattr(
        Announcing, "_learn_before_start", lambda self: (learned.append(1), learn(self))[1]
    )
    world, kept = inbound.inbound_world(Streams(inbound.seed, 0)), {}
    faults = [[Fault("cable", "TPE")], [Fault("link", "beijing-la")], [Fault("cable", "TPE")]]
    shared, alone = [], []
    for each in faults:
        for found, more in ((shared, {"at_start": kept}), (alone, {})):
            case = trial(inbound, "sdn", inbound=world.apart(), **more)
            last(case.settle())
            case.fail(each)
            found.append(last(case.settle()).loads(inbound.demands.gbps))
    assert len(learned) == 1 + len(faults)
    np.testing.assert_array_equal(np.array(shared), np.array(alone))


def test_inbound_traffic_lands_elsewhere_when_its_exit_is_gone(inbound):
    world = inbound.inbound_world(Streams(inbound.seed, 0))
    case = trial(inbound, "igp", inbound=world.apart())
    before = last(case.settle())
    landed = inbound.network.exit_arcs["in"]
    gone = int(landed[np.argmax(before.loads(inbound.demands.gbps)[landed])])
    case.fail([Fault("link", inbound.network.links[gone // 2])])
    after = last(case.settle())
    mine = inbound.demands.of_class("international_in")
    assert after.loads(inbound.demands.gbps)[gone] == 0.0
    np.testing.assert_allclose(after.served[mine], 1.0, atol=1e-9)
    # Neighbours choose the next exit, which is not always that of the shortest path.
    igp = IgpEcmp().route(case.network, inbound.demands)
    assert not np.allclose(after.loads(inbound.demands.gbps), igp.loads(inbound.demands.gbps))
    # What follows one trial is not in the world of the others.
    assert not world.changed
