"""ExaBGP: a controller's sessions, and the lines that a feeder gives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from typing import Literal

from simulator.export.addresses import AS, CONTROLLER, AddressPlan
from simulator.export.bgp import BYTES_A_PER_CENT, HOLD_S, PREFERENCE, WEIGHTS, unequal
from simulator.export.forms.form import (
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

_FEEDER = """\
#!/bin/sh
# Gives ExaBGP the lines of decisions.txt, each part when its time has come, and then stays.
# The first part is given when sessions have had time to come up: FEED_AFTER seconds, 3 if unset.
sleep "${FEED_AFTER:-3}"
while IFS= read -r line; do
    case "$line" in
        "# wait "*) sleep "${line#\\# wait }" ;;
        "#"* | "") ;;
        *) printf '%s\\n' "$line" ;;
    esac
done < "$(dirname "$0")/decisions.txt"
while :; do sleep 3600; done
"""


@form("exabgp")
class Exabgp(Form):
    """ExaBGP 4: a configuration of sessions, and announcements for its feeder.

    One session for each province. Paths of a prefix are told apart by path identifiers (add-path,
    RFC 7911), and weighed by the link bandwidth community.

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
        """Return how weights and the end of the feeder are dealt with."""
        return (
            WEIGHTS,
            "Routes stay for ever if the feeder ends and ExaBGP does not: exabgp.api.terminate=true"
            " ends both.",
        )

    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return the configuration, the lines and the feeder."""
        return {
            "exabgp.conf": text_of(_configuration(exporting)),
            "decisions.txt": text_of(_decisions(exporting)),
            "feed.sh": _FEEDER,
        }


def _configuration(exporting: Exporting) -> Iterator[str]:
    plan = exporting.plan
    yield from exporting.comments("#", "Start: exabgp.api.terminate=true exabgp exabgp.conf")
    yield from ("process decisions {", "    run feed.sh;", "    encoder text;", "}")
    for source in exporting.sources:
        yield f"# {comment(source)}"
        yield f"neighbor {plan.loopbacks[source]} {{"
        yield f"    router-id {CONTROLLER};"
        yield f"    local-address {CONTROLLER};"
        yield f"    local-as {AS};"
        yield f"    peer-as {AS};"
        yield f"    hold-time {HOLD_S};"
        yield "    family { ipv4 unicast; }"
        yield "    capability { add-path send/receive; }"
        yield "    api { processes [ decisions ]; }"
        yield "}"


def _decisions(exporting: Exporting) -> Iterator[str]:
    yield from exporting.comments("#")
    for step, wait_s in waits(exporting.steps):
        yield f"# {mark_of(step)}"
        if exporting.is_day and wait_s > 0:
            yield f"# wait {wait_s:.3f}"
        for change in step.changes:
            yield f"# {comment(change.source)} to {comment(change.target)}"
            for prefix in exporting.targets(change):
                yield from lines_of(change, prefix, exporting.plan)


def lines_of(change: Change, prefix: str, plan: AddressPlan) -> Iterator[str]:
    """Yield the announcements and withdrawals of one change for one prefix, new paths first."""
    neighbor = f"neighbor {plan.loopbacks[change.source]}"
    for name, percent in change.announced():
        yield (
            f"{neighbor} announce route {prefix} {_path(name, plan)} local-preference {PREFERENCE}"
            f" extended-community [ bandwidth:{AS}:{percent * BYTES_A_PER_CENT} ]"
        )
    for name in change.withdrawn():
        yield f"{neighbor} withdraw route {prefix} {_path(name, plan)}"


def _path(name: str, plan: AddressPlan) -> str:
    return f"next-hop {plan.next_hops[name]} path-information {IPv4Address(plan.path_ids[name])}"
