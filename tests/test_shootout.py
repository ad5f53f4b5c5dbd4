"""All schemes on one day, and on the day that TPE is cut: who comes out where."""

import re
from pathlib import Path

import pytest
from conftest import without_headroom

import simulator as sim
from simulator.figures import run_data
from simulator.figures.run_data import drawn_strategies as drawn
from simulator.routing import min_max

SOME = ("shortest-paths", "best-static", "detour", "min-latency", "production", "bound")
#: Regret in ms of the first replication, to what the last digits of a solver may move:
#: of the whole day, and of its first three hours.
PINNED = {
    24: {
        "shortest-paths": 6.7244,
        "best-static": 0.7462,
        "detour": 0.3474,
        "min-latency": 0.4051,
        "production": 0.3069,
        "bound": 0.0,
    },
    3: {
        "shortest-paths": 7.4288,
        "best-static": 0.1701,
        "detour": 0.2021,
        "min-latency": 0.1994,
        "production": 0.3126,
        "bound": 0.0,
    },
}


def only(names, **changes):
    scenario = sim.load("schemes-shootout")
    kept = {name: scenario.resolved()["strategies"][name] for name in names}
    return scenario.with_changes({"strategies": kept, **changes})


def regret(results):
    return {name: results.figure(name, "regret") for name in results.strategies}


def test_every_scheme_is_in_it():
    kinds = {each.scheme.kind for each in sim.load("schemes-shootout").settings.strategies.values()}
    folder = Path(min_max.__file__).parent
    built_in = {
        word
        for file in folder.glob("*.py")
        for word in re.findall(r'^@scheme\("(\w+)"\)', file.read_text(), re.MULTILINE)
    }
    # It is after the bill, not after latency, and needs prices: test_bursts.py.
    built_in.remove("burst_billing")
    assert built_in == kinds, "a new scheme joins the shoot-out"


@pytest.fixture(scope="module", params=[3, pytest.param(24, marks=pytest.mark.slow)])
def played(request):
    hours = request.param
    with without_headroom():
        return hours, sim.run(only(SOME, replications=1, horizon_h=hours))


def test_a_few_of_them(played):
    hours, results = played
    found = regret(results)
    assert found == pytest.approx(PINNED[hours], rel=1e-3)
    assert found["bound"] == 0.0 < min(found[name] for name in SOME[:-1])
    assert results.figure("best-static", "mlu_peak") < results.figure("shortest-paths", "mlu_peak")
    told = str(sim.compare(results)).partition("regret, ms")[2]  # below the headings
    order = sorted(SOME, key=found.get)
    places = [told.index(f" {name} ") for name in order]
    assert places == sorted(places), "the table is in the order of regret"


def test_pictures_show_as_many_as_can_be_told_apart(played, monkeypatch):
    _, results = played
    assert drawn(results) == list(SOME)
    monkeypatch.setattr(run_data, "MOST_DRAWN", 3)
    rest = sorted(SOME[1:], key=regret(results).get)[:2]
    assert drawn(results) == [name for name in SOME if name in (SOME[0], *rest)]
    ax = results.plot.hottest_exit()
    assert len([line for line in ax.lines if len(line.get_xdata()) > 2]) == 3
    told = " ".join(text.get_text() for text in ax.figure.texts).replace("\n", " ")
    assert "3 strategies of more regret are not drawn" in told


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_of_them_on_every_day_and_on_the_day_of_the_cut(tmp_path):
    scenario = sim.load("schemes-shootout")
    results = sim.run(scenario, workers=2)
    rows = results.figures.query("metric == 'regret' and scope == 'all'")
    table = rows.pivot(index="replication", columns="strategy", values="value")
    assert set(table) == set(scenario.settings.strategies) and len(table) == 3
    assert (table.drop(columns="bound") > 0).all(axis=None)
    # On every day: fixed rules, the best of these, and a controller that looks at demand.
    assert (table["shortest-paths"] > table["best-static"]).all()
    assert (table["best-static"] > table["production"]).all()
    cut = sim.run(scenario.with_changes({"events": [{"at_h": 20, "cable": "TPE"}]}), workers=2)
    # Elastic traffic gives way before any is lost: what a cut takes is deferred.
    for name in ("shortest-paths", "nearest-exit", "min-latency", "production"):
        assert cut.figure(name, "deferred_gbit") > results.figure(name, "deferred_gbit"), name
    assert cut.figure("production", "deferred_gbit") < cut.figure("best-static", "deferred_gbit")
