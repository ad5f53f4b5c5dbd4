"""BIRD: static routes with weights of a router itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.export.forms.form import Exporting, Form, form, mark_of, text_of, too_many_paths
from simulator.export.names import comment
from simulator.export.sheets import as_csv
from simulator.export.steps import Step, Ways

STEP_FILE = "at-{:012.3f}.conf"
"""Name of the decisions of a router from an instant on, in seconds from the start."""


@form("bird")
class Bird(Form):
    """BIRD 2: a configuration of each province's own router, with weighted static routes.

    Of a day there is a file of routes for each instant at which those of a router change: it goes
    in place of ``decisions.conf``, and ``birdc configure`` reads it.
    """

    def refusals(self, exporting: Exporting) -> Iterable[str]:
        """Return decisions with more exits than a route has next hops."""
        return too_many_paths(exporting)

    def limits(self) -> tuple[str, ...]:
        """Return where the decisions hold."""
        return (
            "Routes are of the router that reads them. BIRD that receives them by BGP would drop"
            " their weights.",
        )

    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return a folder for each province, and of a day the schedule."""
        found, schedule = {}, []
        for source in exporting.sources:
            name = exporting.plan.hostnames[source]
            found[f"{name}/bird.conf"] = text_of(_configuration(exporting, source))
            state: dict[str, Ways] = {}
            for i, (step, changes) in enumerate(exporting.changes_of(source)):
                state = {**state, **{each.target: each.after for each in changes}}
                file = "decisions.conf" if not i else STEP_FILE.format(step.time_s)
                found[f"{name}/{file}"] = text_of(_routes(exporting, source, step, state))
                schedule.append((step, f"{name}/{file}"))
        if exporting.is_day:
            found["schedule.csv"] = _schedule(schedule)
        return dict(sorted(found.items()))


def _configuration(exporting: Exporting, source: str) -> Iterator[str]:
    yield from exporting.comments("#", comment(source))
    yield f"router id {exporting.plan.loopbacks[source]};"
    yield "protocol device { }"
    yield "protocol direct { ipv4; }"
    yield "protocol kernel { ipv4 { export where source = RTS_STATIC; }; merge paths on; }"
    yield 'include "decisions.conf";'


def _routes(exporting: Exporting, source: str, step: Step, state: dict[str, Ways]) -> Iterator[str]:
    yield from exporting.comments("#", f"{comment(source)}, {mark_of(step)}")
    yield "protocol static decisions {"
    yield "    ipv4;"
    for target, ways in sorted(state.items()):
        if not ways:
            continue
        yield f"    # {comment(target)}"
        for each in exporting.plan.prefixes[target]:
            yield f"    route {each.prefix} {_hops(exporting, ways)};"
    yield "}"


def _hops(exporting: Exporting, ways: Ways) -> str:
    hops = exporting.plan.next_hops
    if len(ways) == 1:
        return f"via {hops[next(iter(ways))]}"
    return " ".join(f"via {hops[name]} weight {ways[name]}" for name in sorted(ways))


def _schedule(rows: list[tuple[Step, str]]) -> str:
    return as_csv(
        ("time_s", "time", "cycle", "file"),
        (
            (f"{step.time_s:.3f}", step.clock, step.cycle, file)
            for step, file in sorted(rows, key=lambda row: (row[0].time_s, row[1]))
        ),
    )
