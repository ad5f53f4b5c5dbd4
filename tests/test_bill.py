"""The bill of a month so far and its forecast, against months worked by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import MINI

import simulator as sim
from simulator.base.errors import InputError
from simulator.cli.main import main
from simulator.model.billing import Billing
from simulator.study.bill import bill
from simulator.study.bill_forecast import cost_usd, so_far

pytestmark = pytest.mark.usefixtures("no_headroom")

HOURS = Billing(slot_s=3600.0, month_days=30.0)
"""720 slots a month, 36 of them free."""


def month(values, rule=HOURS, seed=1):
    """The month of one exit that sends so much in every slot, and receives nothing."""
    out = np.asarray(values, dtype=float)
    return so_far(rule, np.stack([out, 0 * out])[:, None], np.random.default_rng(seed))


def day(peak, hours=2):
    """A day of 1 Gbps with a peak of some hours."""
    return np.where(np.arange(24) >= 24 - hours, peak, 1.0)


def test_days_alike_have_a_forecast_without_a_range():
    found = month(np.tile(day(3.0), 5))  # 10 of 120 slots are at the peak, 6 are free
    assert (found.month, found.slots, found.month_slots, found.days) == (1, 120, 720, 5)
    assert found.billed_gbps == [3.0]
    assert (found.drawn_gbps == 3.0).all()


def test_a_peak_that_free_slots_cover_is_not_billed_at_the_end():
    # An hour at 3 Gbps a day: 30 slots in the month of the 36 that are free.
    found = month(np.tile(day(3.0, hours=1), 5))
    assert found.billed_gbps == [1.0]
    assert found.free.tolist() == [36 - 5]
    assert (found.drawn_gbps == 1.0).all()


def test_free_slots_left_are_those_not_above_the_level():
    values = np.ones(100)
    values[:4] = 9.0
    assert month(values).free.tolist() == [32]
    values[:5] = 9.0
    assert month(values).free.tolist() == [31]


def test_the_least_bill_is_what_no_free_slot_covers_any_more():
    assert month(np.full(36, 5.0)).least_gbps == [0.0]
    assert month(np.full(37, 5.0)).least_gbps == [5.0]


def test_days_that_differ_have_a_range_within_what_was_seen():
    found = month(np.concatenate([day(2.0), day(4.0)]))
    assert set(np.unique(found.drawn_gbps)) <= {1.0, 2.0, 4.0}
    # 15 days with two hours at 4 Gbps are 30 slots: more than 36 only with 19 days or more.
    busy = np.isin(found.drawn_gbps, [4.0]).mean()
    assert 0.0 < busy < 0.35


def test_a_month_that_is_over_is_its_own_forecast():
    rng = np.random.default_rng(3)
    found = month(rng.uniform(0, 10, 720))
    assert (found.drawn_gbps == found.billed_gbps).all()
    assert found.least_gbps == found.billed_gbps


def test_a_second_month_begins_anew():
    found = month(np.concatenate([np.full(720, 9.0), np.tile(day(1.0), 2)]))
    assert (found.month, found.slots, found.days) == (2, 48, 2)
    assert found.billed_gbps == [1.0] and (found.drawn_gbps == 1.0).all()


def test_a_month_cut_within_a_day_goes_on_at_that_hour():
    # Two hours at the peak a day: 60 slots a month whatever the hour of the cut.
    for cut in (30, 47):
        found = month(np.tile(day(3.0), 2)[:cut])
        assert found.days == 1
        assert (found.drawn_gbps == 3.0).all()


def test_less_than_a_day_has_no_forecast():
    assert np.isnan(month(np.ones(23)).drawn_gbps).all()


def test_directions_draw_the_same_days():
    out, back = np.concatenate([day(2.0, 4), day(4.0, 4)]), np.concatenate([day(4.0, 4), day(2, 4)])
    slots = np.stack([out, back])[:, None]
    rule = Billing(slot_s=3600.0, month_days=2.0, directions="sum")
    found = so_far(rule, slots[..., :24], np.random.default_rng(1))
    assert (found.drawn_gbps == 6.0).all()


def test_costs_have_their_sum_last():
    assert cost_usd(np.array([1.0, 2.0]), np.array([0.5, 2.0])).tolist() == [500, 4000, 4500]


# -- of a run --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    changes = {"exits.*.price_usd_per_mbps": 0.5, "horizon_h": 48, "step_s": 1800}
    changes |= {"replications": 2, "billing.slot_s": 1800}
    scenario = sim.load(MINI).with_changes(changes)
    return sim.run(scenario, out=tmp_path_factory.mktemp("bill") / "run")


def test_so_far_is_the_figure_of_the_run(results):
    frame = bill(results).frame
    for strategy in results.strategies:
        rows = frame[frame["strategy"] == strategy].set_index("exit")
        whole = results.figure(strategy, "transit_cost_usd")
        assert rows.loc["all", "so_far_usd"] == pytest.approx(whole, rel=1e-9)
        for exit_id in set(rows.index) - {"all"}:
            one = results.figure(strategy, "billed_gbps", f"exit:{exit_id}")
            assert rows.loc[exit_id, "billed_gbps"] == pytest.approx(one, rel=1e-9)


def test_the_page_names_the_columns_of_the_table(results):
    page = (Path(__file__).parent.parent / "docs" / "billing.md").read_text(encoding="utf-8")
    assert f"`{', '.join(bill(results).frame.columns)}`" in page


def test_a_folder_of_results_has_the_same_bill(results):
    assert bill(results.folder).frame.equals(bill(results).frame)


def test_forecast_lies_within_its_range_and_not_below_the_least(results):
    frame = bill(results).frame
    assert (frame["forecast_low_usd"] <= frame["forecast_usd"]).all()
    assert (frame["forecast_usd"] <= frame["forecast_high_usd"]).all()
    assert (frame["least_usd"] <= frame["forecast_high_usd"] + 1e-9).all()


def test_a_part_of_the_run_is_seen_alone(results):
    frame = bill(results, at_h=12).frame
    assert (frame["slots"] == 24).all() and frame["forecast_usd"].isna().all()
    assert "no forecast" in bill(results, at_h=12).sentence


@pytest.mark.parametrize("at_h", [0, -1, 49, float("nan")])
def test_hours_beyond_the_run_are_refused(results, at_h):
    with pytest.raises(InputError, match="at_h: expected hours"):
        bill(results, at_h=at_h)


def test_without_prices_the_answer_says_what_to_give():
    with pytest.raises(InputError, match="no exit has a price_usd_per_mbps"):
        bill(sim.load(MINI).with_changes({"horizon_h": 1, "replications": 1}))


def test_tables_that_leave_out_steps_are_refused():
    changes = {"horizon_h": 2, "replications": 1, "record.every": 4}
    with pytest.raises(InputError, match="every 4th step"):
        bill(sim.load(MINI).with_changes({**changes, "exits.*.price_usd_per_mbps": 1.0}))


def shell(*words):
    return CliRunner().invoke(main, ["bill", *map(str, words)])


def test_the_verb_prints_the_bill_of_a_folder(results):
    done = shell(results.folder)
    assert done.exit_code == 0, done.output
    assert "at the end" in done.output and "96 of 1,440 slots" in done.output
    rows = json.loads(shell(results.folder, "--json").output)["tables"]["bill"]
    assert {row["exit"] for row in rows} > {"all"}


@pytest.mark.parametrize("words", [("--set", "seed=2"), ("--at-h", "99")])
def test_the_verb_refuses_what_a_finished_run_cannot_do(results, words):
    done = shell(results.folder, *words)
    assert done.exit_code == 2 and "Traceback" not in done.output
