"""Strategies side by side: every number in the table against one worked out by hand."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from simulator.base import text as show
from simulator.results.results import Results
from simulator.run import write_figures
from simulator.study.compare import compare

T_3 = 4.302652729911275
"""Student's t for a 95 % interval over three replications."""
EXITS = {
    ("exit_utilisation_peak", "all"): "1",
    ("exit_utilisation_p95", "all"): "1",
    ("exit_utilisation_mean", "all"): "1",
    ("hours_above_80", "all"): "h",
    ("exit_balance_jain", "all"): "1",
    ("exit_utilisation_peak", "exit:a-b:out"): "1",
    ("exit_utilisation_peak", "exit:c:d:in"): "1",
    ("headroom", "all"): "1",
}
TRAFFIC = {
    "latency_below_capacity_ms_mean": "ms",
    "latency_below_capacity_ms_p95": "ms",
    "propagation_ms_mean": "ms",
    "queueing_below_capacity_ms_mean": "ms",
    "offered_gbit": "Gbit",
    "carried_gbit": "Gbit",
    "lost_gbit": "Gbit",
    "loss_fraction": "1",
}
ELASTIC = {"deferred_gbit": "Gbit", "deferred_fraction": "1", "unserved_fraction": "1"}
REST = {
    ("mlu_peak", "all"): "1",
    ("moved_gbps_per_day", "all"): "Gbps/d",
    ("gap_max", "all"): "1",
}
CLASSES = ("international_out", "international_in")


def made(
    folder,
    values=None,
    strategies=("static", "sdn"),
    replications=3,
    classes=CLASSES,
    exits=True,
    elastic=False,
    **story,
):
    """Write a results folder; *values* gives (strategy, metric, scope) one number a replication."""
    units = {**(EXITS if exits else {}), **REST}
    traffic = {**TRAFFIC, **(ELASTIC if elastic else {})}
    units |= {(m, s): u for m, u in traffic.items() for s in ("all", *classes)}
    rows = [
        (r, name, metric, scope, unit, (values or {}).get((name, metric, scope), [1.0] * 9)[r])
        for r in range(replications)
        for name in strategies
        for (metric, scope), unit in units.items()
    ]
    columns = ["replication", "strategy", "metric", "scope", "unit", "value"]
    folder.mkdir(exist_ok=True)
    write_figures(folder, pd.DataFrame(rows, columns=columns))
    run = {
        "status": "complete",
        "name": "made",
        "title": "Made up",
        "scenario": {
            "seed": 1,
            "replications": replications,
            "step_s": 300.0,
            "horizon_h": 48.0,
            "strategies": dict.fromkeys(strategies),
            "targets": {"exit_utilisation": 0.8},
        },
        "changes": {},
        "network": {"name": "net", "backbone_gbps": 200000.0, "exits_gbps": 2460.0},
        "notes": ["Estimate: links.capacity_gbps: guessed", "Peaks are not seen."],
        "marks": [{"of": "links.capacity_gbps", "kind": "assumed, no range", "source": "guessed"}],
    }
    run.update(story)
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return Results(folder)


def line(told, label):
    (found,) = [each for each in str(told).splitlines() if each.startswith(label)]
    return re.split(r"\s{2,}", found.removeprefix(label).strip())


def test_a_figure_its_interval_and_the_paired_difference(tmp_path):
    peak = "exit_utilisation_peak", "all"
    values = {("static", *peak): [1.6, 1.7, 1.65], ("sdn", *peak): [0.85, 0.95, 0.87]}
    told = compare(made(tmp_path / "r", values))
    spread = T_3 * np.std([1.6, 1.7, 1.65], ddof=1) / math.sqrt(3) * 100
    apart = np.array([0.85 - 1.6, 0.95 - 1.7, 0.87 - 1.65])
    half = T_3 * np.std(apart, ddof=1) / math.sqrt(3) * 100
    static, _, difference = line(told, "exit utilisation, peak")
    assert static == f"165.0 % ± {spread:.1f}"
    assert difference == f"{apart.mean() * 100:.1f} pp ± {half:.1f}"
    (row,) = told.frame.query("strategy == 'sdn' and metric == @peak[0]").to_dict("records")
    assert row["difference"] == pytest.approx(apart.mean())
    assert row["difference_ci_high"] - row["difference_ci_low"] == pytest.approx(2 * half / 100)


