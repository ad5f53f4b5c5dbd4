"""Speed words: the rate that a label such as `4x10GE`, `2,5 Gbps` or `OC-192c` states, if any."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from simulator.base.schema import MAX_NAME
from simulator.formats.unit_words import unit_named
from simulator.formats.units import Unit, in_gbps, written_number

CARRIER_MBPS = {
    **{f"OC{n}": 51.84 * n for n in (1, 3, 12, 24, 48, 96, 192, 768, 1920, 3840)},
    **{f"STS{n}": 51.84 * n for n in (1, 3, 12, 24, 48, 96, 192, 768)},
    **{f"STM{n}": 155.52 * n for n in (1, 4, 16, 64, 256)},
    "STM0": 51.84,
    **{"GIGE": 1000.0, "FASTE": 100.0},
}
"""Line rates of SONET and SDH, and Ethernet by name."""
PLESIOCHRONOUS_MBPS = {
    **{"E1": 2.048, "E2": 8.448, "E3": 34.368, "E4": 139.264},
    **{"T1": 1.544, "T2": 6.312, "T3": 44.736},
    **{"DS0": 0.064, "DS1": 1.544, "DS2": 6.312, "DS3": 44.736},
}
"""Rates of ITU-T G.702; alone in a label, `E1` may as well be the name of an edge."""

BY_NAME_MBPS = {**CARRIER_MBPS, **PLESIOCHRONOUS_MBPS}

BESIDE_A_SPEED = """
    aggregate aggregated atm backbone bandwidth bundle cable capacity channel circuit circuits
    connection copper core cwdm dark duplex dwdm etherchannel ethernet fiber fibers fibre fibres
    full full-duplex ip lacp lag lambda lambdas lan leased line lines link links man metro mpls
    optical otn peering phy pos port-channel radio rate sdh sonet speed total transit trunk uplink
    vlan vpn wan wave wavelength wavelengths waves wdm
