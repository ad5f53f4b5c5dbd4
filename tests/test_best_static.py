"""Best static splits: by hand, against every other static scheme, and against SciPy."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from helpers import case_of, play, static, two_exits
from laws import fingerprint
from scipy.optimize import linprog

from simulator.engines.case import with_window
from simulator.model.demands import Demands
from simulator.optimise import path_problem
from simulator.paths import candidates
from simulator.paths.shortest import Destinations, shortest_to, shortest_to_each
from simulator.routing.best_static import BestStatic
from simulator.routing.min_max import MinMax
from simulator.routing.route import route
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.traffic import Series

MEASURES = ["worst", "mean"]
by_measure = pytest.mark.parametrize("measure", MEASURES)


def planned(demands, window):
    return replace(demands, window_gbps=np.asarray(window, dtype=float))


def on_clocks(network, demands, instants=24):
    """The window of a day with a daily curve in local time."""
    series = Series(network, demands, (Diurnal(),), 24.0 / instants)
    return with_window(demands, series, 24 * 3600.0)


@functools.cache
def random_case(seed, size="small", instants=5):
    """A random case in which every demand goes its own way through the window."""
    network, demands = make_random_case(seed, size)
    rng = np.random.default_rng(seed)
    factors = rng.lognormal(0.0, 0.7, (len(demands), instants))
    return network, planned(demands, demands.gbps[:, None] * factors)


def used(network, demands, routes):
    """Utilisation of every arc at every instant of the window."""
    load = routes.loads(demands.window_gbps) + network.background_gbps[:, None]
    live = network.up & (network.capacity_gbps > 0)
    return np.where(live[:, None], load / np.where(live, network.capacity_gbps, 1.0)[:, None], 0.0)


def measured(network, demands, routes, measure="worst"):
    fullest = used(network, demands, routes).max(axis=0)
    return fullest.max() if measure == "worst" else fullest.mean()


# -- by hand -----------------------------------------------------------------------------------


def rivals():
    """Two demands with a link of 10 each to themselves, and one of 10 that both may use."""
    network = make_tiny(
        ("own-a", "a", "A", 10.0), ("own-b", "b", "B", 10.0), ("shared", "m", "n", 10.0),
        ("am", "a", "m", 1e3), ("bm", "b", "m", 1e3), ("nA", "n", "A", 1e3), ("nB", "n", "B", 1e3),
        **dict.fromkeys("abAB", "provincial"),
    )  # fmt: skip
    return network, Demands.of(network, ["a", "b"], ["A", "B"], [8.0, 8.0])


def own_shares(network, routes):
    own = [2 * network.link_index["own-a"], 2 * network.link_index["own-b"]]
    return routes.matrix.toarray()[own, [0, 1]]


def test_demands_that_peak_at_different_hours():
    """With share x on the link of one's own: 12 x = (12 + 4) (1 - x) at both hours."""
    network, demands = rivals()
    demands = planned(demands, [[12, 4], [4, 12]])
    routes = BestStatic().route(network, demands)
    assert own_shares(network, routes) == pytest.approx([4 / 7, 4 / 7], abs=1e-7)
    assert routes.certificate.mlu == pytest.approx(4.8 / 7, rel=1e-8)
    assert measured(network, demands, routes) == pytest.approx(4.8 / 7, rel=1e-7)
    # Planned for the mean alone, (8, 8), two thirds of each stay at home, and the peak tells.
    assert measured(network, demands, MinMax().route(network, demands)) == pytest.approx(0.8)