def test_international_latency_is_weighted_by_volume(tmp_path):
    values = {}
    for name in ("static", "sdn"):
        for metric, outward, inward in (
            ("latency_below_capacity_ms_mean", 100.0, 60.0),
            ("propagation_ms_mean", 90.0, 50.0),
            ("queueing_below_capacity_ms_mean", 10.0, 10.0),
            ("carried_gbit", 10.0, 30.0),
            ("offered_gbit", 10.0, 40.0),
            ("lost_gbit", 0.0, 10.0),
            ("latency_below_capacity_ms_p95", 200.0, 120.0),
        ):
            values[name, metric, "international_out"] = [outward] * 3
            values[name, metric, "international_in"] = [inward] * 3
    told = compare(made(tmp_path / "r", values))
    assert line(told, "latency, ms (international)")[0] == "70.00 same"
    assert line(told, "  propagation")[0] == "60.00 same"
    assert line(told, "  queueing below capacity")[0] == "10.00 same"
    assert line(told, "lost (international)")[0] == "20.00 % same"
    assert line(told, "latency p95, ms (inbound)")[0] == "120.00 same"


def test_moves_are_counted_by_the_day(tmp_path):
    told = compare(made(tmp_path / "r", {("sdn", "moved_gbps_per_day", "all"): [50.0] * 3}))
    assert line(told, "routes moved a day, Gbps")[1] == "50.0 same"


@pytest.mark.parametrize(
    ("gbit", "words"), [(12.3, "Gbit (all)"), (4567.0, "Tbit (all)"), (8.65e6, "Pbit (all)")]
)
def test_volumes_have_a_unit_that_reads_well(tmp_path, gbit, words):
    told = compare(made(tmp_path / "r", {("static", "lost_gbit", "all"): [gbit] * 3}))
    value = line(told, f"lost, {words}")[0]
    assert 1 <= float(value.split()[0]) < 1000


def test_what_is_no_number_or_has_no_limit(tmp_path):
    values = {
        ("static", "headroom", "all"): [math.inf] * 3,
        ("sdn", "headroom", "all"): [1.5] * 3,
        ("static", "gap_max", "all"): [math.nan] * 3,
    }
    told = compare(made(tmp_path / "r", values))
    assert line(told, "headroom to 80 %") == ["no limit", "x1.50 same", "–"]
    assert line(told, "optimality gap, largest") == ["–", "100.00 % same", "–"]
    assert "nan" not in str(told).lower()
    assert not re.search(r"\binf\b", str(told))


def test_one_replication_has_no_intervals(tmp_path):
    told = compare(made(tmp_path / "r", replications=1))
    assert "±" not in str(told)
    assert "intervals need two or more" in str(told)
    assert line(told, "exit balance") == ["1.000", "1.000", "0.000"]


def test_one_strategy_has_no_differences(tmp_path):
    told = compare(made(tmp_path / "r", strategies=("sdn",)))
    assert "sdn - " not in str(told)
    assert " pp" not in str(told)
    assert told.frame["difference"].isna().all()


def test_three_strategies_fit_a_hundred_columns(tmp_path):
    names = tuple(f"strategy number {i} of a long name" for i in range(3))
    told = str(compare(made(tmp_path / "r", strategies=names)))
    assert max(map(show.columns, told.splitlines())) <= 100
    assert told.count("exit utilisation, peak") >= 2
    assert told.count("\nLess that of strategy") == 1


