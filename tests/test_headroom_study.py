"""The study of headroom: factors, dates on which exits run out, and what a strategy is worth."""

import json
import math
import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI
from helpers import asks, two_exits

import simulator as sim
from simulator.cli.main import main
from simulator.model.demands import INTERNATIONAL
from simulator.model.streams import Streams
from simulator.study.calendar import calendar
from simulator.study.growing import growing, rates_of, without_growth

YEAR = timedelta(days=365)
STATIC = {"igp": {"scheme": "igp_ecmp"}}
SDN = {"sdn": {"scheme": {"kind": "min_max", "classes": ["exit"]}, "control": {"every_s": 900}}}


def small(**changes):
    """Return the small scenario in long steps, where inbound traffic is moved at will."""
    keys = {
        "inbound": None,
        "step_s": 7200.0,
        "replications": 1,
        "start": "2017-12-31",
        "strategies": {**STATIC, **SDN},
        "uncertainty": {},
        **changes,
    }
    return sim.load(MINI).with_changes(keys)


def whole(answer):
    """Rows of strategies as a whole, by name."""
    rows = answer.tables["run_out"]
    return rows[rows["exit"] == "all"].set_index("strategy")


# -- by hand --------------------------------------------------------------------------------------


def test_a_network_and_demands_by_hand():
    # 50 Gbps over the near exit of 100: at 80 % when it is 1.6 times as much; both exits of 100
    # hold 3.2 times as much. At 24.5 % a year that is 2.145 and 5.308 years.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    answer = sim.headroom(network, demands, scheme=["igp_ecmp", "min_max"], target=0.8)
    factors = answer.tables["headroom"].set_index("strategy")["factor"]
    assert factors.to_dict() == pytest.approx({"igp_ecmp": 1.6, "min_max": 3.2}, rel=1e-9)
    years = whole(answer)["years"]
    assert years["igp_ecmp"] == pytest.approx(math.log(1.6) / math.log(1.245), abs=1e-9)
    assert years["min_max"] == pytest.approx(math.log(3.2) / math.log(1.245), abs=1e-9)
    (row,) = answer.tables["worth"].to_dict("records")
    assert (row["strategy"], row["baseline"]) == ("min_max", "igp_ecmp")
    assert row["gbps"] == pytest.approx(80.0, rel=1e-9)
    assert row["months"] == pytest.approx(12 * math.log(2) / math.log(1.245), abs=1e-7)
    slow, fast = (12 * math.log(2) / math.log1p(rate) for rate in (0.15, 0.35))
    assert (row["months_low"], row["months_high"]) == pytest.approx((fast, slow), abs=1e-7)
    assert "24.5 %" in answer.head[0] and "assumed" in answer.head[0]
    assert answer.tables["over_time"]["factor"].min() == pytest.approx(1.6, rel=1e-9)


def test_one_scheme_alone_and_another_target():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    answer = sim.headroom(network, demands, scheme="min_max", target=0.6)
    assert answer.frame["factor"].tolist() == pytest.approx([2.4], rel=1e-9)
    assert answer.tables["worth"].empty


def test_exits_that_are_not_relieved_have_the_date_and_the_others_have_room():
    answer = sim.headroom(small())
    rows = answer.tables["run_out"]
    mine = rows[(rows["strategy"] == "sdn") & (rows["direction"] == "in")]
    dated = set(mine.loc[mine["date"].notna(), "exit"])
    # Frankfurt's two exits are the cut that ends growth; see test_headroom_exact.py.
    assert dated == {"beijing-frankfurt", "guangzhou-frankfurt"}
    others = mine[~mine["exit"].isin(dated)]
    assert set(others["status"]) == {"has room when the strategy runs out"}
    assert whole(answer).loc["sdn", "years"] == mine["years"].min()


