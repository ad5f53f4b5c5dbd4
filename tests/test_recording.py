"""Recordings: means over time against sums by hand and in whole numbers, gaps by hand."""

from fractions import Fraction

import numpy as np
import pytest
from helpers import asks, two_exits
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.model.recording import Playback, Recording

NAN = float("nan")
US_PER_S = 1_000_000


def recording(*rows, seconds=None, start=None):
    """Two demands at most, a row of rates each, every minute unless *seconds* says."""
    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0), ("abroad", "home", 1.0))
    gbps = np.array(rows, dtype=float)
    seconds = np.arange(gbps.shape[1]) * 60.0 if seconds is None else np.array(seconds)
    return Recording.of(demands.take(np.arange(len(rows))), seconds / 3600.0, gbps, start)


def means(played, *spans):
    low, high = (np.array(side) * US_PER_S for side in zip(*spans, strict=True))
    return played.means(low.astype(int), high.astype(int))


# -- how long, and how much ---------------------------------------------------------------------


def test_each_matrix_holds_until_the_next_and_the_last_as_long_as_the_one_before():
    # 10 s at 1, 50 s at 4, then 50 s at 7: (10 + 200 + 350) / 110.
    told = recording([1.0, 4.0, 7.0], seconds=[0, 10, 60])
    assert told.length_h * 3600 == pytest.approx(110)
    assert told.demands.gbps.tolist() == [pytest.approx(560 / 110, rel=1e-15)]


def test_a_single_matrix_holds_for_ever():
    told = recording([3.0], [5.0])
    assert told.length_h == float("inf")
    assert told.end is None
    for repeats in (False, True):
        got = means(Playback(told, repeats=repeats), (0, 1), (10**9, 2 * 10**9))
        assert (got == [[3.0, 3.0], [5.0, 5.0]]).all()


def test_dates_of_the_ends():
    told = recording([1.0, 2.0], start="2004-02-28T23:59:00")
    assert told.end == "2004-02-29T00:01"
    assert told.time_of(1.0) == "2004-02-29T00:59"
    assert told.times() == ["2004-02-28T23:59:00", "2004-02-29T00:00:00"]
    assert recording([1.0, 2.0]).times() == ["0", "60"]


def test_a_mean_counts_only_the_time_that_is_known():
    # 60 s at 2 and, after a gap of 60, 60 s at 8.
    assert recording([2.0, NAN, 8.0]).demands.gbps.tolist() == [5.0]
    assert recording([NAN, NAN]).demands.gbps.tolist() == [0.0]


def test_scaling_keeps_the_curves():
    told = recording([1.0, 3.0], [0.0, 0.0])
    assert told.scaled_to(told.demands).gbps.tolist() == [[1.0, 3.0], [0.0, 0.0]]
    more = told.scaled_to(told.demands.with_gbps(np.array([5.0, 0.0])))
    assert more.gbps.tolist() == [[2.5, 7.5], [0.0, 0.0]]
    assert more.demands.gbps.tolist() == [5.0, 0.0]


# -- means over spans ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 10), 1.0),
        ((5, 15), 2.5),  # 5 s at 1, 5 s at 4
        ((0, 110), 560 / 110),
        ((59, 61), 5.5),
        ((30, 31), 4.0),
        ((100, 120), 7.0),  # held after the end
        ((200, 300), 7.0),
        ((-10, 10), 1.0),  # and before the beginning
    ],
)
def test_means_by_hand(span, expected):
    played = Playback(recording([1.0, 4.0, 7.0], seconds=[0, 10, 60]))
    assert means(played, span)[0, 0] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((110, 120), 1.0),  # over again
        ((105, 115), 4.0),  # 5 s at 7, 5 s at 1
        ((-50, 0), 7.0),
        ((110 * 1000 + 10, 110 * 1000 + 60), 4.0),
        ((3, 3 + 110 * 7), 560 / 110),  # whole rounds, from anywhere
    ],
)
def test_means_of_what_repeats_by_hand(span, expected):
    played = Playback(recording([1.0, 4.0, 7.0], seconds=[0, 10, 60]), repeats=True)
    assert means(played, span)[0, 0] == pytest.approx(expected, rel=1e-14)


def test_a_step_cut_short_is_a_mean_over_what_is_left():
    told = recording([1.0, 4.0, 7.0], seconds=[0, 10, 60])
    played = Playback(told, horizon_h=20 / 3600)
    assert means(played, (15, 30), (0, 30)).tolist() == [[4.0, pytest.approx(2.5)]]
    # What lies wholly beyond the end of the scenario is a plan, and not cut.
    assert means(played, (50, 70))[0, 0] == pytest.approx(5.5)


