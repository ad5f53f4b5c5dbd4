"""Fuzzing: break files in many ways, and read them in a process of its own with limits.

Run as ``python fuzzing.py FOLDER FIRST COUNT SAMPLE...``. Attempt n of a sample is the same each
time. What fails is left in FOLDER, with a line of JSON that says why.
"""

from __future__ import annotations

import gzip
import json
import re
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from fuzz_samples import Sample, samples, small_network

from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices.counters import read_counters, read_totals
from simulator.formats.matrices.demand_format import read_recording
from simulator.scenario.load import load

SECONDS = 5.0
"""Of the processor, for one file."""
MEMORY_BYTES = 4 * 10**9
LONGEST_ERROR = 30_000
LARGEST = 2_000_000
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
TOKEN = re.compile(rb"[\w.+-]+")
SEPARATORS = (b",", b";", b"\t", b" ", b"|")
NUMBERS = (
    b"0 -0 -1 1e305 -1e305 1e18 9e99 1e-320 1e999 nan NaN .nan inf -inf Infinity 0x10 1_000 1,000"
    b" 1.000,5 1'000 00 +5 5. .5 1e 2**3 99999999999999999999999999 0.1e-5 1e6 65536 -2147483649"
).split()
WORDS = (
    b"null true false ~ none N/A - total Total id a b r source target time gbps mbps Gbps GB/s km"
    b" 10G 4x10GE STM-64 2024-02-30 2024-13-01T00:00 24:00 0000-00-00 9999-12-31T23:59:59"
    b" 0001-01-01 2024-05-01T00:00:00+99:00 1e400-01-01 ../../etc/passwd /dev/zero"
).split()
MARKS = [
    b"", b" ", b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b'"', b"'", b'""', b",", b";", b"|",
    b":", b": ", b"#", b"&", b"&amp;", b"&x;", b"*x", b"&x ", b"!!", b"%", b"@", b"`", b"\\",
    b"\\u0000", b"\\ud800", b"\xef\xbb\xbf", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xed\xa0\x80",
    b"\xc3", b"\xc3\xbc", b"\x85", b"\x1b[31m", b"\x7f", b"<", b">", b"<!--", b"]]>", b"</",
    b"<![CDATA[", b"[", b"]", b"{", b"}", b"{}", b"[]", b"(", b")", b"- ", b"? ", b"<<: ", b"---\n",
    b"...\n", b"=1+1", b">-", b"|2", b"%YAML 9.9\n", "\u2028".encode(), "\u202e".encode(),
    "\u0660\u0661".encode(), "\uff11\uff10G".encode(), "北京".encode(), "😀".encode(),
]  # fmt: skip
LONG = [b"x" * 70_000, b"9" * 5_000, b"[" * 3_000, b"{" * 3_000, b"(" * 3_000, b"<a>" * 3_000,
        b"," * 5_000, b'"' * 3_001, b"-1" * 3_000, b" " * 50_000, b"\n" * 5_000, b"a>" * 3_000,
        b"{a: " * 100, b"- " * 500, b"x " * 3_000, b"1," * 3_000]  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp500", "latin-1", "utf-8-sig")


class TookTooLong(BaseException):
    """A file took more of the processor than one may."""


# ---------------------------------------------------------------- breaking


