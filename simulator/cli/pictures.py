"""Pictures: what a verb adds to the folder of a study before it appears."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import click

from simulator.study.answer import Answer

_IN_INPUTS = frozenset({"scenario", "sets", "seed", "strategies"})
"""What a kept scenario has in it already."""
_ABOUT_PLACE = frozenset({"out", "force", "workers", "scheduler", "shard", "take"})
_ABOUT_TEXT = frozenset({"quiet", "as_json"})
_INPUTS = ("inputs/scenario.yaml", "baseline/inputs/scenario.yaml")
_AGAIN = "--out ../again"


def finish_answer(answer: Answer, *names: str) -> None:
    """Save figures of an answer, all if none is named, and the command that repeats it."""
    save_pictures(answer, *names)
    record_command(answer)


def save_pictures(answer: Answer, *names: str) -> None:
    """Save figures of an answer as ``NAME.png`` and ``NAME.svg`` in its folder.

    All of them, if none is named, as far as they have something to show.
    """
    from matplotlib.figure import Figure as Unshown

    from simulator.figures.figure import NothingToShow
    from simulator.figures.style import save

    for name in names or answer.figures:
        draw: Any = answer.figures[name]
        try:
            axes = draw(new_figure=Unshown)
        except NothingToShow:
            continue
        first = axes if hasattr(axes, "figure") else axes.flat[0]
        for form in ("png", "svg"):
            save(first.figure, answer.folder / f"{name}.{form}", form)


def record_command(answer: Answer) -> None:
    """Keep the command that gives an answer again, run in its folder on the inputs kept there."""
    from simulator.study.answer_file import add_command

    context = click.get_current_context(silent=True)
    inputs = next((file for file in _INPUTS if (answer.folder / file).is_file()), None)
    if context is not None and inputs is not None:
        add_command(answer.folder, _command(context, inputs))


def _command(context: click.Context, inputs: str) -> str:
    words = [context.command_path, inputs]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _IN_INPUTS | _ABOUT_PLACE | _ABOUT_TEXT:
            words += [shlex.quote(word) for word in _words(parameter, context.params.get(name))]
    return " ".join([*words, _AGAIN])


def _words(parameter: click.Parameter, value: Any) -> Iterator[str]:
    """Yield an option as it is written, once for each of its values."""
    option = parameter.opts[0]
    if value is True:
        yield option
    for each in value if isinstance(value, tuple) else (value,):
        if not isinstance(value, bool | None):
            yield from (option, str(each))
