"""What holds for every registered engine, on the small built-in network."""

import pytest
from helpers import play

import simulator as sim
from simulator.engines.engine import engine

pytestmark = pytest.mark.usefixtures("no_headroom")

STRATEGIES = ("static", "sdn", "fair")
#: Through a cable cut at the busy hour; bulk traffic waits where there is no room.
SCENARIO = """
topology: china169-mini
start: "2024-03-05T19:30"
horizon_h: 3
step_s: 900
traffic:
  shapes: [{kind: diurnal}, {kind: noise}]
  services:
    web: {share: 0.7}
    bulk: {share: 0.3, elastic: true, priority: 1}
strategies:
  static: {scheme: nearest_exit}
  sdn: {scheme: min_latency, control: {every_s: 900}}
  fair: {scheme: max_min_fair, control: {every_s: 900}}
events: [{at_h: 1, cable: GD-HK, until_h: 2}]
"""


@pytest.fixture(scope="module", params=engine.names())
def played(request, tmp_path_factory):
    """Two runs of the same case by one engine."""
    path = tmp_path_factory.mktemp("engines") / "laws.yaml"
    path.write_text(SCENARIO)
    return tuple(play(sim.load(path).case, kind=request.param) for _ in range(2))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_traffic_is_conserved(played, strategy):
    """Offered is carried, lost or deferred, in every scope that has these figures."""
    figures = played[0].figures[strategy]
    scopes = [scope for metric, scope in figures if metric == "offered_gbit"]
    assert "all" in scopes
    for scope in scopes:
        offered = figures["offered_gbit", scope]
        parts = [figures[f"{part}_gbit", scope] for part in ("carried", "lost")]
        parts.append(figures.get(("deferred_gbit", scope), 0.0))
        assert min(parts) >= 0
        assert sum(parts) == pytest.approx(offered, rel=1e-9), scope


def test_something_is_lost_and_something_deferred(played):
    """Else the law above says less than it seems to."""
    figures = played[0].figures
    assert figures["static"]["lost_gbit", "all"] > 0
    assert figures["static"]["deferred_gbit", "all"] > 0


def test_all_strategies_see_the_same_traffic(played):
    offered = [
        {scope: value for (metric, scope), value in figures.items() if metric == "offered_gbit"}
        for figures in played[0].figures.values()
    ]
    assert offered[0] and all(each == offered[0] for each in offered)


def test_the_same_seed_gives_the_same_bytes(played):
    one, two = played
    assert repr(one.figures) == repr(two.figures)
    assert one.parts.keys() == two.parts.keys()
    for key, parts in one.parts.items():
        for left, right in zip(parts, two.parts[key], strict=True):
            assert left.columns.equals(right.columns)
            for column in left:
                a, b = left[column].to_numpy(), right[column].to_numpy()
                assert a.dtype == b.dtype
                same = a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes()
                assert same, (key, column)
