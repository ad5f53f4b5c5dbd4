"""Screening of failures: published values, brute force, laws, and what a user meets."""

import itertools
import json
import random
import re

import numpy as np
import pandas as pd
import pytest
import sources
from click.testing import CliRunner
from conftest import MINI, make_random_case, make_tiny
from helpers import ABROAD, asks, two_exits
from killing import count_operations, files, killed_at
from test_reference import CHINA, near

import simulator as sim
from simulator.base.errors import InputError, SimulatorError
from simulator.cli.main import main
from simulator.jobs import Job
from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.link_state import link_state
from simulator.model.streams import Streams
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study import failure_jobs, failure_play
from simulator.study.failure_cases import FailureCase, States, failure_cases
from simulator.study.unfinished import Unfinished

LP = "lp_min_mlu_all_classes"


def case_of(answer, case, strategy=None):
    """Return the row of a case."""
    rows = answer.tables["cases"]
    mine = rows["case"] == case
    if strategy is not None:
        mine &= rows["strategy"] == strategy
    (row,) = rows[mine].to_dict("records")
    return row


def small(**changes):
    """Return the small scenario in long steps."""
    keys = {"step_s": 7200.0, "replications": 1, **changes}
    return sim.load(MINI).with_changes(keys)


# -- published values -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_igp(china):
    return sim.failures(*china, of=["links", "cables", "gateways", "nodes"])


@pytest.fixture(scope="module")
def by_link(china):
    return sim.failures(*china)


@pytest.mark.parametrize("cable", CHINA["cable_faults"])
@pytest.mark.reference(sources.CHINA169)
def test_a_cable_under_shortest_paths(by_igp, cable):
    expected, row = CHINA["cable_faults"][cable], case_of(by_igp, f"cable {cable}")
    assert row["exit_utilisation"] == near(expected["spf_exit_mlu"])
    ends = {"pop-san-jose>igw-shanghai": ("sh-sj", "in")}
    where = ends.get(expected["spf_exit_link"])
    assert where is None or (row["worst_exit"], row["exit_direction"]) == where


@pytest.mark.parametrize("gateway", CHINA["gateway_site_loss"])
@pytest.mark.parametrize("kind", ["gateway", "node"])
@pytest.mark.reference(sources.CHINA169)
def test_a_gateway_under_shortest_paths(china, by_igp, gateway, kind):
    expected = CHINA["gateway_site_loss"][gateway]
    row = case_of(by_igp, f"{kind} {gateway}")
    assert row["exit_utilisation"] == near(expected["spf_exit_mlu"])
    used = []
    for link in (name for name in china[0].links if name.partition("--")[2].startswith("igw-")):
        impact = sim.failures(*china, of="gateways", impact=link).tables["impact"]
        used.append(impact.loc[impact["case"] == f"gateway {gateway}", "utilisation"].max())
    assert np.nanmax(used) == near(expected["spf_gateway_mlu"])


@pytest.mark.parametrize("rank", range(5))
@pytest.mark.reference(sources.CHINA169)
def test_a_backbone_link_under_shortest_paths(by_link, rank):
    expected = CHINA["worst_single_backbone_link_failures_spf"][rank]
    rows = by_link.tables["links"]
    (row,) = rows[rows["direction"] == expected["at"]].to_dict("records")
    assert row["worst_utilisation"] == near(expected["backbone_mlu"])
    assert row["case"].removeprefix("link ").replace("--", "-") == expected["failed"]


@pytest.fixture(scope="module")
def by_program(china):
    return sim.failures(*china, of="cables,gateways", scheme="min_max")


@pytest.mark.parametrize("cable", CHINA["cable_faults"])
@pytest.mark.reference(sources.CHINA169)
def test_a_cable_under_the_optimum(by_program, cable):
    row = case_of(by_program, f"cable {cable}")
    assert row["worst_utilisation"] == near(CHINA["cable_faults"][cable][LP])
    assert row["lost_gbps_after"] == 0.0