""".split()
"""Words that change nothing of a speed beside them. Others might: backup, each, members, dual."""

_BESIDE = re.compile(rf"(?<![\w-])(?:{'|'.join(BESIDE_A_SPEED)})(?![\w-])", re.IGNORECASE)
_BY_NAME = (
    (re.compile(r"\bgig(?:abit)?[\s-]?e(?:thernet)?\b", re.IGNORECASE), "GigE"),
    (re.compile(r"\bfast[\s-]?e(?:thernet)?\b", re.IGNORECASE), "FastE"),
    (re.compile(r"(?<=\d)(\s?)GBASE(?:-?[A-Z]+\d*)?\b", re.IGNORECASE), r"\1GE"),
)
_MARKS_AT_ENDS = " .,;:|/-–()[]"
_SIZE = (
    r"(?:(?P<number{0}>\d[\d.,' ]*?)\s*(?P<unit{0}>[A-Za-z]+?(?:\s?/\s?[A-Za-z]+|\s+per\s+\w+)?)"
    r"|(?P<kind{0}>OC|STM|STS|DS|[ET](?=-?\d)|GigE|FastE)[\s-]?(?P<level{0}>\d{{1,4}})?c?)"
)
_X = r"[x×*]"
COUNTS = ("before", "first", "after", "inside", "within")
_LINES = re.compile(
    rf"(?:(?P<before>\d{{1,4}})\s*{_X}\s*|{_X}\s*(?P<first>\d{{1,4}})\s+)?{_SIZE.format('')}"
    rf"(?:\s*(?:{_X}\s*(?P<after>\d{{1,4}})"
    rf"|\(\s*(?:{_X}\s*(?P<inside>\d{{1,4}})|(?P<within>\d{{1,4}})\s*{_X})\s*\)))?"
    rf"(?P<again>\s*[(\[=]\s*(?:(?P<parts>\d{{1,4}})\s*{_X}\s*)?{_SIZE.format('_again')}\s*[)\]]?)?",
    re.IGNORECASE,
)
_UNIT_IN_SHORT = re.compile(r"(?P<prefix>[kKMGTgt])|(?P<ethernet>[gt])(?:b|ig)?e", re.IGNORECASE)
_LIKE = re.compile(
    r"\d\s*(?:[kmgt](?:i?b(?:it|yte)?s?|i?bps|i?g?e|be|igabit\w*|base\S*)?|bps|bits?)"
    r"(?:\s?/\s?s\w*|ps)?(?![A-Za-wyz0-9])|(?<![a-z])(?:oc|stm|sts)[\s-]?\d"
    r"|\b(?:giga|mega|tera|kilo|[kmgt])bit|\b[kmgt]bps\b|\b[kmgt]b/s|\b(?:gigabit|fast) e",
    re.IGNORECASE,
)
_SAME = 0.02
"""How far a speed may be from what the parentheses after it repeat: `OC-48 (2.5 Gbps)`."""


@lru_cache(10_000)
def speed_gbps(text: str, *, alone: bool = True) -> float | None:
    """Return the speed that a label states, or None if any of its words is not understood.

    Several lines count together: `4x10GE` is 40 Gbps, and `10G + 10G` is 20. Lines of unlike speed
    are none: one may stand by for the other. Neither are ranges, two directions (`100/40 Mbps`),
    rates in bytes, and numbers that two habits of writing read differently (`1,000 Mbps`).

    Parameters
    ----------
    text : str
        The label.
    alone : bool
        Whether a bare `E1` or `T3` is a speed, and not the name of a link.
    """
    label = _plain(text)
    if not alone and label.upper().replace("-", "") in PLESIOCHRONOUS_MBPS:
        return None
    lines = [_line(line.strip()) for line in label.split("+")]
    known = [line for line in lines if line is not None]
    if len(known) < len(lines) or len({size for size, _ in known}) > 1:
        return None
    return sum(size * times for size, times in known)


@lru_cache(10_000)
def like_a_speed(text: str) -> bool:
    """Return whether a label seems to state a speed, be it understood or not."""
    return _LIKE.search(unicodedata.normalize("NFKC", text[:MAX_NAME])) is not None


def _plain(text: str) -> str:
    """Return a label without what changes nothing."""
    text = re.sub("(?<=\\d)[\u00a0\u202f\u2009\u2019](?=\\d{3})", "'", text[:MAX_NAME])
    text = unicodedata.normalize("NFKC", text)
    for pattern, name in _BY_NAME:
        text = pattern.sub(name, text)
    text = " ".join(_BESIDE.sub(" ", text).replace("( )", " ").split()).replace("()", "")
    text = text.strip(_MARKS_AT_ENDS)
    return text + ")" * (text.count("(") - text.count(")"))


def _line(text: str) -> tuple[float, int] | None:
    """Return the speed of one line of a bundle and how many there are."""
    found = _LINES.fullmatch(text)
    if found is None:
        return None
    size = _size(found, "")
    counts = [int(found[key]) for key in COUNTS if found[key]]
    if size is None or len(counts) > 1 or 0 in counts:
        return None
    line = (size, counts[0] if counts else 1)
    return line if not found["again"] or _repeated(found, *line) else None


def _repeated(found: re.Match[str], size: float, times: int) -> bool:
    """Return whether the speed in the parentheses is the one before them again."""
    again = _size(found, "_again")
    if again is None or not size:
        return False
    again *= int(found["parts"] or 1)
    return min(abs(again / (n * size) - 1) for n in (1, times)) < _SAME


def _size(found: re.Match[str], which: str) -> float | None:
    """Return the speed of a number with a unit, or of a name such as `OC-48`, in Gbps."""
    if found[f"kind{which}"]:
        name = found[f"kind{which}"] + (found[f"level{which}"] or "")
        mbps = BY_NAME_MBPS.get(name.upper())
        return None if mbps is None else in_gbps(mbps, "mbps")
    value, unit = written_number(found[f"number{which}"]), _unit(found[f"unit{which}"])
    return None if value is None or unit is None or value < 0 else in_gbps(value, unit)


def _unit(word: str) -> Unit | None:
    """Return the unit of a speed, which a label may shorten to a letter, or call Ethernet."""
    short = _UNIT_IN_SHORT.fullmatch(word)
    if short and word != "m":  # of metres, more likely
        return f"{(short['prefix'] or short['ethernet']).casefold()}bps"  # type: ignore[return-value]
    if word.casefold() in ("gig", "gigs", "meg", "megs"):
        return f"{word[0].casefold()}bps"  # type: ignore[return-value]
    return unit_named(word) or unit_named(f"{word}/s")
