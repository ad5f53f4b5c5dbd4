"""What third-party files leave out is put right by stated rules, and nothing else is touched."""

import csv
import time
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.base.document import dotted
from simulator.base.errors import Problem
from simulator.formats.rules import places
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft
from simulator.formats.rules.repair import repaired
from simulator.model.geo import great_circle_km

CITIES = Path(__file__).parents[2] / "shared" / "data" / "cities.csv"
BEIJING = {"lat": 39.9, "lon": 116.4}
SHANGHAI = {"lat": 31.2, "lon": 121.5}
WUHAN = {"lat": 30.6, "lon": 114.3}
SOUND = {"capacity_gbps": 10, "metric": 1, "delay_ms": 20}


def point(path, message, key=False, severity="error") -> Problem:
    """Tell the row as a line, counted from 100 for nodes and from 200 for links."""
    start = {"nodes": 100, "links": 200}[path[0]]
    line = start + path[1] if len(path) > 1 else None
    return Problem("net.x", line, None, dotted(tuple(path)), message, severity)


def draft(nodes, links, **about) -> Draft:
    return Draft(about={"name": "net", **about}, nodes=nodes, links=links, point=point)


def triangle(**link) -> Draft:
    nodes = [{"id": "bj", **BEIJING}, {"id": "sh", **SHANGHAI}, {"id": "wh", **WUHAN}]
    ends = [("bj", "sh"), ("sh", "wh"), ("wh", "bj")]
    return draft(nodes, [{"a": a, "b": b, "id": f"{a}{b}", **SOUND, **link} for a, b in ends])


def messages(problems) -> str:
    return "\n".join(map(str, problems))


def test_what_is_sound_is_left_alone():
    before = triangle()
    after, problems = repaired(before)
    assert problems == []
    assert after.about["assumptions"] == ()
    assert [{k: v for k, v in link.items() if k != "class"} for link in after.links] == before.links
    assert {link["class"] for link in after.links} == {"core"}


def test_the_draft_given_is_not_changed():
    before = draft([{"id": 1}, {"id": 2}], [{"a": 1, "b": 2}])
    repaired(before)
    assert before.nodes == [{"id": 1}, {"id": 2}]
    assert before.links == [{"a": 1, "b": 2}]


def test_every_rule_says_what_it_did_once_in_both_places():
    before = draft(
        [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4, "lat": 91, "lon": 0}, {"id": "far"}],
        [{"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": 2, "b": 3}, {"a": 4, "b": 3}],
        assumptions=("It was so already.",),
    )
    after, problems = repaired(before)
    network, found = assemble(after, problems)
    assert network is not None
    assert all(problem.severity == "warning" for problem in found)
    assert network.about.assumptions == (
        "It was so already.",
        "1 of 4 links left out: each joins a node with itself ('1-1').",
        "1 of 5 nodes left out: not connected to the largest part ('far').",
        "capacity of all 3 links not given: 10 Gbps, an assumption ('1-2', '2-3', '4-3').",
        "coordinates of 1 of 4 nodes left out: out of range, or not a pair of numbers,"
        " lat 91, lon 0 ('4').",
        "nothing tells the length of all 3 links: delay 1 ms, an assumption ('1-2', '2-3', '4-3').",
        "metric of all 3 links not given: 1 ('1-2', '2-3', '4-3').",
    )
    assert [f"{problem.message}." for problem in problems] == [*network.about.assumptions[1:]]
    assert {problem.file for problem in problems} == {"net.x"}
    assert [problem.line for problem in problems] == [201, 104, 200, 103, 200, 200]


# ---------------------------------------------------------------- names


def test_ids_become_text_and_ends_follow():
    after, _ = repaired(draft([{"id": 7}, {"id": 8.0}], [{"a": 7, "b": "8", **SOUND}]))
    assert [node["id"] for node in after.nodes] == ["7", "8"]
    assert [(link["a"], link["b"]) for link in after.links] == [("7", "8")]


