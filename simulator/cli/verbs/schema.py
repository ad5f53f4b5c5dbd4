"""schema: the JSON Schema of a file, by which an editor checks and completes it."""

from __future__ import annotations

import json
from pkgutil import resolve_name

import click

from simulator.cli.output import print_text

ROOTS = {
    "scenario": "simulator.scenario.settings:Settings",
    "topology": "simulator.formats.rules.entries:TopologyFile",
}


@click.command(short_help="Print the JSON Schema of a file, for editors.")
@click.argument("what", type=click.Choice(tuple(ROOTS)))
def verb(what: str) -> None:
    r"""Print the JSON Schema by which an editor checks and completes a file.

    \b
      simulator schema scenario > scenario.schema.json
      # yaml-language-server: $schema=scenario.schema.json    (first line of your YAML file)
    """
    from simulator.base.schema import json_schema

    title = f"{what.capitalize()} of the telecom network capacity simulator"
    made = json_schema(resolve_name(ROOTS[what]), title)
    use = (
        f"To use it in an editor, save it as {what}.schema.json and put"
        f" '# yaml-language-server: $schema={what}.schema.json' on the first line of your file."
    )
    made["description"] = f"{made.get('description', '')} {use}".strip()
    first = ("$schema", "title", "description")
    print_text(json.dumps({**{key: made[key] for key in first}, **made}, indent=2))