def test_years_by_region_and_class_are_what_halving_finds():
    shape = {
        "kind": "growth", "per_year": 0.1, "classes": {"international_in": 0.3},
        "nodes": {"pop-frankfurt": 0.05, "pop-los-angeles": 0.55},
    }  # fmt: skip
    scenario = small(**{"traffic.shapes": [{"kind": "diurnal", "trough": 0.4}, shape]})
    answer = sim.headroom(scenario, until=90)
    case = without_growth(scenario.case)
    speed = rates_of(scenario).speed
    rates = case.series.play(Streams(case.seed, 0))(0, case.steps)
    routes = case.strategies["igp"].scheme.route(case.network, case.demands)
    rows = answer.tables["run_out"]
    rows = rows[(rows["strategy"] == "igp") & (rows["exit"] != "all")]
    assert len(rows) == 18 and rows["years"].nunique() > 5
    for row in rows.to_dict("records"):
        arcs = case.network.exit_arcs[row["direction"]]
        (arc,) = (arc for arc in arcs if case.network.links[arc // 2] == row["exit"])

        def full(years, arc=arc):
            load = routes.loads(rates * np.exp(speed * years)[:, None])[arc].max()
            return load / case.network.capacity_gbps[arc]

        if not math.isfinite(row["years"]):
            assert full(90.0) < 0.8
            continue
        low, high = -100.0, 100.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if full(middle) <= 0.8 else (low, middle)
        assert row["years"] == pytest.approx(low, abs=1e-9)


def test_the_least_of_all_hours_is_the_headroom_and_that_of_the_run():
    scenario = small()
    answer = sim.headroom(scenario)
    factors = answer.tables["headroom"].set_index("strategy")["factor"]
    least = answer.tables["over_time"].groupby("strategy")["factor"].min()
    assert least.to_dict() == pytest.approx(factors.to_dict(), rel=1e-6)
    results = sim.run(scenario)
    for name, factor in factors.items():
        assert factor == pytest.approx(results.figure(name, "headroom"), rel=1e-6)


def test_where_neighbours_choose_headroom_is_that_of_the_run():
    scenario = sim.load("mini").with_changes({"step_s": 3600.0, "replications": 1})
    scenario = scenario.with_strategies(["best_static", "igp", "sdn"])
    factors = sim.headroom(scenario).tables["headroom"].set_index("strategy")["factor"]
    results = sim.run(scenario)
    for name, factor in factors.items():
        assert factor == pytest.approx(results.figure(name, "headroom"), rel=1e-6)


def test_growth_within_the_scenario_is_counted_from_its_start():
    shapes = [{"kind": "diurnal", "trough": 0.4}]
    growth = {"kind": "growth", "per_year": 0.245}
    still = sim.headroom(small(**{"traffic.shapes": shapes}), growth_per_year=0.245)
    grown = sim.headroom(small(**{"traffic.shapes": [*shapes, growth]}))
    columns = ["strategy", "exit", "direction", "years", "date"]
    pd.testing.assert_frame_equal(
        still.tables["run_out"][columns], grown.tables["run_out"][columns], rtol=1e-12
    )


def test_a_cut_is_a_state_of_its_own():
    events = [{"at_h": 20.0, "until_h": 22.0, "link": "beijing-frankfurt"}]
    answer = sim.headroom(small(events=events))
    states = answer.tables["states"]
    assert set(states["state"]) == {"all up", "link beijing-frankfurt down"}
    mine = states[(states["strategy"] == "sdn") & (states["direction"] == "in")]
    factor = mine.set_index("state")["factor"]
    assert factor["link beijing-frankfurt down"] < factor["all up"] / 2
    assert answer.tables["headroom"].set_index("strategy").loc["sdn", "state"] != "all up"


# -- what grows, and from when --------------------------------------------------------------------


def test_of_says_what_grows():
    scenario = small()
    demands, network = scenario.case.demands, scenario.network
    assert growing(demands, network, "international").sum() == demands.of_class(INTERNATIONAL).sum()
    tokyo = growing(demands, network, "region:pop-tokyo")
    assert 0 < tokyo.sum() < demands.of_class(INTERNATIONAL).sum()
    # Of traffic of Tokyo alone, its own exits end growth: 40 Gbps over what it asks for.
    answer = sim.headroom(scenario, of="region:pop-tokyo")
    binds = answer.tables["headroom"].set_index("strategy")["binds"]
    assert binds["sdn"] in {"exit:beijing-tokyo:in", "exit:shanghai-tokyo:in"}
    # Domestic traffic takes no exit; nothing ends its growth.
    light = small(**{"demands.international": "x0.3", "strategies": STATIC})
    domestic = sim.headroom(light, of="domestic")
    assert domestic.frame["factor"].tolist() == [math.inf]
    assert "no limit" in str(domestic)
    # An exit that is past the target without it leaves none of it any room.
    full = sim.headroom(small(strategies=STATIC), of="domestic")
    assert full.frame["factor"].tolist() == [0.0]
    assert "past the target without this traffic" in str(full)


def test_dates_count_from_the_start_and_end_with_the_calendar():
    scenario = small()
    answer = sim.headroom(scenario, until="2018-02-01")
    row = whole(answer).loc["igp"]
    expected = date(2017, 12, 31) + row["years"] * YEAR
    late = row["years"] > 32 / 365
    assert row["date"] is None if late else row["date"] == expected.isoformat()
    assert late == (row["status"] == "not before 2018")
    network = scenario.network
    assert calendar(None, sim.load_network("china169-2017"), None).start == date(2017, 12, 31)
    five = calendar("2020-05-01T06:00", network, "5")
    assert (five.start, five.last) == (date(2020, 5, 1), "2025")


def test_nothing_that_is_said_depends_on_the_day_of_the_run():
    """Where nothing states a start, years are said, and no date."""
    undated = small(start=None, topology="china169-mini")
    when = calendar(None, undated.network, None)
    assert when.start is None and "start: DATE" in when.words and when.day(1.0) is None
    assert (when.when(0.6), when.when(-0.5), when.when(4.25)) == (
        "after 7 months", "since 6 months before the start", "after 4.25 years",
    )  # fmt: skip
    answer = sim.headroom(undated)
    assert whole(answer)["date"].tolist() == [None, None]
    said = " ".join(str(answer).split())
    said = said.replace("from 2023 to 2024 (NINeS 2026)", "")  # the source of what is assumed
    assert not re.search(r"\b(19|20)\d\d\b", said), said
    assert answer.figures["run_out"]().get_xlabel() == "years from the start"
    with pytest.raises(sim.InputError, match="needs a start to count from"):
        sim.headroom(undated, until="2030-01-01")


def test_no_growth_runs_out_never_and_says_so():
    answer = sim.headroom(small(**{"demands.international": "x0.2"}), growth_per_year=0.0)
    assert whole(answer)["date"].tolist() == [None, None]
    assert "not before 2047" in answer.sentence
    with pytest.raises(sim.SimulatorError, match="no strategy runs out"):
        answer.figures["run_out"]()


def test_a_law_on_the_growth_makes_the_range():
    law = {"kind": "uniform", "low": 0.1, "high": 0.4}
    scenario = small(
        **{
            "traffic.shapes": [{"kind": "growth", "per_year": 0.25}],
            "demands.international": "x0.3",
            "uncertainty": {"growth": {"kind": "setting", "key": "traffic.shapes[0].per_year",
                                       "law": law, "source": "assumed: a test"}},
        }
    )  # fmt: skip
    row = whole(sim.headroom(scenario)).loc["igp"]
    # The ends are what 5 and 95 % of the probability do not exceed: 0.115 and 0.385.
    scale = row["years"] * math.log(1.25)
    ends = scale / math.log(1.385), scale / math.log(1.115)
    assert (row["years_early"], row["years_late"]) == pytest.approx(ends, rel=1e-9)
    drawn = sim.headroom(scenario, worlds=4)
    again = whole(drawn).loc["igp"]
    assert again["years"] == row["years"]
    assert again["years_early"] <= row["years"] <= again["years_late"]
    assert again["years_early"] < again["years_late"]
    assert "drawn world" in " ".join(drawn.foot)


def test_tables_do_not_depend_on_the_workers(tmp_path):
    scenario = small(**{"traffic.shapes[1].sigma": 0.08})
    for workers in (1, 2):
        sim.headroom(scenario, days=2, workers=workers, out=tmp_path / str(workers))
    for name in ("headroom", "run_out", "worth", "states", "over_time"):
        one, two = ((tmp_path / w / f"{name}.csv").read_bytes() for w in ("1", "2"))
        assert one == two, name


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"of": "region:pop-tokio"}, "did you mean 'pop-tokyo'"),
        ({"of": "internatonal"}, "did you mean 'international'"),
        ({"until": "soon"}, "expected a date such as 2030-12-31"),
        ({"until": "2001-01-01"}, "expected up to 99 years from 2017-12-31"),
        ({"target": 0.0}, "expected a utilisation above 0"),
        ({"demands": "x"}, "a scenario has its own"),
    ],
)
def test_what_is_wrong_is_said(keywords, message):
    with pytest.raises(sim.InputError, match=message):
        sim.headroom(small(), **keywords)


