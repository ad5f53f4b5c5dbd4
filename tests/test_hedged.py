"""Hedged routes: what they promise about faults, against closed forms and the faults themselves."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from helpers import asks, case_of, play, sdn, static, two_exits
from laws import fingerprint
from scipy import sparse
from scipy.optimize import linprog

from simulator.model.demands import INTERNATIONAL
from simulator.optimise import hedge as hedge_program
from simulator.optimise.hedge import RESERVED_MS
from simulator.optimise.hedge_paths import fault_sets
from simulator.paths.candidates import fastest_paths
from simulator.routing.hedged import Hedged
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.min_max import MinMax
from simulator.routing.production import Production

pytestmark = pytest.mark.usefixtures("no_headroom")

ABROAD = {"gw": "gateway", "pop": "pop"}


def bundle(*exits, cables=()):
    """A home, a gateway, and exits from (capacity, delay) to one place abroad."""
    links = [("inner", "home", "gw", 1e6, 1.0, 1.0)]
    links += [(f"exit-{i}", "gw", "pop", gbps, 1.0, ms) for i, (gbps, ms) in enumerate(exits)]
    network = make_tiny(*links, **ABROAD)
    for i, shares in enumerate(cables):
        network = network.with_link(f"exit-{i}", cables=shares)
    return network


def after(network, routes, demands, **faults):
    """Load, capacity and served shares after faults to which only the sources have reacted."""
    hit = network.failed(**faults)
    left = routes.without_arcs(~hit.up)
    assert left.rescales
    return left.loads(demands.gbps), np.where(hit.up, hit.capacity_gbps, 0.0), left.served


def every_fault(network, of):
    """Every single exit down and every single cable cut."""
    if of in ("exits", "both"):
        yield from ({"links": [network.links[i]]} for i in network.exits)
    if of in ("cables", "both"):
        yield from ({"cables": [cable]} for cable in network.cables)


def least_theta(network, demands, **options):
    return Hedged(utilisation_cap=0.0, **options).route(network, demands).certificate.mlu


# -- closed forms -------------------------------------------------------------------------------


@pytest.mark.parametrize(("links", "faults"), [(2, 1), (3, 1), (5, 1), (3, 2), (4, 2), (6, 2)])
def test_n_equal_links_hedged_against_k_faults_admit_n_minus_k(links, faults):
    network = bundle(*[(10.0, 5.0 + i) for i in range(links)])
    most = 10.0 * (links - faults)
    demands = asks(network, ("home", "pop", most * (1 - 1e-6)))
    for factor in (1.0, 0.3):
        got = least_theta(network, demands.scaled(factor), faults=faults)
        assert got == pytest.approx(factor * (1 - 1e-6), rel=1e-8)
    # Seven times as much is more than all of them hold before any fault: nothing can be hedged.
    got = least_theta(network, demands.scaled(7.0), faults=faults)
    assert got == pytest.approx(7.0 * most * (1 - 1e-6) / (10.0 * links), rel=1e-7)
    routes = Hedged(faults=faults).route(network, demands)
    assert routes.certificate.status == "limited paths: hedged"
    exits = [network.links[i] for i in network.exits]
    for dead in combinations(exits, faults):
        load, capacity, served = after(network, routes, demands, links=dead)
        assert (load <= capacity + 1e-6).all()
        assert served == pytest.approx(1.0)
    more = Hedged(faults=faults).route(network, demands.scaled(1.01))
    assert more.certificate.status == "limited paths: hedged to 99 %"
    assert more.certificate.mlu == pytest.approx(1.01, rel=1e-5)


@pytest.mark.parametrize("wide", [[3.0, 7.0], [10.0, 4.0, 5.0], [2.0, 2.0, 9.0, 6.0]])
def test_unequal_links_admit_all_but_the_widest(wide):
    network = bundle(*[(gbps, 1.0) for gbps in wide])
    demands = asks(network, ("home", "pop", 1.0))
    assert least_theta(network, demands) == pytest.approx(1 / (sum(wide) - max(wide)), rel=1e-8)


A, B = {"A": 0.6, "B": 0.4}, {"C": 0.5, "D": 0.5}


@pytest.mark.parametrize(
    ("cables", "options", "room"),
    [
        # Partial cuts go unnoticed by the sources: what each exit has left must do.
        ([A], {"of": "cables"}, 0.4 * 10),
        ([A, B], {"of": "cables"}, 0.4 * 10 + 0.5 * 20),
        # Either exit goes down whole with its cable.
        ([{"A": 1.0}, {"B": 1.0}], {"of": "cables"}, 10),
        ([{"A": 1.0}, {"B": 1.0}, {"C": 1.0}], {"of": "cables"}, 10 + 20),
        # One cable takes both of the first two, which leaves the third.
        ([{"A": 1.0}, {"A": 1.0}, {"C": 1.0}], {"of": "cables"}, 30),
        # Two cuts take the first exit down, or leave it 0.4; the second keeps what it has.
        ([A, {}], {"of": "cables", "faults": 2}, 20),
        # An exit that two cuts leave a tenth of.
        ([{"A": 0.6, "B": 0.3, "C": 0.1}], {"of": "cables", "faults": 2}, 0.1 * 10),
        # Exits and cables: the exit left after the other went down is whole.
        ([A, B], {"of": "both"}, 0.4 * 10),
        ([{}, {}, {}], {"of": "exits"}, 10 + 20),
    ],
)
def test_cables_take_their_share(cables, options, room):
    network = bundle(*[(10.0 * (i + 1), 1.0) for i in range(len(cables))], cables=cables)
    demands = asks(network, ("home", "pop", 8.0))
    assert least_theta(network, demands, **options) == pytest.approx(8.0 / room, rel=1e-8)


def test_background_takes_room():
    network = bundle((10.0, 1.0), (10.0, 2.0))
    load = np.zeros(len(network.tail))
    load[network.exit_arcs["out"]] = 4.0
    demands = asks(network, ("home", "pop", 3.0))
    assert least_theta(network.carrying(load), demands) == pytest.approx(0.7, rel=1e-8)


def test_the_cost_is_what_second_ways_are_slower_by():
    # 6 Gbps on each of the two fastest; the slow third is not worth it.
    network = bundle((10.0, 10.0), (10.0, 14.0), (10.0, 50.0))
    demands = asks(network, ("home", "pop", 6.0))
    routes = Hedged().route(network, demands)
    shares = {network.links[arcs[-1] // 2]: share for _, share, arcs in routes.paths()}
    assert shares == {"exit-0": pytest.approx(0.5), "exit-1": pytest.approx(0.5)}
    proof = routes.certificate
    assert proof.objective == pytest.approx(6.0 * 4.0 + 12.0 * RESERVED_MS, rel=1e-8)
    assert proof.mlu == pytest.approx(0.6)
    assert proof.gap < 1e-8


# -- every fault, one by one --------------------------------------------------------------------


def just_fits(case, of):
    """The case at a load that a hedge can just carry, hardly any of it off the exits."""
    network, demands = case
    demands = demands.scaled(0.1, ("domestic", "transit"))
    return network, demands.scaled(0.999 / least_theta(network, demands, of=of))


def overflows(network, routes, demands, of):
    """Largest load over capacity left after any single fault."""
    worst = 0.0
    for fault in every_fault(network, of):
        load, capacity, _ = after(network, routes, demands, **fault)
        worst = max(worst, (load / np.maximum(capacity, 1e-9)).max())
    return worst


CASES = {f"random {seed}": (make_random_case, seed) for seed in (10, 11, 12, 14)}
CASES |= {"large": (make_random_case, 20, "large"), "mini": (built_in, "china169-mini")}


@pytest.mark.parametrize("of", ["exits", "cables", "both"])
@pytest.mark.parametrize("name", CASES)
def test_no_single_fault_overflows(name, of):
    make, *how = CASES[name]
    network, demands = just_fits(make(*how), of)
    routes = Hedged(of=of).route(network, demands)
    assert routes.certificate.status.startswith("limited paths: hedged")
    assert routes.certificate.gap < 1e-6
    count = 0
    for fault in every_fault(network, of):
        load, capacity, served = after(network, routes, demands, **fault)
        assert (load <= capacity * (1 + 1e-7)).all()
        can = IgpEcmp().route(network.failed(**fault), demands).served
        np.testing.assert_allclose(served, can, atol=1e-9)
        count += 1
    assert count >= 4
    load, capacity, _ = after(network, routes, demands)
    assert (load <= capacity * (1 + 1e-7)).all()


def test_two_faults_at_once_do_not_overflow():
    network, demands = built_in("china169-mini")
    la = demands.take(demands.of_class(INTERNATIONAL))
    la = la.take(la.source == network.node_index["pop-los-angeles"])  # by three exits
    la = la.scaled(0.999 / least_theta(network, la, faults=2))
    routes = Hedged(faults=2).route(network, la)
    assert routes.certificate.status == "limited paths: hedged"
    fullest = 0.0
    for dead in combinations([network.links[i] for i in network.exits], 2):
        load, capacity, served = after(network, routes, la, links=dead)
        assert (load <= capacity * (1 + 1e-7)).all()
        assert served == pytest.approx(1.0)
        fullest = max(fullest, (load / np.maximum(capacity, 1e-9)).max())
    assert fullest == pytest.approx(0.999, rel=1e-6)
    # Hedged against one fault alone, two of them cut demands off.
    once = Hedged(faults=1).route(network, la)
    assert any(
        after(network, once, la, links=dead)[2].min() == 0.0
        for dead in combinations([network.links[i] for i in network.exits], 2)
    )


def test_without_a_hedge_the_same_load_overflows():
    worst = {}
    for name, (make, *how) in CASES.items():
        network, demands = just_fits(make(*how), "exits")
        plain = replace(MinMax().route(network, demands), rescales=True)
        worst[name] = overflows(network, plain, demands, "exits")
    assert sum(most > 1.01 for most in worst.values()) >= 2, worst


# -- the program, solved by another ------------------------------------------------------------


def reference(network, demands, paths, of, cap):
    """Least theta, and the least cost at max(theta, cap), by scipy from the definition.

    Rows are written down fault by fault from ``Network.without``, for all demands alike.
    """
    on = np.zeros((len(paths.demand), len(network.tail)))
    for p in range(len(paths.demand)):
        on[p, paths.arcs[paths.starts[p] : paths.starts[p + 1]]] = 1.0
    least, dead = network.capacity_gbps.copy(), [np.zeros(len(network.tail), bool)]
    for fault in every_fault(network, of):
        hit = network.failed(**fault)
        dead.append(~hit.up)
        least = np.where(hit.up, np.minimum(least, hit.capacity_gbps), least)
    rows, rhs = [], []
    for down in dead:
        alive = ~(on[:, down] > 0).any(axis=1)
        for k in range(len(demands)):
            mine = alive & (paths.demand == k)
            if mine.any():
                rows.append([*-mine.astype(float), 0.0])
                rhs.append(-demands.gbps[k])
    for arc in np.flatnonzero(on.any(axis=0)):
        rows.append([*on[:, arc], -least[arc]])
        rhs.append(-network.background_gbps[arc])
    matrix, rhs = sparse.csr_array(np.array(rows)), np.array(rhs)
    cost = np.zeros(len(paths.demand) + 1)
    cost[-1] = 1.0
    theta = linprog(cost, A_ub=matrix, b_ub=rhs, method="highs").fun
    delay = paths.sums(network.delay_ms)
    best = np.array([delay[paths.demand == k].min(initial=np.inf) for k in range(len(demands))])
    cost = np.append(delay - best[paths.demand] + RESERVED_MS, 0.0)
    bounds = [(0, None)] * len(delay) + [(0, max(theta, cap))]
    return theta, linprog(cost, A_ub=matrix, b_ub=rhs, bounds=bounds, method="highs").fun


@pytest.mark.parametrize("of", ["exits", "cables", "both"])
@pytest.mark.parametrize("case", [(0, "small"), (3, "small"), (10, "medium"), (13, "medium")])
def test_scipy_agrees(case, of):
    network, demands = make_random_case(*case)
    demands = demands.take(demands.of_class(INTERNATIONAL))
    network = network.carrying(network.capacity_gbps * 0.1)
    paths = fastest_paths(network, demands, 12)
    demands = demands.scaled(0.5 / reference(network, demands, paths, of, 0.0)[0])
    for cap in (0.0, 0.9):
        theta, cost = reference(network, demands, paths, of, cap)
        routes = Hedged(of=of, paths=12, utilisation_cap=cap).route(network, demands)
        proof = routes.certificate
        assert proof.columns == len(paths.demand)
        assert proof.objective == pytest.approx(cost, rel=1e-6)
        assert proof.bound <= proof.objective
        if cap == 0.0:
            assert proof.mlu == pytest.approx(theta, rel=1e-7)
            assert proof.mlu_bound <= theta * (1 + 1e-9)


def test_the_bound_is_no_copy_of_the_answer():
    # Prices of another program still give a bound, only a worse one: the proof is of the prices.
    network, demands = built_in("china169-mini")
    seen = []

    class Spoilt(hedge_program.Program):
        def solve(self):
            solution = super().solve()
            seen.append(solution)
            return replace(solution, prices=solution.prices * 0.9)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hedge_program, "Program", Spoilt)
        proof = Hedged(utilisation_cap=2.0).route(network, demands).certificate
    assert seen
    assert 1e-3 < proof.gap < 1.0


def nearly_full(seed):
    """International traffic that fits, but leaves too little room to hedge all of it."""
    network, demands = make_random_case(seed)
    demands = demands.take(demands.of_class(INTERNATIONAL))
    least = MinMax().route(network, demands).certificate.mlu
    return network, demands.scaled(0.95 / least)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("of", ["exits", "both"])
def test_a_hedge_that_cannot_hold_is_no_reason_to_fill_links_before_any_fault(seed, of):
    network, demands = nearly_full(seed)
    routes = Hedged(of=of, paths=12).route(network, demands)
    if "over-full" not in routes.certificate.status:  # else the paths offered are too few
        assert (routes.loads(demands.gbps) <= network.capacity_gbps * (1 + 1e-6)).all()
    if "hedged to" in routes.certificate.status:
        for fault in every_fault(network, of):
            load, capacity, _ = after(network, routes, demands, **fault)
            used = load[capacity > 0] / capacity[capacity > 0]
            assert used.max() <= routes.certificate.mlu * (1 + 1e-6), "as promised"


def test_enough_of_these_are_hedged_in_part():
    cases = [nearly_full(seed) for seed in range(8)]
    found = [Hedged(paths=12).route(*case).certificate.status for case in cases]
    assert sum("hedged to" in status for status in found) >= 3, found


# -- what it says of itself ---------------------------------------------------------------------


def test_what_cannot_be_helped_is_no_reason_to_fill_other_exits():
    # To a, 20 Gbps over two exits of 10: after a fault one is twice over-full, whatever is done.
    # To b, 15 over three of 10: 7.5 on each of them fit, though two are faster.
    network = make_tiny(
        ("inner", "home", "gw", 1e6, 1.0, 1.0),
        *[(f"a{i}", "gw", "a", 10.0, 1.0, 5.0) for i in range(2)],
        *[(f"b{i}", "gw", "b", 10.0, 1.0, [5.0, 5.0, 90.0][i]) for i in range(3)],
        gw="gateway", a="pop", b="pop",
    )  # fmt: skip
    demands = asks(network, ("home", "a", 20.0), ("home", "b", 15.0))
    routes = Hedged().route(network, demands)
    assert routes.certificate.status == "limited paths: hedged to 50 %"
    assert routes.certificate.mlu == pytest.approx(2.0)
    for i in range(3):
        load, capacity, _ = after(network, routes, demands, links=[f"b{i}"])
        to_b = network.head == network.node_index["b"]
        assert (load[to_b] <= capacity[to_b] + 1e-6).all()


def test_a_demand_with_a_single_way_is_routed_and_counted():
    network = make_tiny(
        ("inner", "home", "gw", 1e6, 1.0, 1.0),
        ("only", "gw", "a", 10.0, 1.0, 5.0),
        ("b0", "gw", "b", 10.0, 1.0, 5.0),
        ("b1", "gw", "b", 10.0, 1.0, 6.0),
        gw="gateway", a="pop", b="pop",
    )  # fmt: skip
    demands = asks(network, ("home", "a", 9.0), ("home", "b", 9.0))
    routes = Hedged().route(network, demands)
    assert routes.certificate.status == "limited paths: hedged, 1 without a second way"
    load, capacity, served = after(network, routes, demands, links=["only"])
    assert served.tolist() == [0.0, 1.0]
    load, capacity, served = after(network, routes, demands, links=["b0"])
    assert served == pytest.approx(1.0)
    assert (load <= capacity + 1e-9).all()


def test_full_backgrounds_elsewhere_do_not_loosen_the_hedge():
    # A core link that others fill is not the hedge's doing; its own exits stay within capacity.
    network = make_tiny(
        ("fast", "home", "gw", 100.0, 1.0, 1.0),
        ("slow", "home", "gw2", 100.0, 1.0, 2.0),
        ("across", "gw", "gw2", 100.0, 1.0, 1.0),
        *[(f"exit-{i}", "gw", "pop", 10.0, 1.0, [5.0, 5.0, 90.0][i]) for i in range(3)],
        ("exit-3", "gw2", "pop", 10.0, 1.0, 6.0),
        gw2="gateway", **ABROAD,
    )  # fmt: skip
    load = np.zeros(len(network.tail))
    load[2 * network.link_index["slow"]] = 150.0
    demands = asks(network, ("home", "pop", 15.0))
    routes = Hedged().route(network.carrying(load), demands)
    assert routes.certificate.status == "limited paths: hedged"
    assert routes.certificate.mlu <= 1.0 + 1e-9
    assert not any(network.arc_name(a) == "home>gw2" for _, _, p in routes.paths() for a in p)
    # As good, and as expensive, as if the full link were not there.
    without = Hedged().route(network.failed(links=["slow"]), demands).certificate
    assert routes.certificate.objective == pytest.approx(without.objective, rel=1e-8)


def test_a_cable_that_is_cut_already_is_no_fault_to_come():
    network = built_in("china169-mini")[0]
    la = 2 * network.link_index["beijing-la"]
    whole, cut = fault_sets(network, "cables", 1), network.failed(cables=["TPE"])
    assert whole.least_left[la] == pytest.approx(0.3)
    # The other one takes what is left: 0.3 of what is installed.
    assert fault_sets(cut, "cables", 1).least_left[la] == 1.0
    assert fault_sets(cut, "cables", 1).dead[:, la].sum() == 1
    # In whatever unit, and with an exit down.
    tiny = cut.under(capacity_gbps=cut.capacity_gbps * 1e-9)
    assert np.array_equal(fault_sets(tiny, "cables", 1).dead, fault_sets(cut, "cables", 1).dead)
    worse = fault_sets(cut.failed(links=["shanghai-la"]), "both", 1)
    assert worse.least_left[la] == 1.0
    assert len(worse.dead) == len(fault_sets(cut, "both", 1).dead) - 1


@pytest.mark.parametrize(
    ("cut", "faults", "least", "dead"),
    [
        ({}, 1, 0.5, 0),
        ({"A": 1.0}, 1, 0.2 / 0.5, 0),  # B takes 0.3 of the 0.5 that are left
        ({"A": 1.0}, 2, 0.2 / 0.5, 1),
        ({"A": 0.5}, 1, 0.45 / 0.75, 0),  # B: A has 0.25 left to lose
        ({"A": 1.0, "B": 1.0}, 1, 1.0, 1),
        ({"A": 1.0, "B": 1.0, "C": 1.0}, 1, 1.0, 0),  # what is down goes down no more
    ],
)
def test_faults_to_come_take_shares_of_what_is_installed(cut, faults, least, dead):
    network = bundle((10.0, 1.0), cables=[{"A": 0.5, "B": 0.3, "C": 0.2}]).failed(cables=cut)
    sets = fault_sets(network, "cables", faults)
    exit_0 = 2 * network.link_index["exit-0"]
    assert sets.least_left[exit_0] == pytest.approx(least)
    assert sets.dead[:, exit_0].sum() == dead


# -- paths --------------------------------------------------------------------------------------


def exits_used(network, routes):
    return {network.links[a // 2] for _, _, arcs in routes.paths() for a in arcs if a // 2 in
            network.exits}  # fmt: skip


@pytest.mark.parametrize(
    ("stretch_ms", "gbps", "expected"),
    [
        (None, 12.0, {"exit-0", "exit-1", "exit-2"}),
        (25.0, 12.0, {"exit-0", "exit-1"}),  # over-full, but no slower
        (20.0, 5.0, {"exit-0", "exit-1"}),
        (5.0, 5.0, {"exit-0", "exit-1"}),  # the faster of two that are too slow, for its fault
        (0.0, 5.0, {"exit-0", "exit-1"}),
    ],
)
def test_no_path_is_slower_than_the_stretch_unless_it_alone_survives(stretch_ms, gbps, expected):
    network = bundle((10.0, 10.0), (10.0, 30.0), (10.0, 100.0))
    demands = asks(network, ("home", "pop", gbps))
    routes = Hedged(stretch_ms=stretch_ms).route(network, demands)
    assert exits_used(network, routes) == expected


def test_the_stretch_holds_on_a_whole_network(mini):
    network, demands = mini
    routes = Hedged(stretch_ms=15.0).route(network, demands)
    delay = {}
    for k, _, arcs in routes.paths():
        delay.setdefault(k, []).append(network.delay_ms[list(arcs)].sum())
    paths = fastest_paths(network, demands, 9)
    length, seen = paths.sums(network.delay_ms), set()
    for k in np.flatnonzero(demands.of_class(INTERNATIONAL)):
        fastest = length[paths.demand == k].min()
        slow = [ms for ms in delay[k] if ms > fastest + 15.0 + 1e-3]
        near = {
            int(arc)
            for p in np.flatnonzero((paths.demand == k) & (length <= fastest + 15.0))
            for arc in paths.arcs[paths.starts[p] : paths.starts[p + 1]]
            if arc // 2 in network.exits
        }
        assert len(slow) <= (len(near) == 1), "a path is slow though another exit is near"
        seen.add(len(near) == 1)
    assert seen == {True, False}


def test_faults_that_kill_all_the_listed_paths_find_another():
    # The three fastest of four exits share a cable; only the slowest survives its cut.
    network = bundle(*[(10.0, 10.0 + i) for i in range(4)], cables=[{"A": 1.0}] * 3 + [{"B": 1.0}])
    demands = asks(network, ("home", "pop", 9.0))
    routes = Hedged(of="cables", paths=3).route(network, demands)
    assert routes.certificate.status == "limited paths: hedged"
    load, capacity, served = after(network, routes, demands, cables=["A"])
    assert served == pytest.approx(1.0)
    assert (load <= capacity + 1e-9).all()


def test_domestic_traffic_follows_the_metric(mini):
    network, demands = mini
    here = np.flatnonzero(demands.of_class("domestic"))
    got = Hedged().route(network, demands).take(here)
    expected = IgpEcmp().route(network, demands).take(here)
    assert abs(got.matrix - expected.matrix).max() < 1e-12


# -- churn --------------------------------------------------------------------------------------


def drifted(case):
    """The case, its routes, and rates that have fallen and drifted since, so that they still do."""
    network, demands = just_fits(case, "exits")
    noise = np.random.default_rng(3).lognormal(0.0, 0.1, len(demands))
    return network, Hedged().route(network, demands), demands.with_gbps(demands.gbps * noise * 0.7)


@pytest.mark.parametrize("name", ["random 10", "random 14", "large"])
def test_a_penalty_holds_routes_and_none_forgets_them(name):
    make, *how = CASES[name]
    network, current, now = drifted(make(*how))
    free = Hedged().route(network, now, current)
    assert fingerprint(free) == fingerprint(Hedged().route(network, now))
    assert free.moved(current, now.gbps).gbps > 1e-3
    held = Hedged(churn_penalty_ms=1e6).route(network, now, current)
    assert held.certificate.status.startswith("limited paths: hedged")
    assert held.moved(current, now.gbps).gbps < 1e-6


@pytest.mark.parametrize(("penalty_ms", "moves"), [(0.0, True), (9.0, True), (11.0, False)])
def test_a_gbps_moves_when_that_saves_more_than_the_penalty(penalty_ms, moves):
    # The second exit comes back: it is 10 ms faster than the third, which took its place.
    network = bundle((10.0, 10.0), (10.0, 20.0), (10.0, 30.0))
    demands = asks(network, ("home", "pop", 5.0))
    current = Hedged().route(network.failed(links=["exit-1"]), demands)
    assert exits_used(network, current) == {"exit-0", "exit-2"}
    routes = Hedged(churn_penalty_ms=penalty_ms).route(network, demands, current)
    second = "exit-1" if moves else "exit-2"
    assert exits_used(network, routes) == {"exit-0", second}


def test_routes_that_fit_no_longer_move_all_the_same():
    network = bundle((10.0, 10.0), (10.0, 20.0), (10.0, 30.0))
    demands = asks(network, ("home", "pop", 9.0))
    current = Hedged().route(network, demands)
    now = demands.scaled(2.0)  # 18 Gbps need all three exits
    routes = Hedged(churn_penalty_ms=1e6).route(network, now, current)
    assert routes.certificate.status == "limited paths: hedged"
    assert exits_used(network, routes) == {"exit-0", "exit-1", "exit-2"}
    # And routes on an exit that is down leave it.
    less = network.failed(links=["exit-0"])
    routes = Hedged(churn_penalty_ms=1e6).route(less, demands, current)
    assert exits_used(network, routes) == {"exit-1", "exit-2"}


def test_paths_in_use_stay_on_offer():
    # By way of two fastest exits only, but the current routes use the third.
    network = bundle((10.0, 10.0), (10.0, 20.0), (10.0, 30.0))
    demands = asks(network, ("home", "pop", 5.0))
    current = Hedged().route(network.failed(links=["exit-1"]), demands)
    few = Hedged(paths=2, churn_penalty_ms=50.0).route(network, demands, current)
    assert exits_used(network, few) == {"exit-0", "exit-2"}
    assert few.certificate.columns == 3


# -- the same answer ----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e9, 1e-9])
@pytest.mark.parametrize("options", [{"of": "both"}, {"faults": 2}, {"churn_penalty_ms": 3.0}])
def test_the_unit_of_rates_does_not_matter(mini, unit, options):
    network, demands = mini
    made = Hedged(**options)
    current = made.route(network.failed(links=["beijing-la"]), demands)
    routes = made.route(network, demands, current)
    scaled = network.under(capacity_gbps=network.capacity_gbps * unit)
    other = made.route(scaled, demands.with_gbps(demands.gbps * unit), current)
    assert abs(other.matrix - routes.matrix).max() < 1e-6
    assert other.certificate.mlu == pytest.approx(routes.certificate.mlu, rel=1e-9)


def test_the_same_bytes_whatever_the_network_remembers():
    network, demands = built_in("china169-mini")
    made = Production()
    current = made.route(network, demands)
    later = demands.with_gbps(demands.gbps * np.linspace(0.8, 1.2, len(demands)))
    first = fingerprint(made.route(network, later, current))
    fresh, _ = built_in("china169-mini")
    assert fingerprint(made.route(fresh, later, made.route(fresh, demands))) == first
    assert fingerprint(made.route(network, later, current)) == first


def test_production_is_hedged_with_other_defaults(mini):
    network, demands = mini
    as_hedged = Hedged(utilisation_cap=0.95, stretch_ms=60.0, churn_penalty_ms=5.0)
    current = MinMax().route(network, demands)
    same = as_hedged.route(network, demands, current)
    assert fingerprint(Production().route(network, demands, current)) == fingerprint(same)


# -- over time ----------------------------------------------------------------------------------


#: The near exit fails 100 s after a cycle: the next is 200 s away, and news comes first.
FAULT = {"at_h": 400 / 3600, "link": "near", "until_h": 0.5}


@pytest.mark.parametrize("detect_s", [0.0, 1.5])
def test_a_hedge_loses_nothing_between_news_and_new_routes(detect_s):
    # 80 of 100 Gbps on each of two exits. min_max and hedged send 40 by each. For 2 s the rules
    # reconverge: the tunnels of min_max over the dead exit are black holes until then.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 80.0))
    timing = {"detect_s": detect_s, "converge_s": 2.0, "compute_s": 3.0, "install_s": 4.0}
    strategies = {
        "plain": sdn("min_max", **timing),
        "hedged": sdn("hedged", **timing),
        "static": static("hedged", detect_s=detect_s, converge_s=2.0),
    }
    got = play(case_of(network, demands, strategies, hours=0.25, events=[FAULT]))
    assert got.figure("lost_gbit", strategy="plain") == pytest.approx(40.0 * (detect_s + 2.0))
    for name in ("hedged", "static"):
        assert got.figure("lost_gbit", strategy=name) == pytest.approx(40.0 * detect_s, abs=1e-6)


def test_a_hedge_also_fits_where_the_rules_would_overflow():
    # 190 Gbps over three exits of 100: a third each. After the fault the rules put what min_max
    # had on the near exit onto one of the others; the hedge has 95 on each.
    links = [(f"to-{n}", "home", f"gw-{n}", 1e3, 1.0 + i, 1.0) for i, n in enumerate("abc")]
    links += [(n, f"gw-{n}", "abroad", 100.0, 1.0, 10.0) for n in "abc"]
    kinds = {f"gw-{n}": "gateway" for n in "abc"}
    network = make_tiny(*links, abroad="pop", **kinds)
    demands = asks(network, ("home", "abroad", 190.0))
    timing = {"detect_s": 0.0, "converge_s": 2.0, "compute_s": 3.0, "install_s": 4.0}
    strategies = {"plain": sdn("min_max", **timing), "hedged": sdn("hedged", **timing)}
    fault = {**FAULT, "link": "a"}
    got = play(case_of(network, demands, strategies, hours=0.25, events=[fault]))
    third = 190.0 / 3
    lost = third * 2.0 + (2 * third - 100.0) * 5.0
    assert got.figure("lost_gbit", strategy="plain") == pytest.approx(lost, rel=1e-6)
    assert got.figure("lost_gbit", strategy="hedged") == pytest.approx(0.0, abs=1e-6)


def test_a_second_fault_while_the_rules_reconverge_is_acted_on_as_well():
    # The rules reconverge for 60 s after the first fault; 10 s into it the second one comes.
    network = bundle((100.0, 10.0), (100.0, 20.0), (100.0, 30.0))
    demands = asks(network, ("home", "pop", 90.0))
    strategy = sdn({"kind": "hedged", "faults": 2}, detect_s=0.0, converge_s=60.0, install_s=100.0)
    events = [
        {"at_h": (400 + 10 * i) / 3600, "link": f"exit-{i}", "until_h": 0.5} for i in range(2)
    ]
    got = play(case_of(network, demands, strategy, hours=0.25, events=events))
    assert got.figure("lost_gbit") == pytest.approx(0.0, abs=1e-6)


def test_repaired_exits_are_used_again_by_rescaling_sources():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 80.0))
    strategy = static("hedged", detect_s=0.0, converge_s=2.0)
    fault = {"at_h": 400 / 3600, "link": "near", "until_h": 700 / 3600}
    got = play(case_of(network, demands, strategy, hours=0.25, step_s=100.0, events=[fault]))
    near = got.arc("near", "gw-near")["offered_gbps"]
    assert near.to_numpy() == pytest.approx([40.0] * 4 + [0.0] * 3 + [40.0 * 0.98, 40.0])
