"""Every figure against its definition, worked out anew from the tables that a run writes.

The controller acts at once and at whole steps, so that a row of a table is an instant. Every pair
of nodes has one path, so that its latency is that of its path.
"""

import functools

import numpy as np
import pandas as pd
import pytest
from conftest import MINI

import simulator as sim
from simulator.model.streams import Streams
from simulator.queues.burst import Burst
from simulator.recording.headroom import headroom
from simulator.results.metrics import metric
from simulator.routing.clairvoyant import Clairvoyant

STEP_S, HOURS, SHARE, CAP = 900.0, 6.0, 0.02, 0.85
INSTANT = {"every_s": STEP_S, "compute_s": 0.0, "install_s": 0.0, "staleness_s": 0.0,
           "window_s": 0.0, "noise_sigma": 0.0, "detect_s": 0.0, "converge_s": 0.0}  # fmt: skip
SCENARIO = {
    "horizon_h": HOURS, "step_s": STEP_S, "replications": 1, "record": {"demands": "pair"},
    "start": "2017-12-01T18:00", "traffic.elastic_share": SHARE,
    "events": [{"at_h": 1.0, "until_h": 2.0, "link": "beijing-la"}],
    "strategies": {
        "static": {"scheme": "igp_ecmp", "control": {"detect_s": 0.0, "converge_s": 0.0}},
        "sdn": {"scheme": {"kind": "min_latency", "classes": ["exit"]}, "control": INSTANT},
        "bound": {"scheme": {"kind": "clairvoyant", "utilisation_cap": CAP}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    scenario = sim.load(MINI).with_changes(SCENARIO)
    return sim.run(scenario, out=tmp_path_factory.mktemp("definitions") / "run")


@pytest.fixture(scope="module")
def case():
    return sim.load(MINI).with_changes(SCENARIO).case


@pytest.fixture(scope="module")
def rows(results, case):
    """Tables of the two strategies, each made once, as latency asks for every path by hand."""
    return {name: Rows(results, case, name) for name in ("static", "sdn")}


class Rows:
    """Tables of one strategy of the run, and what follows from them."""

    def __init__(self, results, case, name):
        self.results, self.case, self.name = results, case, name
        mine = {}
        for table in ("links", "exits", "demands", "control"):
            rows = getattr(results, table)
            mine[table] = rows[rows["strategy"] == name].copy()
        self.links, self.exits, self.control = mine["links"], mine["exits"], mine["control"]
        self.demands = mine["demands"]
        network = case.network
        abroad = np.array(network.nodes)[network.is_abroad]
        for end in ("source", "target"):
            self.demands[f"{end}_abroad"] = self.demands[end].isin(abroad)

    def exits_of(self, scope):
        """Utilisation by time: of an exit, or of the fullest."""
        if scope == "all" or scope.startswith("exits:"):
            return self.ways(scope).groupby("time_s")["utilisation"].max()
        link, way = scope.removeprefix("exit:").rsplit(":", 1)
        rows = self.exits.query("exit == @link and direction == @way").set_index("time_s")
        return rows["utilisation"].dropna()

    def ways(self, scope):
        """Rows of exits in one direction, or in both."""
        way = scope.removeprefix("exits:")
        return self.exits if scope == "all" else self.exits[self.exits["direction"] == way]

    def traffic_of(self, scope):
        """Rows of demands in a scope."""
        d = self.demands
        if scope == "all":
            return d
        if scope in set(d["class"].astype(str)):
            return d[d["class"] == scope]
        far = np.where(d["source_abroad"], d["source"], d["target"])
        return d[(far == scope) & (d["source_abroad"] | d["target_abroad"])]

    @functools.cache  # noqa: B019 -- a few objects, for as long as the tests of this file
    def paths(self, scope):
        """Volume, propagation, wait below capacity, other wait, and whether a link is full."""
        network, rows = self.case.network, self.traffic_of(scope)
        state = self.links.set_index(["time_s", "link", "source"])[["utilisation", "capacity_gbps"]]
        state = state.dropna()
        util = state["utilisation"].to_dict()
        waits = dict(zip(state.index, self.case.queue.wait_ms(*state.to_numpy().T), strict=True))
        demands = self.case.demands
        place = {n.rsplit(":", 1)[0]: k for k, n in enumerate(demands.names)}
        routes = {}
        for up in ("whole", "hurt"):
            hurt = network if up == "whole" else network.failed(links=["beijing-la"])
            made = sim.route("igp_ecmp", hurt, demands)
            routes[up] = {k: arcs for k, _, arcs in made.paths()}
        table = []
        for row in rows.itertuples():
            now = "hurt" if 3600 <= row.time_s < 7200 else "whole"
            k = place[f"{row.source}>{row.target}"]
            below = rest = 0.0
            full = False
            for arc in routes[now].get(k, ()):
                key = (row.time_s, network.links[arc // 2], network.nodes[network.tail[arc]])
                wait, at = waits[key], util[key] >= 1 - 1e-9
                full |= at
                below += 0.0 if at else min(wait, 5.0)
                rest += wait if at else max(wait - 5.0, 0.0)
            table.append(
                (row.carried_gbps * STEP_S, row.propagation_ms, below, rest, full, row.time_s)
            )
        return pd.DataFrame(table, columns=["gbit", "fixed", "below", "rest", "full", "time_s"])


def quantile(values, weights, share):
    order = np.argsort(values, kind="stable")
    total = np.cumsum(np.asarray(weights)[order])
    return np.asarray(values)[order][np.searchsorted(total, share * total[-1] * (1 - 1e-12))]


def above(level):
    return lambda rows, scope: (rows.exits_of(scope) > level * (1 + 1e-6)).sum() * STEP_S / 3600


def volume(column):
    return lambda rows, scope: rows.traffic_of(scope)[column].sum() * STEP_S


def short(rows, scope):
    d = rows.traffic_of(scope)
    return (d["offered_gbps"] - d["carried_gbps"]).clip(lower=0).sum() * STEP_S


def held(rows, scope):
    d = rows.traffic_of(scope)
    lack = (d["offered_gbps"] - d["carried_gbps"]).clip(lower=0)
    return np.minimum(lack, SHARE * d["offered_gbps"]).sum() * STEP_S


def mean_of(*parts):
    def mean(rows, scope):
        p = rows.paths(scope)
        return p["gbit"] @ sum(p[part].astype(float) for part in parts) / p["gbit"].sum()

    return mean


def quantile_of(share, *parts):
    def found(rows, scope):
        p = rows.paths(scope)
        return quantile(sum(p[part] for part in parts), p["gbit"], share)

    return found


def jain(rows, scope):
    means = []
    for _, way in rows.ways(scope).groupby("direction", observed=True):
        wide = way.pivot(index="exit", columns="time_s", values="utilisation")
        x, n = wide.fillna(0.0), wide.notna().sum()
        square = (x**2).sum()
        means.append((x.sum() ** 2 / (n * square))[square > 0].mean())
    return np.mean(means)


def buffered(buffer_ms):
    """Mean latency with another buffer: the wait of every link at its utilisation."""

    def mean(rows, scope):
        queue = Burst(burst_ms=rows.case.queue.burst_ms, buffer_ms=buffer_ms)
        other = Rows(rows.results, Other(rows.case, queue), rows.name)
        return mean_of("fixed", "below", "rest")(other, scope)

    return mean


class Other:
    """A case with another queue."""

    def __init__(self, case, queue):
        self.network, self.demands, self.queue = case.network, case.demands, queue


def regret(rows, scope):
    network, cost = rows.case.network, 0.0
    for name, sign in ((rows.name, 1.0), ("bound", -1.0)):
        links = rows.results.links
        links = links[links["strategy"] == name]
        delay = {(network.links[a // 2], network.nodes[network.tail[a]]): network.delay_ms[a]
                 for a in range(len(network.tail))}  # fmt: skip
        own = [delay[key] for key in zip(links["link"], links["source"], strict=True)]
        over = (links["offered_gbps"] - CAP * links["capacity_gbps"]).clip(lower=0)
        cost += sign * float((links["offered_gbps"] * own + 1000.0 * over).sum()) * STEP_S
    return cost / (rows.demands["offered_gbps"].sum() * STEP_S)


def least_headroom(rows, scope):
    case, found = rows.case, []
    rates = case.series.play(Streams(case.seed, 0))(0, case.steps)
    hurt = case.network.failed(links=["beijing-la"])
    for step, gbps in enumerate(rates.T):
        network = hurt if 4 <= step < 8 else case.network
        strategy = case.strategies[rows.name]
        found.append(headroom(strategy, network, case.demands.with_gbps(gbps), case.exit_target))
    return min(found)


def recoveries(rows):
    """Seconds and volume until no more is astray than just before, of every event; and peaks."""
    by_time = rows.demands.groupby("time_s")[["offered_gbps", "carried_gbps"]].sum()
    astray = (by_time["offered_gbps"] - by_time["carried_gbps"]).clip(lower=0.0)
    full = rows.exits_of("all")
    found = []
    for event, until in ((3600.0, 7200.0), (7200.0, HOURS * 3600.0)):
        after = astray[(astray.index >= event) & (astray.index < until)].to_numpy()
        back = after <= astray[event - STEP_S] + 1e-9 * by_time["offered_gbps"].max()
        steps = back.argmax() if back.any() else len(back)
        found.append((steps * STEP_S, after[:steps].sum() * STEP_S, full[event]))
    return np.array(found)


def log(column, how):
    return lambda rows, scope: how(rows.control[column].dropna())


STATIC = {
    "exit_utilisation_peak": lambda r, s: r.exits_of(s).max(),
    "exit_utilisation_p95": lambda r, s: quantile(r.exits_of(s), np.ones(len(r.exits_of(s))), 0.95),
    "exit_utilisation_mean": lambda r, s: r.exits_of(s).mean() if s.startswith("exit:") else (
        r.ways(s)["offered_gbps"].sum() / r.ways(s)["capacity_gbps"].sum()),
    **{f"hours_above_{level}": above(level / 100) for level in (70, 80, 90, 100)},
    "exit_balance_jain": jain,
    "mlu_peak": lambda r, s: (r.links if s == "all" else r.links[r.links["class"] == s])[
        "utilisation"].max(),
    "latency_ms_mean": mean_of("fixed", "below", "rest"),
    "propagation_ms_mean": mean_of("fixed"),
    "queueing_ms_mean": mean_of("below", "rest"),
    "latency_below_capacity_ms_mean": mean_of("fixed", "below"),
    "queueing_below_capacity_ms_mean": mean_of("below"),
    "full_buffer_ms_mean": mean_of("rest"),
    "full_buffer_fraction": mean_of("full"),
    "full_buffer_hours": lambda r, s: r.paths(s).query("full and gbit > 0")["time_s"].nunique()
    * STEP_S / 3600,
    "latency_ms_mean_buffer_5ms": buffered(5.0),
    "latency_ms_mean_buffer_200ms": buffered(200.0),
    **{f"latency_ms_p{p}": quantile_of(p / 100, "fixed", "below", "rest") for p in (50, 95, 99)},
    **{f"latency_below_capacity_ms_p{p}": quantile_of(p / 100, "fixed", "below")
       for p in (50, 95, 99)},
    "unlisted_fraction": lambda r, s: 0.0,
    "offered_gbit": volume("offered_gbps"),
    "carried_gbit": volume("carried_gbps"),
    "deferred_gbit": held,
    "lost_gbit": lambda r, s: short(r, s) - held(r, s),
    "loss_fraction": lambda r, s: (short(r, s) - held(r, s)) / volume("offered_gbps")(r, s),
    "deferred_fraction": lambda r, s: held(r, s) / volume("offered_gbps")(r, s),
    "unserved_fraction": lambda r, s: short(r, s) / volume("offered_gbps")(r, s),
    "headroom": least_headroom,
    "recovery_s": lambda r, s: recoveries(r)[:, 0].max(),
    "recovery_unserved_gbit": lambda r, s: recoveries(r)[:, 1].sum(),
    "recovery_peak": lambda r, s: recoveries(r)[:, 2].max(),
}  # fmt: skip
CONTROLLER = {
    "control_cycles": lambda r, s: (r.control["layer"] == "controller").sum(),
    "moves": log("moves", np.sum),
    "moved_gbps": log("moved_gbps", np.sum),
    "moved_gbps_per_day": lambda r, s: r.control["moved_gbps"].sum() * 24 / HOURS,
    "entries_peak": log("entries", np.max),
    "gap_max": log("gap", np.max),
    "prediction_error": log("prediction_error", np.mean),
    "regret": regret,
    "headroom": least_headroom,
}


def test_every_metric_is_defined_here():
    # Those of announcements, bills and carriers have tests of their own: test_inbound_ladder.py,
    # test_billing.py and test_carried.py.
    others = {each.name for each in metric if each.file in ("inbound", "transit", "carried")}
    assert set(STATIC) | set(CONTROLLER) | others == set(metric.names())


@pytest.mark.parametrize("name", STATIC)
def test_figures_of_static_routing(rows, name):
    compare(rows["static"], name, STATIC[name])


@pytest.mark.parametrize("name", CONTROLLER)
def test_figures_of_a_controller(rows, name):
    compare(rows["sdn"], name, CONTROLLER[name])


def compare(rows, name, definition):
    table = rows.results.summary
    table = table[(table["strategy"] == rows.name) & (table["metric"] == name)]
    assert len(table)
    for row in table.to_dict("records"):
        expected = definition(rows, row["scope"])
        loose = {"rel": 2e-3} if name == "headroom" else {"rel": 1e-6, "abs": 2e-3}
        if name.endswith(("fraction", "gbit")) or "utilisation" in name:
            loose = {"rel": 1e-6, "abs": 1e-9}
        assert row["mean"] == pytest.approx(expected, **loose), row["scope"]


def test_the_cost_that_regret_counts_is_that_of_the_bound(case):
    assert case.strategies["bound"].scheme == Clairvoyant(utilisation_cap=CAP)
