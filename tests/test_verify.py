"""Verify: its plans and its judgement without routers, and scenarios on real ones."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from conftest import built_in, make_tiny
from routers import needs, run

import simulator as sim
from simulator.base.errors import InputError, SimulatorError
from simulator.cli.main import main
from simulator.control.carriers.prefix_groups import PrefixGroups
from simulator.control.carriers.region import Region
from simulator.export.addresses import AddressPlan
from simulator.export.decided import Asked, Decision
from simulator.export.frr_router import isis_metrics
from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.zipf import zipf_sizes
from simulator.verify import lab as lab_file
from simulator.verify import needs as needs_file
from simulator.verify import overlay
from simulator.verify.controller import sessions_of
from simulator.verify.deaths import Death
from simulator.verify.decisions import Cycle, decided, deciders, down, network_at
from simulator.verify.exits import exit_shares
from simulator.verify.failures import Measure, differences
from simulator.verify.flows import Counted, by_demand
from simulator.verify.found import TABLES, Found
from simulator.verify.hops import Asked as Questioned
from simulator.verify.hops import deflected, exits_of_groups
from simulator.verify.inside import NAMES, inside
from simulator.verify.kernel import parsed
from simulator.verify.lab import PREFIX, Lab, sweep
from simulator.verify.landings import drawn, world_of
from simulator.verify.neighbours import Neighbours
from simulator.verify.replay import Told, changes_to, hops_of, wrong_pairs
from simulator.verify.static import Wrong, static_hops, wrong_of
from simulator.verify.verify import differs, verify

NEVER = float("inf")
NODES = {"p1": "provincial", "p2": "provincial", "g1": "gateway", "g2": "gateway", "o1": "pop",
         "o2": "pop", "r": "region"}  # fmt: skip
LINKS = (
    ("p1-g1", "p1", "g1", 100.0, 10.0),
    ("p1-g2", "p1", "g2", 100.0, 30.0),
    ("p2-g2", "p2", "g2", 100.0, 30.0),
    ("g1-g2", "g1", "g2", 100.0, 90.0),
    ("x1", "g1", "o1", 100.0, 5.0),
    ("x2", "g2", "o2", 100.0, 5.0),
    ("o1-o2", "o1", "o2", 100.0, 900.0),
    ("o1-r", "o1", "r", 100.0, 10.0),
    ("o2-r", "o2", "r", 100.0, 10.0),
)
DECIDED = {("p1", "r"): {"x1": 60, "x2": 40}, ("p2", "r"): {"x2": 100}}
RATES = {("p1", "r"): 10.0, ("p2", "r"): 30.0}


@pytest.fixture(scope="module")
def plan():
    network = make_tiny(*LINKS, **NODES)
    pairs = list(RATES)
    return AddressPlan.of(
        network, Demands.of(network, *zip(*pairs, strict=True), list(RATES.values()))
    )


# -- next hops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiny", "china169-mini", "china169-2017"])
def test_static_next_hops_are_those_of_another_dijkstra(plan, name):
    """Over the metrics that routers have, with stubs that carry no transit."""
    plan = plan if name == "tiny" else AddressPlan.of(*built_in(name))
    network, metrics = plan.network, isis_metrics(plan.network)
    graph = nx.MultiDiGraph()
    for arc in np.flatnonzero(network.exists).tolist():
        ends = (network.nodes[int(end[arc])] for end in (network.tail, network.head))
        graph.add_edge(*ends, arc=arc, weight=float(metrics[arc]))
    stubs = {node for node, stub in zip(network.nodes, network.is_stub, strict=True) if stub}
    expected = {}
    for to in network.nodes:
        through = graph.reverse().copy()  # from the destination backwards
        for stub in stubs - {to}:
            through.remove_edges_from(list(through.out_edges(stub, keys=True)))
        left = nx.single_source_dijkstra_path_length(through, to)
        for node in network.nodes:
            best = [
                (edge["weight"] + left[there], edge["arc"])
                for _, there, edge in graph.out_edges(node, data=True)
                if node != to and there in left and (there not in stubs or there == to)
            ]
            for length, arc in best:
                if length == min(best)[0]:
                    far = plan.link_addresses(network.links[arc // 2])[1 - arc % 2]
                    expected.setdefault((node, to), {})[str(far)] = 1
    found = static_hops(plan, network)
    twice = {pair for pair in expected if pair not in found}
    kinds = dict(zip(network.nodes, network.is_abroad, strict=True))
    assert all(kinds[a] and kinds[b] for a, b in twice)  # joined only by crossing the border twice
    assert {pair: hops for pair, hops in expected.items() if pair not in twice} == found
    if name == "china169-2017":
        assert len(found) == 3782 and not twice


def test_wrong_next_hops_are_found(plan):
    expected = static_hops(plan, plan.network)
    tables = {}
    for (node, to), hops in expected.items():
        tables.setdefault(node, {})[str(plan.loopbacks[to])] = dict(hops)
    assert wrong_of(expected, tables, plan) == []
    tables["p1"][str(plan.loopbacks["g2"])] = {"192.0.2.1": 1}
    del tables["r"][str(plan.loopbacks["o1"])]
    assert {each[:2] for each in wrong_of(expected, tables, plan)} == {("p1", "g2"), ("r", "o1")}


def test_routes_of_kernels_are_read():
    text = json.dumps([
        {"dst": "10.0.0.0/31", "dev": "e1", "protocol": "kernel"},
        {"dst": "10.128.0.1", "gateway": "10.0.0.1", "dev": "e1", "protocol": "isis"},
        {"dst": "198.18.1.0/24", "nexthops": [
            {"gateway": "10.192.0.1", "weight": 75, "dev": "vx"},
            {"gateway": "10.192.0.2", "weight": 25, "dev": "vx"}]},
    ])  # fmt: skip
    assert parsed(text) == {
        "10.128.0.1": {"10.0.0.1": 1},
        "198.18.1.0/24": {"10.192.0.1": 75, "10.192.0.2": 25},
    }
    assert parsed("") == {}


# -- decisions ------------------------------------------------------------------------------------


def test_next_hops_and_weights_of_decisions_are_compared(plan):
    static, prefix = static_hops(plan, plan.network), str(plan.prefixes["r"][0].prefix)
    hops = {pair: dict(hops_of(ways, plan)) for pair, ways in DECIDED.items()}
    assert sorted(hops["p1", "r"].values()) == [40, 60] and list(hops["p2", "r"].values()) == [1]
    tables = {source: {prefix: mine} for (source, _), mine in hops.items()}
    assert wrong_pairs(DECIDED, tables, static, plan) == []
    swapped = dict(zip(hops["p1", "r"], (40, 60), strict=True))
    assert wrong_pairs(DECIDED, {**tables, "p1": {prefix: swapped}}, static, plan) == [("p1", "r")]
    nowhere = {("p1", "r"): {}}
    assert wrong_pairs(nowhere, tables, static, plan) == [("p1", "r")]
    assert wrong_pairs(nowhere, {"p1": {prefix: static["p1", "r"]}}, static, plan) == []


def test_changes_are_from_what_was_told():
    before, after = {("a", "r"): {"x": 100}, ("b", "r"): {"x": 100}}, {("a", "r"): {"y": 100}}
    found = [(c.source, c.before, c.after) for c in changes_to(before, after)]
    assert found == [("a", {"x": 100}, {"y": 100}), ("b", {"x": 100}, {})]
    assert list(changes_to(after, after)) == []


def test_the_controller_has_a_session_for_each_province(plan):
    lines = sessions_of(plan)
    assert [line.split()[1] for line in lines] == [str(plan.loopbacks[p]) for p in ("p1", "p2")]


def test_tunnels_of_exits_are_apart():
    plan = AddressPlan.of(*built_in("china169-2017"))
    macs = {overlay.mac(plan, link) for link in plan.exits}
    names = [name for link in plan.exits for name in overlay.counters(plan, link)]
    assert len(macs) == len(set(names)) == len(plan.exits) == 20
    assert all(len(name) < 16 for name in names)
    assert not any(overlay.has_own_table(plan, node) for node in plan.network.nodes)
    small = AddressPlan.of(*built_in("china169-mini"))
    both = [node for node in small.network.nodes if overlay.has_own_table(small, node)]
    assert both and all(f"lookup {overlay.OWN_TABLE}" in " ".join(overlay.arrivals(small, node))
                        for node in both)  # fmt: skip


def test_links_are_down_while_a_fault_takes_all_of_them():
    scenario = sim.load("guangdong-hong-kong-cut")
    network, events = scenario.network, scenario.case.events
    assert down(network_at(network, events, 7199.0)) == []
    assert len(down(network_at(network, events, 7200.0))) == 2
    partial = sim.load("tpe-cut")
    assert down(network_at(partial.network, partial.case.events, 80_000.0)) == []


def test_decisions_come_from_a_run_carried_by_tunnels():
    scenario = sim.load("mini")
    assert deciders(scenario) == ["sdn"]  # a bound is none that could be installed
    found = decided(scenario.with_changes({"horizon_h": 2}), None, None)
    cycles = found.cycles(3)
    assert [each.number for each in cycles] == [6, 7, 8] and found.strategy == "sdn"
    assert all(sum(ways.values()) == 100 for each in cycles for ways in each.ways.values())
    rates = found.rates(cycles[0].time_s)
    assert set(rates) == set(cycles[0].ways) and len(rates) == 24
    with pytest.raises(InputError, match="did you mean 'sdn'"):
        decided(scenario, "sdm", None)


# -- shares and flows -----------------------------------------------------------------------------


def test_shares_at_exits_are_those_of_the_decisions(plan):
    network = plan.network
    shares = exit_shares(DECIDED, RATES, network, network)
    assert shares == pytest.approx({"x1": 6 / 40, "x2": 34 / 40})
    static = exit_shares({}, RATES, network, network)
    assert static == pytest.approx({"x1": 10 / 40, "x2": 30 / 40})
    after = network.after([Fault("link", "x2", 1.0)])
    assert exit_shares(DECIDED, RATES, network, after) == pytest.approx({"x1": 1.0, "x2": 0.0})


def test_decisions_for_a_dead_exit_are_repaired_by_its_gateway():
    """Whatever was down before: of china's exits one, then two."""
    network = sim.load("guangdong-hong-kong-cut").network
    pairs = {("prov-guangdong", "region-japan"): 3.0, ("prov-beijing", "region-japan"): 1.0}
    ways = dict.fromkeys(pairs, {"gz-hk": 100})
    assert exit_shares(ways, pairs, network, network)["gz-hk"] == pytest.approx(1.0)
    for dead in (["gz-hk"], ["gz-hk", "bj-hk"]):
        after = network.after([Fault("link", link, 1.0) for link in dead])
        shares = exit_shares(ways, pairs, network, after)
        assert sum(shares.values()) == pytest.approx(1.0) and not any(shares[x] for x in dead)
        static = exit_shares({}, {("igw-guangzhou", "region-japan"): 1.0}, network, after)
        assert shares == pytest.approx(static)


