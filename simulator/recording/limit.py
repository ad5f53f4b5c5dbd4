"""Limit: where growth ends, when, and what ends it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simulator.results.writer import Coded


class Limit(NamedTuple):
    """Where growth ends.

    Attributes
    ----------
    factor : float
        The largest growth that is known to hold: 0 when even the smallest tried is too much,
        infinite when nothing uses the exits, NaN without exits. Years where growth is counted in
        years.
    at_s : float
        When, in seconds from the start.
    binds : str
        Scope of the exit direction that reaches its target there: ``exit:ID:out`` or ``:in``.
    link : str
        Link that is no exit and full at a smaller factor; empty without one. What exits could hold
        does not get there.
    link_factor : float
        That factor.
    factor_high : float
        The least growth that is known to be too much: the factor itself where it is exact.
    full : tuple of str
        Scopes of all exit directions that are at their target there, and that no routing of the
        strategy relieves.
    """

    factor: float
    at_s: float = math.nan
    binds: str = ""
    link: str = ""
    link_factor: float = math.nan
    factor_high: float = math.nan
    full: tuple[str, ...] = ()

    def columns(self) -> dict[str, np.ndarray | Coded]:
        """Return a row of the table ``headroom``."""
        return {
            "factor": np.array([self.factor]),
            "factor_high": np.array([self.factor_high]),
            "binds": Coded.of(np.array([self.binds], dtype=object)),
            "at_h": np.array([self.at_s / 3600.0]),
            "link": Coded.of(np.array([self.link], dtype=object)),
            "link_factor": np.array([self.link_factor]),
        }
