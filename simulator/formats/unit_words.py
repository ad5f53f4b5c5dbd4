"""Units of rates in words: what `Mbps`, `Gbit/s` or `capacity (Tb/s)` say."""

from __future__ import annotations

import re
import unicodedata

from simulator.formats.units import Unit

_PREFIXES: dict[str, Unit] = {
    "": "bps",
    **dict.fromkeys(("k", "kilo"), "kbps"),
    **dict.fromkeys(("m", "mega"), "mbps"),
    **dict.fromkeys(("g", "giga"), "gbps"),
    **dict.fromkeys(("t", "tera"), "tbps"),
}
_UNIT = (
    r"(?P<prefix>kilo|mega|giga|tera|[kmgt])?(?P<bits>bits?|b)"
    r"(?:ps|\s*/\s*s(?:ec(?:ond)?)?|_s|\s*per\s*s(?:ec(?:ond)?)?)"
)
_ALONE = re.compile(_UNIT, re.IGNORECASE)
_AT_END = re.compile(
    rf"(?P<name>.*?)(?:(?:^|[\s_.:,/\-])(?:in[\s_]+)?|(?P<open>[(\[{{])\s*){_UNIT}"
    r"(?(open)\s*[)\]}])",
    re.IGNORECASE | re.DOTALL,
)


def unit_named(word: str) -> Unit | None:
    """Return the unit that a word is, in any letters; None if it is no rate in bits.

    Bytes are none: `GB/s`, `GBps`, `MByte/s`. `MBPS`, in capitals alone, is Mbps.
    """
    word = unicodedata.normalize("NFKC", word).strip()
    match = _ALONE.fullmatch(word)
    return _unit(match, word) if match else None


def split_unit(name: str) -> tuple[str, Unit | None]:
    """Return what the name of a column or attribute says beside its unit, and that unit.

    ``("A>B", "mbps")`` for `A>B_Mbps`, ``("Capacity", "gbps")`` for `Capacity (Gbps)`,
    ``("", "mbps")`` for `MBPS`; the name as it is and None where it ends in no unit.
    """
    name = unicodedata.normalize("NFKC", name).strip()
    match = _AT_END.fullmatch(name)
    unit = _unit(match, name[match.start("bits") - 1 :]) if match else None
    return (match["name"].strip(), unit) if match and unit else (name, None)


def _unit(match: re.Match[str], around: str) -> Unit | None:
    """Return the unit, unless a capital B among small letters says bytes."""
    letters = re.sub("[^A-Za-z]", "", around)
    if match["bits"] == "B" and not ("/" not in around and letters.isupper()):
        return None
    return _PREFIXES[(match["prefix"] or "").casefold()]
