"""whatif: a scenario as it stands against the same scenario, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer, print_error

if TYPE_CHECKING:
    from simulator.study.answer import Answer


@click.command()
@run_options("Folder to write; results/NAME-whatif if left out.")
@set_option("Change the scenario, the baseline and all that is compared with it.")
@click.option(
    "--change",
    "named",
    multiple=True,
    metavar='"NAME: KEY=VALUE, ..."',
    help="A change with a name; give several to compare them.",
)
@click.option("--exits", is_flag=True, help="Show every exit as well, most changed first.")
def verb(options: RunOptions, sets: tuple[str, ...], named: tuple[str, ...], exits: bool) -> None:
    r"""Compare SCENARIO as it stands with SCENARIO changed.

    Both run under the same traffic, so that differences are paired. Without --change the changes
    are those that the scenario lists under what_if. What all columns share is for --set: seed,
    replications, horizon_h, start, end, step_s.

    \b
      simulator whatif mini --change "LA +20G: links.beijing-la.capacity_gbps=+20" \
                            --change "a year on: demands.international=x1.3" \
                            --set replications=5
    """
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario, parse_changes
    from simulator.study.whatif import what_if

    changes = parse_changes(named)
    scenario = load_scenario(options, sets)
    warn = None if options.quiet else print_error
    with running(options, scenario, "-whatif", changes_too=False) as keywords:
        answer = what_if(
            scenario, changes or None, warn=warn, exits=exits, picture=_draw, **keywords
        )
    below = "Results in {folder}, all figures in {folder}whatif.csv, the picture in changes.png"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)


def _draw(answer: Answer) -> None:
    from simulator.cli.pictures import finish_answer

    finish_answer(answer, "changes")
