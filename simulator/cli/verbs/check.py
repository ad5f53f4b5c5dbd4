"""check: files become a list of everything that is wrong with them."""

from __future__ import annotations

import click

from simulator.cli.options import any_size_option, json_option, quiet_option, set_option
from simulator.cli.output import BAD_INPUT, print_json, print_text


@click.command(short_help="Check scenarios and topologies.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@set_option("Try on scenarios.")
@any_size_option("Read files of any size, and do not mind what a run would take.")
@quiet_option
@json_option
@click.pass_context
def verb(
    ctx: click.Context,
    files: tuple[str, ...],
    sets: tuple[str, ...],
    any_size: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check scenarios and topologies, and every file that they name.

    Prints all that is wrong as file:line:column: key: message. Ends with 2 if there are errors;
    warnings are no errors.
    """
    from dataclasses import asdict

    from simulator.base import bounds
    from simulator.cli.check import check_file
    from simulator.cli.scenario import pair

    changes = [pair(text, "--set") for text in sets]
    with bounds.any_size(any_size):
        checked = [check_file(file, changes) for file in files]
    problems = [problem for found, _ in checked for problem in found]
    if as_json:
        print_json([asdict(problem) for problem in problems])
    else:
        for found, fine in checked:
            for problem in found:
                if problem.severity == "error" or not quiet:
                    print_text(str(problem))
            for line in () if quiet else fine:
                print_text(line)
    if any(problem.severity == "error" for problem in problems):
        ctx.exit(BAD_INPUT)