def test_labels_become_ids_and_alike_ones_are_numbered():
    labels = ["Link", "Link", "Link-2", "Link", None]
    nodes = [{"id": i, "label": label} for i, label in enumerate(labels)]
    links = [{"a": 0, "b": i, **SOUND} for i in range(1, 5)]
    after, problems = repaired(draft(nodes, links))
    assert [node["id"] for node in after.nodes] == ["Link", "Link-3", "Link-2", "Link-4", "4"]
    assert [link["b"] for link in after.links] == ["Link-3", "Link-2", "Link-4", "4"]
    assert "names made for 2 of 5 nodes" in messages(problems)
    assert all("label" not in node for node in after.nodes)


def test_a_node_without_an_id_gets_one():
    after, problems = repaired(draft([{}, {"id": "a"}], [{"a": "a", "b": "a", **SOUND}]))
    assert "names made for 1 of 2 nodes" in messages(problems)
    assert after.links == []
    assert messages(problems).endswith("net.x: links: no link is left")


def test_two_nodes_of_one_id_are_an_error_on_its_line():
    _, (error,) = repaired(draft([{"id": "a"}, {"id": 1}, {"id": "1"}], [{"a": "a", "b": 1}]))
    assert str(error).startswith("net.x:102: nodes[2].id: a second node with the id '1'")
    assert error.severity == "error"


def test_links_are_called_after_their_ends():
    links = [("a", "b"), ("a", "b"), ("b", "a"), ("a", "b")]
    after, problems = repaired(
        draft([{"id": "a"}, {"id": "b"}], [{"a": a, "b": b, **SOUND} for a, b in links])
    )
    assert [link["id"] for link in after.links] == ["a-b", "a-b-2", "b-a", "a-b-3"]
    assert problems == []


def test_a_link_id_taken_twice_is_none():
    ends = [("a", "b", "0"), ("b", "c", "0"), ("c", "a", "1")]
    links = [{"a": a, "b": b, "id": key, **SOUND} for a, b, key in ends]
    after, (problem,) = repaired(draft([{"id": x} for x in "abc"], links))
    assert [link["id"] for link in after.links] == ["a-b", "b-c", "1"]
    assert "ids of 2 of 3 links are taken twice" in problem.message


@pytest.mark.parametrize(
    "name, told",
    [("x" * 201, "201 characters"), ("a\nb", "control characters"), ("a\u2028b", "control")],
)
def test_a_name_that_no_file_could_hold_is_refused(name, told):
    _, problems = repaired(draft([{"id": name}, {"id": "b"}], [{"a": name, "b": "b"}]))
    assert told in problems[0].message
    assert len(problems[0].message) < 200


def test_two_long_names_make_no_longer_one():
    names = ["x" * 200, "y" * 200]
    links = [{"a": names[0], "b": names[1], **SOUND}] * 2
    after, _ = repaired(draft([{"id": name} for name in names], links))
    assert [link["id"] for link in after.links] == ["link-1", "link-2"]


# ---------------------------------------------------------------- which nodes and links


@pytest.mark.parametrize("nodes, links, left", [("a b c", "a-b", "a b"), ("c a b", "a-b", "a b")])
def test_what_hangs_on_nothing_is_left_out(nodes, links, left):
    pairs = [link.split("-") for link in links.split()]
    after, _ = repaired(
        draft([{"id": x} for x in nodes.split()], [{"a": a, "b": b} for a, b in pairs])
    )
    assert " ".join(node["id"] for node in after.nodes) == left


def test_of_two_parts_the_larger_stays_and_of_equals_the_first():
    nodes = [{"id": x} for x in "abcdefg"]
    chains = [("a", "b"), ("c", "d", "e"), ("f", "g")]
    links = [{"a": a, "b": b} for chain in chains for a, b in pairwise(chain)]
    after, problems = repaired(draft(nodes, links))
    assert [node["id"] for node in after.nodes] == ["c", "d", "e"]
    assert "4 of 7 nodes with 2 links left out" in messages(problems)
    equal, _ = repaired(draft(nodes[:2] + nodes[5:], [links[0], links[3]]))
    assert [node["id"] for node in equal.nodes] == ["a", "b"]


