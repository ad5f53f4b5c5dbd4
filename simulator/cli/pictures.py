"""Pictures: what a verb adds to the folder of a study before it appears."""

from __future__ import annotations

from typing import Any

from simulator.study.answer import Answer


def save_picture(answer: Answer, name: str) -> None:
    """Save a figure of an answer as ``NAME.png`` in its folder, if there is anything to show."""
    from matplotlib.figure import Figure as Unshown

    from simulator.figures.figure import NothingToShow
    from simulator.figures.style import save

    draw: Any = answer.figures.get(name)
    if draw is None:
        return
    try:
        axes = draw(new_figure=Unshown)
    except NothingToShow:
        return
    first = axes if hasattr(axes, "figure") else axes.flat[0]
    save(first.figure, answer.folder / f"{name}.png", "png")
