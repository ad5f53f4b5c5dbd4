"""headroom: how much growth fits, when each exit runs out, and what SDN is worth."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-headroom if left out.")
@set_option("Change the scenario.")
@click.option(
    "--target", type=float, metavar="U", help="Utilisation of an exit; the scenario's if left out."
)
@click.option(
    "--of",
    metavar="TRAFFIC",
    default="international",
    help="What the factor is on: international, domestic, all, international_out,"
    " international_in or region:ID.",
)
@click.option("--until", metavar="DATE", help="Last day looked at, or years; 30 if left out.")
@click.option(
    "--growth",
    type=click.FloatRange(min=-1, min_open=True),
    metavar="RATE",
    help="Growth of all traffic in a year, 0.25 for 25 %, in place of the scenario's.",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    target: float | None,
    of: str,
    until: str | None,
    growth: float | None,
) -> None:
    r"""Say how much growth fits, and when each exit runs out.

    Growth is what the scenario states by a shape growth, or 24.5 % a year, which is told. Ranges
    are over --worlds draws of what is not known, or between the ends of the growth. Each world has
    one day, or as many as --replications says; what holds, holds on all of them.

    \b
      simulator headroom mini
      simulator headroom mini --target 0.7 --of region:pop-tokyo --until 2030-12-31
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.headroom import headroom

    days = options.replications or 1
    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-headroom", changes_too=False) as keywords:
        answer = headroom(
            scenario,
            target=target,
            of=of,
            until=until,
            growth_per_year=growth,
            worlds=options.worlds,
            days=days,
            **{**keywords, "finish": finish_answer},
        )
    below = "All dates in {folder}run_out.csv, the picture in run_out.png"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