@pytest.mark.parametrize("count", [5, 6, 12])
def test_more_strategies_are_ranked(tmp_path, count):
    names = tuple(f"strategy number {i} of a long name" for i in range(count))
    lost = {
        (name, "loss_fraction", "all"): [0.01 * ((i * 5) % 7)] * 3 for i, name in enumerate(names)
    }
    told = compare(made(tmp_path / "r", lost, strategies=names, classes=()))
    assert max(map(show.columns, str(told).splitlines())) <= 100
    places = re.findall(r"^(\d+) strategy number (\d+)", str(told), re.MULTILINE)
    best_first = sorted(range(count), key=lambda i: (i * 5) % 7)
    if count <= 7:
        assert [int(i) for _, i in places] == best_first
    assert [int(place) for place, _ in places] == list(range(1, count + 1))
    assert "Ranked by traffic lost" in str(told)
    assert set(told.frame["strategy"]) == set(names), "the frame holds all figures"


def test_regret_ranks_where_there_is_a_bound(tmp_path, monkeypatch):
    names = ("a", "b", "c", "d", "bound")
    monkeypatch.setitem(REST, ("regret", "all"), "ms")
    regret = dict(zip(names, (3.0, 1.0, 2.0, 4.0, 0.0), strict=True))
    values = {(name, "regret", "all"): [value] * 3 for name, value in regret.items()}
    told = str(compare(made(tmp_path / "r", values, strategies=names)))
    assert re.findall(r"^(\d \w+) +(\S+)", told, re.MULTILINE) == [
        ("1 bound", "0.00"), ("2 b", "1.00"), ("3 c", "2.00"), ("4 a", "3.00"), ("5 d", "4.00")
    ]  # fmt: skip
    assert "Ranked by regret" in told


def test_a_network_without_exits(tmp_path):
    told = compare(made(tmp_path / "r", classes=(), exits=False))
    assert line(told, "peak of any link")[0] == "100.0 % same"
    assert line(told, "latency, ms (all)")[0] == "1.00 same"
    assert "exit utilisation" not in str(told)
    assert "Hottest" not in str(told)


def test_the_setting_is_told(tmp_path):
    results = made(tmp_path / "r", changes={"links.a.metric": "2"})
    told = str(compare(results))
    assert " ".join(told.splitlines()[:6]) == (
        "Made up On net, sdn and static do not differ: both fill the hottest exit to 100.0 %,"
        " both lose 100.00 % of international traffic, and mean latency of international traffic"
        " is 1.00 ms with either."
        " net: backbone 200,000 Gbps, exits 2,460 Gbps (capacities are estimates);"
        " 48 h in 300 s steps, 3 replications, seed 1 changed: links.a.metric = 2"
    )
    assert "Inputs, worst first: 1 assumed without a range (links.capacity_gbps)." in told
    assert "- Peaks are not seen." in told


def test_dates_make_a_horizon(tmp_path):
    results = made(tmp_path / "r")
    results.run["scenario"] |= {"start": "2017-12-01", "end": "2018-12-01"}
    assert "8,760 h" in str(compare(results))


def test_the_hottest_exit_is_named(tmp_path):
    peak = "exit_utilisation_peak"
    values = {
        ("static", peak, "exit:a-b:out"): [1.5] * 3,
        ("sdn", peak, "exit:c:d:in"): [1.24] * 3,
    }
    told = str(compare(made(tmp_path / "r", values)))
    often = "(3 of 3 replications)"
    words = f"Hottest exit: static a-b out at 150.0 % {often}, sdn c:d in at 124.0 % {often}"
    assert words in told.replace("\n  ", " ")


def test_the_target_names_hours_and_headroom(tmp_path):
    results = made(tmp_path / "r")
    results.run["scenario"]["targets"] = {"exit_utilisation": 0.725}
    assert line(compare(results), "headroom to 72.5 %")


def test_a_notebook_gets_escaped_text(tmp_path):
    name = "<script>alert(1)</script>"
    page = compare(made(tmp_path / "r", strategies=("a", name), title=name))._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<table>") == 1


def test_the_frame_is_tidy(tmp_path):
    frame = compare(made(tmp_path / "r")).frame
    assert (
        list(frame.columns)
        == (
            "figure strategy metric scope unit mean ci_low ci_high difference difference_ci_low"
            " difference_ci_high range_low range_high difference_range_low difference_range_high"
            " replications"
        ).split()
    )
    assert not frame.duplicated(["strategy", "metric", "scope"]).any()
    assert set(frame["strategy"]) == {"static", "sdn"}
    assert frame[frame["strategy"] == "static"]["difference"].isna().all()


