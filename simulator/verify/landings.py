"""AnnouncementReplay: announcements change, and regions hand over where the model says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simulator.export.addresses import AS
from simulator.export.bgp import HOLD_S
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.scenario.scenario import Scenario
from simulator.simulation.inbound_world import Announced, InboundWorld
from simulator.verify.controller import Controller
from simulator.verify.kernel import Table, held
from simulator.verify.neighbours import Neighbours
from simulator.verify.routers import wait_for
from simulator.verify.stream import Arrived, Stream

CHANGES, MOST_GROUPS = 50, 10
_WITHIN_S, _POLL_S, _AFTER_S = 30.0, 0.05, 0.2


class Landed(NamedTuple):
    """A change of announcements, and where regions handed over afterwards.

    Attributes
    ----------
    change : int
        Its number; 0 is the first announcement of all groups at all exits.
    groups : int
        Prefix groups that are announced otherwise than before.
    lines : int
        Announcements to exits.
    in_force_s : float
        Until all regions had the next hops of the model.
    pairs : int
        Regions and groups.
    moved : int
        Of these, those that land elsewhere than before, by the model.
    wrong : int
        Of these, those that land elsewhere than in the model.
    sent, received : int
        Packets of one flow that was sent meanwhile.
    """

    change: int
    groups: int
    lines: int
    in_force_s: float
    pairs: int
    moved: int
    wrong: int
    sent: int
    received: int


@dataclass(eq=False)
class AnnouncementReplay:
    """Announcements on routers, and the model's landings beside them.

    Attributes
    ----------
    neighbours : Neighbours
    controller : Controller
    network : Network
    """

    neighbours: Neighbours
    controller: Controller
    network: Network

    def play(self, changes: int, seed: int) -> Iterator[Landed]:
        """Announce all everywhere, then let announcements change so many times."""
        world = self.neighbours.world
        groups = len(self.neighbours.groups) // len(world.choices.provinces)
        now = world.everywhere(groups)
        self.controller.start()
        yield self._changed(0, None, now)
        for number, after in enumerate(drawn(now, changes, seed), 1):
            yield self._changed(number, now, after)
            now = after

    def _changed(self, number: int, before: Announced | None, after: Announced) -> Landed:
        expected = self.neighbours.world.landed(after, self.network)
        was = expected if before is None else self.neighbours.world.landed(before, self.network)
        moved = np.argwhere(expected != was)
        lines = list(self._lines(before, after))
        stream = self._stream(moved) if before is not None else None
        began = time.monotonic()
        self.controller.tell(lines)
        heard = self._heard(after)
        wait_for(lambda: not self._wrong(expected, heard), _WITHIN_S, _POLL_S)
        seconds = time.monotonic() - began
        time.sleep(_AFTER_S)
        arrived = stream.result() if stream else Arrived(0, 0, 0.0)
        changed = 0 if before is None else int(after.differs(before).any(axis=1).sum())
        return Landed(number, changed, len(lines), seconds, expected.size, len(moved),
                      self._wrong(expected, heard), arrived.sent, arrived.received)  # fmt: skip

    def _lines(self, before: Announced | None, after: Announced) -> Iterator[str]:
        differs = np.ones(after.exits.shape, bool) if before is None else after.differs(before)
        neighbours = self.neighbours
        for group, at in np.argwhere(differs).tolist():
            near = neighbours.home_address(at)
            tag = "" if after.exits[group, at] else " community [ no-export ]"
            yield (
                f"neighbor {near + 1} announce route {neighbours.groups[group]}"
                f" next-hop {near}{tag}"
            )

    def _heard(self, after: Announced) -> np.ndarray:
        """Return which regions hear which groups at all; bool, shape (regions, groups)."""
        specific = self.neighbours.world.catchment.preferences.specific
        hears = np.isfinite(specific[after.province, :, 0])  # groups, regions, exits
        return np.asarray((hears & after.exits[:, None, :]).any(axis=2).T)

    def _wrong(self, expected: np.ndarray, heard: np.ndarray) -> int:
        tables = held(self.neighbours.region_spaces)
        groups = [str(each) for each in self.neighbours.groups]
        return sum(
            self._landing(tables[space], region, group) != expected[region, group]
            or (groups[group] in tables[space]) != heard[region, group]
            for region, space in enumerate(self.neighbours.region_spaces)
            for group in range(expected.shape[1])
        )

    def _landing(self, table: Table, region: int, group: int) -> int:
        """Return the exit that a region sends a group to: by its prefix, or by the aggregate."""
        neighbours = self.neighbours
        place = group // (len(neighbours.groups) // len(neighbours.aggregates))
        for prefix in (neighbours.groups[group], neighbours.aggregates[place]):
            for hop in table.get(str(prefix), {}):
                return self._exit_of[hop, region]
        return -1

    def __post_init__(self) -> None:
        neighbours = self.neighbours
        self._exit_of = {
            (str(neighbours.exit_address(at, region)), region): at
            for at in range(len(neighbours.exits))
            for region in range(len(neighbours.regions))
        }

    def _stream(self, moved: np.ndarray) -> Stream:
        """Return a flow from a region to a group that moves, or from the first to the first."""
        neighbours = self.neighbours
        region, group = moved[0].tolist() if len(moved) else (0, 0)
        here = neighbours.plan.prefixes[neighbours.regions[region]][0].prefix[1]
        there = neighbours.groups[group][1]
        return Stream((neighbours.region_spaces[region], str(here)), (neighbours.home, str(there)))


def drawn(now: Announced, changes: int, seed: int) -> Iterator[Announced]:
    """Yield announcements that follow one another: some groups change at one exit at a time.

    At most ``MOST_GROUPS`` groups change, as a controller changes at most so many. They are drawn:
    what a controller would plan depends on traffic, which routers do not see.
    """
    rng = np.random.default_rng([seed, changes])
    for _ in range(changes):
        exits = now.exits.copy()
        count = int(rng.integers(1, MOST_GROUPS + 1))
        groups = rng.choice(len(exits), size=min(count, len(exits)), replace=False)
        at = int(rng.integers(exits.shape[1]))
        exits[groups, at] = ~exits[groups, at]
        now = now._replace(exits=exits)
        yield now


def world_of(scenario: Scenario) -> InboundWorld:
    """Return the world of a scenario with one source for each region, as it is at the start."""
    case = scenario.case
    assert case.inbound is not None
    alone = replace(case.inbound, neighbours=1)
    world = replace(case, inbound=alone).inbound_world(Streams(case.seed, 0))
    assert world is not None
    return world


def sessions(neighbours: Neighbours) -> list[str]:
    """Return the controller's sessions, as ExaBGP is configured: one with each exit."""
    found = []
    for at in range(len(neighbours.exits)):
        near = neighbours.home_address(at)
        found.append(
            f"neighbor {near + 1} {{ router-id {near}; local-address {near}; local-as {AS};"
            f" peer-as {AS}; hold-time {HOLD_S}; family {{ ipv4 unicast; }}"
            " api { processes [ feeder ]; } }"
        )
    return found
