"""Tables of traffic in many hands: spreadsheets, pollers, pandas, rrdtool; read or refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import two_exits

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices import doubts
from simulator.formats.matrices.counters import read_counters, read_totals
from simulator.formats.matrices.demand_format import RecordingWarning, read_recording
from simulator.formats.matrices.times import read_times
from simulator.formats.numerals import plain_numbers
from simulator.model.recording import Recording

NETWORK = two_exits()
OUT, IN = "home>abroad", "abroad>home"


def read(folder, text: str | bytes, name: str = "tm.csv", **options) -> Recording:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    network = options.pop("network", NETWORK)
    return read_recording(folder / name, network, **options)


def refused(folder, text: str | bytes, name: str = "tm.csv") -> str:
    with pytest.raises(InputError) as stopped:
        read(folder, text, name)
    return str(stopped.value).replace(f"{folder}/", "")


def means(recording: Recording) -> list[float]:
    return recording.demands.gbps.tolist()


def notes(recording: Recording) -> str:
    return "\n".join(map(str, recording.notes))


def clock(minutes: int) -> str:
    return f"2024-05-01T{minutes // 60:02}:{minutes % 60:02}"


def wide(instants, rate=lambda i: i) -> str:
    return f"time,{OUT}_gbps\n" + "".join(f"{time},{rate(i)}\n" for i, time in enumerate(instants))


# -- missing instants -----------------------------------------------------------------------------


def test_single_instants_that_are_missing_are_gaps(tmp_path):
    kept = [i for i in range(40) if i % 7 != 3]
    recording = read(tmp_path, wide([clock(5 * i) for i in kept], lambda i: kept[i]))
    assert len(recording) == 40
    assert np.flatnonzero(np.isnan(recording.gbps[0])).tolist() == [3, 10, 17, 24, 31, 38]
    assert "6 of 40 instants are missing, 2024-05-01T00:15, 2024-05-01T00:50" in (
        recording.gaps_summary()
    )
    assert recording.filled("interpolate").gbps[0].tolist() == pytest.approx(list(range(40)))


def test_rows_that_are_late_are_no_gaps(tmp_path):
    times = [f"2024-05-01T00:{5 * i:02}:{7 * i % 11 * 5:02}" for i in range(10)]
    recording = read(tmp_path, wide(times))
    assert len(recording) == 10 and not recording.gaps_summary()
    assert recording.filled("refuse") is recording


def test_events_without_a_usual_interval_have_no_gaps(tmp_path):
    recording = read(tmp_path, wide([0, 100, 2000, 2600, 9000, 9900]))
    assert len(recording) == 6 and not recording.gaps_summary()


def test_three_instants_have_no_usual_interval(tmp_path):
    assert len(read(tmp_path, wide([0, 300, 3600]))) == 3


def test_a_hole_in_a_long_table_and_in_parquet(tmp_path):
    rows = [(clock(5 * i), *pair, float(i))
            for i in range(10) if i not in (4, 5)
            for pair in (("home", "abroad"), ("abroad", "home"))]  # fmt: skip
    text = "time,source,target,gbps\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
    recording = read(tmp_path, text)
    assert "2 of 10 instants are missing, 2024-05-01T00:20 to 2024-05-01T00:25" == (
        recording.gaps_summary()
    )
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rows, columns=["time", "source", "target", "gbps"])
    frame.to_parquet(tmp_path / "tm.parquet")
    again = read_recording(tmp_path / "tm.parquet", NETWORK)
    np.testing.assert_array_equal(again.gbps, recording.gbps)
    frame["time"] = pd.to_datetime(frame["time"]).dt.tz_localize("Asia/Shanghai")
    frame.to_parquet(tmp_path / "tm.parquet")
    zoned = read_recording(tmp_path / "tm.parquet", NETWORK.with_clock(8.0))
    assert zoned.start == recording.start and "UTC+8" in notes(zoned)


def test_one_round_of_measurements_is_one_instant(tmp_path):
    rows = [
        f"2024-05-01T00:{5 * i:02}:{second:02},{pair},{i}\n"
        for i in range(10)
        for second, pair in ((1, "home,abroad"), (9, "abroad,home"))
    ]
    recording = read(tmp_path, "time,source,target,gbps\n" + "".join(rows))  # fmt: skip
    assert len(recording) == 10 and not recording.gaps_summary()
    assert "up to 8 s apart, are taken as one instant" in notes(recording)


def test_demands_that_change_at_times_of_their_own_keep_them(tmp_path):
    rows = [f"{1000 * i},home,abroad,1\n" for i in range(6)]
    rows += [f"{1000 * i + 400},abroad,home,1\n" for i in range(5)]
    assert len(read(tmp_path, "time,source,target,gbps\n" + "".join(rows))) == 11


def test_a_date_far_from_all_others_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(doubts, "MOST_CELLS", 1000)
    text = wide([*(clock(5 * i) for i in range(10)), "2024-06-01T00:00"])
    assert "instants are missing between 11 that are there; is the date of one" in (
        refused(tmp_path, text)
    )


def test_a_year_with_one_wrong_figure_is_refused(tmp_path):
    text = wide([*(clock(5 * i) for i in range(10)), "3024-06-01T00:00"])
    told = refused(tmp_path, text)
    assert "105," in told and "instants are missing between 11 that are there; is the" in told
    year = "2025-05-01T00:00"  # a file may well hold two days that are a year apart
    assert len(read(tmp_path, wide([*(clock(5 * i) for i in range(10)), year]))) > 100_000


@pytest.mark.parametrize(
    ("seconds", "step_h", "missing"),
    [
        ([0, 300, 900, 1500, 2100, 2700], None, 0),
        ([0, 300, 900, 1500, 2100, 2700], 1 / 12, 4),
        ([0, 3600, 7200, 10800], 1 / 12, 0),  # no two matrices are so close
    ],
)
def test_a_step_that_the_file_states_is_the_usual_one(tmp_path, seconds, step_h, missing):
    recording = read(tmp_path, wide([0]))
    hours = np.array(seconds) / 3600
    many = Recording.of(recording.demands, hours, np.ones((1, len(hours))), step_h=step_h)
    assert many.missing_instants() == missing
    assert len(many.with_missing_instants()) == len(hours) + missing


# -- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("2024-05-01T24:00", "2024-05-02T00:00:00"),
        ("31.12.2024 24:00:00", "2025-01-01T00:00:00"),
        ("2016-12-31 23:59:60", "2017-01-01T00:00:00"),
        ("2024/05/01  00:10", "2024-05-01T00:10:00"),
        ("13/5/2024 1:20 PM", "2024-05-13T13:20:00"),
        ("5/13/2024 12:05 am", "2024-05-13T00:05:00"),
        ("1 May 2024 00:05", "2024-05-01T00:05:00"),
        ("Wed May 1 00:05:00 2024", "2024-05-01T00:05:00"),
        ("202405010005", "2024-05-01T00:05:00"),
        ("20240501", "2024-05-01T00:00:00"),
        ("2024-05-01 00:05:00 +0200", "2024-05-01T06:05:00"),
        ("2024-04-30 22:05 UTC", "2024-05-01T06:05:00"),
        ("2024-05-01 00:05 CEST", "2024-05-01T06:05:00"),
        ("31/12/2023 17:05 CET", "2024-01-01T00:05:00"),
        ("5/13/2024 1:05 PM JST", "2024-05-13T12:05:00"),
        ("May 1, 2024 12:05 AM", "2024-05-01T00:05:00"),
        ("1714515600", "2024-05-01T06:20:00"),
        ("1714515600.25", "2024-05-01T06:20:00.250000"),
        ("1714515600000", "2024-05-01T06:20:00"),
        ("1714515600000000", "2024-05-01T06:20:00"),
        ("1714515600000000000", "2024-05-01T06:20:00"),
    ],
)
def test_a_time_is_read(word, expected):
    times = read_times([word], utc_offset_h=8.0)
    assert not times.wrong and times.start_of(times.us) == expected
    away = word.isdecimal() and len(word) > 9 and word[:2] == "17"
    assert ("UTC+8" in times.note) == (
        away or "+" in word or word[-3:] in ("UTC", "EST", "CET", "JST") or "." in word[10:]
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["5/1/2024 0:20"], "may be 2024-01-05 or 2024-05-01"),
        (["31.12.2024", "12.31.2024"], "days and months change places"),
        (["1.5.24"], "has a year of two digits; write all four"),
        (["01.05.24 00:05"], "has a year of two digits; write all four"),
        (["24-05-01 00:05"], "has a year of two digits; write all four"),
        (["2024-05-01 00:00 CST"], "CST is the name of several zones; write its offset"),
        (["5/1/2024 0:20 CET"], "may be 2024-01-05 or 2024-05-01"),
        (["2024-05-01 00:00 QQQ"], "expected a local time such as"),
        (["2024-05-01T00:00Z", "2024-05-01T00:05"], "has no zone, but the first time has one"),
        (["2024-05-01T00:00", "2024-05-01T00:05Z"], "leave the zone out of"),
        (["1714515600", "300"], "expected Unix seconds as in the first row, found '300'"),
        (["45413.0", "45413.00347"], "look like days as spreadsheets count them"),
        (["24:00"], "expected a local time such as"),
    ],
)
def test_a_time_that_is_not_clear_is_refused(words, told):
    assert any(told in message for message in read_times(words).wrong.values())


def test_rows_that_come_newest_first_are_turned_round(tmp_path):
    recording = read(tmp_path, wide([clock(5 * i) for i in range(5, -1, -1)]))
    assert recording.gbps[0].tolist() == [5, 4, 3, 2, 1, 0]
    assert recording.start == "2024-05-01T00:00:00" and "newest first" in notes(recording)


def test_an_hour_that_comes_twice_names_the_way_out(tmp_path):
    times = [f"2024-10-27T{h:02}:{m:02}" for h in (1, 2, 2, 3) for m in (0, 30)]
    hint = "if clocks were put back in this night, give times in UTC, with a Z"
    assert hint in refused(tmp_path, wide(times))
    rows = "".join(f"{time},home,abroad,1\n" for time in times)
    told = refused(tmp_path, f"time,source,target,gbps\n{rows}")
    assert "tm.csv:6:18" in told and "the first is on line 4" in told and hint in told


# -- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column", ["MBPS", "rate (Mbit/s)", "Traffic [Mb/s]", "traffic_mbps", "Mbps", "bw in Mbit/s"]
)
def test_a_unit_in_a_header_of_a_long_table(tmp_path, column):
    recording = read(tmp_path, f"Src,Dst,{column}\nhome,abroad,2500\n", unit="gbps")
    assert means(recording) == [2.5] and not recording.notes


@pytest.mark.parametrize("name", ["day_mbps.csv", "day (Mbps).csv", "day.Mbit_s.csv"])
def test_a_unit_in_the_name_of_a_file(tmp_path, name):
    assert means(read(tmp_path, f"time,{OUT}\n0,2500\n", name)) == [2.5]
    assert means(read(tmp_path, "source,target,rate\nhome,abroad,2500\n", name)) == [2.5]
    square = ",home,abroad\nhome,0,2500\nabroad,1000,0\n"
    assert means(read(tmp_path, square, name)) == [2.5, 1.0]


def test_a_unit_in_a_comment(tmp_path):
    recording = read(tmp_path, f"# rates in Mbit/s\ntime,{OUT}\n0,2500\n")
    assert means(recording) == [2.5]
    assert "tm.csv:1: warning: rates are read as mbps, as this comment says" in notes(recording)


def test_a_unit_that_nothing_states_is_told(tmp_path):
    for text in (f"time,{OUT}\n0,2\n", "source,target,rate\nhome,abroad,2\n"):
        assert "no unit is stated: rates are read as Gbps" in notes(read(tmp_path, text))
        assert not read(tmp_path, text, unit="gbps").notes
    with pytest.warns(RecordingWarning, match="no unit is stated"):
        sim.load_demands(tmp_path / "tm.csv", NETWORK)


@pytest.mark.parametrize("column", ["MB/s", "GBps", "bytes", "Octets", "packets", "bytes_per_s"])
def test_bytes_and_packets_are_no_rates(tmp_path, column):
    told = refused(tmp_path, f"source,target,{column}\nhome,abroad,1\n")
    assert "counts, or rates in bytes, are not read" in told
    told = refused(tmp_path, f"time,{OUT} ({column})\n0,1\n")
    assert "counts, or rates in bytes, are not read" in told


@pytest.mark.parametrize("column", ["mbit", "Mbits", "kbit", "capacity_mbps", "tbit"])
def test_no_unit_is_suggested_that_is_another(tmp_path, column):
    told = refused(tmp_path, f"source,target,{column}\nhome,abroad,1\n")
    assert "did you mean" not in told and column in told


# -- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "source;target;gbps\nhome;abroad;1,5\n",
        "sep=;\nsource;target;gbps\nhome;abroad;1,5\n",
        "source\ttarget\tgbps\nhome\tabroad\t1,5\n",
        "source|target|gbps\nhome|abroad|1.5\n",
        "# a\n# b\nsource,target,gbps\nhome,abroad,1.5\n",
        "# source,target,gbps\nhome,abroad,1.5\n",
        "source,target,gbps,,\nhome,abroad,1.5,,\n",
        "source,target,gbps\nhome,abroad,1.5,,\n",
        'source,target,gbps\n"home", "abroad",1.5\n',
        "source,target,gbps\rhome,abroad,1.5\r",
        "source,target,gbps\nhome,abroad,1.5\nSum,,1.5\n",
        "source,target,gbps\nhome,abroad,1.5\n合计,,1.5\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_long_table_in_many_hands(tmp_path, text, encoding):
    assert means(read(tmp_path, text.encode(encoding))) == [1.5]


@pytest.mark.parametrize(
    "text",
    [
        f"Timestamp;{OUT};{IN}\n01.05.2024 00:00;1,5;2,25\n01.05.2024 00:05;1,5;-\n",
        f",{OUT},{IN}\n2024-05-01 00:00,1.5,2.25\n2024-05-01 00:05,1.5,NaN\n",
        "time,home->abroad,abroad → home,Total\n0,1.5,2.25,3.75\n300,1.5,U,1.5\nMean,1.5,2,3\n",
        f"time,home>home,{OUT},{IN}\n0,7,1.5,2.25\n300,7,1.5,null\n",
    ],
)
def test_a_wide_table_in_many_hands(tmp_path, text):
    recording = read(tmp_path, text, unit="gbps")
    assert means(recording) == [1.5, 2.25]
    assert recording.gaps_summary() == (
        "rates of 1 of 2 demands are missing at 1 of 2 instants, 1 in all"
    )


def test_what_is_left_out_of_a_wide_table_is_told(tmp_path):
    text = f"time,home>home,{OUT}_gbps,Total\n0,7,1.5,8.5\nTotal,7,1.5,8.5\n"
    assert notes(read(tmp_path, text)).replace(f"{tmp_path}/", "") == (
        "tm.csv:1: warning: 1 columns of demands from a node to itself, the first 'home>home':"
        " left out\n"
        "tm.csv:1: Total: warning: sums up other columns: left out\n"
        "tm.csv:3: warning: 'Total' sums up rows: left out"
    )


def test_a_square_table_is_read_by_name(tmp_path):
    text = "Mbps;home;abroad;Total\nabroad;1.000,5;-;1.000,5\nhome;7;2.500;2.507\nTotal;;;\n"
    recording = read(tmp_path, text)
    assert recording.demands.names == [
        "abroad>home:international_in", "home>abroad:international_out",
    ]  # fmt: skip
    assert means(recording) == [1.0005, 2.5]
    assert "the diagonal, whose cells add up to 7: left out" in notes(recording)
    assert "'Total' sums up rows: left out" in notes(recording)


def test_mistakes_in_a_square_table(tmp_path):
    text = "x,home,abroad,nowhere\nhome,0,1,1\nhome,0,1,1\nabroad,-1,0,1\n"
    assert "tm.csv:1:15: nowhere: no node named 'nowhere'" in refused(tmp_path, text)
    told = refused(tmp_path, text.replace(",nowhere", ",gw-near"))
    assert "tm.csv:3:1: a second row of 'home'; the first is on line 2" in told
    assert "tm.csv:4:8: home: expected a finite number of at least 0, found '-1'" in told


def test_pairs_under_other_names_are_refused_with_the_way_out(tmp_path):
    told = refused(tmp_path, "time,home.abroad,abroad.home\n0,1,2\n")
    assert told == (
        "tm.csv:1:1: neither source and target nor pairs such as 'a>b' beside the time:"
        " 'home.abroad', 'abroad.home'"
    )


@pytest.mark.parametrize("mark", ["-", " - ", "_", ":", "/", " to ", "–", "|"])
def test_pairs_without_an_arrow_are_read_and_it_is_told(tmp_path, mark):
    text = f"time,home{mark}abroad (Mbps),abroad{mark}home (Mbps)\n0,1000,2000\n"
    recording = read(tmp_path, text.replace(",", ";") if mark == "|" else text)
    assert means(recording) == [1.0, 2.0]
    assert [note.message for note in recording.notes] == [
        f"columns such as 'home{mark}abroad (Mbps)' are read as from the first node to the second"
    ]


def test_a_pair_that_may_be_two_is_refused(tmp_path):
    nodes = "id\na\na-b\nb\nb-c\nc\n"
    links = "source,target,capacity_gbps\na,b,1\nb,c,1\nc,a,1\na-b,c,1\nb-c,a,1\n"
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "nodes.csv").write_text(nodes)
    (tmp_path / "net" / "links.csv").write_text(links)
    network, _ = read_network(tmp_path / "net")
    (tmp_path / "tm.csv").write_text("time,a-b-c,b-c\n0,1,2\n")
    with pytest.raises(InputError, match="a-b-c: may be a>b-c or a-b>c; write it with a >"):
        read_recording(tmp_path / "tm.csv", network)


def test_of_an_arrow_and_an_unknown_node_the_node_is_named(tmp_path):
    assert "no node named 'abrod'; did you mean 'abroad'?" in refused(
        tmp_path, "time,home->abrod\n0,1\n"
    )


def test_tabs_in_a_file_of_that_name(tmp_path):
    assert means(read(tmp_path, f"time\t{OUT}_gbps\n0\t1.5\n", "tm.tsv")) == [1.5]


def test_what_is_no_text_names_the_way_out(tmp_path):
    text = "source,target,gbps\nhöme,abroad,1\n"
    assert "tm.csv:2:2: not UTF-8 text: byte 0xf6 at offset 20 ('ö' in Latin-1); save the" in (
        refused(tmp_path, text.encode("latin-1"))
    )
    assert "UTF-16, without its mark at the beginning; save" in (
        refused(tmp_path, text.encode("utf-16-le"))
    )
    assert "it begins as UTF-16 text, but" in refused(tmp_path, text.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["10,5", "1,234"], ["10.5", "1.234"]),
        (["1.234,5", "1.234", "7"], ["1234.5", "1234", "7"]),
        (["1,234.5", "1,234"], ["1234.5", "1234"]),
        (["1,234,567"], ["1234567"]),
        (["1 234,5", "12\u202f345,25"], ["1234.5", "12345.25"]),
        (["1'234.5"], ["1234.5"]),
        (["0,123"], ["0.123"]),
        (["1.5", "x", "", "1e3"], ["1.5", "x", "", "1e3"]),
    ],
)
def test_numbers_in_one_way_only_are_read(cells, expected):
    found = plain_numbers(cells)
    assert found.cells == expected and not found.wrong
    assert bool(found.note) == (cells != expected)


def test_numbers_that_may_be_two_are_refused(tmp_path):
    told = refused(tmp_path, 'source,target,gbps\nhome,abroad,"1,000"\n')
    assert told == "tm.csv:2:13: gbps: '1,000' may be 1.000 or 1000; write 1.0000 or 1000"
    told = refused(tmp_path, "source;target;gbps\nhome;abroad;1.234\nabroad;home;10\n")
    assert told == "tm.csv:2:13: gbps: '1.234' may be 1.234 or 1234; write 1.2340 or 1234"
    told = refused(tmp_path, "source;target;gbps\nhome;abroad;1,5\nabroad;home;2.5\n")
    assert told.startswith("tm.csv:3:13: gbps: '2.5' and '1,5' above divide decimals differently")
    assert "\n" not in told


def test_counters_and_totals_state_their_unit(tmp_path):
    (tmp_path / "c.csv").write_text("source;target;load (Mbit/s)\nhome;gw-near;1500,5\n")
    assert read_counters(tmp_path / "c.csv", NETWORK).gbps.tolist() == [1.5005]
    (tmp_path / "t.csv").write_text("node,out_mbps,in (Gbps)\nhome,1500,2\n")
    out, into, _ = read_totals(tmp_path / "t.csv", NETWORK)
    assert (np.nansum(out), np.nansum(into)) == (1.5, 2.0)


def test_counters_and_totals_say_what_was_assumed(tmp_path):
    (tmp_path / "c.csv").write_text("# by poller\nsource;target;gbps\nhome;gw-near;1,5\n")
    (tmp_path / "t.csv").write_text("# by hand\nnode;out_gbps;in_gbps\nhome;1,25;2\n")
    decimal = "commas are decimal points in 1 cell, as '{}' is read as {}"
    told = [str(each) for each in read_counters(tmp_path / "c.csv", NETWORK).notes]
    assert told == [
        f"{tmp_path}/c.csv:1: warning: comment left out: '# by poller'",
        f"{tmp_path}/c.csv: warning: {decimal.format('1,5', '1.5')}",
    ]
    told = [each.message for each in read_totals(tmp_path / "t.csv", NETWORK).notes]
    assert told == ["comment left out: '# by hand'", decimal.format("1,25", "1.25")]


# -- values ---------------------------------------------------------------------------------------


def test_rates_above_every_capacity_are_told(tmp_path):
    most = float(NETWORK.installed_gbps.max())
    rates = [0.9 * most] * 9 + [1.5 * most]
    told = notes(read(tmp_path, wide([clock(5 * i) for i in range(10)], lambda i: rates[i])))
    assert "1 rate above the largest capacity of" in told and "at 2024-05-01T00:45" in told


def test_a_small_demand_that_grows_is_no_wrapped_counter(tmp_path):
    header, rows = f"time,{OUT}_gbps,{IN}_gbps\n", range(10)
    calm = [f"{clock(5 * i)},10,{0.02 if i == 5 else 1e-6}\n" for i in rows]
    assert not read(tmp_path, header + "".join(calm)).notes
    wild = [f"{clock(5 * i)},10,{2.0 if i == 5 else 1e-6}\n" for i in rows]
    assert "1 rate above 1,000 times the median" in notes(read(tmp_path, header + "".join(wild)))


def test_warnings_of_a_file_are_those_of_its_scenario(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "name: two\nnodes: [{id: a}, {id: b}]\n"
        "links: [{id: ab, a: a, b: b, capacity_gbps: 10, delay_ms: 1}]\n"
    )
    (tmp_path / "tm.csv").write_text("source,target,mbps\na,a,5\na,b,1000\n")
    (tmp_path / "s.yaml").write_text(
        "topology: net.yaml\nhorizon_h: 1\nstep_s: 900\n"
        "traffic: {matrix: {kind: file, path: tm.csv}}\nstrategies: {it: {scheme: igp_ecmp}}\n"
    )
    (warning,) = sim.load(tmp_path / "s.yaml").warnings
    assert warning.file.endswith("tm.csv") and warning.line == 2
    assert "a demand from a node to itself" in warning.message
