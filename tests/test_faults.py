"""Faults: what each kind takes, how they add up, and that one file adds a kind."""

# mypy: disable-error-code="call-arg"

import json
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from conftest import MINI, make_random_case, make_tiny
from helpers import case_of, play, static

from simulator.base.errors import InputError
from simulator.model.demands import Demands
from simulator.model.fault_kinds.cable import Cable
from simulator.model.faults import Fault, FaultKind, fault, merged
from simulator.simulation.clock import Clock
from simulator.simulation.faults import Event
from simulator.simulation.network_state import NetworkState

HOUR = 1.0 / 3600.0
ROOT = Path(__file__).parent.parent


def masks(network):
    return network.up.tobytes(), network.capacity_gbps.tobytes(), network.faults


def down(network):
    return {network.links[i] for i in np.flatnonzero(~network.up[::2])}


# -- a fault is a value ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Fault("cable", "TPE"), "cable TPE cut"),
        (Fault("cable", "TPE", 0.4), "cable TPE cut (40%)"),
        (Fault("link", "bj-la"), "link bj-la down"),
        (Fault("node", "beijing"), "node beijing down"),
        (Fault("gateway", "beijing"), "gateway beijing down"),
    ],
)
def test_a_fault_reads_as_words_and_is_an_event(given, words):
    assert str(given) == words
    severity = {"severity": given.part} if given.part < 1 else {}
    event = Event(at_h=1, **{given.kind: given.target}, **severity)
    assert event.fault == given and event.what == words
    assert event.named == {given.kind: given.target}


def test_what_is_no_fault_is_none():
    assert Event(at_h=1, controller="sdn").fault is None
    assert Event(at_h=1, link="a", capacity_gbps="+400").fault is None


def test_parts_of_one_target_add_up_to_at_most_all_of_it():
    parts = [Fault("cable", "A", 0.1), Fault("cable", "A", 0.2), Fault("cable", "A", 0.3)]
    sums = {merged([*some, Fault("link", "A")]) for some in permutations(parts)}
    assert sums == {frozenset({Fault("cable", "A", 0.6), Fault("link", "A")})}
    assert merged([Fault("cable", "A", 0.7)] * 2) == {Fault("cable", "A", 1.0)}


# -- what the kinds take -----------------------------------------------------------------------


def test_every_kind_has_its_rows(mini):
    network = mini[0]
    assert fault.names() == ["cable", "card", "gateway", "link", "node", "place"]
    resources = network.resources
    assert resources.share.shape == (len(resources.row), len(network.links))
    assert network.failed(links=["beijing-la"]).resources is resources, "made once"
    for cable in network.cables:
        shares = [network.attributes(link)["cables"].get(cable, 0.0) for link in network.links]
        assert network.cable_share(cable).tolist() == shares
        assert network.fault_share(Fault("cable", cable)).tolist() == shares
    for i, link in enumerate(network.links):
        assert np.flatnonzero(network.fault_share(Fault("link", link))).tolist() == [i]
    for i, node in enumerate(network.nodes):
        ends = (network.tail[::2] == i) | (network.head[::2] == i)
        assert network.fault_share(Fault("node", node)).tolist() == ends.tolist()
    assert fault.make("gateway").targets(network) == ("beijing", "shanghai", "guangzhou")
    assert fault.make("link").targets(network) == network.links


def test_a_gateway_takes_its_exits_and_nothing_at_home(mini):
    hurt = mini[0].after({Fault("gateway", "beijing")})
    assert down(hurt) == {"beijing-la", "beijing-tokyo", "beijing-frankfurt"}
    assert down(mini[0].after({Fault("node", "beijing")})) > down(hurt)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (Fault("gateway", "beijin"), KeyError, "no gateway named 'beijin'; did you mean 'beijing'"),
        (Fault("cable", "TPF"), KeyError, "no cable named 'TPF'; did you mean 'TPE'"),
        (Fault("cabel", "TPE"), InputError, "no fault kind named 'cabel'; did you mean 'cable'"),
        (Fault("node", "wuhan", 0.5), ValueError, "a node loses all of it, found 0.5 of wuhan"),
        (Fault("cable", "TPE", 1.5), ValueError, "from 0 to 1, found 1.5 of TPE"),
    ],
)
def test_impossible_faults_are_refused(mini, given, error, message):
    mini[0].after({Fault("cable", "TPE")})
    with pytest.raises(error, match=message.replace("?", r"\?")):
        mini[0].after([given, Fault("link", "beijing-la")])


def test_a_kind_without_shares_is_refused():
    with pytest.raises(TypeError, match="fault kind 'nothing' has no shares"):
        fault("nothing")(type("Nothing", (), {"__doc__": "Nothing.", "__annotations__": {}}))
    assert issubclass(Cable, FaultKind) and "nothing" not in fault.names()


