"""Why an upgrade changes nothing, on networks where the reason is so by construction."""

from __future__ import annotations

import pytest

import simulator as sim

pytestmark = pytest.mark.usefixtures("no_headroom")

NETWORK = """\
name: two-exits
hop_delay_ms: 0
nodes:
  - {id: home, kind: core}
  - {id: g1, kind: gateway}
  - {id: g2, kind: gateway}
  - {id: p1, kind: pop}
  - {id: p2, kind: pop}
  - {id: us, kind: region}
  - {id: eu, kind: region}
links:
  - {id: h-g1, a: home, b: g1, class: gateway, capacity_gbps: GATEWAY, delay_ms: 1}
  - {id: h-g2, a: home, b: g2, class: gateway, capacity_gbps: 1000, delay_ms: 1}
  - {id: x1, a: g1, b: p1, class: exit, capacity_gbps: 100, delay_ms: 10, metric: 1 REACH1}
  - {id: x2, a: g2, b: p2, class: exit, capacity_gbps: 100, delay_ms: 40, metric: 10 REACH2}
  - {id: p1-us, a: p1, b: us, class: overseas, capacity_gbps: 1000, delay_ms: 5}
  - {id: p1-eu, a: p1, b: eu, class: overseas, capacity_gbps: 1000, delay_ms: 50}
  - {id: p2-us, a: p2, b: us, class: overseas, capacity_gbps: 1000, delay_ms: 5}
  - {id: p2-eu, a: p2, b: eu, class: overseas, capacity_gbps: 1000, delay_ms: 5}
"""
IGP = {"scheme": "igp_ecmp"}


def sdn(cap=1.0):
    return {
        "scheme": {"kind": "min_latency", "utilisation_cap": cap, "classes": ["exit"]},
        "control": {"every_s": 1800, "noise_sigma": 0, "staleness_s": 0},
        "fallback": "igp_ecmp",
    }


