"""Read back: what is exported is accepted by real daemons, and stands in the kernel."""

from __future__ import annotations

import csv
import json
import subprocess
import time

import pytest
from conftest import built_in, make_tiny, without_headroom
from routers import PREFIX, Bench, namespaces, needs, routes, run, vtysh, wait_for, weights

import simulator as sim
from simulator.export.addresses import CONTROLLER, AddressPlan
from simulator.export.forms.form import Exporting, form
from simulator.export.frr_router import sections
from simulator.export.steps import Change, Step
from simulator.model.demands import Demands
from simulator.routing.igp_ecmp import IgpEcmp

HOSTILE = "a';}\n!exit<script> {"
NODES = {"p1": "provincial", "g1": "gateway", "g2": "gateway", "o1": "pop", "o2": "pop",
         HOSTILE: "region"}  # fmt: skip
LINKS = (
    ("p1-g1", "p1", "g1", 100.0, 10.0),
    ("p1-g2", "p1", "g2", 100.0, 30.0),
    ("g1-g2", "g1", "g2", 100.0, 90.0),
    ("x1", "g1", "o1", 100.0, 5.0),
    ("x2", "g2", "o2", 100.0, 5.0),
    ("x3 {;}", "g1", "o2", 100.0, 8.0),
    ("o1-o2", "o1", "o2", 100.0, 900.0),
    ("o1-r", "o1", HOSTILE, 100.0, 10.0),
    ("o2-r", "o2", HOSTILE, 100.0, 10.0),
)
"""By plain metrics o1 and o2 meet over g1, at 13; the border rule has them meet abroad, at 900."""
X1, X2, X3 = "x1", "x2", "x3 {;}"
WAYS = [{X1: 75, X2: 25}, {X1: 60, X2: 15, X3: 25}, {X3: 100}, {}]
"""Two exits, three, one, and none again."""
EVERY_S = 1.5
EXABGP = {
    "exabgp.daemon.user": "root", "exabgp.api.cli": "false", "exabgp.api.ack": "false",
    "exabgp.api.terminate": "true", "exabgp.log.destination": "stdout",
}  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    network = make_tiny(*LINKS, **NODES)
    return AddressPlan.of(network, Demands.of(network, ["p1"], [HOSTILE], [1.0]))


@pytest.fixture
def bench():
    with Bench() as made:
        yield made


def exported(plan, ways, name, target=HOSTILE, **settings):
    """Return the files of a form: decisions that follow one another, or one."""
    steps, before = [], {}
    for i, after in enumerate(ways):
        steps.append(Step(EVERY_S * i, f"00:00:{i}", i + 1, [Change("p1", target, before, after)]))
        before = after
    head = ["Decisions of a test; it's 100 % made up"]
    exporting = Exporting(plan, steps, len(ways) > 1, head)
    made = form.make(name, **settings)
    assert not list(made.refusals(exporting))
    return made.files(exporting)


def written(bench, files):
    """Write files as an export does."""
    for name, text in files.items():
        file = bench.folder / "export" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return bench.folder / "export"


def prefix_of(plan):
    return str(plan.prefixes[HOSTILE][0].prefix)


def hops(plan, ways):
    """Return weights by next hop; the kernel shows a single hop without one."""
    if len(ways) == 1:
        return {str(plan.next_hops[name]): 1 for name in ways}
    return {str(plan.next_hops[name]): percent for name, percent in ways.items()}


def router(bench, plan):
    """Make a namespace for the province, with the tunnel overlay and its users."""
    space = bench.space("p1")
    bench.ip(
        space,
        f"link add vx type vxlan id 169 local {plan.loopbacks['p1']} dstport 4789 nolearning",
        "link set vx up",
        "link add users type veth peer name far",
        "link set users up",
        "link set far up",
    )
    return space


def with_controller(bench, plan):
    """Make a province with our configuration of FRR, and a controller beside it."""
    space, controller = router(bench, plan), bench.space("c")
    bench.wire(space, controller, "c0")
    bench.ip(space, f"route add {CONTROLLER}/32 dev c0 scope link")
    bench.ip(
        controller,
        f"addr add {CONTROLLER}/32 dev lo",
        f"route add {plan.loopbacks['p1']}/32 dev c0 scope link",
    )
    parts = sections(plan, "p1")
    place = bench.frr(space, {each: parts[each] for each in ("zebra", "bgpd")})
    return space, controller, place


def refusals_in(place):
    """Return what FRR's daemons did not understand."""
    text = "".join(file.read_text() for file in sorted(place.glob("*.out")))
    words = ("ERROR", "Unknown command", "libyang", "Config Failed", "on config line")
    return [line for line in text.splitlines() if any(word in line for word in words)]


def stands(ways, expected, found):
    """Wait until the kernel has the next hops and weights of a decision."""
    wait_for(lambda: found() == expected, f"{ways} in the kernel")


