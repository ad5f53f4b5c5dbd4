"""Places: cables that land at one place or pass it fail together."""

import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, static
from test_round_trip import WRITTEN, again

from simulator.formats.rules.entries import CableEntry, keys
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.simulation.clock import Clock
from simulator.simulation.network_state import NetworkState

CABLES = {
    "A": {"landings": ("Bay", "Cape"), "passes": ("The Strait",)},
    "B": {"passes": ("The Strait", "Bay")},
    "C": {"landings": ("Cape",)},
}


def ashore() -> Network:
    """A link on two cables of the strait, one on one of them and one on none."""
    tiny = make_tiny(("x", "a", "b", 100.0), ("y", "b", "c", 100.0), ("z", "a", "c", 100.0))
    shares = {"x": {"A": 0.5, "B": 0.25, "C": 0.25}, "y": {"B": 1.0}, "z": {"C": 1.0}}
    laid = tiny.with_links({link: {"cables": of} for link, of in shares.items()})
    laid.about.cables.update(CABLES)
    return Network(laid.graph, laid.about)


def left(network, *faults):
    hurt = network.after(faults)
    return dict(zip(network.links, hurt.capacity_gbps[::2], strict=True))


def test_places_are_landings_and_what_cables_pass():
    assert ashore().places == {"Bay": ("A", "B"), "Cape": ("A", "C"), "The Strait": ("A", "B")}


def test_a_place_cuts_its_cables_by_the_same_part():
    network = ashore()
    assert left(network, Fault("place", "The Strait")) == {"x": 25.0, "y": 0.0, "z": 100.0}
    assert left(network, Fault("place", "Bay", 0.4)) == {"x": 70.0, "y": 60.0, "z": 100.0}
    assert str(Fault("place", "Bay", 0.4)) == "place Bay hit (40%)"


def test_a_cable_that_is_cut_as_well_is_not_counted_twice():
    network = ashore()
    strait, bay = Fault("place", "The Strait"), Fault("place", "Bay")
    both = network.after([Fault("cable", "A"), Fault("cable", "B")])
    assert both is network.after([strait]) is network.after([strait, bay])
    assert both is network.after([Fault("cable", "A"), strait])
    assert network.after([Fault("cable", "A")]).after([strait]).faults == both.faults
    assert both.cut == {"A": 1.0, "B": 1.0}, "what failed is told by cable"
    assert left(network, Fault("cable", "A", 0.8), Fault("place", "Bay", 0.5))["x"] == 37.5


def test_share_of_a_place_is_that_of_its_cables():
    network = ashore()
    assert network.fault_share(Fault("place", "Cape")).tolist() == [0.75, 0.0, 1.0]


def test_the_end_of_one_of_two_events_leaves_the_other():
    network = ashore()
    state = NetworkState(Clock(), network)
    state.begin(Fault("cable", "B"))
    state.begin(Fault("place", "The Strait"))
    state.end(Fault("cable", "B"))
    assert state.network is network.after([Fault("place", "The Strait")])
    state.end(Fault("place", "The Strait"))
    assert state.network is network


def test_an_event_of_a_place_loses_what_rides_there():
    event = {"at_h": 0.5, "place": "Bay", "severity": 0.4}
    played = play(case_of(ashore(), asks(ashore(), ("b", "c", 100.0)), static(), events=[event]))
    assert played.figure("lost_gbit") == pytest.approx(40.0 * 1800.0)


@pytest.mark.parametrize("kind", [each.kind for each in WRITTEN])
def test_every_format_holds_what_it_held_of_cables(kind, tmp_path):
    ending = {each.kind: each for each in WRITTEN}[kind].written[0]
    network = ashore()
    found, lost = again(network, tmp_path / f"net{ending}")
    landings = {cable: facts.get("landings") for cable, facts in found.about.cables.items()}
    assert found.places == (network.places if any(landings.values()) else {})
    assert found.places or any("cable" in each for each in lost), "what it cannot hold is said"


def test_the_strait_of_2006_and_the_coast_of_2011(china):
    network = china[0]
    assert network.places["Luzon Strait"] == ("SMW-3", "APCN-2", "EAC-C2C")
    assert network.places["off Ibaraki"] == ("APCN-2", "EAC-C2C", "JUS")
    hit = network.after([Fault("place", "Luzon Strait")])
    assert set(hit.cut) == {"SMW-3", "APCN-2", "EAC-C2C"}
    assert network.exits_gbps - hit.exits_gbps == pytest.approx(
        sum(
            share * network.capacity_gbps[2 * network.link_index[link]]
            for link in network.links
            for cable, share in network.attributes(link)["cables"].items()
            if cable in hit.cut
        )
    )


def test_what_a_cable_passes_is_a_key_of_it():
    assert keys(CableEntry).index("passes") == keys(CableEntry).index("landings") + 1
