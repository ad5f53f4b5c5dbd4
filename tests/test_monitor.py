"""What is kept of a run: rows that are means over steps, and figures that are exact."""

import numpy as np
import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, sdn, static, steps_of, two_exits

from simulator.queues.burst import Burst
from simulator.results.statistics import jain, weighted_mean, weighted_quantiles
from simulator.simulation.traffic_source import BLOCK
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

HOUR = 1 / 3600
NEAR = ("near", "gw-near")


def busy(mini, strategies=None, **more):
    """Half a day on the mini with faults that cut steps anywhere."""
    network, demands = mini
    events = [
        {"at_h": 2.03, "until_h": 4.1117, "link": "beijing-la"},
        {"at_h": 3.3333, "cable": "APG"},
        {"at_h": 7.0, "until_h": 7.3, "node": "guangzhou"},
    ]
    settings = {"hours": 12.4, "step_s": 600.0, "shapes": (Diurnal(), Noise()), "events": events,
                "queue": Burst(), **more}  # fmt: skip
    strategies = strategies or {"static": static("nearest_exit"), "sdn": sdn(every_s=1700.0)}
    return case_of(network, demands, strategies, **settings)


@pytest.fixture(scope="module")
def played(mini):
    """The busy half day, by pair."""
    case = busy(mini)
    return case, play(case)


# -- rows -------------------------------------------------------------------------------------


def test_a_row_is_the_mean_over_its_step():
    # The near exit goes down 30 s into the second minute, the far exit takes over 3 s later.
    network = two_exits()
    case = case_of(network, asks(network, ("home", "abroad", 50.0)), static(), hours=0.1,
                   events=[{"at_h": 90 * HOUR, "link": "near"}])  # fmt: skip
    got = play(case)
    row = got.arc(*NEAR).loc[60.0]
    assert row["capacity_gbps"] == pytest.approx(100.0 * 30 / 60)
    assert row["offered_gbps"] == pytest.approx(50.0 * 33 / 60), "3 s of knocking at a dead link"
    assert row["carried_gbps"] == pytest.approx(50.0 * 30 / 60)
    assert row["utilisation"] == pytest.approx(0.5), "while it stood"
    assert row["utilisation_peak"] == pytest.approx(0.5)
    far = got.arc("far", "gw-far").loc[60.0]
    assert far["offered_gbps"] == pytest.approx(50.0 * 27 / 60)
    assert far["utilisation"] == pytest.approx(0.5 * 27 / 60)
    assert far["utilisation_peak"] == pytest.approx(0.5)
    pair = got.demand("home", "abroad").loc[60.0]
    assert pair["offered_gbps"] == pytest.approx(50.0)
    assert pair["carried_gbps"] == pytest.approx(50.0 * 57 / 60)
    assert pair["latency_ms"] == pytest.approx((11.0 * 30 + 22.0 * 27) / 57)
    dead = got.arc(*NEAR).loc[120.0]
    assert dead["capacity_gbps"] == 0.0 == dead["carried_gbps"]
    assert np.isnan(dead["utilisation"]) and np.isnan(dead["utilisation_peak"])
    assert np.isnan(dead["queueing_ms"])


def test_one_row_a_step_and_arc(played, mini):
    case, got = played
    network = mini[0]
    for name in case.strategies:
        rows = got.table("links", name)
        assert len(rows) == case.steps * len(network.tail)
        times = rows["time_s"].to_numpy().reshape(case.steps, -1)
        assert (times == np.arange(case.steps)[:, None] * 600.0).all()
        assert rows["link"].tolist() == [k for k in network.links for _ in "ab"] * case.steps
        ends = [network.nodes[i] for i in network.tail] * case.steps
        assert rows["source"].tolist() == ends


