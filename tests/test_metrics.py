"""The catalogues: what is declared is written and listed everywhere, and nothing else is."""

import importlib.util
import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import MINI

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.recording import metrics as package
from simulator.results.metrics import ORDER, Metrics, metric
from simulator.results.tables import TABLES, Column, table
from simulator.results.writer import TableWriter, merge, write_csv, write_figures

ROOT = Path(__file__).parent.parent
ELASTIC = {"web": {"share": 0.5, "elastic": True}, "bulk": {"share": 0.5}}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run that has every metric: with exits, services of which one is elastic, and a bound."""
    changes = {
        "horizon_h": 1,
        "step_s": 900,
        "replications": 2,
        "events": [{"at_h": 0.5, "link": "beijing-la"}],
        "traffic.services": ELASTIC,
        "strategies": {
            "static": {"scheme": "nearest_exit"},
            "sdn": {"scheme": "min_latency", "control": {"every_s": 900}},
            "bound": {"scheme": "clairvoyant"},
        },
    }
    scenario = sim.load(MINI).with_changes(changes)
    return sim.run(scenario, out=tmp_path_factory.mktemp("metrics") / "mini")


# -- the catalogue of metrics ---------------------------------------------------------------------


def test_a_run_has_the_metrics_that_are_declared_with_their_units_and_scopes(results):
    summary, network = results.summary, sim.load(MINI).network
    # No neighbour chooses here, and no exit has a price.
    left_out = {each.name for each in metric if each.file in ("inbound", "transit", "carried")}
    assert set(summary["metric"]) == set(metric.names()) - left_out
    kinds = {"all": "all", **dict.fromkeys(ELASTIC, "service")}
    kinds |= dict.fromkeys(("domestic", "international_in", "international_out"), "class")
    kinds |= dict.fromkeys(np.array(network.nodes)[network.is_abroad], "region")
    classes = set(network.link_class) - {"exit"}
    for (name, unit), rows in summary.groupby(["metric", "unit"]):
        assert unit == metric[name].unit
        found = {
            "exit" if scope.startswith("exit:") else
            "exits" if scope.startswith("exits:") else
            "link class" if name == "mlu_peak" and scope in (*classes, "exit") else kinds[scope]
            for scope in rows["scope"]
        }  # fmt: skip
        assert found == set(metric[name].scopes), name


def test_rows_stand_in_the_order_of_the_catalogue(results):
    rows = results.summary[results.summary["strategy"] == "bound"]
    files = [metric[name].file for name in rows["metric"]]
    assert list(dict.fromkeys(files)) == [
        f for f in ORDER if f not in ("inbound", "transit", "carried")
    ]
    assert files == sorted(files, key=ORDER.index), "file by file"
    for name in set(files):
        mine = rows["scope"][[file == name for file in files]]
        scopes = [scope for scope, _ in itertools.groupby(mine)]
        assert len(scopes) == len(set(scopes)), "within a file, scope by scope"
    whole = rows[rows["scope"] == "all"]
    here = [each.name for each in metric if each.file not in ("inbound", "transit", "carried")]
    assert whole["metric"].tolist() == here


def test_every_metric_says_what_it_is():
    described = dict(metric.describe())
    assert list(described) == metric.names()
    for each in metric:
        assert each.better in ("lower", "higher", "neither")
        assert each.scopes and each.unit
        assert re.fullmatch(r"[A-Z].*\.", each.sentence), each.name
        assert described[each.name] == each.sentence


def test_a_metric_is_found_by_the_tree_alone():
    # Who looks for the p95 of an exit opens recording, metrics, exits.
    text = (Path(package.__file__).parent / "exits.py").read_text(encoding="utf-8")
    assert "def exit_utilisation_p95(" in text
    for name in ORDER:
        assert (Path(package.__file__).parent / f"{name}.py").is_file()


def test_two_metrics_of_one_name_are_refused():
    two = Metrics("simulator.recording.metrics")
    declare = two("same", unit="1", scopes=("all",), better="lower", sentence="It.")
    declare(lambda totals: [])
    with pytest.raises(ValueError, match="two metrics are named 'same'"):
        two("same", unit="1", scopes=("all",), better="lower", sentence="It.")(lambda totals: [])


DROPPED = '''
"""Night: how full the exits are for the lower half of the time."""

from simulator.results.metrics import metric
from simulator.results.statistics import weighted_quantiles


@metric(
    "exit_utilisation_p50",
    unit="1",
    scopes=("all", "exits", "exit"),
    better="lower",
    sentence="Utilisation that is not exceeded for half of the time.",
)
def exit_utilisation_p50(totals):
    """Yield the median of every exit's utilisation."""
    for scope, each in totals.exits.items():
        yield scope, weighted_quantiles(each.utilisation, each.seconds, [0.5])[0]
