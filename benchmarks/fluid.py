"""One fluid evaluation (loads, loss, utilisation, queues, latency), beside the product alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.by_path import ByPath
from benchmarks.cases import Case, largest
from benchmarks.race import Limit, Race
from simulator.model.link_state import link_state
from simulator.queues.burst import Burst
from simulator.routing.route import route

LOOP, AT_ONCE = "bare loop of R @ d", "one product R @ D"
CALM, FULL = 0.6, 1.66
"""Utilisation of the fullest exit; 1.66 is the busy hour of china169-2017 as its file has it."""


def races(case: Case) -> Iterator[Race]:
    """Busy hours without loss, and busy hours in which exits overflow."""
    yield _race(case, "loss-free", case.busy_gbps(CALM), overloaded=False)
    yield _race(case, "overloaded", case.busy_gbps(FULL), overloaded=True)


def _race(case: Case, title: str, rates: np.ndarray, *, overloaded: bool) -> Race:
    network, queue = case.network, Burst()
    routes = route("igp_ecmp", network, case.demands)
    shares, steps = routes.matrix, rates.shape[1]

    def loop() -> np.ndarray:
        return np.stack([shares @ rates[:, step] for step in range(steps)], axis=1)

    def agree() -> dict[str, Limit]:
        state = link_state(routes, network, rates, queue)
        full = (state.offered_gbps > state.capacity_gbps[:, None]).any(axis=0)
        assert full.all() if overloaded else not full.any(), f"{title} is not what it says"
        by_path = ByPath(routes)
        pass_fraction = by_path.pass_fraction(network, rates)
        offered = by_path.loads(rates, pass_fraction)
        delay = network.delay_ms[:, None] + queue.wait_ms(
            offered / network.capacity_gbps[:, None], network.capacity_gbps[:, None]
        )
        arrived, latency = by_path.delivered(rates, pass_fraction, delay)
        apart = (state.offered_gbps - offered) / network.capacity_gbps[:, None]
        found = {
            "load, path by path": Limit(
                largest(state.offered_gbps - offered) / offered.max(), 1e-9
            ),
            "utilisation, path by path": Limit(largest(apart), 1e-7),
            "delivered rate, path by path": Limit(
                largest(state.delivered_gbps - arrived) / arrived.max(), 1e-9
            ),
            "latency, path by path": Limit(
                largest(state.latency_ms - latency) / latency.max(), 1e-9
            ),
        }
        if not overloaded:
            apart = largest(state.offered_gbps - loop()) / offered.max()
            found["load, bare loop"] = Limit(apart, 1e-9)
        return found

    return Race(
        f"{title}, {steps} steps of {network.name}",
        {
            LOOP: loop,
            AT_ONCE: lambda: shares @ rates,
            "flow: loads, loss, queues, latency": lambda: link_state(routes, network, rates, queue),
        },
        LOOP,
        agree,
        "step",
        steps,
    )