def broken(rng: Random, raw: bytes) -> bytes:
    """Return a file with one to four things changed."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        raw = rng.choice(WAYS)(rng, raw)[:LARGEST]
    return raw


def _odd(rng: Random) -> bytes:
    pool: list[list[bytes]] = [list(NUMBERS)] * 4 + [list(WORDS)] * 3 + [MARKS] * 4 + [LONG]
    return rng.choice(rng.choice(pool))


def _span(rng: Random, raw: bytes) -> tuple[int, int]:
    start = rng.randrange(len(raw) + 1)
    return start, min(len(raw), start + int(rng.expovariate(1 / 20)) + 1)


def change_byte(rng: Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :]


def delete_span(rng: Random, raw: bytes) -> bytes:
    start, end = _span(rng, raw)
    return raw[:start] + raw[end:]


def repeat_span(rng: Random, raw: bytes) -> bytes:
    start, end = _span(rng, raw)
    return raw[:end] + raw[start:end] * rng.choice((1, 1, 2, 50)) + raw[end:]


def insert_odd(rng: Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + _odd(rng) + raw[at:]


def replace_token(rng: Random, raw: bytes) -> bytes:
    found = list(TOKEN.finditer(raw))
    if not found:
        return insert_odd(rng, raw)
    one, other = rng.choice(found), rng.choice(found)
    return raw[: one.start()] + rng.choice((_odd(rng), other[0])) + raw[one.end() :]


def replace_all_of_a_token(rng: Random, raw: bytes) -> bytes:
    found = TOKEN.findall(raw)
    if len(raw) > LARGEST // 10 or not found:
        return raw
    return raw.replace(rng.choice(found), _odd(rng), 30)


def change_lines(rng: Random, raw: bytes) -> bytes:
    lines = raw.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            lines[i], lines[j] = lines[j], lines[i]
        case 1:
            del lines[i]
        case 2:
            lines.insert(j, lines[i])
        case 3:
            lines[i:i] = [lines[j]] * rng.choice((10, 300))
        case 4:
            rng.shuffle(lines)
        case _:
            lines[i] = _odd(rng)
    return b"\n".join(lines)


def change_cells(rng: Random, raw: bytes) -> bytes:
    lines = raw.split(b"\n")
    i = rng.randrange(len(lines))
    mark = rng.choice([each for each in SEPARATORS if each in lines[i]] or [b","])
    cells = lines[i].split(mark)
    j, k = rng.randrange(len(cells)), rng.randrange(len(cells))
    match rng.randrange(5):
        case 0:
            cells[j], cells[k] = cells[k], cells[j]
        case 1:
            del cells[j]
        case 2:
            cells.insert(k, cells[j])
        case 3:
            cells[j] = b""
        case _:
            cells[j] = _odd(rng)
    lines[i] = mark.join(cells)
    return b"\n".join(lines)


def change_separator(rng: Random, raw: bytes) -> bytes:
    return raw.replace(rng.choice(SEPARATORS), rng.choice(SEPARATORS))


def change_ends_of_lines(rng: Random, raw: bytes) -> bytes:
    return raw.replace(b"\n", rng.choice((b"\r\n", b"\r", b"", b"\n\n", b" \n")))


def change_encoding(rng: Random, raw: bytes) -> bytes:
    text = raw.decode("utf-8", errors="replace")
    return text.encode(rng.choice(ENCODINGS), errors="replace")


def cut(rng: Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return rng.choice((raw[:at], raw[at:]))


WAYS: list[Callable[[Random, bytes], bytes]] = [
    change_byte, delete_span, repeat_span, insert_odd, insert_odd, replace_token, replace_token,
    replace_token, replace_all_of_a_token, change_lines, change_lines, change_cells, change_cells,
    change_separator, change_ends_of_lines, change_encoding, cut,
]  # fmt: skip


# ---------------------------------------------------------------- reading


def reader(kind: str, network: Any) -> Callable[[Path], None]:
    """Return what reads files of a kind, and uses what it read a little."""

    def topology(path: Path) -> None:
        found, problems = read_network(path)
        capacity = found.capacity_gbps[found.exists]  # a one-way link has no way back
        assert np.isfinite(capacity).all() and (capacity > 0).all()
        assert np.isfinite(found.delay_ms).all() and np.isfinite(found.metric).all()
        "".join(map(str, problems)).encode()

    def demands(path: Path) -> None:
        recording = read_recording(path, network)
        rates = recording.gbps
        assert not np.isinf(rates).any() and not (rates < 0).any()
        "".join(map(str, recording.notes)).encode()
        recording.gaps_summary().encode()

    def scenario(path: Path) -> None:
        "".join(map(str, load(path).warnings)).encode()

    return {
        "topology": topology,
        "demands": demands,
        "scenario": scenario,
        "counters": lambda path: read_counters(path, network),
        "totals": lambda path: read_totals(path, network),
    }[kind]


def fault(read: Callable[[Path], None], path: Path) -> str:
    """Read a file; return what is wrong with how that went, or nothing."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        read(path)
    except InputError as error:
        told = str(error)
        folder = str(path if path.is_dir() else path.parent)
        if not error.problems or not all(each.message for each in error.problems):
            return f"an error without words: {told!r}"
        if not all(each.file.startswith(folder) for each in error.problems):
            return f"an error without its file: {told}"
        if len(told) > LONGEST_ERROR or CONTROLS.search(told):
            return f"an error of {len(told)} characters: {told[:500]!r}"
        try:
            told.encode()
        except UnicodeError as unfit:
            return f"an error that cannot be printed: {unfit}"
    except (Exception, TookTooLong):  # noqa: BLE001 - whatever comes is what is looked for
        return traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def attempt(name: str, sample: Sample, number: int, folder: Path) -> Path:
    """Write what attempt *number* reads, and return its path."""
    rng = Random(f"{name} {number}")
    files = sample.files(rng)
    victim = rng.choice(sorted(sample.broken or files))
    if victim.endswith(".gz") and rng.random() < 0.7:
        files[victim] = gzip.compress(broken(rng, gzip.decompress(files[victim])), 1, mtime=0)
    elif not name.startswith("parquet") or rng.random() < 0.5:
        files[victim] = broken(rng, files[victim])
    folder.mkdir(parents=True)
    for file, raw in files.items():
        (folder / file).write_bytes(raw)
    return folder / sample.entry


def limit() -> None:
    """Bound the memory of this process and the time of each file; let no warning pass."""

    def too_long(*_: Any) -> None:
        raise TookTooLong

    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGPROF, too_long)


def main(folder: Path, first: int, count: int, names: Sequence[str]) -> None:
    """Break samples and read them, *count* times each; print a line for each fault."""
    known, network = samples(), small_network()
    limit()
    for name in names:
        read = reader(known[name].kind, network)
        for number in range(first, first + count):
            place = folder / name.replace(" ", "-") / str(number)
            path = attempt(name, known[name], number, place)
            if told := fault(read, path):
                found = {"sample": name, "number": number, "path": str(path), "fault": told}
                print(json.dumps(found), flush=True)
            else:
                shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
