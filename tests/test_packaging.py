"""What is in the tree is in the wheel, and the wheel works from any folder."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAPPED = ("topologies", "scenarios")
NOT_PACKAGED = (".*", "*.egg-info", "__pycache__", "build", "dist", "notebooks")


def test_setup_cfg_names_every_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()
    in_tree = [
        ".".join(init.parent.relative_to(ROOT).parts)
        for init in (ROOT / "simulator").rglob("__init__.py")
    ]
    mapped = [f"simulator.{kind}" for kind in MAPPED]
    assert listed == sorted(in_tree + mapped), "bring `packages` in setup.cfg up to date"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy, so that the tree stays clean."""
    source = tmp_path_factory.mktemp("source") / "tree"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_PACKAGED))
    out = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder that holds the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    _pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    return target


@pytest.mark.slow
def test_the_wheel_holds_every_file(wheel):
    expected = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "simulator").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    expected |= {f"simulator/scenarios/{file.name}" for file in (ROOT / "scenarios").iterdir()}
    expected |= {f"simulator/topologies/{file.name}" for file in (ROOT / "topologies").iterdir()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected


@pytest.mark.slow
def test_the_wheel_brings_the_command(wheel):
    files = zipfile.ZipFile(wheel)
    (entry_points,) = (name for name in files.namelist() if name.endswith("entry_points.txt"))
    assert "simulator = simulator.cli.main:main" in files.read(entry_points).decode()


@pytest.mark.slow
@pytest.mark.parametrize("file", ["china169-2017.yaml", "china169-mini.yaml", "Chinanet.graphml"])
def test_the_installed_package_finds_its_topologies(installed, tmp_path, file):
    name = Path(file).stem
    code = f"from simulator.base.library import find; print(find('topologies', {name!r}))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    printed = _run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    found = Path(printed.strip())
    assert found == installed / "simulator" / "topologies" / file
    assert found.is_file()


def _pip(*arguments):
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)


def _run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
