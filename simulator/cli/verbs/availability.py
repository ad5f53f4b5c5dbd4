"""availability: for how much of the time each level of service is met."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-availability if left out.")
@set_option("Change the scenario.")
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="LEVEL",
    help="'95 %', 'region-japan 10 Gbps 99.9 %', 'A>B p95 40 ms'; may be given again.",
)
@click.option(
    "--of",
    metavar="KINDS",
    help="What fails: cables (where there are any), exits, gateways, overseas, links, nodes.",
)
@click.option(
    "--method",
    metavar="WORD",
    default="auto",
    help="States with their probability (listed), years (simulated), moments (sampled), or auto.",
)
@click.option("--years", type=click.IntRange(min=2), metavar="N", default=2000, help="2000.")
@click.option("--samples", type=click.IntRange(min=100), metavar="N", default=20000, help="20000.")
@click.option(
    "--moments",
    type=click.IntRange(min=1),
    metavar="N",
    default=4,
    help="Moments of the first day, evenly spaced, that traffic is looked at; 4 if left out.",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    levels: tuple[str, ...],
    of: str | None,
    method: str,
    years: int,
    samples: int,
    moments: int,
) -> None:
    r"""Say how much of the time each level of service is met.

    Elements fail and are repaired independently, as reliability of the topology or the scenario
    says. All strategies meet the same states. --replications and --worlds change nothing.

    \b
      simulator availability mini
      simulator availability china169-2017 --level "region-japan 60 Gbps 99.9 %"
      simulator availability mini --method simulated --years 5000
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.availability import availability
    from simulator.study.levels import DEFAULTS

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-availability", changes_too=False) as keywords:
        answer = availability(
            scenario,
            level=levels or DEFAULTS,
            of=of,
            method=method,
            years=years,
            samples=samples,
            moments=moments,
            out=keywords["out"],
            progress=keywords["progress"],
            force=keywords["force"],
            finish=finish_answer,
        )
    below = "All rows in {folder}availability.csv, the picture beside it"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