@pytest.mark.parametrize("gateway", CHINA["gateway_site_loss"])
@pytest.mark.reference(sources.CHINA169)
def test_a_gateway_under_the_optimum(by_program, gateway):
    row = case_of(by_program, f"gateway {gateway}")
    assert row["worst_utilisation"] == near(CHINA["gateway_site_loss"][gateway][LP])


# -- brute force ----------------------------------------------------------------------------------


def afresh(network, demands, faults):
    """Loads and losses of shortest paths, routed from nothing."""
    hurt = network.after(faults)
    rates = demands.gbps[:, None]
    before = link_state(IgpEcmp().route(network, demands), hurt, rates, NoQueue())
    routes = IgpEcmp().route(hurt, demands)
    after = link_state(routes, hurt, rates, NoQueue())
    able = hurt.up & (hurt.capacity_gbps > 0)
    used = (routes.loads(demands.gbps)[able] / hurt.capacity_gbps[able]).max(initial=0.0)
    lost = [(rates - each.delivered_gbps).sum() for each in (before, after)]
    got = np.nan_to_num(after.latency_ms[:, 0]) @ after.delivered_gbps[:, 0]
    cut = (1.0 - routes.served) @ demands.gbps
    return used, *lost, cut, got / after.delivered_gbps.sum()


