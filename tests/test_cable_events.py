"""The page on documented cable events says what the model says, misses included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cable_events import EVENTS, case, not_through, state, table, written

PAGE = Path(__file__).parent.parent / "docs" / "cable-events.md"


def test_the_page_has_the_table():
    assert table() in PAGE.read_text(encoding="utf-8"), "python docs/renew.py renews it"


def test_the_network_carries_its_busy_hour_before_any_event():
    assert not_through(state(())) == pytest.approx(0.0, abs=1e-9)


def test_cables_of_an_event_are_those_of_the_model_or_it_is_a_miss():
    network, _ = case()
    for event in EVENTS:
        assert set(event.cables) <= set(network.cables), event.what
        assert bool(event.cables) == (event.effect is not None), event.what
        if not event.cables:
            assert "miss" in event.verdict
            assert event.reason


def test_verdicts_are_as_they_were():
    told = [(written(event), event.verdict.replace("*", "")) for event in EVENTS]
    assert told == [
        ("none", "miss: not in the model"),
        ("14.9 %", "direction right, size missed: too small"),
        ("14.9 %", "direction right, size missed: too small"),
        ("0.0 %", "miss: no effect"),
        ("14.1 %", "direction right, size missed: too small"),
        ("none", "miss: not in the model"),
        ("0.0 %", "direction and size right"),
        ("16 ms", "direction right"),
        ("0.0 %", "not judged: no effect was published"),
        ("none", "miss: not in the model"),
        ("28 ms", "direction right"),
        ("240 ms", "direction right, size missed: too small"),
        ("530 ms", "direction right, size missed: too large"),
        ("70.0 %", "direction right, size missed: too large"),
        ("none", "miss: not in the model"),
    ]


def test_capacity_that_is_lost_is_what_the_shares_say():
    """By hand, from the exits of the topology file."""
    by_cable = {"APCN-2": 353.0, "SMW-3": 14.0, "TPE": 630.0}
    lost = EVENTS[1].ours
    assert lost == pytest.approx((by_cable["APCN-2"] + by_cable["SMW-3"]) / 2460.0, rel=1e-12)


def test_held_routes_hurt_and_routes_made_anew_do_not():
    tpe = next(event for event in EVENTS if "TPE" in event.cables).faults
    assert not_through(state(tpe)) > 0.1
    assert not_through(state(tpe, planned_for=tpe)) == pytest.approx(0.0, abs=1e-9)
    assert np.nanmax(state(tpe, planned_for=tpe).utilisation) < 1.0 + 1e-6
