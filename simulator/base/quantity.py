"""Quantity: what a text such as `10G` or `5 ms` is in the unit that the name of a key ends in."""

from __future__ import annotations

import re
from decimal import Decimal

_BITS = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12}
_RATES = {
    f"{prefix}{bits}": Decimal(10) ** power
    for prefix, power in _BITS.items()
    for bits in ("bps", "bit/s", "b/s", "bits/s")
}
_SHORT = {"k": "kbps", "m": "mbps", "g": "gbps", "ge": "gbps", "gbe": "gbps", "t": "tbps"}
_TIMES = {
    **dict.fromkeys(("ns",), Decimal("1e-9")),
    **dict.fromkeys(("us", "µs", "μs"), Decimal("1e-6")),
    **dict.fromkeys(("ms", "msec"), Decimal("1e-3")),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Decimal(1)),
    **dict.fromkeys(("min", "minute", "minutes"), Decimal(60)),
    **dict.fromkeys(("h", "hour", "hours"), Decimal(3600)),
    **dict.fromkeys(("d", "day", "days"), Decimal(86400)),
}
_LENGTHS = {"m": Decimal("1e-3"), "km": Decimal(1), "mi": Decimal("1.609344")}
_KINDS = (_RATES, _TIMES, _LENGTHS)
_WRITTEN = {"bps": "bit/s", "kbps": "kbit/s", "mbps": "Mbps", "gbps": "Gbps", "tbps": "Tbps"}
_TEXT = re.compile(
    r"(?:(?P<times>[1-9]\d{0,2})\s*[x×*]\s*)?(?P<number>[-+]?\d{1,15}(?:[.,]\d{1,15})?)\s*"
    r"(?P<unit>[^\W\d_]{1,8}(?:/s)?)?"
)


def as_written(key: str, text: str) -> str:
    """Return what to write where *text* stands for a number: `; that is 10 Gbps: write 10`.

    Nothing where the key names no unit, or the text is no quantity in a unit of that kind. Bytes
    are none; a decimal comma is one, unless it may divide thousands.
    """
    wanted = "" if "_per_" in key else key.rpartition("_")[2].casefold()
    found = _TEXT.fullmatch(text.strip())
    if found is None or not (found["unit"] or found["times"] or "," in found["number"]):
        return ""  # a number already, or none
    size = in_unit(text, wanted)
    if size is None:
        return ""
    return f", which is {_plain(size)} {_WRITTEN.get(wanted, wanted)}; write {_plain(size)}"


def in_unit(text: str, wanted: str) -> Decimal | None:
    """Return the number that a text such as `5 ms` is in some unit; None if it is none."""
    kind = next((kind for kind in _KINDS if wanted in kind), None)
    found = _TEXT.fullmatch(text.strip())
    if kind is None or found is None or re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", found["number"]):
        return None
    unit = _unit(found["unit"], kind) if found["unit"] else wanted
    if unit is None:
        return None
    size = Decimal(found["number"].replace(",", ".")) * int(found["times"] or 1)
    return size * kind[unit] / kind[wanted]


def _unit(word: str, kind: dict[str, Decimal]) -> str | None:
    """Return the unit that a word is, if it is one of this kind."""
    plain = word.casefold()
    if kind is _RATES:
        if "B" in word and not word.isupper() and plain not in _SHORT:
            return None  # bytes
        plain = _SHORT.get(plain, plain)
    return plain if plain in kind else None


def _plain(size: Decimal) -> str:
    """Return a number without an exponent and zeros at its end."""
    text = f"{size:.12f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"
