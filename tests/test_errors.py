"""Errors are letters to a tired engineer."""

import pickle

import pytest

from simulator.base.errors import InputError, Problem, SimulatorError, did_you_mean, nearest


@pytest.mark.parametrize(
    ("problem", "letter"),
    [
        (Problem("a.yaml", 41, 9, "x.kind", "is odd"), "a.yaml:41:9: x.kind: is odd"),
        (Problem("a.yaml", 41, None, "x", "is odd"), "a.yaml:41: x: is odd"),
        (Problem("--set x=1", None, None, "x", "is odd"), "--set x=1: x: is odd"),
        (Problem("a.yaml", 1, 1, "", "is odd"), "a.yaml:1:1: is odd"),
        (Problem("", None, None, "", "is odd"), "is odd"),
        (Problem("a.yaml", 1, 2, "x", "is odd", "warning"), "a.yaml:1:2: x: warning: is odd"),
        (Problem("a\n.csv", 1, 1, "x\x1b[31m", "\0\u2028"), r"a\n.csv:1:1: x\x1b[31m: \x00\u2028"),
        (Problem("a.csv", 1, 1, "x" * 900, "is odd"), f"a.csv:1:1: {'x' * 199}…: is odd"),
        (
            Problem("a.csv", 1, 1, "", "x" * 9000),
            f"a.csv:1:1: {'x' * 5000}… and 4,000 characters more",
        ),
        (Problem("北京.csv", 1, 1, "é", "\udcff"), r"北京.csv:1:1: é: \udcff"),
    ],
)
def test_a_problem_reads_as_one_line(problem, letter):
    assert str(problem) == letter


def test_an_input_error_tells_every_problem():
    problems = [Problem("a", 1, 1, "x", "one"), Problem("a", 2, 1, "y", "two")]
    error = InputError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error) == "a:1:1: x: one\na:2:1: y: two"
    assert isinstance(error, SimulatorError)
    assert isinstance(error, ValueError)


def test_an_input_error_travels_between_processes():
    error = InputError([Problem("a", 1, 1, "x", "one")])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("min_latencey", "min_latency"),
        ("Min-Latency", "min_latency"),
        ("MIN_MAX", "min_max"),
        ("banana", None),
        ("", None),
        ("m" * 100_000, None),
    ],
)
def test_nearest_forgives_slips_only(word, near):
    assert nearest(word, ["min_latency", "min_max", "igp_ecmp"]) == near


def test_nearest_gives_the_candidate_as_it_is_written():
    assert nearest("hong_kong", ["Hong-Kong"]) == "Hong-Kong"


def test_did_you_mean_is_silent_when_nothing_is_near():
    assert did_you_mean("min_maxx", ["min_max"]) == "; did you mean 'min_max'?"
    assert did_you_mean("banana", ["min_max"]) == ""
    assert did_you_mean("banana", []) == ""
