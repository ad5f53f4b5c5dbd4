"""worst: the failures and demands that hurt each strategy most, at a probability."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-worst if left out.")
@set_option("Change the scenario.")
@click.option(
    "--probability",
    "probabilities",
    type=float,
    multiple=True,
    metavar="P",
    help="What the failures are at least as likely as; 1e-4 if left out, may be given again.",
)
@click.option(
    "--meaning",
    metavar="WORD",
    default="all",
    help="Probability of all of them being down (all), or of exactly these (exactly).",
)
@click.option(
    "--of",
    metavar="KINDS",
    default="cables",
    help="What may fail: cables (if left out), exits, gateways, overseas; several as A,B.",
)
@click.option("--box", type=float, metavar="X", help="How far every demand may be off; 0.3.")
@click.option("--hose", type=float, metavar="X", help="Or: every end up to X times its sum.")
@click.option("--total", type=float, metavar="X", help="Most of a direction in its total; 1.1.")
@click.option(
    "--inbound",
    metavar="WORD",
    default="announced",
    help="Traffic that announcements move: between the two ends (announced), at will (steered), or"
    " not at all (static).",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    probabilities: tuple[float, ...],
    meaning: str,
    of: str,
    box: float | None,
    hose: float | None,
    total: float | None,
    inbound: str,
) -> None:
    r"""Find the failures and demands that hurt most, with a proof.

    Any number of elements may be down together, as long as that is likely enough, and demands may
    be anywhere in their range. What cannot be carried across the border is the main figure; beside
    it stands the worst single failure. With --worlds N the range of demands is that of N drawn
    worlds. Nothing is random here: --seed is for these worlds, --replications changes nothing.

    \b
      simulator worst mini
      simulator worst china169-2017 --probability 1e-2 --probability 1e-4 --of cables,gateways
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.worst import worst

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-worst", changes_too=False) as keywords:
        answer = worst(
            scenario,
            probability=probabilities or (1e-4,),
            meaning=meaning,
            of=of,
            box=box,
            hose=hose,
            total=total,
            worlds=options.worlds,
            inbound=inbound,
            out=keywords["out"],
            progress=keywords["progress"],
            force=keywords["force"],
            finish=finish_answer,
        )
    below = "All rows in {folder}worst.csv, the picture in worst_bars.png"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
