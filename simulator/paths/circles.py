"""Circles: flows to many destinations, freed of what runs round in circles."""

from __future__ import annotations

import numpy as np

from simulator.model.network import Network


def without_circles(network: Network, flow: np.ndarray) -> np.ndarray:
    """Return flows without circles, which only grow less by that.

    What leads to no circle is left out first; then every node that is left sends along one of its
    arcs, so that there is a circle, and the least flow of each circle is taken off all of it.

    Parameters
    ----------
    network : Network
    flow : ndarray, shape (destinations, arcs)
        Flow to each destination, conserved at every other node.
    """
    flow = flow.copy()
    nodes = len(network.nodes)
    row, arc = np.nonzero(flow > 0)
    tail, head = row * nodes + network.tail[arc], row * nodes + network.head[arc]
    places = len(flow) * nodes
    while True:
        left = _on_or_before_circles(tail, head, places)
        row, arc, tail, head = row[left], arc[left], tail[left], head[left]
        if not len(row):
            return flow
        found, circle = _one_circle_each(tail, head, places)
        least = np.full(places, np.inf)
        np.minimum.at(least, circle, flow[row[found], arc[found]])
        flow[row[found], arc[found]] -= least[circle]
        alive = flow[row, arc] > 0
        row, arc, tail, head = row[alive], arc[alive], tail[alive], head[alive]


def _on_or_before_circles(tail: np.ndarray, head: np.ndarray, places: int) -> np.ndarray:
    """Positions of the arcs from which a circle can be reached."""
    left = np.arange(len(tail))
    while len(left):
        goes_on = np.zeros(places, dtype=bool)
        goes_on[tail[left]] = True
        on = goes_on[head[left]]
        if on.all():
            break
        left = left[on]
    return left


def _one_circle_each(
    tail: np.ndarray, head: np.ndarray, places: int
) -> tuple[np.ndarray, np.ndarray]:
    """Arcs of circles that share no node, and the least place on the circle of each arc.

    Every tail takes its first arc, and every head is a tail.
    """
    at, first = np.unique(tail, return_index=True)
    onto = np.full(places, -1)
    onto[at] = head[first]
    far, steps = onto.copy(), 1
    while steps < len(at):
        far[at] = far[far[at]]
        steps *= 2
    on = np.unique(far[at])
    name, ahead, steps = np.arange(places), onto.copy(), 1
    while steps < len(on):
        name[on] = np.minimum(name[on], name[ahead[on]])
        ahead[on] = ahead[ahead[on]]
        steps *= 2
    is_on = np.zeros(places, dtype=bool)
    is_on[on] = True
    found = first[is_on[at]]
    return found, name[tail[found]]
