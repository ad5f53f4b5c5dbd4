"""Certificate: what an optimising scheme proves about its routes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Certificate:
    """What an optimising scheme proves about its routes.

    Attributes
    ----------
    status : str
        Status of the solver.
    mlu, mlu_bound : float
        Maximum utilisation of the links that count, and a lower bound on it for any routing of
        these demands (NaN where the least MLU was not the objective).
    objective, bound : float
        Value of the last objective minimised, and a proven lower bound on it.
    columns, rounds : int
        Paths offered to the solver and pricing rounds.
    """

    status: str
    mlu: float
    mlu_bound: float
    objective: float
    bound: float
    columns: int = 0
    rounds: int = 0

    @property
    def gap(self) -> float:
        """Largest (value - bound) / bound of what was minimised; 0 without a bound."""
        pairs = ((self.mlu, self.mlu_bound), (self.objective, self.bound))
        return max([0.0, *(relative_gap(*pair) for pair in pairs if np.isfinite(pair[1]))])


def relative_gap(value: float, bound: float) -> float:
    """Return (value - bound) / bound, not below 0; infinite where a bound of 0 is not reached.

    Examples
    --------
    >>> relative_gap(1.5, 1.0), relative_gap(0.0, 0.0), relative_gap(1.0, 0.0)
    (0.5, 0.0, inf)
    """
    if bound > 0:
        return max((value - bound) / bound, 0.0)
    return 0.0 if value <= 1e-12 else np.inf
