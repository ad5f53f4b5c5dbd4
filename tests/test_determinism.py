"""The same question has the same answer, to the last byte, whoever works it out and where."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import MINI

import simulator as sim

ROOT = Path(__file__).parent.parent
CHANGES = {
    "horizon_h": 4,
    "step_s": 1800,
    "replications": 3,
    "events": [
        {"at_h": 1.01, "until_h": 2.5, "cable": "APCN-2"},
        {"at_h": 2.0, "until_h": 3.2, "link": "beijing-la"},
        {"at_h": 3.0, "until_h": 3.6, "controller": "sdn"},
    ],
}


def scenario(**changes):
    return sim.load(MINI).with_changes({**CHANGES, **changes})


def digests(folder):
    """Digest of every file but ``run.json``, which holds the time of day."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(Path(folder).rglob("*"))
        if file.is_file() and file.name != "run.json"
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run and the digests of its files."""
    results = sim.run(scenario(), out=tmp_path_factory.mktemp("first") / "mini")
    return results, digests(results.folder)


def test_all_files_are_looked_at(first):
    _, told = first
    assert set(told) == {
        "links.parquet", "exits.parquet", "demands.parquet", "control.parquet", "headroom.parquet",
        "events.parquet", "recovery.parquet", "around_events.parquet",
        "summary.csv", "summary.json", "differences.csv", "replications.csv",
        "inputs/scenario.yaml", "inputs/topology.yaml", "inputs/demands.csv", "manifest.json",
    }  # fmt: skip


def test_again_in_the_same_process(first, tmp_path):
    results, told = first
    again = sim.run(scenario(), out=tmp_path / "mini")
    assert digests(again.folder) == told
    one, two = ({k: v for k, v in r.run.items() if k != "timings"} for r in (results, again))
    assert one == two


SCRIPT = """
import json, sys
sys.path.insert(0, {tests!r})
import simulator as sim
from test_determinism import digests, scenario
print(json.dumps(digests(sim.run(scenario(), out=sys.argv[1]).folder)))
"""


def test_in_another_process_with_another_hash(first, tmp_path):
    _, told = first
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(tests=str(ROOT / "tests")), str(tmp_path / "mini")],
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout) == told


@pytest.mark.parametrize("kernel", ["Prescott", "Haswell"])
def test_another_kernel_of_blas_moves_no_more_than_last_bits(first, tmp_path, kernel):
    results, _ = first
    subprocess.run(
        [sys.executable, "-c", SCRIPT.format(tests=str(ROOT / "tests")), str(tmp_path / "mini")],
        env={**os.environ, "OPENBLAS_CORETYPE": kernel, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    other = sim.Results(tmp_path / "mini")
    for mine, others in zip(
        (results.summary, results.links, results.exits),
        (other.summary, other.links, other.exits),
        strict=True,
    ):
        pd.testing.assert_frame_equal(mine, others, rtol=1e-13, atol=1e-11)


def test_however_many_workers_with_other_hashes(first, tmp_path, monkeypatch):
    # Two of them: tests/test_cli.py, from the command line.
    _, told = first
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    shared = sim.run(scenario(), out=tmp_path / "mini", workers=3)
    assert digests(shared.folder) == told


def test_another_seed_is_another_draw(first, tmp_path):
    results, told = first
    other = sim.run(scenario(seed=8), out=tmp_path / "mini")
    changed = digests(other.folder)
    assert set(changed) == set(told)
    for file in ("links.parquet", "demands.parquet", "summary.csv", "replications.csv"):
        assert changed[file] != told[file]
    key = ["replication", "strategy", "time_s", "class", "region"]
    ours, theirs = (r.demands.set_index(key)["offered_gbps"] for r in (results, other))
    assert (ours != theirs).all()


def test_replications_are_different_draws_and_stay_as_they_are(first, tmp_path):
    # A fourth replication changes nothing about the first three.
    results, _ = first
    offered = results.figures.query("metric == 'offered_gbit' and scope == 'all'")
    static = offered[offered["strategy"] == "static"]["value"]
    assert static.nunique() == 3
    fewer = sim.run(scenario(replications=2), out=tmp_path / "mini")
    mine = results.figures[results.figures["replication"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(fewer.figures, mine, check_exact=True)
    links = results.links[results.links["replication"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(fewer.links, links, check_exact=True)


def test_strategies_do_not_touch_each_other(first, tmp_path):
    results, _ = first
    settings = results.run["scenario"]["strategies"]
    events = CHANGES["events"][:2]  # the third is for a controller that is not there
    single = {"static": settings["static"]}
    alone = sim.run(scenario(strategies=single, events=events), out=tmp_path / "alone")
    mine = results.figures[results.figures["strategy"] == "static"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.figures, mine, check_exact=True)
    reverse = scenario(strategies=dict(reversed(settings.items())))
    turned = sim.run(reverse, out=tmp_path / "turned")
    key = ["replication", "strategy", "metric", "scope"]
    one, two = (r.figures.set_index(key)["value"].sort_index() for r in (results, turned))
    pd.testing.assert_series_equal(one, two, check_exact=True)


@pytest.mark.parametrize(
    "record", [{"demands": "none", "every": 5}, {"demands": "pair", "every": 1000}]
)
def test_figures_do_not_depend_on_the_record(first, tmp_path, record):
    results, told = first
    other = sim.run(scenario(record=record), out=tmp_path / "mini")
    changed = digests(other.folder)
    for file in ("summary.csv", "differences.csv", "replications.csv", "control.parquet"):
        assert changed[file] == told[file]
    assert ("demands.parquet" in changed) == (record.get("demands") != "none")
    every = record.get("every", 1)
    steps = np.unique(results.links["time_s"])
    assert np.array_equal(np.unique(other.links["time_s"]), steps[::every])


@pytest.mark.parametrize("strategy", ["static", "sdn"])
def test_rows_times_seconds_are_the_volumes(first, strategy):
    results, _ = first
    rows = results.demands[results.demands["strategy"] == strategy]
    figures = results.figures[results.figures["strategy"] == strategy]
    figures = figures.set_index(["replication", "metric", "scope"])["value"]
    for replication, mine in rows.groupby("replication"):
        for column, metric in (("offered_gbps", "offered_gbit"), ("carried_gbps", "carried_gbit")):
            told = figures[replication, metric, "all"]
            assert mine[column].sum() * 1800.0 == pytest.approx(told, rel=1e-9)
            for name, some in mine.groupby("class"):
                told = figures[replication, metric, name]
                assert some[column].sum() * 1800.0 == pytest.approx(told, rel=1e-9)


def trace(results):
    """Digest of all that happened and when: control decisions and events, to the microsecond."""
    lines = [
        f"{row.replication} {row.strategy} {round(row.time_s * 1e6)} {row.layer} {row.trigger}"
        for row in results.control.itertuples()
    ]
    if len(results.events):
        lines += [f"{row.replication} {round(row.time_s * 1e6)} {row.event}"
                  for row in results.events.itertuples()]  # fmt: skip
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_fingerprints(first, tmp_path):
    """If these change, what happens when has changed: say why, and pin them anew."""
    results, _ = first
    assert trace(results) == FINGERPRINTS["with events"]
    assert trace(sim.run(sim.load(MINI), out=tmp_path / "mini")) == FINGERPRINTS["mini"]


FINGERPRINTS = {"with events": (78, "54c9ae3ba663a190"), "mini": (294, "ce3c460c8810ef77")}
