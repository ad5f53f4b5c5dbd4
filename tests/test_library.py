"""A short name or a path leads to a file, or to a helpful error."""

import os
from pathlib import Path

import pytest
from third_party import FOLDER

from simulator.base import library
from simulator.base.library import ENDINGS, find, names, without_ending
from simulator.formats.format import read_network, topology_format


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shelf(elsewhere, monkeypatch):
    """A package beside its two folders, as in a checkout."""
    package = elsewhere / "checkout" / "simulator"
    package.mkdir(parents=True)
    monkeypatch.setattr(library, "_HERE", package)
    for kind, name in [("topologies", "ring"), ("topologies", "star"), ("scenarios", "peak")]:
        folder = package.parent / kind
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(f"name: {name}\n")
    (package.parent / "topologies" / "ring-base.csv").write_text("source,target,gbps\n")
    return package.parent


@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_the_built_in_networks_are_found_from_any_folder(elsewhere, name):
    assert name in names("topologies")
    for written in (name, f"{name}.yaml", Path(name)):
        found = find("topologies", written)
        assert found.is_file()
        assert found.name == f"{name}.yaml"


@pytest.mark.parametrize("name", ["Chinanet", "Cernet"])
def test_the_built_in_graphs_are_found_from_any_folder(elsewhere, name):
    assert name in names("topologies")
    for written in (name, f"{name}.graphml", Path(name)):
        assert find("topologies", written).name == f"{name}.graphml"
    # The Zoo's own counts, which the file holds as well: one element for a node, one for a link.
    text = find("topologies", name).read_text(encoding="utf-8")
    network, warnings = read_network(name)
    assert (text.count("<node "), text.count("<edge ")) == (len(network.nodes), len(network.links))
    assert warnings and network.exits_gbps == 0


def test_the_graphs_are_as_the_zoo_has_them():
    for name in ("Chinanet", "Cernet"):
        original = FOLDER / "topology_zoo" / f"{name}.graphml"
        if not original.is_file():
            pytest.skip(f"{original} is not here")
        assert find("topologies", name).read_bytes() == original.read_bytes()


def test_names_are_those_of_topologies_and_scenarios_only(shelf):
    assert names("topologies") == ["ring", "star"]
    assert names("scenarios") == ["peak"]
    for file in ("README.md", "__init__.py", "tables"):
        (shelf / "topologies" / file).touch()
    (shelf / "scenarios" / "odd.json").touch()
    assert names("topologies") == ["ring", "star"]
    assert names("scenarios") == ["peak"]


def test_names_know_every_ending_that_a_topology_may_have(shelf):
    formats = [topology_format[name] for name in topology_format.names()]
    read = [each for each in formats if "written, not read" not in each.readable]
    assert len(read) < len(formats)
    assert set(ENDINGS["topologies"]) == {ending for each in read for ending in each.suffixes}
    for ending in ENDINGS["topologies"]:
        file = shelf / "topologies" / f"net{ending.replace('.', '-')}{ending}"
        file.touch()
        assert file.stem in names("topologies")
        assert find("topologies", file.stem) == find("topologies", file.name) == file
        assert without_ending("topologies", file.name) == file.stem


def test_of_two_files_with_one_name_yaml_comes_first(shelf):
    (shelf / "topologies" / "ring.graphml").touch()
    assert names("topologies") == ["ring", "star"]
    assert find("topologies", "ring").name == "ring.yaml"
    assert find("topologies", "ring.graphml").name == "ring.graphml"


def test_every_name_is_found(shelf):
    for kind in ("topologies", "scenarios"):
        for name in names(kind):
            assert find(kind, name) == shelf / kind / f"{name}.yaml"


def test_a_data_file_is_found_by_its_full_name(shelf):
    assert find("topologies", "ring-base.csv") == shelf / "topologies" / "ring-base.csv"


def test_the_folder_inside_the_package_comes_first(shelf):
    inside = shelf / "simulator" / "topologies"
    inside.mkdir()
    (inside / "ring.yaml").write_text("name: installed\n")
    assert find("topologies", "ring") == inside / "ring.yaml"
    assert names("topologies") == ["ring"]


def test_an_existing_file_wins_over_a_built_in_name(shelf, elsewhere):
    (elsewhere / "ring.yaml").write_text("name: mine\n")
    assert find("topologies", "ring.yaml") == Path("ring.yaml")


def test_an_existing_folder_is_a_path(shelf, elsewhere):
    (elsewhere / "tables").mkdir()
    assert find("topologies", "tables") == Path("tables")
    assert find("topologies", elsewhere / "tables") == elsewhere / "tables"


def test_a_path_is_never_taken_for_a_name(shelf):
    with pytest.raises(FileNotFoundError):
        find("topologies", os.path.join("missing", "ring"))
    with pytest.raises(FileNotFoundError):
        find("topologies", os.path.join("..", "topologies", "ring"))


@pytest.mark.parametrize(
    "written", ["rnig", "rnig.yaml", "rnig.graphml", "rnig.yml", "missing/rnig.yaml"]
)
def test_a_near_miss_names_its_neighbour(shelf, written):
    with pytest.raises(FileNotFoundError, match=f"'{written}'; did you mean 'ring'\\?"):
        find("topologies", written)


def test_a_far_miss_lists_what_there_is(shelf):
    with pytest.raises(FileNotFoundError, match="no topology .*'zzz'; built in are ring, star"):
        find("topologies", "zzz")


def test_an_empty_name_is_not_the_current_folder(shelf):
    with pytest.raises(FileNotFoundError, match="no scenario"):
        find("scenarios", "")


def test_missing_folders_are_an_empty_shelf(elsewhere, monkeypatch):
    monkeypatch.setattr(library, "_HERE", elsewhere / "nowhere" / "simulator")
    assert names("topologies") == []
    with pytest.raises(FileNotFoundError, match="'ring'$"):
        find("topologies", "ring")


def test_an_unknown_kind_is_a_mistake_in_the_code(shelf):
    with pytest.raises(ValueError, match="topologies, scenarios, not 'maps'"):
        find("maps", "ring")
