"""sensitivity: which of the things that are not known moves the answer most."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-sensitivity if left out.")
@set_option("Change the scenario.")
@click.option(
    "--of",
    metavar="METRIC[:SCOPE]",
    default="",
    help="The answer, such as headroom or loss_fraction:international; the exit peak if left out.",
)
def verb(options: RunOptions, sets: tuple[str, ...], of: str) -> None:
    r"""Say which assumption moves the answer of SCENARIO most.

    What is not known stands under uncertainty, in the scenario and its topology. Each assumption is
    varied alone, and then all together, in two designs of --worlds worlds (0 for none; enough for
    the number of assumptions if left out). Every world has one day, or as many as --replications
    says.

    \b
      simulator sensitivity china169-2017
      simulator sensitivity china169-2017 --of headroom --worlds 96 --workers 2
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.sensitivity import sensitivity

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-sensitivity") as keywords:
        answer = sensitivity(
            scenario,
            of=of,
            worlds=options.worlds,
            days=options.replications or 1,
            **{**keywords, "finish": finish_answer},
        )
    below = "All figures in {folder}assumptions.csv and figures.csv"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
