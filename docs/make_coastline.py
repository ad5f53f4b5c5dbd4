"""Make ``land.npz`` from a TopoJSON file of land: ``python make_coastline.py land-50m.json``.

Needed only to make the file anew; the README beside `land.npz` says where the input comes from.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

LEAST_SQUARE_DEGREES = 0.01
"""Islands and lakes below this, some 10 km across, are left out: on a map they are specks."""
PER_DEGREE = 100
"""Points are kept to a hundredth of a degree, about a kilometre."""


def rings(topology: dict[str, Any]) -> list[np.ndarray]:
    """Return every ring of the object ``land`` in degrees, shape (points, 2), closed.

    Longitudes run on across the 180th meridian, so that a ring never jumps.
    """
    scale, origin = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]
    found = []
    for geometry in topology["objects"]["land"]["geometries"]:
        several = geometry["type"] == "MultiPolygon"
        for polygon in geometry["arcs"] if several else [geometry["arcs"]]:
            found += [_ring(arcs, ring) for ring in polygon]
    return found


def _ring(arcs: list[np.ndarray], ring: list[int]) -> np.ndarray:
    """Join arcs end to end; a negative index is an arc run backwards."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
    joined = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    joined[:, 0] = np.unwrap(joined[:, 0], period=360.0)
    middle = (joined[:, 0].min() + joined[:, 0].max()) / 2
    joined[:, 0] -= 360.0 * np.round(middle / 360.0)  # the middle of a ring lies in -180 to 180
    return joined


def _whole(ring: np.ndarray) -> np.ndarray:
    """Return a ring in whole hundredths of a degree, without points that fall together."""
    points = np.rint(ring * PER_DEGREE).astype(np.int16)
    moved = np.any(np.diff(points, axis=0) != 0, axis=1)
    return points[np.concatenate([[True], moved])]


def _square_degrees(ring: np.ndarray) -> float:
    x, y = ring.T
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


def main(source: str) -> None:
    """Write ``land.npz`` into the current folder."""
    found = rings(json.loads(Path(source).read_text(encoding="utf-8")))
    # The one ring that does not come back to its longitude goes round the pole: Antarctica.
    closed = [ring for ring in found if abs(ring[0, 0] - ring[-1, 0]) < 1.0]
    kept = [_whole(ring) for ring in closed if _square_degrees(ring) >= LEAST_SQUARE_DEGREES]
    np.savez_compressed(
        "land.npz",
        points=np.concatenate(kept),
        starts=np.cumsum([0, *map(len, kept)]).astype(np.int32),
    )
    print(f"{len(kept)} of {len(found)} rings, {sum(map(len, kept)):,} points")


if __name__ == "__main__":
    main(*sys.argv[1:])