def test_a_network_without_exits_is_refused_with_what_helps():
    with pytest.raises(sim.InputError, match="no exits, and headroom is counted"):
        sim.headroom(sim.Scenario(topology="Chinanet", strategies=STATIC,
                                  traffic={"matrix": {"kind": "gravity", "by": "degree",
                                                      "domestic_gbps": 10}}))  # fmt: skip
    with pytest.raises(sim.InputError, match="a network needs demands"):
        sim.headroom(two_exits())


def test_a_recording_gives_the_start_and_the_exit_that_nothing_relieves_is_named(tmp_path):
    rows = ["time,source,target,gbps"]
    for hour in range(24):
        time = f"2024-03-04T{hour:02d}:00"
        rows += [f"{time},beijing,pop-tokyo,{10 + hour % 5}", f"{time},pop-tokyo,beijing,20"]
    (tmp_path / "day.csv").write_text("\n".join(rows) + "\n")
    scenario = small(**{"traffic.matrix": {"kind": "file", "path": str(tmp_path / "day.csv")},
                        "traffic.shapes": [], "start": None})  # fmt: skip
    answer = sim.headroom(scenario)
    assert "Start: 2024-03-04 (the recording's start)" in answer.head[0]
    # 20 Gbps come in over 20 + 30: 40 / 20. Out 14 Gbps fill an exit as well, by choice.
    row = answer.tables["headroom"].set_index("strategy").loc["sdn"]
    assert row["factor"] == pytest.approx(2.0, rel=1e-9)
    assert row["binds"] in {"exit:beijing-tokyo:in", "exit:shanghai-tokyo:in"}
    with pytest.raises(sim.InputError, match="no domestic traffic; there is international_out"):
        sim.headroom(scenario, of="domestic")


