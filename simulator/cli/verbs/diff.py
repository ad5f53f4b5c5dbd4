"""diff: what is different between two topologies, scenarios or results folders."""

from __future__ import annotations

import click

from simulator.cli.options import json_option, quiet_option
from simulator.cli.output import print_error, print_json, print_text


@click.command()
@click.argument("a")
@click.argument("b")
@json_option
@quiet_option
def verb(a: str, b: str, as_json: bool, quiet: bool) -> None:
    r"""Say what is different between A and B, in words and tables.

    Both are topologies, scenarios or results folders. Ends with 0 whether they differ or not; equal
    in --json says which.

    \b
      simulator diff china169-mini mine.yaml
      simulator diff results/upgrade-whatif/baseline results/upgrade-whatif/la-400g
    """
    from simulator.study.diff import diff, is_same

    answer = diff(a, b, warn=(lambda problem: None) if quiet else print_error)
    if as_json:
        print_json({"equal": is_same(answer), **answer.to_json()})
    elif not quiet:
        print_text(str(answer))
