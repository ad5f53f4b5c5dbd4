"""Prefixes: which destinations a decision about a region or a province is about.

Only ranges that are routed nowhere: 198.18.0.0/15 (benchmarking, RFC 2544) for ends abroad, and
10.64.0.0/10 (private, RFC 1918) for ends at home.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

from simulator.base.errors import InputError, Problem, known_instead
from simulator.export.places import places
from simulator.formats.columns import Columns
from simulator.formats.sheet import Sheet, read_sheet

COLUMNS = ("id", "kind", "group", "prefix")
REGION, PROVINCE = "region", "province"
ABROAD, HOME = IPv4Network("198.18.0.0/15"), IPv4Network("10.64.0.0/10")
OWN = IPv4Network("10.0.0.0/8")
"""Of the address plan: prefixes of a user's file may lie in its part for ends at home only."""
GROUPS = 4
"""Prefix groups of an end at home, as many as ``carried_by: prefix_groups`` has by default."""
_ABROAD_BITS, _HOME_BITS, _GROUP_BITS = 24, 22, 24


class Prefix(NamedTuple):
    """A row of ``prefixes.csv``.

    Attributes
    ----------
    id : str
        A node that traffic begins or ends at.
    kind : str
        ``region`` for one abroad, ``province`` for one at home.
    group : int
        Number of the prefix among those of its node, from 1.
    """

    id: str
    kind: str
    group: int
    prefix: IPv4Network


Prefixes = Mapping[str, tuple[Prefix, ...]]
"""All prefixes by the id of their node."""


def prefixes_of(abroad: Iterable[str], home: Iterable[str], file: Path | None = None) -> Prefixes:
    """Return the prefixes of ends of traffic: made up, or where a file has rows of one, those.

    Raises
    ------
    InputError
        The file is wrong, or there are more ends than prefixes.
    """
    given = _read(file, set(abroad), set(home)) if file else {}
    made = {each.id: (each,) for each in _made_abroad(abroad)} | _made_home(home)
    table = dict(sorted((made | given).items()))
    if file and given:
        _refuse_overlaps(file, table, given)
    return table


def _made_abroad(ids: Iterable[str]) -> Iterator[Prefix]:
    count = 2 ** (_ABROAD_BITS - ABROAD.prefixlen)
    for name, place in places(ids, count, "ends of traffic abroad").items():
        yield Prefix(name, REGION, 1, _part(ABROAD, _ABROAD_BITS, place))


def _made_home(ids: Iterable[str]) -> dict[str, tuple[Prefix, ...]]:
    count = 2 ** (_HOME_BITS - HOME.prefixlen)
    found = {}
    for name, place in places(ids, count, "ends of traffic at home").items():
        block = _part(HOME, _HOME_BITS, place)
        groups = (_part(block, _GROUP_BITS, group) for group in range(GROUPS))
        found[name] = tuple(Prefix(name, PROVINCE, i, each) for i, each in enumerate(groups, 1))
    return found


def _part(block: IPv4Network, bits: int, place: int) -> IPv4Network:
    return IPv4Network((int(block.network_address) + (place << (32 - bits)), bits))


# -- a user's file ------------------------------------------------------------------------------


class _Given(NamedTuple):
    row: int
    prefix: Prefix


def _read(file: Path, abroad: set[str], home: set[str]) -> dict[str, tuple[Prefix, ...]]:
    if not file.is_file():
        raise InputError([Problem(str(file), None, None, "", "no such file")])
    sheet, problems = read_sheet(file, Columns(("id", "prefix"), ("kind", "group")))
    problems = [each for each in problems if each.severity == "error"]
    found: dict[str, list[_Given]] = {}
    for row in range(len(sheet.rows)):
        made = _row(sheet, row, abroad, home)
        if isinstance(made, Problem):
            problems.append(made)
        else:
            found.setdefault(made.id, []).append(_Given(row, made))
    problems += _overlaps(sheet, found)
    if problems:
        raise InputError(problems)
    return {
        name: tuple(each.prefix._replace(group=i) for i, each in enumerate(_in_order(rows), 1))
        for name, rows in found.items()
    }


def _in_order(rows: list[_Given]) -> list[_Given]:
    return sorted(rows, key=lambda each: (each.prefix.group, each.row))


def _row(sheet: Sheet, row: int, abroad: set[str], home: set[str]) -> Prefix | Problem:
    """Return the prefix in a row, or what is wrong with it."""
    name, text, kind, group = (
        sheet.cells(column)[row] for column in ("id", "prefix", "kind", "group")
    )
    name = name if name in abroad | home else name.removeprefix("'")
    if name not in abroad | home:
        message = (
            f"no traffic begins or ends at {name!r}{known_instead(name, sorted(abroad | home))}"
        )
        return sheet.problem(row, "id", message)
    own = REGION if name in abroad else PROVINCE
    if kind not in ("", own):
        return sheet.problem(row, "kind", f"expected {own}, which {name!r} is, found {kind!r}")
    if group and not (group.isascii() and group.isdigit() and int(group)):
        return sheet.problem(row, "group", f"expected a whole number from 1 on, found {group!r}")
    try:
        prefix = IPv4Network(text)
    except ValueError:
        expected = "expected an IPv4 prefix without host bits, such as 198.18.7.0/24"
        return sheet.problem(row, "prefix", f"{expected}, found {text!r}")
    if prefix.overlaps(OWN) and not prefix.subnet_of(HOME):
        message = f"{prefix} overlaps {OWN}, which holds loopbacks, links and tunnels; of it only"
        return sheet.problem(row, "prefix", f"{message} {HOME} may be used")
    return Prefix(name, own, int(group or 1), prefix)


def _overlaps(sheet: Sheet, found: Mapping[str, list[_Given]]) -> Iterator[Problem]:
    """Yield a problem for each row whose prefix overlaps one before it."""
    rows = sorted((each for rows in found.values() for each in rows), key=lambda each: each.row)
    by_address = sorted(rows, key=lambda each: (each.prefix.prefix, each.row))
    last: _Given | None = None
    for each in by_address:
        if last is not None and last.prefix.prefix.overlaps(each.prefix.prefix):
            one, other = sorted((last, each), key=lambda each: each.row)
            of = f"{one.prefix.prefix} of {one.prefix.id!r} in line {sheet.lines[one.row]}"
            message = f"{other.prefix.prefix} overlaps {of}"
            yield sheet.problem(other.row, "prefix", message)
        if last is None or each.prefix.prefix[-1] > last.prefix.prefix[-1]:
            last = each


def _refuse_overlaps(file: Path, table: Prefixes, given: Prefixes) -> None:
    """Refuse prefixes of the file that overlap made-up ones of ends that the file leaves out."""
    others = [each for name in table if name not in given for each in table[name]]
    for mine in (each for rows in given.values() for each in rows):
        for other in others:
            if mine.prefix.overlaps(other.prefix):
                message = (
                    f"{mine.prefix} of {mine.id!r} overlaps {other.prefix}, which {other.id!r} has"
                    " as the file leaves it out; give it a row"
                )
                raise InputError([Problem(str(file), None, None, "prefix", message)])