def test_what_provinces_alone_decide_is_undone_by_the_next_router(plan):
    """Of p2 the way to x1 is over g2, which knows x2; p1 has a link to the gateway of x2."""
    asked = Questioned.of(DECIDED, RATES, plan.network)
    assert asked.by_link(asked.shares) == pytest.approx({"x1": 6 / 40, "x2": 34 / 40})
    found = asked.by_link(deflected({("p1", "r"): "x2", ("p2", "r"): "x1"}, asked))
    assert found == pytest.approx({"x1": 0.0, "x2": 1.0})
    found = asked.by_link(deflected({("p1", "r"): "x1", ("p2", "r"): "x1"}, asked))
    assert found == pytest.approx({"x1": 0.25, "x2": 0.75})


@pytest.mark.parametrize("name", ["region", "prefix_groups"])
def test_groups_have_the_exits_that_the_carrier_gives_them(plan, name):
    asked = Questioned.of(DECIDED, RATES, plan.network)
    way = {"region": Region(), "prefix_groups": PrefixGroups()}[name]
    sizes = np.ones(1) if name == "region" else zipf_sizes(4, 1.0)
    shares = way.carried(asked.shares, asked.demands)
    (links,) = exits_of_groups(shares, asked.demands, sizes).values()
    by_hand = {link: sum(size for size, each in zip(sizes, links, strict=True) if each == link)
               for link in ("x1", "x2")}  # fmt: skip
    assert asked.by_link(shares) == pytest.approx(by_hand)
    assert len(links) == len(sizes)


