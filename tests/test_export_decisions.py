"""Decisions for routers: what is read, how it is rounded, and what each form writes of it."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import shutil
from collections import Counter
from ipaddress import IPv4Address, IPv4Network

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI, built_in, make_tiny, without_headroom
from test_carried import largest_remainder
from test_export_read_back import HOSTILE, exported
from test_export_read_back import LINKS as BORDER_LINKS
from test_export_read_back import NODES as BORDER_NODES

import simulator as sim
from simulator.base.errors import InputError
from simulator.cli.main import main
from simulator.export.addresses import CONTROLLER, OVERLAY, AddressPlan
from simulator.export.decided import Decided
from simulator.export.forms.form import MOST_PATHS, Exporting, form
from simulator.export.frr_router import BORDER, isis_metrics, system_id, wrong_for_isis
from simulator.export.instants import Instants
from simulator.export.names import comment, hostnames
from simulator.export.places import places
from simulator.export.prefixes import prefixes_of
from simulator.export.steps import Change, Step, all_steps
from simulator.export.words import notes
from simulator.model.demands import Demands
from simulator.routing.igp_ecmp import IgpEcmp

FORMS = form.names()
CONTROL = {"every_s": 900, "install_s": 5, "steers": ["international_out", "international_in"]}
SPLITS = {"scheme": "kleinrock", "fallback": "igp_ecmp"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two hours with a controller that splits, one that splits in whole per cents, and a rest."""
    strategies = {
        "igp": {"scheme": "igp_ecmp"},
        "sdn": SPLITS | {"control": CONTROL | {"on_outage": "withdraw"}},
        "whole": SPLITS | {"control": CONTROL | {"carried_by": "tunnels"}},
    }
    changes = {
        "start": "2026-03-01T19:00", "horizon_h": 2, "replications": 1, "strategies": strategies,
        "record.decisions": True,
        "events": [{"at_h": 1.5, "controller": "sdn", "until_h": 1.9}],
    }  # fmt: skip
    out = tmp_path_factory.mktemp("export") / "evening"
    with without_headroom():
        sim.run(sim.load(MINI).with_changes(changes), out=out)
    return out


@pytest.fixture(scope="module")
def rows(folder):
    return sim.Results(folder).table("routes").astype({"strategy": str, "source": str,
                                                       "target": str, "exit": str})  # fmt: skip


