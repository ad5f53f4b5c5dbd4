"""Land: coastlines within a view, as fine as a panel can show.

The land is that of Natural Earth; it comes with the package and has no borders.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from simulator.figures.maps.views import View

LAND = Path(__file__).parent.parent / "land" / "land.npz"
FINE = 1500
"""Steps across a panel in which land is drawn: 200 to an inch."""


@cache
def world_land() -> tuple[np.ndarray, np.ndarray]:
    """Return points in degrees, shape (points, 2), and where each ring begins, and the end."""
    with np.load(LAND) as held:
        return held["points"] / 100.0, held["starts"]


def land_in(view: View) -> list[np.ndarray]:
    """Return the rings of land and lakes that a view shows, moved to its longitudes.

    They are as fine as the panel can show. What lies far outside is drawn in to just outside,
    where many points become few.
    """
    points, starts = world_land()
    west, south = np.minimum.reduceat(points, starts[:-1]).T
    east, north = np.maximum.reduceat(points, starts[:-1]).T
    grain = (view.east - view.west) / FINE
    least, most = (view.west - 2, view.south - 2), (view.east + 2, view.north + 2)
    found = []
    for turn in (-360.0, 0.0, 360.0):
        seen = (east + turn > view.west) & (west + turn < view.east)
        seen &= (north > view.south) & (south < view.north)
        for i in np.flatnonzero(seen):
            ring = np.clip(points[starts[i] : starts[i + 1]] + [turn, 0.0], least, most)
            ring = np.rint(ring / grain) * grain
            ring = ring[np.append(True, np.any(np.diff(ring, axis=0) != 0, axis=1))]
            if len(ring) > 3:  # less is a speck
                found.append(ring)
    return found