def test_the_mean_gives_up_a_rare_hour_for_a_common_one():
    """Eight hours like the first: b keeps off the shared link, and a halves itself.

    For y above 4/7 on b's own link, the hours are as full as (8 - 2 y) / 10 and 12 y / 10, if a
    keeps x = (4 - y) / 6: eight of the first outweigh the second, up to y = 1.
    """
    network, demands = rivals()
    demands = planned(demands, [[12] * 8 + [4], [4] * 8 + [12]])
    routes = BestStatic(measure="mean").route(network, demands)
    assert own_shares(network, routes) == pytest.approx([1 / 2, 1], abs=1e-7)
    assert routes.certificate.mlu == pytest.approx((8 * 0.6 + 1.2) / 9, rel=1e-8)
    assert measured(network, demands, routes, "mean") == pytest.approx(6.0 / 9, rel=1e-7)
    worst = BestStatic().route(network, demands)
    assert own_shares(network, worst) == pytest.approx([4 / 7, 4 / 7], abs=1e-7)
    assert measured(network, demands, worst) < measured(network, demands, routes) - 0.5


@by_measure
def test_the_latency_of_the_window_decides_between_equals(measure):
    """A link as wide again but slower stays empty; the objective is a mean over instants."""
    network = make_tiny(
        ("narrow", "s", "m", 10, 1, 1.0), ("fast", "m", "t", 40, 1, 2.0),
        ("slow", "m", "t", 40, 1, 3.0),
    )  # fmt: skip
    demands = planned(Demands.of(network, ["s"], ["t"], [1.0]), [[2.0, 5.0, 8.0]])
    routes = BestStatic(measure=measure).route(network, demands)
    assert routes.loads(np.ones(1))[::2] == pytest.approx([1, 1, 0], abs=1e-9)
    assert routes.certificate.objective == pytest.approx(5.0 * 3.0)
    assert routes.certificate.mlu == pytest.approx({"worst": 0.8, "mean": 0.5}[measure])


def test_background_stays_where_it_is():
    """The shared link carries 4 already: 12 x = 16 (1 - x) + 4."""
    network, demands = rivals()
    demands = planned(demands, [[12, 4], [4, 12]])
    load = np.zeros(len(network.tail))
    load[2 * network.link_index["shared"]] = 4.0
    routes = BestStatic().route(network.carrying(load), demands)
    assert own_shares(network, routes) == pytest.approx([5 / 7, 5 / 7], abs=1e-7)
    assert routes.certificate.mlu == pytest.approx(6 / 7, rel=1e-8)
    assert routes.certificate.gap < 1e-6


@by_measure
def test_background_alone_may_be_the_fullest(measure):
    network, demands = rivals()
    demands = planned(demands, [[12, 4], [4, 12]])
    load = np.zeros(len(network.tail))
    load[2 * network.link_index["shared"]] = 15.0
    routes = BestStatic(measure=measure).route(network.carrying(load), demands)
    assert own_shares(network, routes) == pytest.approx([1, 1], abs=1e-7)
    assert routes.certificate.mlu == pytest.approx(1.5)
    assert routes.certificate.mlu_bound == pytest.approx(1.5, rel=1e-7)


# -- against every other static scheme ---------------------------------------------------------

OTHERS = {
    "igp_ecmp": {}, "nearest_exit": {}, "lowest_latency_exit": {}, "weighted_split": {},
    "homed": {}, "tuned_igp": {"iterations": 60}, "min_max": {},
}  # fmt: skip


@functools.cache
def windowed(name):
    if name == "mini":
        network, demands = built_in("china169-mini")
        return network, on_clocks(network, demands)
    if name == "mini, noisy":
        network, demands = built_in("china169-mini")
        noise = np.random.default_rng(1).lognormal(0, 0.4, (len(demands), 12))
        return network, planned(demands, demands.gbps[:, None] * noise)
    size, seed = name.split()
    return random_case(int(seed), size, 8)


CASES = ["mini", "mini, noisy", *(f"small {i}" for i in range(6))]
CASES += [*(f"medium {i}" for i in range(10, 15)), "large 20"]


@functools.cache
def best(name, measure):
    return BestStatic(measure=measure).route(*windowed(name))


@functools.cache
def other_routes(name, kind):
    return route(kind, *windowed(name), **OTHERS[kind])