@pytest.fixture
def reason(tmp_path):
    """Return what binds for one strategy, after a change of a network with so much traffic."""

    def ask(strategy, traffic, change, *, gateway=1000, reaches=("", ""), **more):
        text = NETWORK.replace("GATEWAY", str(gateway))
        for i, ends in enumerate(reaches, 1):
            text = text.replace(f" REACH{i}", f", reaches: [{ends}]" if ends else "")
        (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
        lines = [f"home,{end},{gbps}" for end, gbps in traffic.items()]
        (tmp_path / "m.csv").write_text("\n".join(["source,target,gbps", *lines]), encoding="utf-8")
        keys = {
            "topology": str(tmp_path / "net.yaml"),
            "horizon_h": 2,
            "step_s": 1800,
            "traffic": {"matrix": {"kind": "file", "path": str(tmp_path / "m.csv")}},
            "strategies": {"it": strategy},
            "replications": 2,
            **more,
        }
        answer = sim.what_if(sim.Scenario(**keys), {"more": change})
        (row,) = answer.tables["binding"].to_dict("records")
        assert row["sentence"].startswith("it with more")
        assert f"- {row['sentence']}" in answer.foot
        return row

    return ask


def test_an_exit_that_was_not_full(reason):
    more = {"links.x2.capacity_gbps": "+100"}
    row = reason(IGP, {"us": 60, "eu": 0.001}, more, reaches=("us", "eu"))
    assert (row["still"], row["kind"], row["element"]) == (True, "none", "x1")
    assert row["utilisation"] == pytest.approx(0.6)
    assert "changes nothing: x2 was not full before, at most 0.0 %" in row["sentence"]
    assert "nothing is full: the fullest exit is x1 out at 60.0 %" in row["sentence"]


def test_a_metric_keeps_traffic_away(reason):
    row = reason(IGP, {"us": 130}, {"links.x2.capacity_gbps": "+100"})
    assert (row["still"], row["kind"], row["element"]) == (True, "exit", "x1")
    assert row["utilisation"] == pytest.approx(1.3)
    assert (
        "changes nothing: x2 carries nothing, as igp_ecmp routes by metric, whatever room there is,"
        " and every path over it is longer than the shortest, by 9 at least" in row["sentence"]
    )
    assert "x1 out is full, 130.0 %, where igp_ecmp leads traffic" in row["sentence"]


def test_the_link_before_the_gateway_binds(reason):
    row = reason(IGP, {"us": 80}, {"links.x1.capacity_gbps": "+100"}, gateway=50)
    assert (row["still"], row["kind"]) == (True, "link")
    assert (row["element"], row["direction"]) == ("h-g1", "home")
    assert row["utilisation"] == pytest.approx(1.6)
    text = row["sentence"]
    assert "leaves loss as it is: x1 was not full before, at most 50.0 %" in text
    assert "it carries no more than h-g1 (from home) at 160.0 % can bring" in text
    assert "what is full is no exit but h-g1 (from home) at 160.0 %" in text
    assert "the fullest is x1 out at 25.0 %" in text
    wider = reason(IGP, {"us": 80}, {"links.h-g1.capacity_gbps": 100}, gateway=50)
    assert not wider["still"]  # what the sentence says that it would do


def test_the_cap_of_the_scheme_binds(reason):
    row = reason(sdn(0.5), {"us": 60}, {"links.x2.capacity_gbps": "+100"})
    assert (row["still"], row["kind"], row["element"]) == (True, "cap", "x1")
    assert "x2 was not full before, at most 10.0 %" in row["sentence"]
    assert (
        "x1 out at 50.0 % is held at the scheme's cap (utilisation_cap, 50.0 %)" in row["sentence"]
    )
    freed = reason(sdn(0.5), {"us": 60}, {"strategies.it.scheme.utilisation_cap": 0.55})
    assert not freed["still"]


def test_the_cap_is_filled_again(reason):
    row = reason(sdn(0.5), {"us": 120}, {"links.x1.capacity_gbps": "+10"})
    assert "x1 out at 57.1 % is above the scheme's cap (utilisation_cap, 50.0 %)" in row["sentence"]
    row = reason(sdn(0.5), {"us": 90}, {"links.x1.capacity_gbps": "+10"})
    assert (row["still"], row["kind"], row["element"]) == (True, "cap", "x1")
    assert (
        "leaves the peak of the hottest exit as it is: x1 is filled to the scheme's cap again"
        in (row["sentence"])
    )
    assert "(it does move latency)" in row["sentence"]


def test_the_reach_of_an_exit_binds(reason):
    row = reason(
        sdn(), {"us": 90, "eu": 10}, {"links.x2.capacity_gbps": "+100"}, reaches=("", "eu")
    )
    assert (row["still"], row["element"]) == (True, "x1")
    assert "only traffic of eu may use it (reaches)" in row["sentence"]
    open_to_all = {"links.x2.capacity_gbps": "+100", "links.x2.reaches": None}
    row = reason(sdn(), {"us": 130, "eu": 10}, open_to_all, reaches=("", "eu"))
    assert not row["still"]


def test_an_exit_that_no_traffic_may_use(reason):
    row = reason(sdn(), {"us": 90}, {"links.x2.capacity_gbps": "+100"}, reaches=("", "eu"))
    assert "x2 carries nothing, as it may carry only traffic of eu (reaches)" in row["sentence"]


def test_a_slower_way_that_nobody_needs(reason):
    row = reason(sdn(), {"us": 40}, {"links.x2.capacity_gbps": "+100"})
    assert (row["still"], row["kind"]) == (True, "none")
    assert "every path over it is slower than the fastest, by 30 ms at least" in row["sentence"]
    assert "latency is 97.7 % propagation" in row["sentence"]


def test_a_new_exit_that_nothing_uses(reason):
    new = {"links.x3": {"a": "g2", "b": "p2", "class": "exit", "capacity_gbps": 10,
                        "delay_ms": 99, "metric": 99}}  # fmt: skip
    row = reason(IGP, {"us": 40}, new)
    assert "x3 carries nothing" in row["sentence"]
    assert "by 98 at least" in row["sentence"]


def test_neighbours_choose_where_inbound_traffic_lands():
    base = sim.load("mini").with_changes({"replications": 1}).with_strategies(["igp"])
    base = base.with_changes({"demands.international_in": "x1.6", "horizon_h": 1,
                              "traffic.shapes": []})  # fmt: skip
    answer = sim.what_if(base, {"more": {"links.beijing-tokyo.capacity_gbps": "+100"}})
    (row,) = answer.tables["binding"].to_dict("records")
    assert (row["kind"], row["direction"], row["still"]) == ("landing", "in", True)
    assert "neighbours abroad hand traffic over, by their own choice" in row["sentence"]


def test_a_network_without_exits(tmp_path):
    text = """\
name: inside
hop_delay_ms: 0
nodes: [{id: a, kind: core}, {id: b, kind: core}, {id: c, kind: core}]
links:
  - {id: a-b, a: a, b: b, capacity_gbps: 100, delay_ms: 1}
  - {id: b-c, a: b, b: c, capacity_gbps: 100, delay_ms: 1}
"""
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "m.csv").write_text("source,target,gbps\na,b,90\nb,c,30\n", encoding="utf-8")
    base = sim.Scenario(
        topology=str(tmp_path / "net.yaml"),
        horizon_h=1,
        traffic={"matrix": {"kind": "file", "path": str(tmp_path / "m.csv")}},
        strategies={"it": IGP},
    )
    answer = sim.what_if(base, {"more": {"links.b-c.capacity_gbps": "x2"}})
    (row,) = answer.tables["binding"].to_dict("records")
    assert (row["still"], row["kind"], row["element"]) == (True, "none", "a-b")
    assert "b-c was not full before, at most 30.0 %" in row["sentence"]
    assert "the fullest link is a-b (from a) at 90.0 %" in row["sentence"]


def test_a_change_that_moves_the_peak_says_what_binds_alone(reason):
    row = reason(IGP, {"us": 60}, {"links.x1.capacity_gbps": "+100"})
    assert not row["still"]
    assert row["sentence"].startswith("it with more: nothing is full: the fullest exit is x1 out")