def test_flows_fall_on_pairs_by_demand():
    counts = by_demand({("a", "r"): 1.0, ("b", "r"): 2.0, ("c", "r"): 0.0, ("d", "r"): 4.0}, 100)
    assert counts == {("a", "r"): 14, ("b", "r"): 29, ("d", "r"): 57}
    rng = np.random.default_rng(1)
    rates = {(f"p{i}", "r"): float(rate) for i, rate in enumerate(rng.exponential(size=50))}
    counts, whole = by_demand(rates, 4000), sum(rates.values())
    assert sum(counts.values()) == 4000
    assert all(abs(counts.get(p, 0) - 4000 * gbps / whole) < 1 for p, gbps in rates.items())
    assert by_demand({("a", "r"): 0.0}, 10) == {}
    assert differences({"x": 30, "y": 70}, 100, {"x": 0.28, "y": 0.72}) == pytest.approx(0.02)


def test_regions_prefer_exits_as_the_model_says():
    """The local preferences that routers are given, followed by hand, lead where the model does."""
    scenario = sim.load("mini")
    world = world_of(scenario)
    near = Neighbours(Lab(), AddressPlan.of(scenario.network, scenario.demands), world)
    announced = [world.everywhere(4), *drawn(world.everywhere(4), 30, 5)]
    preference = {}
    for region in range(len(near.regions)):
        for at in range(len(near.exits)):
            for line in near._taste(region, at):
                if line.startswith("ip prefix-list"):
                    rank = int(line.split()[2].partition("R")[2])
                    preference[region, at, line.partition("permit ")[2]] = -rank
    for each in announced:
        landed = world.landed(each, scenario.network)
        for region, group in np.ndindex(landed.shape):
            aggregate = near.aggregates[each.province[group]]
            specific = f"{aggregate} ge {aggregate.prefixlen + 1} le 32"
            heard = {at: preference[region, at, specific] for at in range(len(near.exits))
                     if each.exits[group, at] and (region, at, specific) in preference}  # fmt: skip
            everywhere = {at: preference[region, at, str(aggregate)]
                          for at in range(len(near.exits))
                          if (region, at, str(aggregate)) in preference}  # fmt: skip
            among = heard or everywhere
            assert max(among, key=among.get) == landed[region, group]
    assert all(group.subnet_of(near.aggregates[i // 4]) for i, group in enumerate(near.groups))


def test_changes_of_announcements_are_drawn():
    first = world_of(sim.load("mini")).everywhere(4)
    many, again = (list(drawn(first, 40, 3)) for _ in range(2))
    assert all((one.exits == other.exits).all() for one, other in zip(many, again, strict=True))
    counts = [int(after.differs(before).any(axis=1).sum())
              for before, after in itertools.pairwise([first, *many])]  # fmt: skip
    assert min(counts) >= 1 and max(counts) <= 10 and len(many) == 40
    assert not (first.exits == many[-1].exits).all()


# -- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_s", "last_s", "low_s", "high_s", "wrong", "same"),
    [
        (0.1, 0.2, 0.2, 0.2, 0, True),
        (7.3, 8.8, 6.0, 9.0, 0, True),
        (7.3, 11.8, 6.0, 9.0, 0, False),
        (3.0, 8.8, 6.0, 9.0, 0, False),
        (7.3, 8.8, 6.0, 9.0, 1, False),
        (NEVER, NEVER, NEVER, NEVER, 0, True),
        (4.0, NEVER, NEVER, NEVER, 0, False),
        (19.0, NEVER, 20.0, 20.0, 0, False),
    ],
)
def test_deaths_are_held_against_the_model(first_s, last_s, low_s, high_s, wrong, same):
    death = Death("frozen", "hold_s", low_s, high_s, 9.0, first_s, last_s, 20.0, 1.0, wrong)
    assert death.is_as_modelled is same


def seen(*, wrong=0, apart=0.0):
    """Return what might have been seen on two routers and two exits."""
    found = Found(seconds={"routers": 1.0, "cycles": 2.0}, memory_mb=80.0)
    bad = Wrong("p1", "g1", {"10.0.0.1": 1}, {})
    found.add_static({"p1": 6, "p2": 6}, [bad] * wrong)
    asked = Asked({"x1": 0.6, "x2": 0.4}, 10.0, 1.0, 1)
    decisions = {("p1", "r"): Decision(0.0, "p1", "r", {"x1": 60, "x2": 40}, asked)}
    cycle = Cycle(1, 0.0, "00:00", decisions)
    found.add_cycle(cycle, Told(2, 1, 0.5, 1, [("p1", "r")] * wrong), 0.001)
    counted = Counted(100, 100, {"x1": 60, "x2": 40}, {"x1": 60, "x2": 40})
    found.add_flows(cycle, counted, {"x1": 0.6 - apart, "x2": 0.4}, {"x1": 2.0, "x2": 1.0})
    found.add_failure([Measure("exit down", "flows", "1", 5.0, 5.0, "", "yes"),
                       Measure("exit down", "lost", "s", 1.0, float("nan"))])  # fmt: skip
    found.add_death(Death("feeder_dead", "", NEVER, NEVER, NEVER, NEVER, NEVER, 12.0, 1.0, 0))
    return found


def test_the_answer_says_what_stood_and_what_did_not(tmp_path):
    from simulator.verify.words import Asked as Question
    from simulator.verify.words import answer_of

    question = Question("a<b>", "sdn", ("static", "cycles"), 2, 100, 2)
    found = seen()
    answer = answer_of(question, found, found.frames(), tmp_path)
    assert answer.sentence == (
        "On 2 FRR routers every next hop of static routing (12 of 12) and every decision of sdn in"
        " 1 cycles (1 of 1) stood as simulated; counted flows at the exits differ by at most 0.00"
        " points."
    )
    assert not differs(answer) and "never" in repr(answer)
    assert answer.tables["flows"]["utilisation"].tolist() == [1.2, 0.4]
    assert "<b>" not in answer._repr_html_()
    found = seen(wrong=1, apart=0.02)
    answer = answer_of(question, found, found.frames(), tmp_path)
    assert differs(answer) and "11 next hops of static routing of 12" in answer.sentence
    assert "Not as simulated: static next hops, decisions in the kernels and" in answer.sentence


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"on": "fr"}, "did you mean 'frr'"),
        ({"cycles": 0}, "expected 1 or more"),
        ({"flows": -1}, "expected 0 or more"),
        ({"parts": "static,deaht"}, "did you mean 'deaths'"),
        ({"parts": ""}, "no part ''"),
        ({"strategy": "sdm", "parts": "static"}, "did you mean 'sdn'"),
    ],
)
def test_wrong_questions_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        verify("mini", **asked)


