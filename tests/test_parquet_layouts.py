"""Parquet holds matrices as pairs, as squares and as lists, and is read as CSV of that form is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices.demand_format import read_recording

HOURS = pd.date_range("2024-05-01", periods=3, freq="h")
WIDE = pd.DataFrame({"A>B": [1.0, 2.0, 3.0], "B>C": [4.0, np.nan, 6.0]}, index=HOURS)
SQUARE = pd.DataFrame(
    [[9.0, 1.0, 2.0], [3.0, 9.0, np.nan], [5.0, 6.0, 9.0]], index=list("ABC"), columns=list("ABC")
)
LONG = pd.DataFrame({"source": list("ABC"), "target": list("BCA"), "gbps": [1.0, 2.0, 3.0]})


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("source,target,capacity_gbps\nA,B,100\nB,C,100\nC,A,100\n")
    return read_network(path)[0]


@pytest.fixture
def read(tmp_path, network):
    def reader(frame: pd.DataFrame, **options):
        frame.to_parquet(tmp_path / "tm.parquet")
        return read_recording(tmp_path / "tm.parquet", network, **options)

    return reader


@pytest.fixture
def refused(read):
    def reader(frame: pd.DataFrame) -> list[str]:
        with pytest.raises(InputError) as stopped:
            read(frame)
        return [str(each).partition("tm.parquet: ")[2] for each in stopped.value.problems]

    return reader


def rates(recording) -> dict[str, list[float]]:
    names = [name.partition(":")[0] for name in recording.demands.names]
    return dict(zip(names, recording.gbps.tolist(), strict=True))


def messages(recording) -> list[str]:
    return [each.message for each in recording.notes]


# ---------------------------------------------------------------- a column for every pair


def of_two_levels(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame.columns = pd.MultiIndex.from_tuples([("A", "B"), ("B", "C")])
    return frame


@pytest.mark.parametrize(
    "frame",
    [
        WIDE,
        WIDE.rename_axis("Timestamp"),
        WIDE.rename_axis("time").reset_index(),
        WIDE.rename(columns=lambda name: name.replace(">", " -> ")),
        WIDE.rename(columns=lambda name: name.replace(">", "-")),
        WIDE.astype("float32"),
        WIDE.set_index(HOURS.strftime("%Y-%m-%d %H:%M")),
        WIDE.set_index(HOURS.astype("datetime64[ms]")),
        WIDE[::-1],
        of_two_levels(WIDE),
    ],
    ids=["index", "named", "column", "arrow", "dash", "float32", "text", "ms", "newest", "levels"],
)
def test_wide_parquet_is_read(read, frame):
    recording = read(frame)
    assert_array_equal(rates(recording)["A>B"], [1, 2, 3])
    assert_array_equal(rates(recording)["B>C"], [4, np.nan, 6])
    assert_array_equal(recording.hours, [0, 1, 2])
    assert recording.start == "2024-05-01T00:00:00"


@pytest.mark.parametrize(
    "frame",
    [
        WIDE.rename_axis("time"),
        WIDE.rename_axis("time").rename(columns={"A>B": "A-B", "B>C": "B-C"}),
        WIDE.rename_axis("time").rename(columns={"A>B": "A>B_mbps", "B>C": "B>C (Tbit/s)"}),
        WIDE.rename_axis("time").assign(Total=1.0, **{"A>A": 1.0}),
        WIDE.rename_axis("time").tz_localize("UTC"),
        WIDE.rename_axis("time").assign(**{"A>B": [1.0, 2.0, 5000.0]}),
    ],
    ids=["plain", "dash", "units", "left out", "zone", "spike"],
)
def test_wide_parquet_says_what_wide_csv_says(tmp_path, network, read, frame):
    frame.to_csv(tmp_path / "tm.csv")
    beside = read_recording(tmp_path / "tm.csv", network)
    recording = read(frame)
    assert_array_equal(recording.gbps, beside.gbps)
    assert recording.demands.names == beside.demands.names
    assert recording.start == beside.start
    assert messages(recording) == messages(beside)
    assert messages(recording)


def test_the_unit_of_wide_parquet_is_in_names_or_given(tmp_path, read, network):
    named = WIDE.rename(columns={"A>B": "A>B_mbps"})
    recording = read(named, unit="bps")
    assert_array_equal(rates(recording)["A>B"], [0.001, 0.002, 0.003])
    assert_array_equal(rates(recording)["B>C"], [4e-9, np.nan, 6e-9])
    WIDE.to_parquet(tmp_path / "day_mbps.parquet")
    of_the_file = read_recording(tmp_path / "day_mbps.parquet", network)
    assert_array_equal(rates(of_the_file)["A>B"], [0.001, 0.002, 0.003])
    assert messages(of_the_file) == []


def test_what_is_wrong_in_wide_parquet_is_told_with_its_row(refused):
    finite = "expected a finite number of at least 0"
    assert refused(WIDE.assign(**{"A>B": [1.0, -1.0, np.inf]})) == [
        f"A>B: row 2: {finite}, found -1.0",
        f"A>B: row 3: {finite}, found inf",
    ]
    assert refused(WIDE.rename(columns={"A>B": "A>X"})) == ["A>X: no node named 'X'"]
    assert refused(WIDE.assign(n=1)) == [
        "n: expected 'time' or a pair of nodes such as 'a>b', found 'n'"
    ]
    assert refused(WIDE.assign(**{"A>B": ["1", "2", "3"]}))[0].startswith("A>B: expected numbers")
    assert refused(WIDE.reset_index(drop=True)) == ["time: required column is missing"]
    assert refused(WIDE.iloc[[0, 1, 1]]) == [
        "time: row 3: '2024-05-01T01:00:00' is not after the time above, '2024-05-01T01:00:00'"
    ]
    assert refused(WIDE[:0]) == ["no matrices in this file"]


# ---------------------------------------------------------------- squares


OF_ONE = {"A>B": [1.0], "A>C": [2.0], "B>A": [3.0], "C>A": [5.0], "C>B": [6.0]}
STACKED = pd.concat({HOURS[0]: SQUARE, HOURS[1]: 2 * SQUARE})


@pytest.mark.parametrize(
    "frame",
    [SQUARE, SQUARE.rename_axis("from"), SQUARE.rename_axis("source").reset_index()],
    ids=["index", "named", "column"],
)
def test_square_parquet_is_read(read, frame):
    recording = read(frame.assign(Total=1.0))
    assert rates(recording) == OF_ONE
    told = messages(recording)
    assert "sums up other columns: left out" in told
    assert any("from a node to itself" in each for each in told)


@pytest.mark.parametrize(
    "frame",
    [STACKED, STACKED.rename_axis(["time", "src"]).reset_index()],
    ids=["index", "columns"],
)
def test_a_square_for_every_instant_is_read(read, frame):
    recording = read(frame)
    found = rates(recording)
    for pair, (rate,) in OF_ONE.items():
        assert found[pair] == [rate, 2 * rate]
    assert np.isnan(found["B>C"]).all()
    assert recording.start == "2024-05-01T00:00:00"
    assert_array_equal(recording.hours, [0, 1])


def test_what_is_wrong_in_square_parquet_is_told_with_its_row(refused):
    assert refused(SQUARE.rename(columns={"C": "D"})) == ["D: no node named 'D'"]
    assert refused(SQUARE.rename(index={"C": "D"}))[0] == (
        "__index_level_0__: row 3: no node named 'D'"
    )
    finite = "expected a finite number of at least 0, found"
    assert refused(SQUARE.replace(6.0, -6.0)) == [f"B: row 3: {finite} -6.0"]
    again = refused(pd.concat([SQUARE, SQUARE[:1]]))
    assert again[0].endswith("a second demand from 'A' to 'B'; the first is in row 1")


# ---------------------------------------------------------------- lists


def test_an_index_beside_a_list_is_left_out_and_told(read):
    recording = read(LONG.set_index(pd.Index(["x", "y", "z"])))
    assert rates(recording) == {"A>B": [1.0], "B>C": [2.0], "C>A": [3.0]}
    assert messages(recording) == ["an index without a name: left out"]


def test_an_index_of_dates_beside_a_list_is_the_time(read):
    recording = read(pd.concat([LONG.set_index(HOURS[[0, 0, 0]]), LONG.set_index(HOURS[[1] * 3])]))
    assert rates(recording) == {"A>B": [1.0] * 2, "B>C": [2.0] * 2, "C>A": [3.0] * 2}
    assert recording.start == "2024-05-01T00:00:00"
