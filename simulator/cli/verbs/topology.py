"""topology: built-in networks, what a network adds up to, and one format turned into another."""

from __future__ import annotations

import click

from simulator.cli.options import any_size_option, json_option, quiet_option, width_option
from simulator.cli.output import print_error, print_json, print_text

READ = "Read a file of any size."


@click.group()
def verb() -> None:
    """List, inspect, draw and convert networks."""


@verb.command(name="list", short_help="List the built-in topologies.")
@json_option
def list_(as_json: bool) -> None:
    """List the built-in topologies, and say what else may be given."""
    from simulator.cli.topology import built_in
    from simulator.cli.topology_text import list_text

    listed = built_in()
    if as_json:
        print_json([each._asdict() for each in listed])
    else:
        print_text(list_text(listed))


@verb.command(short_help="Show what a topology adds up to.")
@click.argument("name_or_file")
@click.option("--plot", "picture", metavar="FILE", help="Draw a map as well; .png, .svg or .pdf.")
@width_option
@any_size_option(READ)
@json_option
def show(name_or_file: str, picture: str | None, width: str, any_size: bool, as_json: bool) -> None:
    r"""Show what a topology adds up to, how it holds together, and how it was read.

    \b
      simulator topology show china169-mini --plot map.png
    """
    from simulator.base import bounds
    from simulator.cli.topology import draw, read, show_json
    from simulator.cli.topology_text import show_text

    with bounds.any_size(any_size):
        network, warnings = read(name_or_file)
    drawn = draw(network, picture, width) if picture is not None else None
    if as_json:
        print_json({**show_json(network, warnings, name_or_file), "map": drawn})
    else:
        text = show_text(network, warnings, name_or_file)
        print_text(text + (f"\n\nMap in {drawn}" if drawn else ""))


@verb.command(short_help="Write a topology in another format.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--force", is_flag=True, help="Replace what stands at OUT.")
@any_size_option(READ)
@quiet_option
def convert(source: str, target: str, force: bool, any_size: bool, quiet: bool) -> None:
    r"""Write the topology IN to OUT, in the format that the ending of OUT names.

    IN is a file, a folder of tables or a built-in name; a slash at the end of OUT asks for a
    folder of tables. What the format of OUT cannot hold is printed as a warning.

    \b
      simulator topology convert china169-mini mini.graphml
    """
    from simulator.base import bounds
    from simulator.cli.topology import convert

    with bounds.any_size(any_size):
        made = convert(source, target, force=force)
    if not quiet:
        for warning in (*made.warnings, *(f"{target}: warning: {text}" for text in made.lost)):
            print_error(warning)
        nodes, links = len(made.network.nodes), len(made.network.links)
        print_text(f"{target}: {nodes:,} nodes, {links:,} links")
