"""Reports in a real browser: nothing leaves the page, and controls change what they should.

They need Chromium (Debian's, ``apt-get install chromium``) and the Python package playwright; the
check of accessibility needs axe-core, which ``.ci/run`` puts into ``build/``. They are skipped, and
say so, where these are not there.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from chromium import AXE, CHROMIUM, DESKTOP, PHONE, started
from conftest import MINI
from report_cases import EXITS, STATIC, Page, hostile_run, shell

import simulator as sim

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.fixture(scope="module")
def browser():
    with started(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return hostile_run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def report(results):
    return sim.report(results)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "failures"
    shell("failures", MINI, "--of", "cables", "--out", folder, "--quiet")
    return sim.report(folder)


class Seen:
    """A page in the browser, and what it did that it should not."""

    def __init__(self, browser, file, size, **options):
        self.context = browser.new_context(viewport=size, **options)
        self.page = self.context.new_page()
        self.wrong, self.requests = [], []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"alert {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def check(self):
        """Assert that nothing went wrong and nothing was fetched; close the page."""
        self.page.wait_for_timeout(50)
        self.context.close()
        assert self.wrong == []
        fetched = [url for url in self.requests if not url.startswith("data:")]
        assert len(fetched) == 1 and fetched[0].startswith("file:")


@pytest.fixture
def seen(browser, report):
    made = Seen(browser, report, DESKTOP)
    yield made.page
    made.check()


def until(page, condition):
    """Wait until a condition holds; the policy of the page forbids what playwright has for it."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never {condition}")


def text(page, selector):
    return " ".join(page.inner_text(selector).split())


# -- the page of a run --------------------------------------------------------------------------


def test_hostile_names_are_shown_and_harm_nothing(seen):
    assert seen.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert STATIC in text(seen, "#comparison")
    options = seen.locator("#exit option").all_inner_texts()
    assert any(EXITS["beijing-la"] in option for option in options)
    assert seen.title().startswith("Day <script>alert(1)</script>")


def test_the_slider_moves_table_map_and_curves(seen, results):
    exits = results.exits
    for frame in (0, 14, 47):
        seen.locator("#time").fill(str(frame))
        time_s = frame * 1800.0
        assert text(seen, "#clock") == f"{frame // 2:02d}:{30 * (frame % 2):02d}"
        means = exits[exits["time_s"] == time_s].groupby(
            ["exit", "strategy", "direction"], observed=True
        )["utilisation"].mean()  # fmt: skip
        for row in seen.locator("#exits-now tbody tr").all():
            name, _, *cells = (" ".join(c.split()) for c in row.locator("th,td").all_inner_texts())
            wanted = [means[name, s, way] for s in results.strategies for way in ("out", "in")]
            found = [float(cell[:-2]) if cell != "down" else np.nan for cell in cells]
            assert np.allclose(found, 100 * np.array(wanted), atol=0.51, equal_nan=True)
    assert text(seen, "#readout").startswith("23:30")


def test_the_fullest_exit_of_a_panel_is_that_of_the_table(seen, results):
    links = results.links
    seen.locator("#time").fill("42")
    own = links[
        (links["time_s"] == 42 * 1800.0) & links["class"].isin(["exit", "overseas", "access"])
    ]
    means = own.groupby(["strategy", "link", "source"], observed=True)["utilisation"].mean()
    for panel, strategy in zip(seen.locator(".panel").all(), results.strategies, strict=True):
        top = means[strategy].max()
        shown = " ".join(panel.locator(".worst").inner_text().split())
        assert shown.endswith(f" {100 * top:.0f} %")


def test_playing_moves_on_and_stops(seen):
    seen.locator("#time").fill("40")
    seen.select_option("#speed", "30")
    seen.click("#play")
    assert text(seen, "#play") == "Pause"
    until(seen, "document.getElementById('time').value === '47'")
    assert text(seen, "#play") == "Play"
    seen.locator("#time").fill("3")
    seen.focus("#play")
    seen.keyboard.press("Enter")
    until(seen, "Number(document.getElementById('time').value) > 4")
    seen.keyboard.press("Enter")
    assert text(seen, "#play") == "Play"
    stopped = seen.locator("#time").input_value()
    seen.wait_for_timeout(150)
    assert seen.locator("#time").input_value() == stopped


def test_strategies_come_and_go(seen):
    lines = "#chart path.line"
    assert seen.locator(lines).count() == seen.locator(".panel").count() == 2
    seen.uncheck("#lines input[data-strategy='0']")
    assert seen.locator(lines).count() == 1
    assert seen.locator(f"{lines}[data-strategy='1']").count() == 1
    seen.uncheck("#shown input[data-strategy='1']")
    assert seen.locator(".panel").count() == 1
    assert STATIC in text(seen, ".panel figcaption")