'''


@pytest.fixture
def night(tmp_path, monkeypatch):
    """One more file of metrics, for a while."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "night.py").write_text(DROPPED)
    metric.names()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.setattr(metric, "_declared", dict(metric._declared))
    monkeypatch.setattr(metric, "_discovered", False)
    yield
    del sys.modules[f"{package.__name__}.night"], package.night


def test_a_metric_is_added_by_dropping_in_one_file(tmp_path, night):
    sentence = "Utilisation that is not exceeded for half of the time."
    scenario = sim.load(MINI).with_changes({"horizon_h": 1, "step_s": 900, "replications": 2})
    pages = ROOT / "docs"
    results = sim.run(scenario, out=tmp_path / "out")
    frame = sim.compare(results, metrics=["exit_utilisation_p50"]).frame
    assert dict(metric.describe())["exit_utilisation_p50"] == sentence, "listed like this"
    spec = importlib.util.spec_from_file_location("renew", pages / "renew.py")
    renew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(renew)
    page = renew.with_tables((pages / "results.md").read_text(encoding="utf-8"))
    files = ("replications.csv", "summary.csv", "differences.csv")
    tables = {file: pd.read_csv(tmp_path / "out" / file) for file in files}
    for file, rows in (*tables.items(), ("frame", frame)):
        mine = rows[rows["metric"] == "exit_utilisation_p50"]
        assert len(mine) and set(mine["unit"].astype(str)) == {"1"}, file
    exits = tables["summary.csv"].query("metric == 'exit_utilisation_p50'")
    assert exits["scope"].nunique() == 3 + 18, "every exit in both directions, and the hottest"
    assert f"| `exit_utilisation_p50` | 1 | all, exits, exit | lower | {sentence} | plain |" in page


def test_a_comparison_shows_more_metrics_if_asked(results):
    plain, more = sim.compare(results), sim.compare(results, metrics=["moves", "headroom"])
    added = set(more.frame["metric"]) - set(plain.frame["metric"])
    assert added == {"moves"}, "headroom is always shown, and stands there once"
    assert more.frame["metric"].tolist().count("headroom") == 3
    with pytest.raises(SimulatorError, match="no metric 'move' is declared; did you mean 'moves'"):
        sim.compare(results, metrics=["move"])


# -- what is not declared is not written ----------------------------------------------------------


def figures(name, unit):
    columns = ["replication", "strategy", "metric", "scope", "unit", "value"]
    return pd.DataFrame([(0, "static", name, "all", unit, 1.0)], columns=columns)


@pytest.mark.parametrize(
    ("name", "unit", "message"),
    [
        ("mlu_peek", "1", "no metric 'mlu_peek' is declared; did you mean 'mlu_peak'?"),
        ("mlu_peak", "%", "metric 'mlu_peak' is declared in '1', not in '%'"),
    ],
)
def test_a_metric_that_is_not_declared_is_refused(tmp_path, name, unit, message):
    with pytest.raises(SimulatorError, match=re.escape(message)):
        write_figures(tmp_path, figures(name, unit))
    with TableWriter(tmp_path, 0, 0, "static") as writer:
        with pytest.raises(SimulatorError, match=re.escape(message)):
            writer.add_figures([(name, "all", unit, 1.0)])
    assert not list(tmp_path.iterdir())


TIME, EVENT = np.array([1.0]), np.array(["it"], dtype=object)


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("flows", {"time_s": TIME}, "no table 'flows' is declared"),
        ("event", {"time_s": TIME}, "no table 'event' is declared; did you mean 'events'?"),
        ("events", {"time_s": TIME, "evnt": EVENT},
         "table 'events' declares no column 'evnt'; did you mean 'event'?"),
        ("events", {"time_s": TIME}, "table 'events' lacks its column 'event'"),
        ("events", {"event": EVENT, "time_s": TIME}, "table 'events' has its columns in another"),
    ],
)  # fmt: skip
def test_a_table_or_column_that_is_not_declared_is_refused(tmp_path, name, columns, message):
    with TableWriter(tmp_path, 0, 0, "static") as writer:
        with pytest.raises(SimulatorError, match=re.escape(message)):
            writer.add(name, columns)
    assert not list(tmp_path.iterdir())


def test_a_csv_that_is_not_declared_is_refused(tmp_path):
    with pytest.raises(SimulatorError, match="no table 'points' is declared"):
        write_csv(tmp_path, "points", figures("mlu_peak", "1"))
    with pytest.raises(SimulatorError, match="table 'replications' declares no column 'kind'"):
        write_csv(tmp_path, "replications", figures("mlu_peak", "1").assign(kind="x"))
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_kind_is_declared_and_written(tmp_path):
    columns = [Column("size_gbit", "Gbit", "Volume."), Column("flow", "", "Id.", optional=True)]
    try:
        table("flows", "A row for each flow.", columns)
        for replication in (0, 1):
            folder = tmp_path / "parts" / str(replication)
            folder.mkdir(parents=True)
            with TableWriter(folder, replication, 0, "static") as writer:
                writer.add("flows", {"size_gbit": TIME})
        merge(tmp_path / "parts", tmp_path)
        written = pd.read_parquet(tmp_path / "flows.parquet")
        assert written.columns.tolist() == ["replication", "strategy", "size_gbit"]
        assert written["replication"].tolist() == [0, 1]
        with pytest.raises(ValueError, match="two tables are named 'flows'"):
            table("flows", "A row for each other flow.", columns)
    finally:
        TABLES.pop("flows", None)


def test_every_table_of_a_run_has_its_columns_and_units(results):
    for each in TABLES.values():
        names = [column.name for column in each.columns]
        if each.file and (results.folder / each.file).exists():
            found = results.table(each.name).columns.tolist()
            assert found == [name for name in names if name in found]
        for column in each.columns:
            assert column.sentence
            for suffix, unit in (("_gbps", "Gbps"), ("_ms", "ms"), ("_s", "s"), ("_gbit", "Gbit")):
                compound = column.name.endswith(("_gbps_ms", "_per_gbps"))
                if column.name.endswith(suffix) and not compound:
                    assert column.unit == unit, column.name
    with pytest.raises(SimulatorError, match="no table 'link' is declared; did you mean 'links'"):
        results.table("link")
