"""Exit data: utilisation of every exit over time as a page holds it, and the worst moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulator.base.text import plain
from simulator.figures import run_data
from simulator.figures.run_data import Peaks, Track, Tracks
from simulator.figures.words import percent
from simulator.report.packing import ten_thousandths
from simulator.report.time_data import Frames
from simulator.results.results import Results

WORST = 3
"""Moments that are listed for each strategy."""
APART_H = 2.0
"""Hours that two of them are apart at least, unless another exit is the fullest."""


class ExitDays(NamedTuple):
    """Utilisation of exits over the frames, and their figures.

    ``keys`` are exits and directions, in the order of the columns of the tracks.
    """

    frames: Frames
    keys: list[tuple[str, str]]
    exact: Tracks
    framed: Tracks
    peaks: Peaks
    capacity_gbps: dict[tuple[str, str], float]

    @classmethod
    def of(cls, frames: Frames) -> ExitDays:
        """Read the table ``exits``; NothingToShow is raised where there are no exits."""
        run = frames.run
        keys = run_data.exit_keys(run.results)
        exact = run_data.exit_tracks(run)
        framed = {name: framed_track(track, frames.begins) for name, track in exact.items()}
        capacity = run_data.exit_capacity(run)
        return cls(frames, keys, exact, framed, run_data.exit_peaks(run), capacity)


def framed_track(track: Track, begins: np.ndarray) -> Track:
    """Return the mean, the lowest and the highest value of the steps of each frame."""
    known = np.isfinite(track.mean)
    count = np.add.reduceat(known.astype(float), begins)
    total = np.add.reduceat(np.where(known, track.mean, 0.0), begins)
    with np.errstate(invalid="ignore"):
        mean = total / count
    low, high = np.fmin.reduceat(track.low, begins), np.fmax.reduceat(track.high, begins)
    return Track(track.time_s[begins], mean, low, high)


def exit_data(days: ExitDays) -> dict[str, Any]:
    """Return the curves of all exits as a page holds them, the fullest exit first."""
    ways = run_data.directions_by_peak(days.peaks, None)
    order = run_data.exits_by_peak(days.peaks, ways)
    place = {key: i for i, key in enumerate(days.keys)}
    columns = [place[exit_id, way] for exit_id in order for way in ("out", "in")]
    return {
        "ids": [plain(exit_id) or exit_id for exit_id in order],
        "capacity": [[days.capacity_gbps[e, way] for way in ("out", "in")] for e in order],
        "peaks": [[_peak(days, e, way) for way in ("out", "in")] for e in order],
        "ways": ways,
        "tracks": [
            [
                ten_thousandths(values[:, columns].T)
                for values in days.framed[name][1 : 4 if days.frames.run.replications > 1 else 2]
            ]
            for name in days.frames.run.strategies
        ],
    }


def _peak(days: ExitDays, exit_id: str, way: str) -> float:
    """Return the peak of an exit under the strategy that fills it most, as the summary has it."""
    return max(of_exit[exit_id, way][0] for of_exit in days.peaks.values())


def worst_moments(days: ExitDays) -> list[dict[str, Any]]:
    """Return when and where exits are the fullest, a few moments for every strategy."""
    moments = []
    for name in days.frames.run.strategies:
        track = days.exact[name]
        values = np.nan_to_num(track.mean)
        fullest, hottest = values.max(axis=1), values.argmax(axis=1)
        taken: list[int] = []
        for step in np.argsort(-fullest, kind="stable")[:5000].tolist():
            if fullest[step] <= 0 or len(taken) == WORST:
                break
            if all(_apart(track, hottest, step, other) for other in taken):
                taken.append(step)
        moments += [_moment(days, name, step, int(hottest[step])) for step in taken]
    return moments


def _apart(track: Track, hottest: np.ndarray, step: int, other: int) -> bool:
    hours = abs(track.time_s[step] - track.time_s[other]) / 3600.0
    return bool(hours >= APART_H) or bool(hottest[step] != hottest[other])


def _moment(days: ExitDays, name: str, step: int, column: int) -> dict[str, Any]:
    run, (exit_id, way) = days.frames.run, days.keys[column]
    hours = float(days.exact[name].time_s[step]) / 3600.0
    utilisation = float(days.exact[name].mean[step, column])
    return {
        "strategy": name,
        "exit": exit_id,
        "direction": way,
        "when": run.time.words(hours),
        "utilisation": utilisation,
        "words": percent(utilisation),
        "frame": int(step // days.frames.together),
        "during": [plain(e.what) for e in run.events if e.begin_h <= hours
                   and (e.end_h is None or hours < e.end_h)],
    }  # fmt: skip


def exit_rows(results: Results, strategies: list[str]) -> list[dict[str, Any]]:
    """Return peak, 95th percentile and mean of every exit and direction, from ``summary.json``."""
    summary = results.summary
    words = {"peak": "exit_utilisation_peak", "p95": "exit_utilisation_p95",
             "mean": "exit_utilisation_mean"}  # fmt: skip
    found = {word: run_data.metric_figures(summary, metric) for word, metric in words.items()}
    rows = []
    for exit_id in results.run["network"]["exits"]:
        for way in ("out", "in"):
            at = f"exit:{exit_id}:{way}"
            cells = [
                {"metric": words[word], "strategy": name, "value": found[word][name, at][0]}
                for word in words
                for name in strategies
                if (name, at) in found[word]
            ]
            rows.append({"exit": exit_id, "direction": way, "scope": at, "cells": cells})
    return rows
