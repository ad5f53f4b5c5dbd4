"""Units in words: read in all usual forms, and bytes never taken for bits."""

import pytest

from simulator.formats.unit_words import split_unit, unit_named


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Capacity (Gbps)", ("Capacity", "gbps")),
        ("capacity_mbps", ("capacity", "mbps")),
        ("A>B_Mbps", ("A>B", "mbps")),
        ("A>B (Mbps)", ("A>B", "mbps")),
        ("rate (Mbit/s)", ("rate", "mbps")),
        ("rate [Gb/s]", ("rate", "gbps")),
        ("bandwidth(Mbps)", ("bandwidth", "mbps")),
        ("MBPS", ("", "mbps")),
        ("Bandwidth in Gbit/s", ("Bandwidth", "gbps")),
        ("capacity_in_bps", ("capacity", "bps")),
        ("Bandwidth Mbit/s", ("Bandwidth", "mbps")),
        ("capacity_gbit_s", ("capacity", "gbps")),
        ("Gigabits per second", ("", "gbps")),
        ("size Tb/sec", ("size", "tbps")),
        ("bit/s", ("", "bps")),
        ("Ｇｂｐｓ", ("", "gbps")),
        ("speed", ("speed", None)),
        ("A>Bbps", ("A>Bbps", None)),  # a node may end so
        ("rate (GB/s)", ("rate (GB/s)", None)),
        ("rate_GBps", ("rate_GBps", None)),
        ("MB/s", ("MB/s", None)),
        ("MByte/s", ("MByte/s", None)),
        ("rate (Mbps", ("rate (Mbps", None)),
    ],
)
def test_a_unit_is_split_from_a_name(name, expected):
    assert split_unit(name) == expected


@pytest.mark.parametrize("word", ["GBps", "GB/s", "MB/S", "Gbyte/s", "packets", "", "10 Gbps"])
def test_what_is_no_rate_in_bits_is_no_unit(word):
    assert unit_named(word) is None


def test_a_unit_alone_in_any_letters():
    for word in ("Gbps", "gbps", "GBPS", "Gb/s", "GBit/s", "gigabit per second", " Gbits/s "):
        assert unit_named(word) == "gbps", word
