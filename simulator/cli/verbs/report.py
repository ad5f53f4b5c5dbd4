"""report: the results of a run, or of a study, become one page to hand over."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.options import quiet_option
from simulator.cli.output import print_text


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--map-only", is_flag=True, help="The map that plays, alone: DIR/map.html.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write; DIR/report.html if left out.",
)
@click.option("--force", is_flag=True, help="Replace a file that no report wrote.")
@quiet_option
def verb(folder: Path, map_only: bool, out: Path | None, force: bool, quiet: bool) -> None:
    r"""Write one self-contained HTML page about the results in DIR.

    DIR is what run, whatif, failures or another study wrote. The page opens in any browser without
    a network: the answer, the comparison, the map that plays and the curves of a run, the tables
    and figures of a study, assumptions with their marks, and the command to do it again.

    \b
      simulator report results/mini
      simulator report results/mini --map-only --out mini-map.html
    """
    from simulator.report.report import report

    page = report(folder, out, map_only=map_only, force=force)
    if not quiet:
        print_text(str(page))
