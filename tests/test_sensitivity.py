"""Sensitivity: shares of variance meet closed forms, and the study names what moves the answer."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI
from scipy import stats
from scipy.special import ndtri
from test_worlds import BUFFER, EXITS, SPLIT, TOTAL, mini

import simulator as sim
from simulator.cli.main import main
from simulator.uncertainty.law import HIGH, LOW
from simulator.uncertainty.shares import designs, share_words, shares

NAMES = ["a", "b", "c", "d"]
WEIGHTS = {"a": 2.0, "b": 1.0, "c": 1.0, "d": 0.5}


def answers(function, draws, count, names=NAMES):
    """Answers of both designs; *draws* holds a row for each draw of each assumption."""
    first, second = designs(names, count)
    one = [function({name: draws[name][w.number - 1] for name in names}) for w in first]
    two = [function({name: draws[name][w.own[name] - 1] for name in names}) for w in second]
    return np.array(one), np.array(two)


def linear(values):
    return sum(WEIGHTS[name] * np.sum(value) for name, value in values.items())


def test_designs_share_one_assumption_at_a_time():
    first, second = designs(NAMES, 16)
    for k, name in enumerate(NAMES):
        for i, world in enumerate(second):
            partner = first[(i + k + 1) % 16]
            same = [each for each in NAMES if world.own[each] == partner.number]
            assert same == [name]
    for name in NAMES:
        assert sorted(w.own[name] for w in second) == [w.number for w in first]


def test_a_linear_answer_has_exactly_the_shares_of_its_closed_form():
    rng = np.random.default_rng(1)
    below = {name: rng.random(32) for name in NAMES}
    draws = {name: ndtri(value) for name, value in below.items()}
    found = shares(NAMES, below, *answers(linear, draws, 32))
    total = sum(weight**2 for weight in WEIGHTS.values())
    exact = [WEIGHTS[name] ** 2 / total for name in NAMES]
    np.testing.assert_allclose(found.share, exact, rtol=1e-9)
    assert found.share.sum() + found.rest == pytest.approx(1.0)
    assert found.rest == pytest.approx(0.0, abs=1e-9)
    assert found.variance == pytest.approx(total)


@pytest.mark.parametrize("seed", range(6))
def test_groups_have_them_within_their_error(seed):
    # c and d have five members each, a and b one.
    rng = np.random.default_rng(seed)
    below = {name: rng.random(256) for name in "ab"}
    draws = {name: ndtri(below[name]) for name in "ab"}
    draws |= {name: rng.normal(size=(256, 5)) / np.sqrt(5) for name in "cd"}
    found = shares(NAMES, below, *answers(linear, draws, 256))
    total = sum(weight**2 for weight in WEIGHTS.values())
    exact = np.array([WEIGHTS[name] ** 2 / total for name in NAMES])
    assert (np.abs(found.share - exact) <= 2.0 * found.half + 1e-9).all()
    assert abs(found.rest) <= 2.0 * np.linalg.norm(found.half)
    assert (found.half[2:] < 0.06).all(), "the fit of a and b takes their noise away"


def test_intervals_of_shares_cover():
    inside = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        draws = {name: rng.normal(size=(64, 3)) / np.sqrt(3) for name in NAMES}
        found = shares(NAMES, {}, *answers(linear, draws, 64))
        exact = np.array([WEIGHTS[name] ** 2 / 6.25 for name in NAMES])
        inside.append(np.abs(found.share - exact) <= found.half)
    assert (np.mean(inside, axis=0) > 0.88).all()


def test_shares_are_those_of_scipy_for_a_function_with_interactions():
    # y = a + b^2 / 2 + a b / 2 + c: of 1 + 1/2 + 1/4 + 1, three parts and one of a with b.
    def function(values):
        a, b, c = (float(values[name]) for name in "abc")
        return a + b**2 / 2 + a * b / 2 + c

    n = 4096
    found = stats.sobol_indices(
        func=lambda x: np.apply_along_axis(
            lambda row: function(dict(zip("abc", row, strict=True))), 0, x
        )[None],
        n=n,
        dists=[stats.norm()] * 3,
        rng=np.random.default_rng(1),
    ).first_order
    rng = np.random.default_rng(2)
    below = {name: rng.random(1024) for name in "abc"}
    draws = {name: ndtri(value) for name, value in below.items()}
    ours = shares(list("abc"), below, *answers(function, draws, 1024, list("abc")))
    np.testing.assert_allclose(ours.share, found.ravel(), atol=0.05)
    np.testing.assert_allclose(ours.share, np.array([1, 0.5, 1]) / 2.75, atol=0.04)
    assert ours.rest == pytest.approx(0.25 / 2.75, abs=0.04)


def test_a_constant_has_no_shares_and_what_is_no_number_has_none_known():
    below = {name: np.linspace(0.1, 0.9, 16) for name in NAMES}
    nothing = shares(NAMES, below, np.full(16, 3.0), np.full(16, 3.0))
    assert not nothing.share.any() and nothing.rest == nothing.variance == 0.0
    unknown = shares(NAMES, below, np.full(16, np.inf), np.full(16, 3.0))
    assert np.isnan(unknown.share).all() and np.isnan(unknown.rest)
    with pytest.raises(ValueError, match="need more worlds"):
        designs(NAMES, 4)


# -- the study ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    scenario = mini({"buffer": BUFFER, "split": SPLIT, "total": TOTAL, "exits": EXITS}, horizon_h=1)
    return sim.sensitivity(scenario, worlds=16, out=tmp_path_factory.mktemp("sens") / "out")


def test_the_study_names_what_moves_the_answer_most(answer):
    frame = answer.frame
    assert {"assumption", "low", "high", "answer_low", "answer_high", "share_of_variance"} < set(
        frame.columns
    )
    sdn = frame[frame["strategy"] == "sdn"].set_index("assumption")
    swing = (sdn["answer_high"] - sdn["answer_low"]).abs()
    assert swing.is_monotonic_decreasing and list(sdn.index)[-1] == "buffer"
    assert sdn.loc["total", ["low", "high"]].tolist() == pytest.approx([0.7, 1.4])
    assert sdn.loc["buffer", "answer_low"] == sdn.loc["buffer", "answer_high"]
    assert abs(sdn.loc["buffer", "share_of_variance"]) <= 0.1
    assert sdn["share_of_variance"].idxmax() in ("total", "split", "exits")
    first = list(sdn.index)[0]
    assert f"is moved most by {first} (" in answer.sentence
    assert answer.sentence.count("of the variance") == 3, "the top three"


def test_one_at_a_time_is_what_a_run_gives(answer):
    run = sim.run(mini(horizon_h=1, replications=1, **{"demands.international": "x1.4"}))
    row = answer.frame.query("assumption == 'total' and strategy == 'static'").iloc[0]
    assert row["answer_high"] == pytest.approx(run.figure("static", "exit_utilisation_peak"))
    assert row["answer_low"] < row["stated"] < row["answer_high"]


def test_it_fits_a_screen_and_says_what_it_did(answer):
    text = str(answer)
    assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 100
    assert "48 worlds of 1 day each" not in text and "worlds of 1 day each" in text
    assert "together they make all but" in " ".join(text.split())
    json.dumps(answer.to_json())
    figures = answer.tables["figures"]
    assert set(figures["assumption"]) <= {"total", "split", "exits", "buffer"}
    offered = figures.query("metric == 'offered_gbit' and scope == 'international'")
    assert set(offered["assumption"]) == {"total"} and (offered["share_of_variance"] > 0.95).all()
    assert {path.name for path in answer.folder.iterdir()} == {
        *("assumptions.csv", "figures.csv", "sensitivity.json", "answer.json"),
        *("inputs", "manifest.json"),
    }


def test_the_tornado_shows_the_rows_of_the_last_strategy(answer):
    ax = answer.figures["tornado"]()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == list(answer.frame.query("strategy == 'sdn'")["assumption"])
    widths = {round(bar.get_width(), 9) for bar in ax.patches}
    row = answer.frame.query("strategy == 'sdn'").iloc[0]
    for end in ("answer_low", "answer_high"):
        assert round(100 * (row[end] - row["stated"]), 9) in widths
    assert "Which assumption moves the answer most?" in ax.figure.get_suptitle()
    plt.close(ax.figure)


def test_workers_days_and_other_answers():
    scenario = mini({"total": TOTAL}, horizon_h=1)
    one, two = (
        sim.sensitivity(scenario, worlds=0, days=2, of="headroom", workers=n) for n in (1, 2)
    )
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.frame["share_of_variance"].isna().all() and set(one.frame["metric"]) == {"headroom"}
    shares_of = one.frame.query("strategy == 'static'").iloc[0]
    assert shares_of["answer_low"] / shares_of["answer_high"] == pytest.approx(2.0, rel=0.05)
    assert (LOW, HIGH) == (0.05, 0.95)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--of", "headrom"], "did you mean 'headroom'"),
        (["--of", "loss_fraction:abroad"], "has no scope"),
        (["--worlds", "3"], "10 worlds or more, or 0"),
    ],
)
def test_what_cannot_be_asked_is_said(words, message, tmp_path):
    nothing = dict.fromkeys(sim.load(MINI).network.about.uncertainty)
    stated = json.dumps({**nothing, "total": TOTAL})
    call = ["sensitivity", MINI, "--set", f"uncertainty={stated}", "--set", "horizon_h=1"]
    call += ["--set", "step_s=1200", "--out", str(tmp_path / "out")]
    call += words if "--worlds" in words else ["--worlds", "0", *words]
    done = CliRunner().invoke(main, call)
    assert done.exit_code == 2 and message in done.stderr and not (tmp_path / "out").exists()


def test_nothing_stated_is_refused():
    with pytest.raises(sim.InputError, match="nothing is stated as not known"):
        sim.sensitivity(mini({}))


def test_an_assumption_may_have_any_name():
    names = {"first": TOTAL, "second": BUFFER, "stated": SPLIT}
    frame = sim.sensitivity(mini(names, horizon_h=1), worlds=16).frame
    plain = {"a": TOTAL, "b": BUFFER, "c": SPLIT}
    alone = sim.sensitivity(mini(plain, horizon_h=1), worlds=0).frame
    same = ["strategy", "answer_low", "answer_high"]
    assert set(frame["assumption"]) == set(names) and frame["share_of_variance"].notna().all()
    mine, other = (
        each.query(f"assumption == '{name}'")[same].reset_index(drop=True)
        for each, name in ((frame, "first"), (alone, "a"))
    )
    pd.testing.assert_frame_equal(mine, other)


@pytest.mark.parametrize(
    ("low", "share", "high", "words"),
    [
        (0.18, 0.36, 0.54, "36 %"),
        (-0.02, 0.06, 0.143, "< 15 %"),
        (-0.1, -0.05, -0.01, "0 %"),
        (0.0, 0.0, 0.0, "0 %"),
        (np.nan, np.nan, np.nan, ""),
    ],
)
def test_a_share_that_may_be_none_is_given_by_its_upper_end(low, share, high, words):
    assert share_words(low, share, high) == words
