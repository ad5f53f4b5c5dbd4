"""Reports: one page that holds everything, asks for nothing, and says what the folder says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import MINI, make_tiny
from report_cases import EVIL, EXITS, STATIC, Page, hostile_run, shell

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.base.text import Cell, Row
from simulator.cli import running
from simulator.figures.figure import NothingToShow
from simulator.figures.link_series import LinkSeries, links_of_bundles
from simulator.figures.load_map import LoadMap
from simulator.figures.maps import load_film
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import views_of
from simulator.figures.run_data import RunView, Track
from simulator.formats.format import load_network
from simulator.model.network import Network
from simulator.report import exit_data, packing, run_report
from simulator.report.map_geometry import view_data
from simulator.report.rendering import HERE, SCRIPTS, STYLES
from simulator.report.shown_tables import first_sentence, value_cell
from simulator.results import manifest
from simulator.results.results import Results
from simulator.study.answer import Answer, Section
from simulator.study.answer_file import ANSWER, keep_answer, read_answer

ALLOWED_SOURCES = ("data:image/svg+xml;base64,", "data:image/png;base64,")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return hostile_run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def page(results):
    return Page(sim.report(results))


@pytest.fixture(scope="module")
def worst(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worst") / "w"
    shell("worst", MINI, "--probability", "1e-2", "--out", folder, "--quiet")
    return folder


# -- one page, complete in itself ---------------------------------------------------------------


def sources(page):
    """Yield everything that a browser might fetch."""
    for tag, attributes in page.elements:
        for key in ("src", "href", "srcset", "poster", "action", "data", "xlink:href"):
            if attributes.get(key) is not None:
                yield tag, attributes[key]
    style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def assert_complete(page):
    for tag, source in sources(page):
        assert source.startswith(ALLOWED_SOURCES if tag == "img" else "#"), (tag, source[:60])
    script = page.source.rsplit("<script>", 1)[1].rsplit("</script>", 1)[0]
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "eval(", "innerHTML"):
        assert word not in script


def test_a_page_fetches_nothing(page, worst):
    assert_complete(page)
    assert_complete(Page(sim.report(worst)))
    assert len(page.source) < 6e6


def test_the_policy_allows_the_scripts_of_the_page_and_no_other(page):
    (policy,) = (a["content"] for _, a in page.elements
                 if a.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for key, pattern in (("script-src", r"<script>(.*?)</script>"),
                         ("style-src", r"<style>(.*?)</style>")):  # fmt: skip
        (held,) = re.findall(pattern, page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()
        assert rules[key] == f"'sha256-{digest}'"
    assert not any(key.startswith("on") or key == "style" for _, a in page.elements for key in a)


def test_names_are_text_and_nothing_else(page):
    assert EVIL not in page.source
    assert EVIL in page.text and EXITS["beijing-la"] in page.text
    assert "{{ 7*7 }}" in page.text
    held = page.data
    assert set(EXITS.values()) <= set(held["exits"]["ids"])
    assert STATIC in [each["name"] for each in held["time"]["strategies"]]
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2 and tags.count("style") == 1
    assert "東京 </style>" in {city for link in held["map"]["links"] for city in link["ends"]}


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    once, again = (sim.report(results, tmp_path / name) for name in ("a.html", "b.html"))
    assert once.read_bytes() == again.read_bytes()


def test_every_page_has_its_landmarks_and_labels(page, worst):
    for each in (page, Page(sim.report(worst))):
        tags = [tag for tag, _ in each.elements]
        assert tags.count("h1") == tags.count("main") == 1
        ids = [a["id"] for _, a in each.elements if "id" in a]
        assert len(ids) == len(set(ids))
        referred = {a["aria-labelledby"] for _, a in each.elements if "aria-labelledby" in a}
        assert referred <= set(ids)
        assert all(a.get("alt") for tag, a in each.elements if tag == "img")
        assert {a["href"][1:] for tag, a in each.elements if tag == "a"} <= set(ids)


# -- the numbers are those of the folder --------------------------------------------------------


def test_figures_equal_the_summary(page, results):
    rows = json.loads((results.folder / "summary.json").read_text(encoding="utf-8"))
    held = {key for key, _ in page.cells if key}
    for metric in ("peak", "p95", "mean"):
        figures = [row["mean"] for row in rows if row["metric"] == f"exit_utilisation_{metric}"
                   and row["scope"].startswith("exit:")]  # fmt: skip
        assert len(figures) == 2 * 9 * 2
        assert {repr(value) for value in figures} <= held
    cycles = results.figure("sdn", "control_cycles")
    assert repr(cycles) in held


def test_peaks_in_words_are_those_of_the_summary(page, results):
    held = page.data["exits"]
    for exit_id, peaks in zip(held["ids"], held["peaks"], strict=True):
        for way, peak in zip(("out", "in"), peaks, strict=True):
            scope = f"exit:{exit_id}:{way}"
            assert peak == max(
                results.figure(name, "exit_utilisation_peak", scope) for name in results.strategies
            )


def test_the_comparison_is_that_of_compare(page, results):
    answer = sim.compare(results)
    assert " ".join(answer.sentence.split()) in page.text
    shown = [text for _, text in page.cells]
    for section in answer.sections:
        for row in section.rows:
            for cell in row.cells:
                assert " ".join(f"{cell.value} {cell.spread}".split()) in shown


def test_curves_are_those_of_the_table(page, results):
    held, exits = page.data, results.exits
    frames = len(held["time"]["labels"])
    assert frames == 48
    for s, strategy in enumerate(results.strategies):
        mean, low, high = (
            np.frombuffer(base64.b64decode(text), "<u2").reshape(-1, frames) / 1e4
            for text in held["exits"]["tracks"][s]
        )
        for e, exit_id in enumerate(held["exits"]["ids"]):
            for w, way in enumerate(("out", "in")):
                own = exits[(exits["strategy"] == strategy) & (exits["exit"] == exit_id)
                            & (exits["direction"] == way)]  # fmt: skip
                by_time = own.groupby("time_s")["utilisation"]
                down = by_time.mean().isna().to_numpy()
                for found, wanted in ((mean, by_time.mean()), (low, by_time.min()),
                                      (high, by_time.max())):  # fmt: skip
                    line = found[2 * e + w]
                    assert np.array_equal(line == packing.GAP / 1e4, down)
                    assert np.allclose(line[~down], wanted[~down], atol=5.1e-5)


def test_the_map_is_that_of_the_table_of_links(page, results):
    held, links = page.data, results.links
    count, frames = len(held["map"]["links"]), len(held["time"]["labels"])
    wide = links.groupby(["strategy", "time_s", "link", "source"], observed=True)["utilisation"]
    means = wide.mean()
    network = load_network(results.folder / "inputs" / "topology.yaml")
    for s, strategy in enumerate(results.strategies):
        use = np.frombuffer(base64.b64decode(held["map"]["use"][s]), "u1")
        use = use.reshape(frames, 2 * count)
        for j, link in enumerate(held["map"]["links"]):
            assert link["id"] == network.links[j]
            for way in (0, 1):
                source = network.nodes[network.tail[2 * j + way]]
                wanted = means[strategy].xs((link["id"], source), level=("link", "source"))
                found = use[:, 2 * j + way]
                down = wanted.isna().to_numpy()
                assert np.array_equal(found == packing.DOWN, down)
                assert np.allclose(found[~down] / 100, wanted[~down].clip(upper=2.54), atol=0.00501)
    down = [i for i, link in enumerate(held["map"]["links"]) if link["id"] == EVIL]
    assert held["map"]["changes"][str(2 * down[0])] == [[0, 28.0], [12, 0.0], [18, 28.0]]


def test_without_exits_and_coordinates_there_is_nothing_to_play(tmp_path):
    (tmp_path / "links.csv").write_text("id,a,b,capacity_gbps\nab,a,b,10\n", encoding="utf-8")
    (tmp_path / "nodes.csv").write_text("id,kind\na,core\nb,core\n", encoding="utf-8")
    (tmp_path / "d.csv").write_text("source,target,gbps\na,b,5\n", encoding="utf-8")
    scenario = sim.load(
        {
            "topology": str(tmp_path),
            "horizon_h": 2,
            "step_s": 3600,
            "traffic": {"matrix": {"kind": "file", "path": str(tmp_path / "d.csv")}},
            "record": {"demands": "none"},
            "strategies": {"igp": {"scheme": "igp_ecmp"}},
        }
    )
    page = Page(sim.report(sim.run(scenario, out=tmp_path / "run")))
    assert not {"play", "map", "curves"} & {a.get("id") for _, a in page.elements}
    assert "50.0 %" in page.text and "the scenario has no events" in page.text


def test_the_worst_moment_is_the_highest_row_of_the_table(page, results):
    for strategy in results.strategies:
        own = results.exits[results.exits["strategy"] == strategy]
        means = own.groupby(["time_s", "exit", "direction"], observed=True)["utilisation"].mean()
        assert repr(float(means.max())) in {key for key, _ in page.cells}


def test_a_long_run_is_framed_without_hiding_its_peaks():
    gone = [np.nan] * 3
    values = np.array([[0.1, 0.9, 0.2, *gone, 0.3, 0.4, 0.5, 0.6]]).T
    track = Track(np.arange(10.0), values, values - 0.05, values + 0.05)
    framed = exit_data.framed_track(track, np.array([0, 3, 6, 9]))
    assert np.allclose(framed.mean[:, 0], [0.4, np.nan, 0.4, 0.6], equal_nan=True)
    assert np.allclose(framed.high[:, 0], [0.95, np.nan, 0.55, 0.65], equal_nan=True)
    assert np.allclose(framed.low[:, 0], [0.05, np.nan, 0.25, 0.55], equal_nan=True)


def test_frames_of_links_keep_the_highest_step(results):
    run = RunView.of(results)
    network = load_network(results.folder / "inputs" / "topology.yaml")
    fine, coarse = (LinkSeries.of(run, network, most) for most in (48, 12))
    assert len(coarse.time_s) == 12 and coarse.frame_s == 4 * fine.frame_s
    table = results.links.groupby(["replication", "strategy", "time_s", "link", "source"],
                                  observed=True)["utilisation"].mean()  # fmt: skip
    link, source = network.links[0], network.nodes[network.tail[0]]
    own = table.xs((results.strategies[1], link, source), level=("strategy", "link", "source"))
    at, day = (own.index.get_level_values(key) for key in ("time_s", "replication"))
    by_frame = own.groupby([day, at // coarse.frame_s]).max()
    wanted = by_frame.groupby(level=1).mean()
    assert np.allclose(coarse.utilisation[results.strategies[1]][:, 0], wanted)


@pytest.mark.parametrize("share", [0.0, 0.00004, 0.5, 1.0, 2.5399, 7.0, np.nan])
def test_packed_shares_are_as_near_as_they_can_be(share):
    values = np.array([share])
    fine = np.frombuffer(base64.b64decode(packing.ten_thousandths(values)), "<u2")[0]
    coarse = np.frombuffer(base64.b64decode(packing.percents(values)), "u1")[0]
    if np.isnan(share):
        assert (fine, coarse) == (packing.GAP, packing.DOWN)
    else:
        assert abs(fine / 1e4 - min(share, 6.5534)) <= 0.5001e-4
        assert abs(coarse / 100 - min(share, 2.54)) <= 0.005001


# -- answers of studies -------------------------------------------------------------------------


def test_the_page_of_a_study_says_what_the_study_says(worst):
    page, found = Page(sim.report(worst)), read_answer(worst)
    assert " ".join(found["sentence"].split()) in page.text
    for table in ("worst", "demands", "fewer_faults", "elements"):
        assert f"{table}.csv" in page.text
        rows = pd.read_csv(worst / f"{table}.csv")
        numbers = rows.select_dtypes("number").iloc[:, 0].dropna()
        assert {float(key) for key, _ in page.cells if key} >= set(numbers.astype(float))
    (alt,) = (a["alt"] for tag, a in page.elements if tag == "img")
    assert "Gbps" in alt or "worst" in alt.lower()


def test_the_command_does_it_again(worst, tmp_path, monkeypatch):
    command = read_answer(worst)["command"]
    assert command in Page(sim.report(worst)).text
    program, *words = shlex.split(command)
    assert program == "simulator"
    place = tmp_path / "copy"
    shutil.copytree(worst, place)
    monkeypatch.chdir(place)
    shell(*words)
    for file in ("worst.csv", "demands.csv", "elements.csv"):
        assert (tmp_path / "again" / file).read_bytes() == (worst / file).read_bytes()


def test_the_command_of_a_run_does_it_again(results, page, tmp_path, monkeypatch):
    (command,) = re.findall(r"simulator run \S+ --out \S+", page.text)
    shutil.copytree(results.folder, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    shell(*shlex.split(command)[1:], "--quiet")
    for file in ("summary.csv", "exits.parquet"):
        assert (tmp_path / "again" / file).read_bytes() == (results.folder / file).read_bytes()


def test_a_study_of_tomorrow_needs_no_change_here(tmp_path):
    (tmp_path / "plan.csv").write_text("link,gbps\na,4e2\n<b>,nan\n", encoding="utf-8")
    rows = [Row("build <i>", (Cell("400 Gbps", "± 3"),)), Row("  of which", ("plain",))]
    answer = Answer(
        "Plan: what to <build>", f"Build {tmp_path}/plan.csv. Then rest.", {}, {}, tmp_path,
        ["head & shoulders"], [Section("Steps", ["cost"], rows)], ["- foot"],
    )  # fmt: skip
    keep_answer(answer)
    page = Page(sim.report(answer))
    for words in ("Plan", "what to <build>", "Build plan.csv. Then rest.", "head & shoulders",
                  "build <i>", "± 3", "plain", "of which", "foot", "plan.csv, 2 rows"):  # fmt: skip
        assert words in page.text
    assert "made in Python" in page.text
    assert str(tmp_path) not in page.source


def test_every_study_keeps_its_answer():
    studies = Path(sim.__file__).parent / "study"
    marked = [file for file in studies.glob("*.py") if "StagingFolder(" in file.read_text()]
    assert len(marked) >= 8
    for file in marked:
        assert "keep_answer(" in file.read_text(), f"{file.name} keeps no {ANSWER}"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("At 4.5 % it holds. Then more. And more.", "At 4.5 % it holds."),
        ("One only.", "One only."),
        ("x0.36 until v. 2.0 comes", "x0.36 until v."),
    ],
)
def test_the_first_sentence_stands_apart(text, first):
    assert first_sentence(text)[0] == first.replace(" %", "\xa0%")
    assert " ".join(filter(None, first_sentence(text))).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("value", "shown", "key"),
    [("1e3", "1,000", "1000.0"), ("0.123456", "0.12346", "0.123456"), ("nan", "nan", ""),
     ("10G", "10G", ""), (float("inf"), "no limit", ""), ("-0.5", "-0.5", "-0.5")],
)  # fmt: skip
def test_cells_show_numbers_and_sort_by_them(value, shown, key):
    cell = value_cell(value)
    assert (cell.value, cell.key) == (shown, key)


# -- the place ----------------------------------------------------------------------------------


def test_a_page_belongs_to_its_folder_and_replaces_itself(worst, tmp_path):
    place = tmp_path / "study"
    shutil.copytree(worst, place)
    first = sim.report(place)
    assert first == place / "report.html"
    assert "report.html" in json.loads((place / "manifest.json").read_text())["files"]
    assert manifest.foreign(place) == ""
    sim.report(place)
    first.write_text("mine", encoding="utf-8")
    with pytest.raises(SimulatorError, match="no report wrote it"):
        sim.report(place)
    assert first.read_text(encoding="utf-8") == "mine"
    sim.report(place, force=True)
    assert "<!doctype html>" in first.read_text(encoding="utf-8")


def test_a_page_elsewhere_replaces_nothing(worst, tmp_path):
    place = tmp_path / "page.html"
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(SimulatorError, match="exists already"):
        sim.report(worst, place)
    with pytest.raises(SimulatorError, match="is a folder"):
        sim.report(worst, tmp_path)
    assert place.read_text(encoding="utf-8") == "mine"


def test_a_page_is_whole_or_absent(worst, tmp_path):
    with pytest.raises(SimulatorError, match="cannot be written"):
        sim.report(worst, tmp_path / "nowhere" / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_other_folders_are_refused_with_what_is_there(tmp_path, worst, results):
    with pytest.raises(SimulatorError, match=r"no run\.json and no answer\.json"):
        sim.report(tmp_path)
    with pytest.raises(SimulatorError, match="is not there"):
        sim.report(tmp_path / "gone")
    with pytest.raises(SimulatorError, match="only runs have a map"):
        sim.report(worst, map_only=True)
    above = results.folder.parent
    with pytest.raises(SimulatorError, match="runs are in it: run"):
        sim.report(above)
    (tmp_path / ANSWER).write_text("[]", encoding="utf-8")
    with pytest.raises(SimulatorError, match="holds no answer"):
        sim.report(tmp_path)


# -- the map alone, and the film ----------------------------------------------------------------


def test_the_map_alone_is_smaller(results, page):
    file = sim.report(results, map_only=True)
    alone = Page(file)
    assert file.name == "map.html"
    assert_complete(alone)
    assert "exits" not in alone.data
    assert alone.data["map"] == page.data["map"]
    assert len(alone.source) < min(len(page.source), 5e6)


def test_no_coordinates_no_map(tmp_path, results, monkeypatch):
    shutil.copytree(results.folder, tmp_path / "run")
    file = tmp_path / "run" / "inputs" / "topology.yaml"
    text = re.sub(r",\s+l(at|on): [-\d.]+", "", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NothingToShow, match="has coordinates"):
        sim.report(tmp_path / "run", map_only=True)
    monkeypatch.setattr(run_report, "drawn_pictures", lambda *_: [])
    page = Page(sim.report(tmp_path / "run", tmp_path / "page.html"))
    assert "map" not in page.data and "exits" in page.data


def test_a_film_has_a_frame_for_every_step(results, tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(load_film, "MOST_FRAMES", 6)
    once, again = (load_film.write_film(results, tmp_path / f"{i}.gif") for i in (0, 1))
    assert once.read_bytes() == again.read_bytes()
    with Image.open(once) as film:
        assert film.n_frames == 6
        shown = []
        for frame in range(6):
            film.seek(frame)
            shown.append(np.asarray(film.convert("RGB"), dtype=int))
    assert all(np.any(a != b) for a, b in zip(shown, shown[1:], strict=False))
    assert {file.name for file in tmp_path.iterdir()} == {"0.gif", "1.gif"}
    with pytest.raises(SimulatorError, match="no film as 'avi'"):
        load_film.write_film(results, tmp_path / "x.avi")


def test_a_video_without_ffmpeg_says_so(results, tmp_path, monkeypatch):
    monkeypatch.setattr(load_film.shutil, "which", lambda _: None)
    with pytest.raises(SimulatorError, match="needs the program ffmpeg"):
        load_film.write_film(results, tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("utilisation", "colour"),
    [(0.0, 0), (0.39, 0), (0.41, 1), (0.79, 1), (0.81, 2), (1.0, 2), (1.01, 3), (4.0, 3)],
)
def test_colours_of_load(utilisation, colour):
    assert load_film.load_colour(utilisation, 0.8) == load_film.LEVELS[colour]
    assert load_film.load_colour(float("nan"), 0.8) == load_film.DOWN


def test_page_and_film_have_the_same_colours():
    style = (HERE / "assets" / "charts.css").read_text(encoding="utf-8")
    for level, colour in enumerate(load_film.LEVELS):
        assert f".link.u{level} {{ stroke: {colour}; }}" in style
    strategies = (HERE / "assets" / "page.css").read_text(encoding="utf-8")
    from simulator.figures.style import COLOURS

    for place, colour in enumerate(COLOURS):
        assert f".s{place} {{ background: {colour}; }}" in strategies


def test_every_asset_is_used():
    assert {file.name for file in (HERE / "assets").iterdir()} == {*STYLES, *SCRIPTS}


# -- on the command line ------------------------------------------------------------------------


def test_on_the_command_line(results, tmp_path, monkeypatch):
    monkeypatch.setattr(run_report, "drawn_pictures", lambda *_: [])
    done = shell("report", results.folder, "--out", tmp_path / "page.html")
    assert done.stdout == f"{tmp_path / 'page.html'}\n"
    assert Page(tmp_path / "page.html").data["time"]["replications"] == 2
    quiet = shell("report", results.folder, "--map-only", "--out", tmp_path / "m.html", "--quiet")
    assert quiet.stdout == ""


def test_what_if_repeats_with_its_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "draw", lambda folder: None)
    change = "L'A +20G: links.beijing-la.capacity_gbps=+20"
    shell("whatif", MINI, "--replications", "1", "--set", "horizon_h=2", "--change", change,
          "--out", tmp_path / "w", "--quiet")  # fmt: skip
    page = Page(sim.report(tmp_path / "w"))
    assert "L'A +20G" in page.text and "baseline" in page.text
    assert "On the map, as it is and as it would be" in page.text
    titles = [
        attributes["alt"]
        for tag, attributes in page.elements
        if tag == "img" and attributes["alt"].startswith("How full is every link")
    ]
    at_s = LoadMap().data(Results(tmp_path / "w" / "baseline")).at_s
    assert len(titles) == 2 and all(f"{at_s // 3600:02.0f}:" in title for title in titles)
    command = read_answer(tmp_path / "w")["command"]
    assert command in page.text
    monkeypatch.chdir(tmp_path / "w")
    shell(*shlex.split(command)[1:], "--quiet")
    once, again = (pd.read_csv(tmp_path / each / "whatif.csv") for each in ("w", "again"))
    pd.testing.assert_frame_equal(once, again)
    assert Results(tmp_path / "again" / "baseline").days == 1


def test_a_run_with_prices_says_what_transit_costs(results, page, tmp_path):
    assert "What transit costs" not in page.text
    shell("bill", MINI, "--replications", "1", "--set", "horizon_h=2",
          "--set", "exits.*.price_usd_per_mbps=0.5", "--out", tmp_path / "b",
          "--quiet")  # fmt: skip
    text = Page(sim.report(tmp_path / "b")).text
    sentence = " ".join(sim.bill(tmp_path / "b").sentence.split())
    assert "What transit costs" in text and sentence in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_link_without_capacity_is_on_the_map_of_a_page():
    links = [("ab", "a", "b", 0.0), ("bc", "b", "c", 20.0)]
    graph = make_tiny(*links).graph
    for node, (lon, lat) in {"a": (-9.1, 38.7), "b": (-3.7, 40.4), "c": (2.35, 48.85)}.items():
        graph.nodes[node].update(lon=lon, lat=lat)
    drawn = MapData.of(Network(graph, "idle"))
    (view,) = views_of(drawn)
    lines = view_data(drawn, view, links_of_bundles(drawn.network))["lines"]
    assert [(line["links"], line.get("idle", False)) for line in lines] == [
        ([1], False),
        ([0], True),
    ]
