"""Files of traffic as people have them: each is read as it was meant, or refused with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sources
from cases import case

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices.demand_format import read_recording
from simulator.model.recording import Recording


def read(name: str, file: str = "tm.csv", **options) -> Recording:
    """Read a file of a case for the network beside it."""
    network, _ = read_network(case(name, "net.yaml"))
    return read_recording(case(name, file), network, **options)


def refused(name: str, file: str = "tm.csv") -> list[str]:
    """Return the errors of a file of a case, without its folder."""
    with pytest.raises(InputError) as stopped:
        read(name, file)
    folder = f"{case(name)}/"
    return [str(problem).replace(folder, "") for problem in stopped.value.problems]


def rates(recording: Recording) -> dict[str, float]:
    """Return mean rates by pair."""
    names = (name.rsplit(":", 1)[0] for name in recording.demands.names)
    return dict(zip(names, recording.demands.gbps.tolist(), strict=True))


def notes(recording: Recording) -> str:
    """Return all that was assumed or left out."""
    return "\n".join(map(str, recording.notes))


# -- times and missing instants -------------------------------------------------------------------


def test_times_with_a_zone_are_instants():
    recording = read("b01-zone-offsets")
    assert recording.start == "2024-03-30T15:00:00"
    assert recording.hours.tolist() == pytest.approx([0.0, 1 / 12])
    assert "times carry a zone, and are shown as local at UTC+0" in notes(recording)


def test_an_hour_that_comes_twice_is_refused_with_its_row():
    (told,) = refused("b02-dst-autumn")
    assert told.startswith("tm.csv:5:1: time: '2024-10-27T02:00' is not after the time above")
    assert "if clocks were put back in this night, give times in UTC" in told


def test_an_hour_that_is_missing_is_told():
    recording = read("b03-dst-spring")
    assert "1 of 5 instants is missing, 2024-03-31T02:00" in recording.gaps_summary()
    assert "clocks were put forward" in recording.gaps_summary()
    assert recording.filled("interpolate").gbps[0].tolist() == [10, 90, 50, 10, 10]
    with pytest.raises(ValueError, match="2024-03-31T02:00"):
        recording.filled("refuse")


def test_missing_rows_are_gaps():
    recording = read("b04-missing-rows")
    told = recording.gaps_summary()
    assert told == "35 of 72 instants are missing, 2024-05-01T01:05 to 2024-05-01T03:55"
    means = {gaps: rates(recording.filled(gaps))["A>B"] for gaps in ("interpolate", "zero", "hold")}
    assert means == pytest.approx({"interpolate": 30.5556, "zero": 6.25, "hold": 50.0}, rel=1e-5)
    with pytest.raises(ValueError, match="35 of 72 instants are missing, 2024-05-01T01:05"):
        recording.filled("refuse")


def above_80_h(gaps: str) -> float:
    scenario = sim.load(case("c21-missing-rows-run", "s.yaml"), [("traffic.matrix.gaps", gaps)])
    summary = sim.run(scenario).summary
    chosen = (summary["metric"] == "hours_above_80") & (summary["scope"] == "exit:X:out")
    (hours,) = summary[chosen]["mean"]
    return float(hours)


def test_a_run_over_missing_rows_is_refused_or_says_so():
    with pytest.raises(InputError, match="35 of 72 instants are missing"):
        sim.load(case("c21-missing-rows-run", "s.yaml"))
    assert above_80_h("zero") == pytest.approx(1 / 12)
    assert above_80_h("interpolate") == pytest.approx(5 / 12)
    assert above_80_h("hold") == pytest.approx(3.0)


def test_unix_seconds_are_dates():
    recording = read("b11-epoch-seconds")
    assert recording.start == "2024-05-01T18:00:00"
    assert np.diff(recording.hours) * 3600 == pytest.approx([300] * 11)
    assert "Unix seconds" in notes(recording) and "UTC+0" in notes(recording)


@pytest.mark.parametrize("file", ["tm.csv", "b.csv", "c.csv"])
def test_dates_in_one_way_only_are_read(file):
    recording = read("b13-blank-date", file)
    assert recording.start == "2024-05-01T00:00:00"
    assert recording.hours.tolist() == pytest.approx([0.0, 1 / 12])
    assert ("day first" in notes(recording)) == (file == "c.csv")


def test_dates_that_may_be_two_are_refused():
    told = refused("b13-blank-date", "d.csv")
    ways = "'5/1/2024 0:00' may be 2024-01-05 or 2024-05-01; write dates in this form"
    assert told[0] == f"d.csv:2:1: time: {ways}"


def test_the_end_of_a_day_is_the_next_midnight():
    recording = read("b23-24h")
    assert recording.time_of(recording.hours[-1]) == "2024-05-02T00:00"
    assert recording.gbps[0].tolist() == [10, 20, 30]


def test_a_demand_that_stops_early_has_gaps():
    recording = read("e06-long-one-pair-stops")
    assert "rates of 1 of 2 demands are missing at 6 of 12 instants" in recording.gaps_summary()
    assert np.isnan(recording.gbps[1, 6:]).all()


def test_rows_of_a_long_table_are_sorted():
    recording = read("e07-long-unordered")
    assert recording.start == "2024-05-01T00:00:00"
    assert recording.gbps[0].tolist() == [10, 20, 30]


def test_one_instant_is_a_constant_matrix():
    recording = read("e11-isolated-single-instant")
    assert len(recording) == 1 and rates(recording) == {"A>B": 10.0}


def test_means_over_steps_that_lie_between_instants_are_exact():
    results = sim.run(sim.load(case("c14-recording-misaligned", "s.yaml")))
    summary = results.summary
    (gbit,) = summary[(summary["metric"] == "offered_gbit") & (summary["scope"] == "all")]["mean"]
    assert gbit == pytest.approx(45.0 * 900)


def test_growth_goes_on_over_a_leap_day():
    results = sim.run(sim.load(case("c20-growth-leap-year", "s.yaml")))
    summary = results.summary
    (gbit,) = summary[(summary["metric"] == "offered_gbit") & (summary["scope"] == "all")]["mean"]
    years = 72 / 8760
    assert gbit == pytest.approx(3600 * 8760 * (2**years - 1) / np.log(2), rel=1e-8)
    assert gbit == pytest.approx(259_940, rel=1e-5)


# -- values ---------------------------------------------------------------------------------------


def test_a_rate_below_zero_is_refused_with_its_cell():
    (told,) = refused("b06-negative")
    assert told == "tm.csv:3:18: A>B: expected a finite number of at least 0, found '-12.5'"


def test_a_counter_that_wrapped_is_told():
    told = notes(read("b07-wrap-spike"))
    assert "1 rate above 1,000 times the median of their demand" in told
    assert "1.84467e+07 Gbps, of A>B at 2024-05-01T10:00" in told


def test_words_for_nothing_are_gaps():
    recording = read("b10-nan-words")
    assert np.isnan(recording.gbps).sum() == 6
    assert "2 demands are missing at 6 of 7 instants, 6 in all" in recording.gaps_summary()
    assert recording.gbps[:, -1].tolist() == [11, 23]


def test_infinite_rates_in_parquet_are_refused():
    (told,) = refused("e02-parquet-nan-inf", "tm.parquet")
    assert told.startswith("tm.parquet: gbps: row 3: ") and told.endswith("found inf")


def test_parquet_of_pandas_is_read():
    assert rates(read("e03-parquet-category-int", "tm.parquet")) == {"A>B": 1.0, "B>C": 2.0}
    recording = read("e04-parquet-date-objects", "tm.parquet")
    assert recording.start == "2024-05-01T00:00:00" and recording.gbps.tolist() == [[10, 20]]


def test_very_small_and_large_rates_are_exact():
    assert rates(read("e10-very-small-and-large")) == {"A>B": 1e-9, "B>C": 4e5}


# -- tables ---------------------------------------------------------------------------------------


def test_a_table_of_a_german_spreadsheet_is_read():
    recording = read("b08-excel-semicolon")
    assert rates(recording) == {"A>B": 10.5, "B>C": 1234.5}
    assert "commas are decimal points in 2 cells" in notes(recording)


def test_the_same_pair_twice_is_refused_with_both_lines():
    (told,) = refused("b14-duplicates")
    assert told.startswith("tm.csv:3:1: source: a second demand from 'A' to 'B'")
    assert told.endswith("the first is on line 2")


def test_a_demand_from_a_node_to_itself_is_left_out():
    recording = read("b15-self-demand")
    assert rates(recording) == {"A>B": 10.0}
    assert "tm.csv:2: source: warning: a demand from a node to itself" in notes(recording)
    assert "50 Gbps: left out" in notes(recording)


@pytest.mark.parametrize("file", ["tm.csv", "b.csv", "c.csv", "d.csv"])
def test_units_in_headers(file):
    assert rates(read("b16-unit-in-header", file)) == {"A>B": 10.0}


def test_a_square_matrix_is_read():
    recording = read("b17-square-matrix")
    assert rates(recording) == {
        "A>B": 10, "A>C": 20, "B>A": 5, "B>C": 7, "C>A": 1, "C>B": 2,
    }  # fmt: skip
    assert "the diagonal, whose cells add up to 0: left out" in notes(recording)


def test_counts_are_no_rates():
    told = "\n".join(refused("b18-pmacct"))
    assert "tm.csv:1:15: PACKETS: counts, or rates in bytes, are not read" in told
    assert "tm.csv:1:23: BYTES: " in told and "bytes times 8 over the seconds" in told


def test_a_total_at_the_end_is_no_demand():
    recording = read("b20-trailing-separator")
    assert rates(recording) == {"A>B": 10, "B>C": 35}
    assert "tm.csv:4: warning: 'Total' sums up other rows (45): left out" in notes(recording)


def test_blanks_and_marks_around_cells():
    assert rates(read("b22-spaces-bom")) == {"A>B": 10, "B>C": 20}
    assert rates(read("e12-quoted-header")) == {"A>B": 10}


def test_a_column_of_another_name_is_refused():
    assert any(
        "tm.csv:1:26: comment: " in told for told in refused("e09-5min-start-of-month-total")
    )


def test_a_comment_above_the_header_is_left_out():
    recording = read("e13-name-with-comment")
    assert rates(recording) == {"A>B": 10}
    assert "tm.csv:1: warning: comment left out: '# exported 2024-05-01'" in notes(recording)


# -- SNDlib ---------------------------------------------------------------------------------------


def sndlib(path: Path) -> tuple[Recording, int, int]:
    """Return demands, and how many nodes and links there are, of a network file."""
    network, _ = read_network(path)
    return read_recording(path, network), len(network.nodes), len(network.links)


def test_a_year_is_no_instant():
    recording, *_ = sndlib(case("a26-sndlib-peak-time", "net.txt"))
    assert len(recording.demands) == 2 and recording.start is None
    assert recording.demands.total_gbps() == pytest.approx(0.03)
    assert "meta.time: warning: '2004' is no instant" in notes(recording)


@pytest.mark.parametrize("ending", ["txt", "xml"])
@pytest.mark.reference(sources.SNDLIB)
def test_abilene_as_published(ending):
    recording, nodes, links = sndlib(case("r01-sndlib-abilene-original", f"abilene.{ending}"))
    assert (nodes, links, len(recording.demands)) == (12, 15, 132)
    assert recording.demands.total_gbps() == pytest.approx(3000.002)


def test_brain_as_published():
    path = case("r03-sndlib-brain-original", "brain.txt")
    recording, nodes, links = sndlib(path)
    assert (nodes, links, len(recording.demands)) == (161, 332 // 2, 14311)  # listed both ways
    network, _ = read_network(path)
    assert set(network.installed_gbps) == {10.0}
    assert rates(recording)["ADH10>ADH11"] == 3e-9


#: Nodes, links, demands in Mbps, as an independent parser of XML has them.
ORIGINALS = """
atlanta 15 22 136726, cost266 37 57 679598, dfn-bwin 10 45 548388, dfn-gwin 11 47 3771,
di-yuan 11 42 53, france 25 45 99830, germany50 50 88 2365, giul39 39 86 7366,
india35 35 80 3292, janos-us 26 42 80000, janos-us-ca 39 61 2032274, newyork 16 49 1774,
nobel-eu 28 41 1898, nobel-germany 17 26 660, nobel-us 14 21 5420, norway 27 51 5348,
pdh 11 34 4621, polska 12 18 9943, sun 27 51 476, ta1 24 55 10127249, ta2 65 108 31419014,
zib54 54 81 12230
"""


@pytest.mark.parametrize("line", ORIGINALS.replace("\n", " ").split(","), ids=str.split)
def test_originals_of_sndlib(line):
    name, nodes, links, mbps = line.split()
    path = case("r06-sndlib-all-originals", f"{name}.txt")
    recording, found, joined = sndlib(path)
    assert (found, joined) == (int(nodes), int(links))
    assert recording.demands.total_gbps() * 1000 == pytest.approx(float(mbps), abs=0.51)
    assert "no unit is stated, rates are read as Mbps" in notes(recording)
