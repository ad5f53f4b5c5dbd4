"""Foreign files: what a file is that no format reads, and what to do with it."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from simulator.base.document import shown
from simulator.formats.reading import begins_with

AS_CSV = "save each sheet as CSV UTF-8"
BY_FIRST_BYTES = (
    (b"\xd0\xcf\x11\xe0", f"an old Excel workbook, or another file of Office; {AS_CSV}"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "an SQLite database; write its tables as CSV"),
    (BOM_UTF16_LE, "text in UTF-16; save it in UTF-8"),
    (BOM_UTF16_BE, "text in UTF-16; save it in UTF-8"),
)
ZIP = b"PK\x03\x04"
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".ods")
OF_TEXT = {
    ".txt": "in SNDlib's native format, and so begins with `?SNDlib native format`",
    ".csv": "a table of links, with the columns source and target",
}
"""How topologies of these endings should be."""
AS_LINKS = "a list of edges becomes links.csv, with a header: source,target,capacity_gbps"


def what_it_is(path: Path) -> str:
    """Return what a file is that is no text, and what to do with it; else nothing."""
    start = begins_with(path, 200) if path.is_file() else b""
    if start.startswith(ZIP):
        workbook = path.suffix.lower() in WORKBOOKS
        return f"an Excel workbook; {AS_CSV}" if workbook else "a ZIP archive; unpack it"
    return next((what for mark, what in BY_FIRST_BYTES if start.startswith(mark)), "")


def as_topology(path: Path) -> str:
    """Return how a text begins, and how one of its ending should, to be a topology."""
    start = begins_with(path, 200) if path.is_file() else b""
    lines = start.decode("utf-8", errors="replace").strip().splitlines()
    if not lines or b"\0" in start:
        return ""
    ending = path.suffix.lower()
    if old := _in_another_encoding(start):
        return old
    begins = f"it begins with {shown(lines[0])}"
    wanted = f"; a {ending} file must be {OF_TEXT[ending]}" if ending in OF_TEXT else ""
    return f"{begins}{wanted}" + (f"; {AS_LINKS}" if _is_edge_list(lines) else "")


def _in_another_encoding(start: bytes) -> str:
    """Return how bytes that are not UTF-8 begin if they are Chinese; nothing for UTF-8."""
    try:
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # a long line that is cut
            return ""
    else:
        return ""
    text = start.decode("gb18030", errors="ignore")
    chinese = [character for character in text if character > "\x7f"]
    if sum("\u4e00" <= each <= "\u9fff" for each in chinese) < 0.8 * len(chinese):
        return "not UTF-8 text; save the file as UTF-8"
    first = text.strip().splitlines()[0]
    return f"not UTF-8 text: in GB 18030 it begins with {shown(first)}; save the file as UTF-8"


def _is_edge_list(lines: list[str]) -> bool:
    """Return whether lines are of two to five words each, as in a list of edges."""
    words = [line.replace(",", " ").split() for line in lines if not line.startswith(("#", "%"))]
    whole = words[:-1] or words  # the last one may be cut
    return len(words) > 1 and all(2 <= len(each) <= 5 for each in whole)
