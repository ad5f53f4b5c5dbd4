"""Export: tables for a spreadsheet and a paper, whole, with names that stay names."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator.cli.export import export
from simulator.cli.main import main
from simulator.results import sheets
from simulator.results.tables import TABLES
from simulator.study import tex

MINI = Path(__file__).parent / "scenarios" / "mini.yaml"
HOSTILE = {
    "=cmd()|' /C calc'!A0": "=",
    "<script>alert(1)</script>": "<",
    "50_% of $10 & \\input{x} #1 {~^}": "5",
    "-2+3": "-",
    "@SUM(1)": "@",
    "北京": "北",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    strategies = {name: {"scheme": "nearest_exit"} for name in HOSTILE}
    changes = {"horizon_h": 1, "replications": 2, "strategies": strategies}
    out = tmp_path_factory.mktemp("export") / "day"
    sim.run(sim.load(MINI).with_changes(changes), out=out)
    return out


@pytest.fixture(scope="module")
def results(folder):
    return sim.Results(folder)


def call(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


# -- CSV ------------------------------------------------------------------------------------------


def test_every_table_becomes_a_csv(folder, results, tmp_path):
    out = tmp_path / "csv"
    done = call(folder, "--to", "csv", "--out", out)
    assert done.exit_code == 0, done.stderr
    held = [each.name for each in TABLES.values() if each.file and (folder / each.file).exists()]
    assert {"links", "exits", "demands", "summary", "differences"} <= set(held)
    assert done.stdout == f"{out}: {', '.join(held)}\n"
    names = {f"{name}.csv" for name in held}
    assert {file.name for file in out.iterdir()} == names | {"columns.csv", "manifest.json"}
    for name in held:
        told = results.table(name)
        read = pd.read_csv(out / f"{name}.csv", dtype={"strategy": str, "scope": str})
        assert list(read.columns) == list(told.columns) and len(read) == len(told)
        for column in told.select_dtypes("number"):
            np.testing.assert_array_equal(read[column].to_numpy(float), told[column])


def test_no_cell_of_a_csv_is_a_formula(folder, tmp_path):
    out = tmp_path / "csv"
    done = call(folder, "--to", "csv", "--out", out)
    assert re.search(r"csv: [\d,]+ cells of text would be taken for a formula", done.stderr)
    for file in out.glob("*.csv"):
        raw = file.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")  # Excel takes it for UTF-8
        for row in csv.reader(raw.decode("utf-8-sig").splitlines()):
            for cell in row:
                assert not cell.startswith(("=", "@", "\t", "+")) or number(cell), cell
                assert not cell.startswith("-") or number(cell), cell
    names = set(pd.read_csv(out / "summary.csv")["strategy"])
    assert {"'=cmd()|' /C calc'!A0", "'-2+3", "'@SUM(1)", "北京"} <= names


def number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_columns_are_told(folder, tmp_path):
    export(folder, "csv", ["links"], tmp_path / "csv")
    told = pd.read_csv(tmp_path / "csv" / "columns.csv", keep_default_na=False)
    assert set(told["table"]) == {"links"}
    units = dict(zip(told["column"], told["unit"], strict=True))
    assert units["capacity_gbps"] == "Gbps" and units["time_s"] == "s"
    assert all(told["meaning"])


# -- a workbook -----------------------------------------------------------------------------------


def test_a_workbook_has_a_sheet_for_every_table(folder, results, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="the excel extra is not installed")
    out = tmp_path / "day.xlsx"
    done = call(folder, "--to", "xlsx", "--out", out)
    assert done.exit_code == 0, done.stderr
    book = openpyxl.load_workbook(out)
    held = done.stdout.strip().removeprefix(f"{out}: ").split(", ")
    assert book.sheetnames == [*held, "columns"]
    for name in held:
        told, rows = results.table(name), list(book[name].iter_rows(values_only=True))
        assert rows[0] == tuple(told.columns) and len(rows) == len(told) + 1
    assert {cell.data_type for row in book["summary"].iter_rows() for cell in row} <= {"s", "n"}
    strategies = {row[0] for row in book["summary"].iter_rows(min_row=2, values_only=True)}
    assert strategies == set(HOSTILE)
    means = [row[4] for row in book["summary"].iter_rows(min_row=2, values_only=True)]
    told = results.summary["mean"]
    np.testing.assert_allclose(np.array(means, dtype=float), told, rtol=1e-15)


def test_a_table_longer_than_a_sheet_goes_on_in_another(folder, results, tmp_path, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl", reason="the excel extra is not installed")
    monkeypatch.setattr(sheets, "ROWS_OF_A_SHEET", 500)
    monkeypatch.setattr(sheets, "_ROWS_AT_ONCE", 300)
    export(folder, "xlsx", ["links"], tmp_path / "day.xlsx")
    book = openpyxl.load_workbook(tmp_path / "day.xlsx", read_only=True)
    links = [name for name in book.sheetnames if name.startswith("links")]
    rows = [row for name in links for row in list(book[name].values)[1:]]
    assert len(links) > 1 and links[1] == "links 2" and len(rows) == len(results.links)
    assert [row[2] for row in rows] == results.links["time_s"].tolist()


def test_without_openpyxl_it_is_said_how_to_install_it(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    done = call(folder, "--to", "xlsx", "--out", tmp_path / "day.xlsx")
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1
    assert "pip install 'telecom-capacity-simulator[excel]'" in done.stderr
    assert not list(tmp_path.iterdir())


# -- TeX ------------------------------------------------------------------------------------------


def test_tex_has_the_comparison(folder, results, tmp_path):
    done = call(folder, "--to", "tex", "--out", tmp_path / "day.tex")
    assert done.exit_code == 0 and done.stdout.endswith(": comparison\n")
    text = (tmp_path / "day.tex").read_text(encoding="utf-8")
    for section in sim.compare(results).sections:
        for row in section.rows:
            assert tex.escaped(row.label) in text
    assert_sound(text)


def test_tex_of_a_table_has_units_in_the_headings(folder, tmp_path):
    export(folder, "tex", ["headroom", "summary"], tmp_path / "day.tex")
    text = (tmp_path / "day.tex").read_text(encoding="utf-8")
    assert r"at\_h (h)" in text and r"\begin{longtable}{llllrrrr}" in text
    assert_sound(text)


def test_tex_escapes_hostile_names():
    assert tex.escaped("50_% of $10 & \\input{x} #1 {~^}") == (
        r"50\_\% of \$10 \& \textbackslash{}input\{x\} \#1"
        r" \{\textasciitilde{}\textasciicircum{}\}"
    )
    assert tex.escaped("<script>\n\x1b[31m") == r"\textless{}script\textgreater{} [31m"
    assert tex.escaped("-1.53 ± 0.9 – x") == r"$-$1.53 $\pm$ 0.9 -- x"
    assert tex.escaped("sdn-2 and bj-la") == "sdn-2 and bj-la"


def assert_sound(text):
    """Rows have as many cells as the table has columns, and nothing of TeX is left open."""
    tables = re.findall(r"\\begin\{(tabular|longtable)\}\{(\w+)\}\n(.*?)\\end\{\1\}", text, re.S)
    assert tables
    for _, form, body in tables:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        for row in rows:
            bare = re.sub(r"\\[\\&%$#_{}]|\\[a-z]+(\{\})?|\$[-\\a-z^2]+\$", "", row)
            assert bare.count("&") == len(form) - 1, row
            assert not re.search(r"[%$#_{}<>~^\\]", bare), row
        assert body.count(r"\toprule") == body.count(r"\bottomrule") == 1


def test_a_table_that_no_paper_holds_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tex, "MOST_ROWS", 100)
    done = call(folder, "--to", "tex", "--table", "links", "--out", tmp_path / "day.tex")
    assert done.exit_code == 1 and "a page of a paper holds no more than 100" in done.stderr
    assert not list(tmp_path.iterdir())


# -- where it goes --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "xlsx", "tex"])
def test_nothing_is_replaced_unless_it_is_asked_for(folder, tmp_path, form):
    if form == "xlsx":
        pytest.importorskip("openpyxl", reason="the excel extra is not installed")
    out = tmp_path / "out"
    assert call(folder, "--to", form, "--out", out).exit_code == 0
    before = sorted(str(file) for file in tmp_path.rglob("*"))
    again = call(folder, "--to", form, "--out", out)
    assert again.exit_code == 1 and "exists already; --force replaces it" in again.stderr
    assert call(folder, "--to", form, "--out", out, "--force", "--quiet").stdout == ""
    assert sorted(str(file) for file in tmp_path.rglob("*")) == before


def test_a_folder_of_other_things_is_left_alone_even_by_force(folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = call(folder, "--to", "csv", "--out", tmp_path / "mine", "--force")
    assert done.exit_code == 1 and "is left alone" in done.stderr
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("form", ["csv", "xlsx", "tex"])
def test_it_is_whole_or_absent(folder, tmp_path, monkeypatch, form):
    if form == "xlsx":
        pytest.importorskip("openpyxl", reason="the excel extra is not installed")

    def stop(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pandas.DataFrame.to_csv", stop)
    monkeypatch.setattr(tex, "of_answer", stop)
    monkeypatch.setattr(sheets._Sheets, "add", stop)
    done = call(folder, "--to", form, "--out", tmp_path / "out")
    assert done.exit_code == 1 and not list(tmp_path.iterdir())


def test_it_stands_beside_the_results(folder):
    assert export(folder, "tex").target == folder.with_name("day.tex")
    assert export(folder, "csv").target == folder.with_name("day-csv")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--to", "csv", "--table", "link"], "holds no table|no table named 'link'; did you mean"),
        (["--to", "tex", "--table", "link"], "did you mean 'links'"),
        (["--to", "csv", "--table", "whatif"], "holds no table 'whatif'; known: links"),
        (["--to", "cvs"], "no form of export named 'cvs'; did you mean 'csv'"),
        ([], "Missing option '--to'"),
    ],
)
def test_a_wrong_word_is_told(folder, tmp_path, words, told):
    done = call(folder, "--out", tmp_path / "out", *words)
    assert done.exit_code == 2 and re.search(told, done.stderr)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_results_is_told(tmp_path):
    done = call(tmp_path, "--to", "csv")
    assert done.exit_code == 1 and "is not a results folder" in done.stderr


def test_a_study_is_exported_too(tmp_path):
    small = sim.load(MINI).with_changes({"horizon_h": 1, "replications": 1})
    sim.what_if(small, {"=more": {"demands.all": "x2"}}, out=tmp_path / "study")
    export(tmp_path / "study", "csv", target=tmp_path / "csv")
    read = pd.read_csv(tmp_path / "csv" / "whatif.csv")
    assert set(read["change"]) == {"'=more"}
    assert read["difference"].dtype == float
    assert_sound(export(tmp_path / "study", "tex").target.read_text(encoding="utf-8"))
