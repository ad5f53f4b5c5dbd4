"""Pictures: what a verb adds to the folder of a study before it appears."""

from __future__ import annotations

from typing import Any

from simulator.study.answer import Answer


def save_pictures(answer: Answer, *names: str) -> None:
    """Save figures of an answer as ``NAME.png`` in its folder, as far as they have any to show.

    All of them, if none is named.
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
        save(first.figure, answer.folder / f"{name}.png", "png")
