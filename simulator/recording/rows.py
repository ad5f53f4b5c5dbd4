"""Rows: links, exits and demands as table rows, means over every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.model.demands import Demands
from simulator.model.link_state import LinkState
from simulator.model.network import Network
from simulator.recording.tally import Groups
from simulator.results.writer import Coded
from simulator.simulation.clock import US_PER_S
from simulator.simulation.traffic_source import BLOCK

Emit = Callable[[str, dict[str, Any]], None]
"""Takes a table's name and its columns."""
_NOT_SUMMED = frozenset({"peak", "asked"})


class Rows:
    """Writes table rows: means over every step, however many intervals it was cut into.

    Parameters
    ----------
    step_us : int
        Length of a step.
    detail : str
        Rows of the demands table: ``region``, ``province``, ``service``, ``pair`` or ``none``.
    every : int
        Keep every n-th step; 0 for none.
    emit : callable
        Takes finished rows.
    defers : bool
        Whether any service is elastic.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        step_us: int,
        detail: str,
        every: int,
        emit: Emit,
        defers: bool,
    ) -> None:
        self._network, self._demands, self._defers = network, demands, defers
        self._step_us, self._detail, self._every, self._emit = step_us, detail, every, emit
        #: Groups of the rows of the demands table; None for a row for each demand.
        self._groups: Groups | None = None
        if detail not in ("pair", "none"):
            self._groups = Groups(network, demands, ("class", detail))
        self._open: dict[str, np.ndarray] | None = None
        self._open_step, self._open_seconds = -1, 0.0
        self._done: list[tuple[int, float, dict[str, np.ndarray]]] = []

    def add(self, state: LinkState, span: np.ndarray, seconds: np.ndarray) -> None:
        """Add intervals: the instants of *state*, each of which lasts so many seconds.

        *span* (intervals x 3) has the begin and end of each in microseconds, and its step.
        """
        if not self._every:
            return
        wanted = np.flatnonzero(span[:, 2] % self._every == 0)
        if not len(wanted):
            return
        steps, weight = span[wanted, 2], seconds[wanted]
        means, peak = self._quantities(state, wanted)
        first = np.flatnonzero(np.diff(steps, prepend=-1))
        sums = {
            name: np.add.reduceat(values * weight, first, axis=1) for name, values in means.items()
        }
        sums["peak"] = np.maximum.reduceat(peak, first, axis=1)
        if self._detail != "none":
            # Constant within a step, so that no mean is needed, nor its rounding.
            asked = state.rates_gbps[:, wanted[first]]
            sums["asked"] = self._groups.totals(asked) if self._groups else asked
        lasting = np.add.reduceat(weight, first)
        for i, step in enumerate(steps[first]):
            self._piece(int(step), float(lasting[i]), {k: v[:, i] for k, v in sums.items()})

    def _quantities(
        self, state: LinkState, wanted: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the quantities that are summed over time, and the utilisation for the peak."""
        live = np.isfinite(state.utilisation[:, wanted])
        at = np.where(live, state.utilisation[:, wanted], 0.0)
        capacity = np.repeat(state.capacity_gbps[:, None], len(wanted), axis=1)
        means = {
            "capacity": capacity,
            "offered": state.offered_gbps[:, wanted],
            "carried": state.carried_gbps[:, wanted],
            "utilisation": at,
            "live": live.astype(float),
            "wait": np.where(live, state.wait_ms[:, wanted], 0.0),
        }
        if self._detail != "none":
            delivered = state.delivered_gbps[:, wanted]
            latency = np.nan_to_num(state.latency_ms[:, wanted]) * delivered
            fixed = np.nan_to_num(state.propagation_ms[:, wanted]) * delivered
            kept = {"got": delivered, "latency": latency, "fixed": fixed}
            if self._defers:
                kept["deferred"] = (state.rates_gbps - state.sent_gbps)[:, wanted]
            for name, values in kept.items():
                means[name] = self._groups.sum @ values if self._groups else values
        return means, np.where(live, at, -1.0)

    def _piece(self, step: int, seconds: float, sums: dict[str, np.ndarray]) -> None:
        """Add a piece of a step to the step that is open, or open it."""
        if step != self._open_step:
            self._finish()
            self._open, self._open_step, self._open_seconds = sums, step, seconds
            return
        assert self._open is not None
        for name, values in sums.items():
            old = self._open[name]
            self._open[name] = np.maximum(old, values) if name in _NOT_SUMMED else old + values
        self._open_seconds += seconds

    def _finish(self) -> None:
        if self._open is not None:
            self._done.append((self._open_step, self._open_seconds, self._open))
            self._open, self._open_step = None, -1
        if len(self._done) >= BLOCK:
            self._write()

    def close(self) -> None:
        """Write the rows of the last steps."""
        self._finish()
        self._write()

    def _write(self) -> None:
        if not self._done:
            return
        steps = np.array([step for step, _, _ in self._done])
        seconds = np.array([lasting for _, lasting, _ in self._done])
        table = {
            name: np.stack([sums[name] for _, _, sums in self._done]) for name in self._done[0][2]
        }
        self._done = []
        time_s = steps * (self._step_us / US_PER_S)
        self._write_links(time_s, seconds, table)
        if self._detail != "none":
            self._write_demands(time_s, seconds, table)

    def _write_links(
        self, time_s: np.ndarray, seconds: np.ndarray, table: dict[str, np.ndarray]
    ) -> None:
        network, lasting = self._network, seconds[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = {
                "capacity_gbps": table["capacity"] / lasting,
                "offered_gbps": table["offered"] / lasting,
                "carried_gbps": table["carried"] / lasting,
                "utilisation": table["utilisation"] / table["live"],
                "utilisation_peak": np.where(table["peak"] < 0, np.nan, table["peak"]),
                "queueing_ms": table["wait"] / table["live"],
            }
        nodes = network.nodes
        count, arcs = len(time_s), len(network.tail)
        self._emit(
            "links",
            {
                "time_s": np.repeat(time_s, arcs),
                "link": Coded.tiled((network.links[arc // 2] for arc in range(arcs)), count),
                "source": Coded.tiled((nodes[i] for i in network.tail), count),
                "target": Coded.tiled((nodes[i] for i in network.head), count),
                "class": Coded.tiled(np.repeat(network.link_class, 2), count),
                **{name: values.ravel() for name, values in columns.items()},
            },
        )
        ways = network.exit_arcs
        both = np.stack([ways["out"], ways["in"]], axis=1).ravel()
        if len(both):
            self._emit(
                "exits",
                {
                    "time_s": np.repeat(time_s, len(both)),
                    "exit": Coded.tiled((network.links[arc // 2] for arc in both), count),
                    "direction": Coded.tiled(("out", "in"), count * len(both) // 2),
                    **{name: values[:, both].ravel() for name, values in columns.items()},
                },
            )

    def _write_demands(
        self, time_s: np.ndarray, seconds: np.ndarray, table: dict[str, np.ndarray]
    ) -> None:
        count = len(time_s)
        keys: dict[str, Any]
        if self._groups:
            labels = zip(*self._groups.keys, strict=True)
            keys = dict(zip(self._groups.words, labels, strict=True))
        else:
            nodes, service = self._demands.nodes, self._demands.service
            keys = {
                "class": self._demands.traffic_class,
                **({} if service is None else {"service": service}),
                "source": [nodes[i] for i in self._demands.source],
                "target": [nodes[i] for i in self._demands.target],
            }
        wide, defers = table["asked"].shape[1], self._defers
        lasting = seconds[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            latency, fixed = table["latency"] / table["got"], table["fixed"] / table["got"]
        self._emit(
            "demands",
            {
                "time_s": np.repeat(time_s, wide),
                **{name: Coded.tiled(values, count) for name, values in keys.items()},
                "offered_gbps": table["asked"].ravel(),
                "carried_gbps": (table["got"] / lasting).ravel(),
                **({"deferred_gbps": (table["deferred"] / lasting).ravel()} if defers else {}),
                "latency_ms": latency.ravel(),
                "propagation_ms": fixed.ravel(),
                "queueing_ms": (latency - fixed).ravel(),
            },
        )
