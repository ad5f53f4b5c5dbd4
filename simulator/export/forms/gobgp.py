"""GoBGP: a daemon for each province, commands for its table, and a policy that sets weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from simulator.export.addresses import AS, CONTROLLER, AddressPlan
from simulator.export.bgp import BYTES_A_PER_CENT, HOLD_S, PREFERENCE, WEIGHTS, unequal
from simulator.export.forms.form import (
    MOST_PATHS,
    Exporting,
    Form,
    form,
    mark_of,
    text_of,
    too_many_paths,
    waits,
)
from simulator.export.names import comment
from simulator.export.steps import Change

FIRST_PORT = 50051
"""Port at which the daemon of the first province takes commands."""


@form("gobgp")
class Gobgp(Form):
    """GoBGP 3: a configuration and commands for each province.

    The table of a daemon goes to all of its neighbours, so that each province has a daemon of its
    own. The command line cannot set the link bandwidth community: commands set an ordinary
    community of the weight, which an export policy of 100 statements turns into it.

    Attributes
    ----------
    receiver : {"frr", "bird"}
        What the routers are. BIRD ignores weights that come by BGP, so that splits have to be
        equal.
    """

    receiver: Literal["frr", "bird"] = "frr"

    def refusals(self, exporting: Exporting) -> Iterable[str]:
        """Return splits that receivers cannot carry."""
        return [*too_many_paths(exporting), *unequal(exporting, self.receiver)]

    def limits(self) -> tuple[str, ...]:
        """Return how weights are dealt with."""
        return (WEIGHTS,)

    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return a folder for each province, and a script that starts all daemons."""
        names = exporting.plan.hostnames
        ports = {source: FIRST_PORT + i for i, source in enumerate(exporting.sources)}
        found = {"start.sh": text_of(_start(exporting, ports))}
        for source, port in ports.items():
            found[f"{names[source]}/gobgpd.toml"] = text_of(_configuration(exporting, source))
            found[f"{names[source]}/decisions.sh"] = text_of(_commands(exporting, source, port))
        return found


def _start(exporting: Exporting, ports: dict[str, int]) -> Iterator[str]:
    yield "#!/bin/sh"
    yield from exporting.comments("#", "Starts a daemon for each province; decisions.sh feeds it.")
    yield 'cd "$(dirname "$0")" || exit 1'
    for source, port in ports.items():
        name = exporting.plan.hostnames[source]
        yield f"gobgpd -f {name}/gobgpd.toml --api-hosts 127.0.0.1:{port} --pprof-disable &"
    yield "wait"


def _configuration(exporting: Exporting, source: str) -> Iterator[str]:
    plan = exporting.plan
    yield from exporting.comments("#", comment(source))
    yield from ("[global.config]", f"  as = {AS}", f'  router-id = "{CONTROLLER}"', "  port = -1")
    yield "[global.apply-policy.config]"
    yield '  export-policy-list = ["weights"]'
    yield '  default-export-policy = "accept-route"'
    yield "[[neighbors]]"
    yield "  [neighbors.config]"
    yield f'    neighbor-address = "{plan.loopbacks[source]}"'
    yield f"    peer-as = {AS}"
    yield "  [neighbors.transport.config]"
    yield f'    local-address = "{CONTROLLER}"'
    yield "  [neighbors.timers.config]"
    yield f"    hold-time = {HOLD_S}"
    yield f"    keepalive-interval = {HOLD_S // 3}"
    yield "    connect-retry = 2"
    yield "  [[neighbors.afi-safis]]"
    yield "    [neighbors.afi-safis.config]"
    yield '      afi-safi-name = "ipv4-unicast"'
    yield "    [neighbors.afi-safis.add-paths.config]"
    yield f"      send-max = {MOST_PATHS}"
    for percent in range(1, 101):
        yield "[[defined-sets.bgp-defined-sets.community-sets]]"
        yield f'  community-set-name = "w{percent}"'
        yield f'  community-list = ["^{AS}:{percent}$"]'
    yield "[[policy-definitions]]"
    yield '  name = "weights"'
    for percent in range(1, 101):
        yield from _statement(percent)


def _statement(percent: int) -> Iterator[str]:
    yield "  [[policy-definitions.statements]]"
    yield f'    name = "w{percent}"'
    yield "    [policy-definitions.statements.conditions.bgp-conditions.match-community-set]"
    yield f'      community-set = "w{percent}"'
    yield '      match-set-options = "any"'
    yield "    [policy-definitions.statements.actions]"
    yield '      route-disposition = "accept-route"'
    yield "    [policy-definitions.statements.actions.bgp-actions.set-ext-community]"
    yield '      options = "add"'
    yield (
        "      [policy-definitions.statements.actions.bgp-actions.set-ext-community"
        ".set-ext-community-method]"
    )
    yield f'        communities-list = ["lb:{AS}:{percent * BYTES_A_PER_CENT}"]'


def _commands(exporting: Exporting, source: str, port: int) -> Iterator[str]:
    yield "#!/bin/sh"
    yield from exporting.comments("#", comment(source))
    yield "set -e"
    mine = list(exporting.changes_of(source))
    changes = {step.time_s: those for step, those in mine}
    for step, wait_s in waits(step for step, _ in mine):
        yield f"# {mark_of(step)}"
        if exporting.is_day and wait_s > 0:
            yield f"sleep {wait_s:.3f}"
        for change in changes[step.time_s]:
            yield f"# {comment(change.target)}"
            for prefix in exporting.targets(change):
                yield from commands_of(change, prefix, exporting.plan, port)


def commands_of(change: Change, prefix: str, plan: AddressPlan, port: int) -> Iterator[str]:
    """Yield the commands of one change for one prefix, new paths first."""
    rib = f"gobgp -p {port} global rib"
    for name, percent in change.announced():
        yield (
            f"{rib} add {prefix} identifier {plan.path_ids[name]} nexthop {plan.next_hops[name]}"
            f" local-pref {PREFERENCE} community {AS}:{percent}"
        )
    for name in change.withdrawn():
        yield f"{rib} del {prefix} identifier {plan.path_ids[name]}"
