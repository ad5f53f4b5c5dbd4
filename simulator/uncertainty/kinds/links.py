"""Links: their capacities, delays and routing weights, each with a factor of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption, factor_problems
from simulator.uncertainty.selection import by_arc, kept_total, links_of, no_link, with_factors

_WORDS = {
    "capacity_gbps": "capacity",
    "delay_ms": "delay",
    "metric": "metric",
    "price_usd_per_mbps": "price",
}


@assumption("links")
class Links(Assumption):
    """A factor on an attribute of every link of a selection, the same in both directions.

    Attributes
    ----------
    links : list of str
        Classes, ids, or patterns such as ``sh-*``.
    attribute : str
        ``capacity_gbps``, ``delay_ms`` (metrics stay), ``metric`` or ``price_usd_per_mbps``, of
        the links that have one.
    keep_total : bool
        Scale the values to their old sum: the split is unknown, and the sum is published.
    law : Law
        Of the factor on each.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    links: Annotated[tuple[Name, ...], Field(min_length=1)]
    attribute: Literal["capacity_gbps", "delay_ms", "metric", "price_usd_per_mbps"]
    keep_total: bool = False
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law and the selection."""
        yield from factor_problems(self.law)
        yield from no_link(network, self.links, "links")

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the ids of the links."""
        return [network.links[i] for i in self._chosen(network)]

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network with other values of the attribute."""
        chosen = self._chosen(network)
        before = self._values(network, chosen)
        factors = kept_total(before, values) if self.keep_total else values
        if self.attribute != "price_usd_per_mbps":
            return with_factors(network, chosen, self.attribute, factors)
        after = (before * factors).tolist()
        return network.with_links(
            {network.links[i]: {self.attribute: v} for i, v in zip(chosen, after, strict=True)}
        )

    def _chosen(self, network: Network) -> np.ndarray:
        """Return the positions of the links; of those with a price, where that is asked for."""
        chosen = links_of(network, self.links)
        if self.attribute != "price_usd_per_mbps":
            return chosen
        priced = [_price(network, network.links[i]) is not None for i in chosen]
        return chosen[np.array(priced, dtype=bool)]

    def _values(self, network: Network, chosen: np.ndarray) -> np.ndarray:
        """Return the attribute as it stands, shape (links,); from a to b if directed."""
        if self.attribute == "price_usd_per_mbps":
            return np.array([_price(network, network.links[i]) for i in chosen], dtype=float)
        return np.asarray(by_arc(network, self.attribute)[2 * chosen])

    def what(self) -> str:
        """Return what the values are."""
        kept = ", the sum stays" if self.keep_total else ""
        return f"factor on the {_WORDS[self.attribute]} of each of {', '.join(self.links)}{kept}"


def _price(network: Network, link: str) -> float | None:
    return network.attributes(link).get("price_usd_per_mbps")
