"""Folders that reports are made of, and a reader of pages that needs no browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from conftest import MINI

from simulator.cli import main as cli
from simulator.results.results import Results
from simulator.run import run
from simulator.scenario.load import load

ROOT = Path(__file__).parent.parent
EVIL = "<script>alert(1)</script>"
EXITS = {
    "beijing-la": "'\"><img src=x onerror=alert(2)>",
    "shanghai-hk": "上海—香港 出口 &amp; {{ 7*7 }}",
    "guangzhou-la": EVIL,
}
"""Names that exits have in place of their own."""
CITIES = {"Beijing": f"Beijing {EVIL}", "Tokyo": "東京 \u2028 </style>"}
STATIC = f"static {EVIL}"
HOSTILE = {
    "title": f"Day {EVIL} \"quoted\" 'single' </script><!-- 東京",
    "replications": 2,
    "step_s": 1800.0,
    "events": [
        {"at_h": 6.0, "until_h": 9.0, "link": EXITS["guangzhou-la"]},
        {"at_h": 12.0, "until_h": 15.0, "link": "shanghai-tokyo", "capacity_gbps": 10.0},
    ],
}


def hostile_file(folder: Path) -> Path:
    """Write a scenario on a network whose names are made to break pages."""
    topology = (ROOT / "topologies" / "china169-mini.yaml").read_text(encoding="utf-8")
    for name, other in EXITS.items():
        topology = topology.replace(f"id: {name},", f"id: {json.dumps(other)},")
    for city, other in CITIES.items():
        topology = topology.replace(f"city: {city}", f"city: {json.dumps(other)}")
    for file in (ROOT / "topologies").glob("china169-mini*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "china169-mini.yaml").write_text(topology, encoding="utf-8")
    text = Path(MINI).read_text(encoding="utf-8")
    text = text.replace("topology: china169-mini", "topology: china169-mini.yaml")
    text = text.replace("  static: {", f"  {json.dumps(STATIC)}: {{")
    text = text[: text.index("what_if:")]
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    return folder / "s.yaml"


def hostile_run(folder: Path) -> Results:
    """Play a day of that scenario; one exit fails."""
    return run(load(hostile_file(folder)).with_changes(HOSTILE), out=folder / "run")


def shell(*words: object) -> Any:
    """Run the command line, which has to work."""
    done = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


class Page(HTMLParser):
    """The elements of a page, its text, and the tables in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.source = file.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.cells: list[tuple[str | None, str]] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "td"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append((dict(attrs).get("data-key"), ""))

    def handle_endtag(self, tag: str) -> None:
        """Close what holds no text of the page."""
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if not self.open or self.open[-1] == "td":
            self.words.append(data)
        if self.open and self.open[-1] == "td":
            key, text = self.cells[-1]
            self.cells[-1] = (key, text + data)

    @property
    def text(self) -> str:
        """What a reader sees, on one line."""
        return " ".join(" ".join(self.words).split())

    @property
    def data(self) -> dict[str, Any]:
        """What scripts of the page read."""
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.source)
        assert found
        return dict(json.loads(found[1]))
