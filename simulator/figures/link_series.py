"""Link series: how full every link is over time, in as many frames as a page or a film can hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.figures.maps.map_data import open_links
from simulator.figures.run_data import RunView, rows_of
from simulator.model.network import Network


class LinkSeries(NamedTuple):
    """Utilisation of every link and direction over time.

    Directions are ordered as in a `Network`: link 0 from a to b, from b to a, link 1, and so on.

    Attributes
    ----------
    time_s : ndarray of float, shape (frames,)
        Where each frame begins.
    frame_s : float
        How long a frame is; a step of the tables, or several.
    utilisation : dict of str to ndarray, shape (frames, directions)
        For every strategy, the highest step of each frame, mean over replications; NaN where the
        direction is down in all steps of all replications.
    capacity_gbps : ndarray of float, shape (frames, directions)
        Least capacity that stands in a frame, over strategies and replications.
    """

    time_s: np.ndarray
    frame_s: float
    utilisation: dict[str, np.ndarray]
    capacity_gbps: np.ndarray

    @classmethod
    def of(cls, run: RunView, network: Network, most_frames: int) -> LinkSeries:
        """Read the table ``links`` of a run in parts, and fold it into *most_frames* at most."""
        steps = len(run.time.steps_s)
        together = -(-steps // most_frames)
        frames, directions = -(-steps // together), 2 * len(network.links)
        sums: dict[str, np.ndarray] = {}
        counts: dict[str, np.ndarray] = {}
        capacity = np.full((frames, directions), np.inf)
        columns = ["time_s", "link", "source", "capacity_gbps", "utilisation"]
        for strategy, parts in rows_of(run, "links", columns):
            highest = np.full(frames * directions, -1.0)
            for rows in parts:
                frame = run.time.index(rows["time_s"].to_numpy()) // together
                at = frame * directions + directions_of(rows, network)
                values = rows["utilisation"].to_numpy()
                np.maximum.at(highest, at, np.where(np.isnan(values), -1.0, values))
                np.minimum.at(capacity.reshape(-1), at, rows["capacity_gbps"].to_numpy())
            known = highest >= 0
            zeros = np.zeros(frames * directions)
            sums[strategy] = sums.get(strategy, zeros) + np.where(known, highest, 0.0)
            counts[strategy] = counts.get(strategy, zeros) + known
        with np.errstate(invalid="ignore"):
            means = {name: (sums[name] / counts[name]).reshape(frames, -1) for name in sums}
        time_s = run.time.steps_s[::together]
        return cls(time_s, together * run.time.step_h * 3600, means, capacity)

    def fullest(self) -> dict[str, np.ndarray]:
        """Return the fuller direction of every link, shape (frames, links), by strategy."""
        return {name: np.fmax(u[:, ::2], u[:, 1::2]) for name, u in self.utilisation.items()}


def directions_of(rows: pd.DataFrame, network: Network) -> np.ndarray:
    """Return which direction of which link each row of the table is about."""
    links, sources = rows["link"].cat, rows["source"].cat
    place = {link: i for i, link in enumerate(network.links)}
    first = {i: network.nodes[int(network.tail[2 * i])] for i in range(len(network.links))}
    link_of = np.array([place[link] for link in links.categories])
    names = {name: i for i, name in enumerate(sources.categories)}
    tail_of = np.array([names.get(first[i], -1) for i in link_of.tolist()])
    codes = links.codes.to_numpy()
    return np.asarray(2 * link_of[codes] + (tail_of[codes] != sources.codes.to_numpy()))


def links_of_bundles(network: Network) -> dict[tuple[int, int, str], list[int]]:
    """Return the links that a map draws as one line, by their two nodes and their class.

    Links without capacity are among them where no other link is.
    """
    found: dict[bool, dict[tuple[int, int, str], list[int]]] = {True: {}, False: {}}
    for link, up in enumerate(open_links(network).tolist()):
        a, b = sorted((int(network.tail[2 * link]), int(network.head[2 * link])))
        found[up].setdefault((a, b, str(network.link_class[link])), []).append(link)
    return {**found[False], **found[True]}
