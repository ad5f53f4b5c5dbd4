"""Matrices over time are read from files, refused in words, and drive scenarios."""

import gzip
import time

import numpy as np
import pandas as pd
import pytest
import third_party
from helpers import two_exits
from numpy.testing import assert_allclose
from third_party import CASES, FOLDER

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats import sheet
from simulator.formats.matrices import long_table
from simulator.formats.matrices.demand_format import (
    RecordingWarning,
    demand_format,
    read_demands,
    read_recording,
)
from simulator.formats.matrices.demands import write_recording
from simulator.model.recording import Recording
from simulator.model.streams import Streams
from simulator.routing.min_max import MinMax

NETWORK = two_exits()
LONG = """time,source,target,gbps
0,home,abroad,10
0,abroad,home,1
300,home,abroad,20.5
300,abroad,home,
900,home,abroad,30
"""
WIDE = """time,home>abroad,abroad>home
0,10,1
300,20.5,
900,30,
"""


def read(folder, content, name="tm.csv", **more) -> Recording:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_recording(path, NETWORK, **more)


def refused(folder, content, name="tm.csv", **more) -> list[str]:
    with pytest.raises(InputError) as stopped:
        read(folder, content, name, **more)
    return [str(problem).replace(f"{folder}/", "") for problem in stopped.value.problems]


def assert_the_three(recording, start=None):
    assert [name.rsplit(":")[0] for name in recording.demands.names] == [
        "home>abroad",
        "abroad>home",
    ]
    assert recording.hours * 3600 == pytest.approx([0, 300, 900])
    np.testing.assert_array_equal(recording.gbps, [[10, 20.5, 30], [1, np.nan, np.nan]])
    assert recording.start == start
    # 300 s at 10, 600 s at 20.5, 600 s at 30.
    assert recording.demands.gbps == pytest.approx([(3000 + 12300 + 18000) / 1500, 1.0])
    assert recording.demands.traffic_class.tolist() == ["international_out", "international_in"]


# -- what is read -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [LONG, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff\n\n" + text,
        lambda text: text.replace(",", " , ").replace("\n", "\n   \n"),
        lambda text: text.replace("home", '"home"', 1).replace("20.5", '"20.5"'),
        lambda text: text.replace("20.5", "+2.05E1"),
    ],
    ids=["plain", "crlf", "bom", "blanks", "quotes", "exponent"],
)
def test_both_tables_say_the_same(tmp_path, content, change):
    if content is WIDE and change("home") == '"home"':
        content = content.replace("home>abroad,", '"home>abroad",').replace("20.5", '"20.5"')
        change = str
    assert_the_three(read(tmp_path, change(content)))


@pytest.mark.parametrize("content", [LONG, WIDE], ids=["long", "wide"])
def test_what_is_packed_is_unpacked(tmp_path, content):
    assert_the_three(read(tmp_path, gzip.compress(content.encode()), "tm.csv.gz"))