def test_maps_stand_in_line_whatever_the_length_of_their_captions(seen):
    caption = (
        "document.querySelector('.panel figcaption b').textContent = 'a long name '.repeat(30)"
    )
    seen.evaluate(caption)
    heads, maps = (
        [box.bounding_box() for box in seen.locator(f".panel > {each}").all()]
        for each in ("figcaption", "svg")
    )
    assert len(maps) == 2 and maps[0]["y"] == maps[1]["y"]
    assert heads[0]["height"] > 2 * heads[1]["height"]
    assert all(head["y"] + head["height"] <= maps[0]["y"] for head in heads)


def test_a_failure_is_marked_and_can_be_gone_to(seen):
    buttons = seen.locator("#happened button")
    assert buttons.count() == 2
    seen.locator("#time").fill("2")
    assert seen.locator(".panel .link.down").count() == 0
    buttons.first.click()
    assert text(seen, "#clock") == "06:00"
    assert seen.locator(".panel").first.locator(".link.down").count() == 1
    marks = seen.locator(".panel").first.locator(".sign").all_text_contents()
    assert marks.count("✕") == 1 and marks.count("▼") == 0
    buttons.nth(1).click()
    marks = seen.locator(".panel").first.locator(".sign").all_text_contents()
    assert marks.count("▼") == 1 and marks.count("✕") == 0
    assert seen.locator(".tick").count() == 2


def test_the_map_is_walked_with_the_keyboard(seen, results):
    seen.locator("#time").fill("14")  # an exit is down
    seen.locator(".panel svg").first.focus()
    seen.keyboard.press("ArrowRight")
    assert ", down." in text(seen, "#about") and "<script>" in text(seen, "#about")
    seen.keyboard.press("ArrowRight")
    first = text(seen, "#about")
    found = [float(each) for each in re.findall(r"([\d.]+) %", first)]
    links = results.links[results.links["time_s"] == 14 * 1800.0]
    means = links.groupby(["strategy", "link", "source"], observed=True)["utilisation"].mean()
    name = first.split(". ", 1)[1].rsplit(" (exit)", 1)[0]
    wanted = [u for s in results.strategies for u in means[s].xs(name, level="link")]
    assert sorted(found) == pytest.approx(sorted(100 * np.array(wanted)), abs=0.51)
    seen.keyboard.press("Escape")
    assert text(seen, "#about").startswith("Point at a link")