@pytest.mark.parametrize("seed", [0, 3, 40])
@pytest.mark.parametrize("load", [0.02, 1.0])
def test_pairs_are_as_by_brute_force(seed, load):
    """Light loads are screened by what changes alone; heavy ones lose traffic on full links."""
    network, demands = make_random_case(seed, "small")
    demands = demands.scaled(load)
    answer = sim.failures(network, demands, k=2, of=["links", "cables"])
    singles = [Fault("link", each) for each in network.links]
    singles += [Fault("cable", each) for each in network.cables]
    pairs = list(itertools.combinations(singles, 2))
    assert len(answer.tables["cases"]) == len(pairs)
    for faults in pairs[:: max(1, len(pairs) // 60)]:
        row = case_of(answer, " + ".join(f"{each.kind} {each.target}" for each in faults))
        used, before, after, cut, latency = afresh(network, demands, faults)
        assert row["worst_utilisation"] == pytest.approx(used, rel=1e-9, abs=1e-12)
        assert row["lost_gbps_before"] == pytest.approx(before, abs=1e-7)
        assert row["lost_gbps_after"] == pytest.approx(after, abs=1e-7)
        assert row["cut_off_gbps"] == pytest.approx(cut, abs=1e-9)
        assert row["latency_ms"] == pytest.approx(latency, rel=1e-6)


@pytest.mark.parametrize("load", [0.02, 1.0])
def test_by_what_changes_and_by_the_control_loop_are_the_same(monkeypatch, load):
    network, demands = make_random_case(12)
    demands = demands.scaled(load)
    quick = sim.failures(network, demands, of="links,nodes,cables")
    monkeypatch.setattr(failure_play.ByChanges, "row", lambda *_: None)
    slow = sim.failures(network, demands, of="links,nodes,cables")
    for name in quick.tables:
        keys = [c for c in quick.tables[name] if c in ("case", "link", "end", "direction", "class")]
        one, other = (
            each.tables[name].sort_values(keys, kind="stable", ignore_index=True)
            for each in (quick, slow)
        )
        pd.testing.assert_frame_equal(one, other, rtol=1e-7, atol=1e-7)


# -- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 11, 14])
def test_a_failure_never_lowers_the_optimal_mlu(seed):
    network, demands = make_random_case(seed)
    answer = sim.failures(network, demands, scheme="min_max", of="links,cables")
    (base,) = answer.tables["strategies"].to_dict("records")
    cases = answer.tables["cases"]
    whole = cases[cases["cut_off_gbps"] <= base["cut_off_gbps"] + 1e-9]
    assert len(whole) > 10
    assert (whole["worst_utilisation"] >= base["worst_utilisation"] * (1.0 - 1e-6)).all()


def test_what_is_cut_off_is_lost_whatever_the_strategy():
    network, demands = make_random_case(16)
    answer = sim.failures(network, demands, scheme=["igp_ecmp", "min_max"], of="nodes")
    cases = answer.tables["cases"]
    assert cases["cut_off_gbps"].max() > 1.0
    assert (cases["lost_gbps_after"] >= cases["cut_off_gbps"] - 1e-6).all()
    igp, optimum = (group.set_index("case") for _, group in cases.groupby("strategy", sort=False))
    pd.testing.assert_series_equal(
        igp["cut_off_gbps"].sort_index(), optimum["cut_off_gbps"].sort_index()
    )


# -- by hand --------------------------------------------------------------------------------------


def test_two_exits_by_hand():
    # 150 Gbps by the near exit of 100, which loses 50 even now. Without it 150 were lost before
    # the reaction, and 50 after it, on the far one of 100.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    answer = sim.failures(network, demands, of="exits", impact="far")
    row = case_of(answer, "exit near")
    assert (row["lost_gbps_before"], row["lost_gbps_after"]) == pytest.approx((150.0, 50.0))
    assert (row["worst_exit"], row["exit_direction"]) == ("far", "out")
    assert row["exit_utilisation"] == pytest.approx(1.5)
    assert row["latency_change_ms"] == pytest.approx(11.0)
    assert row["international_change_ms"] == pytest.approx(11.0)
    other = case_of(answer, "exit far")
    assert (other["lost_gbps_before"], other["lost_gbps_after"]) == pytest.approx((50.0, 50.0))
    first = answer.tables["impact"].iloc[0]
    assert (first["case"], first["direction"], first["change"]) == ("exit near", "out", 1.5)
    assert "the worst is exit near for igp_ecmp: 50 Gbps lost after it reacts, 150 Gbps before" in (
        answer.sentence
    )
    assert "(50 Gbps without a failure)" in answer.sentence
    assert "0 of 2 keep exits within 80 %, missed without a failure too" in answer.sentence
    hurt = answer.tables["demands"]
    assert set(hurt["end"]) == {"home", "abroad"}
    assert hurt.loc[hurt["case"] == "exit near", "lost_gbps"].tolist() == pytest.approx([50.0] * 2)


def test_the_optimum_uses_what_is_left():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    answer = sim.failures(network, demands, of="exits,links", scheme="min_max")
    row = case_of(answer, "exit near")
    assert row["lost_gbps_before"] == pytest.approx(75.0)
    assert row["lost_gbps_after"] == pytest.approx(50.0)
    assert row["exit_utilisation"] == pytest.approx(1.5)
    (base,) = answer.tables["strategies"].to_dict("records")
    assert base["exit_utilisation"] == pytest.approx(0.75)
    # Exits are links as well, and are tried once.
    assert len(answer.tables["cases"]) == len(network.links)


def test_what_is_cut_off_is_said_and_not_as_utilisation():
    network = make_tiny(("ab", "a", "b", 10.0))
    demands = Demands.of(network, ["a"], ["b"], [4.0])
    answer = sim.failures(network, demands)
    row = case_of(answer, "link ab")
    assert row["cut_off_gbps"] == row["lost_gbps_after"] == row["lost_gbps_before"] == 4.0
    assert np.isnan(row["worst_utilisation"]) and row["worst_link"] == ""
    assert not row["keeps_target"]
    assert "cut off: a, 4 Gbps" in answer.sentence
    cells = answer.to_json()["tables"]["cases"][0]
    assert cells["worst_utilisation"] is None and cells["latency_ms"] is None
    assert "inf" not in str(answer) and "nan" not in str(answer)


def test_two_cables_and_a_link_of_two_halves():
    network = make_tiny(
        ("to", "home", "gw-near", 100.0), ("near", "gw-near", "abroad", 100.0),
        **{k: v for k, v in ABROAD.items() if k != "gw-far"},
    )  # fmt: skip
    network = network.with_link("near", cables={"one": 0.5, "other": 0.5})
    demands = asks(network, ("home", "abroad", 60.0))
    single = sim.failures(network, demands, of="cables")
    assert case_of(single, "cable one")["exit_utilisation"] == pytest.approx(1.2)
    assert case_of(single, "cable one")["lost_gbps_after"] == pytest.approx(10.0)
    both = sim.failures(network, demands, of="cables", k=2)
    row = case_of(both, "cable one + cable other")
    assert row["cut_off_gbps"] == pytest.approx(60.0)
    assert np.isnan(row["exit_utilisation"])


# -- cases and states -----------------------------------------------------------------------------


def test_cases_that_leave_the_same_are_one_state(mini):
    network, _ = mini
    cases = failure_cases(network, ("gateways", "cables", "exits"), 1)
    again = [*cases, FailureCase("the same", cases[0].faults)]
    states = States.of(network, again)
    assert states.of_case[-1] == states.of_case[0]
    assert states.faults[0] == () and len(states) <= len(cases) + 1
    # A cable that takes the whole of one exit, and no other, leaves what the exit leaves.
    down = {tuple(up) for up in states.up}
    assert len(down) <= len(states)


def test_what_is_not_on_the_network_takes_nothing_away(mini):
    network, _ = mini
    states = States.of(network, [FailureCase("gone", (Fault("link", "nowhere"),))])
    assert states.of_case.tolist() == [0] and len(states) == 1


def test_every_kind_is_tried(china):
    network, _ = china
    count = {word: len(failure_cases(network, (word,), 1)) for word in
             ("links", "nodes", "cables", "gateways", "exits")}  # fmt: skip
    regions = int((network.node_kind == "region").sum())
    assert count == {
        "links": 141, "nodes": 62 - regions, "cables": 13, "gateways": 3, "exits": 20,
    }  # fmt: skip
    assert len(failure_cases(network, ("cables", "gateways"), 2)) == 16 * 15 // 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"of": "cabels"}, "did you mean 'cables'"),
        ({"of": ""}, "expected one or more of links, nodes"),
        ({"of": "cables"}, "tiny has no cables; others may fail: links, nodes"),
        ({"k": 3}, "expected 1 or 2 failures at once, found 3"),
        ({"k": 2}, "1 such element: no pair"),
        ({"at": 24.0}, "expected hours from 0 to below 1, found 24"),
        ({"impact": "ba"}, "no link 'ba'"),
        ({"target": 0.0}, "expected a utilisation above 0"),
    ],
)
def test_wrong_questions_are_letters(words, message):
    network = make_tiny(("ab", "a", "b", 10.0))
    demands = Demands.of(network, ["a"], ["b"], [4.0])
    with pytest.raises(InputError, match=re.escape(message)):
        sim.failures(network, demands, **words)


