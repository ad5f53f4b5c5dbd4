"""The decision log: every decision of a strategy's control, with its proof and what it moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.control.route_table import RouteTable
from simulator.model.routes import Moved, Routes
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState

Row = dict[str, Any]


class DecisionLog:
    """Rows of the table ``control`` of one strategy.

    Attributes
    ----------
    rows : list of dict
        In order of time. A row may be completed later, by the prediction error.
    solve_s : list of float
        Time that this machine took for each decision; NaN where nothing was computed.
    """

    def __init__(self, clock: Clock, network_state: NetworkState, route_table: RouteTable) -> None:
        self._clock, self._network_state, self._table = clock, network_state, route_table
        self.rows: list[Row] = []
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
            "transient_mlu": self._highest_utilisation(moved.peak_gbps) if moved else np.nan,
            "prediction_error": np.nan,
            "groups": 0,
            "toggles": 0,
            "promise": np.nan,
        }
        self.rows.append(row)
        self.solve_s.append(solve_s)
        return row

    def columns(self) -> dict[str, np.ndarray]:
        """Return the rows as columns."""
        return {key: np.array([row[key] for row in self.rows]) for key in self.rows[0]}

    def _highest_utilisation(self, load_gbps: np.ndarray) -> float:
        """Highest utilisation under some load, of the links in their present state."""
        network = self._network_state.network
        live = network.up & (network.capacity_gbps > 0)
        return float((load_gbps[live] / network.capacity_gbps[live]).max(initial=0.0))
