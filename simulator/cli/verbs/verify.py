"""verify: static routing and decisions on real routers, compared with the model."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import RUN_TIME_FAILURE, print_answer


@click.command(short_help="Replay a scenario on real routers here, and compare.")
@run_options("Folder to write; results/NAME-verify if left out.")
@set_option("Change the scenario.")
@click.option("--on", metavar="ROUTERS", required=True, help="What the routers are: frr.")
@click.option(
    "--strategy",
    metavar="NAME",
    help="Whose decisions; the first that decides outbound traffic if left out.",
)
@click.option(
    "--cycles",
    type=click.IntRange(min=1),
    metavar="N",
    default=96,
    help="The last N cycles of the run; 96 if left out.",
)
@click.option(
    "--flows",
    type=click.IntRange(min=0),
    metavar="N",
    default=4000,
    help="Flows counted in every eighth cycle and at failures; 4000 if left out, 0 for none.",
)
@click.option(
    "--parts",
    metavar="WORDS",
    help="Of static,cycles,failures,deaths,hops,inbound; all that the scenario has if left out.",
)
@click.pass_context
def verb(
    ctx: click.Context,
    options: RunOptions,
    sets: tuple[str, ...],
    on: str,
    strategy: str | None,
    cycles: int,
    flows: int,
    parts: str | None,
) -> None:
    r"""Replay SCENARIO on real routers on this machine, and compare them with the model.

    A router with FRR for every node, in network namespaces, and ExaBGP as the controller. Needs
    Linux and root; what is missing is said. All is removed at the end. The exit code is 1 if
    anything is not as simulated. --replications and --worlds change nothing.

    \b
      simulator verify mini --on frr
      simulator verify tpe-cut --on frr --cycles 96 --set events[0].at_h=20.5
      simulator verify guangdong-hong-kong-cut --on frr --parts cycles,failures
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.verify.verify import differs, verify

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-verify", changes_too=False) as keywords:
        answer = verify(
            scenario,
            on=on,
            strategy=strategy,
            cycles=cycles,
            flows=flows,
            parts=parts,
            out=keywords["out"],
            progress=keywords["progress"],
            force=keywords["force"],
            finish=finish_answer,
        )
    below = "All rows in {folder}, checks.csv first"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
    if differs(answer):
        ctx.exit(RUN_TIME_FAILURE)
