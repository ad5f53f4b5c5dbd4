"""Tables that are a whole network: exits, cables, regions and what is said of it, as CSV."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from test_formats import assert_same

from simulator.base.errors import InputError
from simulator.cli.main import main
from simulator.formats.format import load_network, read_network, write_network
from simulator.formats.tables.cells import list_of, list_text, shares_of, shares_text

TABLES = {
    "nodes": "id,kind,lat,lon,weight\nnorth,core,40,116,0.6\nsouth,core,23,113,0.4\n"
    "far,pop,34,-118,1\nnear,pop,35,139,1\n",
    "links": "id,a,b,capacity_gbps\nns,north,south,400\n",
    "exits": "id,a,b,capacity_gbps,length_km,cables,reaches,modules,price_usd_per_mbps\n"
    "nf,north,far,20,14087,TPE: 0.7; APCN-2: 0.3,far,100: 7; 400: 20,2.5\n"
    "sn,south,near,30,3000,TPE,near; far,,\n",
    "cables": "id,name,kind,ready,length_km,landings,sources\n"
    "TPE,Trans-Pacific Express,submarine,2008,17968,Qingdao; Nedonna Beach,S1\n"
    "APCN-2,,,,,,\n",
    "regions": "id,name,share\nfar,North America,0.8\nnear,Japan,0.2\n",
    "about": "key,value\nname,two-exits\ntitle,Two exits\nutc_offset_h,8\nsources,first\n"
    'sources,second\nestimates,"{of: links.capacity_gbps, how: a guess}"\n'
    'uncertainty.loads,"{kind: total, demands: all, law: {kind: uniform, low: 0.9, high: 1.1}}"\n',
}
YAML = """
name: two-exits
title: Two exits
utc_offset_h: 8
sources: [first, second]
estimates: [{of: links.capacity_gbps, how: a guess}]
nodes:
  - {id: north, kind: core, lat: 40, lon: 116, weight: 0.6}
  - {id: south, kind: core, lat: 23, lon: 113, weight: 0.4}
  - {id: far, kind: pop, lat: 34, lon: -118, weight: 1}
  - {id: near, kind: pop, lat: 35, lon: 139, weight: 1}
regions: [{id: far, name: North America, share: 0.8}, {id: near, name: Japan, share: 0.2}]
links:
  - {id: ns, a: north, b: south, capacity_gbps: 400}
  - {id: nf, a: north, b: far, class: exit, capacity_gbps: 20, fibre_km: 14087,
     cables: {TPE: 0.7, APCN-2: 0.3}, reaches: [far], price_usd_per_mbps: 2.5,
     modules: [{capacity_gbps: 100, cost: 7}, {capacity_gbps: 400, cost: 20}]}
  - {id: sn, a: south, b: near, class: exit, capacity_gbps: 30, fibre_km: 3000,
     cables: {TPE: 1}, reaches: [near, far]}
cables:
  - {id: TPE, name: Trans-Pacific Express, kind: submarine, ready: "2008", length_km: 17968,
     landings: [Qingdao, Nedonna Beach], sources: [S1]}
  - {id: APCN-2}
