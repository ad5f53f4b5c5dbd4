"""The fluid engine: traffic as rates, on the stage, measured by exact sums over time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulator.engines.case import Case
from simulator.engines.engine import Emit, Engine, engine
from simulator.engines.stage import Stage
from simulator.model.routes import Routes
from simulator.recording.headroom import Headroom
from simulator.recording.meter import FluidMeter
from simulator.recording.recovery import Recovery, marks_of
from simulator.results.metrics import Figures
from simulator.simulation.clock import micros


@engine("fluid")
class Fluid(Engine):
    """Rates that hold between events; load, loss and latency by exact sums over time.

    Good for hours to years of a whole backbone. Leaves out what happens within a step and within
    a flow: no packets, no congestion control, no completion times.
    """

    def play(
        self, case: Case, replication: int, emit: Emit, progress: Callable[[float], None]
    ) -> dict[str, Figures]:
        """Play one replication; see the contract."""
        return Stage(case, replication, emit, _meter, takes_series=True).run(progress)


def _meter(stage: Stage, strategy: str, routes: Callable[[], Routes]) -> FluidMeter:
    """Return the meter of a strategy: exact sums over the intervals between two changes."""
    case, mine = stage.case, stage.case.strategies[strategy]
    lands = stage.inbound is not None and not mine.control.at_will
    return FluidMeter(
        stage.clock,
        stage.network_state,
        stage.source,
        queue=case.queue,
        demands=case.demands,
        routes=routes,
        series=lambda: stage.runs[strategy].series,
        step_us=micros(case.step_s),
        end_us=micros(case.horizon_s),
        steps=case.steps,
        detail=case.detail,
        every=case.every,
        emit=partial(stage.emit, strategy),
        headroom=Headroom(
            mine, case.demands, case.exit_target, stage.streams, store=stage.store, lands=lands
        ),
        cost=case.strategies[case.yardstick].scheme.cost if case.yardstick else None,
        qos=case.series.qos,
        elastic_share=case.series.elastic_share,
        exit_target=case.exit_target,
        billing=case.billing,
        recovery=Recovery(
            stage.network_state.network,
            marks_of(case.events, strategy, micros(case.horizon_s)),
        ),
        inbound=partial(stage.inbound_totals, strategy),
    )
