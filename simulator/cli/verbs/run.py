"""run: a scenario becomes a folder of results and a comparison of its strategies."""

from __future__ import annotations

import click

from simulator.cli.options import RunOptions, run_options, scheduler_option, set_option
from simulator.cli.output import folder_text, print_json, print_text


@click.command()
@run_options("Folder to write; results/NAME if left out.")
@set_option("Change the scenario.")
@scheduler_option
@click.option(
    "--figures",
    type=click.Choice(["none", "main", "all"]),
    default="main",
    help="Figures to draw: the main ones if left out.",
)
def verb(options: RunOptions, sets: tuple[str, ...], scheduler: str | None, figures: str) -> None:
    r"""Run all strategies of SCENARIO and compare them.

    SCENARIO is a file or the name of a built-in scenario (simulator list scenarios). Keys of --set
    are those of the file, of links or of demands; numbers may change by an amount or a factor:

    \b
      --set strategies.sdn.control.every_s=60
      --set links.bj-la.capacity_gbps=+400
      --set demands.international=x1.3
    """
    from simulator.cli.running import drawing, running
    from simulator.cli.scenario import load_scenario
    from simulator.results.writer import records
    from simulator.run import run
    from simulator.study.compare import compare

    scenario = load_scenario(options, sets)
    with running(options, scenario) as keywords:
        results = run(scenario, scheduler=scheduler, **{**keywords, "finish": drawing(figures)})
    drawn = sorted((results.folder / "figures").glob("*"))
    if options.as_json:
        keys = ("name", "title", "changes", "notes", "warnings")
        print_json(
            {
                **{key: results.run[key] for key in keys},
                "folder": str(results.folder),
                "seed": scenario.settings.seed,
                "replications": scenario.settings.days,
                "worlds": scenario.settings.worlds,
                "strategies": results.strategies,
                "summary": records(results.summary),
                "differences": records(results.differences),
                "figures": [str(figure) for figure in drawn],
                **compare(results).to_json(),
            }
        )
    elif not options.quiet:
        folder = folder_text(results.folder)
        where = f"Results in {folder}"
        if drawn:
            where += f", {len(drawn)} figures in {folder}figures/"
        print_text(f"{compare(results)}\n\n{where}")
