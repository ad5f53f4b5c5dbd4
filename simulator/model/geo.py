"""Distances on the globe: great circles between places given in degrees."""

from __future__ import annotations

import math

import numpy as np

EARTH_RADIUS_KM = 6371.0


def great_circle_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the distance on a sphere between two places given in degrees (haversine)."""
    a, b = math.radians(lat_a), math.radians(lat_b)
    across = math.radians(lon_b - lon_a)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


def distances_km(degrees: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the great-circle distance of pairs of places.

    Parameters
    ----------
    degrees : ndarray, shape (places, 2)
        Latitude and longitude.
    source, target : ndarray of int, shape (pairs,)
        Rows of *degrees*.
    """
    lat, lon = np.radians(degrees).T
    half = (
        np.sin((lat[target] - lat[source]) / 2.0) ** 2
        + np.cos(lat[source]) * np.cos(lat[target]) * np.sin((lon[target] - lon[source]) / 2.0) ** 2
    )
    distance: np.ndarray = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distance
