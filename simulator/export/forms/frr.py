"""FRR: static routing of every router, and decisions of provinces by policy routing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.export.forms.form import (
    Exporting,
    Form,
    form,
    mark_of,
    text_of,
    too_many_paths,
)
from simulator.export.frr_router import frr_conf, wrong_for_isis
from simulator.export.names import comment
from simulator.export.steps import Change

MAP = "DECISIONS"
USERS = "users"
"""Interface of a province at which traffic of its users comes in."""
MOST_RULES = 700
"""Sequence numbers that a policy map of FRR has."""


@form("frr")
class Frr(Form):
    """FRR 8: IS-IS and BGP of every router, and decisions as policy routing of provinces.

    Static routes of FRR have no weights, so decisions are groups of next hops with weights, which
    policy routing chooses by destination for what comes in at the interface ``users``.
    """

    def refusals(self, exporting: Exporting) -> Iterable[str]:
        """Return what IS-IS and policy routing cannot carry."""
        found = [*too_many_paths(exporting), *wrong_for_isis(exporting.plan.network)]
        if (rules := len(_sequence(exporting))) > MOST_RULES:
            found.append(f"{rules:,} prefixes; a policy map of FRR has {MOST_RULES} rules")
        return found

    def limits(self) -> tuple[str, ...]:
        """Return what policy routing leaves alone."""
        return (
            f"Policy routing takes what comes in at the interface {USERS!r}, and not what the"
            " router sends itself.",
        )

    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return a folder for each router."""
        plan, found = exporting.plan, {}
        for node in sorted(plan.network.nodes):
            head = [*exporting.head, comment(node)]
            found[f"{plan.hostnames[node]}/frr.conf"] = frr_conf(plan, node, head)
        for source in exporting.sources:
            name = f"{plan.hostnames[source]}/decisions.conf"
            found[name] = text_of(_decisions(exporting, source))
        return dict(sorted(found.items()))


def _sequence(exporting: Exporting) -> dict[str, int]:
    """Return the number of the rule of each prefix, from 1: the same at every province."""
    plan = exporting.plan
    prefixes = [str(each.prefix) for region in plan.regions for each in plan.prefixes[region]]
    return {prefix: i for i, prefix in enumerate(prefixes, 1)}


def _decisions(exporting: Exporting, source: str) -> Iterator[str]:
    """Yield commands; of a day each part is for its time."""
    yield from exporting.comments("!", comment(source))
    sequence, versions = _sequence(exporting), dict[str, int]()
    for step, changes in exporting.changes_of(source):
        yield f"! {mark_of(step)}"
        for change in changes:
            yield f"! {comment(change.target)}"
            for prefix in exporting.targets(change):
                versions[prefix] = versions.get(prefix, 0) + 1
                yield from _rule(exporting, change, prefix, sequence[prefix], versions[prefix])
    yield f"interface {USERS}"
    yield f" pbr-policy {MAP}"
    yield "exit"


def _rule(
    exporting: Exporting, change: Change, prefix: str, number: int, version: int
) -> Iterator[str]:
    """Yield the rule of one prefix: with a new group of next hops, before the old one goes."""
    hops = exporting.plan.next_hops
    if change.after:
        yield f"nexthop-group D{number}v{version}"
        for name in sorted(change.after):
            yield f" nexthop {hops[name]} weight {change.after[name]}"
        yield "exit"
        yield f"pbr-map {MAP} seq {number}"
        yield f" match dst-ip {prefix}"
        yield f" set nexthop-group D{number}v{version}"
        yield "exit"
    else:
        yield f"no pbr-map {MAP} seq {number}"
    if change.before:
        yield f"no nexthop-group D{number}v{version - 1}"
