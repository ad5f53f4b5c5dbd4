"""Main: the command line finds the verb, runs it, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import click

from simulator import __version__
from simulator.base.errors import InputError, SimulatorError
from simulator.cli import verbs
from simulator.cli.output import (
    BAD_INPUT,
    INTERRUPTED,
    RUN_TIME_FAILURE,
    print_error,
    tolerate_plain_terminals,
)


class Found(Mapping[str, click.Command]):
    """The verbs in the files of ``simulator.cli.verbs``, each imported when it is needed."""

    def __iter__(self) -> Iterator[str]:
        return (module.name for module in pkgutil.iter_modules(verbs.__path__))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> click.Command:
        if name not in iter(self):
            raise KeyError(name)
        verb: click.Command = importlib.import_module(f"{verbs.__name__}.{name}").verb
        verb.name = name
        return _with_examples(verb)


def _with_examples(command: click.Command) -> click.Command:
    r"""Turn the two letters ``\b`` of raw docstrings into click's mark of lines kept as written."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for each in getattr(command, "commands", {}).values():
        _with_examples(each)
    return command


class Verbs(click.Group):
    """A group that turns what went wrong into a message and an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line."""
        tolerate_plain_terminals()
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
        except KeyboardInterrupt as interrupt:
            if sys.stderr.isatty():  # the terminal shows ^C
                print_error("")
            done = str(interrupt) or "nothing was written"
            _fail(ctx, f"simulator: interrupted; {done}", INTERRUPTED)


def _fail(ctx: click.Context, message: str, code: int) -> NoReturn:
    print_error(message)
    ctx.exit(code)


@click.group(
    name="simulator",
    cls=Verbs,
    commands=Found(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="simulator")
def main() -> None:
    """Simulate a national IP backbone under static and SDN routing, side by side.

    How full does each international exit get and what latency do users see: on a normal day,
    after a cable cut, with more capacity? Start with: simulator run mini
    """