"""


def folder(path: Path, **changed: str) -> Path:
    path.mkdir()
    for name, text in {**TABLES, **changed}.items():
        if text:
            (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def without_uncertainty() -> str:
    return "".join(line for line in TABLES["about"].splitlines(True) if "uncertainty" not in line)


def problems(path: Path) -> list[str]:
    try:
        _, found = read_network(path)
    except InputError as error:
        return [str(each).replace(f"{path}/", "") for each in error.problems]
    return [str(each).replace(f"{path}/", "") for each in found]


def test_tables_tell_what_yaml_tells(tmp_path):
    (tmp_path / "net.yaml").write_text(YAML, encoding="utf-8")
    network = load_network(folder(tmp_path / "net", about=without_uncertainty()))
    assert_same(network, load_network(tmp_path / "net.yaml"))
    assert list(network.about.cables) == ["TPE", "APCN-2"]
    assert network.about.cables["TPE"]["ready"] == "2008"
    assert [network.links[i] for i in network.exits] == ["nf", "sn"]


def test_a_semicolon_folder_of_excel_is_read(tmp_path):
    def excel(text: str) -> str:
        cells = [line.split(",") for line in text.splitlines()]
        quoted = [
            [f'"{cell}"' if ";" in cell else cell.replace(".", ",") for cell in row]
            for row in cells
        ]
        return "\ufeff" + "".join(";".join(row) + "\r\n" for row in quoted)

    changed = {name: excel(TABLES[name]) for name in ("nodes", "links", "exits", "regions")}
    changed |= {"about": without_uncertainty(), "cables": ""}
    network, told = read_network(folder(tmp_path / "excel", **changed))
    assert [(Path(each.file).name, each.message.partition(" in ")[0]) for each in told] == [
        (f"{name}.csv", "commas are decimal points") for name in ("exits", "nodes", "regions")
    ]
    assert network.attributes("nf")["cables"] == {"TPE": 0.7, "APCN-2": 0.3}
    assert network.attributes("nf")["price_usd_per_mbps"] == 2.5


def test_the_unit_of_a_column_says_what_it_may_be(tmp_path):
    (tmp_path / "nodes.csv").write_text("id\nM\nF\n")
    (tmp_path / "links.csv").write_text("id;a;b;Nennwert (Gbit/s);Trasse (km)\n1;M;F;100;400\n")
    with pytest.raises(InputError) as caught:
        read_network(tmp_path)
    capacity, length, *_ = [each.message for each in caught.value.problems]
    assert capacity == "unknown column; did you mean 'capacity_gbps'?"
    assert length == "unknown column; did you mean 'length_km'?"


def test_points_group_thousands_where_commas_are_decimal(tmp_path):
    (tmp_path / "nodes.csv").write_text("id;lat;lon\nM;48,137;11,575\nF;50,110;8,682\nB;52,5;13\n")
    links = tmp_path / "links.csv"
    links.write_text("id;a;b;capacity_gbps;length_km\n1;M;F;1.000;400,5\n2;F;B;400;1.250,5\n")
    network, told = read_network(tmp_path)
    assert [network.attributes(link)["capacity_gbps"] for link in "12"] == [1000.0, 400.0]
    assert network.attributes("2")["fibre_km"] == 1250.5
    assert network.graph.nodes["M"]["lat"] == 48.137
    assert "commas are decimal points in 3 cells, as '1.000' is read as 1000" in str(told)
    links.write_text("id;a;b;capacity_gbps\n1;M;F;1.000\n2;F;B;400\n")
    with pytest.raises(InputError, match="'1.000' may be 1.000 or 1000; write 1.0000 or 1000"):
        read_network(tmp_path)
    # Degrees are never thousands.
    (tmp_path / "nodes.csv").write_text(
        "id;lat;lon;weight\nM;48.137;11.575;1.250\nF;50.110;8.682;1\nB;52;13;1\n"
    )
    links.write_text("id;a;b;capacity_gbps\n1;M;F;1000.0\n2;F;B;400\n")
    assert read_network(tmp_path)[0].graph.nodes["M"]["weight"] == 1.25


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"exits": "id,a,b,capacity_gbps,cables\nnf,north,far,20,TPE: 0.7; APG: 0.3\n"},
            "exits.csv:2:17: cables: no cable named 'APG'",
        ),
        (
            {"exits": "id,a,b,capacity_gbps,cables\nnf,north,far,20,TPE: 0.7\n"},
            "exits.csv:2:17: cables: the shares add to 0.7",
        ),
        (
            {"exits": "id,a,b,capacity_gbps,cables\nnf,north,far,20,TPE: much; APCN-2: 0.3\n"},
            "exits.csv:2:17: cables: expected a mapping, found 'TPE: much",
        ),
        (
            {"exits": "id,a,b,capacity_gbps\nnf,north,farr,20\n"},
            "exits.csv:2:10: b: no node",
        ),
        (
            {"exits": "id,a,b,capacity_gbps,class\nnf,north,far,20,exit\n"},
            "exits.csv:1:22: class: unknown column",
        ),
        (
            {"exits": "id,a,b,capacity_gbps,modules\nnf,north,far,20,100\n"},
            "exits.csv:2:17: modules: expected",
        ),
        (
            {"cables": "id,kind\nTPE,undersea\nAPCN-2,\n"},
            "cables.csv:2:5: kind: expected one of submarine, terrestrial, found 'undersea'",
        ),
        ({"regions": "id,share\nfar,2\nnear,0\n"}, "regions.csv:2:5: share: expected"),
        ({"regions": "id,share\nfarr,1\n"}, "regions.csv:2:1: id: "),
        (
            {"about": "key,value\ntitel,x\n"},
            "about.csv:2:1: key: no key 'titel'; did you mean 'title'? known: name, title",
        ),
        (
            {"about": "key,value\ntitle,x\ntitle,y\n"},
            "about.csv:3:1: key: title stands in two rows",
        ),
        ({"about": "key,value\nutc_offset_h,east\n"}, "about.csv:2:14: value: expected a number"),
        ({"about": "key,value\nmatrix,demand.csv\n"}, "about.csv:2:8: value: no file 'demand.csv'"),
        (
            {"about": 'key,value\nuncertainty.loads,"{kind: totl}"\n'},
            "about.csv:2:19: value: no assumption named 'totl'; did you mean 'total'?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_cell(tmp_path, changed, told):
    found = problems(folder(tmp_path / "net", **changed))
    assert any(each.startswith(told) for each in found), found
    assert all(".csv:" in each for each in found)


def test_names_that_divide_cells_survive():
    hostile = ["a; b", "c"], ["a: 1"], ["{x}"], ["'q'"], [" a"], ["a\nb"], ["two words", "x"]
    for names in hostile:
        assert list(list_of(list_text(names))) == names
        shares = dict.fromkeys(names, 1 / 3)
        assert shares_of(shares_text(shares)) == shares
    assert list_text(["tokyo", "los-angeles"]) == "tokyo; los-angeles"
    assert shares_text({"TPE": 0.7, "APCN-2": 0.3}) == "TPE: 0.7; APCN-2: 0.3"


def test_a_folder_is_written_anew_without_tables_of_before(tmp_path):
    path = folder(tmp_path / "net", about=without_uncertainty())
    network = load_network(path)
    assert write_network(network, path) == []
    assert_same(load_network(path), network)
    assert {each.name for each in path.iterdir()} == {
        *("nodes.csv", "links.csv", "cables.csv", "regions.csv", "about.csv"),
    }


def test_the_shell_converts_a_whole_network_to_tables_and_back(tmp_path):
    there, back = tmp_path / "tables", tmp_path / "back.yaml"
    for words in (("china169-2017", f"{there}/"), (str(there), str(back))):
        done = CliRunner().invoke(main, ["topology", "convert", *words])
        assert (done.exit_code, done.stderr) == (0, "")
    assert_same(load_network(back), load_network("china169-2017"))
