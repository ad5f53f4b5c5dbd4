"""failures: which failure hurts which strategy, exit and region most."""

from __future__ import annotations

from dataclasses import replace

import click

from simulator.cli.options import RunOptions, run_options, set_option
from simulator.cli.output import print_answer

_LINKS = ("links",)
_CASES_A_RUN = 32
"""Cases that take about as long as a run."""


@click.command()
@run_options("Folder to write; results/NAME-failures if left out.")
@set_option("Change the scenario.")
@click.option(
    "--k",
    "together",
    type=click.IntRange(1, 2),
    metavar="K",
    default=1,
    help="Failures at once: 1 for each alone (as if left out), 2 for every pair.",
)
@click.option(
    "--of",
    "of",
    multiple=True,
    metavar="KINDS",
    default=_LINKS,
    help="What fails: links (if left out), nodes, cables, gateways, exits; A,B or again.",
)
@click.option(
    "--at",
    "at_h",
    type=float,
    metavar="H",
    help="Hours from the start; when each strategy is the fullest if left out.",
)
@click.option("--impact", metavar="LINK", help="Say what every failure does to this link.")
@click.option(
    "--target", type=float, metavar="U", help="Utilisation of an exit; the scenario's if left out."
)
@click.option(
    "--monte-carlo",
    "years",
    type=click.IntRange(min=2),
    metavar="N",
    help="Draw N years of faults and repairs: for how much of the time is service as promised?",
)
def verb(
    options: RunOptions,
    sets: tuple[str, ...],
    together: int,
    of: tuple[str, ...],
    at_h: float | None,
    impact: str | None,
    target: float | None,
    years: int | None,
) -> None:
    r"""Try every failure, and rank them by what they hurt.

    For every strategy: what is lost before and after it reacts, how full exits and links get, what
    is cut off, and how many cases keep the target. Traffic stands still at one instant. An
    interrupted screening goes on when the same command is given again. Of --worlds, ranges are over
    all but the first; --replications changes nothing.
    --monte-carlo lets elements fail and be repaired over time, as simulator availability does.

    \b
      simulator failures mini --of cables,gateways
      simulator failures mini --k 2 --of cables --at 21
      simulator failures mini --of exits --impact shanghai-la
    """
    from simulator.cli.pictures import finish_answer
    from simulator.cli.running import running
    from simulator.cli.scenario import load_scenario
    from simulator.study.availability import availability
    from simulator.study.failure_cases import failure_cases, words_of
    from simulator.study.failures import failures

    scenario = load_scenario(replace(options, worlds=None, replications=None), sets)
    if years is not None:
        if together != 1 or at_h is not None or impact is not None or target is not None:
            raise click.UsageError("--monte-carlo takes no --k, --at, --impact or --target")
        with running(options, scenario, "-availability", changes_too=False) as keywords:
            answer = availability(
                scenario,
                of=None if of == _LINKS else ",".join(of),
                method="simulated",
                years=years,
                out=keywords["out"],
                progress=keywords["progress"],
                force=keywords["force"],
                finish=finish_answer,
            )
        below = "All rows in {folder}availability.csv, the picture beside it"
        print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
        return
    cases = failure_cases(scenario.network, words_of(of), together, any_size=options.any_size)
    times = (1 + len(cases) // _CASES_A_RUN) * max(options.worlds or 1, 1)
    with running(options, scenario, "-failures", changes_too=False, times=times) as keywords:
        answer = failures(
            scenario,
            k=together,
            of=of,
            at=at_h,
            impact=impact,
            target=target,
            worlds=options.worlds,
            **{**keywords, "finish": finish_answer},
        )
    below = "All rows in {folder}cases.csv, pictures beside it"
    print_answer(answer, below, as_json=options.as_json, quiet=options.quiet)