def test_decisions_are_needed_to_be_replayed():
    scenario = sim.load("mini").with_strategies(["igp"])
    with pytest.raises(InputError, match="cycles: no strategy decides"):
        verify(scenario, parts="cycles")


@pytest.mark.parametrize(
    ("user", "platform", "folder", "message"),
    [
        (1000, "linux", "/nowhere", "need root"),
        (0, "linux", "/nowhere", "apt-get install .*frr"),
        (0, "darwin", "/nowhere", "are of Linux, and this is darwin"),
    ],
)
def test_a_machine_without_routers_is_told_what_is_missing(
    monkeypatch, capsys, tmp_path, user, platform, folder, message
):
    monkeypatch.setattr(needs_file.os, "geteuid", lambda: user)
    monkeypatch.setattr(needs_file.sys, "platform", platform)
    monkeypatch.setattr(needs_file, "FRR", Path(folder))
    with pytest.raises(InputError, match=message):
        needs_file.refuse_without()
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["verify", "mini", "--on", "frr", "--out", str(out)])
    assert ended.value.code == 2 and not out.exists()
    assert "--on frr" in capsys.readouterr().err


# -- namespaces -----------------------------------------------------------------------------------

HOLDER = """
import sys, time
from simulator.verify.lab import Lab
with Lab() as lab:
    one, two = lab.space("one"), lab.space("two")
    lab.wire([(one, "e", two, "e")])
    lab.start(one, "sleep", "600", log=lab.place("p") / "log")
    print("ready", flush=True)
    if sys.argv[1] == "raise":
        raise RuntimeError("wanted")
    time.sleep(600)
"""