def follow(space, plan):
    """Wait for every decision in turn, next hops and weights."""
    for ways in WAYS:
        stands(ways, hops(plan, ways), lambda: weights(space, prefix_of(plan)))


# -- controllers ----------------------------------------------------------------------------------


def test_exabgp(bench, plan):
    needs("exabgp", "zebra", "bgpd", "vtysh")
    space, controller, place = with_controller(bench, plan)
    folder = written(bench, exported(plan, WAYS, "exabgp"))
    log = bench.start(controller, "exabgp", str(folder / "exabgp.conf"), **EXABGP)
    follow(space, plan)
    assert not refusals_in(place)
    text = log.read_text()
    assert "Command from process not understood" not in text and "not understood" not in text


def test_gobgp(bench, plan):
    needs("gobgpd", "gobgp", "zebra", "bgpd", "vtysh")
    space, controller, place = with_controller(bench, plan)
    folder = written(bench, exported(plan, WAYS, "gobgp"))
    bench.start(controller, str(folder / "start.sh"))
    neighbour = ("ip", "netns", "exec", controller, "gobgp", "-p", "50051", "neighbor")
    wait_for(lambda: "Establ" in _try(*neighbour), "the session")
    log = bench.start(controller, str(folder / "p1" / "decisions.sh"))
    follow(space, plan)
    assert not refusals_in(place) and log.read_text() == ""


@pytest.mark.slow
def test_all_provinces_of_china_at_once(bench, tmp_path):
    """A whole export, of a run: 248 decisions in 31 kernels."""
    needs("exabgp", "zebra", "bgpd", "vtysh")
    scenario = sim.load("carried-by-routers").with_strategies(["igp", "as-decided"])
    with without_headroom():
        results = sim.run(scenario.with_changes({"record.decisions": True}))
    sim.export(results, "exabgp", cycle=1, out=tmp_path / "exabgp")
    sim.export(results, "csv", cycle=1, out=tmp_path / "csv")
    plan = AddressPlan.of(scenario.network, scenario.demands)
    controller, spaces = bench.space("c"), {}
    bench.ip(controller, f"addr add {CONTROLLER}/32 dev lo")
    for i, node in enumerate(plan.provinces):
        loopback, space = plan.loopbacks[node], bench.space(f"r{i}")
        spaces[node] = space
        bench.wire(space, controller, "c0", f"c{i}")
        bench.ip(controller, f"route add {loopback}/32 dev c{i} scope link")
        bench.ip(
            space,
            f"route add {CONTROLLER}/32 dev c0 scope link",
            f"link add vx type vxlan id 169 local {loopback} dstport 4789 nolearning",
            "link set vx up",
        )
        parts = sections(plan, node)
        bench.frr(space, {each: parts[each] for each in ("zebra", "bgpd")})
    bench.start(controller, "exabgp", str(tmp_path / "exabgp" / "exabgp.conf"),
                **EXABGP, FEED_AFTER="10")  # fmt: skip
    expected = {}
    with (tmp_path / "csv" / "decisions.csv").open() as file:
        for row in csv.DictReader(file):
            key = row["province"], row["prefix"]
            expected.setdefault(key, {})[row["next_hop"]] = int(row["percent"])
    expected = {key: hops if len(hops) > 1 else dict.fromkeys(hops, 1)
                for key, hops in expected.items()}  # fmt: skip
    assert len(expected) == 248 and sum(len(hops) > 1 for hops in expected.values()) > 5

    def wrong():
        return [key for key, hops in expected.items() if weights(spaces[key[0]], key[1]) != hops]

    wait_for(lambda: not wrong(), "248 decisions", 60)


def _try(*command):
    try:
        return run(*command)
    except AssertionError:
        return ""


# -- routers themselves ---------------------------------------------------------------------------


def test_bird(bench, plan):
    needs("bird", "birdc")
    space = router(bench, plan)
    bench.ip(space, f"addr add {plan.overlay['p1']}/16 dev vx")
    folder = written(bench, exported(plan, WAYS, "bird")) / "p1"
    schedule = (folder.parent / "schedule.csv").read_text().splitlines()[1:]
    files = [line.split("p1/")[1] for line in schedule]
    assert len(files) == len(WAYS) and files[0] == "decisions.conf"
    socket = str(bench.folder / "bird.ctl")
    bench.start(space, "bird", "-f", "-c", str(folder / "bird.conf"), "-s", socket)
    for ways, file in zip(WAYS, files, strict=True):
        if file != "decisions.conf":
            (folder / "decisions.conf").write_text((folder / file).read_text())
            assert "Reconfigured" in run("birdc", "-s", socket, "configure")
        stands(ways, hops(plan, ways), lambda: weights(space, prefix_of(plan)))