def test_after_leaving_out_the_draft_still_points_at_the_right_rows():
    nodes = [{"id": "alone"}, {"id": "a"}, {"id": "b"}]
    links = [{"a": "a", "b": "a"}, {"a": "a", "b": "b"}]
    after, _ = repaired(draft(nodes, links))
    assert after.line("nodes", 1) == 102
    assert str(after.point(("links", 0, "id"), "x")) == "net.x:201: links[1].id: x"


def test_an_unknown_end_is_an_error_and_not_left_out():
    after, problems = repaired(draft([{"id": "a"}, {"id": "b"}], [{"a": "a", "b": "bb", **SOUND}]))
    network, found = assemble(after, problems)
    assert network is None
    assert "no node named 'bb'; did you mean 'b'?" in messages(found)


@pytest.mark.parametrize("nodes, links, told", [([], [], "no nodes"), ([{"id": "a"}], [], "no li")])
def test_a_file_without_nodes_or_links_is_refused(nodes, links, told):
    before = draft(nodes, links)
    _, problems = repaired(before)
    assert told in messages(problems)
    assert assemble(before, problems)[0] is None


def test_a_link_across_the_border_is_an_exit():
    nodes = [{"id": "a", "kind": "gateway", "weight": 1}, {"id": "b", "kind": "pop"}]
    after, problems = repaired(draft(nodes, [{"a": "a", "b": "b", **SOUND}]))
    assert after.links[0]["class"] == "exit"
    assert "taken for exits" in messages(problems)


# ---------------------------------------------------------------- capacities and metrics


@pytest.mark.parametrize("bad", [None, -5, float("nan"), float("inf"), "fast", "1e400", True])
def test_a_missing_capacity_is_the_smallest_given(bad):
    before = triangle()
    before.links[0]["capacity_gbps"] = 40
    before.links[1].update(capacity_gbps=bad, capacity_ba_gbps=2.5)
    before.links[2]["capacity_gbps"] = "25"
    after, (problem,) = repaired(before)
    assert [link["capacity_gbps"] for link in after.links] == [40, 25, 25]
    assert "capacity_ba_gbps" not in after.links[1]
    how = "not given" if bad is None else "not understood" if bad == "fast" else ""
    assert problem.message.startswith(f"capacity of 1 of 3 links {how}")
    assert "25 Gbps, the smallest given" in problem.message
    assert bad is None or isinstance(bad, bool) or str(bad) in problem.message


@pytest.mark.parametrize("zero", [0, 0.0, "0", "0.00", -0.0])
def test_a_link_of_capacity_zero_is_shut_and_left_out(zero):
    before = triangle()
    before.links[1]["capacity_gbps"] = zero
    after, (problem,) = repaired(before)
    assert [link["id"] for link in after.links] == ["bjsh", "whbj"]
    assert problem.message == "1 of 3 links left out: capacity 0, so shut ('shwh')"


def test_a_capacity_of_zero_everywhere_says_nothing():
    after, (problem,) = repaired(triangle(capacity_gbps=0))
    assert [link["capacity_gbps"] for link in after.links] == [10, 10, 10]
    assert "all 3 links cannot be used, 0 on 3 links: 10 Gbps, an assumption" in problem.message


def test_a_capacity_of_zero_back_is_a_one_way_link():
    before = triangle()
    before.links[0].update(capacity_gbps=40, capacity_ba_gbps=0)
    after, problems = repaired(before)
    assert (after.links[0]["capacity_gbps"], after.links[0]["capacity_ba_gbps"]) == (40, 0)
    assert not problems