# -- the answer -----------------------------------------------------------------------------------

PEAK, LOSS = ("exit_utilisation_peak", "all"), "loss_fraction"
NOTHING, SOME = [0.0, 0.0, 0.0], [0.05, 0.06, 0.07]


def lossy(**lost):
    """Return volumes by strategy, of which a share is lost."""
    return {
        (name, f"{word}_gbit", scope): [100.0 * s if word == "lost" else 100.0 for s in shares]
        for name, shares in lost.items()
        for scope in ("all", *CLASSES)
        for word in ("offered", "lost")
    } | {
        (name, LOSS, scope): shares for name, shares in lost.items() for scope in ("all", *CLASSES)
    }


@pytest.mark.parametrize(
    ("static", "sdn", "lost", "sentence"),
    [
        (
            [1.5, 1.6, 1.7],
            [0.8, 0.9, 1.0],
            {"static": SOME, "sdn": NOTHING},
            "On net, sdn holds the hottest exit at 90.0 % where static reaches 160.0 %, and loses"
            " nothing where static loses 6.00 % of international traffic.",
        ),
        (
            [0.9, 0.8, 0.7],
            [1.1, 1.0, 0.9],
            {"static": SOME, "sdn": [0.01, 0.02, 0.03]},
            "On net, sdn fills the hottest exit to 100.0 % where static reaches 80.0 %, but loses"
            " 2.00 % of international traffic where static loses 6.00 %.",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.75],
            {"static": NOTHING, "sdn": NOTHING},
            "On net, sdn fills the hottest exit to 81.7 % where static reaches 80.0 % (difference"
            " not significant at 95 %), and neither loses international traffic.",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.7],
            {"static": NOTHING, "sdn": NOTHING},
            "On net, sdn and static do not differ: both fill the hottest exit to 80.0 %, neither"
            " loses international traffic, and mean latency of international traffic is 1.00 ms"
            " with either.",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.7],
            {"static": NOTHING, "sdn": [1e-6, 2e-6, 3e-6]},
            "On net, sdn and static both fill the hottest exit to 80.0 %, and sdn loses less than"
            " 0.01 % of international traffic where static loses nothing (difference not"
            " significant at 95 %).",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.7],
            {"static": SOME, "sdn": [0.0, 0.03, 0.0]},
            "On net, sdn and static both fill the hottest exit to 80.0 %, and sdn loses 1.00 % of"
            " international traffic (seen in 1 of 3 replications) where static loses 6.00 %.",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.7],
            {"static": NOTHING, "sdn": [0.05, 0.0501, 0.0]},
            "On net, sdn and static both fill the hottest exit to 80.0 %, and sdn loses 3.34 % of"
            " international traffic (seen in 2 of 3 replications) where static loses nothing"
            " (difference not significant at 95 %).",
        ),
        (
            [0.9, 0.8, 0.7],
            [0.9, 0.8, 0.7],
            {"static": NOTHING, "sdn": SOME},
            "On net, sdn and static both fill the hottest exit to 80.0 %, and sdn loses 6.00 % of"
            " international traffic where static loses nothing.",
        ),
    ],
)
def test_the_sentence_says_which_is_better_and_against_what(tmp_path, static, sdn, lost, sentence):
    values = {("static", *PEAK): static, ("sdn", *PEAK): sdn, **lossy(**lost)}
    answer = compare(made(tmp_path / "r", values))
    assert answer.sentence == sentence
    lines = str(answer).splitlines()
    assert " ".join(lines[1:]).startswith(sentence)


