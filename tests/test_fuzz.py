"""Fuzzing: files broken in any way are read, or refused in words that say where; nothing else.

Attempts are the same each time. The slow form is one hundred times as long as the short one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT
from fuzz_samples import samples, small_network
from fuzzing import broken, fault, reader

from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.format import topology_format
from simulator.formats.matrices.demand_format import demand_format

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX")
NAMES = list(samples())
SHORT, LONG = 20, 2_000
"""Attempts for each sample: some seconds in all, and some ten minutes."""
NOT_BROKEN = {"topohub"}
"""Formats without files."""


def faults(folder: Path, first: int, count: int, names: list[str]) -> str:
    """Break and read samples in a process of its own; return what went wrong, with the files."""
    command = [sys.executable, str(ROOT / "tests" / "fuzzing.py"), str(folder), str(first)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(count), *names], capture_output=True, text=True, env=environment, check=False
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    told = [f"{each['path']}: {each['fault']}" for each in found]
    if done.returncode:
        left = max(folder.rglob("*"), key=lambda path: path.stat().st_mtime, default=folder)
        told.append(f"{left}: the reader ended with {done.returncode}: {done.stderr[-2000:]}")
    return "\n".join(told)


@pytest.mark.parametrize("part", range(4))
def test_a_broken_file_is_read_or_refused(tmp_path, part):
    assert faults(tmp_path, 0, SHORT, NAMES[part::4]) == ""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_is_read_or_refused_however_it_is_broken(tmp_path, name):
    assert faults(tmp_path, SHORT, LONG, [name]) == ""


# ---------------------------------------------------------------- the fuzzing itself


@pytest.mark.parametrize("name", [name for name in NAMES if "parquet" not in name])
def test_what_is_broken_was_whole(tmp_path, name):
    sample = samples()[name]
    for file, raw in sample.files(Random(1)).items():
        (tmp_path / file).write_bytes(raw)
    reader(sample.kind, small_network())(tmp_path / sample.entry)


def test_every_format_is_broken(tmp_path):
    found = set()
    for name, sample in samples().items():
        folder = tmp_path / name
        folder.mkdir()
        for file, raw in sample.files(Random(1)).items():
            (folder / file).write_bytes(raw)
        formats = {"topology": topology_format, "demands": demand_format}.get(sample.kind)
        if formats:
            found.add(type(formats.reading(folder / sample.entry, "")))
    every = {type(each) for formats in (topology_format, demand_format) for each in formats.every()}
    assert {each.kind for each in every - found} <= NOT_BROKEN | {"geojson"}


def test_attempts_are_the_same_each_time_and_differ_among_themselves():
    raw = samples()["long"].files(Random(1))["tm.csv"]
    made = [broken(Random(f"long {number}"), raw) for number in range(20)]
    assert made == [broken(Random(f"long {number}"), raw) for number in range(20)]
    assert len(set(made)) > 15


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda path: 1 / 0, "ZeroDivisionError"),
        (lambda path: [None][1], "IndexError"),
        (lambda path: InputError([]).problems[0], "IndexError"),
    ],
)
def test_a_fault_is_seen(tmp_path, read, told):
    assert told in fault(read, tmp_path / "x")


def test_errors_without_a_place_or_words_are_seen(tmp_path):
    path = tmp_path / "x.csv"

    def raises(*arguments):
        def read(path):
            raise refusal(*arguments)

        return fault(read, path)

    assert raises(path, "is odd") == ""
    assert raises("", "is odd").startswith("an error without its file")
    assert raises(path, "").startswith("an error without words")
    many = [Problem(str(path), None, None, "", "x" * 3_000)] * 20
    assert fault(lambda path: (_ for _ in ()).throw(InputError(many)), path).startswith("an error")
