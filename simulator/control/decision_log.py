"""The decision log: every decision of a strategy's control, with its proof and what it moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.control.carrying import Loss
from simulator.control.decided_routes import DecidedRoutes
from simulator.control.route_table import RouteTable
from simulator.model.route_series import Certificates, MovedSeries
from simulator.model.routes import Moved, Routes
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState

Row = dict[str, Any]


class DecisionLog:
    """Rows of the table ``control`` of one strategy.

    Attributes
    ----------
    rows : list of dict
        The latest ones, in order of time. A row may be completed later, by the prediction error.
    solve_s : list of float
        Time that this machine took for each decision; NaN where nothing was computed.
    decided : DecidedRoutes or None
        Where the routes of each decision are kept; None where they are not.
    """

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        route_table: RouteTable,
        decided: DecidedRoutes | None = None,
    ) -> None:
        self.decided = decided
        self._clock, self._network_state, self._table = clock, network_state, route_table
        self.rows: list[Row] = []
        self._before: list[dict[str, np.ndarray]] = []
        self.solve_s: list[float] = []

    def write(
        self, layer: str, trigger: str, routes: Routes | None, moved: Moved | None, solve_s: float
    ) -> Row:
        """Write a row and return it.

        Parameters
        ----------
        layer : str
            ``static``, ``controller`` or ``announcements``.
        trigger : str
            ``start``, ``cycle``, ``topology`` or ``withdrawal``.
        routes : Routes or None
            What was installed; None for a cycle that left the routes unchanged.
        moved : Moved or None
            What the installation moved.
        """
        proof = routes.certificate if routes else None
        row = {
            "time_s": self._clock.now / US_PER_S,
            "layer": layer,
            "trigger": trigger,
            "status": proof.status if proof else "" if routes else "unchanged",
            "mlu": proof.mlu if proof else np.nan,
            "mlu_bound": proof.mlu_bound if proof else np.nan,
            "objective_gbps_ms": proof.objective if proof else np.nan,
            "bound_gbps_ms": proof.bound if proof else np.nan,
            "gap": proof.gap if proof else np.nan,
            "paths": proof.columns if proof else 0,
            "rounds": proof.rounds if proof else 0,
            "moves": moved.demands if moved else 0,
            "moved_gbps": moved.gbps if moved else 0.0,
            "entries": self._table.entries,
            "transient_mlu": float(self._highest_utilisation(moved.peak_gbps)) if moved else np.nan,
            "prediction_error": np.nan,
            "groups": 0,
            "toggles": 0,
            "promise": np.nan,
            **dict.fromkeys(Loss._fields, np.nan),
        }
        self.rows.append(row)
        self.solve_s.append(solve_s)
        return row

    def write_many(
        self,
        layer: str,
        time_us: np.ndarray,
        proofs: Certificates,
        moved: MovedSeries,
        entries: np.ndarray,
        prediction_error: np.ndarray,
        solve_s: float,
    ) -> Row:
        """Write the rows of many cycles, and return the last one, which may be completed.

        Parameters
        ----------
        time_us : ndarray of int, shape (cycles,)
            When each decision was installed.
        entries : ndarray of int, shape (cycles,)
            Entries at the sources.
        prediction_error : ndarray, shape (cycles,)
        solve_s : float
            Time that this machine took for each of them.
        """
        count = len(time_us)
        columns: dict[str, Any] = {
            "time_s": time_us / US_PER_S,
            "layer": np.full(count, layer),
            "trigger": np.full(count, "cycle"),
            "status": proofs.status.astype(str),
            "mlu": proofs.mlu,
            "mlu_bound": proofs.mlu_bound,
            "objective_gbps_ms": proofs.objective,
            "bound_gbps_ms": proofs.bound,
            "gap": proofs.gap,
            "paths": proofs.columns,
            "rounds": proofs.rounds,
            "moves": moved.demands,
            "moved_gbps": moved.gbps,
            "entries": entries,
            "transient_mlu": self._highest_utilisation(moved.peak_gbps),
            "prediction_error": prediction_error,
            "groups": np.zeros(count, dtype=np.int64),
            "toggles": np.zeros(count, dtype=np.int64),
            "promise": np.full(count, np.nan),
            **{name: np.full(count, np.nan) for name in Loss._fields},
        }
        self._flush()
        self._before.append({key: values[:-1] for key, values in columns.items()})
        self.rows = [{key: values[-1].item() for key, values in columns.items()}]
        self.solve_s += [solve_s] * count
        return self.rows[-1]

    def _flush(self) -> None:
        """Turn the latest rows into columns."""
        if self.rows:
            keys = self.rows[0]
            self._before.append({k: np.array([row[k] for row in self.rows]) for k in keys})
            self.rows = []

    def columns(self) -> dict[str, np.ndarray]:
        """Return the rows as columns."""
        self._flush()
        return {
            key: np.concatenate([each[key] for each in self._before]) for key in self._before[0]
        }

    def _highest_utilisation(self, load_gbps: np.ndarray) -> np.ndarray:
        """Highest utilisation under loads (arcs, ...), of the links in their present state."""
        network = self._network_state.network
        live = np.flatnonzero(network.up & (network.capacity_gbps > 0))
        at = (load_gbps[live].T / network.capacity_gbps[live]).max(axis=-1, initial=0.0)
        return np.asarray(at)