@pytest.mark.parametrize("content", [LONG, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize(
    "dates",
    [
        ("2004-03-04T23:50", "2004-03-04T23:55", "2004-03-05T00:05"),
        ("2004-03-04 23:50:00", "2004-03-04 23:55:00", "2004-03-05 00:05:00"),
        ("20040304-2350", "20040304-2355", "20040305-0005"),
    ],
    ids=["iso", "blank", "sndlib"],
)
def test_times_are_dates_or_seconds(tmp_path, content, dates):
    for seconds, date in zip(("\n900,", "\n300,", "\n0,"), reversed(dates), strict=True):
        content = content.replace(seconds, f"\n{date},")
    assert_the_three(read(tmp_path, content), "2004-03-04T23:50:00")


def test_seconds_need_not_begin_at_zero(tmp_path):
    content = LONG.replace("\n900,", "\n1900.5,").replace("\n300,", "\n1300.5,")
    assert_the_three(read(tmp_path, content.replace("\n0,", "\n1000.5,")))


def test_rows_of_a_long_table_come_in_any_order(tmp_path):
    head, *rows = LONG.splitlines()
    got = read(tmp_path, "\n".join([head, rows[4], rows[1], rows[3], rows[2], rows[0]]))
    assert_the_three(got)


@pytest.mark.parametrize("instants", ["str", "seconds", "datetime64[us]", "datetime64[ns]"])
@pytest.mark.parametrize("coded", [False, True])
def test_parquet_holds_the_long_table(tmp_path, instants, coded):
    dates = ["2004-03-04T00:00", "2004-03-04T00:05", "2004-03-04T00:15"]
    times = [0, 300, 900] if instants == "seconds" else pd.Series(dates)
    if instants.startswith("datetime"):
        times = pd.to_datetime(times, format="ISO8601").astype(instants)
    table = pd.DataFrame(
        {
            "time": [times[0], times[0], times[1], times[1], times[2]],
            "source": ["home", "abroad", "home", "abroad", "home"],
            "target": ["abroad", "home", "abroad", "home", "abroad"],
            "mbps": [10e3, 1e3, 20.5e3, None, 30e3],
        }
    )
    if coded:
        table = table.astype({"source": "category"})
    table.to_parquet(tmp_path / "tm.parquet")
    start = None if instants == "seconds" else "2004-03-04T00:00:00"
    assert_the_three(read_recording(tmp_path / "tm.parquet", NETWORK), start)


@pytest.mark.parametrize(
    ("unit", "scale"), [("bps", 1e9), ("kbps", 1e6), ("mbps", 1e3), ("gbps", 1.0), ("tbps", 1e-3)]
)
def test_units_are_equal(tmp_path, unit, scale):
    def scaled(text):
        for rate in ("20.5", ",10", ",1\n", ",30"):
            sign, number = rate[: rate[0] == ","], rate.strip(",\n")
            end = "\n" if rate.endswith("\n") else ""
            text = text.replace(rate, f"{sign}{float(number) * scale!r}{end}")
        return text

    assert_the_three(read(tmp_path, scaled(LONG).replace("gbps", unit)))
    assert_the_three(read(tmp_path, scaled(WIDE), unit=unit))
    assert_the_three(read(tmp_path, scaled(WIDE), f"day_{unit}.csv"))
    stated = scaled(WIDE).replace("home>abroad", f"home>abroad_{unit}")
    assert_the_three(read(tmp_path, stated.replace("abroad>home", f"abroad>home_{unit}")))
    # What a column states counts more than what is said of the others.
    mixed = WIDE.replace("home>abroad", "home>abroad_gbps").replace("0,10,1\n", f"0,10,{scale!r}\n")
    assert_the_three(read(tmp_path, mixed, unit=unit))


def test_one_matrix_is_a_recording_of_one_instant(tmp_path):
    got = read(tmp_path, "source,target,mbps\nhome,abroad,2500\n")
    assert len(got) == 1 and got.demands.gbps.tolist() == [2.5]
    assert read_demands(tmp_path / "tm.csv", NETWORK).window_gbps is None


def test_demands_are_means_with_a_window(tmp_path):
    (tmp_path / "tm.csv").write_text(WIDE.replace("20.5,", "20.5,4"))
    with pytest.warns(
        RecordingWarning, match="1 of 2 demands are missing at 1 of 3 .*interpolated"
    ):
        demands = sim.load_demands(tmp_path / "tm.csv", NETWORK, unit="gbps")
    assert demands.gbps == pytest.approx([33300 / 1500, (300 + 2400 + 2400) / 1500])
    assert (demands.window_gbps == [[10, 20.5, 30], [1, 4, 4]]).all()


def test_a_recording_is_written_and_read_again(tmp_path):
    for content in (LONG, LONG.replace("\n900,", "\n900.25,"), WIDE.replace("900", "2e6")):
        one = read(tmp_path, content)
        write_recording(one, tmp_path / "again.csv")
        two = sim.load_recording(tmp_path / "again.csv", NETWORK)
        assert one.demands.names == two.demands.names
        np.testing.assert_array_equal(one.hours, two.hours)
        np.testing.assert_array_equal(one.gbps, two.gbps)


def test_every_format_says_what_it_reads():
    assert {"long_csv", "wide_csv", "parquet"} <= set(demand_format.names())
    for name, summary in demand_format.describe():
        assert summary and demand_format[name].readable


# -- what is refused ----------------------------------------------------------------------------


def test_a_file_that_no_format_reads_tells_what_can_be(tmp_path):
    (told,) = refused(tmp_path, "x", "tm.parket")
    assert told.startswith("tm.parket: no demands that I can read; did you mean '.parquet'?")
    assert "readable: " in told and "time,a>b,a>c" in told
    (told,) = refused(tmp_path, "x", "tm")
    assert "I can read; readable:" in told
    (tmp_path / "tm_1.csv").write_text(WIDE)
    with pytest.raises(InputError, match="no such file; did you mean 'tm_1.csv'"):
        read_recording(tmp_path / "tm_2.csv", NETWORK)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot read this file: it is a folder; readable: "):
        read_recording(tmp_path / "folder", NETWORK)


def test_mistakes_in_a_wide_table(tmp_path):
    content = """time,home>abroad,abroad>home
0,1,1
0,2,2
60,-1,x
120,nan,1e999
ten,1,1
180,1
,1,1
240,inf,1_0
"""
    rate = "expected a finite number of at least 0, found"
    assert refused(tmp_path, content) == [
        "tm.csv:3:1: time: '0' is not after the time above, '0'",
        f"tm.csv:4:4: home>abroad: {rate} '-1'",
        f"tm.csv:4:7: abroad>home: {rate} 'x'",
        f"tm.csv:5:9: abroad>home: {rate} '1e999'",
        "tm.csv:6:1: time: expected a number of seconds as in the first row, found 'ten'",
        "tm.csv:7:1: 2 cells in this row, but 3 columns in the header",
        "tm.csv:8:1: time: expected a number of seconds as in the first row, found ''",
        f"tm.csv:9:5: home>abroad: {rate} 'inf'",
        f"tm.csv:9:9: abroad>home: {rate} '1_0'",
    ]


@pytest.mark.parametrize("name", ["rate (Mbit/s)", "load (kbit/s)", "a-b (Gbps)"])
def test_a_unit_with_a_mark_of_pairs_in_it_is_no_pair(tmp_path, name):
    (told,) = refused(tmp_path, f"time,home>abroad,{name}\n0,1,1\n")
    assert f"tm.csv:1:18: {name}: " in told
    assert "'rate (Mbit'" not in told and "'load (kbit'" not in told


def test_mistakes_in_a_wide_header(tmp_path):
    header = "home>abroad,home>home,home>abroad_mbps,note,hom>abroad,home>gw-near_mbit"
    assert refused(tmp_path, f"{header}\n1,1,1,1,1,1\n") == [
        "tm.csv:1:1: time: required column is missing",
        "tm.csv:1:23: home>abroad_mbps: a second column of this pair; the first is 'home>abroad'",
        "tm.csv:1:40: note: expected 'time' or a pair of nodes such as 'a>b', found 'note'",
        "tm.csv:1:45: hom>abroad: no node named 'hom'; did you mean 'home'?",
        "tm.csv:1:56: home>gw-near_mbit: no node named 'gw-near_mbit'; did you mean 'gw-near'?",
    ]


def test_mistakes_in_a_long_table(tmp_path):
    content = """time,source,target,gbps,class
2004-03-04T00:00,home,abroad,1,international_out
2004-03-04T00:00,home,abroad,2,
20040304-0000,home,abroad,2,domestic
2004-03-04T00:05Z,home,abroad,2,
300,home,abroad,2,
2004-03-04T00:10,hme,abroad,-2,
2004-02-30,abroad,home,,
"""
    local = "expected a local time such as 2004-03-04T00:05, or a number of seconds in every row"
    assert refused(tmp_path, content) == [
        "tm.csv:3:18: source: a second demand from 'home' to 'abroad' at '2004-03-04T00:00';"
        " the first is on line 2",
        "tm.csv:4:15: source: a second demand from 'home' to 'abroad' at '20040304-0000';"
        " the first is on line 2",
        "tm.csv:4:29: class: domestic contradicts where the ends lie, which makes it"
        " international_out",
        "tm.csv:5:1: time: times are local: leave the zone out of '2004-03-04T00:05Z'",
        f"tm.csv:6:1: time: {local}, found '300'",
        "tm.csv:7:18: source: no node named 'hme'; did you mean 'home'?",
        "tm.csv:7:29: gbps: expected a finite number of at least 0, found '-2'",
        f"tm.csv:8:1: time: {local}, found '2004-02-30'",
    ]


def test_mistakes_in_parquet(tmp_path):
    path = tmp_path / "tm.parquet"
    table = pd.DataFrame({"source": ["home", "home", "hme", None], "target": "abroad",
                          "gbps": [1.0, 2.0, -1.0, None]})  # fmt: skip
    table.to_parquet(path)
    rate = "expected a finite number of at least 0, found"
    assert refused(tmp_path, path.read_bytes(), path.name) == [
        "tm.parquet: source: row 2: a second demand from 'home' to 'abroad'; the first is in row 1",
        "tm.parquet: source: row 3: no node named 'hme'; did you mean 'home'?",
        f"tm.parquet: gbps: row 3: {rate} -1.0",
        "tm.parquet: source: row 4: the cell is empty",
        f"tm.parquet: gbps: row 4: {rate} nothing",
    ]
    times = pd.to_datetime(["2004-03-04"] * 4).tz_localize("UTC")
    table = table.assign(time=times, gbps="1", clas="x").drop(columns="target")
    table.to_parquet(path)
    told = refused(tmp_path, path.read_bytes(), path.name)
    assert "tm.parquet: target: required column is missing" in told
    assert "tm.parquet: clas: unknown column; did you mean 'class'?" in told
    assert any("gbps: expected numbers, found" in each for each in told)
    table.assign(time=[True] * 4).to_parquet(path)
    told = refused(tmp_path, path.read_bytes(), path.name)
    assert "tm.parquet: time: expected times, or numbers of seconds, found bool" in told


def test_parquet_with_text_that_is_none_is_refused(tmp_path):
    path = tmp_path / "tm.parquet"
    table = pd.DataFrame({"source": ["home", "abroad"], "target": ["abroad", "home"], "gbps": 1.0})
    table.to_parquet(path, compression=None)
    raw = path.read_bytes()
    for place in range(len(raw)):
        if raw[place : place + 4] == b"home":
            path.write_bytes(raw[:place] + b"\xff" + raw[place + 1 :])
            try:
                read_recording(path, NETWORK)
            except InputError as error:
                assert str(path) in str(error)
    assert b"home" in raw


def test_the_first_fifty_and_how_many_more(tmp_path):
    told = refused(tmp_path, WIDE + "".join(f"{1000 + i},-1,-1\n" for i in range(40)))
    assert len(told) == 51 and told[-1] == "tm.csv: and 30 more"
    assert told[49].startswith("tm.csv:29:")
    told = refused(tmp_path, LONG + "".join(f"{1000 + i},home,abroad,-1\n" for i in range(70)))
    assert len(told) == 51 and told[-1] == "tm.csv: and 20 more"


def test_two_columns_of_rates(tmp_path):
    told = refused(tmp_path, "source,target,gbps,mbps\nhome,abroad,1,1000\n")
    assert told == ["tm.csv:1:15: gbps: the rates stand in mbps already"]


BIG = 10**6


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tm.csv", b"", "the file is empty"),
        ("tm.csv", b" \n\r\n\t", "the file is empty"),
        ("tm.csv.gz", b"", "the file is empty"),
        ("tm.csv", b"time,home>abroad\n", "no matrices below the header"),
        ("tm.csv", b"time,source,target,gbps\n", "no demands below the header"),
        ("tm.csv", b"\x00\x01\x02\xfe" * 1000, "not UTF-8 text"),
        ("tm.csv", b"time,home>abroad\n0,1\n1,\xe9\n", "tm.csv:3:3: not UTF-8 text: byte 0xe9"),
        ("tm.csv", b"\n\xe9>\n", "tm.csv:2:1: not UTF-8 text"),
        ("tm.csv", b"\xef\xbb\xbfs\xefurce;target\na;b\n", "tm.csv:1:2: not UTF-8 text"),
        ("tm.csv", b"\xef\xbb\xbf\xe9>b\n", "tm.csv:1:1: not UTF-8 text: byte 0xe9 at offset 3"),
        ("tm.csv", b'te (Mbit/s)" a,r,1,x\n1,2,3,4\n', "tm.csv:1:16: r: no node named"),
        ("tm.csv", b"source,ta\x1brget,gbps\na,b,1\n", r"ta\x1brget: unknown column"),
        ("tm.demands", b"\x1c\n", "expected `DEMANDS <number of rows>`"),
        ("tm.csv", b"time,home>abroad\n0,\"1\n", "tm.csv:2:1: not valid CSV"),
        ("tm.csv", b'time,"home>abroad\n0,1\n', "tm.csv:1:1: not valid CSV"),
        ("tm.csv.gz", WIDE.encode(), "not a gzip file"),
        ("tm.csv.gz", gzip.compress(WIDE.encode() * 99, mtime=0)[:-30], "ends too soon"),
        ("tm.csv.gz", gzip.compress(WIDE.encode(), mtime=0)[:20] + b"\0" * 40, "damaged"),
        ("tm.parquet", b"", "cannot read this Parquet file"),
        ("tm.parquet", b"PAR1" * 100, "cannot read this Parquet file"),
        ("tm.csv", b"time," + b"a>b," * BIG + b"\n", "1,000,002 columns, but 4 nodes have 12"),
        ("tm.csv", b"source," * BIG + b"\n", "a header of 1,000,001 columns"),
        ("tm.csv", b"x" * 10 * BIG, "10,000,000 characters"),
        ("tm.csv", b"\n" * 10 * BIG, "the file is empty"),
        ("tm.csv", b"time,home>abroad_tbps\n0,1e306\n", "2:3: home>abroad_tbps: at most 1e+12"),
        ("tm.csv", b"source,target,tbps\nhome,abroad,1e306\n", "tm.csv:2:13: tbps: at most 1e+12"),
        ("tm.csv", b"time,home>abroad\n0,1\n1e12,1\n", "at most 1e+11"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_quickly(tmp_path, name, content, message):
    begun = time.process_time()
    told = refused(tmp_path, content, name)
    assert message in "\n".join(told)
    assert all(len(each) < 500 for each in told)
    assert time.process_time() - begun < 5


def test_a_bomb_is_refused_before_it_unfolds(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MOST_CSV_BYTES", BIG)
    packed = gzip.compress(b"time,home>abroad\n0," + b"1" * 50 * BIG)
    assert len(packed) < BIG / 10
    (told,) = refused(tmp_path, packed, "tm.csv.gz")
    assert "larger than 1 MB" in told


def test_more_rates_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(long_table, "MOST_CELLS", 5)
    assert "2 demands at 3 instants make 6 rates; at most 5" in refused(tmp_path, LONG)[0]
    assert "2 pairs at 3 instants make 6 rates; at most 5" in refused(tmp_path, WIDE)[0]


LONG_ROWS = "time,source,target,gbps\n" + "".join(f"{i},home,abroad,{i}.5\n" for i in range(30))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LONG_ROWS + "30,nowhere,abroad,1\n", "tm.csv:32: source: no node named 'nowhere'"),
        (LONG_ROWS + "29,home,abroad,1\n", "a second demand from 'home' to 'abroad' at '29'; the"),
        (LONG_ROWS + "30,home,abroad,x5\n", "reading stops at: In CSV column #3: Row #31: CSV"),
        (LONG_ROWS + "30,home,abroad\n", "31 rows of 4 columns: at most 100 cells are read one by"),
        (LONG_ROWS + '30,home,abroad,"2,5"\n', "correct them, or split the file"),
        ("time,home>abroad\n" + "".join(f"{i},x\n" for i in range(60)), "reading stops at"),
    ],
)
def test_mistakes_in_files_too_long_to_be_read_one_by_one(tmp_path, monkeypatch, content, message):
    monkeypatch.setattr(sheet, "MOST_CELLS", 100)
    assert message in "\n".join(refused(tmp_path, content))


def test_long_files_without_mistakes_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MOST_CELLS", 100)
    assert len(read(tmp_path, LONG_ROWS)) == 30


# -- scenarios ----------------------------------------------------------------------------------


def scenario(folder, matrix="path: tm.csv", *, more="horizon_h: 0.5", step_s=300, shapes="[]"):
    net = folder / "net"
    net.mkdir(exist_ok=True)
    (net / "nodes.csv").write_text("id\na\nb\nc\n")
    links = "id,a,b,capacity_gbps,delay_ms\nab,a,b,100,1\nbc,b,c,100,1\n"
    (net / "links.csv").write_text(links)
    (folder / "s.yaml").write_text(f"""topology: net
{more}
step_s: {step_s}
queue: none
traffic:
  matrix: {{kind: file, {matrix}}}
  shapes: {shapes}
strategies: {{it: {{scheme: igp_ecmp}}}}
record: {{demands: pair}}
""")
    return folder / "s.yaml"


#: Mbps every ten minutes for half an hour.
DAY = """time,a>c,c>b
2004-03-04T12:00,1000,3000
2004-03-04T12:10,2000,
2004-03-04T12:20,6000,5000
"""


def volume(results):
    summary = results.summary
    rows = summary[(summary["metric"] == "offered_gbit") & (summary["scope"] == "all")]
    (gbit,) = rows["mean"]
    return gbit


@pytest.mark.parametrize("step_s", [60, 300, 420, 600, 1000, 1800])
def test_a_scenario_offers_the_volume_of_its_file(tmp_path, step_s):
    (tmp_path / "tm.csv").write_text(DAY)
    path = scenario(tmp_path, "path: tm.csv, unit: mbps", step_s=step_s)
    made = sim.load(path)
    (warning,) = made.warnings
    assert str(warning).endswith(
        "s.yaml:6:11: traffic.matrix: warning: tm.csv: rates of 1 of 2 demands are missing"
        " at 1 of 3 instants, 1 in all: interpolated"
    )
    # 600 s each at 1, 2, 6 and at 3, 4, 5 Gbps, whatever the step and whether it ends with them.
    assert volume(sim.run(made)) == pytest.approx(600 * (1 + 2 + 6 + 3 + 4 + 5), rel=1e-12)


def test_rates_at_every_step_and_the_mean_before_them(tmp_path):
    (tmp_path / "tm.csv").write_text(DAY)
    made = sim.load(scenario(tmp_path, "path: tm.csv, unit: mbps, gaps: hold", step_s=900))
    assert made.demands.gbps == pytest.approx([3.0, 11 / 3])
    assert made.case.series.start_hour == 12.0
    rates = made.case.series.play(Streams(1, 0))(0, 2)
    assert rates == pytest.approx(np.array([[4 / 3, 14 / 3], [3.0, 13 / 3]]))
    # Nothing is known before the start, so that plans are for the first matrix.
    assert made.case.demands.window_gbps == pytest.approx(np.array([[1.0, 1.0], [3.0, 3.0]]))


def test_a_start_within_the_recording(tmp_path):
    (tmp_path / "tm.csv").write_text(DAY)
    more = "start: 2004-03-04T12:15\nhorizon_h: 0.25"
    made = sim.load(scenario(tmp_path, "path: tm.csv, unit: mbps", more=more))
    assert made.case.series.play(Streams(1, 0))(0, 3)[0].tolist() == [2.0, 6.0, 6.0]
    assert volume(sim.run(made)) == pytest.approx(300 * (2 + 4) + 600 * (6 + 5))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "horizon_h: 2",
            "s.yaml:2:12: horizon_h: the recording is 0.5 h long, from 2004-03-04T12:00 to"
            " 2004-03-04T12:30; the scenario ends 1.5 h after it; shorten it,"
            " or give traffic.matrix.outside: hold or repeat",
        ),
        ("title: the default of a day", "horizon_h: the recording is 0.5 h long"),
        ("start: 2004-03-04T11:50\nhorizon_h: 0.25", "s.yaml:2:8: start: the recording is"),
        ("start: 2004-03-04T12:30\nhorizon_h: 0.25", "2004-03-04T12:30 lies outside; start within"),
        ("start: 2004-03-04T12:10\nend: 2004-03-04T13:10", "s.yaml:3:6: end: the recording is"),
    ],
)
def test_a_scenario_longer_than_its_recording_is_refused(tmp_path, more, message):
    (tmp_path / "tm.csv").write_text(DAY)
    with pytest.raises(InputError) as stopped:
        sim.load(scenario(tmp_path, more=more))
    (problem,) = stopped.value.problems
    assert message in str(problem)


