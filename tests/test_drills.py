"""Drills: the built-in failure scenarios, and the answers they gave; if one moves, say why.

The short runs have coarse steps, one replication and few strategies. The whole ones are slow, and
hold what the first comment of each scenario says.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest
from conftest import without_headroom

import simulator as sim
from simulator.study.headlines import COMBINED, figures_of

COARSE = {"replications": 1, "step_s": 3600}
HOURLY = {**COARSE, "strategies.sdn.control.every_s": 3600}
QUAKE = ("APCN-2", "SMW-3", "APG", "EAC-C2C", "AAG")
NIGHT = ("sh-sj", "gz-hk", "gz-la")
SHORT: dict[str, dict[str, Any]] = {
    "guangdong-hong-kong-cut": {**HOURLY, "horizon_h": 4},
    "shanghai-gateway-lost": {**HOURLY, "horizon_h": 5},
    "controller-gone": {**HOURLY, "strategies.sdn-withdraw.control.every_s": 3600},
    "rolling-maintenance": {
        **COARSE,
        "horizon_h": 4,
        "events": [
            {"at_h": i, "until_h": i + 0.75, "link": link} for i, link in enumerate(NIGHT, 1)
        ],
    },
    "surge-and-cut": {**HOURLY, "horizon_h": 4},
    "tpe-cut-28-days": {
        **COARSE,
        "step_s": 7200,
        "horizon_h": 26,
        "events": [{"at_h": 11, "cable": "TPE"}],
    },
    "earthquake-2006": {
        **COARSE,
        "step_s": 21600,
        "horizon_h": 48,
        "events": [
            {"at_h": hour, "cable": cable}
            for hour, cable in zip((20.5, 20.5, 22, 23, 24), QUAKE, strict=True)
        ],
    },
}
METRICS = ("exit_utilisation_p95", "hours_above_100", "deferred_gbit")
PINNED = {
    "guangdong-hong-kong-cut": {
        "best_static": [2.501463546344748, 1.999961111111111, 822547.8034048209],
        "sdn": [1.2495401530072154, 1.0019444444444445, 280889.0889042327],
    },
    "shanghai-gateway-lost": {
        "best_static": [2.0305124105778396, 2.0244444444444443, 1869242.3560468396],
        "sdn": [1.0276719270248185, 0.5491666666666667, 49012.977303703585],
    },
    "controller-gone": {
        "sdn": [2.2380056009033207, 3.025, 2089987.5847930557],
        "sdn-withdraw": [4.1251988194379825, 6.025, 9081829.836450493],
    },
    "rolling-maintenance": {
        "best_static": [1.943160524690279, 1.5244444444444445, 302042.1389169192],
    },
    "surge-and-cut": {
        "best_static": [2.484367035436668, 2.0, 2053220.2301068269],
        "sdn": [1.0427251840055227, 0.525, 81586.11521583397],
    },
    "tpe-cut-28-days": {
        "best_static": [2.385464570416433, 15.0, 7496824.412011752],
    },
    "earthquake-2006": {
        "best_static": [5.118638627947586, 27.5, 34713851.55973589],
    },
}
"""Of each scenario and strategy: the metrics above, from the short run."""


HEAVY = ("controller-gone", "surge-and-cut")
"""Their planning and learned day take seconds, however short the run."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in HEAVY else ()) for name in PINNED],
)
def test_short_drills_are_as_they_were(name, tmp_path, no_headroom):
    strategies = PINNED[name]
    scenario = sim.load(name).with_changes(SHORT[name]).with_strategies(strategies)
    results = sim.run(scenario, out=tmp_path / name)
    for strategy, expected in strategies.items():
        told = [results.figure(strategy, metric) for metric in METRICS]
        assert told == pytest.approx(expected, rel=1e-9, abs=0), strategy


# -- whole runs: what the first comment says ------------------------------------------------------


@functools.cache
def whole(name: str) -> sim.Results:
    """Return the results of a scenario as it stands, in one replication."""
    with without_headroom():
        return sim.run(sim.load(name).with_changes({"replications": 1}))


def unserved(results: sim.Results, strategy: str) -> float:
    """Return the share of international traffic that did not get through."""
    rows = figures_of(results)
    mine = rows[(rows["strategy"] == strategy) & (rows["scope"] == COMBINED)]
    (short,) = mine.loc[mine["metric"] == "unserved_fraction", "value"]
    return float(short)


