"""Labels of links: a speed is read where the whole label is understood, and only there."""

import pytest

from simulator.formats.speed_words import like_a_speed, speed_gbps
from simulator.formats.units import written_number


@pytest.mark.parametrize(
    ("label", "gbps"),
    [
        *[
            (text, 40.0)
            for text in ("4x10GE", "10GE x 4", "4 x 10 Gbit/s", "LAG 4*10G", "10G (x4)")
        ],
        *[(text, 40.0) for text in ("10Gx4", "10G (4x)", "x4 10G", "4×10G", "4 X 10 gbps", "40G")],
        *[(text, 40.0) for text in ("2x10G+2x10G", "20G + 20G", "40G (4x10G)", "4x10G (40 Gbps)")],
        *[("10G + 10G", 20.0), ("2,5 Gbps", 2.5), ("0,1 Gbit/s", 0.1), ("2.488 Gbps", 2.488)],
        *[("10 gbps", 10.0), ("100ge", 100.0), ("1T", 1000.0), ("１０G", 10.0), ("400Ｇ", 400.0)],
        *[("1 000 Mbps", 1.0), ("1'000 Mbit/s", 1.0), ("10\u00a0000 Mbit/s", 10.0)],
        *[("1.000.000 kbps", 1.0), ("1,000,000 kbps", 1.0), ("1.000,5 Mbps", 1.0005)],
        *[("OC-192c", 9.95328), ("OC192", 9.95328), ("STM-16", 2.48832), ("4xSTM-16", 9.95328)],
        *[("OC-48 (2.5 Gbps)", 2.48832), ("STM-1 (155 Mbps)", 0.15552), ("E3", 0.034368)],
        *[("DS3", 0.044736), ("T1", 0.001544), ("2xE1", 0.004096), ("DS-3", 0.044736)],
        *[("Gigabit Ethernet", 1.0), ("10 Gigabit Ethernet", 10.0), ("Fast Ethernet", 0.1)],
        *[("10GBASE-LR", 10.0), ("10Gb/s Ethernet", 10.0), ("Dark fibre 100G", 100.0)],
        *[("10 Gbps.", 10.0), ("0 Gbps", 0.0), ("10GBPS", 10.0), ("100 GbE", 100.0)],
    ],
)
def test_what_is_understood_is_read(label, gbps):
    assert speed_gbps(label) == pytest.approx(gbps, rel=1e-12)
    assert like_a_speed(label) or label[0] in "EDT24x1"


@pytest.mark.parametrize(
    "label",
    [
        *(
            "ae0 10G 4 members",
            "10 Gbps (2 links)",
            "dual 10G",
            "10G each",
            "10G backup",
            "n x 10G",
        ),
        *(
            "10 GB/s",
            "10 MBps",
            "1 GiB/s",
            "100-155 Mbit/s",
            "100/40 Mbps",
            "10G - 40G",
            "< 10 Gbps",
        ),
        *("10 Gbps + 1 Gbps", "10G/10G", "~10G", "up to 10G", "4 10G", "2 100G", "1,000 Mbps"),
        *("1.000 Gbps", "10^9 bps", "100m", "OC-5", "40G (2x10G)", "ten Gbps", "10G?"),
    ],
)
def test_what_is_not_understood_looks_like_a_speed_and_is_none(label):
    assert speed_gbps(label) is None
    assert like_a_speed(label)


@pytest.mark.parametrize(
    "label",
    ["Leased fibre", "link 12", "ge-0/0/1", "xe-0/0/1", "3 km", "e1", "", "None", "VLAN 10"],
)
def test_other_words_are_simply_no_speed(label):
    assert speed_gbps(label, alone=False) is None
    assert not like_a_speed(label)


def test_a_name_such_as_e1_is_a_speed_only_where_a_speed_stands():
    assert speed_gbps("E1") == pytest.approx(0.002048)
    assert speed_gbps("E1", alone=False) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("50,1", 50.1), ("-8,25", -8.25), ("0,125", 0.125), ("１２", 12.0), ("1 000", 1000.0)],
        *[("1'234.5", 1234.5), ("1,234.5", 1234.5), ("1.234,5", 1234.5), ("2.488", 2.488)],
        *[("1,000", None), ("1.500", None), ("2 500", None), ("1_000", None), ("x", None)],
        *[("nan", None), ("1e3", 1000.0), ("1,2,3", None), ("1000,000", 1000.0)],
    ],
)
def test_numbers_as_people_write_them(text, value):
    assert written_number(text) == value
