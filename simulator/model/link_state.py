"""LinkState: load, loss and latency of routes that carry rates over a network, at many instants.

A direction of a link that is offered more than its capacity carries its capacity and loses the
rest, every demand in proportion; lost traffic loads nothing downstream. The **pass fractions**,
carried over offered, of all arcs depend on each other: they are solved as a fixed point over the
network.

Demands may differ in **priority**, which is strict at every link. The lowest number is solved as if
it were alone, the next one with the capacity that it leaves, and so on. Within a priority inelastic
demands go first. The wait of a priority is that of a link used by it and all priorities above: the
rest of a packet of a lower priority that is being sent already (non-preemptive priority) is left
out, as it is less than the time of one packet.

**Elastic** demands lose nothing: their senders slow down to what the links have left. The flows of
a demand share its paths as its routes say, and each path slows down by itself. Their rates are
max-min fair by progressive filling (Bertsekas and Gallager, *Data Networks*, 1992, section 6.5), in
equal shares per unit of the rate asked for: a demand of twice the rate stands for twice as many
flows, each of which gets the same (Massoulie and Roberts, *Bandwidth sharing: objectives and
algorithms*, INFOCOM 1999). No demand sends more than it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.model.loss import EXACT, pass_fractions
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.queues.queue import Queue


@dataclass(frozen=True, eq=False)
class QosPolicy:
    """How demands share full links.

    Attributes
    ----------
    priority : ndarray of int, shape (demands,)
        Lower numbers are carried first.
    elastic : ndarray, shape (demands,)
        Share of each demand whose senders slow down instead of losing traffic.
    """

    priority: np.ndarray
    elastic: np.ndarray

    @cached_property
    def uniform(self) -> bool:
        """Whether all demands have one priority and nothing is elastic."""
        return not self.elastic.any() and len(np.unique(self.priority)) <= 1

    @cached_property
    def priorities(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Inelastic and elastic shares of all demands in every priority, highest first."""
        levels = [self.priority == priority for priority in np.unique(self.priority)]
        return tuple((mine * (1.0 - self.elastic), mine * self.elastic) for mine in levels)


@dataclass(frozen=True, eq=False)
class Passage:
    """How some traffic fares on the links of its paths.

    Attributes
    ----------
    part : ndarray, shape (demands,)
        Share of each demand that it is.
    utilisation, wait_ms : ndarray, shape (arcs, instants)
        Of links, as this traffic finds them: it and all that goes before it.
    passes : ndarray, shape (arcs, instants)
        Of inelastic traffic the share that a link carries of what it is offered. Of elastic traffic
        the share of its rate that a path over this link can have at most.
    elastic : bool
    """

    part: np.ndarray
    utilisation: np.ndarray
    wait_ms: np.ndarray
    passes: np.ndarray
    elastic: bool


@dataclass(frozen=True, eq=False)
class LinkState:
    """Traffic on links and of demands at a number of instants.

    Attributes
    ----------
    capacity_gbps : ndarray, shape (arcs,)
        Capacity of every arc; zero where it is down.
    offered_gbps, carried_gbps, utilisation, wait_ms : ndarray, shape (arcs, instants)
        ``utilisation`` is NaN on an arc that is down. ``wait_ms`` is the mean over carried
        traffic, where priorities wait differently.
    rates_gbps, delivered_gbps, latency_ms, propagation_ms : ndarray, shape (demands, instants)
        Latencies are one way, of delivered traffic; NaN where none is delivered.
    sent_gbps : ndarray, shape (demands, instants)
        Part of the rates that is sent: less than the rates only for elastic traffic.
    passages : tuple of Passage
        Where not all traffic is alike: its parts.
    """

    capacity_gbps: np.ndarray
    offered_gbps: np.ndarray
    carried_gbps: np.ndarray
    utilisation: np.ndarray
    wait_ms: np.ndarray
    rates_gbps: np.ndarray
    delivered_gbps: np.ndarray
    latency_ms: np.ndarray
    propagation_ms: np.ndarray
    sent_gbps: np.ndarray
    passages: tuple[Passage, ...] = ()

    @property
    def parts(self) -> tuple[Passage, ...]:
        """Passages of all traffic, one where it is all alike."""
        if self.passages:
            return self.passages
        carried = np.ones_like(self.offered_gbps)
        np.divide(self.carried_gbps, self.offered_gbps, out=carried, where=self.offered_gbps > 0)
        carried[self.capacity_gbps == 0] = 0.0
        everyone = np.ones(len(self.rates_gbps))
        return (Passage(everyone, self.utilisation, self.wait_ms, carried, False),)


