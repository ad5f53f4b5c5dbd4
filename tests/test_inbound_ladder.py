"""The ladder: how low the fullest exit could be held, with more and more command."""

import itertools

import numpy as np
import pytest
from conftest import MINI

import simulator as sim
from simulator.inbound.catchment import Catchment
from simulator.inbound.choices import Catchments, Choices, neighbours_of
from simulator.inbound.ladder import fullest, ladder
from simulator.model.streams import Streams

SURE = Catchments(neighbours=2, own=0, stray=0, drift_per_day=0)


def small(seed, regions=2, provinces=2, exits=3, groups=2):
    """Choices of a few regions, a draw of what is preferred, and volumes."""
    rng = np.random.default_rng(seed)
    sources, region, weight = neighbours_of([f"r{i}" for i in range(regions)], SURE)
    metric = rng.uniform(10, 90, (regions, provinces, exits))
    names = tuple(f"p{i}" for i in range(provinces)), tuple(f"e{i}" for i in range(exits))
    choices = Choices(sources, region, weight, *names, metric)
    lands = Catchment.drawn(choices, SURE, Streams(seed, 0)).preferences
    province = np.repeat(np.arange(provinces), groups)
    gbps = rng.uniform(1, 9, (len(sources), len(province)))
    return choices, lands, province, gbps, rng.uniform(0.5, 1.5, exits) * gbps.sum() / exits


@pytest.mark.parametrize("seed", range(8))
def test_each_step_relaxes_the_one_before_and_none_is_below_the_truth(seed):
    """All announcements of four groups at three exits are tried: 7^4 states."""
    choices, lands, province, gbps, capacity = small(seed)
    up, nothing = np.ones(3, dtype=bool), np.zeros((4, 3), dtype=int)
    told = province, up, gbps, capacity
    found = ladder(lands, choices, *told, [])
    states = [s for s in itertools.product([False, True], repeat=3) if any(s)]
    every = itertools.product(states, repeat=4)
    best = min(fullest(lands, np.array(state), nothing, *told) for state in every)
    assert found.direct <= found.pieces + 1e-12 and found.pieces <= found.known + 1e-12
    assert best - 1e-9 <= found.known <= fullest(lands, np.ones((4, 3), bool), nothing, *told)
    # Any exit may be taken, so that at will all of them are as full.
    assert found.direct == pytest.approx(gbps.sum() / capacity.sum())


def test_what_a_strategy_announces_is_known_to_who_knows_all():
    choices, lands, province, gbps, capacity = small(3, groups=1)
    up, nothing = np.ones(3, dtype=bool), np.zeros((2, 3), dtype=int)
    told = province, up, gbps, capacity
    states = [s for s in itertools.product([False, True], repeat=3) if any(s)]
    every = [np.array(state) for state in itertools.product(states, repeat=2)]
    best = min(every, key=lambda state: fullest(lands, state, nothing, *told))
    found = ladder(lands, choices, *told, [(best, nothing)])
    assert found.known == fullest(lands, best, nothing, *told)


def test_an_exit_without_a_way_or_down_takes_nothing_at_will():
    choices, lands, province, gbps, capacity = small(5)
    choices.metric_ms[0, :, 1] = np.inf
    up, capacity = np.array([True, True, False]), np.array([100.0, 50.0, 1000.0])
    found = ladder(lands, choices, province, up, gbps, capacity, [])
    first = gbps[choices.region == 0].sum()
    assert found.direct == pytest.approx(max(gbps.sum() / 150, first / 100))


@pytest.fixture(scope="module")
def day():
    control = {"every_s": 900}
    strategies = {
        "igp": {"scheme": "igp_ecmp"},
        **{
            plan: {"scheme": "igp_ecmp", "control": {**more, "announcements": {"plan": plan}}}
            for plan, more in (("once", {}), ("learn", control))
        },
        "ideal": {"scheme": {"kind": "min_latency"}, "control": control},
    }
    changes = {"strategies": strategies, "inbound": {}, "replications": 2, "uncertainty": {}}
    return sim.run(sim.load(MINI).with_changes({**changes, "demands.international_in": "x1.2"}))


def test_no_lack_has_a_price_below_zero_and_the_ladder_is_common(day):
    figures = day.figures[day.figures["scope"] == "all"]
    wide = figures.pivot(index=["replication", "strategy"], columns="metric", values="value")
    assert wide.loc[(slice(None), "ideal"), "headroom_direct"].isna().all()
    wide = wide.drop("ideal", level="strategy")
    prices = wide[["price_of_not_knowing", "price_of_not_commanding", "price_of_pieces"]]
    assert (prices >= 0).all(axis=None)
    steps = wide[["headroom_known", "headroom_pieces", "headroom_direct"]]
    assert (steps.diff(axis=1).iloc[:, 1:] >= -1e-12).all(axis=None)
    assert (steps.groupby("replication").nunique() == 1).all(axis=None)
    # What a strategy has at the busiest instant is no better than its headroom says.
    target = day.run["scenario"]["targets"]["exit_utilisation"]
    own = target / steps["headroom_known"] + prices["price_of_not_knowing"]
    assert (wide["headroom"] <= target / own + 1e-9).all()
    assert (prices["price_of_not_knowing"].groupby("strategy").mean()["igp"]) > 0.05


def test_what_a_controller_promises_is_told_with_every_decision(day):
    log = day.control[day.control["layer"] == "announcements"]
    acts = log[log["strategy"].isin(["once", "learn"])]
    unplanned = (acts["trigger"] == "start") & (acts["strategy"] != "once")
    assert acts.loc[unplanned, "promise"].isna().all() and unplanned.sum() == 2
    acts = acts[~unplanned]
    assert acts["promise"].notna().all() and (acts["promise"] > 0).all()
    assert ((acts["toggles"] > 0) == (acts["groups"] > 0)).all()
    sums = acts.groupby(["replication", "strategy"], observed=True)[["groups", "toggles"]].sum()
    for (replication, strategy), row in sums.iterrows():
        mine = day.figures[
            (day.figures["replication"] == replication) & (day.figures["strategy"] == strategy)
        ].set_index(["metric", "scope"])["value"]
        assert mine["announcement_groups", "all"] == row["groups"]
        assert mine["announcement_toggles", "all"] == row["toggles"]
        promise = acts.query("replication == @replication and strategy == @strategy")["promise"]
        target = day.run["scenario"]["targets"]["exit_utilisation"]
        assert mine["headroom_90", "all"] == pytest.approx(target / promise.max())
    assert "promise" in day.control.columns
    assert day.control.query("strategy == 'ideal'")["promise"].isna().all()


def test_a_comparison_shows_what_is_promised_beside_what_is_held(day):
    told = str(sim.compare(sim.Results(day.folder)))
    (promised,) = [each for each in told.splitlines() if "inbound, promised at 90 %" in each]
    assert promised.count("x") == 2 and promised.count("–") == 2, "igp and ideal promise nothing"
    (split,) = [each for each in told.splitlines() if "inbound, split at will" in each]
    assert split.count("x") == 3 and split.count("–") == 1
