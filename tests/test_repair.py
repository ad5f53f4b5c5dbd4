"""Repair: what stood before is back exactly; losses until a reaction are rate times time."""

import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, static

from simulator.model.network import Network

EVENTS = {
    "link": {"link": "near"},
    "node": {"node": "near-pop"},
    "gateway": {"gateway": "gw"},
    "cable": {"cable": "A"},
    "cable in part": {"cable": "A", "severity": 0.3},
    "card": {"card": "lc1"},
    "place": {"place": "Strait"},
    "capacity": {"link": "near", "capacity_gbps": "x0.5"},
    "delay": {"link": "near", "delay_ms": "+20"},
}
BEGIN_H, END_H = 0.5, 1.0


def laid() -> Network:
    """One gateway with a near and a far exit, of which the near one is at risk in every way."""
    tiny = make_tiny(
        ("near", "gw", "near-pop", 100.0, 1.0, 10.0),
        ("far", "gw", "far-pop", 100.0, 1.0, 30.0),
        ("near-on", "near-pop", "abroad", 100.0, 1.0, 1.0),
        ("far-on", "far-pop", "abroad", 100.0, 5.0, 1.0),
        gw="gateway",
        **{"near-pop": "pop", "far-pop": "pop", "abroad": "region"},
    )
    risk = tiny.with_link("near", cables={"A": 0.5, "B": 0.5}, cards={"lc1": 0.25, "lc2": 0.75})
    passes = {"A": {"passes": ("Strait",)}, "B": {"landings": ("Strait",)}}
    risk.about.cables.update(passes)
    return Network(risk.graph, risk.about)


def played(*events, gbps=60.0, **control):
    network = laid()
    demands = asks(network, ("gw", "abroad", gbps))
    case = case_of(network, demands, static(**control), hours=1.5, events=events)
    return play(case)


@pytest.mark.parametrize("name", EVENTS)
def test_repair_returns_the_exact_earlier_state_under_static_routing(name):
    whole = played()
    hurt = played({"at_h": BEGIN_H, "until_h": END_H, **EVENTS[name]})
    shows = False
    for table in ("links", "demands"):
        before, after = (each.table(table).set_index("time_s") for each in (whole, hurt))
        shows |= not before.loc[3600.0 * BEGIN_H].equals(after.loc[3600.0 * BEGIN_H])
        for part in (before.index < 3600.0 * BEGIN_H, before.index >= 3600.0 * END_H + 60.0):
            assert before[part].equals(after[part])
    assert shows, "while it lasts, something is different"


@pytest.mark.parametrize("name", ["link", "place"])
@pytest.mark.parametrize(("detect_s", "converge_s"), [(1.0, 2.0), (0.05, 0.2), (26.0, 40.0)])
def test_what_is_lost_before_the_reaction_is_rate_times_time(name, detect_s, converge_s):
    event = {"at_h": BEGIN_H, "until_h": END_H, **EVENTS[name]}
    got = played(event, detect_s=detect_s, converge_s=converge_s)
    assert got.figure("lost_gbit") == pytest.approx(60.0 * (detect_s + converge_s))


@pytest.mark.parametrize(
    ("name", "lost_gbps"), [("cable", 40.0), ("cable in part", 5.0), ("card", 15.0)]
)
def test_a_part_is_lost_until_it_is_repaired(name, lost_gbps):
    """90 Gbps on what is left of 100: no IGP reacts to a cut in part."""
    got = played({"at_h": BEGIN_H, "until_h": END_H, **EVENTS[name]}, gbps=90.0)
    assert got.figure("lost_gbit") == pytest.approx(lost_gbps * 3600.0 * (END_H - BEGIN_H))