@pytest.mark.parametrize(
    ("outside", "start", "expected"),
    [
        ("hold", "12:00", [1, 2, 6, 6, 6, 6]),
        ("repeat", "12:00", [1, 2, 6, 1, 2, 6]),
        ("hold", "11:50", [1, 1, 2, 6, 6, 6]),
        ("repeat", "11:50", [6, 1, 2, 6, 1, 2]),
        ("repeat", "13:20", [6, 1, 2, 6, 1, 2]),
    ],
)
def test_outside_a_recording(tmp_path, outside, start, expected):
    (tmp_path / "tm.csv").write_text(DAY)
    more = f"start: 2004-03-04T{start}\nhorizon_h: 1"
    matrix = f"path: tm.csv, unit: mbps, outside: {outside}"
    made = sim.load(scenario(tmp_path, matrix, more=more, step_s=600))
    assert made.case.series.play(Streams(1, 0))(0, 6)[0].tolist() == expected


def test_gaps_are_refused_or_zero_as_asked(tmp_path):
    (tmp_path / "tm.csv").write_text(DAY)
    with pytest.raises(
        InputError, match="tm.csv: rates of 1 of 2 .* first of c>b at 2004-03-04T12:1"
    ):
        sim.load(scenario(tmp_path, "path: tm.csv, gaps: refuse"))
    made = sim.load(scenario(tmp_path, "path: tm.csv, gaps: zero, unit: mbps"))
    assert "taken for zero" in str(made.warnings[0])
    assert volume(sim.run(made)) == pytest.approx(600 * (1 + 2 + 6 + 3 + 0 + 5))


