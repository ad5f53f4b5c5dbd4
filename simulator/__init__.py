"""A capacity simulator for national IP backbones: static and SDN routing, side by side.

    import simulator as sim

    results = sim.run(sim.load("mini"))
    print(sim.compare(results))
    results.plot.exit_utilisation()

Names are looked up when first used, so that importing costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.base.errors import InputError, Problem, SimulatorError
    from simulator.export.export import export
    from simulator.figures.maps.network_map import plot_map
    from simulator.formats.format import load_network
    from simulator.formats.matrices.demand_format import read_demands as load_demands
    from simulator.formats.matrices.demand_format import read_recording as load_recording
    from simulator.model.demands import Demands
    from simulator.model.network import Network
    from simulator.model.routes import Routes, link_loads
    from simulator.report.report import report
    from simulator.results.results import Results
    from simulator.routing.route import route
    from simulator.run import run
    from simulator.scenario.load import load
    from simulator.scenario.scenario import Scenario
    from simulator.study.availability import availability
    from simulator.study.bill import bill
    from simulator.study.compare import compare
    from simulator.study.diff import diff
    from simulator.study.failures import failures
    from simulator.study.headroom import headroom
    from simulator.study.plan import plan
    from simulator.study.sweep import sweep
    from simulator.study.value import value
    from simulator.study.whatif import what_if
    from simulator.study.worst import worst
    from simulator.traffic.gravity import gravity
    from simulator.verify.verify import verify

__version__ = "0.1.0"

_HOMES = {
    "InputError": "simulator.base.errors",
    "Problem": "simulator.base.errors",
    "SimulatorError": "simulator.base.errors",
    "load_network": "simulator.formats.format",
    "load_demands": "simulator.formats.matrices.demand_format:read_demands",
    "load_recording": "simulator.formats.matrices.demand_format:read_recording",
    "Demands": "simulator.model.demands",
    "Network": "simulator.model.network",
    "report": "simulator.report.report",
    "Results": "simulator.results.results",
    "Routes": "simulator.model.routes",
    "link_loads": "simulator.model.routes",
    "plot_map": "simulator.figures.maps.network_map",
    "route": "simulator.routing.route",
    "run": "simulator.run",
    "Scenario": "simulator.scenario.scenario",
    "load": "simulator.scenario.load",
    "availability": "simulator.study.availability",
    "bill": "simulator.study.bill",
    "compare": "simulator.study.compare",
    "diff": "simulator.study.diff",
    "export": "simulator.export.export",
    "failures": "simulator.study.failures",
    "gravity": "simulator.traffic.gravity",
    "headroom": "simulator.study.headroom",
    "plan": "simulator.study.plan",
    "sensitivity": "simulator.study.sensitivity",
    "sweep": "simulator.study.sweep",
    "value": "simulator.study.value",
    "verify": "simulator.verify.verify",
    "what_if": "simulator.study.whatif",
    "worst": "simulator.study.worst",
}

__all__ = [
    "Demands",
    "InputError",
    "Network",
    "Problem",
    "Results",
    "Routes",
    "Scenario",
    "SimulatorError",
    "availability",
    "bill",
    "compare",
    "diff",
    "export",
    "failures",
    "gravity",
    "headroom",
    "link_loads",
    "load",
    "load_demands",
    "load_network",
    "load_recording",
    "plan",
    "plot_map",
    "report",
    "route",
    "run",
    "sensitivity",
    "sweep",
    "value",
    "verify",
    "what_if",
    "worst",
]


_GIVE_RESULTS = {"Results", "run", "what_if"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        from simulator.base.errors import did_you_mean

        near = "" if name.startswith("_") else did_you_mean(name, __all__)
        raise AttributeError(f"module 'simulator' has no attribute {name!r}{near}")
    if name in _GIVE_RESULTS:
        importlib.import_module("simulator.figures.plotter")  # hangs the pictures on Results
    module, _, known_there_as = _HOMES[name].partition(":")
    value = getattr(importlib.import_module(module), known_there_as or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Face(ModuleType):
    """The package, in which the module ``simulator.run`` does not hide the function ``run``."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