def call(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def at_home(rows):
    return rows[rows["class"] == "international_out"]


def in_force(rows, strategy, time_s):
    """Shares of every pair at an instant, by pandas."""
    mine = at_home(rows[(rows["strategy"] == strategy) & (rows["time_s"] <= time_s)])
    last = mine[mine["time_s"] == mine.groupby(["source", "target"])["time_s"].transform("max")]
    found = {}
    for row in last.itertuples():
        if row.exit:
            found.setdefault((row.source, row.target), {})[row.exit] = row.share
    return found


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def table_of(place):
    """What decisions.csv says of every pair, row by row in time."""
    found = {}
    text = (place / "decisions.csv").read_text(encoding="utf-8")
    for row in read_csv(text):
        key = row["province"], row["region"]
        if found.get(key, ("",))[0] != row["time_s"]:
            found[key] = (row["time_s"], {})
        if row["exit"]:
            found[key][1][row["exit"]] = int(row["percent"])
    return {key: ways for key, (_, ways) in found.items() if ways}


# -- what is read and rounded ---------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["sdn", "whole"])
@pytest.mark.parametrize(("at", "time_s"), [("19:00", 0.0), ("19:50", 3000.0), ("20:25", 5100.0)])
def test_decisions_in_force_are_those_of_the_table_in_whole_per_cents(
    folder, rows, tmp_path, strategy, at, time_s
):
    sim.export(folder, "csv", at=at, strategy=strategy, out=tmp_path / "out")
    asked = in_force(rows, strategy, time_s)
    exits = list(sim.load_network("china169-mini").links)
    expected = {}
    for pair, shares in asked.items():
        names = sorted(shares, key=exits.index)
        seats = largest_remainder([shares[name] for name in names])
        expected[pair] = {name: n for name, n in zip(names, seats, strict=True) if n}
    found = table_of(tmp_path / "out")
    assert found == expected and found
    assert all(sum(ways.values()) == 100 for ways in found.values())
    assert any(len(ways) > 1 for ways in found.values())
    if strategy == "whole":  # what is simulated is what is exported
        for pair, ways in found.items():
            assert ways == {name: pytest.approx(100 * share) for name, share in asked[pair].items()}


def test_what_whole_per_cents_lose_is_said(folder, rows, tmp_path):
    made = sim.export(folder, "csv", at="20:10", strategy="sdn", out=tmp_path / "out")
    asked, found = in_force(rows, "sdn", 4200.0), table_of(tmp_path / "out")
    apart = max(
        abs(share - found[pair].get(name, 0) / 100)
        for pair, shares in asked.items()
        for name, share in shares.items()
    )
    split = sum(len(ways) > 1 for ways in found.values())
    assert apart > 1e-4
    assert made.sentence.startswith(
        f"Wrote {len(found)} decisions of sdn at 20:10: {len(found) - split} by one exit, {split}"
        f" split; at most {apart:.4f} of a share lost to whole per cents, "
    )
    assert "Inbound decisions of 24 pairs are left out" in str(made)
    whole = sim.export(folder, "csv", at="20:10", strategy="whole", out=tmp_path / "whole")
    assert whole.sentence.endswith("shares were whole per cents already.")


@pytest.mark.parametrize("time_s", [0.0, 907.0, 4000.0, 7200.0])
def test_changes_of_a_day_lead_to_what_is_in_force(folder, rows, time_s):
    network = sim.load_network("china169-mini")
    decided = Decided.of(rows[rows["strategy"] == "sdn"], network)
    instants = Instants(None, 7200.0, np.arange(8) * 900.0)
    state = {}
    for step in all_steps(decided.decisions, instants):
        assert step.changes
        for change in step.changes:
            assert change.before != change.after
            assert state.get((change.source, change.target), {}) == change.before
            if step.time_s <= time_s:
                state[change.source, change.target] = change.after
            else:
                break
        if step.time_s > time_s:
            break
    expected = {(each.source, each.target): each.ways for each in decided.at(time_s)}
    assert {pair: ways for pair, ways in state.items() if ways} == expected


def a_table(*rows):
    """A table of decisions from rows of time, source, target, service, exit, share and rate."""
    names = ("time_s", "source", "target", "service", "exit", "share", "predicted_gbps")
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(**{"class": "international_out"}, direction="out",
                        igp_share=frame["share"])  # fmt: skip


def three_exits():
    links = [(f"x{i}", "home", "abroad", 100.0) for i in range(3)]
    return make_tiny(*links, abroad="pop")


def test_services_of_a_pair_become_one_decision_by_rate():
    table = a_table(
        (0.0, "home", "abroad", "web", "x0", 1.0, 3.0),
        (0.0, "home", "abroad", "video", "x1", 0.5, 1.0),
        (0.0, "home", "abroad", "video", "x2", 0.5, 1.0),
        (300.0, "home", "abroad", "video", "x1", 1.0, 1.0),
        (600.0, "home", "abroad", "web", "", 0.0, 3.0),
        (900.0, "home", "abroad", "video", "", 0.0, 1.0),
    )
    decided = Decided.of(table, three_exits())
    ways = [each.ways for each in decided.decisions]
    # 12.5 and 12.5 of 100: the exit that is listed first has the per cent that is left.
    assert ways == [{"x0": 75, "x1": 13, "x2": 12}, {"x0": 75, "x1": 25}, {"x1": 100}, {}]
    assert [each.asked.demands for each in decided.decisions] == [2, 2, 1, 0]


def test_a_part_of_a_demand_is_written_as_all_of_it():
    table = a_table(
        (0.0, "home", "abroad", "", "x0", 0.3, 10.0), (0.0, "home", "abroad", "", "x2", 0.1, 10.0)
    )
    (decision,) = Decided.of(table, three_exits()).decisions
    assert decision.ways == {"x0": 75, "x2": 25}


def test_small_shares_are_counted_where_they_go():
    table = a_table(
        (0.0, "home", "abroad", "", "x0", 0.997, 10.0),
        (0.0, "home", "abroad", "", "x2", 0.003, 1.0),
    )
    decided = Decided.of(table, three_exits())
    assert decided.decisions[0].ways == {"x0": 100}
    told = list(notes(decided, decided.decisions, 0, ""))
    assert told == ["Shares below one per cent, given to other exits of their decisions: 1."]
    told = list(notes(decided, decided.decisions, 2, "region"))
    assert told[1].startswith("Simulated as carried by region, hop by hop")
    assert told[2] == "Other replications, which decided otherwise, are left out: 2."


# -- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "words", "time_s"),
    [
        (None, "20:30", 73_800.0),
        (None, "44:30:15", 160_215.0),
        ("2026-03-01T19:00", "19:00", 0.0),
        ("2026-03-01T19:00", "26:00", 7 * 3600.0),
        ("2026-03-01T19:00", "2026-03-02T02:00", 7 * 3600.0),
        ("2026-03-01", "00:07:30", 450.0),
    ],
)
def test_times_are_local(start, words, time_s):
    instants = Instants(start, 3 * 86_400.0, np.zeros(0))
    assert instants.at(words) == time_s
    again = instants.at(instants.clock(time_s))
    assert again == time_s


