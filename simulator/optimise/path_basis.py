"""A basis of ``path_simplex.py``, and the pivots of the dual and the primal simplex method on it.

Every demand has a key path. Arcs that are full have a price, and there are as many extra paths as
full arcs. What an extra path changes in place of its demand's key path is kept as a row, and the
rows at the full arcs are the working basis.

Source: Dantzig and Van Slyke, Generalized upper bounding techniques, J. Comput. Syst. Sci. 1, 1967.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.optimise.path_pool import PathPool

_NO_WORSE_MS = 1e-12
_NOTHING = 1e-7
_MOST_PIVOTS, _MOST_FULL = 5000, 80


class Basis(NamedTuple):
    """A basis: positions of paths in the pool, and arcs."""

    key: np.ndarray  # of each demand
    extra: np.ndarray
    full: np.ndarray  # arcs, as many as extra paths


class Proof(NamedTuple):
    """Prices of all arcs at which the demands of the pool cost more than the room is worth."""

    price: np.ndarray


class Failed(Exception):
    """The method ended without an answer: too many pivots, or links that are full."""


class BasisState:
    """A basis with its flows and prices, between pivots."""

    def __init__(
        self, pool: PathPool, rate: np.ndarray, room: np.ndarray, basis: Basis | None
    ) -> None:
        self.room = room
        self._pool, self._rate = pool, rate
        self._tolerance = 1e-12 * max(1.0, float(rate.sum()))
        try:
            if basis is not None:
                self._take_up(basis)
        except np.linalg.LinAlgError:
            basis = None
        if basis is None or not self._is_dual_feasible():
            none = np.empty(0, dtype=np.int64)
            self._take_up(Basis(pool.cheapest(pool.cost_ms), none, none))

    @property
    def basis(self) -> Basis:
        """The basis as it is."""
        return Basis(self._key.copy(), self._extra.copy(), self._full.copy())

    @property
    def start(self) -> tuple[PathPool, Basis]:
        """What the next problem starts from."""
        return self._pool, self.basis

    @property
    def full(self) -> np.ndarray:
        """Arcs that are full."""
        return self._full

    @property
    def extra_paths(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of the extra paths, what turns room at full arcs into flow, and their detours."""
        return self._row.copy(), self._inverse.copy(), self._detour.copy()

    def restart(self, rate: np.ndarray, room: np.ndarray) -> None:
        """Go on from this basis, which is optimal, with other rates and room: prices stay."""
        self.room, self._rate = room, rate
        self._tolerance = 1e-12 * max(1.0, float(rate.sum()))
        self._key_load = self._pool.load(self._key, rate)
        self._work_out_flows()

    def over(self, pool: PathPool, moved: np.ndarray) -> BasisState:
        """Return the same basis over a pool that has grown: *moved* are the places of its paths."""
        state = object.__new__(BasisState)
        state.room, state._rate, state._pool = self.room, self._rate, pool
        state._tolerance = self._tolerance
        state._take_up(Basis(moved[self._key], moved[self._extra], self._full))
        return state

    def _take_up(self, basis: Basis) -> None:
        """Take up a basis: what its extra paths change, its flows, loads and prices."""
        pool = self._pool
        # Copies, as pivots change them in place: others may start from the same basis.
        self._key, self._extra = basis.key.copy(), basis.extra.copy()
        self._full = basis.full.copy()
        self._row = pool.row[self._extra]
        # Arcs of every extra path less those of its demand's key path.
        self._detour = pool.crosses(self._extra) - pool.crosses(self._key[self._row])
        self._key_load = pool.load(self._key, self._rate)
        self._work_out_flows()
        self._work_out_prices()

    def _work_out_flows(self) -> None:
        full = self._full
        if len(full) > _MOST_FULL:
            raise Failed
        if not len(full):
            self._inverse, self._flow = np.empty((0, 0)), np.empty(0)
            self._load, self._left = self._key_load, np.empty(0)
            return
        self._inverse = np.linalg.inv(self._detour[:, full].T)
        self._flow = self._inverse @ (self.room[full] - self._key_load[full])
        self._load = self._key_load + self._flow @ self._detour
        self._load[full] = self.room[full]
        self._left = self._rate[self._row] - np.bincount(self._row, self._flow)[self._row]

    def _work_out_prices(self) -> None:
        """Work out the price of every arc and the reduced cost of every path."""
        pool, keys = self._pool, self._key[self._row]
        self.price = np.zeros(len(self.room))
        self.price[self._full] = (pool.cost_ms[keys] - pool.cost_ms[self._extra]) @ self._inverse
        cost = pool.cost_ms + pool.sums_over(self._full, self.price[self._full])
        self.key_cost = cost[self._key]
        self._reduced = cost - self.key_cost[pool.row]

    def _is_dual_feasible(self) -> bool:
        """Whether no path has a negative reduced cost: what the dual simplex starts from."""
        lowest = min(self.price.min(initial=0.0), self._reduced.min(initial=0.0))
        return bool(lowest > -_NO_WORSE_MS)

    # -- the dual simplex method ----------------------------------------------------------------

    def restore(self) -> Proof | None:
        """Pivot until no flow is negative and no link overfull; a proof if that cannot be."""
        for _ in range(_MOST_PIVOTS):
            leaving = self._most_infeasible()
            if leaving is None:
                return None
            if (proof := self._leave(*leaving)) is not None:
                return proof
        raise Failed

    def _most_infeasible(self) -> tuple[str, int, float] | None:
        """What has to leave the basis, and by how much it is off its limit; None for nothing.

        ``("extra", i)`` an extra path, ``("key", i)`` the key path of the demand of extra path *i*,
        ``("arc", a)`` the slack of an arc that is not among the full ones.
        """
        worst, leaving = self._tolerance, None
        over = self._load - self.room
        a = int(over.argmax())
        if over[a] > worst:
            worst = over[a]
            leaving = "arc", a, float(worst)
        if len(self._flow):
            i = int(self._flow.argmin())
            if -self._flow[i] > worst:
                worst = -self._flow[i]
                leaving = "extra", i, float(worst)
            i = int(self._left.argmin())
            if -self._left[i] > worst:
                leaving = "key", i, float(-self._left[i])
        return leaving

    def _leave(self, what: str, which: int, off: float) -> Proof | None:
        """Exchange what leaves for the cheapest that makes up for it; a proof if nothing can.

        A demand on one path that is cheaper to move as a whole, and not enough, moves at once: its
        other path becomes its key, and the next cheapest is looked for (the long step of the dual
        simplex method).
        """
        pool, full = self._pool, self._full
        # How the leaving variable depends on the extra flows, and so on the load of full arcs; a
        # path in place of its demand's key then gains the effect of the key's arcs less its own's.
        if what == "arc":
            effect = -self._detour[:, which] @ self._inverse
        elif what == "extra":
            effect = self._inverse[which]
        else:
            effect = -(self._row == self._row[which]).astype(float) @ self._inverse
        arcs, all_effects = full, effect
        if what == "arc":
            arcs, all_effects = np.append(full, which), np.append(effect, 1.0)
        by_path = pool.sums_over(arcs, all_effects)
        leaves = by_path[self._key]
        if what == "key":
            leaves[self._row[which]] -= 1.0
        gain = leaves[pool.row]
        gain -= by_path
        # An arc may stop being full as well: its slack comes in at its price.
        frees, freed, slack = (effect < -_NOTHING).nonzero()[0], -1, np.inf
        if len(frees):
            prices = self.price[full[frees]] / -effect[frees]
            i = int(prices.argmin())
            freed, slack = int(frees[i]), float(prices[i])
        whole, path, cheapest = self._long_step(gain, off, slack)
        if path >= 0:
            freed = -1
        elif freed < 0:
            price = np.zeros(len(self.room))
            price[arcs] = np.where(all_effects > _NOTHING, all_effects, 0.0)
            return Proof(price)
        self.price[arcs] += cheapest * all_effects
        gain *= -cheapest
        self._reduced += gain
        if whole:
            self._move(np.array(whole))
        self._exchange(what, which, path, freed)
        return None

    def _long_step(
        self, gain: np.ndarray, off: float, slack: float
    ) -> tuple[list[int], int, float]:
        """Paths whose demands move as a whole, the path that enters after them, and its ratio.

        The path is -1 where the slack of an arc enters before it, at the ratio *slack*, or nothing
        does.
        """
        row = self._pool.row
        able = (gain > _NOTHING).nonzero()[0]
        whole: list[int] = []
        if not len(able):
            return whole, -1, slack
        able_gain, able_row = gain[able], row[able]
        ratio = self._reduced[able] / able_gain
        is_split = np.zeros(len(self._rate), dtype=bool)
        is_split[self._row] = True
        last = 0.0
        moved = set()
        while True:
            i = ratio.argmin()
            lowest = float(ratio[i])
            if slack <= lowest:
                # Nothing enters and all is moved: what was moved does not matter to the proof.
                return whole, -1, slack
            k = int(able_row[i])
            if k in moved:
                # A third path of one demand: the path moved to last enters instead.
                return whole[:-1], whole[-1], last
            off -= float(able_gain[i] * self._rate[k])
            if is_split[k] or off <= self._tolerance:
                return whole, int(able[i]), lowest
            whole.append(int(able[i]))
            moved.add(k)
            last = lowest
            ratio[(able_row == k) & (able_gain <= able_gain[i])] = np.inf

    def _move(self, paths: np.ndarray) -> None:
        """Let demands on one path move to another one."""
        pool = self._pool
        rows = pool.row[paths]
        both, rates = np.append(paths, self._key[rows]), self._rate[rows]
        self._key_load = self._key_load + pool.load(both, np.append(rates, -rates))
        self._key[rows] = paths
        less = np.zeros(len(self._rate))
        less[rows] = self._reduced[paths]
        self._reduced -= less[pool.row]

    def _exchange(self, what: str, which: int, path: int, freed: int) -> None:
        """Take up the basis without what leaves and with a path, or with a full arc freed."""
        if what == "key":
            what = "extra"
            self._swap(which)
        if what == "extra":
            if path >= 0:
                row = self._pool.row[path]
                self._extra[which], self._row[which] = path, row
                self._detour[which] = self._aside(path, row)
            else:
                stays = np.arange(len(self._extra)) != which
                self._extra, self._row = self._extra[stays], self._row[stays]
                self._detour = self._detour[stays]
                self._full = self._full[np.arange(len(self._full)) != freed]
        elif path >= 0:
            row = self._pool.row[path]
            self._extra, self._row = np.append(self._extra, path), np.append(self._row, row)
            self._detour = np.concatenate([self._detour, self._aside(path, row)[None]])
            self._full = np.append(self._full, which)
        else:
            self._full = self._full.copy()
            self._full[freed] = which
        self._work_out_flows()

    def _aside(self, path: int, row: int) -> np.ndarray:
        """Arcs of a path less those of its demand's key path."""
        on = self._pool.crosses(np.array([path, self._key[row]]))
        return np.asarray(on[0] - on[1])

    def _swap(self, which: int) -> None:
        """Let an extra path and its demand's key path change places."""
        row = self._row[which]
        aside = self._detour[which].copy()
        self._key_load = self._key_load + self._rate[row] * aside
        self._detour[self._row == row] -= aside
        self._detour[which] = -aside
        self._key[row], self._extra[which] = self._extra[which], self._key[row]

    # -- the primal simplex method --------------------------------------------------------------

    def improve(self) -> None:
        """Pivot until no path has a negative reduced cost and no full arc a negative price."""
        for _ in range(_MOST_PIVOTS):
            path = int(self._reduced.argmin())
            prices = self.price[self._full]
            freed = int(prices.argmin()) if len(prices) else -1
            if freed >= 0 and prices[freed] < min(self._reduced[path], -_NO_WORSE_MS):
                self._enter(-1, freed)
            elif self._reduced[path] < -_NO_WORSE_MS:
                self._enter(path, -1)
            else:
                return
        raise Failed

    def _enter(self, path: int, freed: int) -> None:
        """Raise the flow of a path, or the slack of a full arc, until something is in the way."""
        row = int(self._pool.row[path])
        if path >= 0:
            aside = self._aside(path, row)
            change = -self._inverse @ aside[self._full]
            load = aside + change @ self._detour
        else:
            change = -self._inverse[:, freed]
            load = change @ self._detour
        load[self._full] = 0.0
        left = -np.bincount(self._row, change, len(self._rate))
        if path >= 0:
            left[row] -= 1.0
        every = self._rate - np.bincount(self._row, self._flow, len(self._rate))
        steps = [
            ("extra", self._flow, -change),
            ("key", every, -left),
            ("arc", self.room - self._load, load),
        ]
        least, leaving = np.inf, None
        for what, amount, falls in steps:
            able = np.flatnonzero(falls > _NOTHING)
            if len(able):
                step = np.maximum(amount[able], 0.0) / falls[able]
                i = int(step.argmin())
                if step[i] < least:
                    least, leaving = step[i], (what, int(able[i]))
        if leaving is None:
            raise Failed
        what, which = leaving
        if what == "key":
            mine = np.flatnonzero(self._row == which)
            if path >= 0 and row == which and not len(mine):
                # A demand on one path takes another one.
                self._key_load = self._key_load + self._rate[row] * aside
                self._key[row] = path
                self._work_out_flows()
                self._work_out_prices()
                return
            which = int(mine[0])
        self._exchange(what, which, path, freed)
        self._work_out_prices()

    # -- the answer -----------------------------------------------------------------------------

    def canonical(self) -> BasisState:
        """Bring the basis to one form, whatever the pivots were: flows are computed from it."""
        key, extra, full = self.basis
        row = self._pool.row
        # Of the paths of a split demand the one listed first is the key.
        mine = np.unique(np.concatenate([extra, key[self._row]]))
        key[row[mine[::-1]]] = mine[::-1]
        extra = mine[key[row[mine]] != mine]
        self._take_up(Basis(key, extra, np.sort(full)))
        return self

    def flows(self) -> tuple[np.ndarray, np.ndarray]:
        """Paths of the basis, and the flow on each."""
        left = self._rate - np.bincount(self._row, self._flow, len(self._rate))
        flow = np.maximum(np.concatenate([left, self._flow]), 0.0)
        return np.concatenate([self._key, self._extra]), flow