def state():
    """Return what a lab could leave: namespaces, addresses, folders, and programs in namespaces."""
    names = {path.name for path in NAMES.iterdir()} if NAMES.is_dir() else set()
    ours = {name for name in names if name.startswith(PREFIX)}
    addresses = run("ip", "-j", "addr", "show")
    kept = [(link["ifname"], [a["local"] for a in link["addr_info"]])
            for link in json.loads(addresses)]  # fmt: skip
    folders = {path.name for path in Path(lab_file.tempfile.gettempdir()).glob(f"{PREFIX}*")}
    programs = {pid for name in ours for pid in run("ip", "netns", "pids", name).split()}
    return ours, kept, folders, programs


@pytest.fixture
def as_before():
    """Other labs of this machine may come and go; those of dead processes are swept first."""
    needs()
    sweep()
    before = state()
    yield before
    after = state()
    assert after[1] == before[1]


def held_by(process, found):
    """Return what is there and has the number of a process in its name."""
    mark = f"{PREFIX}{process.pid}."
    return [{each for each in part if mark in str(each)} for part in (found[0], found[2])]


def holder(word):
    root = Path(sim.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, word], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(
    ("number", "code"),
    [(None, 1), (signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT), (signal.SIGHUP, 143)],
)
def test_nothing_is_left_behind(as_before, number, code):
    process = holder("raise" if number is None else "stay")
    if number is not None:
        spaces, folders = held_by(process, state())
        assert len(spaces) == 2 and len(folders) == 1
        process.send_signal(number)
    assert process.wait(timeout=20) == code
    assert held_by(process, state()) == [set(), set()]


