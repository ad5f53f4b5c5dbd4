"""The value of capacity: prices against figures by hand and against routing twice."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import MINI, make_tiny
from helpers import ABROAD, asks, sdn, two_exits
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import simulator as sim
from simulator.cli.main import main
from simulator.control.settings import Pieces
from simulator.model.demands import Demands
from simulator.routing.scheme import scheme as schemes
from simulator.study.elements import elements

SIDES = ("", "_more", "_less")
#: Extra delay of the far way out of TWO_EXITS: 2 + 20 ms against 1 + 10.
DETOUR_MS = 11.0


def worth(answer, strategy, element, direction="both"):
    """Return the row of an element, without its keys."""
    rows = answer.tables["value"]
    mine = (rows["strategy"] == strategy) & (rows["element"] == element)
    (row,) = rows[mine & (rows["direction"] == direction)].to_dict("records")
    return row


def sides(row, figure):
    """Price, and the slope on both sides."""
    return [row[f"{figure}_per_gbps{side}"] for side in SIDES]


def small(**changes):
    """Return the small scenario in long steps, where inbound traffic is moved at will."""
    keys = {"inbound": None, "step_s": 7200.0, "replications": 1, "uncertainty": {}, **changes}
    strategies = {
        "igp": {"scheme": "igp_ecmp"},
        "sdn": {
            "scheme": {"kind": "min_max", "classes": ["exit"]}, "control": {"every_s": 900},
        },
    }  # fmt: skip
    return sim.load(MINI).with_changes({"strategies": strategies, **keys})


# -- by hand --------------------------------------------------------------------------------------


def test_two_exits_by_hand():
    # 50 Gbps. Shortest paths: 50 / 100 on near, so -0.5 / 100 per Gbps, and 0.8 / 50 of headroom.
    # Both together: 50 / 200, so -0.25 / 200; a quarter of a Gbps moves near from far per Gbps
    # there less what leaves: 50 * 100 / 200**2 = 0.125 Gbps, times 11 ms, over 50 Gbps.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    answer = sim.value(network, demands, scheme=["igp_ecmp", "min_max"])
    for way in ("both", "out"):
        row = worth(answer, "igp_ecmp", "near", way)
        assert sides(row, "mlu") == pytest.approx([-0.005] * 3, rel=1e-6)
        assert sides(row, "headroom") == pytest.approx([0.016] * 3, rel=1e-6)
        assert sides(row, "latency_ms") == [0.0] * 3
        for name, sign in (("near", -1.0), ("far", 1.0)):
            row = worth(answer, "min_max", name, way)
            assert sides(row, "mlu") == pytest.approx([-0.00125] * 3, rel=1e-5)
            assert sides(row, "headroom") == pytest.approx([0.016] * 3, rel=1e-5)
            moved = sign * 0.125 * DETOUR_MS / 50.0
            assert sides(row, "latency_ms") == pytest.approx([moved] * 3, rel=1e-5)
    for figure in ("mlu", "latency_ms", "headroom"):
        for strategy in ("igp_ecmp", "min_max"):
            assert sides(worth(answer, strategy, "near", "in"), figure) == [0.0] * 3
            assert sides(worth(answer, strategy, "to-far"), figure) == [0.0] * 3
    assert "1 Gbps at near is worth most: the fullest link -0.125 points" in answer.sentence
    assert "2 of 4 links are worth nothing at the peak" in answer.sentence


def test_two_links_in_a_row_make_a_kink():
    # Both are full to one half: more of one alone helps nothing, less of it hurts.
    network = make_tiny(
        ("to", "home", "gw-near", 100.0), ("near", "gw-near", "abroad", 100.0),
        **{k: v for k, v in ABROAD.items() if k != "gw-far"},
    )  # fmt: skip
    demands = asks(network, ("home", "abroad", 50.0))
    for scheme in ("igp_ecmp", "min_max", "min_latency"):
        answer = sim.value(network, demands, scheme=scheme)
        for name in ("to", "near"):
            between, more, less = sides(worth(answer, scheme, name), "mlu")
            assert (more, less) == pytest.approx((0.0, -0.005), abs=1e-7), (scheme, name)
            assert -0.005 - 1e-7 <= between <= 0.0
        assert "0 | -0.5" in str(answer)
    assert (
        "worth nothing on any single link"
        in sim.value(network, demands.with_gbps(np.zeros(1)), scheme="min_max").sentence
    )


def test_an_exit_that_is_just_full_is_a_kink_of_latency():
    # 85 Gbps fill near to its cap of 0.85; a Gbps less there sends 0.85 Gbps the far way.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 85.0))
    answer = sim.value(network, demands, scheme={"kind": "min_latency", "utilisation_cap": 0.85})
    row = worth(answer, "min_latency", "near", "out")
    assert row["latency_ms_per_gbps_more"] == pytest.approx(0.0, abs=1e-9)
    assert row["latency_ms_per_gbps_less"] == pytest.approx(-0.85 * DETOUR_MS / 85.0, rel=1e-6)
    # Beyond it, both sides are the same, and the fullest link stays at the cap.
    full = sim.value(
        network, demands.with_gbps(np.array([100.0])),
        scheme={"kind": "min_latency", "utilisation_cap": 0.85},
    )  # fmt: skip
    row = worth(full, "min_latency", "near", "out")
    assert sides(row, "latency_ms") == pytest.approx([-0.85 * DETOUR_MS / 100.0] * 3, rel=1e-6)
    assert sides(row, "mlu") == pytest.approx([0.0] * 3, abs=1e-8)


def test_a_cable_shares_a_gbps_out_over_what_rides_it():
    network = sim.load_network("china169-mini")
    every = {(each.name, each.direction): each.gbps for each in elements(network)}
    for cable in {c for link in network.links for c in network.attributes(link)["cables"] or {}}:
        gbps = every[cable, "both"]
        assert gbps[::2].sum() == pytest.approx(1.0) and gbps[1::2].sum() == pytest.approx(1.0)
        riding = {
            link: share * network.capacity_gbps[2 * network.link_index[link]]
            for link in network.links
            if (share := (network.attributes(link)["cables"] or {}).get(cable, 0.0))
        }
        for link, part in riding.items():
            at = 2 * network.link_index[link]
            assert gbps[at] == pytest.approx(part / sum(riding.values()))


# -- prices are slopes ----------------------------------------------------------------------------


def figures(network, demands, scheme):
    """Highest utilisation and mean latency of a scheme's routes."""
    load = sim.route(scheme, network, demands).loads(demands.gbps)
    mlu = (load / network.capacity_gbps).max()
    return mlu, float(load @ network.delay_ms) / demands.gbps.sum()