@by_measure
@pytest.mark.parametrize("name", CASES)
def test_no_other_static_scheme_is_better(name, measure):
    network, demands = windowed(name)
    mine = measured(network, demands, best(name, measure), measure)
    for kind in OTHERS:
        other = other_routes(name, kind)
        assert (other.served >= best(name, measure).served - 1e-9).all()
        assert mine <= measured(network, demands, other, measure) * (1 + 1e-7), kind


def test_planning_ahead_pays():
    """The comparison above would be no less true of a scheme that plans for the base matrix."""
    better = 0
    for name in CASES:
        network, demands = windowed(name)
        mine = measured(network, demands, best(name, "worst"))
        other = measured(network, demands, other_routes(name, "min_max"))
        better += mine < other * 0.97
    assert better >= len(CASES) // 2


@pytest.mark.parametrize("name", CASES)
def test_each_measure_is_best_at_its_own(name):
    network, demands = windowed(name)
    for measure in MEASURES:
        found = {by: measured(network, demands, best(name, by), measure) for by in MEASURES}
        assert found[measure] == pytest.approx(min(found.values()), rel=1e-7)


@by_measure
@pytest.mark.parametrize("name", CASES)
def test_the_certificate_tells_the_truth(name, measure):
    network, demands = windowed(name)
    routes = best(name, measure)
    proof = routes.certificate
    assert proof.status == "optimal"
    assert proof.mlu == pytest.approx(measured(network, demands, routes, measure), rel=1e-7)
    assert proof.mlu_bound <= proof.mlu
    assert proof.bound <= proof.objective
    assert proof.gap < 1e-6
    mean = demands.window_gbps.mean(axis=1)
    assert proof.objective == pytest.approx(mean @ routes.arrivals(network.delay_ms)[1], rel=1e-6)


@by_measure
@pytest.mark.parametrize("name", CASES)
def test_one_instant_is_min_max(name, measure):
    network, demands = windowed(name)
    bare = replace(demands, window_gbps=None)
    known = other_routes(name, "min_max").certificate
    for one in (bare, planned(bare, bare.gbps[:, None])):
        proof = BestStatic(measure=measure).route(network, one).certificate
        assert proof.mlu == pytest.approx(known.mlu, rel=1e-8)
        assert proof.objective == pytest.approx(known.objective, rel=1e-6)


# -- against SciPy, over all simple paths ------------------------------------------------------


class AllPaths:
    """The same program over a list of all simple paths, with every row there is, in Gbps.

    Variables: shares of the paths, limits of the instants (or one), and a limit on all other arcs.
    """

    def __init__(self, network, demands):
        self.network, self.window = network, demands.window_gbps
        self.paths = [
            (k, path)
            for k in range(len(demands))
            for path in self._walk(demands.source[k], demands.target[k])
        ]
        self.who = np.array([k for k, _ in self.paths])
        self.on = np.zeros((len(self.paths), len(network.tail)))
        for p, (_, path) in enumerate(self.paths):
            self.on[p, path] = 1.0
        self.used = self.on.any(axis=0)

    def _walk(self, source, target):
        network = self.network
        usable = network.usable(bool(network.is_abroad[target]))
        done, open_ends = [], [(source, [source], [])]
        while open_ends:
            at, seen, path = open_ends.pop()
            for arc in np.flatnonzero(usable & (network.tail == at)):
                head = network.head[arc]
                if head == target:
                    done.append([*path, arc])
                elif head not in seen and not network.is_stub[head]:
                    open_ends.append((head, [*seen, head], [*path, arc]))
        return done

    def best(self, measure, counts, others_cap):
        """Measure and mean Gbps ms of the best splits."""
        network, instants = self.network, self.window.shape[1]
        count, levels = len(self.paths), instants if measure == "mean" else 1
        rows, right = [], []
        for arc in np.flatnonzero(self.used):
            for t in range(instants):
                row = np.zeros(count + levels + 1)
                row[:count] = self.on[:, arc] * self.window[self.who, t]
                limit = count + (t % levels) if counts[arc] else -1
                row[limit] = -network.capacity_gbps[arc]
                rows.append(row)
                right.append(-network.background_gbps[arc])
        served = np.unique(self.who)
        equal = np.zeros((len(served), count + levels + 1))
        equal[np.searchsorted(served, self.who), np.arange(count)] = 1.0

        def least(cost, others, most=1e3):
            found = linprog(
                cost, np.array([*rows, each]), [*right, most], equal, np.ones(len(served)),
                bounds=[(0, None)] * (count + levels) + [(0, others)], method="highs",
                options=dict.fromkeys(("primal_feasibility_tolerance",
                                       "dual_feasibility_tolerance"), 1e-10),
            )  # fmt: skip
            assert found.status == 0, found.message
            return found.fun

        alone, each, latency = np.zeros((3, count + levels + 1))
        alone[-1] = 1.0
        each[count:-1] = 1.0 / levels
        mean_gbps = self.window.mean(axis=1)[self.who]
        latency[:count] = mean_gbps * (self.on @ network.delay_ms)
        others = max(others_cap, least(alone, None) * (1 + 1e-9))
        mlu = least(each, others)
        return mlu, least(latency, others, mlu * (1 + 1e-9))


