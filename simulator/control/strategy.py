"""Strategies: a scheme, and the control that runs it."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from simulator.base.schema import checked
from simulator.control.kinds.control import control as controls
from simulator.control.kinds.loop import Loop
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.routing.scheme import Scheme
from simulator.routing.scheme import scheme as schemes

_LEFT_OUT = Loop()
"""Stands for a control that is left out; compared by identity, as an equal one may be given."""


@checked
class Strategy:
    """One way of running the network: a scheme and its control.

    Attributes
    ----------
    scheme : Scheme
        How routes are made.
    control : Control
        When routes are made and on what information: a control loop, which is static without
        ``every_s``. When left out, the scheme chooses: static, or perfect information.
    fallback : Scheme
        Static routes for traffic that is not steered, and after a withdrawal; the scheme of the
        first static strategy of the scenario when left out.
    bound : bool
        Whether it does what nobody can, such as moving inbound traffic at will: a yardstick, which
        answers show beside the others and never name as the best of them.
    """

    scheme: Annotated[Any, schemes.choice]
    control: Annotated[Any, controls.choice] = _LEFT_OUT
    fallback: Annotated[Any, schemes.choice] | None = None
    bound: bool = False

    def __post_init__(self) -> None:
        if self.control is _LEFT_OUT:
            object.__setattr__(self, "control", controls.make(self.scheme.default_control))

    @property
    def perfect_information(self) -> bool:
        """Whether routes follow the true traffic of every moment: a bound, not a controller."""
        return bool(self.control.perfect_information)

    @property
    def has_controller(self) -> bool:
        """Whether a controller measures, decides and installs."""
        return bool(self.control.has_controller)

    @property
    def is_static(self) -> bool:
        """Whether routes never follow traffic."""
        return not self.has_controller and not self.perfect_information

    @property
    def static_scheme(self) -> Scheme:
        """Makes the static routes: the scheme itself where no controller steers above them."""
        return self.fallback if self.has_controller and self.fallback else self.scheme

    def steered(self, network: Network, demands: Demands) -> np.ndarray:
        """Return positions of the demands that the controller reaches, all or in part."""
        return np.asarray(self.control.steered(network, demands))

    @property
    def steered_share(self) -> float:
        """Share of each of these demands that is steered."""
        return float(self.control.steered_share)