def test_exits_are_links(played):
    case, got = played
    for name in case.strategies:
        links, exits = got.table("links", name), got.table("exits", name)
        out = links[links["class"] == "exit"].set_index(["time_s", "link", "source"])
        home = np.where(exits["direction"] == "out", exits["exit"].str.split("-").str[0], "")
        leaving = exits[exits["direction"] == "out"]
        keys = list(zip(leaving["time_s"], leaving["exit"], home[home != ""], strict=True))
        for column in ("capacity_gbps", "offered_gbps", "carried_gbps", "utilisation",
                       "utilisation_peak", "queueing_ms"):  # fmt: skip
            assert np.array_equal(leaving[column], out.loc[keys][column], equal_nan=True)
        assert len(exits) == len(out)


def test_rows_hold_together(played):
    case, got = played
    for name in case.strategies:
        rows = got.table("links", name)
        full = rows["capacity_gbps"] > 0
        assert (rows["carried_gbps"] <= rows["capacity_gbps"] * (1 + 1e-9)).all()
        assert (rows["carried_gbps"] <= rows["offered_gbps"] * (1 + 1e-9) + 1e-12).all()
        assert (rows["utilisation_peak"] >= rows["utilisation"] * (1 - 1e-12))[full].all()
        assert rows.loc[~full, "utilisation"].isna().all() and (~full).any()
        pairs = got.table("demands", name)
        assert (pairs["carried_gbps"] <= pairs["offered_gbps"] * (1 + 1e-12)).all()
        arrived = pairs["carried_gbps"] > 0
        assert pairs.loc[arrived, "latency_ms"].notna().all()
        assert pairs.loc[~arrived, "latency_ms"].isna().all() and (~arrived).any()
        gap = pairs["latency_ms"] - pairs["propagation_ms"] - pairs["queueing_ms"]
        assert gap[arrived].abs().max() < 1e-9


# -- figures are sums of rows -----------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["static", "sdn"])
def test_rows_times_seconds_are_the_volumes(played, strategy):
    case, got = played
    seconds = steps_of(case)
    rows = got.table("demands", strategy)
    rows["seconds"] = seconds[(rows["time_s"] / case.step_s).to_numpy().round().astype(int)]
    abroad = rows["target"].where(rows["target"].str.startswith("pop"), rows["source"])
    scopes = {"all": np.ones(len(rows), bool)}
    scopes |= {name: rows["class"] == name for name in ("domestic", "international_out")}
    scopes |= {name: abroad == name for name in ("pop-tokyo", "pop-frankfurt")}
    for scope, mine in scopes.items():
        some = rows[mine]
        offered = float(some["offered_gbps"] @ some["seconds"])
        carried = float(some["carried_gbps"] @ some["seconds"])
        figure = {m: got.figure(m, scope, strategy) for m, s in got.figures[strategy] if s == scope}
        assert figure["offered_gbit"] == pytest.approx(offered, rel=1e-9)
        assert figure["carried_gbit"] == pytest.approx(carried, rel=1e-9)
        assert figure["lost_gbit"] == pytest.approx(offered - carried, rel=1e-6, abs=1e-6 * offered)
        assert figure["loss_fraction"] == pytest.approx(figure["lost_gbit"] / offered, rel=1e-9)
        weight = some["carried_gbps"] * some["seconds"]
        for metric, column in (("latency", "latency_ms"), ("propagation", "propagation_ms")):
            mean = float((some[column].fillna(0.0) @ weight) / weight.sum())
            assert figure[f"{metric}_ms_mean"] == pytest.approx(mean, rel=1e-9)
        queueing = figure["latency_ms_mean"] - figure["propagation_ms_mean"]
        assert figure["queueing_ms_mean"] == pytest.approx(queueing, rel=1e-12)


def test_volumes_add_up_over_scopes(played):
    case, got = played
    for name in case.strategies:
        for metric in ("offered_gbit", "carried_gbit", "lost_gbit"):
            by_class = sum(got.figure(metric, c, name) for c in
                           ("domestic", "international_out", "international_in"))  # fmt: skip
            assert got.figure(metric, "all", name) == pytest.approx(by_class, rel=1e-9)
            by_region = sum(value for (m, s), value in got.figures[name].items()
                            if m == metric and s.startswith("pop-"))  # fmt: skip
            abroad = by_class - got.figure(metric, "domestic", name)
            assert by_region == pytest.approx(abroad, rel=1e-6)