@functools.cache
def all_paths(seed):
    """Demands and all their paths; every other network has load that nothing steers."""
    network, demands = random_case(seed)
    everything = AllPaths(network, demands)
    if seed % 2:
        rng = np.random.default_rng(seed)
        load = rng.uniform(0, 0.3, len(network.tail)) * network.capacity_gbps * everything.used
        everything.network = network.carrying(load)
    return demands, everything


@by_measure
@pytest.mark.parametrize("classes", [(), ("exit",), ("core", "provincial")], ids="+".join)
@pytest.mark.parametrize("seed", range(6))
def test_as_good_as_scipy_over_all_simple_paths(seed, classes, measure):
    demands, everything = all_paths(seed)
    network = everything.network
    counts = np.isin(np.repeat(network.link_class, 2), classes) if classes else everything.used
    counts = counts | ~everything.used
    mlu, latency = everything.best(measure, counts, 0.4)
    routes = BestStatic(measure=measure, classes=classes, others_cap=0.4).route(network, demands)
    proof = routes.certificate
    assert proof.mlu == pytest.approx(mlu, rel=1e-6, abs=1e-8)
    assert proof.mlu_bound <= mlu * (1 + 1e-8) + 1e-9
    assert proof.objective == pytest.approx(latency, rel=1e-5)
    assert proof.gap < 1e-6
    assert np.flatnonzero(routes.served > 0.5).tolist() == np.unique(everything.who).tolist()


# -- what does not matter ----------------------------------------------------------------------


@by_measure
@pytest.mark.parametrize("unit", [1e9, 1e-3, 1e-12])
@pytest.mark.parametrize("name", ["mini", "mini, noisy", "medium 10", "medium 14"])
def test_the_unit_of_rates_does_not_matter(name, unit, measure):
    network, demands = windowed(name)
    rng = np.random.default_rng(3)
    network = network.carrying(rng.uniform(0, 0.1, len(network.tail)) * network.capacity_gbps)
    here = BestStatic(measure=measure).route(network, demands)
    scaled = network.under(capacity_gbps=network.capacity_gbps * unit)
    scaled = scaled.carrying(network.background_gbps * unit)
    there = BestStatic(measure=measure).route(scaled, demands.scaled(unit))
    assert there.certificate.mlu == pytest.approx(here.certificate.mlu, rel=1e-8)
    assert abs(here.matrix - there.matrix).max() < 1e-6


@pytest.mark.parametrize("classes", [(), ("exit",)])
@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e6])
def test_light_and_heavy_traffic_is_spread_alike(factor, classes):
    network, demands = windowed("mini")
    plan = BestStatic(classes=classes, others_cap=0.0)
    usual, other = (plan.route(network, d) for d in (demands, demands.scaled(factor)))
    assert other.certificate.mlu == pytest.approx(usual.certificate.mlu * factor, rel=1e-6)
    assert other.certificate.gap < 1e-6


