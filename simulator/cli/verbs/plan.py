"""plan: the cheapest upgrades that keep every exit below its target, and what SDN saves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer


@click.command()
@run_options("Folder to write; results/NAME-plan if left out.")
@set_option("Change the scenario.")
@click.option("--target", type=float, metavar="X", help="Utilisation of exits to keep; 0.8.")
@click.option(
    "--of",
    "failures",
    metavar="KINDS",
    help="What may fail, one at a time: cables, exits, gateways, overseas, as A,B; or none.",
)
@click.option("--pairs", is_flag=True, help="Any two of them at once.")
@click.option("--periods", metavar="NxM", help="Periods and their months: 8x3; 2x12 if left out.")
@click.option("--growth", type=float, metavar="X", help="Growth in a year, 0.25 for 25 %.")
@click.option("--budget", type=float, metavar="COST", help="Most that all orders cost.")
@click.option(
    "--stretch-ms",
    metavar="MS",
    help="Latency above the fastest way, one way; 80 if left out, none for no limit.",
)
@click.option(
    "--demand",
    metavar="SET",
    help="Demands to hold: busy_hour, box, hose_total (if left out), hose, pipe.",
)
@click.option(
    "--availability",
    "availability",
    type=float,
    multiple=True,
    metavar="SHARE",
    help="Share of time for which --commit is kept, 0.999; may be given again.",
)
@click.option(
    "--commit",
    multiple=True,
    metavar="WORDS",
    help="Ask for the price of a promise: '600 Gbps to NODE', '70 % of all'; may be given again.",
)
@click.option(
    "--noise",
    "noises",
    type=float,
    multiple=True,
    metavar="SIGMA",
    help="Compare sets of demands at this noise of pairs as well; may be given again.",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    noises: tuple[float, ...],
    **asked: Any,
) -> None:
    r"""Find the cheapest upgrades that keep exits below a target.

    With a proof, for several periods. What can be bought when, and what must hold, stands under
    upgrades: in the scenario; options go before it, and estimates fill the rest. Every plan is put
    on the network and routed through every failure. Nothing is random here but --noise, whose root
    is --seed.

    \b
      simulator plan mini
      simulator plan china169-2017 --of cables --demand hose --periods 4x6
      simulator plan china169-2017 --of cables --commit '180 Gbps to region-europe'
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.plan import plan

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    with running(options, scenario, "-plan", changes_too=False) as keywords:
        answer = plan(
            scenario,
            upgrades=_upgrades(asked),
            noises=noises,
            out=keywords["out"],
            progress=keywords["progress"],
            force=keywords["force"],
            finish=finish_answer,
        )
    below = "All rows in {folder}plans.csv and steps.csv, the picture in plan_steps.png"
    if "nines" in answer.tables:
        below = "All rows in {folder}nines.csv, the picture in price_of_nines.png"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)


def _upgrades(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that options give."""
    from simulator.study.plan import require_set

    keys: dict[str, Any] = {}
    if asked["target"] is not None:
        keys["target"] = asked["target"]
    if asked["failures"] is not None:
        kinds = [each.strip() for each in asked["failures"].split(",")]
        keys["failures"] = [] if kinds == ["none"] else kinds
    if asked["pairs"]:
        keys["pairs"] = True
    if asked["periods"] is not None:
        count, months = _periods(asked["periods"])
        keys["periods"] = {"count": count, "months": months}
        keys["budget_each"] = []
    if asked["growth"] is not None:
        keys["growth"] = {"per_year": asked["growth"]}
    if asked["budget"] is not None:
        keys["budget"] = asked["budget"]
    if asked["stretch_ms"] is not None:
        keys["stretch_ms"] = _number("--stretch-ms", asked["stretch_ms"])
    keys |= {key: list(asked[key]) for key in ("availability", "commit") if asked[key]}
    if asked["demand"] is not None:
        keys["demand"] = {"set": require_set(asked["demand"])}
    return keys


def _periods(text: str) -> tuple[int, float]:
    count, times, months = text.partition("x")
    if times and count.isdigit():
        try:
            return int(count), float(months)
        except ValueError:
            pass
    raise click.BadParameter(f"expected periods and months such as 8x3, found {text!r}",
                             param_hint="--periods")  # fmt: skip


def _number(option: str, text: str) -> float | None:
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError:
        message = f"expected a number or none, found {text!r}"
        raise click.BadParameter(message, param_hint=option) from None
