"""Verbs for the shell; each imports what it needs when it is called, so that help comes at once."""

from __future__ import annotations

import codecs
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from simulator import __version__
from simulator.base.errors import InputError, SimulatorError

if TYPE_CHECKING:
    from simulator.run import Progress
    from simulator.scenario.scenario import Scenario

RUN_TIME_FAILURE, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
SMALL = 100_000
"""Demands x steps x replications below which starting workers costs more than they save."""
_SPELT_OUT = {"±": "+/-", "–": "-", "—": "-", "…": "...", "×": "x", "≥": ">=", "≤": "<="}


class Verbs(click.Group):
    """A group that turns what went wrong into a message and an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_spell_out.__name__)
        return super().main(*args, **{"prog_name": "simulator", **extra})

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            _fail(ctx, str(error), BAD_INPUT)
        except SimulatorError as error:
            _fail(ctx, f"simulator: {error}", RUN_TIME_FAILURE)
        except BrokenPipeError:
            raise  # the reader of a help page left early; click ends quietly
        except OSError as error:
            about = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
            _fail(ctx, f"simulator: {about or error}", RUN_TIME_FAILURE)
        except MemoryError:
            _fail(ctx, "simulator: out of memory; fewer --workers need less", RUN_TIME_FAILURE)
        except KeyboardInterrupt:
            print(file=sys.stderr) if sys.stderr.isatty() else None  # the terminal shows ^C
            _fail(ctx, "simulator: interrupted; nothing was written", INTERRUPTED)


def _fail(ctx: click.Context, message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    ctx.exit(code)


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """Write what a terminal cannot show in letters that it can."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(_SPELT_OUT.get(letter, "?") for letter in letters), error.end


codecs.register_error(_spell_out.__name__, _spell_out)