def test_a_change_of_demands_changes_every_instant(tmp_path):
    (tmp_path / "tm.csv").write_text(DAY)
    made = sim.load(scenario(tmp_path, "path: tm.csv, unit: mbps"))
    plain = made.case.series.play(Streams(1, 0))(0, 6)
    more = made.with_changes({"demands.all": "+10%", "step_s": 150})
    rates = more.case.series.play(Streams(1, 0))(0, 12)
    assert rates == pytest.approx(1.1 * np.repeat(plain, 2, axis=1), rel=1e-14)
    assert np.array_equal(
        plain, made.with_changes({"seed": 7}).case.series.play(Streams(1, 0))(0, 6)
    )
    with pytest.raises(InputError, match="the scenario ends 0.5 h after it"):
        made.with_changes({"horizon_h": 1})


def test_shapes_multiply_a_recording(tmp_path):
    (tmp_path / "tm.csv").write_text(DAY)
    shapes = "[{kind: diurnal, peak_hour: 12, trough: 0}]"
    made = sim.load(scenario(tmp_path, "path: tm.csv, unit: mbps", shapes=shapes, step_s=600))
    hours = 12 + (np.arange(3) + 0.5) / 6
    curve = (1 + np.cos(2 * np.pi * (hours - 12) / 24)) / 2
    got = made.case.series.play(Streams(1, 0))(0, 3)
    assert got[0] == pytest.approx(np.array([1, 2, 6]) * curve, rel=1e-12)


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "tm.csv.gz").write_bytes(gzip.compress(DAY.encode()))
    with pytest.raises(
        InputError, match=r"matrix.path: no such file: tm.csv; did you mean 'tm.csv.gz'"
    ):
        sim.load(scenario(tmp_path))


