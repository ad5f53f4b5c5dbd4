"""The lowest layer: routes for all demands, without a controller."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulator.control.bill_account import BillAccount
from simulator.control.process import Context, Installs, Layer, first_route, timed_route
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.simulation.clock import micros

STATIC = "static"


def lowest_layer(
    context: Context,
    seen: Callable[[], tuple[Network, Demands]],
    *,
    install_s: float,
    detect_s: float,
    every_s: float | None = None,
    sees_capacity: bool = False,
    account: BillAccount | None = None,
) -> Layer:
    """Return a layer that routes all demands by the static scheme.

    Parameters
    ----------
    seen : callable
        Returns the network and the demands to make routes for.
    install_s, detect_s : float
        Time from decision to installation, and from a change of topology to its notice.
    every_s : float, optional
        Length of a cycle.
    sees_capacity : bool
        Whether a change of capacity alone makes new routes.
    account : BillAccount, optional
        Says what is paid for.
    """
    table = context.route_table
    make = partial(context.scene.store.route, context.static_scheme)

    def decide(trigger: str) -> Installs:
        network, demands = seen()
        if account:
            network = network.allowing(account.allowance(network))
        known = context.scene.at_start if trigger == "start" else None
        routes, solve_s = first_route(
            known, STATIC, partial(timed_route, make, network, demands, table.static)
        )

        def install() -> None:
            moved = table.install_static(routes, ~network.up)
            context.log.write(STATIC, trigger, routes, moved, solve_s)

        return [(install_s, install)]

    return Layer(decide, every_s, detect_s, restarts=True, sees_capacity=sees_capacity)


def static_layer(
    context: Context, detect_s: float, converge_s: float, local_repair_s: float | None = None
) -> Layer:
    """Return the static routes: for the base demands, made again when the topology changes.

    With *local_repair_s* nodes before dead links repair all routes by themselves that much later.
    """
    state, table, ago_us = context.scene.network_state, context.route_table, micros(detect_s)
    state.notices(detect_s, lambda: table.notice(~state.seen(ago_us).up))
    if local_repair_s is not None:
        local_us = micros(local_repair_s)
        state.notices(local_repair_s, lambda: table.repair(state.seen(local_us)))
    planned = state.network

    def seen() -> tuple[Network, Demands]:
        # No IGP notices delays: static routes that follow them are made for those of the plan.
        return state.seen(ago_us).delayed_like(planned), table.demands

    return lowest_layer(
        context,
        seen,
        install_s=converge_s,
        detect_s=detect_s,
    )