# -- as it is shown -------------------------------------------------------------------------------


def test_the_verb_prints_the_sentence_and_writes_the_picture(tmp_path):
    out = tmp_path / "h"
    words = ["headroom", "mini", "--out", str(out), "--strategies", "igp,sdn-ideal",
             "--set", "step_s=7200", "--set", "start=2017-12-31"]  # fmt: skip
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    said = done.output.replace("\n", " ")
    assert "has been out of exits since September 2017 under igp (beijing-frankfurt, in)" in said
    assert "under sdn-ideal" in said and "A bound, which does what nobody can: sdn-ideal." in said
    assert (out / "run_out.png").stat().st_size > 5000
    kept = json.loads((out / "headroom.json").read_text())
    assert kept["start"] == "2017-12-31" and "assumed" in kept["growth"]
    again = CliRunner().invoke(main, [*words, "--json", "--force"])
    told = json.loads(again.stdout)
    assert list(told["tables"]) == ["headroom", "run_out", "worth", "states", "over_time"]
    assert {"strategy", "factor", "binds", "at_h"} <= set(told["tables"]["headroom"][0])
    wanted = {"strategy", "exit", "direction", "date", "date_early", "date_late"}
    assert wanted <= set(told["tables"]["run_out"][0])


@pytest.mark.parametrize("width", ["column", "page"])
def test_the_picture_has_the_calendar_and_every_strategy(width):
    answer = sim.headroom(small())
    ax = answer.figures["run_out"](width=width)
    days = whole(answer)["date"]
    crossings = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"
                 and len(line.get_xdata()) == 1]  # fmt: skip
    assert [each.isoformat() for each in crossings] == days.tolist()
    assert "Jun" in ax.figure.get_suptitle() or str(days["igp"])[:4] in ax.figure.get_suptitle()


# -- the built-in scenario ------------------------------------------------------------------------


def test_the_exits_of_2017_run_out_quickly_looked_at():
    scenario = sim.load("run-out-2020").with_changes({"step_s": 3600.0})
    answer = sim.headroom(scenario.with_strategies(["best_static", "sdn-ideal"]))
    rows = whole(answer)
    assert rows["date"].to_dict() == QUICK
    assert rows.loc["sdn-ideal", "years"] - rows.loc["best_static", "years"] > 1.0
    assert rows["date_early"].lt(rows["date"]).all() and rows["date_late"].gt(rows["date"]).all()


@pytest.mark.slow
def test_the_exits_of_2017_run_out_as_they_did():
    answer = sim.headroom("run-out-2020")
    assert answer.sentence == WHOLE
    assert whole(answer)["date"].to_dict() == DATES


QUICK = {"best_static": "2017-09-01", "sdn-ideal": "2019-07-01"}
DATES = {"best_static": "2017-09-29", "sdn": "2018-07-11", "sdn-ideal": "2019-07-25"}
WHOLE = (
    "At 80 % china169-2017 has been out of exits since September 2017 under best_static (sh-tokyo,"
    " in), in July 2018 under sdn (bj-seoul, in): 9 months later and 338 Gbps more (7 to 12 months"
    " if growth is as uncertain as stated)."
)