@by_measure
@pytest.mark.parametrize("name", ["mini", "medium 11"])
def test_two_calls_agree_to_the_last_bit(name, measure):
    network, demands = windowed(name)
    fresh = type(network)(network.graph, network.about)
    again = BestStatic(measure=measure).route(fresh, planned(demands, demands.window_gbps.copy()))
    assert fingerprint(again) == fingerprint(best(name, measure))


@by_measure
def test_neither_the_order_of_instants_nor_their_repetition_matters(measure):
    network, demands = windowed("mini, noisy")
    window = demands.window_gbps
    for instants in (window[:, ::-1], np.tile(window, 3)):
        other = BestStatic(measure=measure).route(network, planned(demands, instants))
        assert other.certificate.mlu == pytest.approx(best("mini, noisy", measure).certificate.mlu)
        assert abs(other.matrix - best("mini, noisy", measure).matrix).max() < 1e-6


@by_measure
def test_an_instant_without_traffic(measure):
    """It is never the worst, and counts as nothing in the mean."""
    network, demands = windowed("mini, noisy")
    instants = demands.window_gbps.shape[1]
    quiet = planned(demands, np.pad(demands.window_gbps, [(0, 0), (0, 2)]))
    proof = BestStatic(measure=measure).route(network, quiet).certificate
    share = instants / (instants + 2) if measure == "mean" else 1.0
    assert proof.mlu == pytest.approx(best("mini, noisy", measure).certificate.mlu * share)
    assert proof.gap < 1e-6


# -- corners -----------------------------------------------------------------------------------


@by_measure
def test_who_cannot_be_served_is_left_out_and_the_rest_is_optimal(measure):
    network, demands = windowed("mini")
    hurt = network.failed(nodes=["pop-tokyo"])
    tokyo = network.node_index["pop-tokyo"]
    lost = (demands.source == tokyo) | (demands.target == tokyo)
    assert lost.any()
    routes = BestStatic(measure=measure).route(hurt, demands)
    np.testing.assert_allclose(routes.served, ~lost)
    alone = BestStatic(measure=measure).route(hurt, demands.take(~lost))
    assert routes.certificate.mlu == pytest.approx(alone.certificate.mlu, rel=1e-9)


def test_a_demand_that_the_window_does_not_expect_takes_its_fastest_path():
    network, demands = rivals()
    routes = BestStatic().route(network, planned(demands, [[12, 4], [0, 0]]))
    assert own_shares(network, routes) == pytest.approx([1 / 2, 1], abs=1e-7)


def test_a_demand_that_is_nothing_now_is_planned_for():
    """The window says what is planned for, not the rate of the moment."""
    network, demands = rivals()
    demands = planned(demands, [[12, 4], [4, 12]]).with_gbps(np.zeros(2))
    routes = BestStatic().route(network, demands)
    assert own_shares(network, routes) == pytest.approx([4 / 7, 4 / 7], abs=1e-7)


@by_measure
def test_a_window_without_traffic(measure):
    network, demands = rivals()
    routes = BestStatic(measure=measure).route(network, planned(demands, np.zeros((2, 3))))
    np.testing.assert_allclose(routes.served, 1.0)
    assert routes.certificate.gap == 0


@by_measure
def test_classes_that_no_link_has(measure):
    """Nothing counts: the least latency with all others capped, at all hours."""
    network, demands = rivals()
    demands = planned(demands, [[12, 4], [4, 12]])
    routes = BestStatic(measure=measure, classes=("access",), others_cap=0.9).route(
        network, demands
    )
    assert own_shares(network, routes) == pytest.approx([9 / 12, 9 / 12], abs=1e-7)