def test_cycles_are_those_of_the_controller(folder, tmp_path):
    control = sim.Results(folder).control
    mine = control[(control["strategy"] == "sdn") & (control["layer"] == "controller")]
    times = sorted(mine["time_s"])
    sim.export(folder, "csv", cycle=3, strategy="sdn", out=tmp_path / "out")
    (row, *_) = read_csv((tmp_path / "out" / "decisions.csv").read_text())
    assert float(row["time_s"]) == times[2] and row["cycle"] == "3"


# -- letters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--to", "exabg"], "--to: no form of export named 'exabg'; did you mean 'exabgp'? known:"),
        (["--to", "exabgp"], "--strategy: several strategies decide: sdn, whole; choose one"),
        (["--to", "frr", "--strategy", "igp"], "'igp' decides nothing; those that do: sdn, whole"),
        (["--to", "frr", "--strategy", "snd"], "no strategy named 'snd'; did you mean 'sdn'?"),
        (["--to", "bird", "--strategy", "sdn", "--at", "21:01"],
         "--at: 21:01 is outside of the run, which is from 19:00 to 21:00"),
        (["--to", "bird", "--strategy", "sdn", "--at", "8pm"],
         "--at: expected a time such as 20:30 or 20:30:15 (44:30 is 20:30 of the second day), or"
         " 2026-03-01T20:30, found '8pm'"),
        (["--to", "bird", "--strategy", "sdn", "--cycle", "0"], "--cycle: expected 1 to "),
        (["--to", "bird", "--strategy", "sdn", "--cycle", "1", "--at", "20:00"], "not both"),
        (["--to", "bird", "--strategy", "sdn", "--replication", "1"], "expected 0, found 1"),
        (["--to", "bird", "--strategy", "sdn", "--receiver", "bird"],
         "--receiver: goes with exabgp and gobgp, not with bird"),
        (["--to", "exabgp", "--strategy", "sdn", "--receiver", "bird", "--at", "20:00"],
         "--to exabgp: BIRD ignores the link bandwidth community"),
        (["--to", "exabgp", "--strategy", "sdn", "--receiver", "brid"], "receiver"),
        (["--to", "exabgp", "--table", "links"], "--table: goes with tables"),
        (["--to", "xlsx", "--at", "20:30"], "--at: goes with decisions"),
        (["--to", "csv", "--at", "20:30"], "--strategy: several strategies decide"),
        (["--to", "frr", "--strategy", "sdn", "--prefixes", "nowhere.csv"],
         "nowhere.csv: no such file"),
        (["--to", "frr", "--strategy", "sdn", "--at", "20:35"], "no decision of sdn is in force"),
    ],
    ids=str,
)  # fmt: skip
def test_a_letter_and_nothing_written(folder, tmp_path, words, told):
    done = call(folder, *words, "--out", tmp_path / "out")
    assert done.exit_code == 2 and done.stdout == "", done.output
    assert told in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_decisions_the_key_and_the_command_are_told(folder, tmp_path):
    other = tmp_path / "evening"
    shutil.copytree(folder, other)
    (other / "routes.parquet").unlink()
    text = (other / "run.json").read_text(encoding="utf-8")
    (other / "run.json").write_text(text.replace('"decisions": true', '"decisions": false'))
    done = call(other, "--to", "exabgp")
    assert done.exit_code == 2
    assert "add record: {decisions: true}" in done.stderr
    assert f"simulator run {other}/inputs/scenario.yaml --set record.decisions=true" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["evening"]


