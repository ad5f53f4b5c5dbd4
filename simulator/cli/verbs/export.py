"""export: tables of results go to a spreadsheet or a paper."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.options import quiet_option
from simulator.cli.output import print_error, print_text


@click.command(short_help="Write tables of results for a spreadsheet or a paper.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(("csv", "xlsx", "tex")),
    required=True,
    help="A folder of CSV files, a workbook, or TeX (booktabs).",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME",
    help="Only this one; may be given several times. See simulator list tables.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to write; beside DIR if left out: DIR-csv, DIR.xlsx or DIR.tex.",
)
@click.option("--force", is_flag=True, help="Replace what was exported to PATH before.")
@quiet_option
def verb(
    folder: Path, form: str, tables: tuple[str, ...], out: Path | None, force: bool, quiet: bool
) -> None:
    r"""Write the tables of the results in DIR for a spreadsheet or a paper.

    All tables go to CSV or to a workbook; TeX gets the comparison that run prints, if no --table
    names another. Text that begins like a formula stays text.

    \b
      simulator export results/mini --to xlsx
      simulator export results/mini --to tex --table summary --out summary.tex
    """
    from simulator.cli.export import export

    made = export(folder, form, tables, out, force=force)
    if quiet:
        return
    for note in made.notes:
        print_error(f"{made.target}: {note}")
    print_text(f"{made.target}: {', '.join(made.tables)}")
