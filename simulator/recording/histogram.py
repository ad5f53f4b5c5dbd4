"""Histogram: volume by latency, exact to a microsecond."""

from __future__ import annotations

import numpy as np

GRAIN_MS = 1e-3
"""Width of a bin."""


class Histogram:
    """Volume by latency for a number of groups, exact to a microsecond, however long the run.

    It is kept in pages, of which only those exist that a volume was added to: adding is as quick
    as counting, and a year takes no more memory than the spread of its latencies.
    """

    PAGE = 4096

    def __init__(self, groups: int) -> None:
        #: Place in the book of each group's pages; -1 for pages that do not exist.
        self._page_of = np.full((groups, 1), -1)
        self._book = np.zeros((0, self.PAGE))
        self._pages = 0

    def add(self, group: np.ndarray, latency_ms: np.ndarray, weight: np.ndarray) -> None:
        """Add volumes.

        Parameters
        ----------
        group : ndarray of int, shape (entries,)
            Group of each entry.
        latency_ms, weight : ndarray, shape (entries,)
            Latency, and the volume that had it.
        """
        grain = np.rint(latency_ms / GRAIN_MS).astype(np.int64)
        page, place = np.divmod(grain, self.PAGE)
        self._make_room(group, page)
        # Of one axis: adding at places of two is several times slower.
        cell = self._page_of[group, page] * self.PAGE + place
        np.add.at(self._book.reshape(-1), cell, weight)

    def _make_room(self, owner: np.ndarray, page: np.ndarray) -> None:
        """Add the pages that are needed and do not exist yet."""
        short = int(page.max(initial=0)) + 1 - self._page_of.shape[1]
        if short > 0:
            more = np.full((len(self._page_of), short), -1)
            self._page_of = np.append(self._page_of, more, axis=1)
        absent = self._page_of[owner, page] < 0
        if absent.any():
            count = self._page_of.shape[1]
            new = np.unique(owner[absent] * count + page[absent])
            first, self._pages = self._pages, self._pages + len(new)
            self._page_of[new // count, new % count] = np.arange(first, self._pages)
            if self._pages > len(self._book):
                room = max(16, self._pages, 2 * len(self._book)) - len(self._book)
                self._book = np.append(self._book, np.zeros((room, self.PAGE)), axis=0)

    def volumes(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the latencies of some groups in rising order, and the volume at each.

        Returns
        -------
        latency_ms, volume : ndarray, shape (latencies that occur,)
        """
        pages = np.flatnonzero((self._page_of[groups] >= 0).any(axis=0))
        volume = np.zeros((len(pages), self.PAGE))
        for group in groups:
            at = self._page_of[group, pages]
            there = at >= 0
            volume[there] += self._book[at[there]]
        page, place = np.nonzero(volume)
        return (pages[page] * self.PAGE + place) * GRAIN_MS, volume[page, place]