def link_state(
    routes: Routes,
    network: Network,
    rates_gbps: np.ndarray,
    queue: Queue,
    qos: QosPolicy | None = None,
) -> LinkState:
    """Send rates along routes.

    Parameters
    ----------
    network : Network
        Capacities and what is up now; may differ from the network that the routes were made for.
    rates_gbps : ndarray, shape (demands, instants)
        Rates asked for.
    queue : Queue
        Queue model.
    qos : QosPolicy, optional
        Priorities and elasticity; all demands are treated alike when left out.

    Raises
    ------
    SimulatorError
        Loss does not settle; see :func:`loss_fixed_point`.
    """
    if qos is not None and not qos.uniform:
        return _by_priority(routes, network, rates_gbps, queue, qos)
    capacity = np.where(network.up, network.capacity_gbps, 0.0)
    return alike(routes, capacity, network.delay_ms, rates_gbps, queue)


def alike(
    routes: Routes,
    capacity: np.ndarray,
    delay_ms: np.ndarray,
    rates_gbps: np.ndarray,
    queue: Queue,
) -> LinkState:
    """Send rates of demands that are all treated alike; see :func:`link_state`.

    Parameters
    ----------
    capacity, delay_ms : ndarray, shape (arcs,)
        The capacity is zero where an arc is down.
    """
    offered = routes.loads(rates_gbps)
    over = (offered > capacity[:, None]).any(axis=0)
    pass_fraction = None
    if over.any():
        pass_fraction = np.ones_like(offered)
        pass_fraction[:, over], offered[:, over] = loss_fixed_point(
            routes, capacity, rates_gbps[:, over]
        )
    utilisation, wait = utilisation_and_wait(offered, capacity, queue)
    share, propagation, latency = _arrivals(routes, delay_ms, wait, pass_fraction)
    return LinkState(
        capacity,
        offered,
        offered if pass_fraction is None else offered * pass_fraction,
        utilisation,
        wait,
        rates_gbps,
        rates_gbps * share,
        latency,
        propagation,
        rates_gbps,
    )


def deferred(state: LinkState, elastic_share: float) -> LinkState:
    """Return the link state where part of every demand is deferred before any of it is lost.

    Senders that react to loss leave room to those that do not, until they send nothing. Loads are
    those of the rates asked for.
    """
    short = state.rates_gbps - state.delivered_gbps
    short[short <= 1e-12 * state.rates_gbps] = 0.0  # rounding
    held = np.clip(short, 0.0, elastic_share * state.rates_gbps)
    return replace(state, sent_gbps=state.rates_gbps - held)


def utilisation_and_wait(
    offered_gbps: np.ndarray, capacity_gbps: np.ndarray, queue: Queue
) -> tuple[np.ndarray, np.ndarray]:
    """Return utilisation and mean wait in ms of every arc; NaN and 0 on an arc that is down.

    Parameters
    ----------
    offered_gbps : ndarray, shape (arcs, instants)
    capacity_gbps : ndarray, shape (arcs,)
        Zero where the arc is down.
    """
    live = capacity_gbps > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(live[:, None], offered_gbps / capacity_gbps[:, None], np.nan)
    wait = np.zeros_like(offered_gbps)
    wait[live] = queue.wait_ms(utilisation[live], capacity_gbps[live][:, None])
    return utilisation, wait


