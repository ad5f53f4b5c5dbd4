"""Plan checked: what routing a plan has shown, resource by resource, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from simulator.base.text import counted, listed, short

SURE = 1e-6
"""How far above its limit a resource may be by rounding."""
EXITS, GATEWAYS, ABROAD, BACKBONE = "exits", "gateways", "links abroad", "backbone"
"""What is looked at; gateways are the links into them from the backbone."""
RESOURCES = (EXITS, GATEWAYS, ABROAD, BACKBONE)


class Fullest(NamedTuple):
    """The fullest link of a resource.

    Attributes
    ----------
    utilisation, limit : float
    at : str
        Where and when, in words.
    """

    utilisation: float
    limit: float
    at: str

    @property
    def holds(self) -> bool:
        """Whether it is within its limit."""
        return self.utilisation <= self.limit + SURE


@dataclass(eq=False)
class Checked:
    """What routing the plan has shown.

    Attributes
    ----------
    resources : dict of str to Fullest
        The fullest of each of `RESOURCES`, in any case.
    why : str
        What does not hold, if anything.
    routed, states : int
        Cases that were routed: states of the network in all periods, each with some demands.
    late_gbps : float
        Most traffic of a case whose way is longer than the limit on latency.
    """

    resources: dict[str, Fullest] = field(default_factory=dict)
    why: str = ""
    routed: int = 0
    states: int = 0
    late_gbps: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether all that the plan is for holds: everything but the backbone."""
        rest = (each.holds for name, each in self.resources.items() if name != BACKBONE)
        return not self.why and not self.late_gbps > SURE and all(rest)

    @property
    def verdict(self) -> str:
        """``yes``; ``exits`` where the backbone, which is not planned, is too full; ``no``."""
        if not self.holds:
            return "no"
        whole = self.resources.get(BACKBONE)
        return "yes" if whole is None or whole.holds else "exits"

    def add(self, name: str, found: Fullest) -> None:
        """Keep the fullest."""
        known = self.resources.get(name)
        if known is None or found.utilisation > known.utilisation:
            self.resources[name] = found

    def fails(self, why: str) -> None:
        """Keep the first that does not hold."""
        self.why = self.why or why


def verified_words(checks: pd.DataFrame, fixed: Mapping[str, bool]) -> list[str]:
    """Say over what plans were verified, and how full everything got.

    Parameters
    ----------
    checks : DataFrame
        The table ``plan_checks``.
    fixed : mapping of str to bool
        By strategy, whether some of its routes do not follow traffic.
    """
    lines = []
    for name, rows in checks.groupby("strategy", sort=False):
        full = [f"{r['resource']} {100 * r['utilisation']:.1f} %" for r in rows.to_dict("records")]
        every = "; all but the backbone for all demands of the set" if fixed[str(name)] else ""
        lines.append(f"{short(str(name))} in {_cases(rows)}{every}: {listed(full)} at most")
    if not lines:
        return []
    return [
        "Verified by routing the worst demands of both directions at once, with the traffic at home"
        f" at its busiest hour: {'; '.join(lines)}. The backbone is not planned: where it alone is"
        " above 100 %, exits are verified with one that is wide enough."
    ]


def _cases(rows: pd.DataFrame) -> str:
    states, cases = int(rows["states"].iloc[0]), int(rows["cases"].iloc[0])
    return (
        f"{counted(cases, 'case')} ({counted(states, 'state')} of the network and periods,"
        f" {cases / states:.1f} demands in each)"
    )