def test_a_beginning_within_the_recording():
    played = Playback(recording([1.0, 4.0, 7.0]), begin_h=90 / 3600)
    assert means(played, (0, 30), (0, 60))[0].tolist() == [4.0, 5.5]


def test_a_step_as_long_as_the_matrices_gives_them_to_the_last_bit():
    rates = np.random.default_rng(1).random((2, 500)) * 100
    told = recording(*rates)
    edges = np.arange(500) * 60 * US_PER_S
    assert np.array_equal(Playback(told).means(edges, edges + 60 * US_PER_S), rates)
    finer = np.arange(5000) * 6 * US_PER_S  # and so does a finer one
    got = Playback(told).means(finer, finer + 6 * US_PER_S)
    assert np.array_equal(got, np.repeat(rates, 10, axis=1))


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    data=st.data(),
    begin=st.integers(-500, 500),
    step=st.integers(1, 700),
    repeats=st.booleans(),
)
def test_means_are_sums_of_whole_numbers(gaps, data, begin, step, repeats):
    """Second by second, in fractions: no other arithmetic, and no search for where a span lies."""
    seconds = np.concatenate([[0], np.cumsum(gaps)])
    rates = data.draw(st.lists(st.integers(0, 1000), min_size=len(seconds), max_size=len(seconds)))
    length = int(seconds[-1] + gaps[-1])
    by_second = np.repeat(rates, [*gaps, gaps[-1]])
    played = Playback(
        recording(rates, seconds=seconds.astype(float)), begin_h=begin / 3600, repeats=repeats
    )
    spans = [(k * step, (k + 1) * step) for k in range(5)]
    for (low, high), got in zip(spans, means(played, *spans)[0], strict=True):
        at = np.arange(low + begin, high + begin)
        at = at % length if repeats else np.clip(at, 0, length - 1)
        exact = Fraction(int(by_second[at].sum()), high - low)
        assert got == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("step_s", [7, 60, 300, 1000])
@pytest.mark.parametrize("repeats", [False, True])
def test_the_number_of_steps_at_once_changes_no_bit(step_s, repeats):
    rates = np.random.default_rng(2).random((2, 300))
    played = Playback(recording(*rates), begin_h=0.1234, repeats=repeats)
    edges = np.arange(101) * step_s * US_PER_S
    whole = played.means(edges[:-1], edges[1:])
    for size in (1, 7, 64):
        parts = [
            played.means(edges[i : min(i + size, 100)], edges[i + 1 : min(i + size, 100) + 1])
            for i in range(0, 100, size)
        ]
        assert np.array_equal(np.concatenate(parts, axis=1), whole)


# -- gaps ---------------------------------------------------------------------------------------

GAPPY = [NAN, 2.0, NAN, NAN, 8.0, NAN]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("interpolate", [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]),
        ("hold", [2.0, 2.0, 2.0, 2.0, 8.0, 8.0]),
        ("zero", [0.0, 2.0, 0.0, 0.0, 8.0, 0.0]),
    ],
)
def test_gaps_by_hand(rule, expected):
    whole = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    filled = recording(GAPPY, whole).filled(rule)
    assert filled.gbps[0] == pytest.approx(expected, rel=1e-15)
    assert filled.gbps[1].tolist() == whole
    assert filled.demands.gbps == pytest.approx([np.mean(expected), 3.5])


def test_a_straight_line_is_straight_in_time():
    filled = recording([1.0, NAN, 4.0], seconds=[0, 40, 120]).filled("interpolate")
    assert filled.gbps[0, 1] == pytest.approx(2.0)


def test_gaps_are_counted():
    told = recording(GAPPY, [1.0, NAN, 3.0, 4.0, 5.0, 6.0])
    assert told.gaps_summary() == (
        "rates of 2 of 2 demands are missing at 5 of 6 instants, 5 in all"
    )
    assert recording([1.0, 2.0]).gaps_summary() == ""


def test_gaps_may_be_refused():
    told = recording([1.0, 1.0, 1.0], [1.0, 2.0, NAN], start="2004-03-04T00:00:00")
    with pytest.raises(ValueError, match="the first of abroad>home at 2004-03-04T00:02; say how"):
        told.filled("refuse")
    whole = recording([1.0, 2.0])
    assert whole.filled("refuse") is whole


def test_nothing_known_cannot_be_filled():
    told = recording([1.0, 2.0], [NAN, NAN])
    for rule in ("interpolate", "hold"):
        with pytest.raises(ValueError, match="no rate at any instant, the first abroad>home"):
            told.filled(rule)
    assert (told.filled("zero").gbps == [[1.0, 2.0], [0.0, 0.0]]).all()