def test_a_capacity_of_zero_there_is_a_one_way_link_back():
    before = triangle()
    ends = before.links[0]["a"], before.links[0]["b"]
    before.links[0].update(capacity_gbps=0, capacity_ba_gbps=40, metric=3, metric_ba=5)
    after, (problem,) = repaired(before)
    link = after.links[0]
    assert (link["b"], link["a"]) == ends and (link["metric"], link["metric_ba"]) == (5, 3)
    assert (link["capacity_gbps"], link["capacity_ba_gbps"]) == (40, 0)
    assert "capacity 0 from a to b of 1 of 3 links: one-way from b to a" in problem.message


@pytest.mark.parametrize("bad", [None, -1, float("nan"), "cheap", 10**400])
def test_a_missing_metric_is_1(bad):
    after, (problem,) = repaired(triangle(metric=bad))
    assert [link["metric"] for link in after.links] == [1, 1, 1]
    how = "not given: 1" if bad is None else "not understood" if bad == "cheap" else "cannot be"
    assert f"metric of all 3 links {how}" in problem.message


def test_a_metric_of_zero_is_refused_beside_others():
    before = triangle()
    before.links[1]["metric"] = 0
    _, (error,) = repaired(before)
    assert str(error).startswith("net.x:201: links[1].metric: metric 0: routing needs costs above")


def test_a_metric_of_zero_everywhere_prefers_no_path():
    after, (problem,) = repaired(triangle(metric=0))
    assert [link["metric"] for link in after.links] == [1, 1, 1]
    assert "metric of all 3 links is 0, which prefers no path: 1" in problem.message


def test_values_that_say_nothing_are_left_out():
    before = triangle()
    before.nodes[0].update(kind="router", weight=-1, city=7)
    before.links[0].update({"class": "fast", "cables": {"x": 2}, "capacity_ba_gbps": -1})
    after, problems = repaired(before)
    assert after.nodes[0] == {"id": "bj", "kind": "core", **BEIJING}
    assert {"cables", "capacity_ba_gbps"}.isdisjoint(after.links[0])
    assert "kind, weight, city left out on 1 of 3 nodes" in messages(problems)
    assert "class, cables, capacity_ba_gbps left out on 1 of 3 links" in messages(problems)


# ---------------------------------------------------------------- places


def test_the_list_of_places_is_the_sourced_one():
    with places.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "country", "lat", "lon"]
    assert {row[1] for row in rows[1:]} == set(places.country_names())
    if CITIES.exists():
        with CITIES.open(encoding="utf-8", newline="") as file:
            assert rows == [row[:4] for row in csv.reader(file)]


@pytest.mark.parametrize(
    "name, country, found",
    [
        ("Hong Kong", "", "HK"),
        ("hong-kong", "China", "HK"),
        ("Xi\u2019an", "cn", "CN"),
        ("London", "United Kingdom", "GB"),
        ("London", "Canada", None),
        ("Nowhere", "", None),
    ],
)
def test_a_city_is_found_by_its_name_and_country(name, country, found):
    place = places.known_place(name, country)
    assert (place and place.country) == found


def test_a_city_far_from_where_it_is_is_moved():
    """The Topology Zoo has Hong Kong of Chinanet in the mountains of Sichuan."""
    nodes = [
        {"id": "Hong Kong", "country": "China", "lat": 30.13062, "lon": 100.51803},
        {"id": "Guangzhou", "lat": 23.1, "lon": 113.3},
    ]
    after, problems = repaired(draft(nodes, [{"a": "Hong Kong", "b": "Guangzhou"}]))
    assert (after.nodes[0]["lat"], after.nodes[0]["lon"]) == (22.2783, 114.1747)
    assert "country" not in after.nodes[0]
    assert "1 of 2 nodes moved to the city of their name, up to 1,616 km away" in messages(problems)


def test_a_town_that_shares_the_name_of_a_city_stays():
    nodes = [
        {"id": "Ashburn", "country": "United States", "lat": 31.7, "lon": -83.65},
        {"id": "Tifton", "lat": 31.45, "lon": -83.51},
    ]
    after, problems = repaired(draft(nodes, [{"a": "Ashburn", "b": "Tifton"}]))
    assert after.nodes[0]["lat"] == 31.7
    assert "moved" not in messages(problems)