# -- after -------------------------------------------------------------------------------------


def test_the_same_faults_give_the_same_network(mini):
    network = mini[0]
    faults = [Fault("cable", "TPE", 0.5), Fault("link", "beijing-la"), Fault("node", "wuhan")]
    once = network.after(frozenset(faults))
    assert once is not network and once.faults == frozenset(faults)
    assert all(network.after(order) is once for order in permutations(faults))
    halves = [Fault("cable", "TPE", 0.25), Fault("cable", "TPE", 0.25), *faults[1:]]
    assert network.after(halves) is once
    parts = {"links": ["beijing-la"], "nodes": ["wuhan"], "cables": {"TPE": 0.5}}
    assert network.failed(**parts) is once
    assert network.after(()) is network and network.failed() is network
    other = network.under(capacity_gbps=network.capacity_gbps / 2).after(faults)
    assert other is not once and masks(other) != masks(once)
    assert network.carrying(network.capacity_gbps).after(faults) is not once


def in_cables(network, faults):
    """Return faults with those of its cables in place of each place, by the entries."""
    for each in faults:
        if each.kind != "place":
            yield each
            continue
        for cable, facts in network.about.cables.items():
            if each.target in (*facts.get("landings", ()), *facts.get("passes", ())):
                yield Fault("cable", cable, each.part)


def reference(network, faults):
    """Return the masks after faults of a whole network, link by link."""
    up, gbps = network.up.copy(), network.capacity_gbps.copy()
    for i, link in enumerate(network.links):
        attributes = network.attributes(link)
        lost = 0.0
        for cable in network.cables:
            parts = [f.part for f in faults if (f.kind, f.target) == ("cable", cable)]
            lost += min(1.0, sum(parts)) * attributes["cables"].get(cable, 0.0)
        left = 0.0 if 1.0 - lost < 1e-12 else 1.0 - lost
        ends = attributes["a"], attributes["b"]
        dead = left == 0.0 or any(
            f.target == link if f.kind == "link" else f.target in ends
            for f in faults
            if f.kind in ("link", "node")
        )
        sites = {f.target for f in faults if f.kind == "gateway"}
        dead = dead or (network.link_class[i] == "exit" and bool(sites & set(ends)))
        up[[2 * i, 2 * i + 1]] = not dead
        gbps[[2 * i, 2 * i + 1]] *= left
    return up, gbps


@pytest.mark.parametrize("seed", range(12))
def test_random_faults_against_one_link_at_a_time(china, mini, seed):
    rng = np.random.default_rng(seed)
    base = (china, mini, make_random_case(seed))[seed % 3][0]
    shared = {f"c{i}": part for i, part in enumerate(rng.dirichlet(np.ones(5)))}
    network = base.with_link(base.links[base.exits[0]], cables=shared)
    rows = list(network.resources.row)
    for _ in range(20):
        chosen = [rows[i] for i in rng.choice(len(rows), size=rng.integers(1, 12))]
        faults = [Fault(kind, target) for kind, target in chosen]
        parts = rng.uniform(0.0, 0.6, size=6)
        names = rng.choice([*shared, *network.cables], size=6)
        faults += [Fault("cable", str(c), float(p)) for c, p in zip(names, parts, strict=True)]
        hurt = network.after(faults)
        up, gbps = reference(network, sorted(merged(in_cables(network, faults)), key=str))
        assert hurt.up.tobytes() == up.tobytes()
        assert hurt.capacity_gbps.tobytes() == gbps.tobytes()
        step_by_step = network
        for each in faults:
            step_by_step = step_by_step.after([each])
        np.testing.assert_array_equal(step_by_step.up, up)
        np.testing.assert_allclose(step_by_step.capacity_gbps, gbps, rtol=1e-9, atol=1e-9)


# -- beginning and ending ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_repairs_bring_the_same_networks_back(mini, seed):
    """In whatever order: equal states are one object, and whole is the network of the start."""
    rng = np.random.default_rng(seed)
    network, states = mini[0], {}
    network_state = NetworkState(Clock(), network)
    kinds = [Fault(kind, target) for kind, target in network.resources.row]
    cuts = [Fault("cable", cable, 0.3) for cable in network.cables]
    pool = [*(kinds[i] for i in rng.choice(len(kinds), 4)), cuts[0], cuts[0], cuts[1]]
    active, wide = [], False
    for _ in range(60):
        if rng.random() < 0.2:
            turn = network_state.end_change if wide else network_state.begin_change
            turn(0, *([] if wide else ["x2"]), pool)
            wide = not wide
        elif active and rng.random() < 0.5:
            network_state.end(active.pop(rng.integers(len(active))))
        else:
            active.append(pool[rng.integers(len(pool))])
            network_state.begin(active[-1])
        now = network_state.network
        failed = merged(in_cables(network, active))
        assert states.setdefault((failed, wide), now) is now
        assert now.faults == failed
    for each in active:
        network_state.end(each)
    if wide:
        network_state.end_change(0, pool)
    assert network_state.network is network and masks(network) == masks(mini[0])


