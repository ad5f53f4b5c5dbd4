"""plot: the results of a run become its standard figures."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.options import out_option, quiet_option, width_option
from simulator.cli.output import print_text


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    type=click.Choice(("png", "svg", "pdf")),
    multiple=True,
    default=("png",),
    help="Kind of file; may be given several times.",
)
@width_option
@out_option("Folder to write; DIR/figures if left out.")
@quiet_option
def verb(folder: Path, formats: tuple[str, ...], width: str, out: Path | None, quiet: bool) -> None:
    """Draw the standard figures of the results in DIR."""
    from simulator.figures.plotter import write_figures
    from simulator.results import manifest
    from simulator.results.results import Results

    files = write_figures(Results(folder), out or folder / "figures", formats, width=width)
    manifest.add(folder, files)
    for file in files:
        if not quiet:
            print_text(str(file))
