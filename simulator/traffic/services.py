"""Services: kinds of traffic such as video, beside the classes, which follow from its ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from simulator.base.schema import Fraction, NonNegativeInt, checked
from simulator.model.demands import Demands, TrafficClass
from simulator.model.link_state import QosPolicy
from simulator.traffic.traffic import shape as shapes_known

_ROUNDING = 1e-9


@checked
class Service:
    """A part of the traffic that is one thing: video, web, cloud, bulk.

    Attributes
    ----------
    share : float or mapping of str to float
        Share of every demand, or of those of each traffic class (``{domestic: 0.4}``); classes left
        out have none. The shares of all services add up to 1.
    priority : int
        Strict priority at every link: a full direction carries lower numbers first, from 0.
    elastic : bool
        Senders slow down to their fair part of what is left rather than lose; what they do not send
        is deferred.
    shapes : tuple of Shape
        Multiply the traffic of this service alone, after those of all traffic.
    """

    share: Fraction | dict[TrafficClass, Fraction]
    priority: NonNegativeInt = 0
    elastic: bool = False
    shapes: tuple[Annotated[Any, shapes_known.choice], ...] = ()

    def share_of(self, traffic_class: str) -> float:
        """Share of the demands of a class."""
        if isinstance(self.share, dict):
            return self.share.get(traffic_class, 0.0)  # type: ignore[call-overload]
        return self.share


def uneven(demands: Demands, services: Mapping[str, Service]) -> Iterator[tuple[str, float]]:
    """Yield the traffic classes that have demands, but no shares that add up to 1, and the sum."""
    for name in sorted(set(demands.traffic_class)):
        total = sum(service.share_of(name) for service in services.values())
        if abs(total - 1.0) > _ROUNDING:
            yield name, total


def parted(demands: Demands, services: Mapping[str, Service]) -> tuple[Demands, np.ndarray]:
    """Part every demand by service.

    Services come in the order of their names, so that the order in a file changes nothing.

    Parameters
    ----------
    demands : Demands
        Without services.
    services : mapping of str to Service

    Returns
    -------
    parts : Demands
        A demand for every service with a share above zero, by demand, then by service.
    part_of : ndarray of int
        Position of the demand that each is a part of.
    """
    names = sorted(services)
    classes, of = np.unique(demands.traffic_class.astype(str), return_inverse=True)
    table = np.array([[services[name].share_of(str(c)) for name in names] for c in classes])
    share = table[of]
    part_of, which = np.nonzero(share > 0)
    parts = demands.take(part_of).times(share[part_of, which])
    return replace(parts, service=np.array(names, dtype=object)[which]), part_of


def qos(demands: Demands, services: Mapping[str, Service]) -> QosPolicy:
    """Return how demands with services share full links."""
    assert demands.service is not None
    mine = [services[name] for name in demands.service]
    return QosPolicy(
        np.array([service.priority for service in mine], dtype=np.int64),
        np.array([service.elastic for service in mine], dtype=float),
    )