def test_pointing_at_a_link_and_at_a_curve_says_numbers(seen):
    seen.evaluate("document.querySelector('.panel .hit').dispatchEvent(new Event('pointerenter'))")
    assert " Gbps" in text(seen, "#about")
    chart = seen.locator("#chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    seen.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = text(seen, ".tip")
    assert re.match(r"1[12]:[03]0 ", tip) and tip.count("%") == 2
    seen.mouse.move(0, 0)
    assert not seen.locator(".tip").is_visible()


def test_curves_zoom_by_button_key_and_pointer(seen):
    def labels():
        return seen.locator("#chart text.axis").all_text_contents()

    whole = labels()
    seen.click("#nearer")
    near = labels()
    assert near != whole
    seen.click("#whole")
    assert labels() == whole
    seen.focus("#chart")
    seen.keyboard.press("+")
    assert labels() == near
    seen.keyboard.press("0")
    assert labels() == whole
    seen.keyboard.press("Home")
    seen.keyboard.press("ArrowRight")
    assert text(seen, "#clock") == "00:30"
    chart = seen.locator("#chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    y = box["y"] + box["height"] / 2
    seen.mouse.move(box["x"] + 200, y)
    seen.mouse.down()
    seen.mouse.move(box["x"] + 500, y)
    seen.mouse.up()
    assert labels() != whole


def test_an_exit_is_chosen_by_list_and_by_its_small_chart(seen):
    seen.select_option("#exit", "-1")
    assert "the fullest exit of each moment" in text(seen, "#readout")
    button = seen.locator("#small button").nth(2)
    name = button.inner_text()
    button.click()
    assert name in text(seen, "#readout")


def test_tables_are_sorted_by_numbers(seen):
    table = seen.locator("#worst table.sortable").first
    button = table.locator("thead button").nth(3)
    for order in (-1, 1):
        button.click()
        keys = [
            float(cell.get_attribute("data-key")) for cell in table.locator("td[data-key]").all()
        ]
        assert keys == sorted(keys, reverse=order < 0)
    assert table.locator("th[aria-sort=ascending]").count() == 1


def test_worst_moments_lead_to_their_time(seen):
    button = seen.locator("button.go").first
    button.click()
    assert text(seen, "#clock") == button.inner_text()


def test_every_figure_of_an_exit_is_that_of_the_summary(seen, results):
    rows = json.loads((results.folder / "summary.json").read_text(encoding="utf-8"))
    wanted = {
        (row["scope"], row["metric"].rsplit("_", 1)[1], row["strategy"]): row["mean"]
        for row in rows
        if row["metric"].startswith("exit_utilisation_") and row["scope"].startswith("exit:")
    }
    found = seen.evaluate(
        "[...document.querySelectorAll('.exits tbody tr')].map((row) => [row.cells[0].textContent,"
        " ...[...row.cells].slice(2).map((cell) => Number(cell.dataset.key))])"
    )
    assert len(found) == 18
    for name, *values in found:
        exit_id, way = name.rsplit(" ", 1)
        keys = [(f"exit:{exit_id}:{way}", word, strategy)
                for word in ("peak", "p95", "mean") for strategy in results.strategies]  # fmt: skip
        assert values == [wanted[key] for key in keys]


# -- phones, print, readers ---------------------------------------------------------------------


def pages(report, study):
    return {"run": report, "study": study}


@pytest.mark.parametrize("which", ["run", "study"])
def test_on_a_phone_nothing_scrolls_sideways(browser, report, study, which):
    made = Seen(browser, pages(report, study)[which], PHONE, has_touch=True, is_mobile=True)
    made.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert made.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if which == "run":
        wide = made.page.evaluate("document.querySelector('.panel').getBoundingClientRect().width")
        assert 300 < wide <= PHONE["width"]
    made.check()


@pytest.mark.parametrize("which", ["run", "study"])
def test_in_print_all_is_open_and_controls_are_gone(browser, report, study, which, tmp_path):
    made = Seen(browser, pages(report, study)[which], DESKTOP)
    file = tmp_path / "page.pdf"
    made.page.pdf(path=file, format="A4", print_background=True)
    held = file.read_bytes()
    assert held.startswith(b"%PDF") and 2 <= len(re.findall(rb"/Type\s*/Page\b", held)) <= 40
    made.page.emulate_media(media="print")
    if which == "run":
        assert not made.page.locator("#play").is_visible()
        assert made.page.locator(".panel").first.is_visible()
        assert made.page.locator("#chart path.line").first.is_visible()
    assert made.page.locator(".command").is_visible()
    made.check()


@pytest.mark.parametrize(
    ("which", "size"),
    [("run", DESKTOP), ("run", PHONE), ("study", DESKTOP)],
    ids=["run-desktop", "run-phone", "study-desktop"],
)
@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core in build/ (.ci/run puts it there)")
def test_axe_finds_no_serious_fault(browser, report, study, which, size):
    made = Seen(browser, pages(report, study)[which], size, bypass_csp=True)
    made.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    made.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = made.page.evaluate("axe.run().then((result) => result.violations)")
    faults = [
        (each["id"], each["impact"], [node["html"][:120] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    made.check()
    assert faults == []


def test_every_control_is_reached_by_the_tab_key(browser, report):
    made = Seen(browser, report, DESKTOP)
    reached = set()
    for _ in range(60):
        made.page.keyboard.press("Tab")
        reached.add(
            made.page.evaluate("document.activeElement.id || document.activeElement.tagName")
        )
    assert {"play", "time", "speed", "exit", "nearer", "farther", "whole", "chart"} <= reached
    made.check()


def test_the_map_alone_plays(browser, results):
    made = Seen(browser, sim.report(results, map_only=True), DESKTOP)
    start = made.page.locator("#time").input_value()
    exits = results.exits.groupby(["time_s", "strategy", "exit", "direction"], observed=True)
    means = exits["utilisation"].mean().groupby("time_s").max()
    assert means.iloc[int(start)] == pytest.approx(means.max(), abs=0.0051)
    made.page.locator("#time").fill("0")
    made.page.click("#play")
    until(made.page, "Number(document.getElementById('time').value) > 1")
    made.check()


def test_a_script_that_came_in_a_name_would_not_run(browser, report, tmp_path):
    """Even if a name were not escaped, the policy of the page would stop it."""
    file = tmp_path / "bad.html"
    source = report.read_text(encoding="utf-8")
    file.write_text(source.replace("<main ", "<script>window.bad = 1</script><main ", 1))
    made = Seen(browser, file, DESKTOP)
    assert made.page.evaluate("window.bad === undefined")
    assert any("Content Security Policy" in each for each in made.wrong)
    made.context.close()


def test_an_image_of_a_picture_shows_it(browser, study):
    made = Seen(browser, study, DESKTOP)
    sizes = made.page.evaluate("[...document.images].map((i) => [i.naturalWidth, i.naturalHeight])")
    assert sizes and all(min(size) > 100 for size in sizes)
    kinds = {Path(a["src"].split(";")[0]).name for t, a in Page(study).elements if t == "img"}
    assert kinds == {"svg+xml"}
    for _, attributes in [each for each in Page(study).elements if each[0] == "img"]:
        held = base64.b64decode(attributes["src"].split(",", 1)[1])
        assert b"<script" not in held
    made.check()