def test_the_certificate_sees_a_gap(monkeypatch):
    """Stopped early, it does not claim to be optimal."""
    network, demands = built_in("china169-mini")
    demands = on_clocks(network, demands)
    least = best("mini", "worst").certificate.mlu
    monkeypatch.setattr(candidates, "FIRST_EXITS", 1)
    monkeypatch.setattr(path_problem, "MAX_ROUNDS", 1)
    proof = BestStatic().route(network, demands).certificate
    assert proof.status == "round limit"
    assert proof.mlu > least + 1e-3
    assert proof.mlu_bound <= least * (1 + 1e-9)
    assert proof.gap > 1e-3


@by_measure
@pytest.mark.parametrize("name", ["mini", "mini, noisy", "medium 10", "medium 13", "large 20"])
def test_no_bound_is_above_the_optimum_wherever_pricing_stops(monkeypatch, name, measure):
    network, demands = windowed(name)
    known = best(name, measure).certificate
    monkeypatch.setattr(candidates, "FIRST_EXITS", 1)
    network = type(network)(network.graph, network.about)
    for rounds in range(1, 8):
        monkeypatch.setattr(path_problem, "MAX_ROUNDS", rounds)
        proof = BestStatic(measure=measure).route(network, demands).certificate
        assert proof.mlu >= known.mlu * (1 - 1e-8)
        assert proof.mlu_bound <= known.mlu * (1 + 1e-8)
        assert proof.bound <= known.objective * (1 + 1e-8)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (np.ones((3, 4)), "a row for each of 2 demands"),
        (np.ones((2, 0)), "at least one instant"),
        (np.ones(2), "found shape"),
        ([[1.0, np.nan], [1.0, 1.0]], "finite"),
        ([[1.0, -1.0], [1.0, 1.0]], "0 or more"),
    ],
)
def test_a_window_that_is_none_is_refused(window, message):
    network, demands = rivals()
    with pytest.raises(ValueError, match=message):
        BestStatic().route(network, planned(demands, window))


def test_unknown_words_are_refused():
    network, demands = rivals()
    with pytest.raises(ValueError, match="mean"):
        route("best_static", network, demands, measure="means")


def test_shortest_ways_with_a_length_for_each_goal():
    """The same as one search after the other."""
    network, demands = make_random_case(12)
    targets = np.repeat(np.unique(demands.target), 2)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.1, 1.0, (len(targets), len(network.tail)))
    near = shortest_to_each(network, weight, Destinations(targets))
    for row, target in enumerate(targets):
        alone = shortest_to(network, weight[row], np.array([target]))
        np.testing.assert_allclose(near.distance[row], alone.distance[0], rtol=1e-12)
        np.testing.assert_allclose(near.via[row], alone.via[0], rtol=1e-12)


# -- in a scenario -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_week_on_the_national_backbone():
    """Pricing ends by itself, with a proof, at a figure that only planning ahead reaches."""
    network, demands = built_in("china169-2017")
    series = Series(network, demands, (Diurnal(),), 1 / 12)
    demands = with_window(demands, series, 168 * 3600.0)
    assert demands.window_gbps.shape[1] == 336
    routes = BestStatic().route(network, demands)
    assert routes.certificate.mlu == pytest.approx(0.565134, abs=1e-6)
    assert routes.certificate.gap < 1e-6
    assert routes.certificate.rounds < 100
    assert measured(network, demands, routes) == pytest.approx(routes.certificate.mlu, rel=1e-7)
    assert measured(network, demands, MinMax().route(network, demands)) > 0.6


def test_a_run_with_the_traffic_expected_is_as_full_as_planned():
    network = two_exits()
    demands = Demands.of(network, ["home", "abroad"], ["abroad", "home"], [120.0, 90.0])
    case = case_of(
        network, demands, static("best_static"), hours=24.0, step_s=3600.0, shapes=(Diurnal(),)
    )
    demands = with_window(demands, case.series, case.horizon_s)
    proof = BestStatic().route(network, demands).certificate
    played = play(replace(case, demands=demands))
    assert played.figure("mlu_peak") == pytest.approx(proof.mlu, rel=1e-7)