def test_one_state_of_the_network_is_one_question_of_headroom(monkeypatch):
    """A year of the same outage costs what one outage costs."""
    from simulator.recording import question

    seen = []
    init = question.Question.__init__

    def count(self, strategy, network, *rest, **more):
        seen.append(network)
        init(self, strategy, network, *rest, **more)

    monkeypatch.setattr(question.Question, "__init__", count)
    network = make_tiny(
        ("near", "gw", "pop", 10), ("far", "gw", "pop", 10), gw="gateway", pop="pop"
    )
    demands = Demands.of(network, ["gw"], ["pop"], [4.0])
    faults = [
        {"at_h": h * HOUR, "until_h": (h + 60) * HOUR, "link": "near"} for h in (200, 500, 800)
    ]
    alone = play(case_of(network, demands, static(), hours=0.3, events=faults[:1]))
    states = len({id(each) for each in seen})
    again = play(case_of(network, demands, static(), hours=0.3, events=faults))
    assert states == len({id(each) for each in seen}) == 2
    assert again.figure("headroom") == alone.figure("headroom")


# -- one file is enough ------------------------------------------------------------------------

CITY = '''"""A city."""

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("city")
class City(FaultKind):
    """A city that loses all links with an end in it."""

    verb = "dark"

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the links with an end in every city."""
        city = [attributes.get("city") for _, attributes in network.graph.nodes(data=True)]
        links = {name: {} for name in city if name}
        for arc, node in enumerate(network.tail):
            if city[node]:
                links[city[node]][arc // 2] = 1.0
        return links
'''

DROPPED_IN = """
import json, sys
import simulator.model.fault_kinds as room
room.__path__.append(sys.argv[1])
import simulator as sim
from simulator.base.schema import json_schema
from simulator.model.faults import Fault, fault
from simulator.scenario.settings import Settings

def down(network):
    return sorted(network.links[i] for i in (~network.up[::2]).nonzero()[0])

network = sim.load_network("china169-mini")
found = {"city": down(network.after({Fault("city", "Shanghai")}))}
found["node"] = down(network.failed(nodes=["shanghai"]))
found["listed"] = dict(fault.describe())["city"]
found["schema"] = json.dumps(json_schema(Settings, "scenario"))
event = {"at_h": 0.5, "city": "Shanghai", "until_h": 1}
short = sim.load(sys.argv[2], [("horizon_h", "1.5"), ("replications", "1")])
scenario = short.with_changes({"events": [event]})
results = sim.run(scenario, out=sys.argv[1] + "/out")
found["events"] = results.events["event"].tolist()
dark = results.links.query("strategy == 'static' and capacity_gbps == 0")
found["dark"] = {str(t): sorted(set(some["link"])) for t, some in dark.groupby("time_s")}
try:
    scenario.with_changes({"events": [{**event, "city": "Shangai"}]})
except sim.InputError as error:
    found["problem"] = str(error)
try:
    scenario.with_changes({"events": [{**event, "severity": 0.5}]})
except sim.InputError as error:
    found["partial"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def dropped_in(tmp_path_factory):
    """What a process finds that has one more file among the kinds of faults."""
    folder = tmp_path_factory.mktemp("room")
    (folder / "city.py").write_text(CITY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DROPPED_IN, str(folder), MINI],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_dropped_in_kind_fails_links(dropped_in):
    assert dropped_in["city"] == dropped_in["node"] and len(dropped_in["city"]) == 6


def test_a_dropped_in_kind_is_listed_and_described(dropped_in):
    assert dropped_in["listed"] == "A city that loses all links with an end in it."
    assert '"city"' in dropped_in["schema"] and dropped_in["listed"] in dropped_in["schema"]


def test_a_dropped_in_kind_happens(dropped_in):
    assert dropped_in["events"] == ["city Shanghai dark", "city Shanghai dark: over"]
    assert dropped_in["dark"] == {str(time): dropped_in["city"] for time in (1800.0, 2700.0)}


def test_a_dropped_in_kind_is_checked(dropped_in):
    assert "no city named 'Shangai'; did you mean 'Shanghai'?" in dropped_in["problem"]
    assert (
        "events[0].severity: only a cable, a card or a place is lost in part"
        in dropped_in["partial"]
    )
