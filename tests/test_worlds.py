"""Worlds: what is not known is drawn, the same for all strategies, and moves figures by ranges."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI
from dropin import dropped_in
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import simulator as sim
from simulator.cli.main import main
from simulator.formats.format import read_network, write_network
from simulator.model.network import Network
from simulator.results.ranges import Draws, range_of, ranges
from simulator.uncertainty.assumption import assumption
from simulator.uncertainty.law import HIGH, LOW, law
from simulator.uncertainty.world import World, drawn

WIDE = {"kind": "lognormal", "low": 0.7, "high": 1.4}
TOTAL = {"kind": "total", "demands": "international", "law": WIDE, "source": "assumed"}
SPLIT = {"kind": "split", "by": "region", "law": WIDE, "source": "assumed"}
EXITS = {
    "kind": "links", "links": ["exit"], "attribute": "capacity_gbps", "keep_total": True,
    "law": WIDE, "source": "assumed",
}  # fmt: skip
BUFFER = {
    "kind": "setting", "key": "queue.buffer_ms", "source": "assumed",
    "law": {"kind": "uniform", "low": 5, "high": 200},
}  # fmt: skip
ALL = {"total": TOTAL, "split": SPLIT, "exits": EXITS, "buffer": BUFFER}
SHORT = {"horizon_h": 2, "step_s": 1200, "record": {"demands": "none"}, "start": "2017-12-31T19:00"}
OFF = dict.fromkeys(("topology",))


def mini(uncertainty=None, **changes):
    """The small network for two hours, with nothing not known but what is given."""
    scenario = sim.load(MINI)
    of_topology = dict.fromkeys(scenario.network.about.uncertainty)
    given = {**of_topology, **({} if uncertainty is None else uncertainty)}
    return scenario.with_changes({**SHORT, "uncertainty": given, **changes})


def worlds(count, days):
    return {"replications": {"worlds": count, "days": days}}


# -- the draws ------------------------------------------------------------------------------------


def test_another_assumption_changes_no_other_draw():
    alone = mini({"total": TOTAL, "exits": EXITS})
    more = mini({"buffer": BUFFER, "total": TOTAL, "split": SPLIT, "exits": EXITS})
    for world in (1, 2, 7):
        few, many = alone.values_in(world), more.values_in(world)
        assert few.keys() < many.keys()
        assert all(many[key] == value for key, value in few.items())


def test_another_link_or_strategy_or_change_changes_no_draw():
    base = mini(ALL)
    others = [
        base.with_strategies(["sdn"]),
        base.with_changes({"links.beijing-la.capacity_gbps": "+20"}),
        base.with_changes({"demands.international": "x1.3"}),
        base.with_changes({"step_s": 600, **worlds(9, 2)}),
    ]
    for other in others:
        assert other.values_in(3) == base.values_in(3)
    assert base.values_in(3) != base.values_in(4) != base.with_changes({"seed": 8}).values_in(4)


def test_the_stated_world_is_the_scenario_itself():
    base = mini(ALL)
    assert base.world(0) is base and base.world(World(own={"total": 0})) is base
    assert not base.values_in(0)


def test_draws_follow_their_laws():
    base = mini({"total": TOTAL})
    factors = [base.values_in(i)["total", "international"] for i in range(1, 400)]
    below = np.searchsorted(np.sort(factors), [0.7, np.sqrt(0.7 * 1.4), 1.4]) / len(factors)
    np.testing.assert_allclose(below, [0.05, 0.5, 0.95], atol=0.06)
    low, high = (base.values_in(World(own={"total": share})) for share in (LOW, HIGH))
    assert [*low.values(), *high.values()] == pytest.approx([0.7, 1.4])


@pytest.mark.parametrize("name", law.names())
def test_a_law_never_falls_and_says_its_range(name):
    options = {
        "choice": {"values": [0.5, 2.0, 1.0], "weights": [1, 1, 2]},
        "triangular": {"low": 0.5, "likeliest": 1.0, "high": 2.0},
    }
    each = law.make(name, **options.get(name, {"low": 0.5, "high": 2.0}))
    share = np.linspace(0.001, 0.999, 999)
    values = each.value(share)
    assert (np.diff(values) >= 0).all() and each.holds(1.0) and not each.holds(-9.0)
    assert each.range() == tuple(each.value(np.array([LOW, HIGH])))
    exact = {
        "uniform": stats.uniform(0.5, 1.5).ppf,
        "normal": stats.norm(1.25, 0.75 / stats.norm.ppf(0.95)).ppf,
        "lognormal": stats.lognorm(np.log(2) / stats.norm.ppf(0.95)).ppf,
        "triangular": stats.triang(1 / 3, 0.5, 1.5).ppf,
        "choice": lambda s: np.select([s <= 0.25, s <= 0.75], [0.5, 1.0], 2.0),
    }[name]
    np.testing.assert_allclose(values, exact(share), rtol=1e-9)


# -- what each kind does --------------------------------------------------------------------------


def of_kind(scenario, kind, **options):
    each = assumption.make(kind, source="assumed", **options)
    network, demands, values = drawn(World(1), 7, {"it": each}, scenario.network, scenario.demands)
    return network, demands, {member: value for (_, member), value in values.items()}


@pytest.fixture(scope="module")
def small():
    return mini()


def test_traffic_is_scaled_as_one(small):
    _, demands, values = of_kind(small, "total", demands="international_in", law=law_of())
    (factor,) = values.values()
    for name in ("domestic", "international_out"):
        assert demands.total_gbps(name) == small.demands.total_gbps(name)
    inward = small.demands.of_class("international_in")
    np.testing.assert_allclose(demands.gbps[inward], factor * small.demands.gbps[inward])


def law_of(low=0.7, high=1.4, kind="lognormal"):
    return law.make(kind, low=low, high=high)


@pytest.mark.parametrize("by", ["region", "province", "class"])
def test_a_split_keeps_the_total_and_the_proportions_within(small, by):
    _, demands, values = of_kind(small, "split", by=by, law=law_of())
    before, after = small.demands, demands
    abroad = before.of_class(("international_out", "international_in"))
    assert after.gbps[abroad].sum() == pytest.approx(before.gbps[abroad].sum())
    np.testing.assert_array_equal(after.gbps[~abroad], before.gbps[~abroad])
    ratio = after.gbps[abroad] / before.gbps[abroad]
    assert len(np.unique(ratio.round(12))) == len(values) > 1


@pytest.mark.parametrize("attribute", ["capacity_gbps", "delay_ms", "metric"])
def test_links_get_factors_of_their_own(small, attribute):
    network, _, values = of_kind(small, "links", links=["exit"], attribute=attribute, law=law_of())
    for link in small.network.links:
        before, after = (each.attributes(link)[attribute] for each in (small.network, network))
        assert after == pytest.approx(before * values.get(link, 1.0))
    i = [small.network.link_index[link] for link in values]
    if attribute == "capacity_gbps":
        back = small.network.installed_gbps[1::2][i] * list(values.values())
        np.testing.assert_allclose(network.installed_gbps[1::2][i], back)
    kept, _, _ = of_kind(
        small, "links", links=["exit"], attribute=attribute, law=law_of(), keep_total=True
    )
    sums = [sum(n.attributes(x)[attribute] for x in values) for n in (small.network, kept)]
    assert sums[0] == pytest.approx(sums[1])


def test_links_that_do_not_exist_are_gone_and_the_sum_stays(small):
    never = law.make("choice", values=[0, 1], weights=[1, 0])
    network, _, values = of_kind(
        small, "existence", links=["beijing-tokyo"], law=never, keep_total=True
    )
    assert values == {"beijing-tokyo": 0.0} and "beijing-tokyo" not in network.links
    assert network.exits_gbps == pytest.approx(small.network.exits_gbps)
    gone, _, _ = of_kind(small, "existence", links=["beijing-tokyo"], law=never)
    lost = small.network.attributes("beijing-tokyo")["capacity_gbps"]
    assert gone.exits_gbps == pytest.approx(small.network.exits_gbps - lost)


def test_clocks_and_cables(small):
    network, _, values = of_kind(small, "clock", nodes=["pop"], law=law_of(-2, 2, "uniform"))
    for node, hours in values.items():
        i = network.node_index[node]
        assert network.utc_offset_h[i] == pytest.approx(small.network.utc_offset_h[i] + hours)
    network, _, values = of_kind(small, "cables", links=["exit"], law=law_of())
    assert values
    for link in small.network.links:
        before, after = (each.attributes(link)["cables"] for each in (small.network, network))
        assert before.keys() == after.keys()
        assert sum(after.values()) == pytest.approx(sum(before.values()))


def test_a_setting_takes_the_place_of_a_number():
    base = mini({"buffer": BUFFER})
    assert base.world(1).settings.queue.buffer_ms == base.values_in(1)["buffer", "queue.buffer_ms"]
    assert base.world(1).network is base.network


# -- runs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("worlds") / "run"
    return sim.run(mini(ALL, **worlds(5, 2)), out=place)


def test_the_stated_world_is_what_a_run_without_worlds_is(run, tmp_path):
    days = {"replications": 2}
    without = sim.run(mini(**days), out=tmp_path / "without")
    with_key = sim.run(mini(ALL, **days), out=tmp_path / "with")
    for file in ("summary.csv", "differences.csv", "replications.csv", "exits.parquet"):
        bytes_without = (without.folder / file).read_bytes()
        assert (with_key.folder / file).read_bytes() == bytes_without
        if file != "replications.csv":
            assert (run.folder / file).read_bytes() == bytes_without
    pd.testing.assert_frame_equal(run.figures, without.figures)
    assert without.ranges.empty and without.worlds.empty and not without.drawn_worlds


def test_with_all_uncertainty_off_every_world_is_the_stated_one(tmp_path):
    certain = {"kind": "uniform", "low": 1, "high": 1}
    same = {"total": {**TOTAL, "law": certain}, "exits": {**EXITS, "law": certain}}
    results = sim.run(mini(same, **worlds(3, 2)), out=tmp_path / "off")
    figures = results.all_figures
    values = figures.pivot(
        index=["strategy", "metric", "scope"], columns="replication", values="value"
    ).to_numpy()
    np.testing.assert_allclose(values[:, 2:], np.tile(values[:, :2], 2), rtol=1e-12)


def test_any_number_of_workers_gives_the_same_bytes(run, tmp_path):
    again = sim.run(mini(ALL, **worlds(5, 2)), out=tmp_path / "again", workers=2)
    files = [path.name for path in run.folder.iterdir() if path.is_file()]
    assert {"ranges.csv", "worlds.csv"} < set(files)
    for file in set(files) - {"run.json"}:
        assert (again.folder / file).read_bytes() == (run.folder / file).read_bytes(), file


def test_ranges_hold_the_point_and_are_those_of_the_worlds(run):
    moved = run.ranges.dropna()
    assert len(moved) > 0.8 * len(run.ranges)
    assert (moved["low"] <= moved["stated"]).all() and (moved["stated"] <= moved["high"]).all()
    assert set(moved["worlds"]) == {4}
    figures = run.all_figures
    mine = figures[(figures["strategy"] == "sdn") & (figures["scope"] == "all")]
    peak = mine[mine["metric"] == "exit_utilisation_peak"].sort_values("replication")
    means = peak["value"].to_numpy().reshape(5, 2).mean(axis=1)
    row = moved.query(
        "of == 'figure' and strategy == 'sdn' and metric == 'exit_utilisation_peak'"
        " and scope == 'all'"
    ).iloc[0]
    assert row["stated"] == pytest.approx(means[0])
    assert row["low"] == pytest.approx(min(means)) and row["high"] == pytest.approx(max(means))
    assert row["median"] == pytest.approx(sorted(means[1:])[1])


def test_worlds_are_common_to_all_strategies(run):
    offered = run.all_figures.query("metric == 'offered_gbit' and scope == 'all'")
    wide = offered.pivot(index="replication", columns="strategy", values="value")
    assert (wide.nunique(axis=1) == 1).all() and wide["sdn"].nunique() > 5
    apart = run.ranges.query("of == 'difference' and metric == 'offered_gbit' and scope == 'all'")
    assert (apart[["low", "high"]] == 0).all(axis=None)


def test_what_is_drawn_is_written(run):
    base = mini(ALL, **worlds(5, 2))
    table = run.worlds
    assert sorted(set(table["world"])) == [1, 2, 3, 4]
    for world in (1, 4):
        mine = table[table["world"] == world]
        found = zip(mine["assumption"], mine["member"], mine["value"], strict=True)
        assert {(a, m): v for a, m, v in found} == pytest.approx(dict(base.values_in(world)))
    told = run.run["uncertainty"]
    assert list(told) == list(ALL)
    assert told["total"] == {
        "low": pytest.approx(0.7), "high": pytest.approx(1.4), "source": "assumed",
        "what": "factor on international traffic",
    }  # fmt: skip


def test_drawn_worlds_may_have_fewer_days_than_the_one_as_stated():
    few = sim.run(mini(ALL, replications={"worlds": 4, "days": 3, "drawn_days": 1}))
    assert few.draws == Draws(4, 3, 1) and few.days == 3 and few.drawn_worlds == 3
    assert [few.draws.place(i) for i in range(6)] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (3, 0)
    ]  # fmt: skip
    assert few.all_figures["replication"].nunique() == few.draws.replications == 6
    alone = sim.run(mini(ALL, replications=3))
    pd.testing.assert_frame_equal(few.summary, alone.summary)
    # The days of a drawn world are the first ones of a run with as many days in each.
    full = sim.run(mini(ALL, **worlds(4, 3)))
    at = ["strategy", "metric", "scope"]
    for world in (1, 2, 3):
        mine = few.all_figures.query(f"replication == {2 + world}").set_index(at)["value"]
        same = full.all_figures.query(f"replication == {3 * world}").set_index(at)["value"]
        pd.testing.assert_series_equal(mine, same)
    printed = " ".join(str(sim.compare(few)).split())
    assert "3 replications as stated and 1 in each of 3 drawn worlds" in printed


def test_what_neighbours_choose_is_drawn_once_for_all_days_of_a_drawn_world():
    """Without noise, days differ by nothing else."""
    free = {"drift_per_day": 0, "anchored": False}
    calm = {"traffic.shapes": [{"kind": "diurnal"}], "inbound": free}
    played = sim.run(mini(ALL, **calm, **worlds(3, 2), strategies={"one": {"scheme": "igp_ecmp"}}))
    figures = played.all_figures.query("metric == 'exit_utilisation_mean'")
    wide = figures.pivot(index="scope", columns="replication", values="value")
    assert (wide[0] != wide[1]).any(), "as stated, another draw a day"
    assert (wide[2] == wide[3]).all() and (wide[4] == wide[5]).all()
    assert (wide[2] != wide[4]).any()


def test_the_folder_runs_again_to_the_same_ranges(run, tmp_path):
    again = sim.run(run.folder / "inputs" / "scenario.yaml", out=tmp_path / "again")
    for file in ("ranges.csv", "worlds.csv", "summary.csv"):
        assert (again.folder / file).read_bytes() == (run.folder / file).read_bytes()


def test_a_comparison_shows_figures_and_their_ranges(run):
    answer = sim.compare(run)
    printed = " ".join(str(answer).split())
    assert "If what is assumed is as uncertain as stated, the hottest exit is at: sdn" in printed
    assert "Range over 4 drawn worlds" in printed and "5 to 95 % of 4 drawn worlds" in printed
    assert (
        "2 replications in each of 5 worlds" in printed and "Range over 4" in answer._repr_html_()
    )
    frame = answer.frame
    known = frame.dropna(subset=["mean"])
    assert (known["range_low"] <= known["mean"] + 1e-12).all() and len(known) > 20
    assert frame["difference_range_low"].notna().sum() > 5
    alone = sim.compare(sim.run(mini(ALL, replications=1)))
    assert "± leaves out what is not known" in str(alone) and alone.frame["range_low"].isna().all()


def test_a_what_if_is_paired_world_by_world():
    base = mini({"total": TOTAL, "buffer": BUFFER}, **worlds(4, 1))
    answer = sim.what_if(base, {"same": {"links.beijing-la.metric": "x1"},
                                "more": {"demands.international": "x1.2"}})  # fmt: skip
    frame = answer.frame.set_index(["change", "strategy", "metric", "scope"])
    same = frame.loc["same", ["difference", "range_low", "range_high"]].fillna(0.0)
    assert (same == 0).all(axis=None)
    offered = frame.loc[("more", "static", "offered_gbit", "international_in")]
    assert offered["range_low"] < offered["difference"] < offered["range_high"]
    assert "Range over 3 drawn worlds" in str(answer)


def test_what_some_worlds_do_not_have_is_left_out_of_the_range():
    wide = pd.DataFrame([[1.0, 3.0, np.nan, 2.0], [1.0, np.nan, np.nan, np.nan]], index=["a", "b"])
    found = range_of(wide.set_axis(pd.Index(["a", "b"], name="x")))
    assert found[["stated", "low", "high", "worlds"]].values.tolist()[0] == [1.0, 1.0, 3.0, 2]
    assert found["low"].tolist()[1] == 1.0 and found["worlds"].tolist()[1] == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_a_range_is_an_order_statistic_and_holds_the_first(values):
    found = range_of(pd.DataFrame([values]).rename_axis("x")).iloc[0]
    drawn_values = sorted(values[1:])
    low = stats.scoreatpercentile(drawn_values, 0)
    assert found["low"] >= min(low, values[0]) and found["high"] <= max(values)
    exact = np.quantile(drawn_values, [LOW, 0.5, HIGH], method="inverted_cdf")
    assert found["low"] == min(exact[0], values[0])
    assert (found["median"], found["high"]) == (exact[1], max(exact[2], values[0]))


def test_without_worlds_there_are_no_ranges():
    columns = ["replication", "strategy", "metric", "scope", "unit", "value"]
    figures = pd.DataFrame([(0, "a", "m", "all", "1", 1.0), (1, "a", "m", "all", "1", 2.0)],
                           columns=columns)  # fmt: skip
    assert ranges(figures, Draws(1, 2, 2)).empty and len(ranges(figures, Draws(2, 1, 1))) == 1


# -- files and messages ---------------------------------------------------------------------------


def test_a_topology_carries_its_uncertainty(tmp_path):
    network = sim.load(MINI).network
    made = {"total": assumption.make("total", demands="all", law=law_of(), source="assumed")}
    marks = ({"of": "nodes.lat", "mark": "cited", "source": "a map: 'so'"},)
    about = {**vars(network.about), "uncertainty": made, "marks": marks}
    other = Network(network.graph, type(network.about)(**about))
    for name in ("net.yaml", "net.graphml", "net.json", "net.gml"):
        write_network(other, tmp_path / name)
        again, problems = read_network(tmp_path / name)
        assert again.about.uncertainty == made, (name, problems)
        assert [dict(mark) for mark in again.about.marks] == [dict(marks[0])]


BAD = {
    "traffic": ({**TOTAL, "law": {"kind": "uniform", "low": 2, "high": 3}}, "must be able to be 1"),
    "below": ({**TOTAL, "law": {"kind": "normal", "low": 0, "high": 2}}, "try lognormal"),
    "order": ({**TOTAL, "law": {"kind": "uniform", "low": 2, "high": 1}}, "2 (low) or more"),
    "kind": ({**TOTAL, "kind": "totl"}, "did you mean 'total'"),
    "link": ({**EXITS, "links": ["exits"]}, "did you mean 'exit'"),
    "key": ({**BUFFER, "key": "queue.bufer_ms"}, "no number of the scenario"),
    "value": ({**BUFFER, "law": {"kind": "uniform", "low": -9, "high": 200}}, "cannot be"),
    "stated": ({**BUFFER, "law": {"kind": "uniform", "low": 60, "high": 90}}, "50 as stated"),
    "seed": ({**BUFFER, "key": "seed"}, "the same in all worlds"),
    "source": ({k: v for k, v in TOTAL.items() if k != "source"}, "required key is missing"),
    "weights": ({**TOTAL, "law": {"kind": "choice", "values": [1], "weights": [1, 2]}},
                "one for each value"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_place(name):
    stated, message = BAD[name]
    with pytest.raises(sim.InputError) as error:
        mini({"it": stated})
    assert message in str(error.value) and "uncertainty.it" in str(error.value)


def test_worlds_of_nothing_and_names_of_nothing_are_refused():
    with pytest.raises(sim.InputError, match="all worlds would be alike"):
        mini({}, **worlds(3, 1))
    with pytest.raises(sim.InputError, match="the topology states nothing of this name"):
        mini({"totl": None})


def test_a_link_that_an_event_names_has_to_exist():
    maybe = {"kind": "existence", "links": ["beijing-tokyo"], "source": "assumed",
             "law": {"kind": "choice", "values": [0, 1]}}  # fmt: skip
    with pytest.raises(sim.InputError, match="where it does not exist"):
        mini({"it": maybe}, events=[{"at_h": 1, "link": "beijing-tokyo", "until_h": 2}])


def test_the_command_line_asks_for_worlds(tmp_path):
    text = json.dumps({"total": TOTAL})
    words = ["run", MINI, "--worlds", "3", "--replications", "1", "--set", f"uncertainty={text}"]
    words += ["--set", "horizon_h=1", "--set", "step_s=1200", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*words, "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and (told["worlds"], told["replications"]) == (3, 1)
    assert {"range_low", "range_high"} < told["tables"]["comparison"][0].keys()
    assert Path(tmp_path / "out" / "ranges.csv").is_file()


# -- one file is enough ---------------------------------------------------------------------------


def test_one_file_is_a_law_and_one_a_kind():
    source = '''
        import numpy as np
        from simulator.base.schema import Positive
        from simulator.uncertainty.law import Law, law

        @law("pareto")
        class Pareto(Law):
            """Heavy above."""

            shape: Positive = 3.0

            def value(self, share):
                return (1.0 - np.asarray(share)) ** (-1.0 / self.shape)
        '''
    kind = '''
        from simulator.base.schema import Name
        from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption

        @assumption("hop_delay")
        class HopDelay(Assumption):
            """A factor on the delay of all links."""

            law: AnyLaw
            source: Name

            def members(self, network, demands):
                return ["all"]

            def network_under(self, network, values):
                links = network.links
                delays = network.delay_ms[::2] * values[0]
                return network.with_links(
                    {link: {"delay_ms": float(d)} for link, d in zip(links, delays)}
                )
        '''
    with dropped_in(law, "pareto", source), dropped_in(assumption, "hop_delay", kind):
        base = mini({"hops": {"kind": "hop_delay", "law": "pareto", "source": "assumed"}})
        factor = base.values_in(1)["hops", "all"]
        assert factor > 1
        assert base.world(1).network.delay_ms == pytest.approx(base.network.delay_ms * factor)
        listed = CliRunner().invoke(main, ["list", "assumptions"]).stdout
        assert "hop_delay" in listed
        assert "pareto" in CliRunner().invoke(main, ["list", "laws"]).stdout
        results = sim.run(base.with_changes(worlds(3, 1)))
        assert results.drawn_worlds == 2
