"""SNDlib's XML format: networks, and matrices of one instant."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.reading import refuse
from simulator.formats.sndlib.model import Sndlib, network_in
from simulator.formats.sndlib.records import PATHS, Records
from simulator.formats.xml_file import read_xml_bytes
from simulator.model.network import Network

NAMESPACE = "http://sndlib.zib.de/network"
DEEPEST = 30


@topology_format("sndlib_xml")
class SndlibXml(TopologyFormat):
    """SNDlib network in XML.

    Capacity is what is installed, else the largest module. Routing costs are metrics where every
    link has one above zero. Capacities are in the unit of the meta section, else in Mbps. Document
    types and entities are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xml",)
    readable: ClassVar[str] = "a .xml file of SNDlib"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        return network_in(read_xml(path))


def read_xml(path: Path) -> Sndlib:
    """Read a network or a matrix; all problems found are raised together."""
    raw = read_xml_bytes(path)
    reader = _Reader(str(path))
    try:
        reader.parser.Parse(raw, True)
    except expat.ExpatError as error:
        message = f"not valid XML: {expat.ErrorString(error.code)}"
        raise refusal(path, message, error.lineno) from None
    except InputError:  # the reader's own, which is a ValueError
        raise
    except (ValueError, LookupError) as error:  # an encoding that is unknown or is no encoding
        raise refusal(path, f"not valid XML: {error}", reader.parser.CurrentLineNumber) from None
    refuse(reader.records.problems)
    return reader.records.found


@cache
def _local(tag: str) -> str:
    """Return a tag without the namespace, if that is SNDlib's or there is none."""
    namespace, _, name = tag.rpartition(" ")
    return name if namespace in ("", NAMESPACE) else tag


class _Reader:
    """Gathers the texts of all elements below a record, and makes the record at its end.

    Folders hold tens of thousands of matrices: what runs for every element is kept short.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.records = Records(file, Path(file).stem)
        self.stack: list[str] = []
        self.depth = 0
        self.text: list[str] = []
        parser = self.parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text.append
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype

    def _stop(self, message: str) -> None:
        path = "/".join(self.stack[:DEEPEST])
        raise refusal(self.file, message, self.parser.CurrentLineNumber, key=path)

    def _doctype(self, *_: object) -> None:
        self._stop("document types and entities are not read: they can blow up or reach out")

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.stack.append(_local(tag))
        self.text.clear()
        if len(self.stack) > DEEPEST:
            self._stop(f"elements are nested more than {DEEPEST} deep")
        if not self.records.record:
            self._open(attributes)

    def _open(self, attributes: Mapping[str, str]) -> None:
        """Enter an element that lies in no record."""
        if self.stack[0] != "network":
            namespace, _, name = self.stack[0].rpartition(" ")
            where = f" in the namespace {shown(namespace)}" if namespace else ""
            message = f"no SNDlib network, whose root is <network>: the root is <{name}>{where}"
            raise refusal(self.file, message, self.parser.CurrentLineNumber)
        if self.records.open("/".join(self.stack), attributes, self.parser.CurrentLineNumber):
            self.depth = len(self.stack)

    def _end(self, tag: str) -> None:
        if self.records.record:
            below = self.stack[self.depth :]
            if not below:
                self.records.close()
            elif below[0] != PATHS:
                path = below[0] if len(below) == 1 else "/".join(below)
                self.records.add(path, "".join(self.text).strip())
        self.text.clear()
        self.stack.pop()
