"""The days of the week, by the calendar at home."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import Field

from simulator.base.schema import NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.shapes.clocks import clocks
from simulator.traffic.traffic import Factors, Shape, shape

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[str, ...] = get_args(Day)


@shape("weekday")
class Weekday(Shape):
    """A factor for every day of the week, at the local time of a demand's home end.

    International traffic follows the date at home; other traffic the dates at its two ends
    equally. Around local midnight one day's factor goes over into the next one's, along
    ``p^2 (3 - 2 p)`` with p from 0 to 1 over ``blend_h`` hours, half of them before midnight. What
    the later day gains the earlier loses, so the mean over a week is that of the seven factors.

    Attributes
    ----------
    days : mapping of day to float
        Factors by day, ``{saturday: 1.1, sunday: 1.15}``; days left out have 1.
    first_day : str, optional
        Day of the week on which the scenario starts, at home; that of its ``start`` when left out,
        and monday where it has none.
    blend_h : float
        Length of the change around midnight; 0 for a sharp one, at most 24.
    """

    days: dict[Day, NonNegative] = field(default_factory=dict)
    first_day: Day | None = None
    blend_h: Annotated[float, Field(ge=0, le=24)] = 2.0

    def dated(self, start: datetime) -> Weekday:
        """Return the shape for a scenario that starts on some date."""
        day = DAYS[start.weekday()]
        return self if self.first_day else replace(self, first_day=day)  # type: ignore[type-var]

    def level(self, hour: np.ndarray) -> np.ndarray:
        """Factor at local hours counted from the midnight before the first day."""
        factor = np.array([self.days.get(day, 1.0) for day in DAYS])  # type: ignore[call-overload]
        midnight = np.round(hour / 24.0)
        since = hour - 24.0 * midnight
        if self.blend_h > 0:
            part = np.clip(since / self.blend_h + 0.5, 0.0, 1.0)
        else:
            part = (since >= 0).astype(float)
        first = DAYS.index(self.first_day or "monday")
        after = (midnight.astype(np.int64) + first) % len(DAYS)
        before = factor[after - 1]
        mixed: np.ndarray = before + part**2 * (3.0 - 2.0 * part) * (factor[after] - before)
        return mixed

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the factors of every demand."""
        weight, at_source, at_target = clocks(network, demands, far_share=0.0)

        def factors(hours: np.ndarray) -> np.ndarray:
            at_home: np.ndarray = (1 - weight) * self.level(hours + at_source)
            return at_home + weight * self.level(hours + at_target)

        return factors