def say(text: str) -> None:
    """Print to standard output; a reader that left early, as ``head`` does, is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# -- options ------------------------------------------------------------------------------------


Command = Callable[..., Any]


def _out(what: str) -> Callable[[Command], Command]:
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--out", type=kind, metavar="DIR", help=what)


_json = click.option(
    "--json", "as_json", is_flag=True, help="JSON on standard output, and nothing else there."
)
_quiet = click.option("--quiet", is_flag=True, help="Print nothing but errors (and --json).")
_common = (
    click.argument("scenario"),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Root of randomness."),
    click.option(
        "--replications",
        type=click.IntRange(min=1),
        metavar="N",
        help="Independent draws; intervals need two or more.",
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
    _quiet,
    _json,
)


def _common_options(command: Command) -> Command:
    for option in reversed(_common):
        command = option(command)
    return command


# -- verbs --------------------------------------------------------------------------------------


@click.group(
    name="simulator",
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="simulator")
def main() -> None:
    """Simulate a national IP backbone under static and SDN routing, side by side.

    How full does each international exit get and what latency do users see: on a normal day,
    after a cable cut, with more capacity? Start with: simulator run mini
    """


@main.command()
@_common_options
@_out("Folder to write; results/NAME if left out.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change the scenario.")
def run(
    scenario: str,
    seed: int | None,
    replications: int | None,
    strategies: str | None,
    workers: int | None,
    force: bool,
    quiet: bool,
    as_json: bool,
    out: Path | None,
    sets: tuple[str, ...],
) -> None:
    r"""Run all strategies of SCENARIO and compare them.

    SCENARIO is a file or the name of a built-in scenario (simulator list scenarios). Keys of --set
    are those of the file, of links or of demands; numbers may change by an amount or a factor:

    \b
      --set strategies.sdn.control.every_s=60
      --set links.bj-la.capacity_gbps=+400
      --set demands.international=x1.3
    """
    from simulator.results.results import records
    from simulator.run import run as play
    from simulator.study.compare import compare

    asked = _load(scenario, sets, seed, replications, strategies)
    _warn(asked, quiet)
    with _stoppable(), _progress(quiet, asked.name) as progress:
        results = play(
            asked,
            out=out or _default_out(asked.name),
            workers=workers or _workers(asked),
            force=force,
            progress=progress,
            finish=_draw,
        )
    figures = sorted((results.folder / "figures").glob("*"))
    if as_json:
        story = {key: results.run[key] for key in ("name", "title", "changes", "notes", "warnings")}
        say_json(
            {
                **story,
                "folder": str(results.folder),
                "seed": asked.settings.seed,
                "replications": asked.settings.replications,
                "strategies": results.strategies,
                "summary": records(results.summary),
                "differences": records(results.differences),
                "figures": [str(figure) for figure in figures],
            }
        )
    elif not quiet:
        folder = _near(results.folder)
        say(
            f"{compare(results)}\n\nResults in {folder}, {len(figures)} figures in {folder}figures/"
        )


@main.command()
@_common_options
@_out("Folder to write; results/NAME-whatif if left out.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One change, all together.")
@click.option(
    "--change",
    "named",
    multiple=True,
    metavar='"NAME: KEY=VALUE, ..."',
    help="A change with a name; give several to compare them.",
)
def whatif(
    scenario: str,
    seed: int | None,
    replications: int | None,
    strategies: str | None,
    workers: int | None,
    force: bool,
    quiet: bool,
    as_json: bool,
    out: Path | None,
    sets: tuple[str, ...],
    named: tuple[str, ...],
) -> None:
    r"""Compare SCENARIO as it stands with SCENARIO changed.

    Both run under the same traffic, so that differences are paired. Without --set and --change
    the changes are those that the scenario lists under what_if.

    \b
      simulator whatif mini --change "LA +20G: links.beijing-la.capacity_gbps=+20" \
                            --change "a year on: demands.international=x1.3"
    """
    from simulator.results.results import records
    from simulator.study.whatif import what_if

    changes = _changes(sets, named)
    asked = _load(scenario, (), seed, replications, strategies)
    _warn(asked, quiet)
    with _stoppable(), _progress(quiet, asked.name) as progress:
        answer = what_if(
            asked,
            changes or None,
            out=out or _default_out(f"{asked.name}-whatif"),
            workers=workers or _workers(asked),
            force=force,
            progress=progress,
            finish=_draw,
        )
    folder = next(iter(answer.results.values())).folder.parent
    if as_json:
        say_json(
            {
                "name": asked.name,
                "title": asked.settings.title,
                "folder": str(folder),
                "seed": asked.settings.seed,
                "replications": asked.settings.replications,
                "changes": answer.changes,
                "folders": {name: str(each.folder) for name, each in answer.results.items()},
                "figures": records(answer.frame),
            }
        )
    elif not quiet:
        say(f"{answer}\n\nResults in {_near(folder)}, all figures in {_near(folder)}whatif.csv")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Try on scenarios.")
@_quiet
@_json
def check(files: tuple[str, ...], sets: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Check scenarios and topologies, and every file that they name.

    Prints all that is wrong as file:line:column: key: message. Ends with 2 if there are errors;
    warnings are no errors.
    """
    from dataclasses import asdict

    from simulator.cli.check import check_file

    changes = [_pair(text, "--set") for text in sets]
    told = [check_file(file, changes) for file in files]
    problems = [problem for found, _ in told for problem in found]
    if as_json:
        say_json([asdict(problem) for problem in problems])
    else:
        for found, fine in told:
            for problem in found:
                if problem.severity == "error" or not quiet:
                    say(str(problem))
            for line in () if quiet else fine:
                say(line)
    if any(problem.severity == "error" for problem in problems):
        click.get_current_context().exit(BAD_INPUT)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    type=click.Choice(("png", "svg", "pdf")),
    multiple=True,
    default=("png",),
    help="Kind of file; may be given several times.",
)
@_out("Folder to write; DIR/figures if left out.")
@_quiet
def plot(folder: Path, formats: tuple[str, ...], out: Path | None, quiet: bool) -> None:
    """Draw the standard figures of the results in DIR."""
    from simulator.figures.plots import write_figures
    from simulator.results.results import Results

    for file in write_figures(Results(folder), out or folder / "figures", formats):
        if not quiet:
            say(str(file))


