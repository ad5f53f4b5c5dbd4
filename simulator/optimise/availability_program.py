"""Availability program: the modules of least cost that keep a promise for a share of time.

In every state of the network what is promised fits or it does not. A choice ``u`` for each state
says that it does, and then no requirement of that state may fail::

    sum over states of p u >= availability,
    what modules add to a requirement of s  >=  what it lacks now  *  u[s]

No large number is needed, as a state that is not chosen asks for nothing. States in which all fits
as things are, and those in which it does not with everything bought, are decided beforehand. What
fits with an element down fits with it up. The rarest of the others are left out, once as failed,
which gives a plan, and once as served, which gives a bound (Luedtke and Ahmed, *A sample
approximation approach for optimization with probabilistic constraints*, SIAM J. Optim. 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from simulator.base.errors import SimulatorError
from simulator.optimise.exit_cuts import Cuts
from simulator.optimise.exit_ways import Ways
from simulator.optimise.integer import solve
from simulator.optimise.orders import Orders
from simulator.optimise.requirement import SLACK, Requirement, Router

TAILS = (0.0, 0.02, 0.1)
"""Parts of the time that may fail which states that are left out may take: the first that does."""
MOST_STATES = 700
"""States that a program decides on where a smaller tail would have more."""
MOST_NODES = 3_000
_ROUNDS = 100
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Promise:
    """What is promised in one direction.

    Attributes
    ----------
    way : str
    gbps : ndarray, shape (ends,)
    cuts : Cuts or None
        None where there are too many.
    ways : Ways
    by_flow : bool
        Whether cuts are not all that counts.
    left : ndarray, shape (states, arcs of the network)
        Share of each arc that a state leaves.
    """

    way: str
    gbps: np.ndarray
    cuts: Cuts | None
    ways: Ways
    by_flow: bool
    left: np.ndarray

    @cached_property
    def _need(self) -> np.ndarray:
        assert self.cuts is not None
        return np.asarray(self.cuts.ends @ self.gbps)

    def broken(self, states: np.ndarray, capacity: np.ndarray) -> dict[int, Requirement]:
        """Return the worst requirement of each of some states in which one fails."""
        found: dict[int, Requirement] = {}
        if self.cuts is not None:
            step = max(1, _CHUNK // len(self.cuts))
            for at in range(0, len(states), step):
                found |= self._by_cuts(states[at : at + step], capacity)
        if self.by_flow:
            rest = states[~np.isin(states, list(found))]
            found |= self._by_flow(rest, capacity)
        return found

    def _by_cuts(self, states: np.ndarray, capacity: np.ndarray) -> dict[int, Requirement]:
        cuts = self.cuts
        assert cuts is not None
        room = self.left[states] * capacity
        short = self._need - room[:, cuts.net.exits] @ cuts.exits.T
        short -= room[:, cuts.net.others] @ cuts.others.T
        worst = short.argmax(axis=1)
        fails = short[np.arange(len(states)), worst] > SLACK * max(1.0, float(self.gbps.sum()))
        return {int(states[i]): self._cut(int(states[i]), int(worst[i]))
                for i in np.flatnonzero(fails).tolist()}  # fmt: skip

    def _cut(self, state: int, cut: int) -> Requirement:
        cuts = self.cuts
        assert cuts is not None
        arcs = np.zeros(self.left.shape[1])
        np.add.at(arcs, cuts.net.exits, cuts.exits[cut])
        np.add.at(arcs, cuts.net.others, cuts.others[cut])
        ends = cuts.ends[cut].astype(float)
        return Requirement(0, state, self.way, ends, arcs * self.left[state],
                           float(self._need[cut]))  # fmt: skip

    def _by_flow(self, states: np.ndarray, capacity: np.ndarray) -> dict[int, Requirement]:
        """Route in every state; states that leave the same are routed once."""
        found: dict[int, Requirement] = {}
        arcs = self.ways.net.arcs
        if not len(states):
            return found
        rooms, of = np.unique((self.left[states] * capacity)[:, arcs].round(9), axis=0,
                              return_inverse=True)  # fmt: skip
        router = Router(self.ways, rooms[0])
        for i, room in enumerate(rooms):
            router.set_room(room)
            short, ends, price = router.prices(self.gbps)
            if short <= SLACK * max(1.0, float(self.gbps.sum())):
                continue
            whole = np.zeros(self.left.shape[1])
            np.add.at(whole, arcs, price)
            for state in states[of.ravel() == i].tolist():
                weights = whole * self.left[state]
                need = float(ends @ self.gbps)
                found[state] = Requirement(0, state, self.way, ends, weights, need)
        return found


@dataclass(frozen=True, eq=False)
class Kept:
    """The cheapest modules that keep a promise.

    Attributes
    ----------
    modules : ndarray of int or None
        None where nothing that can be bought keeps it.
    cost, bound : float
    now, reached : float
        Share of time in which it is kept as things are, and with the modules.
    hopeless : float
        Share of time in which nothing that can be bought would keep it.
    states, decided : int
        All states, and those that the program decided on.
    worst : int
        The likeliest state without hope; -1 if there is none.
    """

    modules: np.ndarray | None
    cost: float
    bound: float
    now: float
    reached: float
    hopeless: float
    states: int
    decided: int
    worst: int


class AvailabilityProgram:
    """A promise, and what can be bought for it.

    Parameters
    ----------
    orders : Orders
        Of one period.
    promises : sequence of Promise
        Directions: all are kept at once.
    down : ndarray of bool, shape (states, elements)
    probability : ndarray, shape (states,)
        What is missing from 1 is of states that are not listed: they count as failed in a plan,
        and as served in a bound.
    """

    def __init__(
        self,
        orders: Orders,
        promises: Sequence[Promise],
        down: np.ndarray,
        probability: np.ndarray,
    ) -> None:
        self._orders, self._promises = orders, promises
        self._down, self._p = down, probability
        every = np.arange(len(probability))
        self._lacks = self._broken(every, orders.base_gbps)
        self._fine = ~np.isin(every, list(self._lacks))
        rest = every[~self._fine]
        self._missing = max(0.0, 1.0 - float(probability.sum()))
        self._hopeless = np.isin(every, list(self._broken(rest, orders.all_capacity[0])))
        self.now = float(probability[self._fine].sum())
        self.hopeless = float(probability[self._hopeless].sum())

    def _broken(self, states: np.ndarray, capacity: np.ndarray) -> dict[int, list[Requirement]]:
        found: dict[int, list[Requirement]] = {}
        for promise in self._promises:
            for state, each in promise.broken(states, capacity).items():
                found.setdefault(state, []).append(each)
        return found

    def kept(self, least: float) -> Kept:
        """Return the cheapest modules that keep the promise for a share of time."""
        worst = int(np.argmax(np.where(self._hopeless, self._p, -1.0))) if (
            self._hopeless.any()) else -1  # fmt: skip
        count = len(self._orders.price)
        if self.now >= least - 1e-12:
            return self._result(np.zeros(count), 0.0, 0, worst)
        if 1.0 - self.hopeless < least:
            return Kept(None, np.nan, np.nan, self.now, np.nan, self.hopeless, len(self._p), 0,
                        worst)  # fmt: skip
        asked, left_out = self._asked(least)
        left_out += self._missing
        safe = self._solved(asked, least - self.now, {})
        if safe is None:  # what is left out is needed
            asked, left_out = np.flatnonzero(~self._fine & ~self._hopeless), self._missing
            safe = self._solved(asked, least - self.now, {})
        if safe is None:
            raise SimulatorError(
                f"states that are not listed, {self._missing:.2g} of the time, are too many for a"
                f" promise of {least:g}; let fewer kinds of elements fail"
            )
        modules, bound, pool = safe
        cost = float(self._orders.price @ modules)
        if left_out > 1e-12:
            hoped = self._solved(asked, least - self.now - left_out, pool)
            bound = hoped[1] if hoped is not None else 0.0
        bound = cost if bound > cost * (1 - 1e-6) else bound
        return self._result(modules, bound, len(asked), worst)

    def _result(self, modules: np.ndarray, bound: float, decided: int, worst: int) -> Kept:
        capacity = self._orders.capacity(modules)[0]
        rest = np.flatnonzero(~self._fine & ~self._hopeless)
        failed = list(self._broken(rest, capacity)) if modules.any() else rest.tolist()
        reached = float(self._p.sum()) - self.hopeless - float(self._p[failed].sum())
        return Kept(modules.astype(int), float(self._orders.price @ modules), bound, self.now,
                    reached, self.hopeless, len(self._p), decided, worst)  # fmt: skip

    def _asked(self, least: float) -> tuple[np.ndarray, float]:
        """Return the states to decide on, and the probability of those that are left out."""
        open_ = np.flatnonzero(~self._fine & ~self._hopeless)
        order = open_[np.argsort(-self._p[open_], kind="stable")]
        rest = np.cumsum(self._p[order][::-1])[::-1]
        spare = min(1.0 - least, 1.0 - self.hopeless - least)
        for tail in TAILS:
            kept = order[rest > tail * spare + 1e-15]
            if len(kept) <= MOST_STATES:
                break
        return np.sort(kept), float(self._p[open_].sum() - self._p[kept].sum())

    # -- the program --------------------------------------------------------------------------

    def _solved(
        self, asked: np.ndarray, share: float, pool: dict[int, list[Requirement]]
    ) -> tuple[np.ndarray, float, dict[int, list[Requirement]]] | None:
        """Return modules, a bound, and the requirements that stood; None without a solution."""
        if share <= 0:
            return np.zeros(len(self._orders.price)), 0.0, pool
        pool = {state: list(rows) for state, rows in pool.items()} or {
            state: list(self._lacks[state]) for state in asked.tolist()}  # fmt: skip
        fixed = [*self._limits(asked), *self._monotone(asked)]
        count = len(self._orders.price)
        for _ in range(_ROUNDS):
            rows = [*fixed, *self._rows(asked, pool)]
            chance = np.concatenate([np.zeros(count), self._p[asked] / share])
            rows.append((csr_array(chance[None, :]), np.array([1.0]), np.array([np.inf])))
            found = solve(
                np.concatenate([self._orders.price, np.zeros(len(asked))]),
                csr_array(vstack([row for row, *_ in rows], format="csr")),
                np.concatenate([low for _, low, _ in rows]),
                np.concatenate([high for *_, high in rows]),
                np.concatenate([self._orders.upper, np.ones(len(asked))]),
                whole=np.ones(count + len(asked), dtype=bool), gap=1e-9, nodes=MOST_NODES,
            )  # fmt: skip
            if found is None:
                return None
            modules = np.rint(found.columns[:count])
            chosen = asked[found.columns[count:] > 0.5]
            broken = self._broken(chosen, self._orders.capacity(modules)[0])
            if not broken:
                return modules, found.bound, pool
            for state, more in broken.items():
                pool.setdefault(state, []).extend(more)
        raise SimulatorError(f"no plan was found in {_ROUNDS} rounds")

    def _limits(self, asked: np.ndarray) -> list[tuple[csr_array, np.ndarray, np.ndarray]]:
        rows, upper = self._orders.limits()
        wide = csr_array(np.hstack([rows, np.zeros((len(rows), len(asked)))]))
        return [(wide, np.full(len(upper), -np.inf), upper)]

    def _rows(
        self, asked: np.ndarray, pool: dict[int, list[Requirement]]
    ) -> list[tuple[csr_array, np.ndarray, np.ndarray]]:
        """What modules add is no less than what a state that is chosen lacks."""
        place = {int(state): i for i, state in enumerate(asked)}
        made = [(place[s], *self._orders.row(each)) for s, rows in pool.items() if s in place
                for each in rows]  # fmt: skip
        if not made:
            return []
        adds = csr_array(np.array([row / need for _, row, need in made]))
        at = (np.arange(len(made)), np.array([i for i, *_ in made]))
        chosen = coo_array((-np.ones(len(made)), at), shape=(len(made), len(asked)))
        both = csr_array(np.hstack([adds.toarray(), chosen.toarray()]))
        return [(both, np.zeros(len(made)), np.full(len(made), np.inf))]

    def _monotone(self, asked: np.ndarray) -> list[tuple[csr_array, np.ndarray, np.ndarray]]:
        """What fits with one element more down fits without."""
        known = {self._down[state].tobytes(): i for i, state in enumerate(asked.tolist())}
        pairs: list[tuple[int, int]] = []
        for i, state in enumerate(asked.tolist()):
            for element in np.flatnonzero(self._down[state]).tolist():
                less = self._down[state].copy()
                less[element] = False
                if (better := known.get(less.tobytes())) is not None:
                    pairs.append((better, i))
        if not pairs:
            return []
        count = len(self._orders.price)
        rows = np.repeat(np.arange(len(pairs)), 2)
        columns = count + np.array(pairs).ravel()
        signs = np.tile([1.0, -1.0], len(pairs))
        made = csr_array((signs, (rows, columns)), shape=(len(pairs), count + len(asked)))
        return [(made, np.zeros(len(pairs)), np.full(len(pairs), np.inf))]
