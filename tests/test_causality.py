"""Predictors and plans see the past only."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import MINI, make_tiny
from helpers import asks

import simulator as sim
from simulator.control.predictors.predictor import predictor
from simulator.model.recording import Playback, Recording
from simulator.model.streams import Streams
from simulator.routing.scheme import scheme
from simulator.traffic.traffic import Series

pytestmark = pytest.mark.usefixtures("no_headroom")

TOPOLOGY = {
    "name": "two",
    "nodes": [{"id": "S", "kind": "core"}, {"id": "G", "kind": "gateway"}]
    + [{"id": p, "kind": "pop"} for p in ("P1", "P2")] + [{"id": "R", "kind": "region"}],
    "links": [
        {"id": "sg", "a": "S", "b": "G", "class": "gateway", "capacity_gbps": 1000, "delay_ms": 1},
        {"id": "e1", "a": "G", "b": "P1", "class": "exit", "capacity_gbps": 10, "delay_ms": 10},
        {"id": "e2", "a": "G", "b": "P2", "class": "exit", "capacity_gbps": 100, "delay_ms": 20,
         "metric": 5},
        {"id": "p1", "a": "P1", "b": "R", "class": "access", "capacity_gbps": 1000, "delay_ms": 1},
        {"id": "p2", "a": "P2", "b": "R", "class": "access", "capacity_gbps": 1000, "delay_ms": 1},
    ],
}  # fmt: skip
STEP_S, SPLIT_H, HOURS = 600, 2, 4


def played(folder, future, *, scheme="min_latency", predict="last", start_h=0, control=True):
    """Decisions on a recording whose first two hours are the same, whatever the future."""
    folder.mkdir()
    (folder / "topo.yaml").write_text(yaml.safe_dump(TOPOLOGY), encoding="utf-8")
    hours = np.arange(0, HOURS, STEP_S / 3600)
    past = 6.0 + 3.0 * np.sin(3 * hours)
    gbps = np.where(hours < SPLIT_H, past, future * past)
    stamps = pd.Timestamp("2024-05-01") + pd.to_timedelta(hours, unit="h")
    rows = {"time": np.repeat(stamps, 2), "source": ["S", "R"] * len(hours),
            "target": ["R", "S"] * len(hours), "gbps": np.repeat(gbps, 2)}  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "rec.csv", index=False)
    (folder / "s.yaml").write_text("\n".join([
        "topology: topo.yaml", f"step_s: {STEP_S}", f"start: 2024-05-01T0{start_h}:00",
        f"horizon_h: {HOURS - start_h}", "strategies: {it: {scheme: igp_ecmp}}",
        "traffic: {matrix: {kind: file, path: rec.csv}}",
    ]), encoding="utf-8")  # fmt: skip
    loop = {"every_s": STEP_S, "noise_sigma": 0.0, "staleness_s": 0.0, "window_s": 0.0}
    loop["predict"] = {"kind": predict, **({"period_h": 1} if predict == "seasonal" else {})}
    strategies = {"it": {"scheme": scheme, **({"control": loop} if control else {})}}
    scenario = sim.load(folder / "s.yaml").with_changes({"strategies": strategies})
    return sim.run(scenario, out=folder / "out")


@pytest.mark.parametrize("predict", predictor.names())
def test_decisions_depend_on_traffic_before_them_only(tmp_path, predict):
    one, other = (played(tmp_path / str(f), f, predict=predict) for f in (1.0, 4.0))
    columns = ["time_s", "trigger", "mlu", "moves", "objective_gbps_ms"]
    early = [r.control.query("time_s <= 3600 * @SPLIT_H", engine="python") for r in (one, other)]
    pd.testing.assert_frame_equal(early[0][columns], early[1][columns], check_exact=True)
    assert len(early[0]) >= SPLIT_H * 3600 / STEP_S
    assert one.control["objective_gbps_ms"].iloc[-1] != other.control["objective_gbps_ms"].iloc[-1]


@pytest.mark.parametrize("kind", [k for k in scheme.names() if scheme[k].demand_aware])
@pytest.mark.parametrize("start_h", [0, 2])
def test_static_plans_on_a_recording_know_nothing_of_what_is_played(tmp_path, kind, start_h):
    if scheme[kind].default_control != "loop":
        pytest.skip("perfect information knows everything, by definition")
    futures = ((tmp_path / str(f), f) for f in (1.0, 4.0))
    one, other = (played(*f, scheme=kind, start_h=start_h, control=False) for f in futures)
    shares = [
        (r.exits.groupby("exit")["offered_gbps"].sum() / r.exits["offered_gbps"].sum()).tolist()
        for r in (one, other)
    ]
    assert shares[0] == pytest.approx(shares[1], rel=1e-9)


def test_a_plan_takes_the_same_hour_of_the_latest_day_or_week_before_the_start():
    hours = np.arange(0, 9 * 24.0)
    network = make_tiny(("ab", "a", "b", 10.0))
    recording = Recording.of(asks(network, ("a", "b", 1.0)), hours, hours[None, :])
    for begin_h, expected in (
        (0, [0, 0, 0]),
        (20, [9.5] * 3),
        (30, [6, 16, 6]),
        (170, [2, 12, 26]),
    ):
        played = Playback(recording, begin_h=begin_h)
        series = Series(network, recording.demands, (), 1.0, recorded=played)
        found = series.expected(np.array([0.5, 10.5, 24.5]))
        assert found[0].tolist() == pytest.approx(expected)


def test_no_plan_counts_on_a_surge():
    surge = {"kind": "surge", "at_h": 1.0, "factor": 3.0}
    calm = sim.load(MINI).with_changes({"traffic.shapes": [{"kind": "diurnal"}]}).case
    wild = sim.load(MINI).with_changes({"traffic.shapes": [{"kind": "diurnal"}, surge]}).case
    np.testing.assert_array_equal(calm.demands.window_gbps, wild.demands.window_gbps)
    rates = [each.series.play(Streams(1, 0))(0, 30) for each in (calm, wild)]
    assert (rates[1] > 2 * rates[0]).any()
