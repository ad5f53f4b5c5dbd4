"""Loss: the pass fractions of full arcs, which depend on each other, as a fixed point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.base.errors import SimulatorError

_MAX_SWEEPS = 5000
_PATIENCE = 8
EXACT = 1e-12


def pass_fractions(
    loads: Callable[[np.ndarray, np.ndarray], np.ndarray],
    capacity_gbps: np.ndarray,
    instants: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the pass fraction of every arc, ``min(1, capacity / offered)``.

    Parameters
    ----------
    loads : callable
        Takes some instants and the pass fractions there (arcs x these instants), and returns what
        every arc is offered with them.
    capacity_gbps : ndarray, shape (arcs,) or (arcs, instants)
    instants : int

    Returns
    -------
    pass_fraction, offered_gbps : ndarray, shape (arcs, instants)

    Raises
    ------
    SimulatorError
        No fixed point within the allowed sweeps.
    """
    same = capacity_gbps.ndim == 1
    capacity = capacity_gbps[:, None] if same else capacity_gbps
    pass_fraction = np.ones((len(capacity_gbps), instants))
    offered = np.zeros_like(pass_fraction)
    # Less traffic passed upstream leaves more room downstream: where demands lie in rings, whole
    # steps diverge. An instant whose error has not fallen for a while takes half the step.
    stride = np.ones(instants)
    least, waited = np.full(instants, np.inf), np.zeros(instants, dtype=int)
    open_ = np.arange(instants)
    for _ in range(_MAX_SWEEPS):
        now = pass_fraction[:, open_]
        load = loads(open_, now)
        room = capacity if same else capacity[:, open_]
        with np.errstate(over="ignore"):  # of a load near zero
            fits = np.divide(room, load, out=np.ones_like(load), where=load > 0)
        target = np.minimum(1.0, fits)
        error = np.abs(target - now).max(axis=0, initial=0.0)
        offered[:, open_] = load
        done = error <= EXACT
        better = error < 0.9 * least[open_]
        waited[open_] = np.where(better, 0, waited[open_] + 1)
        least[open_] = np.minimum(least[open_], error)
        tired = open_[waited[open_] > _PATIENCE]
        stride[tired] /= 2.0
        waited[tired] = 0
        least[tired] = np.inf
        step = np.where(done, 1.0, stride[open_])
        pass_fraction[:, open_] = now + step * (target - now)
        open_ = open_[~done]
        if not len(open_):
            return pass_fraction, offered
    raise SimulatorError(f"loss did not settle within {_MAX_SWEEPS} sweeps")
