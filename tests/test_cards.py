"""Line cards: a part of a link's capacity, of several links at once."""

import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, static
from test_round_trip import WRITTEN, again

from simulator.base.errors import InputError
from simulator.formats.format import load_network
from simulator.model.faults import Fault
from simulator.scenario.elements import change_element

CARDS = {"x": {"lc1": 0.25, "lc2": 0.75}, "y": {"lc1": 1.0}}


def carded():
    tiny = make_tiny(("x", "a", "b", 100.0), ("y", "b", "c", 40.0), ("z", "a", "c", 10.0))
    return tiny.with_links({link: {"cards": shares} for link, shares in CARDS.items()})


def left(*faults):
    network = carded()
    hurt = network.after(faults)
    return dict(zip(network.links, hurt.capacity_gbps[::2], strict=True)), hurt.up[::2].tolist()


def test_a_card_takes_its_share_of_every_link_on_it():
    assert left(Fault("card", "lc1")) == ({"x": 75.0, "y": 0.0, "z": 10.0}, [True, False, True])
    assert left(Fault("card", "lc2", 0.5))[0] == {"x": 62.5, "y": 40.0, "z": 10.0}
    assert left(Fault("card", "lc1"), Fault("card", "lc2"))[1] == [False, False, True]
    assert str(Fault("card", "lc2", 0.5)) == "card lc2 down (50%)"


def test_an_event_of_a_card_loses_what_is_on_it():
    event = {"at_h": 0.0, "until_h": 0.5, "card": "lc2"}
    demands = asks(carded(), ("a", "b", 100.0))
    played = play(case_of(carded(), demands, static(), events=[event]))
    assert played.figure("lost_gbit") == pytest.approx(75.0 * 1800.0)
    assert played.arc("x", "a")["capacity_gbps"].iloc[[0, -1]].tolist() == [25.0, 100.0]


@pytest.mark.parametrize("kind", [each.kind for each in WRITTEN])
def test_every_format_holds_cards_or_says_so(kind, tmp_path):
    ending = {each.kind: each for each in WRITTEN}[kind].written[0]
    found, lost = again(carded(), tmp_path / f"net{ending}")
    shares = [found.attributes(link).get("cards") for link in found.links]
    kept = shares == [CARDS["x"], CARDS["y"], None]
    assert kept != any("cards of 2 links" in each for each in lost), (shares, lost)


def test_shares_that_do_not_add_up_are_refused(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "name: net\nnodes:\n  - {id: a, kind: core}\n  - {id: b, kind: core}\nlinks:\n"
        "  - {id: ab, a: a, b: b, capacity_gbps: 1, delay_ms: 1, cards: {lc1: 0.5, lc2: 0.4}}\n"
    )
    with pytest.raises(InputError, match=r"net.yaml:6.*cards: the shares add to 0.9, not to 1"):
        load_network(path)


def test_cards_of_a_link_change_by_key():
    changed, _ = change_element(carded(), "links", "links.z.cards", {"lc9": 1.0})
    assert changed.attributes("z")["cards"] == {"lc9": 1.0}
    with pytest.raises(ValueError, match="expected shares by card, such as {gz-lc3: 1.0}"):
        change_element(carded(), "links", "links.z.cards", "lc9")
    with pytest.raises(ValueError, match="the shares add to 0.5, not to 1"):
        change_element(carded(), "links", "links.z.cards", {"lc9": 0.5})