def test_a_network_needs_demands_and_a_scenario_has_its_own(mini):
    with pytest.raises(InputError, match="a network needs demands"):
        sim.failures(mini[0])
    with pytest.raises(InputError, match="a scenario has its own"):
        sim.failures("mini", mini[1])


def test_too_many_cases_are_refused(monkeypatch, mini):
    from simulator.study import failure_cases as module

    monkeypatch.setattr(module, "MOST_CASES", 100)
    with pytest.raises(InputError, match="190 cases; more than 100 need --any-size"):
        sim.failures(*mini, k=2)
    assert len(sim.failures(*mini, k=2, any_size=True).tables["cases"]) == 190


# -- scenarios ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answer():
    return sim.failures(small(), of="cables,gateways", impact="shanghai-la")


def test_every_strategy_is_looked_at_when_it_is_the_fullest(answer):
    results = sim.run(small())
    exits = results.exits
    for row in answer.tables["strategies"].to_dict("records"):
        mine = exits[exits["strategy"] == row["strategy"]]
        top = mine.loc[mine["utilisation_peak"].idxmax()]
        assert row["at_h"] == pytest.approx(top["time_s"] / 3600.0, abs=2.0)
        assert row["cases"] == 11 and row["states"] <= 11


def test_a_controller_sees_a_cut_that_no_igp_sees(answer):
    static = case_of(answer, "cable APCN-2", "static")
    assert static["lost_gbps_before"] == pytest.approx(static["lost_gbps_after"], abs=1e-9)
    sdn = case_of(answer, "cable APCN-2", "sdn")
    assert sdn["lost_gbps_after"] < sdn["lost_gbps_before"] - 1.0


