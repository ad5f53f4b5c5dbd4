"""Bounds on what is read: refused with the word that lifts them, and read with it."""

import gzip

import pytest
from click.testing import CliRunner

import simulator as sim
from simulator.base import bounds, document
from simulator.cli.main import main
from simulator.formats import sheet
from simulator.formats.format import NetworkWarning
from simulator.formats.matrices import long_table
from simulator.formats.rules import checks
from simulator.formats.tables import rows

LINKS = "source,target,capacity_gbps\n" + "".join(f"n{i},n{i + 1},10\n" for i in range(8))
MATRIX = "source,target,gbps\n" + "".join(f"n{i},n{i + 1},1\n" for i in range(8))
SCENARIO = (
    "topology: links.csv\ntraffic: {matrix: {kind: file, path: day.csv}}\nhorizon_h: 1\n"
    "strategies: {igp: {scheme: igp_ecmp}}\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A scenario of files, each of which is above some bound."""
    (tmp_path / "links.csv").write_text(LINKS)
    (tmp_path / "day.csv").write_text(MATRIX)
    (tmp_path / "own.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lower(monkeypatch, module, name, most):
    monkeypatch.setattr(module, name, most)


@pytest.mark.parametrize(
    "module, name, most",
    [
        (document, "MAX_BYTES", 60),
        (document, "MAX_VALUES", 5),
        (sheet, "MOST_CSV_BYTES", 60),
        (checks, "MOST_ELEMENTS", 5),
        (rows, "MOST_ELEMENTS", 5),
        (rows, "MOST_COLUMNS", 2),
        (long_table, "MOST_CELLS", 5),
    ],
)
def test_a_bound_names_the_word_that_lifts_it(folder, monkeypatch, module, name, most):
    lower(monkeypatch, module, name, most)
    refused = CliRunner().invoke(main, ["check", "own.yaml"])
    if refused.exit_code == 0:  # this bound is on tables of a folder
        (folder / "net").mkdir()
        (folder / "net" / "links.csv").write_text(LINKS)
        (folder / "own.yaml").write_text(SCENARIO.replace("links.csv", "net/"))
        refused = CliRunner().invoke(main, ["check", "own.yaml"])
    assert refused.exit_code == 2, refused.output
    assert "--any-size (any_size=True in Python)" in " ".join(refused.output.split())
    with pytest.raises(sim.InputError, match="any-size"):
        sim.load("own.yaml")
    lifted = CliRunner().invoke(main, ["check", "own.yaml", "--any-size"])
    assert lifted.exit_code == 0, lifted.output
    assert len(sim.load("own.yaml", any_size=True).demands) == 8
    run = CliRunner().invoke(main, ["run", "own.yaml", "--any-size", "--quiet", "--out", "r"])
    assert run.exit_code == 0, run.output


def test_verbs_on_topologies_lift_it_too(folder, monkeypatch):
    (folder / "big.csv.gz").write_bytes(gzip.compress(LINKS.encode()))
    lower(monkeypatch, sheet, "MOST_CSV_BYTES", 60)
    for words in (["show", "links.csv"], ["convert", "links.csv", "out.yaml"]):
        assert CliRunner().invoke(main, ["topology", *words]).exit_code == 2
        assert CliRunner().invoke(main, ["topology", *words, "--any-size"]).exit_code == 0
    with pytest.raises(sim.InputError, match="any-size"):
        sim.load_network("links.csv")
    with pytest.warns(NetworkWarning):
        assert len(sim.load_network("links.csv", any_size=True).links) == 8


def test_bounds_against_files_that_unfold_stay(folder):
    (folder / "deep.yaml").write_text("topology: " + "[" * 60 + "]" * 60 + "\nstrategies: {}\n")
    with bounds.any_size(), pytest.raises(sim.InputError, match="nested more than 50 deep"):
        sim.load("deep.yaml")


def test_a_bound_is_lifted_within_its_context_only():
    assert bounds.exceeds(2, 1)
    with bounds.any_size():
        assert not bounds.exceeds(2, 1) and bounds.bytes_to_read(5) == -1
        with bounds.any_size(False):
            assert not bounds.exceeds(2, 1)
    assert bounds.exceeds(2, 1) and bounds.bytes_to_read(5) == 6