@main.group()
def topology() -> None:
    """List, inspect, draw and convert networks."""


@topology.command(name="list")
@_json
def topology_list(as_json: bool) -> None:
    """List the built-in topologies, and say what else may be given."""
    from simulator.cli.topology import built_in, list_text

    listed = built_in()
    say_json([each._asdict() for each in listed]) if as_json else say(list_text(listed))


@topology.command(name="show")
@click.argument("name_or_file")
@click.option("--plot", "picture", metavar="FILE", help="Draw a map as well; .png, .svg or .pdf.")
@_json
def topology_show(name_or_file: str, picture: str | None, as_json: bool) -> None:
    r"""Show what a topology adds up to, how it holds together, and what in it is assumed.

    \b
      simulator topology show china169-mini --plot map.png
    """
    from simulator.cli.topology import draw, read, show_json, show_text

    network, warnings = read(name_or_file)
    drawn = draw(network, picture) if picture is not None else None
    if as_json:
        say_json({**show_json(network, warnings), "map": drawn})
    else:
        say(show_text(network, warnings) + (f"\n\nMap in {drawn}" if drawn else ""))


@topology.command(name="convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--force", is_flag=True, help="Replace what stands at OUT.")
@_quiet
def topology_convert(source: str, target: str, force: bool, quiet: bool) -> None:
    r"""Write the topology IN to OUT, in the format that the ending of OUT names.

    IN is a file, a folder of tables or a built-in name; a slash at the end of OUT asks for a
    folder of tables. What the format of OUT cannot hold is told as a warning.

    \b
      simulator topology convert china169-mini mini.graphml
    """
    from simulator.cli.topology import convert

    made = convert(source, target, force=force)
    if not quiet:
        for warning in (*made.warnings, *(f"{target}: warning: {text}" for text in made.lost)):
            print(warning, file=sys.stderr)
        nodes, links = len(made.network.nodes), len(made.network.links)
        say(f"{target}: {nodes:,} nodes, {links:,} links")


SHELVES = ("scenarios", "topologies", "schemes", "traffic", "engines", "queues", "formats")


@main.command(name="list")
@click.argument("what", type=click.Choice(SHELVES))
@_json
def list_(what: str, as_json: bool) -> None:
    """List what there is, one line each."""
    from simulator.base.text import columns, plain

    rows = [(name, plain(told)) for name, told in _listed(what)]
    if as_json:
        say_json([{"name": name, "description": told} for name, told in rows])
        return
    wide = max((columns(name) for name, _ in rows), default=0)
    say("\n".join(f"{name}{' ' * (wide - columns(name))}  {told}".rstrip() for name, told in rows))


@main.command(short_help="Print the JSON Schema of a file, for editors.")
@click.argument("what", type=click.Choice(("scenario", "topology")))
def schema(what: str) -> None:
    r"""Print the JSON Schema by which an editor checks and completes a file.

    \b
      simulator schema scenario > scenario.schema.json
      # yaml-language-server: $schema=scenario.schema.json    (first line of your YAML file)
    """
    from simulator.base.schema import json_schema

    root: type
    if what == "scenario":
        from simulator.scenario.settings import Settings as root
    else:
        from simulator.formats.rules.entries import TopologyFile as root
    made = json_schema(root, f"{what.capitalize()} of the telecom network capacity simulator")
    use = (
        f"To use it in an editor, save it as {what}.schema.json and put"
        f" '# yaml-language-server: $schema={what}.schema.json' on the first line of your file."
    )
    made["description"] = f"{made.get('description', '')} {use}".strip()
    first = ("$schema", "title", "description")
    ordered = {**{key: made[key] for key in first}, **made}
    say(json.dumps(ordered, indent=2))


# -- from words to a scenario -------------------------------------------------------------------