def beside(network, element, step):
    return network.under(capacity_gbps=network.capacity_gbps + step * element.gbps)


def require_slopes(network, demands, scheme, rel=2e-3):
    """Compare both sides of every element with routes on two networks."""
    answer = sim.value(network, demands, scheme=scheme)
    here = figures(network, demands, scheme)
    scale = answer.tables["value"].select_dtypes("number").abs().max()
    for element in elements(network):
        row = worth(answer, scheme.kind, element.name, element.direction)
        some = element.gbps > 0
        step = 1e-4 * (network.capacity_gbps[some] / element.gbps[some]).min()
        above = figures(beside(network, element, step), demands, scheme)
        below = figures(beside(network, element, -step), demands, scheme)
        for place, column in enumerate(("mlu", "latency_ms")):
            _, more, less = sides(row, column)
            unit = max(scale[f"{column}_per_gbps_more"], scale[f"{column}_per_gbps_less"])
            allowed = rel * unit + 1e-7 * here[place] / step
            about = element.name, element.direction, column
            assert abs(more - (above[place] - here[place]) / step) <= allowed, about
            assert abs(less - (here[place] - below[place]) / step) <= allowed, about
    return answer


def ring(seed, nodes):
    """A ring with chords, of odd capacities and delays, and traffic between most pairs."""
    rng = np.random.default_rng(seed)
    pairs = [(i, (i + 1) % nodes) for i in range(nodes)]
    pairs += [(i, j) for i in range(nodes) for j in range(i + 2, nodes)
              if rng.random() < 0.3 and (i, j) != (0, nodes - 1)]  # fmt: skip
    low, high = (50, 1, 1), (200, 1.01, 9)
    low, high = (50, 1, 1), (200, 1.01, 9)
    links = [(f"{i}-{j}", f"n{i}", f"n{j}", *rng.uniform(low, high)) for i, j in pairs]
    network = make_tiny(*links)
    ends = [(i, j) for i in range(nodes) for j in range(nodes) if i != j and rng.random() < 0.7]
    source, target = ([f"n{each}" for each in side] for side in zip(*ends, strict=True))
    return network, Demands.of(network, source, target, rng.uniform(2, 20, len(ends)))


def made(options):
    """Return the scheme of a mapping."""
    return schemes.make(options["kind"], **{k: v for k, v in options.items() if k != "kind"})


SCHEMES = st.sampled_from(
    [
        {"kind": "min_max"},
        {"kind": "min_latency", "utilisation_cap": 0.5},
        {"kind": "min_latency", "utilisation_cap": 0.25},
    ]
)


