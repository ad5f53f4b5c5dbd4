"""Growing: at what rates the demands of a scenario grow, and which of them a word names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.base.errors import InputError, Problem, known_instead
from simulator.engines.case import Case, with_window
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.scenario.scenario import Scenario
from simulator.traffic.shapes.growth import Growth as GrowthShape
from simulator.traffic.traffic import Shape
from simulator.uncertainty.law import HIGH, LOW
from simulator.uncertainty.world import World

PER_YEAR, LOW_PER_YEAR, HIGH_PER_YEAR = 0.245, 0.15, 0.35
"""Assumed where no growth is stated, and the range that then stands for what is not known."""
SOURCE = "24.5 % a year, as at 472 exchange points from 2023 to 2024 (NINeS 2026)"


@dataclass(frozen=True)
class Rates:
    """How fast demands grow.

    Attributes
    ----------
    speed, slow, fast : ndarray, shape (demands,)
        Logarithm of the growth in a year: as stated, and at both ends of what is not known; the
        same where nothing is said of that.
    words : str
        What they are, and where they come from.
    assumed : bool
        Whether no growth is stated.
    """

    speed: np.ndarray
    slow: np.ndarray
    fast: np.ndarray
    words: str
    assumed: bool

    @property
    def has_range(self) -> bool:
        """Whether a range is stated."""
        return bool(np.any(self.slow != self.fast))

    def ratio(self, end: np.ndarray) -> float | None:
        """Factor on all speeds that makes them those of an end; None where there is no such factor.

        Years are then those at the stated speeds, over this factor.
        """
        top = float(np.abs(self.speed).max(initial=0.0))
        if not top > 0:
            return None
        factor = float(np.abs(end).max()) / top
        return factor if np.allclose(end, factor * self.speed, rtol=1e-13, atol=0.0) else None


def assumed_rates(demands: Demands, per_year: float | None = None) -> Rates:
    """Return one rate for all demands: that given, or the one that is assumed."""
    whole = np.ones(len(demands))
    if per_year is not None:
        speed = whole * math.log1p(per_year)
        return Rates(speed, speed, speed, f"{100 * per_year:g} % a year, as given", False)
    speed, slow, fast = (whole * math.log1p(r) for r in (PER_YEAR, LOW_PER_YEAR, HIGH_PER_YEAR))
    words = (
        f"{SOURCE}: assumed, as the scenario states none; {100 * LOW_PER_YEAR:g} to"
        f" {100 * HIGH_PER_YEAR:g} % is the range assumed"
    )
    return Rates(speed, slow, fast, words, True)


def rates_of(scenario: Scenario, per_year: float | None = None) -> Rates:
    """Return the growth that a scenario states, or else what is assumed.

    Its range is from the uncertainty of the rates, all at their low or all at their high end.
    """
    demands = scenario.case.demands
    if per_year is not None or not any(True for _ in _shapes(scenario.case)):
        return assumed_rates(demands, per_year)
    speed = _speed(scenario.case)
    names = [
        name
        for name, each in scenario.assumptions.items()
        if each.has_ends and _is_growth(scenario, getattr(each, "key", ""))
    ]
    slow, fast = (
        _speed(scenario.world(World(own=dict.fromkeys(names, end))).case) if names else speed
        for end in (LOW, HIGH)
    )
    return Rates(speed, slow, fast, _words(speed, demands, bool(names)), False)


def _words(speed: np.ndarray, demands: Demands, has_range: bool) -> str:
    weight = demands.gbps / (demands.gbps.sum() or 1.0)
    ends = np.expm1([speed.min(), float(weight @ speed), speed.max()]) * 100
    span = f"{ends[1]:.3g} % a year"
    if ends[2] - ends[0] > 1e-9:
        span = f"{ends[0]:.3g} to {ends[2]:.3g} % a year by demand, {ends[1]:.3g} % in the mean"
    return f"{span}, as the scenario states{' with a range' if has_range else ', without a range'}"


def _is_growth(scenario: Scenario, key: str) -> bool:
    """Whether a key of the scenario is of a shape that is growth."""
    place = re.match(r"traffic\.(?:services\.(.+)\.)?shapes\[(\d+)\]\.", key)
    if place is None:
        return False
    traffic = scenario.settings.traffic
    shapes = traffic.shapes if place[1] is None else (traffic.services or {})[place[1]].shapes
    return int(place[2]) < len(shapes) and isinstance(shapes[int(place[2])], GrowthShape)


def _shapes(case: Case) -> Iterator[tuple[GrowthShape, np.ndarray]]:
    """Yield the growth shapes of a case, each with the demands that it multiplies."""
    series = case.series
    for shape in series.shapes:
        if isinstance(shape, GrowthShape):
            yield shape, np.arange(len(series.base))
    for name, shapes in series.own_shapes.items():
        for shape in shapes:
            if isinstance(shape, GrowthShape):
                yield shape, np.flatnonzero(series.base.of_service((name,)))


def _speed(case: Case) -> np.ndarray:
    speed = np.zeros(len(case.demands))
    for shape, rows in _shapes(case):
        speed[rows] += shape.speed_per_year(case.demands.take(rows))
    return speed


def without_growth(case: Case) -> Case:
    """Return the case as of its first day: growth is taken out of its traffic."""
    if not any(True for _ in _shapes(case)):
        return case
    series = case.series
    own = {name: _others(shapes) for name, shapes in series.own_shapes.items()}
    series = replace(series, shapes=_others(series.shapes), own_shapes=own)
    demands = with_window(series.base, series, case.horizon_s)
    return replace(case, series=series, demands=demands)


def _others(shapes: Iterable[Shape]) -> tuple[Shape, ...]:
    return tuple(each for each in shapes if not isinstance(each, GrowthShape))


# -- dates ----------------------------------------------------------------------------------------


def growing(demands: Demands, network: Network, of: str) -> np.ndarray:
    """Return the demands that a word names, shape (demands,).

    Raises
    ------
    InputError
        There is no such word, no such region, or no such traffic.
    """
    word, _, region = of.partition(":")
    known: Mapping[str, tuple[str, ...]] = {
        "international": ("international_out", "international_in"),
        "domestic": ("domestic",),
        "all": ("domestic", "international_out", "international_in", "transit"),
        "international_out": ("international_out",),
        "international_in": ("international_in",),
    }
    if word == "region":
        there = [n for n, abroad in zip(network.nodes, network.is_abroad, strict=True) if abroad]
        if region not in there:
            raise _wrong(f"no region {region!r}{known_instead(region, there)}")
        node = network.node_index[region]
        mask = (demands.source == node) | (demands.target == node)
    elif of in known:
        mask = demands.of_class(known[of])
    else:
        raise _wrong(f"no traffic {of!r}{known_instead(of, [*known, 'region:ID'])}")
    if not demands.gbps[mask].sum() > 0:
        classes = ", ".join(dict.fromkeys(demands.traffic_class[demands.gbps > 0].tolist()))
        raise _wrong(f"there is no {of} traffic; there is {classes or 'none at all'}")
    return mask


def _wrong(message: str) -> InputError:
    return InputError([Problem("", None, None, "of", message)])
