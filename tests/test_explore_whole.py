"""The live page as a whole: copies lead to the same state, and the verb starts and ends."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import MINI
from explore_cases import ask, served
from report_cases import EXITS, ROOT, STATIC, hostile_file, shell

import simulator as sim
from simulator.cli.scenario import parse_changes
from simulator.results.results import Results

STATE = {
    "exits": {"shanghai-la": 60.0},
    "international": 1.25,
    "target": 0.7,
    "failed": {"cable": ["TPE"], "link": ["shanghai-hk"]},
}


@pytest.fixture(scope="module")
def scenario():
    return sim.load(MINI)


@pytest.fixture(scope="module")
def server(scenario):
    with served(scenario, MINI) as made:
        yield made


# -- what is copied -----------------------------------------------------------------------------


COARSE = ("--set", "step_s=3600")


@pytest.fixture(scope="module")
def coarse():
    scenario = sim.load(MINI, [("step_s", "3600")])
    with served(scenario, MINI, *COARSE) as made:
        yield made


def exits_at(folder, strategy, hour):
    table = Results(folder).exits
    own = table[(table["strategy"] == strategy) & (table["time_s"] == hour * 3600.0)]
    return {(r.exit, r.direction): r.utilisation for r in own.itertuples()}


def answered(server, scenario, state, hour, strategy="static"):
    status, found = ask(server, "answer", strategy=strategy, at_h=hour, **state)
    assert status == 200, found
    network = scenario.network
    used = {}
    for link in network.exits:
        for arc in (2 * link, 2 * link + 1):
            capacity = found["capacity_gbps"][arc]
            used[network.links[link], network.directions[arc]] = (
                found["load_gbps"][arc] / capacity if capacity else np.nan
            )
    return used


def compare(run, page):
    assert run.keys() == page.keys()
    for key, value in page.items():
        assert run[key] == pytest.approx(value, abs=1e-9, nan_ok=True), key


@pytest.mark.parametrize("way", ["command", pytest.param("yaml", marks=pytest.mark.slow)])
def test_what_is_copied_leads_to_the_same_state(coarse, scenario, tmp_path, way):
    state = {**STATE, "schemes": {"sdn": "min_max"}}
    _, words = ask(coarse, "words", strategy="static", **state)
    begin, *rest = shlex.split(words["command"])
    assert begin == "simulator" and rest[:2] == ["whatif", MINI]
    if way == "yaml":
        text = Path(MINI).read_text(encoding="utf-8")
        file = tmp_path / "s.yaml"
        file.write_text(text[: text.index("what_if:")] + words["yaml"], encoding="utf-8")
        assert yaml.safe_load(words["yaml"])["what_if"][0]["name"] == "explored"
        rest = ["whatif", file, *rest[2 : rest.index("--change")]]
    shell(*rest, "--out", tmp_path / "out", "--quiet")
    (changed,) = [each.parent for each in (tmp_path / "out").glob("*/run.json")
                  if each.parent.name != "baseline"]  # fmt: skip
    compare(exits_at(changed, "static", 21), answered(coarse, scenario, state, 21))
    run = Results(changed).run["scenario"]
    assert run["targets"]["exit_utilisation"] == 0.7
    assert run["strategies"]["sdn"]["scheme"]["kind"] == "min_max"
    compare(exits_at(tmp_path / "out" / "baseline", "static", 21),
            answered(coarse, scenario, {}, 21))  # fmt: skip


def test_yaml_and_command_say_the_same(coarse, tmp_path):
    _, words = ask(coarse, "words", strategy="static", **STATE, schemes={"sdn": "min_max"})
    text = Path(MINI).read_text(encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text(text[: text.index("what_if:")] + words["yaml"], encoding="utf-8")
    (listed,) = sim.load(file).settings.what_if
    parts = shlex.split(words["command"])
    (changes,) = parse_changes((parts[parts.index("--change") + 1],)).values()
    assert listed.name == "explored" and dict(listed.set) == changes and len(changes) == 5


def test_without_changes_the_command_runs_the_scenario(coarse, scenario, tmp_path):
    _, words = ask(coarse, "words", strategy="static")
    assert words["yaml"] == ""
    _, *rest = shlex.split(words["command"])
    assert rest[0] == "run"
    shell(*rest, "--out", tmp_path / "out", "--quiet")
    compare(exits_at(tmp_path / "out", "static", 12), answered(coarse, scenario, {}, 12))


def test_awkward_ids_survive_the_shell(tmp_path):
    file = hostile_file(tmp_path)
    scenario = sim.load(file, [("step_s", "3600")])
    state = {
        "exits": dict.fromkeys(EXITS.values(), 77.0),
        "failed": {"link": [EXITS["shanghai-hk"]]},
        "schemes": {STATIC: "igp_ecmp"},
    }
    with served(scenario, str(file), *COARSE) as server:
        status, words = ask(server, "words", strategy=STATIC, **state)
        assert status == 200, words
        _, *rest = shlex.split(words["command"])
        shell(*rest, "--out", tmp_path / "out", "--quiet")
        (changed,) = [each.parent for each in (tmp_path / "out").glob("*/run.json")
                      if each.parent.name != "baseline"]  # fmt: skip
        page = answered(server, scenario, state, 12, STATIC)
    compare(exits_at(changed, STATIC, 12), page)


# -- the verb -----------------------------------------------------------------------------------


def start(*words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "simulator", "explore", *words, "--no-browser"]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


def until(condition, most_s=10.0):
    """Wait until a condition holds: what has lost its parent ends a moment later."""
    end = time.monotonic() + most_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("name", [MINI, "mini"], ids=["quick", "with-slow-strategies"])
def test_an_interrupt_ends_it_and_leaves_nothing(name):
    process = start(name)
    address = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and out == ""
    assert err == "The page is for this machine alone; Ctrl-C ends it.\n"
    assert until(lambda: not any(is_there(pid) for pid in children))
    port = int(address.split(":")[2].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_serving_leaves_no_thread(scenario):
    before = set(threading.enumerate())
    with served(scenario, MINI) as server:
        assert ask(server, "answer", strategy="static")[0] == 200
    assert set(threading.enumerate()) == before


def test_a_port_that_is_taken_is_said_so(server):
    process = start(MINI, "--port", str(server.server_port))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1 and out == ""
    assert f"port {server.server_port} of 127.0.0.1 is not free" in err
    assert "Traceback" not in err
