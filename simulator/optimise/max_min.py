"""Max-min fair admission by progressive filling: levels found from the prices of full arcs.

The problem is written out in ``routing/max_min_fair.py``.
"""

from __future__ import annotations

import numpy as np

from simulator.base.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.multicommodity import TwoStage
from simulator.optimise.path_problem import MAX_ROUNDS, power_of_two
from simulator.optimise.program import Program
from simulator.paths.candidates import Paths

_FITS = 1e-8
_SLACK = 1e-9
_COUNTS = 1e-7
"""Share of all prices below which an arc's price is taken for rounding."""


class Filling(TwoStage):
    """Progressive filling; the room on every arc takes the place of its capacity."""

    def __init__(self, network: Network, demands: Demands, utilisation_cap: float) -> None:
        super().__init__(network, demands)
        self.capacity = utilisation_cap * self.capacity - self.background
        self.background = np.zeros(len(self.capacity))
        self.scale = 1.0

    def fill(self, by: str) -> tuple[np.ndarray, float, Paths]:
        """Return the share of every demand that is let in, the fullest arc, and paths for it."""
        let_in = self.reaches.astype(float)
        fastest = self.load(self.all_on_fastest())[self.usable] / self.capacity[self.usable]
        full = float(fastest.max(initial=0.0))
        if full > 1.0:
            # Under heavy overload shares are small: a power of two brings them and room near one.
            self.scale = power_of_two(full)
            self.capacity = self.capacity * self.scale
            size = self.rate[self.active] if by == "rate" else np.ones(len(self.active))
            let_in[self.active], full = self._levels(size)
        return let_in, full, self.paths

    def _levels(self, size: np.ndarray) -> tuple[np.ndarray, float]:
        """Raise all active demands; at a level each has the share ``min(1, level / size)``.

        Return the shares, and the load of the fullest arc in units of its room.
        """
        program = self.program(self.usable, np.full(len(self.usable), np.inf), 1.0)
        share, level, full = np.zeros(len(size)), 0.0, 0.0
        growing = np.ones(len(size), dtype=bool)
        bounds: list[tuple[np.ndarray, np.ndarray]] = []  # prices and weights seen so far
        while growing.any():
            most = min((_level(w, share, growing, size) for _, w in bounds), default=np.inf)
            most = max(most, level)
            enough = max(1.0, full) + _FITS
            while True:
                trial = np.where(growing, np.minimum(1.0, most / size), share)
                full, price, weight = self._fullest(program, trial)
                bounds.append((price, weight))
                fits = max(level, _level(weight, share, growing, size))
                if full <= enough or fits >= most * (1.0 - _SLACK):
                    break
                most = fits
            share, level = trial, most
            met = [weight @ share >= 1.0 - _FITS for _, weight in bounds]
            blocked = growing & (share >= 1.0)
            for (price, _), is_met in zip(bounds, met, strict=True):
                if is_met:
                    blocked |= growing & (self._unavoidable(price) > 0)
            if not blocked.any():
                raise SimulatorError("demands that cannot grow were not found")
            growing &= ~blocked
            bounds = [bound for bound, is_met in zip(bounds, met, strict=True) if not is_met]
        return share, full

    def _fullest(self, program: Program, share: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Route shares of all demands so that the fullest arc is as empty as can be.

        Return its load in units of its room, the price of a unit of flow on every arc (that of all
        room together is 1), and weights of the demands: whatever the shares and the routing, the
        fullest is at least the sum of shares times weights (to nine digits).
        """
        program.set_rows(share * self.scale)
        self.last_round = self.rounds + MAX_ROUNDS
        free = np.zeros(len(self.network.tail))
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise SimulatorError("a program that is always feasible was found infeasible")
            price, dual = self.prices(solution)
            unit = power_of_two(price.max())
            length, _, near = self.shortest(price / unit)
            length = length * unit
            if not self.price_in(program, near, length, dual, free):
                break
        value = max(1.0, float(price @ np.where(self.usable, self.capacity, 0.0)))
        weight = length * self.rate[self.active] * self.scale / value
        return float(solution.values[0]), price / value, weight

    def _unavoidable(self, price: np.ndarray) -> np.ndarray:
        """Price of the cheapest path of every active demand, rounding errors left out."""
        price = np.where(price * self.capacity > _COUNTS, price, 0.0)
        _, floor, _ = self.shortest(price / power_of_two(price.max()))
        return floor


def _level(weight: np.ndarray, share: np.ndarray, growing: np.ndarray, size: np.ndarray) -> float:
    """Level at which shares times weights add up to 1; demands that do not grow keep *share*."""
    left = 1.0 - float(weight[~growing] @ share[~growing])
    order = np.argsort(size[growing], kind="stable")
    size, weight = size[growing][order], weight[growing][order]
    # Up to the level of its size a demand weighs in proportion to the level, then as a whole.
    rising = np.cumsum((weight / size)[::-1])[::-1]
    whole = np.cumsum(weight) - weight
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = (left - whole) / rising
    return float(meets[int(np.argmax(meets <= size))]) if np.any(meets <= size) else size[-1]
