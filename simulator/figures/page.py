"""Page: title, legend and source line of a figure, and panels placed in inches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.figures import style
from simulator.figures.style import LEGEND_PT, Axes, Canvas, Legend

MARGIN_IN, RIGHT_IN, AXIS_IN = 0.1, 0.15, 0.42
"""Left of titles, right of panels, and below a panel for its ticks and label."""


def page(
    fig: Canvas, title: str, legend: Legend, source: str, body_in: float, *, free_in: float = 0.2
) -> float:
    """Write title, legend and source on an empty figure, and make it as high as all of it needs.

    Title and source are wrapped to the width but for *free_in*, over three and four lines at most,
    and over more on a narrow figure. Between legend and source line lies the body, *body_in* inches
    high; its distance from the bottom of the figure, in inches, is returned. All inches are of the
    layout: on a figure wider than a page they are longer, as all type is larger.
    """
    factor, wide = style.enlargement(fig), style.layout_width(fig)
    more = 1 if wide >= style.NARROW_IN else 3
    titles = style.wrapped(title, wide - free_in, style.TITLE_PT, "bold")[: 3 * more]
    text = style.wrapped(source, wide - free_in, style.SOURCE_PT)[: 4 * more]
    columns, lines = legend_shape([label for _, label in legend], wide)
    title_in, foot_in = 0.13 + 0.165 * len(titles), 0.08 + 0.125 * len(text)
    total = title_in + 0.15 * lines + 0.06 + body_in + foot_in
    fig.set_size_inches(factor * wide, factor * total)
    left = MARGIN_IN / wide
    fig.suptitle(
        "\n".join(titles), x=left, y=1 - 0.08 / total, ha="left", va="top",
        fontsize=factor * style.TITLE_PT, fontweight="bold", linespacing=1.25,
    )  # fmt: skip
    fig.supxlabel(
        "\n".join(text), x=left, y=0.05 / total, ha="left", va="bottom",
        fontsize=factor * style.SOURCE_PT, color=style.GREY, linespacing=1.3,
    )  # fmt: skip
    if legend:
        fig.legend(
            [handle for handle, _ in legend],
            [f" {label}" if label.startswith("_") else label for _, label in legend],
            loc="upper left", bbox_to_anchor=(left, 1 - title_in / total), ncols=columns,
            borderaxespad=0, borderpad=0, handlelength=2.2, columnspacing=1.4,
            handletextpad=0.5, labelspacing=0.35, fontsize=factor * LEGEND_PT,
        )  # fmt: skip
    return foot_in


def panel(fig: Canvas, left: float, low: float, width: float, height: float) -> Axes:
    """Return new Axes on a figure; all in inches of the layout from its lower left corner."""
    total, wide = fig.get_figheight() / style.enlargement(fig), style.layout_width(fig)
    return fig.add_axes((left / wide, low / total, width / wide, height / total))


def legend_shape(labels: Sequence[str], most_in: float) -> tuple[int, int]:
    """Return columns and lines of a legend that is no wider than the figure."""
    for columns in range(len(labels), 1, -1):
        stacks = np.array_split(np.array(labels, dtype=object), columns)  # as matplotlib does
        widths = [max(style.width_in(label, LEGEND_PT) for label in stack) for stack in stacks]
        if sum(widths) + 0.45 * columns <= most_in - 0.2:
            return columns, len(stacks[0])
    return 1, len(labels)
