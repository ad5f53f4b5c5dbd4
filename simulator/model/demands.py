"""Demands: the traffic asked for between pairs of nodes at one instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from simulator.base.errors import did_you_mean
from simulator.model.network import Network

TrafficClass = Literal["domestic", "international_out", "international_in", "transit"]
CLASSES: tuple[str, ...] = get_args(TrafficClass)
INTERNATIONAL = ("international_out", "international_in")


@dataclass(frozen=True, eq=False)
class Demands:
    """A traffic matrix as a list of demands.

    Attributes
    ----------
    nodes : tuple of str
        Node ids that ``source`` and ``target`` point into.
    source, target : ndarray of int, shape (demands,)
    traffic_class : ndarray of str, shape (demands,)
        ``domestic``, ``international_out``, ``international_in`` or ``transit``.
    gbps : ndarray of float, shape (demands,)
        Rate asked for.
    service : ndarray of str, shape (demands,), optional
        What the traffic is (``video``, ``web``); None without services.
    window_gbps : ndarray of float, shape (demands, instants), optional
        Rates expected over a planning window, for schemes that plan ahead; None when ``gbps`` is
        all that a plan needs.
    """

    nodes: tuple[str, ...]
    source: np.ndarray
    target: np.ndarray
    traffic_class: np.ndarray
    gbps: np.ndarray
    window_gbps: np.ndarray | None = None
    service: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        source: Sequence[str] | np.ndarray,
        target: Sequence[str] | np.ndarray,
        gbps: Sequence[float] | np.ndarray,
        traffic_class: Sequence[str] | np.ndarray | None = None,
        service: Sequence[str] | np.ndarray | None = None,
    ) -> Demands:
        """Make demands between nodes named by id; the class follows from where the ends lie.

        Raises
        ------
        ValueError
            Unknown node, demand of a node to itself, a rate that is negative or not finite, or
            not one service for each demand.
        """
        index = network.node_index
        for name in (*source, *target):
            if name not in index:
                raise ValueError(f"no node named {name!r}{did_you_mean(name, network.nodes)}")
        s = np.array([index[name] for name in source], dtype=np.int64)
        t = np.array([index[name] for name in target], dtype=np.int64)
        rate = np.asarray(gbps, dtype=float)
        if np.any(s == t):
            raise ValueError(f"a demand of {source[int(np.argmax(s == t))]!r} to itself")
        if not np.all(np.isfinite(rate)) or np.any(rate < 0):
            raise ValueError("every demand must be a finite number of Gbps, 0 or more")
        given = network.class_of(s, t) if traffic_class is None else np.array(traffic_class, object)
        kinds = None if service is None else np.array(service, dtype=object)
        if kinds is not None and kinds.shape != rate.shape:
            raise ValueError(f"expected {len(rate)} services, found {len(kinds)}")
        return cls(network.nodes, s, t, given, rate, service=kinds)

    def __len__(self) -> int:
        return len(self.gbps)

    def __repr__(self) -> str:
        return f"<Demands: {len(self)} demands, {self.gbps.sum():,.1f} Gbps>"

    @property
    def names(self) -> list[str]:
        """``source>target:class`` of every demand: the key of its random streams.

        With services, ``source>target:class:service``.
        """
        names = [
            f"{self.nodes[s]}>{self.nodes[t]}:{c}"
            for s, t, c in zip(self.source, self.target, self.traffic_class, strict=True)
        ]
        if self.service is None:
            return names
        return [f"{name}:{kind}" for name, kind in zip(names, self.service, strict=True)]

    def of_class(self, classes: str | Iterable[str]) -> np.ndarray:
        """Mask of the demands of these classes."""
        wanted = (classes,) if isinstance(classes, str) else tuple(classes)
        return np.isin(self.traffic_class, wanted)

    def of_service(self, services: Iterable[str]) -> np.ndarray:
        """Mask of the demands of these services.

        Raises
        ------
        ValueError
            The demands have no services.
        """
        if self.service is None:
            raise ValueError("these demands have no services")
        return np.isin(self.service, tuple(services))

    def take(self, mask: np.ndarray) -> Demands:
        """Return the demands that *mask* (or an index array) picks."""
        return Demands(
            self.nodes,
            self.source[mask],
            self.target[mask],
            self.traffic_class[mask],
            self.gbps[mask],
            None if self.window_gbps is None else self.window_gbps[mask],
            None if self.service is None else self.service[mask],
        )

    def with_gbps(self, gbps: np.ndarray) -> Demands:
        """Return the same demands at other rates; the planning window stays."""
        return replace(self, gbps=np.asarray(gbps, dtype=float))

    def scaled(self, factor: float, classes: str | Iterable[str] = CLASSES) -> Demands:
        """Return a copy with the rates of some classes multiplied by *factor*."""
        return self.times(np.where(self.of_class(classes), factor, 1.0))

    def times(self, factors: np.ndarray) -> Demands:
        """Return a copy with the rates of every demand multiplied by a factor of its own."""
        window = None if self.window_gbps is None else self.window_gbps * factors[:, None]
        return replace(self, gbps=self.gbps * factors, window_gbps=window)

    def total_gbps(self, classes: str | Iterable[str] = CLASSES) -> float:
        """Sum of the rates of some classes."""
        return float(self.gbps[self.of_class(classes)].sum())

    def frame(self) -> pd.DataFrame:
        """One row per demand: ``source, target, class, gbps``, and ``service`` if there are any."""
        names = np.array(self.nodes, dtype=object)
        columns = {
            "source": names[self.source],
            "target": names[self.target],
            "class": self.traffic_class,
            "gbps": self.gbps,
        }
        if self.service is not None:
            columns["service"] = self.service
        return pd.DataFrame(columns)
