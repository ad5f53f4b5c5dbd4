"""Options: what several verbs have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.base.bounds import any_size

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON on standard output, and nothing else there."
)
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors (and --json).")
width_option = click.option(
    "--width",
    type=click.Choice(("column", "page", "slide")),
    default="page",
    help="For a column (3.5 in) or a page (7.2 in, the default), or a slide (10 in, larger type).",
)


def out_option(help_text: str) -> Callable[[Command], Command]:
    """Return the option for the folder to write."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--out", type=kind, metavar="DIR", help=help_text)


def set_option(help_text: str) -> Callable[[Command], Command]:
    """Return the option for changes of keys."""
    return click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help=help_text)


scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask cluster to share the work, as tcp://HOST:8786, in place of processes.",
)


def any_size_option(what: str) -> Callable[..., Any]:
    """Return the option that lifts bounds."""
    return click.option("--any-size", is_flag=True, help=what)


@dataclass(frozen=True)
class RunOptions:
    """The argument and the options of every verb that runs a scenario."""

    scenario: str
    seed: int | None
    replications: int | None
    worlds: int | None
    strategies: str | None
    workers: int | None
    force: bool
    any_size: bool
    quiet: bool
    as_json: bool
    out: Path | None


def run_options(out_help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options of a run and passes them as one ``RunOptions``."""
    options = (
        click.argument("scenario"),
        click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Root of randomness."),
        click.option(
            "--replications",
            type=click.IntRange(min=1),
            metavar="N",
            help="Independent draws; intervals need two or more. Alone, nothing unknown is drawn.",
        ),
        click.option(
            "--worlds",
            type=click.IntRange(min=0),
            metavar="N",
            help="Draws of what is not known, the first as stated; each has all replications.",
        ),
        click.option(
            "--strategies",
            metavar="A,B",
            help="Only these, in this order; the first is the one others are compared with.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Processes to share the replications; as many as there are cores if left out.",
        ),
        click.option("--force", is_flag=True, help="Replace results that stand at DIR."),
        any_size_option("Read and run even what takes very much time, memory or disk."),
        quiet_option,
        json_option,
        out_option(out_help),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def call(**words: Any) -> None:
            run = RunOptions(**{each.name: words.pop(each.name) for each in fields(RunOptions)})
            with any_size(run.any_size):
                command(run, **words)

        for option in reversed(options):
            call = option(call)
        return call

    return decorate