def test_an_hour_that_is_asked_for_is_the_same_for_all():
    asked = sim.failures(small(), of="gateways", at=13.0)
    assert asked.tables["strategies"]["at_h"].tolist() == [13.0, 13.0]
    offered = asked.tables["strategies"]["offered_gbps"]
    rates = small().case
    played = rates.series.play(Streams(rates.seed, 0))(0, rates.steps)
    np.testing.assert_allclose(offered, played[:, 6].sum())
    assert "as asked" in asked.head[0]


def test_what_is_down_at_the_instant_is_down_and_told():
    changed = small(events=[{"at_h": 6, "until_h": 23, "cable": "TPE"}])
    found = sim.failures(changed, of="gateways", at=13.0)
    assert "with cable TPE cut" in found.head[0]
    plain = sim.failures(small(), of="gateways", at=13.0)
    one, other = (each.tables["strategies"]["lost_gbps"].sum() for each in (found, plain))
    assert one > other


def test_worlds_have_ranges():
    found = sim.failures("mini", of="gateways", at=13.0, worlds=4)
    ranges, cases = found.tables["ranges"], found.tables["cases"]
    assert ranges[["strategy", "case"]].equals(cases[["strategy", "case"]])
    assert (ranges["lost_gbps_after_low"] <= ranges["lost_gbps_after_high"]).all()
    assert (ranges["lost_gbps_before_high"] > ranges["lost_gbps_before_low"]).any()
    assert ranges["kept_share"].between(0, 1).all()
    alone = sim.failures("mini", of="gateways", at=13.0).tables
    pd.testing.assert_frame_equal(alone["cases"], cases)
    assert "ranges" not in alone


def test_exits_of_a_case_have_rows_for_all_strategies_or_for_none(monkeypatch):
    from simulator.study import failure_tables, failure_words

    for each in (failure_tables, failure_words):
        monkeypatch.setattr(each, "MOST_MAPPED", 2)
    found = sim.failures(small(), of="cables,gateways", at=13.0)
    exits, cases = found.tables["exits"], found.tables["cases"]
    kept = exits.groupby("case")["strategy"].nunique()
    assert len(kept) <= 4 and (kept == 2).all()
    for _, mine in cases.groupby("strategy"):
        assert set(mine["case"].head(2)) <= set(kept.index)
    assert "2 worst cases of each strategy" in str(found)


def test_figures_have_the_answer_in_their_titles(answer):
    import matplotlib.pyplot as plt

    for name, figure in answer.figures.items():
        axes = figure()
        title = axes.flat[0].figure.get_suptitle()
        assert "loses" in title and "Gbps" in title, name
        assert len(axes) == 2
        plt.close(axes.flat[0].figure)