def test_a_city_near_enough_stays():
    nodes = [{"id": "Beijing", "lat": 39, "lon": 117}, {"id": "b", **WUHAN}]
    after, _ = repaired(draft(nodes, [{"a": "Beijing", "b": "b"}]))
    assert after.nodes[0]["lat"] == 39


@pytest.mark.parametrize("lat, lon", [(91, 0), (0, 181), ("x", 1), (float("nan"), 0), (5, None)])
def test_coordinates_out_of_range_are_none(lat, lon):
    before = triangle()
    before.nodes[0].update(lat=lat, lon=lon)
    after, (problem,) = repaired(before)
    assert {"lat", "lon"}.isdisjoint(after.nodes[0])
    assert problem.message.startswith("coordinates of 1 of 3 nodes left out")


# ---------------------------------------------------------------- delays


def by_distance(one, other) -> float:
    return great_circle_km(*one.values(), *other.values()) * 1.35 / 204


def delays(before: Draft) -> tuple[list[float], str]:
    after, problems = repaired(before)
    network, _ = assemble(after, problems)
    assert network is not None
    return network.delay_ms[::2].tolist(), messages(problems)


def test_without_a_delay_the_distance_tells():
    found, told = delays(triangle(delay_ms=None))
    expected = [by_distance(*pair) for pair in ((BEIJING, SHANGHAI), (SHANGHAI, WUHAN))]
    assert found[:2] == pytest.approx(expected)
    assert told == ""


def test_a_single_delay_faster_than_light_comes_from_the_distance():
    before = triangle()
    before.links[1]["delay_ms"] = 1.0
    found, told = delays(before)
    assert found == pytest.approx([20, by_distance(SHANGHAI, WUHAN), 20])
    km = great_circle_km(*SHANGHAI.values(), *WUHAN.values())
    assert f"recomputed from distance (x 1.35) on 1 of 3 links: given values imply {km:.0f}" in told


def test_if_most_delays_are_faster_than_light_none_is_believed():
    before = triangle(delay_ms=0.02)
    before.links[2]["delay_ms"] = 20
    found, told = delays(before)
    assert found[2] == pytest.approx(by_distance(WUHAN, BEIJING))
    assert "on all 3 links: those of 2 imply" in told


def test_lengths_of_fibre_can_be_too_short_as_well():
    found, told = delays(triangle(delay_ms=None, fibre_km=5))
    assert found[0] == pytest.approx(by_distance(BEIJING, SHANGHAI))
    assert "recomputed" in told


def test_delays_of_zero_imply_no_speed():
    _, told = delays(triangle(delay_ms=0))
    assert "given values are 0" in told


def test_where_nothing_tells_the_length_the_delay_is_the_median():
    before = triangle()
    before.nodes.append({"id": "x"})
    for i, delay in enumerate((20, 30, 70)):
        before.links[i]["delay_ms"] = delay
    before.links.append({"a": "x", "b": "bj", "id": "x", "capacity_gbps": 1, "metric": 1})
    found, told = delays(before)
    assert found == [20, 30, 70, 30]
    assert "nothing tells the length of 1 of 4 links: delay 30 ms, the median of the others" in told


# ---------------------------------------------------------------- size


def test_ten_thousand_nodes_without_links_are_refused_at_once():
    before = draft([{"id": i} for i in range(10_000)], [])
    start = time.process_time()
    _, problems = repaired(before)
    assert time.process_time() - start < 1
    assert "no links" in messages(problems)


def test_the_time_grows_with_the_size_and_no_faster():
    def seconds(size: int) -> float:
        nodes = [{"id": i, "lat": i % 60, "lon": i % 170} for i in range(size)]
        links = [{"a": i, "b": (7 * i + 1) % size, "delay_ms": 1} for i in range(size)]
        start = time.process_time()
        repaired(draft(nodes, links))
        return time.process_time() - start

    seconds(2_000)
    assert seconds(20_000) < 10 * 4 * max(seconds(2_000), 0.01)