def hottest(results: sim.Results, strategy: str, direction: str = "in") -> Any:
    """Return the utilisation of the hottest exit by time, as its peak in every step."""
    rows = results.exits
    mine = rows[(rows["strategy"] == strategy) & (rows["direction"] == direction)]
    return mine.groupby("time_s")["utilisation_peak"].max()


SHARES = {
    "guangdong-hong-kong-cut": {"best_static": 0.0205, "igp": 0.1425, "sdn": 0.0119},
    "shanghai-gateway-lost": {"best_static": 0.0362, "igp": 0.1842, "sdn": 0.0012},
    "controller-gone": {
        **{"best_static": 0.0494, "sdn": 0.0379, "sdn-withdraw": 0.1685, "sdn-up": 0.0006}
    },
    "rolling-maintenance": {"best_static": 0.0063, "igp": 0.0548, "sdn": 0.0003},
    "surge-and-cut": {"best_static": 0.0617, "igp": 0.2341, "sdn": 0.0011},
    "tpe-cut-28-days": {"best_static": 0.0743, "sdn": 0.0000, "daily": 0.0000},
    "earthquake-2006": {"best_static": 0.0593, "sdn": 0.0035},
}
"""International traffic that does not get through, of each scenario and strategy."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARES)
def test_what_does_not_get_through_is_as_the_comment_says(name):
    told = {strategy: round(unserved(whole(name), strategy), 4) for strategy in SHARES[name]}
    assert told == pytest.approx(SHARES[name], abs=1.01e-4)


@pytest.mark.slow
def test_after_the_hong_kong_cut_the_limit_is_abroad():
    links = whole("guangdong-hong-kong-cut").links
    late = links[(links["strategy"] == "sdn") & (links["time_s"] == 4 * 3600)]
    full = late[late["utilisation"] > 1.0]
    assert set(full["link"]) == {"pop-hong-kong--pop-tokyo"}
    assert full["utilisation"].max() == pytest.approx(1.17, abs=0.01)


@pytest.mark.slow
def test_an_outage_costs_nothing_until_the_cut():
    results = whole("controller-gone")
    cut_s = 4 * 3600
    assert hottest(results, "sdn").loc[: cut_s - 1].max() < 0.85
    assert hottest(results, "sdn-withdraw").loc[3600 : cut_s - 1].max() > 1.4
    assert hottest(results, "sdn").loc[cut_s:].min() < 1.0 < hottest(results, "sdn").loc[cut_s]


@pytest.mark.slow
def test_maintenance_from_two_in_the_morning_needs_no_controller():
    told = hottest(whole("rolling-maintenance"), "best_static")
    assert told.loc[3600 : 3 * 3600 - 1].max() == pytest.approx(2.04, abs=0.01)
    assert told.loc[3 * 3600 :].max() < 0.8


@pytest.mark.slow
def test_the_surge_alone_is_carried_and_the_cut_takes_the_rest():
    results = whole("surge-and-cut")
    cut_s = 2.5 * 3600
    assert hottest(results, "best_static").loc[: cut_s - 1].max() == pytest.approx(1.08, abs=0.01)
    assert hottest(results, "sdn").loc[: cut_s - 1].max() == pytest.approx(0.92, abs=0.01)
    assert hottest(results, "sdn").loc[cut_s + 1 :].max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_splits_left_alone_are_full_for_all_of_the_28_days():
    results = whole("tpe-cut-28-days")
    cut = slice(35 * 3600, 707 * 3600 - 1)
    assert hottest(results, "best_static").loc[cut].min() > 1.0
    faster = [results.figure(s, "latency_ms_mean") for s in ("sdn", "daily")]
    assert faster[0] < faster[1]


@pytest.mark.slow
def test_after_two_repairs_the_controller_has_room_again():
    told = hottest(whole("earthquake-2006"), "sdn")
    assert told.iloc[4:9].max() < 0.85
    assert hottest(whole("earthquake-2006"), "best_static").iloc[4:9].min() > 3


@pytest.mark.slow
def test_gateways_fill_their_other_exits_before_anybody_else_reacts():
    rows = whole("guangdong-hong-kong-cut").table("recovery").set_index("strategy")
    assert set(rows["peak_link"]) == {"sh-hk"}
    told = rows["peak_utilisation"].round(2).to_dict()
    assert told == {"best_static": 5.75, "igp": 8.63, "sdn": 5.85, "sdn-ideal": 6.83}
    assert rows["settled_unserved_gbps"]["sdn"] < rows["unserved_at_once_gbps"]["sdn"] / 5