def test_a_strategy_that_decides_about_inbound_traffic_only(folder, rows, tmp_path):
    other = tmp_path / "evening"
    shutil.copytree(folder, other)
    inbound = rows[(rows["strategy"] == "sdn") & (rows["class"] == "international_in")]
    assert len(inbound)
    inbound.to_parquet(other / "routes.parquet")
    done = call(other, "--to", "frr")
    assert done.exit_code == 2
    assert "--strategy: sdn decides about inbound traffic only" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["evening"]


def test_csv_without_options_of_decisions_is_all_tables(folder, tmp_path):
    done = call(folder, "--to", "csv", "--out", tmp_path / "out")
    assert done.exit_code == 0 and (tmp_path / "out" / "columns.csv").exists()
    done = call(folder, "--to", "csv", "--strategy", "sdn", "--output", tmp_path / "decisions")
    assert done.exit_code == 0 and (tmp_path / "decisions" / "decisions.csv").exists()


def test_an_export_stands_beside_its_results_and_is_replaced_by_force_only(folder):
    done = call(folder, "--to", "exabgp", "--strategy", "sdn", "--at", "20:00")
    place = folder.with_name("evening-exabgp")
    assert done.exit_code == 0 and place.is_dir() and "evening-exabgp" in done.stdout
    first = {file.name: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    again = call(folder, "--to", "exabgp", "--strategy", "sdn", "--at", "20:00")
    assert again.exit_code == 1 and "--force replaces it" in again.stderr
    call(folder, "--to", "exabgp", "--strategy", "sdn", "--at", "20:00", "--force", "--quiet")
    assert {file.name: file.read_bytes() for file in place.rglob("*") if file.is_file()} == first
    assert (place / "feed.sh").stat().st_mode & 0o111
    shutil.rmtree(place)


# -- forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_every_form_writes_the_same_decisions(folder, tmp_path, name):
    """Each form, read by a few lines of its own, says what the plain table says."""
    made = sim.export(folder, name, at="19:50", strategy="sdn", out=tmp_path / name)
    sim.export(folder, "csv", at="19:50", strategy="sdn", out=tmp_path / "plain")
    expected = Counter(
        (row["province"], row["prefix"], row["next_hop"], int(row["percent"]))
        for row in read_csv((tmp_path / "plain" / "decisions.csv").read_text())
    )
    addresses = read_csv((tmp_path / name / "addresses.csv").read_text())
    assert Counter(read_form(name, tmp_path / name, addresses)) == expected
    assert set(made.files) >= {"about.txt", "prefixes.csv", "addresses.csv"}
    about = (tmp_path / name / "about.txt").read_text()
    assert "Inbound decisions of 24 pairs" in about and made.sentence[:40] in about


def read_form(name, place, addresses):
    """Yield province, prefix, next hop and per cent from the files of a form."""
    nodes = {row["address"]: row["id"] for row in addresses if row["kind"] == "node"}
    names = {row["name"]: row["id"] for row in addresses if row["kind"] == "node"}
    if name == "csv":
        for row in read_csv((place / "decisions.csv").read_text()):
            yield row["province"], row["prefix"], row["next_hop"], int(row["percent"])
    if name == "exabgp":
        line = (
            r"^neighbor (\S+) announce route (\S+) next-hop (\S+) .*bandwidth:65000:(\d+)000000 \]$"
        )
        for found in re.findall(line, (place / "decisions.txt").read_text(), re.MULTILINE):
            yield nodes[found[0]], found[1], found[2], int(found[3])
    if name == "gobgp":
        line = r"^gobgp -p \d+ global rib add (\S+) identifier \d+ nexthop (\S+) .* 65000:(\d+)$"
        for file in place.glob("*/decisions.sh"):
            for prefix, hop, percent in re.findall(line, file.read_text(), re.MULTILINE):
                yield names[file.parent.name], prefix, hop, int(percent)
    if name == "bird":
        for file in place.glob("*/decisions.conf"):
            for prefix, hops in re.findall(r"route (\S+) (.*);", file.read_text()):
                for hop, percent in re.findall(r"via (\S+)(?: weight (\d+))?", hops):
                    yield names[file.parent.name], prefix, hop, int(percent or 100)
    if name == "frr":
        for file in place.glob("*/decisions.conf"):
            text = file.read_text()
            groups = dict(re.findall(r"nexthop-group (\S+)\n((?: nexthop .*\n)+)", text))
            rules = r"match dst-ip (\S+)\n set nexthop-group (\S+)"
            for prefix, group in re.findall(rules, text):
                for hop, percent in re.findall(r"nexthop (\S+) weight (\d+)", groups[group]):
                    yield names[file.parent.name], prefix, hop, int(percent)


@pytest.mark.parametrize("name", FORMS)
def test_a_day_holds_changes_only_and_is_the_same_bytes_again(folder, tmp_path, name):
    for out in ("one", "two"):
        made = sim.export(folder, name, strategy="sdn", out=tmp_path / out)
    assert re.match(
        r"Wrote the decisions of sdn, 19:00 to 21:00: 24 decisions first, then \d+ changes at \d+"
        r" instants; in all ", made.sentence,
    )  # fmt: skip
    one, two = (
        {file.relative_to(tmp_path / out): file.read_bytes()
         for file in (tmp_path / out).rglob("*") if file.is_file()}
        for out in ("one", "two")
    )  # fmt: skip
    assert one == two


def test_a_day_of_exabgp_replays_to_what_is_in_force(folder, rows, tmp_path):
    sim.export(folder, "exabgp", strategy="sdn", out=tmp_path / "day")
    sim.export(folder, "exabgp", strategy="sdn", at="19:50", out=tmp_path / "at")

    def replayed(place, until_s):
        table = {}
        for line in (place / "decisions.txt").read_text().splitlines():
            if found := re.match(r"# at ([\d.]+) s", line):
                if float(found[1]) > until_s:
                    break
            elif found := re.match(r"(neighbor \S+) announce route (\S+) next-hop (\S+) .*?"
                                   r"bandwidth:65000:(\d+) \]", line):  # fmt: skip
                table[found[1], found[2], found[3]] = found[4]
            elif found := re.match(r"(neighbor \S+) withdraw route (\S+) next-hop (\S+) ", line):
                del table[found[1], found[2], found[3]]
        return table

    assert replayed(tmp_path / "day", 3000.0) == replayed(tmp_path / "at", 3000.0)
    assert not replayed(tmp_path / "day", 5500.0)  # the controller is out: all is withdrawn
    text = (tmp_path / "day" / "decisions.txt").read_text()
    waits = sum(float(each) for each in re.findall(r"^# wait ([\d.]+)$", text, re.MULTILINE))
    last = float(re.findall(r"^# at ([\d.]+) s", text, re.MULTILINE)[-1])
    assert waits == pytest.approx(last)


@pytest.mark.parametrize("name", FORMS)
def test_too_many_paths_are_refused(name):
    links = [(f"x{i:02}", "home", "abroad", 100.0) for i in range(MOST_PATHS + 1)]
    network = make_tiny(*links, abroad="pop")
    plan = AddressPlan.of(network)
    for count, refused in ((MOST_PATHS, False), (MOST_PATHS + 1, True)):
        ways = {f"x{i:02}": 3 for i in range(count)}
        step = Step(0.0, "00:00", 1, [Change("home", "abroad", {}, ways)])
        found = list(form.make(name).refusals(Exporting(plan, [step], False, [])))
        assert bool(found) == (refused and name != "csv")
        assert all(f"{MOST_PATHS + 1} exits" in each for each in found)


@pytest.mark.parametrize("name", ["exabgp", "gobgp"])
@pytest.mark.parametrize(
    ("ways", "refused"),
    [({"x0": 100}, False), ({"x0": 50, "x1": 50}, False), ({"x0": 34, "x1": 33, "x2": 33}, False),
     ({"x0": 51, "x1": 49}, True)],
)  # fmt: skip
def test_bird_receives_equal_splits_only(name, ways, refused):
    plan = AddressPlan.of(three_exits())
    step = Step(0.0, "00:00", 1, [Change("home", "abroad", {}, ways)])
    exporting = Exporting(plan, [step], False, [])
    assert bool(list(form.make(name, receiver="bird").refusals(exporting))) == refused
    assert not list(form.make(name).refusals(exporting))


# -- FRR's static side ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["china169-2017", "border"])
def test_metrics_obey_the_border_rule(name):
    """Dijkstra over the metrics that are written takes the project's first links, on all pairs."""
    if name == "border":
        network = make_tiny(*BORDER_LINKS, **BORDER_NODES)
    else:
        network, _ = built_in(name)
    metric = isis_metrics(network)
    assert not list(wrong_for_isis(network))
    is_exit = np.repeat(network.link_class == "exit", 2)
    assert (metric - network.metric == np.where(is_exit, BORDER, 0)).all()
    pairs = [(a, b) for a in range(len(network.nodes)) for b in range(len(network.nodes)) if a != b]
    names = [(network.nodes[a], network.nodes[b]) for a, b in pairs]
    demands = Demands.of(network, *zip(*names, strict=True), [1.0] * len(names))
    served = IgpEcmp().route(network, demands)
    cost = np.zeros(len(pairs))
    for demand, share, arcs in served.paths():
        cost[demand] += share * metric[list(arcs)].sum()
    assert (served.served > 0.999).all()
    assert cost.tolist() == [least(network, metric, a)[b] for a, b in pairs]


@functools.cache
def distances(network, metric, source):
    graph = nx.DiGraph()
    for tail, head, cost in zip(network.tail, network.head, metric, strict=True):
        known = graph.get_edge_data(tail, head, {"metric": np.inf})["metric"]
        if tail == source or not network.is_stub[tail]:
            graph.add_edge(tail, head, metric=min(cost, known))
    return nx.single_source_dijkstra_path_length(graph, source, weight="metric")


def least(network, metric, source):
    """Metric of the shortest paths from a node, none by way of a stub."""
    return distances(network, tuple(metric.tolist()), source)


def test_what_isis_cannot_carry_is_refused():
    links = [("a-b", "a", "b", 10.0, 1.5), ("x", "b", "c", 10.0, 16_000_000.0)]
    told = list(wrong_for_isis(make_tiny(*links, c="pop")))
    assert (
        told[0] == "link 'a-b' has metric 1.5; IS-IS takes whole numbers from 1 to 16,777,214 there"
    )
    assert "link 'x' has metric 1.6e+07" in told[1] and "15,777,214" in told[1]
    network = make_tiny(("a-b", "a", "b", 10.0), ("x", "b", "c", 10.0), c="pop")
    one_way = network.with_link("a-b", capacity_ba_gbps=0.0)
    assert list(wrong_for_isis(one_way)) == [
        "link 'a-b' is one-way; IS-IS uses links in both directions"
    ]
    far = make_tiny(("a-b", "a", "b", 10.0, 1_999_999.0), ("x", "b", "c", 10.0, 1.0), c="pop")
    assert "add up to a metric of 2,000,000" in list(wrong_for_isis(far))[0]


# -- addresses, prefixes, names -------------------------------------------------------------------


def test_no_address_is_given_twice():
    network, demands = built_in("china169-2017")
    plan = AddressPlan.of(network, demands)
    links = [plan.link_addresses(link) for link in network.links]
    single = [CONTROLLER, *plan.loopbacks.values(), *plan.next_hops.values(),
              *plan.overlay.values(), *(address for pair in links for address in pair)]  # fmt: skip
    assert len(set(single)) == len(single)
    for pair in links:
        assert len({IPv4Network((int(each) & ~1, 31)) for each in pair}) == 1
    prefixes = [each.prefix for rows in plan.prefixes.values() for each in rows]
    for i, prefix in enumerate(prefixes):
        assert not any(prefix.overlaps(other) for other in prefixes[i + 1 :])
        assert not any(address in prefix for address in single) and not prefix.overlaps(OVERLAY)
    made_up = [IPv4Network("198.18.0.0/15"), IPv4Network("10.0.0.0/8")]
    assert all(any(prefix.subnet_of(block) for block in made_up) for prefix in prefixes)
    assert len(plan.provinces) == 31 and len(plan.regions) == 8
    assert len({system_id(plan, node) for node in network.nodes}) == len(network.nodes)
    assert system_id(plan, network.nodes[0]).count(".") == 5
    assert {row[3] for row in plan.rows()} == {str(each) for each in single}
    assert all(IPv4Address(number) for number in plan.path_ids.values())
    assert len(set(plan.path_ids.values())) == len(plan.exits)


def test_an_id_that_is_added_moves_none_unless_digests_meet():
    ids = [f"region-{i}" for i in range(40)]
    before = places(ids, 512, "ends")
    assert before == places(reversed(ids), 512, "ends")
    moved = 0
    for i in range(100):
        after = places([*ids, f"new-{i}"], 512, "ends")
        assert len(set(after.values())) == len(after)
        moved += any(after[each] != before[each] for each in ids)
    assert moved <= 15  # 40 of 512 places are taken
    with pytest.raises(InputError, match="41 ends; the address plan has room for 40"):
        places([*ids, "one more"], 40, "ends")


def test_prefixes_that_are_exported_can_be_given_back(folder, tmp_path):
    sim.export(folder, "csv", cycle=1, strategy="sdn", out=tmp_path / "one")
    file = tmp_path / "one" / "prefixes.csv"
    sim.export(folder, "csv", cycle=1, strategy="sdn", out=tmp_path / "two", prefixes=file)
    for name in ("decisions.csv", "prefixes.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_own_prefixes_stand_in_place_of_those_made_up(folder, tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("id,prefix\npop-tokyo,192.0.2.0/25\npop-tokyo,203.0.113.0/24\n")
    sim.export(folder, "csv", cycle=1, strategy="sdn", out=tmp_path / "out", prefixes=file)
    rows = read_csv((tmp_path / "out" / "decisions.csv").read_text())
    tokyo = {row["prefix"] for row in rows if row["region"] == "pop-tokyo"}
    assert tokyo == {"192.0.2.0/25", "203.0.113.0/24"}
    others = {row["prefix"] for row in rows} - tokyo
    assert others and all(prefix.startswith("198.") for prefix in others)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,prefix\nreggion,192.0.2.0/24\n",
         ":2:1: id: no traffic begins or ends at 'reggion'; did you mean 'region'?"),
        ("id,prefix\nregion,192.0.2.1/24\n",
         ":2:8: prefix: expected an IPv4 prefix without host bits, such as 198.18.7.0/24, found"
         " '192.0.2.1/24'"),
        ("id,prefix\nregion,2001:db8::/32\n", ":2:8: prefix: expected an IPv4 prefix"),
        ("id,prefix\nregion,10.128.0.0/24\n", "only 10.64.0.0/10 may be used"),
        ("id,prefix\nregion,192.0.2.0/24\nother,192.0.2.128/25\n",
         ":3:7: prefix: 192.0.2.128/25 overlaps 192.0.2.0/24 of 'region' in line 2"),
        ("id,prefix,kind\nregion,192.0.2.0/24,province\n", ":2:21: kind: expected region, which"),
        ("id,prefix,group\nregion,192.0.2.0/24,0\n", ":2:21: group: expected a whole number"),
        ("id,prefx\nregion,192.0.2.0/24\n", "did you mean 'prefix'?"),
        ("id,prefix\nregion,198.18.0.0/15\n", "overlaps 198.1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_file_of_prefixes_is_checked(tmp_path, text, told):
    file = tmp_path / "prefixes.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        prefixes_of(["region", "other"], ["home"], file)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


AWKWARD = ["a b", "a-b", "A-b", "a.b", "", "北京", "京北", "x" * 300, "-rf /", "a\nb", HOSTILE,
           "..", "con", "$(reboot)", "<script>alert(1)</script>"]  # fmt: skip


def test_hostnames_are_safe_and_differ():
    names = hostnames(AWKWARD)
    assert len(set(names.values())) == len(AWKWARD)
    assert names["a-b"] == "a-b"  # a plain id is its own name, whatever else there is
    for name in names.values():
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) and len(name) <= 63
    assert hostnames(reversed(AWKWARD)) == names
    crafted = names["a b"]
    both = hostnames(["a b", crafted])
    assert both[crafted] == crafted and both["a b"] != crafted


@pytest.mark.parametrize("text", AWKWARD)
def test_comments_are_one_plain_line(text):
    safe = comment(text)
    assert safe.isascii() and safe.isprintable() or safe == ""
    assert not set(safe) & set('\n\r!#<>{}`$"\\|&*?[]')


@pytest.mark.parametrize("name", FORMS)
def test_hostile_ids_add_no_line_and_no_file(name):
    """Files with a hostile id have as many lines as those with a plain one, and the same names."""

    def made(ids):
        swapped = [tuple(ids.get(part, part) for part in link) for link in BORDER_LINKS]
        kinds = {ids.get(node, node): kind for node, kind in BORDER_NODES.items()}
        network = make_tiny(*swapped, **kinds)
        far = ids.get(HOSTILE, HOSTILE)
        plan = AddressPlan.of(network, Demands.of(network, ["p1"], [far], [1.0]))
        ways = [{"x1": 75, ids.get("x3 {;}", "x3 {;}"): 25}, {"x1": 100}]
        return exported(plan, ways, name, target=far)

    hostile, plain = made({}), made({HOSTILE: "region", "x3 {;}": "x3"})
    if name == "csv":
        assert [row["region"] for row in read_csv(hostile["decisions.csv"])] == [HOSTILE] * 3
        return
    assert len(hostile) == len(plain)
    lines = [
        Counter(len(text.splitlines()) for text in files.values()) for files in (hostile, plain)
    ]
    assert lines[0] == lines[1]
    for path, text in hostile.items():
        assert re.fullmatch(r"[a-z0-9./-]+", path) and ".." not in path
        assert HOSTILE not in text and "<script>" not in text and text.isascii()


def test_ids_do_not_become_formulas():
    links = [("=cmd()", "home", "@abroad", 100.0)]
    network = make_tiny(*links, **{"@abroad": "pop"})
    plan = AddressPlan.of(network)
    step = Step(0.0, "00:00", 1, [Change("home", "@abroad", {}, {"=cmd()": 100})])
    files = form.make("csv").files(Exporting(plan, [step], False, []))
    assert ",'@abroad," in files["decisions.csv"] and ",'=cmd()," in files["decisions.csv"]


def test_every_form_is_listed_with_its_line():
    done = CliRunner().invoke(main, ["list", "exports", "--json"])
    assert {each["name"] for each in json.loads(done.stdout)} == set(FORMS)