@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000), nodes=st.integers(4, 6), options=SCHEMES)
def test_prices_are_slopes_on_random_networks(seed, nodes, options):
    network, demands = ring(seed, nodes)
    scheme = made(options)
    require_slopes(network, demands, scheme)


@pytest.mark.parametrize(
    "options",
    [{"kind": "min_max", "classes": ["exit"]}, {"kind": "min_latency", "classes": ["exit"]}],
    ids=["min_max", "min_latency"],
)
def test_prices_are_slopes_on_the_small_network(options):
    scenario = sim.load("mini")
    answer = require_slopes(scenario.network, scenario.demands, made(options))
    assert (answer.frame["latency_ms_per_gbps"].abs() > 0).sum() >= 2


@pytest.mark.parametrize("scheme", ["igp_ecmp", "min_max"])
def test_headroom_is_the_slope_of_two_headrooms(scheme):
    scenario = sim.load("mini")
    network, demands = scenario.network, scenario.demands
    answer = sim.value(network, demands, scheme=scheme)

    def factor(network):
        return sim.headroom(network, demands, scheme=scheme).frame["factor"].iloc[0]

    here, some = factor(network), 0
    for element in elements(network):
        if element.kind != "exit" or element.direction == "both":
            continue
        step = 1e-3 * network.capacity_gbps[element.gbps > 0].min()
        more = (factor(beside(network, element, step)) - here) / step
        less = (here - factor(beside(network, element, -step))) / step
        row = worth(answer, scheme, element.name, element.direction)
        between, *both = sides(row, "headroom")
        assert both == pytest.approx([more, less], rel=1e-3, abs=1e-6), element
        assert between == pytest.approx((more + less) / 2, abs=abs(less - more) / 2 + 1e-6)
        some += more > 0
    assert some >= 1


# -- scenarios ------------------------------------------------------------------------------------


def test_what_is_down_gains_nothing_and_what_is_cut_in_part_gains_its_part():
    whole = sim.value(small(), instants=4)
    down = sim.value(small(events=[{"at_h": 0.0, "link": "beijing-frankfurt"}]), instants=4)
    row = worth(whole, "igp", "beijing-frankfurt", "in")
    assert row["mlu_per_gbps"] < 0
    row = worth(down, "igp", "beijing-frankfurt", "in")
    assert sides(row, "mlu") == [0.0] * 3 and sides(row, "headroom") == [0.0] * 3
    half = sim.value(
        small(events=[{"at_h": 0.0, "link": "beijing-frankfurt", "capacity_gbps": "x0.5"}]),
        instants=4,
    )
    # Full to twice as much: -u / (C / 2) * (1 / 2), with u twice what it was.
    row, old = (worth(each, "igp", "beijing-frankfurt", "in") for each in (half, whole))
    assert row["mlu_per_gbps"] == pytest.approx(2 * old["mlu_per_gbps"], rel=1e-6)
    assert row["headroom_per_gbps"] == pytest.approx(old["headroom_per_gbps"] / 2, rel=1e-6)


def test_the_figures_are_those_of_the_run_and_of_headroom():
    scenario = small()
    looked = sim.value(scenario, instants=2).tables["strategies"].set_index("strategy")
    factors = sim.headroom(scenario).tables["headroom"].set_index("strategy")["factor"]
    assert looked["headroom"].to_dict() == pytest.approx(factors.to_dict(), rel=1e-6)
    assert looked["how"].to_dict() == {"igp": "fixed routes", "sdn": "prices"}
    assert looked["sampled"].tolist() == [2, 2] and looked["instants"].tolist() == [12, 12]
    peak = sim.run(scenario.with_strategies(["igp"])).figure("igp", "mlu_peak")
    assert looked.loc["igp", "mlu"] == pytest.approx(peak, rel=1e-9)


def test_where_neighbours_choose_inbound_traffic_stays():
    scenario = sim.load("mini").with_changes({"step_s": 3600.0, "replications": 1})
    scenario = scenario.with_strategies(["best_static", "sdn"])
    answer = sim.value(scenario, instants=2)
    looked = answer.tables["strategies"].set_index("strategy")
    factors = sim.headroom(scenario).tables["headroom"].set_index("strategy")["factor"]
    assert looked["headroom"].to_dict() == pytest.approx(factors.to_dict(), rel=1e-6)
    assert "Inbound traffic stays where it landed: best_static, sdn." in answer.foot


