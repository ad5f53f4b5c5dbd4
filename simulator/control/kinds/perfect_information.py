"""Perfect information: routes for the true traffic of every step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.control.bill_account import account_of
from simulator.control.kinds.control import Control, control
from simulator.control.process import Context, Layer
from simulator.control.static import lowest_layer
from simulator.model.demands import Demands
from simulator.model.network import Network


@control("perfect_information")
class PerfectInformation(Control):
    """The true traffic and topology of every step, without delay or error: a bound."""

    @property
    def perfect_information(self) -> bool:
        """Yes."""
        return True

    def layers(self, context: Context) -> Iterator[Layer]:
        """Return one layer for all demands, decided on at every step."""
        scene, base = context.scene, context.route_table.demands

        def truth() -> tuple[Network, Demands]:
            return scene.network_state.network, base.with_gbps(scene.source.at(scene.clock.now))

        yield lowest_layer(
            context,
            truth,
            install_s=0.0,
            detect_s=0.0,
            every_s=scene.source.step_s,
            sees_capacity=True,
            account=account_of(context, np.arange(len(base))),
        )
