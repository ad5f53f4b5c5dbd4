"""Damping: the closed form against the recursion, and a warning where groups change too often."""

import math

import numpy as np
import pytest
from conftest import MINI

import simulator as sim
from simulator.control.settings import Announcements
from simulator.inbound.damping import (
    HALF_LIFE_S,
    HUNTED_PENALTY,
    RFC7196_SUPPRESS,
    SUPPRESS,
    is_suppressed,
    least_period_s,
    steady_peak,
)

HOLD = "strategies.sdn.control.announcements.hold"


# -- the closed form ------------------------------------------------------------------------------


@pytest.mark.parametrize("period_s", [30.0, 300.0, 1800.0, 7200.0])
@pytest.mark.parametrize("updates", [1, 2, 3])
@pytest.mark.parametrize("half_life_s", [HALF_LIFE_S, 2700.0])
def test_the_closed_form_is_where_the_recursion_leads(period_s, updates, half_life_s):
    """RFC 2439: every update adds its penalty, and the sum decays exponentially."""
    penalty, peaks = 0.0, []
    for _ in range(200):
        penalty *= math.exp(-math.log(2.0) * period_s / half_life_s)
        for _ in range(updates):
            penalty += 1000.0
        peaks.append(penalty)
    assert (np.diff(peaks) >= 0).all(), "it is approached from below"
    closed = steady_peak(period_s, updates, 1000.0, half_life_s)
    to_come = math.exp(-200 * math.log(2.0) * period_s / half_life_s)
    assert peaks[-1] == pytest.approx(closed * (1 - to_come), rel=1e-12)
    assert to_come < 1e-4 or period_s == 30.0


@pytest.mark.parametrize(("minutes", "peak"), [(30, 1333), (120, 1004), (15, 2000), (60, 1067)])
@pytest.mark.parametrize("updates", [1, 2])
def test_peaks_of_usual_periods(minutes, peak, updates):
    """1000 k / (1 - 2^(-T / 15 min)), worked out by hand for k = 1."""
    assert steady_peak(60.0 * minutes, updates) / updates == pytest.approx(peak, abs=0.5)


def test_no_rest_keeps_two_full_penalties_below_the_old_limit():
    """A withdrawal seen twice suppresses a route by itself: Mao et al., SIGCOMM 2002."""
    assert least_period_s(SUPPRESS, 2, 1000.0) == math.inf
    assert is_suppressed(4 * 3600.0, SUPPRESS, 2, 1000.0)
    assert not is_suppressed(7200.0, RFC7196_SUPPRESS, 2, 1000.0)
    assert least_period_s(RFC7196_SUPPRESS, 2, 1000.0) == pytest.approx(900 * math.log2(1.5))


def test_half_an_hour_is_the_least_period_with_a_hunted_withdrawal():
    assert least_period_s() == 1800.0
    assert steady_peak(1800.0, penalty=HUNTED_PENALTY) == SUPPRESS
    assert not is_suppressed(1800.0)
    assert is_suppressed(1799.0)
    for limit in (1600.0, 3000.0, 6000.0):
        least = least_period_s(limit)
        assert steady_peak(least, penalty=HUNTED_PENALTY) == pytest.approx(limit)
        assert is_suppressed(least * 0.999, limit) and not is_suppressed(least * 1.001, limit)


def test_the_default_rest_is_far_from_the_limit():
    knobs = Announcements()
    period_s = knobs.hold * knobs.every_s
    assert steady_peak(period_s, penalty=HUNTED_PENALTY) == pytest.approx(1505.9, abs=0.1)
    assert not is_suppressed(knobs.every_s), "nor is a group that undoes its change every cycle"


# -- the warning ----------------------------------------------------------------------------------


def warned(plan="learn", **knobs):
    announcements = {"plan": plan, **knobs}
    changes = {"inbound": {}, "strategies.sdn.control.announcements": announcements}
    scenario = sim.load(MINI).with_changes(changes)
    return [str(each) for each in scenario.warnings if "damping" in each.message]


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"hold": 0},
        {"hold": 1},
        {"every_s": 900.0, "hold": 2},
        {"every_s": 300.0, "hold": 6},
        {"plan": "once", "every_s": 60.0},
    ],
)
def test_a_group_that_rests_long_enough_is_not_warned_of(knobs):
    assert warned(**knobs) == []


@pytest.mark.parametrize(
    ("knobs", "period", "peak", "hold"),
    [
        ({"every_s": 300.0}, "1,200", "2,487", 6),
        ({"every_s": 300.0, "hold": 0}, "300", "7,271", 6),
        ({"every_s": 900.0, "hold": 1, "plan": "know"}, "900", "3,000", 2),
        ({"every_s": 700.0, "hold": 2}, "1,400", "2,273", 3),
    ],
)
def test_a_group_that_changes_too_often_is_warned_of(knobs, period, peak, hold):
    (message,) = warned(**knobs)
    assert message.startswith(f"change: {HOLD}: warning: a group may change ")
    assert f"every {period} s, which takes its damping penalty to {peak};" in message
    assert message.endswith(f"above 2,000; give hold: {hold} or more")
    assert warned(**{**knobs, "hold": hold}) == []
    assert len(warned(**{**knobs, "hold": hold - 1})) == 1


FILE = """\
topology: china169-mini
inbound: {}
horizon_h: 24
strategies:
  sdn:
    scheme: min_latency
    control:
      every_s: 300
      announcements: {plan: learn, every_s: 300%s}
"""


@pytest.mark.parametrize(("more", "place"), [(", hold: 2", "9:56"), ("", "9:22")])
def test_the_warning_says_where(tmp_path, more, place):
    """At the value of ``hold``, or at the announcements where the default is too short."""
    file = tmp_path / "often.yaml"
    file.write_text(FILE % more, encoding="utf-8")
    (warning,) = [each for each in sim.load(file).warnings if "damping" in each.message]
    assert warning.severity == "warning"
    assert f"often.yaml:{place}: {HOLD}: warning: " in str(warning)