def test_a_strategy_without_a_program_is_routed_twice():
    # Two pieces, 2 : 1, of 50 Gbps: the large one fills near to 1/3. With more there it fills it
    # less, and with less it moves to far, which is as full then.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    halves = sdn("min_max", steers=("international_out",), pieces=Pieces(count=2))
    answer = sim.value(network, demands, scheme=halves)
    looked = answer.tables["strategies"].to_dict("records")[0]
    assert looked["how"] == "differences" and looked["headroom_how"] == "not exact"
    _, more, less = sides(worth(answer, "min_max", "near", "out"), "mlu")
    assert (more, less) == pytest.approx((-1 / 300, 0.0), abs=1e-6)
    assert answer.frame["headroom_per_gbps"].isna().all()
    told = " ".join(answer.foot)
    assert "routed again with 1 % more and less: min_max" in told
    assert "too coarse for a change per Gbps: min_max" in told


def test_a_network_without_exits_has_no_headroom_and_says_so():
    network, demands = ring(1, 5)
    answer = sim.value(network, demands, scheme="min_max")
    assert answer.frame["headroom_per_gbps"].isna().all()
    assert (answer.frame["mlu_per_gbps_less"] < 0).any()
    assert "There are no exits, so there is no headroom." in answer.foot


def test_the_ranking_is_by_what_is_asked():
    scenario = sim.load("mini")
    network, demands = scenario.network, scenario.demands
    for by, column, sign in (("mlu", "mlu", 1), ("latency", "latency_ms", 1),
                             ("headroom", "headroom", -1)):  # fmt: skip
        rows = sim.value(network, demands, scheme="min_max", by=by).frame
        assert (sign * rows[f"{column}_per_gbps_more"]).is_monotonic_increasing


def test_tables_do_not_depend_on_the_workers(tmp_path):
    for workers in (1, 2):
        sim.value(small(), instants=2, workers=workers, out=tmp_path / str(workers))
    for name in ("value", "strategies"):
        one, two = ((tmp_path / w / f"{name}.csv").read_bytes() for w in ("1", "2"))
        assert one == two, name


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"by": "latancy"}, "no figure named 'latancy'; did you mean 'latency'"),
        ({"instants": 0}, "expected a number of moments from 1, found 0"),
        ({"target": -1.0}, "expected a utilisation above 0, such as 0.8, found -1"),
        ({"demands": "x"}, "a scenario has its own"),
    ],
)
def test_what_is_wrong_is_said(keywords, message):
    with pytest.raises(sim.InputError, match=message):
        sim.value(small(), **keywords)
    with pytest.raises(sim.InputError, match="a network needs demands"):
        sim.value(two_exits())
    with pytest.raises(sim.InputError, match="expected a kind"):
        network = two_exits()
        sim.value(network, asks(network, ("home", "abroad", 1.0)), scheme={"utilisation_cap": 0.8})


# -- as it is shown -------------------------------------------------------------------------------


def test_the_verb_prints_the_sentence_and_writes_the_picture(tmp_path):
    out = tmp_path / "v"
    words = ["value", "mini", "--out", str(out), "--strategies", "igp,sdn-ideal",
             "--set", "step_s=7200", "--instants", "3"]  # fmt: skip
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "1 Gbps at" in said and "worth nothing at the peak" in said
    assert "A bound, which does what nobody can: sdn-ideal." in said
    assert (out / "value_bars.png").stat().st_size > 5000
    again = CliRunner().invoke(main, [*words, "--json", "--force"])
    told = json.loads(again.stdout)
    assert list(told["tables"]) == ["value", "strategies"]
    wanted = {"strategy", "element", "kind", "direction", "mlu_per_gbps", "latency_ms_per_gbps",
              "headroom_per_gbps", "mlu_per_gbps_more", "headroom_per_gbps_less"}  # fmt: skip
    assert wanted <= set(told["tables"]["value"][0])
    kept = pd.read_csv(out / "value.csv")
    assert len(kept) == len(told["tables"]["value"]) == 2 * len(elements(sim.load("mini").network))
    wrong = CliRunner().invoke(main, ["value", "mini", "--by", "headrom"])
    assert wrong.exit_code == 2 and "did you mean 'headroom'" in wrong.output


@pytest.mark.parametrize("width", ["column", "page"])
def test_the_picture_has_a_bar_for_everything_that_is_worth_something(width):
    network = two_exits()
    answer = sim.value(network, asks(network, ("home", "abroad", 50.0)), scheme="min_max")
    ax = answer.figures["value_bars"](width=width)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["near out", "far out"]
    lengths = [bar.get_width() for bar in ax.patches]
    assert lengths[:2] == pytest.approx([0.125, 0.125], rel=1e-4)
    nothing = sim.value(network, asks(network, ("home", "abroad", 0.0)), scheme="igp_ecmp")
    with pytest.raises(sim.SimulatorError, match="worth nothing anywhere"):
        nothing.figures["value_bars"]()
    assert math.isinf(nothing.tables["strategies"]["headroom"].iloc[0])
    assert "No international traffic takes the exits: igp_ecmp." in nothing.foot
