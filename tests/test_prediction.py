"""Prediction: each way against closed forms, what it may know, and what a run tells it."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from helpers import asks, case_of, play, sdn, two_exits
from test_control import Listed, Ramp

from simulator.base.checking import check
from simulator.base.document import parse_yaml
from simulator.control.predictors.predictor import Outlook, predictor
from simulator.control.settings import Announcements
from simulator.control.strategy import Strategy
from simulator.engines.case import WINDOW_INSTANTS, with_window
from simulator.model.streams import Streams
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise
from simulator.traffic.traffic import Series, Shape

DAY = 86400.0


def told(kind, measured, *, every_s=300.0, ahead_s=300.0, expected=None, start_s=0.0, **options):
    """Forecasts from measurements (cycles x demands), one a cycle from *start_s* on."""
    measured = np.asarray(measured, dtype=float)
    measured = measured.reshape(len(measured), -1)
    flat = lambda seconds: np.ones((measured.shape[1], len(seconds)))  # noqa: E731
    outlook = Outlook(every_s, ahead_s, expected or flat)
    forecast = predictor.make(kind, **options).start(outlook)
    return np.array([forecast(start_s + k * every_s, row) for k, row in enumerate(measured)])


def wave(seconds):
    """60 + 40 cos over a day, and a demand of twice as much six hours later."""
    turn = 2 * np.pi * np.asarray(seconds) / DAY
    return np.array([60 + 40 * np.cos(turn), 2 * (60 + 40 * np.sin(turn))])


# -- those that look back only ------------------------------------------------------------------


def test_last_is_what_was_measured():
    seen = np.random.default_rng(1).random((9, 4))
    assert np.array_equal(told("last", seen), seen)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.0])
def test_ewma_takes_a_step_geometrically(alpha):
    steps = told("ewma", [5.0] + [25.0] * 40, alpha=alpha)[:, 0]
    expected = 5.0 + 20.0 * (1.0 - (1.0 - alpha) ** np.arange(41))
    assert steps == pytest.approx(expected, rel=1e-13)


def test_ewma_is_late_on_a_slope():
    # A ramp of one a cycle is followed (1 - alpha) / alpha cycles behind.
    ramp = np.arange(200.0)
    assert ramp[-1] - told("ewma", ramp, alpha=0.25)[-1, 0] == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize("cycles", [1, 3, 12])
def test_window_peak_is_the_peak_of_each_demand_in_the_window(cycles):
    seen = np.random.default_rng(2).random((40, 3))
    got = told("window_peak", seen, cycles=cycles)
    for k in range(40):
        assert (got[k] == seen[max(0, k - cycles + 1) : k + 1].max(axis=0)).all()


@pytest.mark.parametrize("kind", predictor.names())
def test_what_was_measured_is_left_as_it_is_and_runs_know_nothing_of_each_other(kind):
    seen = np.random.default_rng(3).random((30, 2)) + 0.5
    before = seen.copy()
    first = told(kind, seen, expected=wave)
    assert np.array_equal(seen, before)
    assert np.array_equal(told(kind, seen, expected=wave), first)


@pytest.mark.parametrize("kind", predictor.names())
def test_constant_traffic_is_foretold_by_all(kind):
    seen = np.full((20, 2), [3.0, 0.0])
    flat = lambda seconds: np.full((2, len(seconds)), [[7.0], [0.0]])  # noqa: E731
    assert told(kind, seen, expected=flat) == pytest.approx(seen, rel=1e-14)


# -- the shape of a day -------------------------------------------------------------------------


@pytest.mark.parametrize("learn", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cycles", [0, 1, 7, 288, 288 * 3 + 5])
def test_a_season_is_exact_at_whole_cycles(cycles, learn):
    # Planned and measured alike, three days long: nothing to learn, nothing between the points.
    at = np.arange(3 * 288) * 300.0
    got = told("seasonal", wave(at).T, ahead_s=cycles * 300.0, expected=wave, learn=learn)
    assert got == pytest.approx(wave(at + cycles * 300.0).T, rel=1e-12)


@pytest.mark.parametrize("every_s", [300.0, 1800.0, 7000.0])
@pytest.mark.parametrize(("start_s", "late_s"), [(-90.0, 97.0), (-1000.0, 1007.0), (0.0, 10.0)])
def test_between_points_a_season_errs_by_no_more_than_a_chord(every_s, start_s, late_s):
    # A chord departs from a curve by h^2 / 8 of its second derivative; twice, now and then. The
    # grid has a whole number of points a day, also where cycles do not divide it.
    ahead_s = late_s + every_s / 2
    at = start_s + np.arange(int(2 * DAY / every_s)) * every_s
    got = told("seasonal", wave(at).T, every_s=every_s, ahead_s=ahead_s, expected=wave,
               start_s=start_s, learn=0.0)  # fmt: skip
    step_s = DAY / round(DAY / every_s)
    chord = step_s**2 / 8 * 40 * (2 * np.pi / DAY) ** 2 * np.array([1, 2])
    now, then = wave(at).T, wave(at + ahead_s).T
    bound = (chord + then / now * chord) / (1 - chord / now)
    assert (np.abs(got - then) <= bound + 1e-9).all()
    assert np.abs(got - then).max() > 1e-6, "or nothing was between the points"


def test_more_than_planned_stays_more_than_planned():
    at = np.arange(100) * 300.0
    got = told("seasonal", 1.7 * wave(at).T, ahead_s=3000.0, expected=wave, learn=0.0)
    assert got == pytest.approx(1.7 * wave(at + 3000.0).T, rel=1e-12)


@pytest.mark.parametrize("learn", [0.0, 0.3, 0.5, 1.0])
def test_a_season_learns_geometrically(learn):
    # Four points a day, all planned as 1. The second turns out to be 3, day after day: after n
    # days the season has 1 + 2 (1 - (1 - learn)^n) there, and at the first point it is foretold.
    days = 12
    seen = np.tile([1.0, 3.0, 1.0, 1.0], days)
    got = told("seasonal", seen, every_s=DAY / 4, ahead_s=DAY / 4, learn=learn)[:, 0]
    n = np.arange(days)
    assert got[0::4] == pytest.approx(1.0 + 2.0 * (1.0 - (1.0 - learn) ** n), rel=1e-12)
    # From the second point on, back to 1: the inverse of the same.
    assert got[1::4] == pytest.approx(3.0 / (1.0 + 2.0 * (1.0 - (1.0 - learn) ** n)), rel=1e-12)


def test_a_season_may_be_a_week():
    week = lambda s: 10.0 + 8.0 * np.sin(2 * np.pi * np.atleast_2d(s) / (7 * DAY))  # noqa: E731
    at = np.arange(7 * 24) * 3600.0
    got = told("seasonal", week(at).T, every_s=3600.0, ahead_s=7200.0, expected=week,
               period_h=168.0)  # fmt: skip
    assert got == pytest.approx(week(at + 7200.0).T, rel=1e-12)


def test_a_season_shorter_than_a_cycle_foretells_no_change():
    seen = np.random.default_rng(4).random((9, 1)) + 1.0
    assert told("seasonal", seen, period_h=0.01) == pytest.approx(seen, rel=1e-15)


def test_nothing_is_said_to_change_more_than_five_times():
    plan = lambda s: np.where(np.atleast_2d(np.asarray(s)) % 600 < 300, 1.0, 100.0)  # noqa: E731
    up = told("seasonal", [2.0], expected=plan)
    down = told("seasonal", [2.0], expected=plan, start_s=300.0)
    assert (up, down) == ([[10.0]], [[0.4]])


def test_seasons_of_nothing():
    # Nothing planned now: as measured. Nothing planned then: a fifth. Nothing measured: nothing.
    plan = lambda s: np.where(np.atleast_2d(np.asarray(s)) % 600 < 300, 0.0, 9.0)  # noqa: E731
    assert told("seasonal", [2.0], expected=plan, learn=0.0) == 2.0
    assert told("seasonal", [2.0], expected=plan, start_s=300.0, learn=0.0) == 0.4
    assert (told("seasonal", [0.0, 0.0, 0.0], expected=plan) == 0.0).all()


# -- what stands in a scenario ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seasonel", "predict: no predictor named 'seasonel'; did you mean 'seasonal'? known: "),
        ("{kind: window-peak}", "predict.kind: no predictor named 'window-peak';"
                                " did you mean 'window_peak'? known: "),
        ("{kind: ewma, alfa: 1}", "predict.alfa: unknown key; did you mean 'alpha'?"),
        ("{kind: ewma, alpha: 0}", "predict.alpha: expected a number above 0"),
        ("{kind: seasonal, learn: 1.5}", "predict.learn: expected a number from 0 to 1, found 1.5"),
        ("{kind: window_peak, cycles: 0}", "predict.cycles: expected a whole number above 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(word, message):
    text = f"scheme: min_latency\ncontrol:\n  every_s: 300\n  predict: {word}\n"
    (problem,) = check(Strategy, parse_yaml(text, "f.yaml"))[1]
    assert str(problem).startswith(f"f.yaml:4:{problem.column}: control.{message}")


# -- the planned curve --------------------------------------------------------------------------


def series(network, shapes, start_hour=0.0, step_h=0.25):
    return Series(network, asks(network, ("home", "abroad", 50.0), ("abroad", "home", 7.0)),
                  tuple(shapes), step_h, start_hour)  # fmt: skip


def test_the_plan_is_what_is_played_without_what_is_random():
    network = two_exits()
    shapes = [Diurnal(), Noise(sigma=0.3)]
    planned = series(network, shapes, 17.25)
    hours = (np.arange(96) + 0.5) * 0.25
    calm = series(network, shapes[:1], 17.25).play(Streams(3, 1))(0, 96)
    assert planned.expected(hours) == pytest.approx(calm, rel=1e-13)
    noisy = planned.play(Streams(3, 1))(0, 96)
    assert np.abs(noisy / calm - 1).max() > 0.3


def test_the_plan_begins_at_the_start_hour():
    network = two_exits()
    hours = np.linspace(0, 48, 97)
    shifted = series(network, [Diurnal()], 6.0).expected(hours)
    assert np.array_equal(shifted, series(network, [Diurnal()]).expected(hours + 6.0))
    assert series(network, [Diurnal(far_share=0.0)], 21.0).expected(np.zeros(1))[0] == 50.0


def test_the_plan_of_a_replication_is_the_plan_of_all():
    network = two_exits()
    planned = series(network, [Noise(sigma=0.3)])
    assert (planned.expected(np.arange(5.0)) == [[50.0] * 5, [7.0] * 5]).all()


class Clock(Shape):
    """Factors that tell the hour: what a window asks for."""

    def start(self, network, demands, streams, step_h):
        return lambda hours: np.ones((len(demands), 1)) * hours


@pytest.mark.parametrize(
    ("horizon_h", "step_h", "count", "first", "apart"),
    [
        (24.0, 1 / 12, 288, 1 / 24, 1 / 12),  # steps of a day
        (168.0, 1 / 12, WINDOW_INSTANTS, 0.25, 0.5),  # half-hours of a week
        (8760.0, 1 / 12, WINDOW_INSTANTS, 0.25, 0.5),  # of the first week of a year
        (8760.0, 6.0, 28, 3.0, 6.0),
        (1.0, 1 / 3600, WINDOW_INSTANTS, 0.5 / 336, 1 / 336),  # not each of 3600 seconds
        (0.5, 0.5, 1, 0.25, 0.5),
        (0.01, 0.5, 1, 0.25, 0.5),
    ],
)
def test_the_planning_window(horizon_h, step_h, count, first, apart):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0), ("abroad", "home", 2.0))
    one = Series(network, demands, (Clock(), Noise(sigma=0.5)), step_h)
    window = with_window(demands, one, horizon_h * 3600).window_gbps
    assert window.shape == (2, count)
    assert window[0] == pytest.approx(first + apart * np.arange(count), rel=1e-12)
    assert (window[1] == 2 * window[0]).all()


# -- what a run tells its predictor -------------------------------------------------------------


@pytest.fixture
def notes(monkeypatch, no_headroom):
    """A predictor that writes down what it is told; gone after the test."""
    predictor.names()
    monkeypatch.setattr(predictor, "_classes", dict(predictor._classes))

    @predictor("notes")
    class Notes:
        """Write down, and foretell no change."""

        told: ClassVar[list] = []

        def start(self, outlook):
            seen = SimpleNamespace(outlook=outlook, times=[], rates=[])
            self.told.append(seen)

            def forecast(time_s, measured):
                seen.times.append(time_s)
                seen.rates.append(measured)
                return measured

            return forecast

    return Notes


@pytest.mark.parametrize(
    ("more", "late_s"),
    [
        ({}, 2 + 5),
        ({"compute_s": "measured"}, 5),
        ({"update": "instant"}, 2),
        ({"install_sigma": 1.0}, 2 + 5),  # the median
    ],
)
def test_routes_are_made_for_the_middle_of_the_time_they_are_in_force(notes, more, late_s):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    strategy = sdn(predict=notes(), every_s=200.0, window_s=80.0, staleness_s=30.0, **more)
    play(case_of(network, demands, strategy, hours=0.25))
    (seen,) = notes.told
    assert seen.outlook.every_s == 200.0
    assert seen.outlook.ahead_s == 40 + 30 + late_s + 100
    # Middles of the windows that end 30 s before each cycle.
    assert seen.times == [k * 200.0 - 70.0 for k in range(5)]


def test_each_layer_has_a_predictor_of_its_own(notes):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0), ("abroad", "home", 10.0))
    strategy = sdn(predict=notes(), announcements=Announcements())
    play(case_of(network, demands, strategy, hours=1.1, step_s=300.0))
    steered, announced = notes.told
    assert (steered.outlook.every_s, steered.outlook.ahead_s) == (300.0, 30 + 60 + 7 + 150)
    assert (announced.outlook.every_s, announced.outlook.ahead_s) == (1800.0, 30 + 60 + 92 + 900)
    assert len(steered.times) == 14 and len(announced.times) == 3


def test_the_outlook_is_the_plan_from_the_start_hour_on(notes):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    shapes = [Diurnal(), Noise(sigma=0.4)]
    case = case_of(network, demands, sdn(predict=notes()), shapes=shapes, start_hour=5.5)
    play(case)
    seconds = np.array([0.0, 1234.5, 86400.0])
    assert np.array_equal(
        notes.told[0].outlook.expected(seconds), case.series.expected(seconds / 3600)
    )


def test_a_predictor_is_told_what_telemetry_says(notes):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    strategy = sdn(predict=notes(), window_s=0.0, staleness_s=0.0)
    play(case_of(network, demands, strategy, hours=0.5, step_s=300.0, shapes=[Ramp()]))
    # A reading at the seam of two steps is of the one before.
    assert np.ravel(notes.told[0].rates).tolist() == [10.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_routes_are_made_for_what_is_foretold():
    # 40, 80 and then 40 Gbps: the peak of the window keeps 80 in mind, the last reading does not.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0))
    shape = Listed([40.0, 80.0, 40.0, 40.0, 40.0, 40.0])
    control = {"window_s": 0.0, "staleness_s": 0.0, "compute_s": 0.0, "install_s": 0.0}
    for kind, foretold in (
        ("last", [40, 40, 80, 40, 40, 40]),
        ("window_peak", [40, 40, 80, 80, 80, 80]),
    ):
        strategy = sdn("min_max", predict=predictor.make(kind), **control)
        got = play(case_of(network, demands, strategy, hours=0.5, step_s=300.0, shapes=[shape]))
        log = got.table("control").query("layer == 'controller'")
        assert log["mlu"].to_numpy() == pytest.approx(np.array(foretold) / 200, rel=1e-8)


def test_a_season_foretells_a_steep_day_better_than_the_last_reading():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    control = {"every_s": 1800.0, "staleness_s": 1800.0, "compute_s": 0.0, "install_s": 0.0}
    strategies = {
        kind: sdn(predict=predictor.make(kind, **more), **control)
        for kind, more in (("last", {}), ("ewma", {}), ("seasonal", {"learn": 0.0}))
    }
    shapes = [Diurnal(trough=0.1)]
    got = play(case_of(network, demands, strategies, hours=24, shapes=shapes, detail="none"))
    error = {kind: got.figure("prediction_error", strategy=kind) for kind in strategies}
    assert error["seasonal"] < 0.01 < 0.1 < error["last"] < error["ewma"]
