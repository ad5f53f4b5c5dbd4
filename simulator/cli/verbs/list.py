"""list: what there is of everything that a file or an option names, one line each."""

from __future__ import annotations

from pkgutil import resolve_name

import click

from simulator.cli.options import json_option
from simulator.cli.output import print_json, print_text

NOUNS: dict[str, dict[str, str]] = {
    "scenarios": {"": f"{__name__}:scenarios"},
    "topologies": {"": f"{__name__}:topologies"},
    "schemes": {"": "simulator.routing.scheme:scheme.describe"},
    "shapes": {"": "simulator.traffic.traffic:shape.describe"},
    "matrices": {"": "simulator.traffic.traffic:matrix.describe"},
    "traffic": {
        "matrix": "simulator.traffic.traffic:matrix.describe",
        "shape": "simulator.traffic.traffic:shape.describe",
    },
    "formats": {
        "topology": "simulator.formats.format:topology_format.describe",
        "demands": "simulator.formats.matrices.demand_format:demand_format.describe",
    },
    "assumptions": {"": "simulator.uncertainty.assumption:assumption.describe"},
    "laws": {"": "simulator.uncertainty.law:law.describe"},
    "engines": {"": "simulator.engines.engine:engine.describe"},
    "queues": {"": "simulator.queues.queue:queue.describe"},
    "predictors": {"": "simulator.control.predictors.predictor:predictor.describe"},
    "carriers": {"": "simulator.control.carriers.carrier:carrier.describe"},
    "exports": {"": "simulator.export.forms.form:form.describe"},
    "controls": {"": "simulator.control.kinds.control:control.describe"},
    "faults": {"": "simulator.model.faults:fault.describe"},
    "metrics": {"": "simulator.results.metrics:metric.describe"},
    "tables": {"": "simulator.results.tables:describe"},
    "figures": {"": "simulator.figures.figure:figure.describe"},
}
"""Noun -> where its lines come from: kind, if there are several, -> function of a module."""


def scenarios() -> list[tuple[str, str]]:
    """Return the name and the title of every built-in scenario."""
    from simulator.base import library
    from simulator.base.document import read_yaml

    files = {name: library.find("scenarios", name) for name in library.names("scenarios")}
    return [(name, str(read_yaml(file).data.get("title", ""))) for name, file in files.items()]


def topologies() -> list[tuple[str, str]]:
    """Return the name and the title of every built-in topology."""
    from simulator.cli.topology import built_in

    return [(each.name, each.title) for each in built_in()]


@click.command(
    help=f"List what there is, one line each.\n\nWHAT is one of: {', '.join(NOUNS)}.",
)
@click.argument("what", type=click.Choice(tuple(NOUNS)), metavar="WHAT")
@json_option
def verb(what: str, as_json: bool) -> None:
    """Print a line for each."""
    from simulator.base.text import columns, padded, plain

    rows = [
        (name, plain(f"{kind}: {text}" if kind else text).replace("``", ""))
        for kind, place in NOUNS[what].items()
        for name, text in resolve_name(place)()
    ]
    if as_json:
        print_json([{"name": name, "description": text} for name, text in rows])
        return
    wide = max((columns(name) for name, _ in rows), default=0)
    print_text("\n".join(f"{padded(name, wide)}  {text}".rstrip() for name, text in rows))
