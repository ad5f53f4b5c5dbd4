"""Tables as spreadsheets in many languages hold them: read with what was assumed, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices.demand_format import read_recording

LINKS = "source,target,capacity_gbps\nA,B,100\nB,C,100\nC,A,100\n"


def links(folder: Path, text: str):
    (folder / "links.csv").write_text(text)
    return read_network(folder / "links.csv")


def capacities(folder: Path, text: str) -> list[float]:
    return links(folder, text)[0].capacity_gbps[::2].tolist()


def told(folder: Path, text: str) -> str:
    return "\n".join(str(each) for each in links(folder, text)[1])


def refused(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as stopped:
        links(folder, text)
    return str(stopped.value).replace(f"{folder}/", "")


def demands(folder: Path, text: str):
    network, _ = links(folder, LINKS)
    (folder / "tm.csv").write_text(text)
    return read_recording(folder / "tm.csv", network)


def rates(recording) -> dict[str, float]:
    names = [name.partition(":")[0] for name in recording.demands.names]
    return dict(zip(names, recording.gbps[:, 0].tolist(), strict=True))


# ---------------------------------------------------------------- links


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nsource;target;capacity_mbps\na;b;1.000,0\nb;c;2.500,5\n",
        "source;target;Capacité (Mbit/s)\na;b;1 000\nb;c;2\u202f500,5\n",
        "origem;destino;capacidade (Mbps)\na;b;1.000,00\nb;c;2.500,50\n",
        "Von;Nach;Kapazität (Gbit/s)\na;b;1,0\nb;c;2,5005\n",
        "Quelle;Ziel;Bandbreite [Gbps]\na;b;1\nb;c;2,5005\n",
        "origen;destino;ancho de banda (Mbps)\na;b;1000\nb;c;2500,5\n",
        "\n\nsource,target,capacity_mbps\na,b,1000\n\nb,c,2500.5\n,,\n",
    ],
    ids=["sep", "french", "brazilian", "german", "german 2", "spanish", "blank"],
)
def test_tables_of_links_in_many_languages(tmp_path, text):
    assert capacities(tmp_path, text) == [1.0, 2.5005]


def test_a_table_in_german_or_chinese_is_read_whole(tmp_path):
    german = (
        "Verbindung;Von;Nach;Kapazität (Gbit/s);Länge (km);Metrik\n"
        "M-N;München;Nürnberg;100,0;170,5;17\nN-K;Nürnberg;Köln;2 x 100G;410,2;41\n"
    )
    chinese = (
        "链路名称,源节点,目的节点,带宽（Gbps）,光缆长度（公里）,时延(毫秒),权重\n"
        "M-N,北京,上海,100,170.5,7.2,17\nN-K,上海,广州,2x100G,410.2,8.1,41\n"
    )
    for text in (german, chinese):
        network, problems = links(tmp_path, text)
        assert network.links == ("M-N", "N-K") and network.capacity_gbps[::2].tolist() == [100, 200]
        assert [network.attributes(each)["metric"] for each in network.links] == [17, 41]
        assert network.attributes("M-N")["fibre_km"] == 170.5
        assert not any("not used" in str(each) for each in problems)
    assert network.delay_ms[::2].tolist() == [7.2, 8.1]
    packed = tmp_path / "other.csv"
    packed.write_bytes(chinese.encode("gb18030"))
    with pytest.raises(InputError, match="in GB 18030 it begins with '链路名称.*save the file as"):
        read_network(packed)


@pytest.mark.parametrize(
    "head",
    [
        "device_a,interface_a,device_z,interface_z", "A-End,A Port,Z-End,Z Port",
        "Router A,Port A,Router B,Port B", "local_router,local_if,remote_router,remote_if",
        "node1,port1,node2,port2", "source device,source port,destination device,destination port",
        "site_a,if_a,site_z,if_z", "NodeA,PortA,NodeZ,PortZ",
    ],
)  # fmt: skip
def test_both_ends_go_by_many_names(tmp_path, head):
    network, _ = links(tmp_path, f"{head},speed\nx,et-0,y,et-1,100G\ny,et-2,z,et-0,40G\n")
    assert network.links == ("x-y", "y-z") and network.capacity_gbps[::2].tolist() == [100, 40]


def test_of_two_pairs_of_columns_the_surer_names_the_ends(tmp_path):
    head = "site_a,site_z,device_z,device_a,capacity_gbps"
    network, _ = links(tmp_path, f"{head}\nBJ,SH,sh1,bj1,10\nBJ,SH,sh2,bj1,10\n")
    assert network.nodes == ("bj1", "sh1", "sh2")


def test_a_length_in_german(tmp_path):
    network, _ = links(tmp_path, "Von;Nach;Kapazität (Gbit/s);Länge (km)\na;b;1;120,5\nb;c;1;80\n")
    assert network.attributes("a-b")["fibre_km"] == 120.5


def test_a_total_below_links_is_left_out_and_told(tmp_path):
    text = "source,target,capacity_gbps\na,b,10\nb,c,20\nTotal,,30\n"
    assert capacities(tmp_path, text) == [10, 20]
    assert "links.csv:4: warning: 'Total' sums up other rows: left out" in told(tmp_path, text)


def test_a_row_of_units_is_refused_as_one(tmp_path):
    text = "source,target,capacity,length\n,,Gbps,km\na,b,10,100\n"
    assert refused(tmp_path, text).startswith(
        "links.csv:2: source: the cell is empty; a row of units? Write them in the header,"
        " as in `rate (Gbps)`"
    )
    text = "source,target,capacity_gbps\na,b,10\nb,,10\n"
    assert refused(tmp_path, text) == "links.csv:3: target: the cell is empty"


@pytest.mark.parametrize("cell", ["45%", "45 %", "1 000", "1.000,5", "12,5", "7"])
def test_columns_of_numbers_that_are_not_read_are_named(tmp_path, cell):
    text = f"source;target;capacity_gbps;Auslastung\na;b;10;{cell}\nb;c;10;{cell}\n"
    assert "numbers of links not used: 'Auslastung'" in told(tmp_path, text)


@pytest.mark.parametrize(
    ("one", "other"), [("Berlin", "berlin"), ("1", "001"), ("r 1", "r1"), ("ar-1", "AR_01")]
)
def test_names_that_hardly_differ_are_told(tmp_path, one, other):
    text = f"source,target,capacity_gbps\n{one},x,10\n{other},x,10\n{one},{other},10\n"
    said = told(tmp_path, text)
    assert f"'{other}' and '{one}' differ only in capitals, blanks, hyphens or leading" in said


@pytest.mark.parametrize(("one", "other"), [("r1", "r10"), ("a", "b"), ("r1", "r2"), ("10", "100")])
def test_names_that_differ_are_not(tmp_path, one, other):
    text = f"source,target,capacity_gbps\n{one},x,10\n{other},x,10\n{one},{other},10\n"
    assert "differ only" not in told(tmp_path, text)


def test_delays_and_lengths_state_their_unit_in_the_cell(tmp_path):
    text = "source,target,capacity_gbps,latency,length\na,b,10,5 ms,\nb,c,10,800us,\nc,a,10,,12mi\n"
    network, _ = links(tmp_path, text)
    assert network.delay_ms[[0, 2]].tolist() == [5.0, 0.8]
    assert network.attributes("c-a")["fibre_km"] == 19.312128
    said = told(tmp_path, text)
    assert "'5 ms' as 5, '800us' as 0.8, '12mi' as 19.3121" in said
    assert "latency read as ms" not in said


def test_speeds_of_the_if_mib(tmp_path):
    names = "local_hostname,remote_hostname"
    assert capacities(tmp_path, f"{names},ifHighSpeed\na,b,1000\nb,c,40000\n") == [1, 40]
    assert capacities(tmp_path, f"{names},ifSpeed\na,b,1000000000\nb,c,2500000000\n") == [1, 2.5]
    text = f"{names},ifSpeed\na,b,1000000000\nb,c,4294967295\n"
    assert capacities(tmp_path, text) == [1, 1]
    assert "not understood, 'ifSpeed 4294967295, the largest of 32 bits'" in told(tmp_path, text)
    both = f"{names},ifSpeed,ifHighSpeed\na,b,4294967295,100000\nb,c,1000000000,1000\n"
    assert capacities(tmp_path, both) == [100, 1]


def test_a_value_of_one_direction_that_cannot_be_used_is_told(tmp_path):
    rows = ["a,b,10,1", "b,a,-5,1", "b,c,10,2", "c,b,10,nonsense", "c,a,10,3", "a,c,10,"]
    text = "\n".join(["source,target,capacity_gbps,metric", *rows])
    network, _ = links(tmp_path, text)
    assert network.capacity_gbps.tolist() == [10.0] * 6
    said = told(tmp_path, text)
    assert "capacity of 1 link cannot be used in one direction, -5.0: the same both ways" in said
    assert "metric of 1 link cannot be used in one direction, 'nonsense': the same both" in said
    assert "metric of 1 link given in one direction only: the same both ways (c>a)" in said


def test_many_values_of_one_direction_are_counted(tmp_path):
    rows = [f"a{i},b{i},10\nb{i},a{i},-{i + 1}\nh,a{i},1\na{i},h,1" for i in range(14)]
    said = told(tmp_path, "\n".join(["source,target,capacity_gbps", *rows]))
    assert said.count("cannot be used in one direction") == 10
    assert "4 more values of one direction cannot be used: the same both ways" in said


# ---------------------------------------------------------------- matrices


@pytest.mark.parametrize(
    "text",
    [
        "Von;Nach;Gbit/s\nA;B;1,5\nB;A;2,5\n",
        "origem;destino;tráfego (Mbps)\nA;B;1.500,00\nB;A;2.500,00\n",
        "Zeit;Von;Nach;Gbit/s\n01.05.2024 00:00;A;B;1,5\n01.05.2024 00:00;B;A;2,5\n",
        "sep=;\nsource;target;gbps\nA;B;1,5\nB;A;2,5\nSumme;;4\n",
        "Zeitstempel;A-B (Mbit/s);B-A (Mbit/s)\n01.05.2024 00:00;1.500,0;2.500,0\n",
    ],
    ids=["german", "brazilian", "with time", "sum", "wide"],
)
def test_matrices_in_many_languages(tmp_path, text):
    assert rates(demands(tmp_path, text)) == {"A>B": 1.5, "B>A": 2.5}


@pytest.mark.parametrize("corner", ["to", "to\\from", "nach/von", "target | source", "an\\von"])
def test_a_square_whose_rows_are_targets(tmp_path, corner):
    separator = ";"
    rows = [[corner, "A", "B"], ["A", "0", "1"], ["B", "2", "0"]]
    recording = demands(tmp_path, "\n".join(map(separator.join, rows)) + "\n")
    assert rates(recording) == {"B>A": 1.0, "A>B": 2.0}
    message = "rows are targets and columns sources, as"
    assert any(message in each.message for each in recording.notes)


@pytest.mark.parametrize("corner", ["", "from", "from\\to", "von/nach", "Gbps", "source | target"])
def test_a_square_whose_rows_are_sources(tmp_path, corner):
    rows = [[corner, "A", "B"], ["A", "0", "1"], ["B", "2", "0"]]
    recording = demands(tmp_path, "\n".join(map(";".join, rows)) + "\n")
    assert rates(recording) == {"A>B": 1.0, "B>A": 2.0}


def test_a_title_above_the_header_is_refused_as_one(tmp_path):
    with pytest.raises(InputError, match="'Traffic 2024': remove the lines above the header"):
        demands(tmp_path, "Traffic 2024,,\nsource,target,gbps\nA,B,1\n")
