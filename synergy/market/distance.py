"""Distances. Great circle on a sphere of 6,371.0088 km (IUGG mean radius), times the circuity."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM: Final = 6371.0088
METHOD: Final = "great_circle_x_circuity"


def great_circle_km(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between all of `here` (n x 2) and all of `there` (m x 2) as n x m.

    Columns are latitude and longitude in degrees, WGS 84. Haversine: exact enough at all distances.

    >>> a, b = np.array([[39.93, 119.60]]), np.array([[39.93, 119.60], [32.63, 117.00]])
    >>> [round(float(km), 1) for km in great_circle_km(a, b)[0]]
    [0.0, 844.4]
    """
    first, second = np.radians(here)[:, None, :], np.radians(there)[None, :, :]
    half = np.sin((second - first) / 2.0) ** 2
    cosines = np.cos(first[..., 0]) * np.cos(second[..., 0])
    chord = half[..., 0] + cosines * half[..., 1]
    result: NDArray[np.float64] = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return result
