"""bill: what transit costs so far in the running month, and at its end."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write a run of SCENARIO; results/NAME if left out.")
@set_option("Change the scenario.")
@click.option(
    "--at-h", type=float, metavar="H", help="Hours of the run to look at; all if left out."
)
def verb(options: RunOptions, sets: tuple[str, ...], at_h: float | None) -> None:
    r"""Say what the exits cost so far in the month, and at its end.

    SCENARIO may be the results folder of a run, which is not run again. Exits need a
    price_usd_per_mbps, and billing says how they are billed. The days to come are drawn from those
    seen.

    \b
      simulator bill mini --set 'exits.*.price_usd_per_mbps=0.5' --set horizon_h=96
    """
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.bill import bill

    if Path(options.scenario).is_dir():
        if sets or options.out or options.strategies:
            message = "a run that is finished takes no --set, --strategies or --out"
            raise click.UsageError(message)
        answer = bill(options.scenario, at_h=at_h)
    else:
        scenario = load_scenario(options, sets)
        with running(options, scenario) as keywords:
            answer = bill(scenario, at_h=at_h, **keywords)
    print_answer(answer, as_json=options.as_json, quiet=options.quiet)