# -- folders, processes and the shell -------------------------------------------------------------


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_two_processes_write_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(failure_jobs, "CHUNK", 4)
    asked = {"of": "cables", "at": 13.0}
    one = sim.failures(small(), **asked, out=tmp_path / "one")
    two = sim.failures(small(), **asked, out=tmp_path / "two", workers=2)
    assert files_of(one.folder) == files_of(two.folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_what_is_finished_is_not_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(failure_jobs, "CHUNK", 3)
    asked = {"of": "cables", "at": 13.0, "out": tmp_path / "screen"}
    whole = sim.failures(small(), of="cables", at=13.0)
    done, do = [], Job.do

    def breaks(job, progress):
        if len(done) == 4:
            raise KeyboardInterrupt
        do(job, progress)
        done.append(job.folder.name)

    monkeypatch.setattr(Job, "do", breaks)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        sim.failures(small(), **asked)
    assert (tmp_path / "screen.unfinished").is_dir() and not (tmp_path / "screen").exists()
    with pytest.raises(SimulatorError, match="an unfinished study of something else"):
        sim.failures(small(), **{**asked, "of": "exits"})
    first = list(done)
    monkeypatch.setattr(Job, "do", lambda job, progress: (do(job, progress), done.append(
        job.folder.name))[0])  # fmt: skip
    again = sim.failures(small(), **asked)
    assert not set(done[4:]) & set(first) and len(done) > 4
    assert not (tmp_path / "screen.unfinished").exists()
    for name, frame in whole.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name])


