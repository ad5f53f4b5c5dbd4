"""plot: the results of a run become its standard figures, or a film of its map."""

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
@click.option(
    "--figure",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this figure; several times for several. simulator list figures names all.",
)
@click.option(
    "--animate",
    "film",
    type=click.Choice(("gif", "mp4")),
    help="Only the map over time, as map.gif or map.mp4 (which needs ffmpeg).",
)
@click.option(
    "--at",
    "at_h",
    metavar="HOURS",
    type=float,
    help="Moment of the figures of one moment (load_map, recovery), in hours after the start.",
)
@width_option
@out_option("Folder to write; DIR/figures if left out.")
@quiet_option
def verb(
    folder: Path,
    formats: tuple[str, ...],
    names: tuple[str, ...],
    film: str | None,
    at_h: float | None,
    width: str,
    out: Path | None,
    quiet: bool,
) -> None:
    """Draw the standard figures of the results in DIR.

    With --figure, draw others too, such as load_map, exit_worlds, exit_hours,
    utilisation_duration, ranking and latency_change. With --animate, draw the map over time
    instead, the baseline beside a controller.
    """
    from simulator.figures.maps.load_film import write_film
    from simulator.figures.plotter import write_figures
    from simulator.results import manifest
    from simulator.results.results import Results

    if at_h is not None and not names:
        raise click.UsageError("--at goes with --figure: name the figure of that moment")
    results, place = Results(folder), out or folder / "figures"
    if film:
        place.mkdir(parents=True, exist_ok=True)
        files = [write_film(results, place / f"map.{film}")]
    else:
        files = write_figures(
            results, place, formats, names or None, width=width, asked=bool(names), at_h=at_h
        )
    manifest.add(folder, files)
    for file in files:
        if not quiet:
            print_text(str(file))
