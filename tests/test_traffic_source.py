"""The traffic source: many windows at once are what each of them is by itself."""

import numpy as np
import pytest

from simulator.model.streams import Streams
from simulator.simulation.traffic_source import Source
from simulator.traffic.shapes.noise import Noise
from simulator.traffic.traffic import Series


@pytest.fixture
def source(mini):
    series = Series(*mini, (Noise(),), 300.0 / 3600.0)
    return Source(series, Streams(1, 0), 40, 300.0, 3600.0)


@pytest.mark.parametrize(
    "window_s, every_s", [(60, 300), (60, 100), (400, 420), (700, 300), (0, 300), (0, 70)]
)
def test_means_of_many_windows(source, window_s, every_s):
    end = np.arange(25) * every_s * 1_000_000 - 60_000_000  # the first are before the start
    start = end - window_s * 1_000_000
    found = source.means(start, end)
    for column, window in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        np.testing.assert_array_equal(found[:, column], source.mean(*window))
    assert len(np.unique(found, axis=1).T) > 5


def test_windows_of_unlike_lengths(source):
    start = np.array([0, 10, 400]) * 1_000_000
    end = np.array([5, 900, 401]) * 1_000_000
    found = source.means(start, end)
    for column in range(3):
        np.testing.assert_allclose(
            found[:, column], source.mean(int(start[column]), int(end[column])), rtol=1e-15
        )