def _load(
    path: str,
    sets: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    strategies: str | None,
) -> Scenario:
    from simulator.scenario.load import load

    changes = [_pair(text, "--set") for text in sets]
    for key, value in (("seed", seed), ("replications", replications)):
        changes += [(key, str(value))] if value is not None else []
    scenario = load(path, changes)
    if strategies is None:
        return scenario
    names = [name.strip() for name in strategies.split(",")]
    return scenario.with_strategies(names, f"--strategies {strategies}")


def _changes(sets: tuple[str, ...], named: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    from simulator.scenario.changes import parse_value

    pairs = [_change(text) for text in named]
    if sets:
        pairs.append((", ".join(sets), [_pair(text, "--set") for text in sets]))
    changes: dict[str, dict[str, Any]] = {}
    for name, assigned in pairs:
        if name in changes:
            raise click.BadParameter(f"two changes are named {name!r}", param_hint="--change")
        changes[name] = {key: parse_value(key, text) for key, text in assigned}
    return changes


def _change(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Read ``name: key=value, key=value``; without a name, the text is its own."""
    head, equals, _ = text.partition("=")
    name, colon, _ = head.rpartition(": ")
    if not equals:
        raise click.BadParameter(
            f'expected "NAME: KEY=VALUE, ...", found {text!r}', param_hint="--change"
        )
    rest = text[len(name) + len(colon) :]
    return name.strip() or text, [_pair(part, "--change") for part in _parts(rest)]


def _parts(text: str) -> list[str]:
    """Cut at commas that stand outside of brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"expected KEY=VALUE, found {text.strip()!r}", param_hint=option)
    return key.strip(), value.strip()


# -- around a run -------------------------------------------------------------------------------


def _default_out(name: str) -> Path:
    return Path("results") / (name if name.strip(".") else "scenario")


def _workers(scenario: Scenario) -> int:
    """As many as help: none beside this process for a small run."""
    replications = scenario.settings.replications
    if len(scenario.demands) * scenario.case.steps * replications < SMALL:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, replications)


def _warn(scenario: Scenario, quiet: bool) -> None:
    if not quiet:
        for problem in scenario.warnings:
            print(problem, file=sys.stderr)


def _draw(folder: Path) -> None:
    """Add the standard figures to a results folder."""
    from simulator.figures.plots import write_figures
    from simulator.results.results import Results

    write_figures(Results(folder), folder / "figures")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Clean up when told to end, as after Ctrl-C."""

    def end(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(quiet: bool, name: str) -> Iterator[Progress | None]:
    """Show a bar on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from simulator.base.text import short

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task(short(name), total=1.0)
        yield lambda done: bar.update(task, completed=done)


# -- words out ----------------------------------------------------------------------------------


def say_json(value: Any) -> None:
    """Print JSON."""
    say(json.dumps(value, indent=1, allow_nan=False, default=str))


def _near(folder: Path) -> str:
    near = os.path.relpath(folder)
    return f"{folder if near.startswith(os.pardir) else near}{os.sep}"


def _listed(what: str) -> list[tuple[str, str]]:
    if what == "topologies":
        from simulator.cli.topology import built_in

        return [(each.name, each.title) for each in built_in()]
    if what == "scenarios":
        from simulator.base import library
        from simulator.base.document import read_yaml

        names = library.names(what)
        return [(n, str(read_yaml(library.find(what, n)).data.get("title", ""))) for n in names]
    if what == "schemes":
        from simulator.routing.scheme import scheme as shelf
    elif what == "engines":
        from simulator.engines.engine import engine as shelf
    elif what == "queues":
        from simulator.queues.queue import queue as shelf
    else:
        if what == "formats":
            from simulator.formats.format import format_
            from simulator.formats.matrices.demand_format import demand_format

            shelves = {"topology": format_, "demands": demand_format}
        else:
            from simulator.traffic.traffic import matrix, shape

            shelves = {"matrix": matrix, "shape": shape}
        return [
            (name, f"{noun}: {told.replace('``', '')}")
            for noun, each in shelves.items()
            for name, told in each.describe()
        ]
    return [(name, told.replace("``", "")) for name, told in shelf.describe()]
