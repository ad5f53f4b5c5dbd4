"""Split: how traffic is divided over regions, provinces or directions, its total being known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption, factor_problems
from simulator.uncertainty.selection import group_of, kept_total, mask_of


@assumption("split")
class Split(Assumption):
    """A factor on the share of every region, province or direction; the total stays.

    Shares are multiplied, each by a factor of its own, and scaled to their old sum.

    Attributes
    ----------
    demands : str
        ``all``, ``international`` or a class.
    by : str
        ``region``: the end abroad. ``province``: the end at home, of domestic traffic the source.
        ``class``: outbound against inbound.
    law : Law
        Of the factor on each share.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    demands: Literal["all", "international", "domestic", "international_out",
                        "international_in", "transit"] = "international"  # fmt: skip
    by: Literal["region", "province", "class"]
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law."""
        return factor_problems(self.law)

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the names of the regions, provinces or classes that there are."""
        mine = mask_of(demands, self.demands)
        return sorted(set(group_of(network, demands, self.by)[mine].tolist()))

    def demands_under(self, network: Network, demands: Demands, values: np.ndarray) -> Demands:
        """Return the demands under other shares."""
        mine = np.flatnonzero(mask_of(demands, self.demands))
        names = self.members(network, demands)
        group = np.searchsorted(names, group_of(network, demands, self.by)[mine])
        factors = np.ones(len(demands))
        factors[mine] = kept_total(demands.gbps[mine], values[group])
        return demands.times(factors)

    def what(self) -> str:
        """Return what the values are."""
        return f"factor on the share of each {self.by}"