def _arrivals(
    routes: Routes, delay_ms: np.ndarray, wait_ms: np.ndarray, pass_fraction: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of each demand that arrives, its propagation, and its latency (demands, instants)."""
    if pass_fraction is None:
        share, spent = routes.arrivals(np.column_stack([delay_ms, wait_ms]))
        share = share[:, 1:]
        propagation = np.broadcast_to(spent[:, :1], share.shape)
        return share, propagation, propagation + spent[:, 1:]
    fixed = np.broadcast_to(delay_ms[:, None], wait_ms.shape)
    share, propagation = routes.arrivals(fixed, pass_fraction)
    return share, propagation, routes.arrivals(fixed + wait_ms, pass_fraction)[1]


def loss_fixed_point(
    routes: Routes, capacity_gbps: np.ndarray, rates_gbps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the pass fraction of every arc.

    Parameters
    ----------
    capacity_gbps : ndarray, shape (arcs,) or (arcs, instants)
    rates_gbps : ndarray, shape (demands, instants)

    Returns
    -------
    pass_fraction, offered_gbps : ndarray, shape (arcs, instants)
        ``pass_fraction = min(1, capacity / offered)`` at the fixed point.

    Raises
    ------
    SimulatorError
        No fixed point within the allowed sweeps.
    """
    return pass_fractions(
        lambda some, now: routes.loads(rates_gbps[:, some], now),
        capacity_gbps,
        rates_gbps.shape[1],
    )


# -- priorities and elastic demands -------------------------------------------------------------


def _by_priority(
    routes: Routes, network: Network, rates_gbps: np.ndarray, queue: Queue, qos: QosPolicy
) -> LinkState:
    """Solve priority by priority, each with the capacity that those above it leave."""
    capacity = np.where(network.up, network.capacity_gbps, 0.0)
    over = (routes.loads(rates_gbps) > capacity[:, None]).any(axis=0)
    left = np.repeat(capacity[:, None], int(over.sum()), axis=1)
    offered = np.zeros((len(capacity), rates_gbps.shape[1]))
    carried, waiting, wait = (np.zeros_like(offered) for _ in range(3))
    delivered, sent = (np.zeros_like(rates_gbps, dtype=float) for _ in range(2))
    latency, propagation = (np.zeros_like(delivered) for _ in range(2))
    utilisation = np.zeros_like(offered)
    passages = []
    for rigid, elastic in qos.priorities:
        passed = np.zeros_like(offered)
        pass_fraction: np.ndarray | None = None
        filling: _Filling | None = None
        for part in (rigid, elastic):
            if not part.any():
                continue
            rates = rates_gbps * part[:, None]
            load = routes.loads(rates)
            through = load
            if over.any() and part is rigid:
                pass_fraction = np.ones_like(load)
                pass_fraction[:, over], load[:, over] = loss_fixed_point(
                    routes, left, rates[:, over]
                )
                through = load * pass_fraction
            elif over.any():
                filling = _filled(routes, left, rates[:, over], capacity)
                load[:, over] = filling.load_gbps
            left = left - through[:, over]
            left[left <= EXACT * capacity[:, None]] = 0.0
            offered, passed = offered + load, passed + through
        utilisation, wait = utilisation_and_wait(offered, capacity, queue)
        carried, waiting = carried + passed, waiting + passed * wait
        for part in (rigid, elastic):
            if not part.any():
                continue
            share, fixed, whole = _arrivals(
                routes, network.delay_ms, wait, pass_fraction if part is rigid else None
            )
            passes = np.ones_like(offered)
            passes[capacity == 0] = 0.0
            if part is rigid and pass_fraction is not None:
                passes = pass_fraction
            if part is elastic and filling is not None:
                share, fixed, whole = (np.array(each) for each in (share, fixed, whole))
                slowed = filling.arrivals(routes, network.delay_ms, wait[:, over])
                share[:, over], fixed[:, over], whole[:, over] = slowed
                passes[:, over] = filling.level
            passages.append(Passage(part, utilisation, wait, passes, part is elastic))
            got = rates_gbps * part[:, None] * share
            delivered += got
            sent += got if part is elastic else rates_gbps * part[:, None]
            latency += got * np.nan_to_num(whole)
            propagation += got * np.nan_to_num(fixed)
    mean = np.divide(waiting, carried, out=wait.copy(), where=carried > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        latency, propagation = (
            np.where(delivered > 0, each / delivered, np.nan) for each in (latency, propagation)
        )
    return LinkState(
        capacity,
        offered,
        carried,
        utilisation,
        mean,
        rates_gbps,
        delivered,
        latency,
        propagation,
        sent,
        tuple(passages),
    )


@dataclass(frozen=True, eq=False)
class _Stage:
    """A stage of progressive filling at some instants: it lasts until the next arc is full.

    In it every open path grows by ``part`` of the rate asked for; ``open_`` (arcs x instants) is
    one where an arc has room, zero where it is full.
    """

    instants: np.ndarray
    part: np.ndarray
    open_: np.ndarray


@dataclass(frozen=True, eq=False)
class _Filling:
    """Max-min fair rates: their load on every arc, and the stages in which they grew.

    ``level`` (arcs x instants) is the share of its rate that a path has when this arc is full, or 1
    where it never is: a path ends with the least of its arcs.
    """

    load_gbps: np.ndarray
    stages: tuple[_Stage, ...]
    level: np.ndarray

    def arrivals(
        self, routes: Routes, delay_ms: np.ndarray, wait_ms: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share of each demand that is sent and arrives, its propagation, and its latency."""
        share = np.zeros((len(routes), wait_ms.shape[1]))
        fixed, whole = np.zeros_like(share), np.zeros_like(share)
        for stage in self.stages:
            at, part = stage.instants, stage.part
            arrived, near, far = _arrivals(routes, delay_ms, wait_ms[:, at], stage.open_)
            share[:, at] += part * arrived
            fixed[:, at] += part * arrived * np.nan_to_num(near)
            whole[:, at] += part * arrived * np.nan_to_num(far)
        with np.errstate(invalid="ignore", divide="ignore"):
            sent = share > 0
            return (
                share,
                np.where(sent, fixed / share, np.nan),
                np.where(sent, whole / share, np.nan),
            )


def _filled(
    routes: Routes, room_gbps: np.ndarray, rates_gbps: np.ndarray, capacity_gbps: np.ndarray
) -> _Filling:
    """Raise the rates of all paths together until each meets a full arc or has its full rate."""
    full = EXACT * capacity_gbps[:, None]
    left, instants = room_gbps.copy(), rates_gbps.shape[1]
    load, grown = np.zeros_like(left), np.zeros(instants)
    open_ = (left > full).astype(float)
    level = np.where(open_ > 0, 1.0, 0.0)
    alive, stages = np.arange(instants), []
    while len(alive):  # each round fills an arc of every instant that continues
        now = open_[:, alive]
        growth = _open_loads(routes, rates_gbps[:, alive], now)
        spare = np.full_like(growth, np.inf)
        with np.errstate(over="ignore"):
            np.divide(left[:, alive], growth, out=spare, where=growth > 0)
        first, rest = spare.min(axis=0), 1.0 - grown[alive]
        part = np.where(np.isfinite(first), np.minimum(first, rest), rest)
        stages.append(_Stage(alive, part, now))
        load[:, alive] += growth * part
        left[:, alive] -= growth * part
        grown[alive] += part
        shut = (spare <= first * (1.0 + EXACT)) | (left[:, alive] <= full)
        open_[:, alive] = np.where(shut, 0.0, now)
        level[:, alive] = np.where(shut & (now > 0), grown[alive], level[:, alive])
        alive = alive[(growth > 0).any(axis=0) & (first < rest)]
    return _Filling(load, tuple(stages), level)


def _open_loads(routes: Routes, rates_gbps: np.ndarray, open_: np.ndarray) -> np.ndarray:
    """Load of every arc by the paths that cross open arcs only, shape (arcs, instants)."""
    total = np.zeros_like(open_)
    for hops, weight in routes.layers:
        given = rates_gbps if weight is None else rates_gbps * weight[:, None]
        total += hops.open_loads(given, open_)
    return total
