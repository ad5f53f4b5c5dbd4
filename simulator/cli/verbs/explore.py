"""explore: a live page on this machine, on which capacities, traffic and failures are moved."""

from __future__ import annotations

import click

from simulator.cli.options import quiet_option, set_option
from simulator.cli.output import print_error, print_text


@click.command()
@click.argument("scenario")
@set_option("Change the scenario before it is shown.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port; any that is free."
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@quiet_option
def verb(scenario: str, sets: tuple[str, ...], port: int, no_browser: bool, quiet: bool) -> None:
    r"""Move capacities and cut cables on a live page.

    Move exit capacities, international traffic, the target and schemes, cut a cable by clicking it,
    and see exits, latency and loss on the map and over the day. Traffic stands still at each
    instant, without noise, and strategies have had time to act. Each state can be copied as YAML
    and as a command. The page is for this machine alone; Ctrl-C ends it.

    \b
      simulator explore mini
      simulator explore china169-2017 --set demands.international=x1.3 --no-browser
    """
    from simulator.cli.scenario import pair
    from simulator.explore.serving import serve
    from simulator.scenario.load import load

    loaded = load(scenario, [pair(text, "--set") for text in sets])
    if not quiet:
        for problem in loaded.warnings:
            print_error(problem)
    begin = [scenario, *(word for text in sets for word in ("--set", text))]

    def opened(address: str) -> None:
        print_text(address)
        if not quiet:
            print_error("The page is for this machine alone; Ctrl-C ends it.")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve(loaded, begin, port=port, opened=opened)
