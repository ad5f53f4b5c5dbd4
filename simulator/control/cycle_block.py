"""CycleBlock: many cycles decided at once, where nothing but traffic changes.

Between two changes of the network nothing that a controller decides depends on what it decided
before, but for what that moves. Traffic and measurements are drawn in order anyway: to work out a
block of cycles is computing early, not knowing early. :meth:`CycleBlock.count` says where that is;
everywhere else cycles are decided one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.control.decision_log import Row
from simulator.control.predictors.predictor import Forecast
from simulator.control.process import Context
from simulator.control.settings import LoopSettings
from simulator.control.telemetry import Telemetry
from simulator.model.network import Network
from simulator.model.route_series import Answers
from simulator.model.routes import Routes
from simulator.simulation.clock import micros
from simulator.simulation.traffic_source import BLOCK

_FEWEST, _MOST = 8, 2_000_000
"""Cycles for which a block is worth its set-up; and cycles times demands at most, for memory."""


@dataclass(frozen=True, eq=False)
class Decided:
    """A block of cycles that was decided.

    Attributes
    ----------
    until_us : int
        When the next cycle is due.
    cycle : int
        Number of the last cycle of the block.
    predicted_gbps : ndarray, shape (demands,)
        Its forecast.
    routes : Routes
        Of the steered demands, from its installation on.
    row : Row
        Its row in the log, to be completed by the prediction error.
    installed_us : int
        When it was installed.
    """

    until_us: int
    cycle: int
    predicted_gbps: np.ndarray
    routes: Routes
    row: Row
    installed_us: int


class CycleBlock:
    """Decides blocks of cycles of one controller.

    Parameters
    ----------
    name : str
        Layer of steering.
    steered : ndarray of int
        Positions of the demands that it steers.
    share : float
        Share of each of them that it steers.
    every_s, delay_s : float
        Length of a cycle, and time from decision to installation.
    telemetry, predict
        What it measures, and what it makes of that.
    look : callable
        Returns the network as the controller sees it.
    """

    def __init__(
        self,
        context: Context,
        settings: LoopSettings,
        name: str,
        steered: np.ndarray,
        share: float,
        *,
        every_s: float,
        delay_s: float,
        telemetry: Telemetry,
        predict: Forecast,
        look: Callable[[], Network],
    ) -> None:
        self._scene, self._table, self._log = context.scene, context.route_table, context.log
        self._scheme, self._settings, self._name = context.scheme, settings, name
        self._steered, self._share = steered, share
        self._every_us, self._delay_us = micros(every_s), micros(delay_s)
        self._step_us = micros(context.scene.source.step_s)
        self._telemetry, self._predict, self._look = telemetry, predict, look
        self._mine = self._table.demands.take(steered)

    # -- where the loop is regular --------------------------------------------------------------

    def count(self) -> int:
        """Return how many cycles, from this instant on, can be decided at once; 0 for none."""
        now, border = self._scene.clock.now, self._scene.quiet_until()
        if border is None or not (self._is_settled(now) and self._is_plain()):
            return 0
        until_border = (border - 1 - now - self._delay_us) // self._every_us + 1
        # Up to the end of a block of traffic, so that few of them have to be kept.
        end = (now // (BLOCK * self._step_us) + 1) * BLOCK * self._step_us
        until_block = -(-(end - now) // self._every_us)
        most = max(_FEWEST, _MOST // len(self._table.demands))
        count = min(until_border, until_block, BLOCK, most)
        return count if count >= _FEWEST else 0

    def _is_settled(self, now: int) -> bool:
        """Whether every change of the network was noticed, measured and answered."""
        settings, since = self._settings, self._scene.network_state.since_us
        known_s = max(settings.staleness_s, settings.detect_s + settings.converge_s)
        return since is None or now > since + micros(known_s) + self._delay_us

    def _is_plain(self) -> bool:
        """Whether all traffic follows listed paths: static ones, and those of this controller."""
        table = self._table
        static, now = table.static, table.in_force
        if (
            table.halts
            or table.blinds
            or table.landings is not None
            or set(table.steering) - {self._name}
        ):
            return False
        if static is None or static.rescales or static.throttled is not None:
            return False
        if now is None or now.path_table is None or static.path_table is None:
            return False
        return self._scheme.answers_many(self._look(), self._mine)

    # -- deciding -------------------------------------------------------------------------------

    def decide(self, count: int, current: Routes | None) -> Decided:
        """Decide so many cycles, the first at this instant, and put their routes in force."""
        began, now = time.perf_counter(), self._scene.clock.now
        decided_us = now + self._every_us * np.arange(count)
        installed_us = decided_us + self._delay_us
        predicted, static = self._forecasts(decided_us), self._table.below(self._name)
        answers = self._route(predicted, static, current)
        assert self._table.in_force is not None
        series = answers.series.timed(installed_us).above(static, self._steered, self._share)
        series = series.after(self._table.in_force, now)
        moved = series.moved(self._rates_at(installed_us))
        solve_s = (time.perf_counter() - began) / count
        last = answers.last.scaled(self._share).scattered(self._steered, len(self._table.demands))
        self._table.install_series(self._name, last, series)
        entries = (answers.series.share > 0).sum(axis=0)
        errors = self._errors(predicted, installed_us, decided_us)
        row = self._log.write_many(
            self._name, installed_us, answers.certificates, moved, entries, errors, solve_s
        )
        latest = int(decided_us[-1])
        return Decided(
            latest + self._every_us,
            latest // self._every_us,
            predicted[:, -1].copy(),
            answers.last,
            row,
            latest + self._delay_us,
        )

    def _route(self, predicted: np.ndarray, static: Routes, current: Routes | None) -> Answers:
        """Return what the scheme answers at every cycle, around what it does not steer."""
        rest, mine = predicted.copy(), predicted[self._steered]
        rest[self._steered] *= 1.0 - self._share
        mine = mine * self._share if self._share != 1.0 else mine
        return self._scheme.route_many(self._look(), self._mine, mine, static.loads(rest), current)

    def _forecasts(self, now_us: np.ndarray) -> np.ndarray:
        """Predicted rates of every cycle, shape (demands, cycles)."""
        measured = self._telemetry.measure_all(now_us)
        middles = [self._telemetry.middle_s(now) for now in now_us.tolist()]
        columns = zip(middles, np.asfortranarray(measured).T, strict=True)
        return np.stack([self._predict(middle, each) for middle, each in columns], axis=1)

    def _rates_at(self, installed_us: np.ndarray) -> np.ndarray:
        """True rates at each installation; on the boundary of two steps those of the earlier."""
        steps = np.maximum((installed_us - 1) // self._step_us, 0)
        return self._scene.source.run(steps.tolist())

    def _errors(
        self, predicted: np.ndarray, installed_us: np.ndarray, decided_us: np.ndarray
    ) -> np.ndarray:
        """By how much traffic differed from each prediction; NaN for the last, not known yet."""
        error = np.full(len(decided_us), np.nan)
        if len(decided_us) > 1:
            actual = self._scene.source.means(installed_us[:-1], decided_us[1:])[self._steered]
            total = actual.sum(axis=0)
            apart = np.abs(predicted[self._steered, :-1] - actual).sum(axis=0)
            error[:-1] = np.divide(apart, total, out=np.zeros_like(total), where=total > 0)
        return error


def goes_in_blocks(settings: LoopSettings, delay_s: float) -> bool:
    """Whether the settings of a controller let it decide many cycles at once.

    They do where every cycle decides on its own measurement, installs all of it at once, after the
    same delay, and before the next cycle.
    """
    free = (
        *(settings.hysteresis, settings.max_moves, settings.max_moved_gbps),
        *(settings.pieces, settings.carried_by),
    )
    return (
        all(each is None for each in (*free, settings.announcements))
        and settings.compute_s != "measured"
        and settings.rule_ms == 0
        and settings.install_sigma == 0
        and settings.update != "multi_step"
        and settings.every_s is not None
        and delay_s < settings.every_s
    )