def test_the_sentence_of_one_strategy_of_one_replication_and_of_many(tmp_path):
    one = compare(made(tmp_path / "1", strategies=("sdn",), replications=1)).sentence
    assert one.startswith("On net, in one replication, sdn, the only strategy, fills the hottest")
    names = ("static", "b", "c", "d", "e")
    lost = dict(zip(names, ([0.0] * 3, SOME, [0.01] * 3, [0.02] * 3, [0.03] * 3), strict=True))
    many = compare(made(tmp_path / "4", lossy(**lost), strategies=names)).sentence
    assert many.startswith(
        "On net, of 5 strategies ranked by traffic lost, c comes next after static:"
    )
    lost["d"] = [0.0] * 3
    lost["static"] = SOME
    many = compare(made(tmp_path / "5", lossy(**lost), strategies=names)).sentence
    assert many.startswith(
        "On net, of 5 strategies ranked by traffic lost, d is first: it and static"
    )


ROLES = {"fixed": {}, "none": {}, "sdn": {}, "ideal": {"bound": True}}
FOUR = {
    ("fixed", *PEAK): [0.9, 0.8, 0.7],
    ("none", *PEAK): [1.5, 1.4, 1.3],
    ("sdn", *PEAK): [0.7, 0.75, 0.65],
    ("ideal", *PEAK): [0.6] * 3,
    ("ideal", "exit_utilisation_p95", "all"): [0.5] * 3,
}
for name, lost, ms, room in (
    ("fixed", 0.0, 70.0, 1.0),
    ("none", 0.1, 58.0, 0.6),
    ("sdn", 0.0, 66.0, 1.2),
    ("ideal", 0.0, 57.5, 1.5),
):
    FOUR[name, "headroom", "all"] = [room] * 3
    for way in CLASSES:
        FOUR[name, "lost_gbit", way] = [lost] * 3
        FOUR[name, "latency_below_capacity_ms_mean", way] = [ms] * 3


def four(folder, roles=None, **story):
    """Write the results of four strategies, one of them a bound."""
    made(folder, FOUR, strategies=tuple(ROLES), **story)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["scenario"]["strategies"] = roles or ROLES
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return compare(Results(folder))


def test_what_a_strategy_is_worth_against_each_of_the_others(tmp_path):
    answer = four(tmp_path / "r")
    assert answer.sentence == (
        "On net, sdn is worth 10.0 points of the hottest exit against fixed"
        f" ({span(0.2, 0.05, 0.05)} at 95 %) and 70.0 against none ({span(0.8, 0.65, 0.65)}):"
        " 70.0 % where these reach"
        " 80.0 % and 140.0 %. Of international traffic, sdn and fixed lose nothing and none loses"
        " 10.00 %. Mean latency of international traffic is 66.00 ms, 4.00 ms less than with fixed"
        " and 8.00 ms more than with none. International traffic may grow to x1.20 until an exit"
        " is at 80 %, x1.00 with fixed and x0.60 with none. ideal, a bound that nobody can build,"
        " fills the hottest exit to 60.0 %, loses nothing and takes 57.50 ms."
    )


def span(*gained):
    half = T_3 * np.std(gained, ddof=1) / math.sqrt(3)
    return " to ".join(f"{100 * (np.mean(gained) + sign * half):.1f}" for sign in (-1, 1))


def test_differences_of_four_strategies_have_a_table_of_their_own(tmp_path):
    answer = four(tmp_path / "r")
    captions = [caption for caption, *_ in answer.sections]
    assert captions == ["", "Less that of fixed"]
    main, apart = answer.sections
    assert list(main.headings) == list(ROLES) and list(apart.headings) == list(ROLES)[1:]
    peaks = {row.label: row.cells for row in apart.rows}["exit utilisation, peak"]
    assert [each.value for each in peaks] == ["+60.0 pp", "-10.0 pp", "-20.0 pp"]
    assert max(map(show.columns, str(answer).splitlines())) <= 100


def test_the_best_that_can_be_built_is_in_question_and_a_bound_never_is(tmp_path):
    assert four(tmp_path / "r").sentence.startswith("On net, sdn is worth")
    unmarked = {name: {} for name in ROLES}
    assert four(tmp_path / "s", unmarked).sentence.startswith("On net, ideal is worth")