def test_frr_policy_routing(bench, plan):
    needs("zebra", "pbrd", "vtysh")
    space = router(bench, plan)
    zebra = sections(plan, "p1")["zebra"]
    place = bench.frr(space, {"zebra": zebra, "pbrd": "hostname p1\n"})
    text = exported(plan, WAYS, "frr")["p1/decisions.conf"]
    end = text[text.rindex("interface users") :]
    parts = text.replace(end, "").split("! at ")[1:]
    assert len(parts) == len(WAYS)
    file = place / "part.conf"
    for ways, part in zip(WAYS, parts, strict=True):
        file.write_text(f"! at {part}{end}")
        vtysh(place, "-f", str(file))
        stands(ways, hops(plan, ways), lambda: ruled(space, prefix_of(plan)))
    groups = vtysh(place, "-c", "show running-config").count("\nnexthop-group ")
    assert groups == 0


def ruled(space, prefix):
    """Return the weights that the rule for a destination leads to."""
    for rule in json.loads(run("ip", "-n", space, "-j", "rule", "show")):
        if f"{rule.get('dst')}/{rule.get('dstlen')}" == prefix:
            assert rule["iif"] == "users"
            return weights(space, "default", str(rule["table"]))
    return {}


# -- static routing -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["border", pytest.param("china169-2017", marks=pytest.mark.slow)])
def test_frr_static_routing_obeys_the_border(bench, plan, name):
    """Every router's way to every other is that of the project, and none crosses twice."""
    needs("zebra", "isisd", "vtysh")
    plan = plan if name == "border" else AddressPlan.of(*built_in(name))
    network = plan.network
    spaces = {node: bench.space(f"n{i}") for i, node in enumerate(network.nodes)}
    for i, link in enumerate(network.links):
        a, b = (network.nodes[end[2 * i]] for end in (network.tail, network.head))
        bench.wire(spaces[a], spaces[b], plan.interface(link))
    places = []
    for node, space in spaces.items():
        parts = sections(plan, node)
        places.append(bench.frr(space, {each: parts[each] for each in ("zebra", "isisd")}))
    expected = static_hops(plan)
    assert len(expected) == len(network.nodes) * (len(network.nodes) - 1)

    def wrong():
        held = {node: routes(space) for node, space in spaces.items()}
        return {
            (node, to): hops
            for (node, to), hops in expected.items()
            if set(held[node].get(str(plan.loopbacks[to]), ())) != hops
        }

    wait_for(lambda: not wrong(), "next hops as in the project", 60)
    time.sleep(1.0)
    assert not wrong()
    assert not [line for place in places for line in refusals_in(place)]


def test_a_whole_configuration_is_taken_by_vtysh(bench, plan):
    """As `vtysh -b` reads /etc/frr/frr.conf, in the order of the file."""
    needs("zebra", "isisd", "bgpd", "vtysh")
    space = router(bench, plan)
    mine = [plan.interface(link) for link in ("p1-g1", "p1-g2")]
    for name in mine:
        bench.ip(space, f"link add {name} type veth peer name {name}x", f"link set {name} up")
    place = bench.frr(space, dict.fromkeys(("zebra", "isisd", "bgpd"), "log stdout\n"))
    files = exported(plan, WAYS[:1], "frr")
    file = place / "whole.conf"
    file.write_text(files["p1/frr.conf"])
    vtysh(place, "-f", str(file))
    running = vtysh(place, "-c", "show running-config").splitlines()
    # What FRR leaves out as its default, or vtysh keeps for itself.
    apart = {"frr defaults traditional", "hostname p1", "exit", " metric-style wide",
             " exit-address-family", " isis hello-interval 3", " isis metric 10",
             " spf-interval 1", " lsp-gen-interval 1"}  # fmt: skip
    asked = [line for line in files["p1/frr.conf"].splitlines() if not line.startswith("!")]
    missing = [line for line in asked if line not in running and line not in apart]
    assert missing == []
    assert any(line.startswith(" lsp-timers gen-interval 1 ") for line in running)


def static_hops(plan):
    """Return the neighbours' addresses at the start of the project's shortest paths, by pair."""
    network = plan.network
    pairs = [(a, b) for a in network.nodes for b in network.nodes if a != b]
    demands = Demands.of(network, *zip(*pairs, strict=True), [1.0] * len(pairs))
    found = {}
    for demand, _, arcs in IgpEcmp().route(network, demands).paths():
        arc = arcs[0]
        there = plan.link_addresses(network.links[arc // 2])[1 - arc % 2]
        found.setdefault(pairs[demand], set()).add(str(there))
    return found


def test_nothing_is_left_behind(bench):
    needs()
    before = set(namespaces())
    with pytest.raises(ZeroDivisionError), Bench() as inner:
        space = inner.space("left")
        inner.start(space, "sleep", "60")
        assert space in namespaces()
        1 / 0  # noqa: B018
    assert set(namespaces()) <= before and not inner.folder.exists()


def test_what_a_killed_process_left_is_swept():
    needs()
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = f"{PREFIX}{dead.pid}-left"
    run("ip", "netns", "add", left)
    with Bench():
        assert left not in namespaces()
