"""Drawing: the pictures of an answer, put into its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.study.answer import Answer


def draw_first(answer: Answer) -> None:
    """Add the first picture of an answer to its folder, if it has something to show."""
    from matplotlib.figure import Figure as Unshown

    from simulator.figures.figure import NothingToShow
    from simulator.figures.style import save

    name, draw = next(iter(answer.figures.items()))
    drawn: Any = draw
    try:
        axes = drawn(new_figure=Unshown)
    except NothingToShow:
        return
    save(axes.figure, answer.folder / f"{name}.png", "png")