def test_an_answer_is_the_same_in_a_terminal_a_notebook_and_json(tmp_path):
    answer = compare(made(tmp_path / "r", {("static", "headroom", "all"): [math.inf] * 3}))
    assert set(answer.to_json()) == {"sentence", "tables"}
    assert answer.to_json()["sentence"] == answer.sentence
    rows = json.loads(json.dumps(answer.to_json(), allow_nan=False))["tables"]["comparison"]
    assert len(rows) == len(answer.tables["comparison"]) == len(answer.frame)
    assert list(rows[0]) == list(answer.frame.columns)
    assert rows[0]["difference"] is None
    assert answer.sentence in answer._repr_html_()
    assert repr(answer) == str(answer)
    assert answer.folder == tmp_path / "r"
    assert list(answer.figures) == ["hottest_exit", "exit_peaks", "latency"]
    without = compare(made(tmp_path / "s", classes=(), exits=False))
    assert list(without.figures) == ["latency"]
    assert "fill the fullest link to" in without.sentence


# -- the tools of the table ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "form", "text"),
    [
        ((0.123456, 0.1, 0.146912), "share", "12.3 % ± 2.3"),
        ((-1e-17, -1e-16, 1e-16), "share", "0.0 % ± 0.0"),
        ((123456.7, math.nan, math.nan), "gbps", "123,457"),
        ((12.34, math.nan, math.nan), "gbps", "12.3"),
        ((2.5, 2.0, 3.0), "hours", "2.5 ± 0.5"),
        ((1.234, 1.2, 1.268), "factor", "x1.23 ± 0.03"),
        ((math.nan, math.nan, math.nan), "ms", "–"),
        ((math.inf, math.nan, math.nan), "factor", "no limit"),
    ],
)
def test_numbers_are_rounded_sensibly(numbers, form, text):
    mean, low, high = numbers
    assert str(show.cell(mean, low, high, form)) == text


def test_differences_have_a_sign():
    assert str(show.cell(0.5, 0.4, 0.6, "share", apart=True)) == "+50.0 pp ± 10.0"
    assert str(show.cell(-0.5, -0.6, -0.4, "factor", apart=True)) == "-0.50 ± 0.10"
    assert str(show.cell(0.0, 0.0, 0.0, "ms", apart=True)) == "0.00 ± 0.00"


def test_wide_letters_count_twice():
    assert show.columns("策略") == 4
    assert show.short("策略" * 20, 10) == "策略策…略"
    assert show.columns("e\u0301") == 1


def test_text_is_wrapped_by_columns():
    lines = show.wrapped("北京 " * 60 + "x" * 250, hang="  ")
    assert max(map(show.columns, lines)) <= 100
    assert "".join("".join(lines).split()) == "北京" * 60 + "x" * 250


def test_control_characters_do_not_reach_a_terminal():
    assert show.plain("a\x1b[31m\tb\nc\u202ed") == "a [31m b c d"


@pytest.mark.parametrize(
    ("lost", "deferred", "words"),
    [
        (0.0, 10.0, "defers nothing where static defers 10.00 % of international traffic"),
        (
            5.0,
            10.0,
            "loses or defers nothing where static loses or defers 15.00 % of international",
        ),
        (0.0, 0.0, "neither defers international traffic"),
    ],
)
def test_loss_and_deferral_stand_apart(tmp_path, lost, deferred, words):
    values = {("sdn", "exit_utilisation_peak", "all"): [0.5] * 3}
    for scope in ("all", *CLASSES):
        for name, share in (("static", 1.0), ("sdn", 0.0)):
            values[name, "offered_gbit", scope] = [100.0] * 3
            values[name, "lost_gbit", scope] = [lost * share] * 3
            values[name, "deferred_gbit", scope] = [deferred * share] * 3
            values[name, "loss_fraction", scope] = [lost * share / 100] * 3
            values[name, "deferred_fraction", scope] = [deferred * share / 100] * 3
            values[name, "unserved_fraction", scope] = [(lost + deferred) * share / 100] * 3
    answer = compare(made(tmp_path / "r", values, elastic=True))
    assert words in answer.sentence
    metrics = set(answer.frame["metric"])
    assert ("unserved_fraction" in metrics) == (lost > 0 and deferred > 0)
    assert {"loss_fraction", "deferred_fraction"} <= metrics