@pytest.mark.parametrize("strategy", ["static", "sdn"])
def test_figures_of_an_exit_from_its_rows(mini, strategy):
    # Without anything that cuts a step, a row is all that happened: figures follow from rows.
    case = busy(mini, {"static": static(), "sdn": sdn(every_s=600.0, compute_s=0, install_s=0)},
                events=[])  # fmt: skip
    got = play(case)
    seconds = steps_of(case)
    exits = got.table("exits", strategy)
    series = {}
    for (link, way), rows in exits.groupby(["exit", "direction"]):
        used = rows["utilisation"].to_numpy()
        series[link, way] = used
        scope = f"exit:{link}:{way}"
        peak = rows["utilisation_peak"].max()
        assert got.figure("exit_utilisation_peak", scope, strategy) == peak
        mean = used @ seconds / seconds.sum()
        assert got.figure("exit_utilisation_mean", scope, strategy) == pytest.approx(mean)
        p95 = brute_quantile(used, seconds, 0.95)
        assert got.figure("exit_utilisation_p95", scope, strategy) == pytest.approx(p95, rel=1e-12)
        for level in (70, 80, 90, 100):
            hours = seconds[used > level / 100].sum() / 3600
            assert got.figure(f"hours_above_{level}", scope, strategy) == pytest.approx(hours)
    hottest = np.max(list(series.values()), axis=0)
    peak = exits["utilisation_peak"].max()
    assert got.figure("exit_utilisation_peak", "all", strategy) == peak
    assert got.figure("exit_utilisation_p95", "all", strategy) == pytest.approx(
        brute_quantile(hottest, seconds, 0.95), rel=1e-12
    )
    for level in (70, 80, 90, 100):
        hours = seconds[hottest > level / 100].sum() / 3600
        assert got.figure(f"hours_above_{level}", "all", strategy) == pytest.approx(hours)
    fair = []
    for way in ("out", "in"):
        x = np.array([used for (_, w), used in series.items() if w == way])
        index = x.sum(axis=0) ** 2 / (len(x) * (x**2).sum(axis=0))
        fair.append(index @ seconds / seconds.sum())
    assert got.figure("exit_balance_jain", "all", strategy) == pytest.approx(np.mean(fair))
    links = got.table("links", strategy)
    for scope, rows in [("all", links), *links.groupby("class")]:
        assert got.figure("mlu_peak", scope, strategy) == rows["utilisation_peak"].max()


