"""value: what one Gbps more of each exit, link and cable is worth."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-value if left out.")
@set_option("Change the scenario.")
@click.option(
    "--by",
    metavar="FIGURE",
    default="mlu",
    help="What to rank by: mlu, latency or headroom.",
)
@click.option(
    "--target", type=float, metavar="U", help="Utilisation of an exit; the scenario's if left out."
)
@click.option(
    "--instants",
    type=click.IntRange(min=1),
    metavar="N",
    default=24,
    help="Moments, evenly spaced, that the mean latency is over; 24 if left out.",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    by: str,
    target: float | None,
    instants: int,
) -> None:
    r"""Say what a Gbps more of each exit, link and cable is worth.

    To the fullest link, the mean latency and headroom, for every strategy: by the prices of its
    program, or by routing twice where it has none. Both sides are told where an optimum has a kink.
    The first day of the world as stated is looked at: --worlds and --replications change nothing.

    \b
      simulator value mini
      simulator value mini --by headroom --target 0.7 --strategies igp,sdn-ideal
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.value import value

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-value", changes_too=False) as keywords:
        answer = value(
            scenario,
            by=by,
            target=target,
            instants=instants,
            **{**keywords, "finish": finish_answer},
        )
    below = "All rows in {folder}value.csv, the picture in value_bars.png"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
