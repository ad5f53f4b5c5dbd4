"""Deaths: how long routers keep the decisions of a controller, by how it dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

from simulator.control.outages import KEEPALIVES
from simulator.control.settings import LoopSettings
from simulator.export.bgp import HOLD_S
from simulator.verify.replay import Replay, wrong_pairs
from simulator.verify.routers import wait_for

GRACEFUL_S = 20
"""Time for which routers are asked to keep routes: shorter than the usual 120 s, to see its end."""
WATCHED_S = 12.0
"""How long decisions of a dead feeder are watched: more than the hold time."""
BACK_WITHIN_S = 30.0
_LATE_S, _EARLY_S, _POLL_S = 1.5, 0.5, 0.02


class Death(NamedTuple):
    """A way to die, and what was seen.

    Attributes
    ----------
    name : str
        As ``how`` of an event has it, or ``terminated``, which is as ``killed``.
    setting : str
        Key of the control that says how long decisions stay; empty where they stay.
    low_s, high_s : float
        What the model says with the timers of the lab; infinite where decisions stay.
    default_s : float
        What the setting is when left out.
    first_s, last_s : float
        Seconds until the first and the last router had static routes only; infinite where that did
        not happen as long as it was watched.
    watched_s : float
    back_s : float
        Seconds until all decisions stood again: after a thaw, or with those for the sessions of a
        new controller.
    wrong : int
        Decisions that did not stand then.
    """

    name: str
    setting: str
    low_s: float
    high_s: float
    default_s: float
    first_s: float
    last_s: float
    watched_s: float
    back_s: float
    wrong: int

    @property
    def is_as_modelled(self) -> bool:
        """Whether the times are those of the model, and all decisions came back."""
        if self.wrong:
            return False
        if self.high_s == float("inf"):
            return self.first_s == float("inf")
        return self.low_s - _EARLY_S <= self.first_s and self.last_s <= self.high_s + _LATE_S


def deaths(replay: Replay) -> Iterator[Death]:
    """Let a controller die in five ways, and start it again each time.

    Decisions must be in force; they are when this is done, too.
    """
    stay, model = float("inf"), LoopSettings()
    controller = replay.controller
    reset = "reset_s", model.reset_s, model.reset_s, model.reset_s
    for name, number in (("killed", signal.SIGKILL), ("terminated", signal.SIGTERM)):
        controller.send(number)
        seen = _until_static(replay, WATCHED_S)
        yield Death(name, *reset, *seen, *_anew(replay))
    controller.send(signal.SIGSTOP)
    seen = _until_static(replay, 2.0 * HOLD_S)
    controller.send(signal.SIGCONT)
    held = "hold_s", HOLD_S * (1 - 1 / KEEPALIVES), float(HOLD_S), model.hold_s
    yield Death("frozen", *held, *seen, *_back(replay))
    controller.stop()
    controller.start(GRACEFUL_S)
    replay.again()
    controller.send(signal.SIGKILL)
    seen = _until_static(replay, 2.0 * GRACEFUL_S)
    kept = "stale_s", float(GRACEFUL_S), float(GRACEFUL_S), model.stale_s
    yield Death("graceful_restart", *kept, *seen, *_anew(replay))
    controller.end_feeder()
    seen = _until_static(replay, WATCHED_S)
    yield Death("feeder_dead", "", stay, stay, stay, *seen, *_anew(replay))


def _until_static(replay: Replay, within_s: float) -> tuple[float, float, float]:
    """Return when the first and the last router were static, and how long that was watched."""
    plan, began = replay.routers.plan, time.monotonic()
    nowhere = {pair: {} for pair, ways in replay.ways.items() if ways}  # type: ignore[var-annotated]
    every = {source for source, _ in nowhere}
    left, first_s = set(every), float("inf")

    def done() -> bool:
        nonlocal left, first_s
        tables = replay.routers.tables(left)
        mine = {pair: ways for pair, ways in nowhere.items() if pair[0] in left}
        left = {source for source, _ in wrong_pairs(mine, tables, replay.static, plan)}
        if left != every:
            first_s = min(first_s, time.monotonic() - began)
        return not left

    ended = wait_for(done, within_s, _POLL_S)
    watched_s = time.monotonic() - began
    return first_s, watched_s if ended else float("inf"), watched_s


def _anew(replay: Replay) -> tuple[float, int]:
    """Start a controller in place of the one that died; return the seconds, and what is wrong."""
    replay.controller.stop()
    began = time.monotonic()
    replay.controller.start()
    wrong = replay.again().wrong
    return time.monotonic() - began, len(wrong)


def _back(replay: Replay) -> tuple[float, int]:
    """Wait until decisions stand again."""
    began = time.monotonic()
    wait_for(lambda: not replay.wrong(), BACK_WITHIN_S, _POLL_S)
    return time.monotonic() - began, len(replay.wrong())
