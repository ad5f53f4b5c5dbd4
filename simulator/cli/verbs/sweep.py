"""sweep: a scenario at many points of chosen keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import RunOptions, run_options, scheduler_option, set_option
from simulator.cli.output import print_answer, print_error


@click.command()
@run_options("Folder to write; results/NAME-sweep if left out.")
@set_option("Change the scenario at all points.")
@click.option(
    "--over",
    "overs",
    multiple=True,
    metavar="KEY=VALUES",
    help="A key and its values: A,B,C or LOW..HIGH:STEP; several make a grid. LOW..HIGH is drawn"
    " from.",
)
@click.option(
    "--design",
    type=click.Choice(["grid", "random", "sobol"]),
    default="grid",
    help="All combinations (the default), or points that are drawn.",
)
@click.option("--points", type=click.IntRange(min=1), metavar="N", help="How many are drawn.")
@click.option(
    "--of",
    metavar="METRIC[:SCOPE]",
    default="",
    help="The figure of sentence and pictures; the exit peak if left out. Tables have all.",
)
@scheduler_option
@click.option(
    "--shard",
    metavar="I/N",
    help="Do only the I-th of N parts; a call without it writes the results.",
)
@click.option(
    "--take",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Take over finished points from the unfinished folder of a shard; may be given several"
    " times.",
)
def verb(options: RunOptions, sets: tuple[str, ...], overs: tuple[str, ...], **words: Any) -> None:
    r"""Run SCENARIO at many points of some keys.

    Keys are those of --set. Finished points are kept in DIR.unfinished until all are finished: the
    same command goes on there after Ctrl-C, a kill or a failure.

    \b
      simulator sweep mini --over demands.international=x0.8..x1.4:0.1
      simulator sweep mini --over links.guangzhou-frankfurt.capacity_gbps=10,20,40 \
                           --over strategies.sdn.control.every_s=300..900:300
      simulator sweep mini --over demands.international=x0.8..x1.4 --design sobol --points 64
    """
    from simulator.cli.pictures import record_command
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.design import Design
    from simulator.study.sweep import sweep

    over = _over(overs)
    scenario = load_scenario(options, sets)
    count = Design.of(over, words["design"], words["points"], scenario.settings.seed).count
    warn = None if options.quiet else print_error
    with running(options, scenario, "-sweep", times=count) as keywords:
        keywords["finish"] = record_command
        answer = sweep(scenario, over, pictures=True, warn=warn, **keywords, **words)
    below = "Results in {folder}, all figures in {folder}points/"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)


def _over(texts: tuple[str, ...]) -> dict[str, str]:
    """Return the keys of a sweep and what each takes, as text."""
    from simulator.cli.scenario import pair

    over: dict[str, str] = {}
    for text in texts:
        key, values = pair(text, "--over")
        if key in over:
            message = f"{key} is given twice; write all its values after one --over, with commas"
            raise click.BadParameter(message, param_hint="--over")
        over[key] = values
    return over
