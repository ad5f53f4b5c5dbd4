"""XML files: bytes for the parser, from encodings too that it does not know."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from simulator.base.errors import refusal
from simulator.formats.reading import read_bytes, refuse_values_above

DECLARED = re.compile(rb"\A\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z][\w.:-]*)[\"'][^>]*\?>")
ITS_OWN = frozenset({"utf-8", "utf-16", "iso8859-1", "ascii"})
"""Encodings that expat reads itself, by their names in Python."""


def read_xml_bytes(path: Path) -> bytes:
    """Return the content of an XML file, in an encoding that expat reads.

    Others that Python has, such as GBK and Windows-1252, become UTF-8. One that it has not is left
    to the parser, which refuses it by name.

    Raises
    ------
    InputError
        The file cannot be read, holds too many tags, or bytes that its encoding has not.
    """
    raw = read_bytes(path)
    refuse_values_above(path, raw.count(b"<"), "tags")
    declared = DECLARED.match(raw)
    if declared is None:
        return raw
    word = declared[1].decode("ascii")
    try:
        name = codecs.lookup(word).name
        if name in ITS_OWN:
            return raw
        lines = b"\n" * raw.count(b"\n", 0, declared.end())  # so that messages count them
        return lines + raw[declared.end() :].decode(name).encode("utf-8")
    except LookupError:  # none of this name, or one that is not of text
        return raw
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, declared.end() + error.start) + 1
        byte = f"byte 0x{error.object[error.start]:02x}"
        raise refusal(path, f"not text in {word}, as the file declares: {byte}", line) from None