def test_the_next_lab_removes_what_a_killed_one_left(as_before):
    process = holder("stay")
    pids = {int(pid) for name in held_by(process, state())[0]
            for pid in run("ip", "netns", "pids", name).split()}  # fmt: skip
    with Lab():  # of another process, which lives: nothing is touched
        assert len(held_by(process, state())[0]) == 2
    process.kill()
    process.wait()
    assert len(held_by(process, state())[0]) == 2 and all(map(lives, pids)) and pids
    with Lab():
        assert held_by(process, state()) == [set(), set()]
    assert not any(map(lives, pids))


def lives(pid):
    """Return whether a process runs; one that has ended may still be listed by its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_number_that_is_used_again_is_no_living_owner():
    began = lab_file._began(os.getpid())
    assert not lab_file._is_left(f"{PREFIX}{os.getpid()}.{began}-n1")
    assert lab_file._is_left(f"{PREFIX}{os.getpid()}.{began + 1}-n1")
    assert lab_file._is_left(f"{PREFIX}{2**22 + 1}.5-n1")
    assert not lab_file._is_left("simvalley") and not lab_file._is_left("other-1")


def test_calls_inside_a_namespace_leave_the_process_where_it_is():
    needs()
    here = os.readlink("/proc/self/ns/net")
    with Lab() as lab:
        space = lab.space("one")
        there = inside(space, lambda: os.readlink("/proc/thread-self/ns/net"))
        assert there != here == os.readlink("/proc/self/ns/net")
        with pytest.raises(ZeroDivisionError):
            inside(space, lambda: 1 / 0)
        with pytest.raises(SimulatorError, match="No such device|Cannot find device"):
            lab_file.batch(["link set nothing up"], "ip", "-n", space)


# -- on routers -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mini_on_routers(tmp_path):
    """All parts, at 24 cycles: gateways of this network are ends of traffic, too."""
    needs("zebra", "isisd", "bgpd", "exabgp", "tc")
    answer = verify("mini", cycles=24, out=tmp_path / "out")
    assert list(answer.tables) == list(TABLES)
    checks = answer.tables["checks"].set_index("check")
    assert not differs(answer), answer
    assert checks.loc["static next hops", "seen"] == 78
    assert checks.loc["decisions in the kernels", "seen"] == 24 * 24
    assert checks.loc["largest difference of an exit's share", "seen"] < 0.01
    assert answer.tables["deaths"]["same"].tolist() == ["yes"] * 5
    assert answer.tables["carried"]["way"].nunique() == 2  # its provinces carry transit
    assert checks.loc["landings of inbound traffic", "seen"] == 51 * 4 * 24
    assert answer.tables["landings"]["moved"].sum() > 20
    assert (tmp_path / "out" / "verify.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_germany50_on_routers(tmp_path):
    pytest.importorskip("topohub")
    needs("zebra", "isisd")
    keys = {
        "topology": "topohub:sndlib/germany50", "horizon_h": 1, "step_s": 3600,
        "traffic": {"matrix": {"kind": "file", "path": "topohub:sndlib/germany50"}},
        "strategies": {"igp": {"scheme": {"kind": "igp_ecmp"}}},
    }  # fmt: skip
    scenario = sim.load(keys, [("links.*.capacity_gbps", "100")])
    answer = verify(scenario, out=tmp_path / "out")
    assert list(answer.tables) == ["checks", "static"]
    assert not differs(answer) and answer.frame["seen"].tolist() == [50 * 49]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("factor", [1, 3])
def test_china_on_routers_at_the_evening_of_a_cable_cut(tmp_path, factor):
    needs("zebra", "isisd", "bgpd", "exabgp", "tc")
    scenario = sim.load("carried-by-routers").with_changes({
        "start": "2017-12-31T16:00", "horizon_h": 8, "events[0].at_h": 4.5,
        "traffic.shapes[1].factor": factor,
    })  # fmt: skip
    answer = verify(scenario, parts=None if factor == 3 else "static,cycles", out=tmp_path / "out")
    checks = answer.tables["checks"].set_index("check")
    assert not differs(answer), answer
    assert checks.loc["static next hops", "seen"] == 3782
    assert checks.loc["decisions in the kernels", "seen"] == 96 * 248
    if (
        factor == 3
    ):  # a choice that all routers obey binds all provinces; one of them alone is undone
        kept = answer.tables["carried"].groupby("way")["kept_share"].max()
        assert kept["region"] < 0.65 and kept["prefix_groups"] < 0.55
        assert kept["provinces_alone"] < 0.8
    most = int(answer.tables["cycles"]["split"].max())
    assert most > 10 if factor == 3 else most < 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_china_with_neighbours_at_every_exit(tmp_path):
    needs("zebra", "bgpd", "exabgp")
    answer = verify("tpe-cut", parts="inbound", out=tmp_path / "out")
    checks = answer.tables["checks"].set_index("check")
    assert not differs(answer), answer
    assert checks.loc["landings of inbound traffic", "seen"] == 51 * 8 * 124
    assert answer.tables["landings"]["moved"].sum() > 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_china_on_routers_when_two_exits_go_down(tmp_path):
    needs("zebra", "isisd", "bgpd", "exabgp", "tc")
    answer = verify("guangdong-hong-kong-cut", parts="failures", out=tmp_path / "out")
    assert not differs(answer), answer
    failures = answer.tables["failures"]
    rows = failures[failures["failure"] == "cable GD-HK cut"].set_index("what")
    apart = rows.loc["an exit's share apart, before the controller answers"]
    assert apart["seen"] < 0.01 and rows.loc["wrong decisions of the answer", "seen"] == 0
