"""Histogram: volume by latency, exact to a microsecond."""

from __future__ import annotations

import numpy as np

GRAIN_MS = 1e-3
"""Width of a bin."""
_ABSENT = np.iinfo(np.int64).min


class Histogram:
    """Volume by latency for a number of groups, exact to a microsecond, however long the run.

    It is kept in pages, of which only those exist that a volume was added to: adding is as quick
    as counting, and a year takes no more memory than the spread of its latencies.
    """

    PAGE = 4096

    def __init__(self, groups: int) -> None:
        #: Place in the book of each group's pages, less the grain that its page begins with; the
        #: lowest number for pages that do not exist.
        self._shift = np.full((groups, 1), _ABSENT)
        self._book = np.zeros((0, self.PAGE))
        self._pages = 0

    def add(self, group: np.ndarray, latency_ms: np.ndarray, weight: np.ndarray) -> None:
        """Add volumes.

        Parameters
        ----------
        group : ndarray of int, shape (paths,)
            Group of each path.
        latency_ms, weight : ndarray, shape (paths, instants)
            Latency, and the volume that had it.
        """
        if not weight.size:
            return
        grain = latency_ms / GRAIN_MS
        cell = np.rint(grain, out=grain).astype(np.int64)
        page = cell // self.PAGE
        self._widen(int(page.max()) + 1)
        page += (group * self._shift.shape[1])[:, None]
        shift = self._shift.reshape(-1)[page]
        if shift.min() == _ABSENT:
            self._make_room(np.unique(page[shift == _ABSENT]))
            shift = self._shift.reshape(-1)[page]
        cell += shift
        # Of one axis: adding at places of two is several times slower.
        np.add.at(self._book.reshape(-1), cell.reshape(-1), weight.reshape(-1))

    def _widen(self, pages: int) -> None:
        """Let every group have places for so many pages."""
        short = pages - self._shift.shape[1]
        if short > 0:
            self._shift = np.pad(self._shift, ((0, 0), (0, short)), constant_values=_ABSENT)

    def _make_room(self, new: np.ndarray) -> None:
        """Add pages that do not exist yet, by their number over all groups."""
        first, self._pages = self._pages, self._pages + len(new)
        page = new % self._shift.shape[1]
        self._shift.reshape(-1)[new] = (np.arange(first, self._pages) - page) * self.PAGE
        if self._pages > len(self._book):
            room = max(16, self._pages, 2 * len(self._book)) - len(self._book)
            self._book = np.append(self._book, np.zeros((room, self.PAGE)), axis=0)

    def pages(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pages that some groups have, and where each is in :attr:`book`."""
        shift = self._shift[groups]
        group, page = np.nonzero(shift != _ABSENT)
        return page, shift[group, page] // self.PAGE + page

    @property
    def book(self) -> np.ndarray:
        """Volumes of all pages, a row each."""
        return self._book


def volumes(histograms: tuple[Histogram, ...], groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the latencies of some groups in rising order, and the volume at each.

    Parameters
    ----------
    histograms : tuple of Histogram
        Their volumes add up.

    Returns
    -------
    latency_ms, volume : ndarray, shape (latencies that occur,)
    """
    found = [(*each.pages(groups), each.book) for each in histograms]
    numbers, row = np.unique(np.concatenate([page for page, *_ in found]), return_inverse=True)
    volume = np.zeros((len(numbers), Histogram.PAGE))
    mine = np.split(row, np.cumsum([len(page) for page, *_ in found])[:-1])
    for rows, (_, places, book) in zip(mine, found, strict=True):
        for at, place in zip(rows.tolist(), places.tolist(), strict=True):
            volume[at] += book[place]
    row, place = np.nonzero(volume)
    return (numbers[row] * Histogram.PAGE + place) * GRAIN_MS, volume[row, place]