def test_a_screening_that_is_killed_goes_on(tmp_path, monkeypatch):
    """At any file operation, four times over: the same bytes in the end, and nothing left over."""
    monkeypatch.setattr(failure_jobs, "CHUNK", 3)
    scenario = small().with_strategies(["static"])

    def screen(folder):
        return sim.failures(scenario, of="cables", at=13.0, out=tmp_path / folder / "out")

    operations = count_operations(lambda: screen("whole"))
    chance, place, hits = random.Random(4), tmp_path / "killed" / "out", 0
    for turn in range(4):
        if not place.exists():
            moment = chance.randrange(operations // (turn + 1))
            hits += killed_at(lambda: screen("killed"), moment)
    assert hits > 1
    if place.exists():
        with pytest.raises(SimulatorError, match="exists already"):
            screen("killed")
    else:
        screen("killed")
    assert [each.name for each in place.parent.iterdir()] == ["out"]
    assert files(place) == files(tmp_path / "whole" / "out")


def test_what_was_killed_after_its_end_is_tidied(tmp_path, monkeypatch):
    scenario, out = small().with_strategies(["static"]), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Unfinished, "remove", lambda self: None)
        sim.failures(scenario, of="gateways", at=13.0, out=out)
    assert {each.name for each in tmp_path.iterdir()} == {"out", "out.unfinished"}
    with pytest.raises(SimulatorError, match="exists already"):
        sim.failures(scenario, of="gateways", at=13.0, out=out)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_folder_made_and_not_marked_yet_is_no_study(tmp_path):
    (tmp_path / "out.unfinished").mkdir()
    scenario = small().with_strategies(["static"])
    sim.failures(scenario, of="gateways", at=13.0, out=tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_scenario_without_inbound_is_as_its_network_and_its_traffic():
    changed = small(strategies={"igp": {"scheme": "igp_ecmp"}})
    answer = sim.failures(changed, of="links,cables", at=13.0)
    case = changed.case
    rates = case.series.play(Streams(case.seed, 0))(0, case.steps)[:, 6]
    still = sim.failures(case.network, case.demands.with_gbps(rates), of="links,cables")
    for name in ("cases", "links", "exits", "demands"):
        one, other = (each.tables[name].drop(columns=["strategy", "at_h"], errors="ignore")
                      for each in (answer, still))  # fmt: skip
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_files_of_others_are_left_alone(tmp_path):
    left = tmp_path / "screen.unfinished"
    left.mkdir()
    (left / "thesis.txt").write_text("mine")
    with pytest.raises(SimulatorError, match="is left alone: no study wrote thesis.txt"):
        sim.failures(small(), of="gateways", at=13.0, out=tmp_path / "screen", force=True)
    assert (left / "thesis.txt").read_text() == "mine"


def invoke(*words):
    return CliRunner().invoke(main, ["failures", *map(str, words)])


def test_the_verb_writes_tables_and_pictures(tmp_path):
    result = invoke(
        MINI, "--of", "cables", "--of", "gateways", "--impact", "shanghai-la", "--at", "13",
        "--set", "step_s=7200", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "of 11 failures (cables and gateways) the worst is" in " ".join(result.output.split())
    assert "What fills shanghai-la" in result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"cases.csv", "links.csv", "exits.csv", "demands.csv", "impact.csv"} <= names
    assert {"failure_map.png", "failure_bars.png", "failures.json"} <= names
    record = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert record["of"] == ["cables", "gateways"] and record["cases"] == 11


def test_json_is_the_sentence_and_the_tables(tmp_path):
    result = invoke(
        MINI, "--of", "gateways", "--at", "13", "--set", "step_s=7200", "--json", "--out",
        tmp_path / "out",
    )  # fmt: skip
    printed = json.loads(result.stdout)
    assert set(printed) == {"sentence", "tables"}
    columns = {"strategy", "case", "worst_utilisation", "worst_link", "direction",
               "lost_gbps_before", "lost_gbps_after", "cut_off_gbps"}  # fmt: skip
    assert columns <= set(printed["tables"]["cases"][0])
    links = {"strategy", "link", "direction", "worst_utilisation", "case"}
    assert links <= set(printed["tables"]["links"][0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--of", "cabels"], "did you mean 'cables'"),
        (["--k", "3"], "3 is not in the range"),
        (["--at", "99"], "expected hours from 0 to below 24, found 99"),
        (["--impact", "shanghai-lax"], "did you mean 'shanghai-la'"),
    ],
)
def test_mistakes_end_with_2(tmp_path, words, message):
    result = invoke(MINI, *words, "--out", tmp_path / "out")
    assert result.exit_code == 2 and message in result.output
    assert not list(tmp_path.iterdir())


def test_the_pictures_show_what_hurts_each_strategy_most(answer):
    from simulator.figures.failed import FailedData

    data = FailedData(
        answer.tables["cases"], answer.tables["exits"], ["static", "sdn"], "mini", "", 0.8
    )
    for name in data.strategies:
        cases = answer.tables["cases"]
        mine = cases.loc[cases["strategy"] == name, "case"]
        assert mine.iloc[0] in data.worst(2) and set(mine.head(3)) <= set(data.worst(6))
    assert len(data.worst(99)) == 11
    used = data.used("static", data.worst(3), ["shanghai-la"])
    rows = answer.tables["exits"].query("strategy == 'static' and exit == 'shanghai-la'")
    assert used[0, 0] == rows[rows["case"] == data.worst(1)[0]]["utilisation"].max()


def test_many_strategies_are_in_the_tables_and_six_in_words():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    answer = sim.failures(network, demands, of="exits", scheme=["igp_ecmp"] * 8)
    assert answer.tables["cases"]["strategy"].nunique() == 8
    assert answer.sentence.count("lost after it reacts") == 6
    assert "2 more strategies in the tables." in answer.foot
    assert sum(each.caption.startswith("Worst for") for each in answer.sections) == 6


def test_monte_carlo_asks_for_availability(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["failures", "mini", "--monte-carlo", "20", "--strategies", "igp", "--json"]
    done = CliRunner().invoke(main, [*words, "--quiet"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["tables"]["availability"]
    assert {row["strategy"] for row in rows} == {"igp"}
    assert all(0 <= row["ci_low"] <= row["availability"] <= row["ci_high"] <= 1 for row in rows)
    refused = CliRunner().invoke(main, [*words, "--k", "2"])
    assert refused.exit_code == 2 and "--monte-carlo takes no --k" in refused.output