def test_latency_percentiles_are_weighted_by_volume(mini):
    case = busy(mini, {"it": static()}, events=[])
    got = play(case)
    rows = got.table("demands")
    weight = rows["carried_gbps"].to_numpy() * np.repeat(steps_of(case), len(rows) // case.steps)
    for scope in ("all", "domestic", "international_in"):
        mine = np.ones(len(rows), bool) if scope == "all" else (rows["class"] == scope).to_numpy()
        for percent in (50, 95, 99):
            expected = brute_quantile(
                rows["latency_ms"].to_numpy()[mine], weight[mine], percent / 100
            )
            told = got.figure(f"latency_ms_p{percent}", scope)
            assert told == pytest.approx(expected, abs=0.51e-3), "to a microsecond"


def test_latency_percentiles_do_not_depend_on_the_pages(mini, monkeypatch, no_headroom):
    case = busy(mini)
    plain = play(case).figures
    for page in (1, 7, 10**6):
        monkeypatch.setattr("simulator.recording.histogram.Histogram.PAGE", page)
        assert play(case).figures == plain, page


def test_latency_percentiles_of_a_run_in_one_piece():
    # 20 Gbps abroad take 11 ms and 40 within the country 1 ms; nothing cuts the hour in two.
    network = two_exits()
    abroad, domestic = ("home", "abroad", 20.0), ("home", "gw-near", 40.0)
    for rows in ((abroad, domestic), (domestic, abroad)):
        got = play(case_of(network, asks(network, *rows), static()))
        for scope, told in (("all", [1.0, 11.0]), ("domestic", [1.0, 1.0]),
                            ("international_out", [11.0, 11.0])):  # fmt: skip
            found = [got.figure(f"latency_ms_p{q}", scope) for q in (50, 95)]
            assert found == pytest.approx(told), f"{scope}, {rows[0]} first"


def brute_quantile(values, weights, share):
    """The smallest value that at least this share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return values[order][np.flatnonzero(reached >= share * reached[-1] * (1 - 1e-12))[0]]


def test_an_exit_at_its_threshold_is_not_above_it():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 80.0))
    got = play(case_of(network, demands, static()))
    assert got.figure("hours_above_80") == 0.0 and got.figure("hours_above_70") == 1.0
    full = play(case_of(network, asks(network, ("home", "abroad", 100.0)), static()))
    assert full.figure("hours_above_100") == 0.0 and full.figure("lost_gbit") == 0.0


@pytest.mark.parametrize("cap", [0.7, 0.8, 0.9])
def test_a_controller_that_holds_a_level_is_not_above_it(cap):
    # A solver fills the near exit to the cap within its tolerance, not to the last bit.
    network = two_exits()
    for gbps in (150.0, 123.457, 99.1):
        scheme = {"kind": "min_latency", "utilisation_cap": cap}
        strategy = sdn(scheme, compute_s=0.0, install_s=0.0)
        got = play(case_of(network, asks(network, ("home", "abroad", gbps)), strategy))
        assert got.figure("exit_utilisation_peak") == pytest.approx(max(cap, gbps / 200), rel=1e-8)
        if gbps / 200 < cap:
            assert got.figure(f"hours_above_{round(100 * cap)}") == 0.0


def test_time_while_an_exit_is_down_counts_for_none_of_its_figures():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 95.0))
    events = [{"at_h": 0.25, "until_h": 0.5, "link": "near"}]
    got = play(case_of(network, demands, static(), events=events))
    near, far = "exit:near:out", "exit:far:out"
    assert got.figure("hours_above_90", near) == pytest.approx(0.75 - 3 * HOUR)
    assert got.figure("hours_above_90", far) == pytest.approx(0.25)
    assert got.figure("hours_above_90") == pytest.approx(1.0 - 3 * HOUR)
    mean = 0.95 * (0.75 - 3 * HOUR) / 0.75
    assert got.figure("exit_utilisation_mean", near) == pytest.approx(mean)
    assert got.figure("exit_utilisation_mean", far) == pytest.approx(0.95 * 0.25)


def test_balance_by_hand():
    # Out: 50 over one of two exits, index 1/2. In: 50 over the same one, index 1/2 again.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0), ("abroad", "home", 50.0))
    assert play(case_of(network, demands, static())).figure("exit_balance_jain") == 0.5
    spread = sdn({"kind": "min_max"}, compute_s=0.0, install_s=0.0)
    got = play(case_of(network, demands, spread))
    assert got.figure("exit_balance_jain") == pytest.approx(1.0, rel=1e-9)


def test_balance_of_traffic_that_only_goes_out():
    # The idle direction has no balance to speak of; the other has.
    network = two_exits()
    got = play(case_of(network, asks(network, ("home", "abroad", 50.0)), static()))
    assert got.figure("exit_balance_jain") == 0.5


def test_a_region_may_have_any_name():
    # Scopes: all, every class, every region. A region called ``all`` must not count twice.
    for name in ("all", "domestic", "international_out"):
        network = make_tiny(("access", "home", "gw", 100.0), ("exit", "gw", name, 100.0),
                            **{"gw": "gateway", name: "pop"})  # fmt: skip
        got = play(case_of(network, asks(network, ("home", name, 10.0)), static()))
        assert got.figure("offered_gbit", "all") == pytest.approx(36000.0)
        assert got.figure("offered_gbit", "international_out") == pytest.approx(36000.0)


# -- whatever is kept -------------------------------------------------------------------------


def test_regions_are_sums_of_pairs(played, mini):
    case, pairs = played
    regions = play(busy(mini, detail="region"))
    assert regions.figures == pairs.figures
    for name in case.strategies:
        fine, coarse = pairs.table("demands", name), regions.table("demands", name)
        abroad = fine["target"].where(fine["target"].str.startswith("pop"), fine["source"])
        fine["region"] = abroad.where(fine["class"] != "domestic", "")
        fine["volume"] = fine["latency_ms"].fillna(0.0) * fine["carried_gbps"]
        columns = ["offered_gbps", "carried_gbps", "volume"]
        sums = fine.groupby(["time_s", "class", "region"])[columns].sum()
        coarse = coarse.set_index(["time_s", "class", "region"])
        assert len(coarse) == len(sums)
        sums = sums.loc[coarse.index]
        for column in columns[:2]:
            assert np.allclose(coarse[column], sums[column], rtol=1e-12)
        there = (coarse["carried_gbps"] > 0).to_numpy()
        latency = (sums["volume"] / sums["carried_gbps"])[there]
        assert np.allclose(coarse["latency_ms"][there], latency, rtol=1e-12)


@pytest.mark.parametrize("kept", [{"detail": "none"}, {"every": 7}, {"every": 10**6}])
def test_figures_do_not_depend_on_what_is_kept(played, mini, kept):
    case, whole = played
    some = play(busy(mini, **kept))
    assert some.figures == whole.figures
    for name in case.strategies:
        every = kept.get("every", 1)
        rows, all_rows = some.table("links", name), whole.table("links", name)
        wanted = all_rows["time_s"] % (600.0 * every) == 0
        assert rows.reset_index(drop=True).equals(all_rows[wanted].reset_index(drop=True))
        assert ((name, "demands") in some.parts) == (kept.get("detail") != "none")


def test_more_steps_than_a_block():
    # A fault at the border of a block, and steps evaluated and written in several blocks.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    steps = 2 * BLOCK + 100
    events = [{"at_h": BLOCK * 10 * HOUR, "until_h": (BLOCK + 1) * 10 * HOUR, "link": "near"}]
    case = case_of(network, demands, static(), hours=steps * 10 * HOUR, step_s=10.0,
                   events=events, shapes=[Noise()])  # fmt: skip
    got = play(case)
    rows = got.demand("home", "abroad")
    assert rows.index.tolist() == [10.0 * k for k in range(steps)]
    offered = float(rows["offered_gbps"].sum() * 10.0)
    assert got.figure("offered_gbit") == pytest.approx(offered, rel=1e-12)
    lost = 3.0 * rows["offered_gbps"].loc[BLOCK * 10.0]
    assert got.figure("lost_gbit") == pytest.approx(lost, rel=1e-9)


# -- the figures of merit ---------------------------------------------------------------------


def test_quantiles_by_brute_force():
    rng = np.random.default_rng(5)
    for size in (1, 2, 7, 100):
        values, weights = rng.integers(0, 20, size).astype(float), rng.random(size) + 0.01
        shares = [0.0001, 0.25, 0.5, 0.95, 1.0]
        expected = [brute_quantile(values, weights, share) for share in shares]
        assert weighted_quantiles(values, weights, shares) == expected
    assert np.isnan(weighted_quantiles(np.array([1.0]), np.array([0.0]), [0.5])).all()
    assert np.isnan(weighted_quantiles(np.array([]), np.array([]), [0.5])).all()


def test_equal_weights_give_plain_order_statistics():
    values = np.arange(1.0, 101.0)[::-1]
    told = weighted_quantiles(values, np.full(100, 300.0), [0.5, 0.95, 0.99])
    assert told == [50.0, 95.0, 99.0]


def test_means_and_balance():
    assert weighted_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0])) == 2.0
    assert np.isnan(weighted_mean(np.array([1.0]), np.array([0.0])))
    table = np.array([[1.0, 1.0, 0.0, np.nan], [1.0, 0.0, 0.0, 3.0], [1.0, 0.0, 0.0, 3.0]])
    told = jain(table)
    assert told[:2] == pytest.approx([1.0, 1 / 3]) and np.isnan(told[2]) and told[3] == 1.0
