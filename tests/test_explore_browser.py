"""The live page in a real browser: controls change what they should, and nothing goes elsewhere.

See ``test_report_browser.py`` for what they need; they are skipped, and say so, without it.
"""

from __future__ import annotations

import numpy as np
import pytest
from chromium import AXE, CHROMIUM, DESKTOP, PHONE, started
from conftest import MINI
from explore_cases import ask, served
from report_cases import EVIL, EXITS, STATIC, hostile_file

import simulator as sim

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.fixture(scope="module")
def browser():
    with started(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def scenario():
    return sim.load(MINI)


@pytest.fixture(scope="module")
def server(scenario):
    with served(scenario, MINI) as made:
        yield made


class Live:
    """A live page in the browser, and what it did that it should not."""

    def __init__(self, browser, server, size=DESKTOP, **options):
        self.server = server
        self.context = browser.new_context(viewport=size, **options)
        self.page = self.context.new_page()
        self.wrong, self.requests = [], []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"alert {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(server.address)
        self.rest()

    def rest(self):
        """Wait until the whole day is worked out."""
        self.until("document.getElementById('working').textContent.startsWith('The day is')")

    def until(self, condition):
        """Wait until a condition holds; the policy of the page forbids what playwright has."""
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never {condition}")

    def text(self, selector):
        return " ".join(self.page.inner_text(selector).split())

    def check(self, expected=()):
        """Assert that nothing went wrong and nothing went elsewhere; close the page."""
        self.page.wait_for_timeout(50)
        self.context.close()
        assert self.wrong == list(expected)
        fetched = [url for url in self.requests if not url.startswith("data:")]
        assert fetched and all(url.startswith(self.server.address) for url in fetched)


@pytest.fixture
def live(browser, server):
    made = Live(browser, server)
    yield made
    made.check()


def wanted(server, scenario, strategy, **state):
    """What the row of a strategy says of the fullest exit at 21:00."""
    status, found = ask(server, "answer", strategy=strategy, at_h=21.0, **state)
    assert status == 200
    load, capacity = np.array(found["load_gbps"]), np.array(found["capacity_gbps"])
    exits = np.repeat(scenario.network.link_class == "exit", 2) & (capacity > 0)
    most = np.where(exits, load / np.where(capacity > 0, capacity, 1.0), -1.0)
    return f"{100 * most.max():.0f} %"


def row(live, place=0):
    return " ".join(live.page.locator("#figures-table tbody tr").nth(place).inner_text().split())


def at_nine(live):
    live.page.locator("#time").fill("21")
    live.rest()


def test_it_opens_as_stated_and_works_out_the_day(live, server, scenario):
    at_nine(live)
    assert wanted(server, scenario, "static") in row(live)
    assert live.text("#sentence").startswith("21:00, as stated: static fills")
    assert live.text("#yaml") == "" and live.page.locator("#copy-yaml").is_disabled()
    assert "not worked out" not in live.text("#readout")
    assert live.page.locator("#chart path.line").count() == 4
    assert live.page.locator(".panel").count() == 2


def test_a_cable_is_cut_in_the_list(live, server, scenario):
    at_nine(live)
    live.page.locator("#cables label", has_text="TPE").locator("input").check()
    live.rest()
    state = {"failed": {"cable": ["TPE"]}}
    assert wanted(server, scenario, "static", **state) in row(live)
    assert "points on" in row(live) and "cable TPE down" in live.text("#sentence")
    assert '"cable": "TPE"' in live.text("#yaml") and "whatif" in live.text("#command")
    marks = live.page.locator(".panel").first.locator(".sign").all_text_contents()
    assert "▼" in marks
    live.page.click("#reset")
    live.rest()
    assert wanted(server, scenario, "static") in row(live) and "as stated" in row(live)
    assert live.text("#yaml") == ""


CLICKED = """(which) => {
  const map = report.data.map;
  const lines = [...document.querySelectorAll('.panel')[0].querySelectorAll('.hit')];
  const has = (line) => line.links.some((link) => map.ids[link] === which);
  const at = map.views[0].lines.findIndex(has);
  lines[at].dispatchEvent(new MouseEvent('click', { bubbles: true }));
}"""


def test_a_click_on_the_map_cuts_its_cables_one_by_one_and_mends_them(live):
    shares = sim.load(MINI).network.attributes("beijing-la")["cables"]
    order = sorted(shares, key=lambda cable: -shares[cable])
    for count in range(1, len(order) + 1):
        live.page.evaluate(CLICKED, "beijing-la")
        live.rest()
        for cable in order[:count]:
            assert live.page.locator("#cables label", has_text=cable).locator("input").is_checked()
        assert f"{count} down" in live.text("#cable-count")
    live.page.evaluate(CLICKED, "beijing-la")
    live.rest()
    assert live.text("#cable-count") == ""


def test_the_keyboard_cuts_what_it_walked_to(live):
    live.page.locator(".panel svg").first.focus()
    live.page.keyboard.press("ArrowRight")
    assert "Gbps" in live.text("#about")
    live.page.keyboard.press("Enter")
    live.rest()
    assert "1 down" in live.text("#cable-count") + live.text("#link-count")


def test_capacity_growth_and_target_move_what_they_should(live, server, scenario):
    at_nine(live)
    number = live.page.locator("#capacities .move", has_text="shanghai-la").locator(
        "input[type=number]"
    )
    number.fill("88")
    number.press("Tab")
    live.page.locator("#growth").fill("1.5")
    live.page.wait_for_timeout(200)
    live.rest()
    state = {"exits": {"shanghai-la": 88.0}, "international": 1.5}
    assert wanted(server, scenario, "static", **state) in row(live)
    assert '"exits.shanghai-la.capacity_gbps": 88' in live.text("#yaml")
    assert "x1.5" in live.text("#yaml")
    live.page.locator("#target-number").fill("55")
    live.page.locator("#target-number").press("Tab")
    live.rest()
    assert "55 % (target)" in live.text("#map-key")
    live.page.click("#reset-exits")
    live.rest()
    assert "capacity_gbps" not in live.text("#yaml")


def test_another_scheme_answers(live, server, scenario):
    at_nine(live)
    live.page.locator("#schemes").evaluate("(list) => { list.parentElement.open = true; }")
    live.page.select_option("#scheme-0", "min_max")
    live.until("document.querySelector('#figures-table tbody').textContent.includes('min_max')")
    live.until("!document.querySelector('#figures-table tbody').textContent.includes('worked out')")
    assert wanted(server, scenario, "static", schemes={"static": "min_max"}) in row(live)
    assert '{"kind": "min_max"}' in live.text("#yaml")


def test_what_is_wrong_is_said_and_the_page_goes_on(browser, server):
    live = Live(browser, server)
    live.page.locator("#growth-number").evaluate("(box) => { box.max = ''; }")
    live.page.locator("#growth-number").fill("1e30")
    live.page.locator("#growth-number").press("Tab")
    live.until("!document.getElementById('letter').hidden")
    assert "demands.international" in live.text("#letter")
    live.page.click("#reset")
    live.rest()
    assert not live.page.locator("#letter").is_visible()
    live.context.close()


def test_slow_strategies_follow_or_wait_for_a_request(browser):
    scenario = sim.load("mini")
    with served(scenario, "mini") as server:
        live = Live(browser, server)
        at_nine(live)
        body = "document.querySelector('#figures-table tbody').textContent"
        live.until(f"!{body}.includes('being worked out')")
        assert wanted(server, scenario, "best_static") in row(live, 0)
        assert "Work it out here" in row(live, 2)
        live.page.locator("#figures-table button", has_text="Work it out here").click()
        live.until(f"!{body}.includes('Work it out here')")
        live.until(f"!{body}.includes('being worked out')")
        assert wanted(server, scenario, "sdn") in row(live, 2)
        live.check()


def test_copying_puts_the_words_on_the_clipboard(browser, server):
    live = Live(browser, server, permissions=["clipboard-read", "clipboard-write"])
    live.page.locator("#cables input").first.check()
    live.rest()
    for button, shown in (("#copy-yaml", "#yaml"), ("#copy-command", "#command")):
        live.page.click(button)
        live.until("document.getElementById('copied').textContent === 'Copied.'")
        held = live.page.evaluate("navigator.clipboard.readText()")
        assert held.split() == live.page.text_content(shown).split() and held
    live.check()


def test_hostile_names_are_shown_and_harm_nothing(browser, tmp_path):
    file = hostile_file(tmp_path)
    with served(sim.load(file), str(file)) as server:
        live = Live(browser, server)
        assert live.page.evaluate("document.querySelectorAll('img').length") == 0
        assert STATIC in live.text("#figures-table") and EVIL in live.text("#sentence")
        assert EXITS["guangzhou-la"] in live.page.text_content("#capacities")
        live.page.locator("#links").evaluate("(list) => { list.parentElement.open = true; }")
        live.page.locator("#links label", has_text=EXITS["beijing-la"]).locator("input").check()
        live.rest()
        assert EXITS["beijing-la"] in live.text("#sentence")
        live.check()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_scrolls_sideways(browser, server, size):
    live = Live(browser, server, size)
    live.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert live.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    live.check()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core in build/ (.ci/run puts it there)")
def test_axe_finds_no_serious_fault(browser, server, size):
    live = Live(browser, server, size, bypass_csp=True)
    live.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    live.page.locator("#cables input").first.check()
    live.rest()
    live.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = live.page.evaluate("axe.run().then((result) => result.violations)")
    faults = [
        (each["id"], each["impact"], [node["html"][:120] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    live.check()
    assert faults == []