# -- public matrices ----------------------------------------------------------------------------

DAYS = [case for case in CASES if case.matrices.name.startswith("tm_")]
days = pytest.mark.parametrize("case", DAYS, ids=lambda case: case.name)


def day(folder, case):
    """The scenario of a measured day."""
    nodes = pd.read_csv(case.topology / "nodes.csv")
    links = pd.read_csv(case.topology / "links.csv")
    net = folder / "net"
    net.mkdir()
    nodes[["id"]].to_csv(net / "nodes.csv", index=False)
    links = links.rename(columns={"source": "a", "target": "b", "weight": "metric"})
    links = links.assign(capacity_gbps=links["capacity"] / 1000, delay_ms=1.0)
    links.drop(columns="capacity").to_csv(net / "links.csv", index=False)
    (folder / "s.yaml").write_text(f"""topology: net
step_s: {24 * 3600 // case.figures["n"]}
queue: none
traffic: {{matrix: {{kind: file, path: {case.matrices}, unit: mbps}}}}
strategies: {{it: {{scheme: igp_ecmp}}}}
record: {{demands: none}}
""")
    return sim.load(folder / "s.yaml")


@third_party.needed
@days
def test_a_measured_day_reads_as_pandas_reads_it_and_fast(case):
    network = case.network()
    begun = time.process_time()
    got = read_recording(case.matrices, network, unit="mbps")
    assert time.process_time() - begun < 2
    np.testing.assert_array_equal(got.gbps, case.rates.to_numpy().T / 1000)
    assert got.length_h == pytest.approx(24.0)
    assert got.start[:10].replace("-", "") in case.matrices.name


@third_party.needed
@days
def test_a_measured_day_runs_and_meets_the_published_loads(tmp_path, case):
    """A whole day under ECMP with the listed weights, the fullest link at every instant."""
    made = day(tmp_path, case)
    assert not made.warnings
    links = sim.run(made).links
    found = links.groupby("time_s")["utilisation"].max()
    assert_allclose(found, case.figures["ecmp_mlu"]["sndlib_cost"], **case.tolerance)


@third_party.needed
@days
def test_the_least_mlu_of_every_hour_of_a_measured_day(tmp_path, case):
    made = day(tmp_path, case)
    rates = made.case.series.play(Streams(1, 0))(0, made.case.steps)
    steps_an_hour = case.figures["n"] // 24
    for hour, (label, expected) in enumerate(case.figures["opt_mlu"].items()):
        assert label.endswith(f"{hour:02}00")
        demands = made.demands.with_gbps(rates[:, hour * steps_an_hour])
        routes = MinMax().route(made.network, demands.take(demands.gbps > 0))
        assert routes.certificate.mlu == pytest.approx(expected, abs=1e-6)


@pytest.mark.skipif(FOLDER.exists(), reason="the third-party data are on this machine")
def test_without_public_matrices_nothing_is_parametrised():
    assert not DAYS
