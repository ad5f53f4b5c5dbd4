"""Every example of docs/adding.md is dropped in as one file, is listed, and runs."""

import ast
import importlib
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from dropin import dropped_in
from matplotlib import pyplot

import simulator as sim
from simulator.model.faults import Fault

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
FILES = re.findall(r"<!-- dropped: ([\w.]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL)
(KEYS,) = re.findall(r"^keys = (\{.*?^\})$", PAGE, re.DOTALL | re.MULTILINE)


def registry_of(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def registries():
    with ExitStack() as stack:
        found = {}
        for path, source in FILES:
            registry = found[path] = registry_of(path)
            stack.enter_context(dropped_in(registry, "added_by_a_page", source))
        yield found


@pytest.fixture(scope="module")
def results(registries):
    return sim.run(sim.load(ast.literal_eval(KEYS)))


def test_every_example_is_listed_with_its_docstring(registries):
    assert len(registries) == len(FILES) == 8
    for path, source in FILES:
        name = re.search(r'^@\w+\("(\w+)"\)', source, re.MULTILINE)[1]
        (cls,) = (each for each in ast.parse(source).body if isinstance(each, ast.ClassDef))
        sentence = ast.get_docstring(cls).partition("\n")[0]
        assert dict(registries[path].describe())[name] == sentence


def test_one_run_uses_all_of_them(results):
    network = sim.load_network("china169-mini")
    rows = results.demands.query("strategy == 'static' and time_s == 0")
    home, abroad = int((~network.is_abroad).sum()), int(network.is_abroad.sum())
    pairs = home * (home - 1) + 2 * home * abroad
    assert rows["offered_gbps"].sum() == pytest.approx(0.7 * 0.2 * pairs)
    links = results.links.query("strategy == 'static' and time_s == 0 and utilisation > 0.001")
    assert links["queueing_ms"].to_numpy() == pytest.approx(4 * links["utilisation"] ** 2, rel=1e-6)
    assert results.run["scenario"]["strategies"]["sdn"]["control"]["carried_by"]["kind"] == (
        "largest"
    )


def test_the_fault_takes_all_exits_to_a_place(registries):
    network = sim.load_network("china169-mini")
    after = network.after([Fault("landing", "pop-tokyo")])
    down = {network.links[arc // 2] for arc in np.flatnonzero(network.up & ~after.up)}
    assert down == {"beijing-tokyo", "shanghai-tokyo"}


def test_each_demand_has_one_exit(results):
    base = sim.load(ast.literal_eval(KEYS)).with_changes({"record": {"decisions": True}})
    table = sim.run(base).table("routes")
    keys = ["replication", "strategy", "time_s", "source", "target"]
    counts = table.groupby(keys, observed=True).size()
    assert len(counts) and (counts == 1).all()


def test_the_figure_is_drawn(results):
    pyplot.switch_backend("agg")
    ax = results.plot.latency_bars()
    heights = [patch.get_height() for patch in ax.patches]
    expected = [results.figure(name, "latency_ms_mean") for name in results.strategies]
    np.testing.assert_allclose(heights, expected)
    pyplot.close("all")


def test_every_kind_stands_in_the_table():
    rows = re.findall(r"^\| [\w ]+ \| `(simulator/[\w/]+)` ?(?:\(.*?\))? \| (.*?) \|", PAGE, re.M)
    assert len(rows) == 14
    for folder, _ in rows:
        assert (ROOT / folder).is_dir(), folder
    for path in re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE):
        assert (ROOT / "simulator" / path).is_file() or (ROOT / path).is_file(), path
