"""The live page without a browser: who may ask, what is refused, and that figures are right."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from conftest import MINI
from explore_cases import ask, request, served
from report_cases import HOSTILE, STATIC, hostile_file

import simulator as sim
from simulator.explore.asked import asked_of, without_noise
from simulator.explore.pace import pace
from simulator.explore.page import instants, ready_schemes
from simulator.explore.server import LONGEST_BODY, Server
from simulator.explore.warm import Explorer
from simulator.scenario.marks import KINDS


@pytest.fixture(scope="module")
def scenario():
    return sim.load(MINI)


@pytest.fixture(scope="module")
def server(scenario):
    with served(scenario, MINI) as made:
        yield made


def place(server, what="answer"):
    return f"/{server.token}/{what}"


# -- who may ask --------------------------------------------------------------------------------

GOOD = b'{"strategy": "static"}'


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"path": "/{wrong}/answer"}, 403),
        ({"path": "/answer"}, 403),
        ({"path": "//answer"}, 403),
        ({"path": "/{token}/other"}, 404),
        ({"path": "/{token}/"}, 404),
        ({"Host": "evil.example"}, 403),
        ({"Host": None}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": str(LONGEST_BODY + 1)}, 413),
        ({"Content_Length": "9" * 30}, 413),
        ({"body": b"{"}, 400),
        ({"body": b"[" * 60_000}, 400),
        ({"body": b'{"strategy": "static", "international": NaN}'}, 400),
        ({"body": b"\xff\xfe"}, 400),
        ({"body": b"[]"}, 400),
        ({"method": "GET", "path": "/{wrong}/"}, 403),
        ({"method": "GET", "path": "/{token}/favicon.ico"}, 404),
        ({"method": "GET", "path": "/{token}/", "Host": "evil.example"}, 403),
        ({"method": "PUT"}, 501),
        ({"method": "OPTIONS"}, 501),
        ({}, 200),
        ({"method": "GET", "path": "/{token}/"}, 200),
    ],
    ids=str,
)
def test_only_the_page_itself_is_answered(server, changed, status):
    method = changed.pop("method", "POST")
    path = changed.pop("path", "/{token}/answer")
    path = path.format(token=server.token, wrong=server.token[:-1] + "~")
    body = None if method == "GET" else changed.pop("body", GOOD)
    found, headers, content = request(server, method, path, body, **changed)
    assert found == status
    assert not any(key.lower().startswith("access-control") for key in headers)
    if status != 501:
        assert headers["Cache-Control"] == "no-store" and headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    if status >= 400 and status != 501:
        assert json.loads(content)["letter"]


def test_the_server_is_on_the_loopback_interface_and_the_token_is_long(server):
    assert server.server_address[0] == "127.0.0.1"
    assert re.fullmatch(r"[\w-]{32}", server.token)
    with Server(server.site) as other:
        assert other.token != server.token


@pytest.mark.parametrize(
    ("question", "letter"),
    [
        ({"strategie": "static"}, "strategie: unknown key; did you mean 'strategy'?"),
        ({"strategy": "sttic"}, "no strategy named 'sttic'; did you mean 'static'?"),
        ({"strategy": "static", "exits": {"shanghai-l": 3}}, "did you mean 'shanghai-la'?"),
        ({"strategy": "static", "exits": {"shanghai-la": -3}}, "exits.shanghai-la"),
        ({"strategy": "static", "exits": {"shanghai-la": "3"}}, "exits.shanghai-la"),
        ({"strategy": "static", "exits": {"shanghai-la": 1e99}}, "exits.shanghai-la"),
        ({"strategy": "static", "international": 0}, "international"),
        ({"strategy": "static", "international": 1e30}, "demands.international"),
        ({"strategy": "static", "target": True}, "target"),
        ({"strategy": "static", "at_h": 24}, "at_h: expected hours from 0 to below 24, found 24"),
        ({"strategy": "static", "failed": {"cable": ["TPF"]}}, "did you mean 'TPE'?"),
        ({"strategy": "static", "failed": {"moon": ["TPE"]}}, "failed"),
        ({"strategy": "static", "schemes": {"static": "min_mx"}}, "did you mean 'min_max'?"),
        ({"strategy": "static", "schemes": {"sttic": "min_max"}}, "did you mean 'static'?"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_with_a_letter(server, question, letter):
    status, answer = ask(server, "answer", **question)
    assert status == 400
    assert letter in answer["letter"]


# -- figures ------------------------------------------------------------------------------------


def calm(scenario, **more):
    return scenario.with_changes({**without_noise(scenario), **more})


@pytest.mark.parametrize("name", ["tests", "mini"])
def test_figures_are_those_of_the_study_of_failures(name):
    scenario = sim.load(MINI if name == "tests" else "mini")
    explorer = Explorer(scenario)
    changed = calm(
        scenario, **{"exits.shanghai-la.capacity_gbps": 60.0, "demands.international": "x1.25"}
    )
    found = sim.failures(changed, of="cables", at=21.0)
    cases = found.tables["cases"].set_index(["strategy", "case"])
    exits = found.tables["exits"]
    for strategy in [n for n, each in changed.settings.strategies.items() if n != "sdn"]:
        for cable in ("TPE", "APCN-2"):
            asked = asked_of(
                {"strategy": strategy, "at_h": 21.0, "exits": {"shanghai-la": 60.0},
                 "international": 1.25, "failed": {"cable": [cable]}},
                scenario,
            )  # fmt: skip
            answer, case = explorer.answer(asked), cases.loc[strategy, f"cable {cable}"]
            with np.errstate(invalid="ignore"):
                used = answer.load_gbps / answer.capacity_gbps
            assert np.nanmax(used) == pytest.approx(case["worst_utilisation"], abs=1e-9)
            assert answer.lost_gbps == pytest.approx(case["lost_gbps_after"], abs=1e-9)
            assert answer.cut_off_gbps == pytest.approx(case["cut_off_gbps"], abs=1e-9)
            own = exits[(exits["strategy"] == strategy) & (exits["case"] == f"cable {cable}")]
            assert len(own)
            for row in own.itertuples():
                link = changed.network.link_index[row.link if hasattr(row, "link") else row.exit]
                way = list(changed.network.directions[2 * link : 2 * link + 2]).index(row.direction)
                wanted = row.utilisation
                assert used[2 * link + way] == pytest.approx(wanted, abs=1e-9, nan_ok=True)


def test_loads_are_those_of_the_scheme_itself(scenario):
    """Without failures, static routes carry what `sim.route` says."""
    answer = Explorer(scenario).answer(asked_of({"strategy": "static", "at_h": 21}, scenario))
    case = calm(scenario).case
    rates = case.series.expected(np.array([21.0 + case.step_s / 7200]))[:, 0]
    demands = case.demands.with_gbps(rates)
    loads = sim.link_loads(sim.route("nearest_exit", case.network, demands), demands)
    wanted = {(row.link, row.source): row.offered_gbps for row in loads.itertuples()}
    network = case.network
    for arc, load in enumerate(answer.load_gbps):
        key = network.links[arc // 2], network.nodes[int(network.tail[arc])]
        assert load == pytest.approx(wanted[key], rel=2e-3, abs=1e-9)


def test_a_state_is_worked_out_once_however_it_is_asked(scenario):
    explorer = Explorer(scenario)
    one = {"strategy": "static", "failed": {"cable": ["TPE", "APG"]}}
    other = {"strategy": "static", "failed": {"cable": ["APG", "TPE", "APG"]}, "international": 1.0,
             "exits": {"shanghai-la": 44.0}}  # fmt: skip
    first = explorer.answer(asked_of(one, scenario))
    assert explorer.answer(asked_of(other, scenario)) is first


def test_events_of_the_scenario_are_there_at_their_time():
    scenario = sim.load(MINI, [("events", "[{at_h: 6, until_h: 9, cable: TPE}]")])
    explorer = Explorer(scenario)
    link = scenario.network.link_index["shanghai-la"]
    capacity = [
        explorer.answer(asked_of({"strategy": "static", "at_h": h}, scenario)).capacity_gbps
        for h in (5.0, 7.0, 10.0)
    ]
    assert capacity[1][2 * link] < capacity[0][2 * link] == capacity[2][2 * link]


def test_what_is_cut_off_is_named(server):
    gateways = [f"{city}" for city in ("beijing", "shanghai", "guangzhou")]
    status, answer = ask(server, "answer", strategy="static", failed={"gateway": gateways})
    assert status == 200
    cut = dict(answer["cut_off"])
    assert cut["Los Angeles"] == pytest.approx(1.0) and 0 < cut["Beijing"] < 1
    assert answer["cut_off_gbps"] == pytest.approx(answer["lost_gbps"])
    assert answer["abroad_latency_ms"] is None


def test_paces_follow_from_the_settings():
    strategies = sim.load("mini").settings.strategies
    assert {name: pace(each) for name, each in strategies.items()} == {
        "best_static": "after", "igp": "at once", "sdn": "on request", "sdn-ideal": "at once",
    }  # fmt: skip


def test_instants_lie_on_steps_of_the_first_day():
    for changes in ({}, {"horizon_h": 72}, {"horizon_h": 1}, {"step_s": 7200}):
        scenario = sim.load(MINI).with_changes(changes)
        hours = instants(scenario)
        assert len(hours) <= 24 and hours[0] == 0 and hours[-1] < min(scenario.horizon_s / 3600, 24)
        steps = hours * 3600 / scenario.settings.step_s
        assert np.allclose(steps, np.rint(steps))


@pytest.mark.parametrize("kind", ready_schemes())
def test_each_scheme_of_the_list_can_be_chosen(kind, scenario):
    changed = scenario.with_changes({"strategies.static.scheme": {"kind": kind}})
    assert changed.settings.strategies["static"].scheme.kind == kind


# -- the page -----------------------------------------------------------------------------------


def page_data(server):
    _, _, content = request(server, "GET", place(server, ""))
    found = re.search(r'type="application/json" id="data">(.*?)</script>', content.decode())
    return json.loads(found[1]), content.decode()


def test_each_figure_says_what_it_rests_on(server):
    data, _ = page_data(server)
    for figure in data["explore"]["grounds"].values():
        kinds = [kind for _, kind in figure["fields"]]
        assert kinds and figure["kind"] == min(kinds, key=KINDS.index)


def test_names_do_not_break_the_page(tmp_path):
    file = hostile_file(tmp_path)
    scenario = sim.load(file).with_changes({"title": HOSTILE["title"]})
    with served(scenario, str(file)) as server:
        data, text = page_data(server)
        assert data["explore"]["names"][0] == STATIC
        assert "<script>alert" not in text and "<img src=x" not in text
