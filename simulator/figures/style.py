"""Style: colours, fonts and sizes of the pictures, text that fits, and files that stay the same."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from simulator.base.errors import unknown_name
from simulator.base.whole import whole

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
else:  # matplotlib is imported when something is drawn
    Artist = Axes = Canvas = object

Legend = Sequence[tuple[Artist, str]]
"""Lines or marks, and what they stand for."""

WIDTHS_IN = {"column": 3.5, "page": 7.2, "slide": 10.0}
"""Widths of figures by what they are for: a column of a paper, a page of it, a slide."""
WIDTH_IN = WIDTHS_IN["page"]
"""Width of a figure, unless another is asked for: a page between its margins."""
NARROW_IN = 5.0
"""Below this width panels stand one below the other."""
TITLE_PT, LEGEND_PT, LABEL_PT, SUBTITLE_PT, SOURCE_PT = 9.5, 7.5, 7.5, 6.8, 6.2
FORMATS = ("png", "svg", "pdf")

# Okabe and Ito's colours, which stay apart for colour-blind readers, in an order that keeps
# neighbours apart in grey too; a line style and a marker go with each.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#8c8c8c")
DOTS = (0, (1, 1))
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), DOTS, (0, (6, 1.2, 1, 1.2)), (0, (2, 0.8)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
GREY, PALE = "#666666", "#d9d9d9"

STYLE: dict[str, Any] = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "xtick.minor.pad": 3.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.5,
    "figure.dpi": 110.0,
    "svg.hashsalt": "simulator",
    "text.parse_math": False,  # a $ in a name is a $
    "text.usetex": False,
}
HAN_FONTS = (
    "Noto Sans CJK SC|Noto Sans SC|Source Han Sans SC|Microsoft YaHei|PingFang SC|"
    "Hiragino Sans GB|WenQuanYi Zen Hei|WenQuanYi Micro Hei|SimHei|Arial Unicode MS"
).split("|")
_SIZES = re.compile(r"size|width|pad")
"""Settings of the style that are points."""
BOX = "\N{WHITE SQUARE}"
_RASTER = 1.03
"""How much wider small type is on a screen, where its letters stand on whole pixels."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def styled(draw: Callable[_P, _T]) -> Callable[_P, _T]:
    """Draw in the style of the project and leave the reader's own settings alone."""

    @functools.wraps(draw)
    def in_style(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        import matplotlib

        with style():
            drawn = draw(*args, **kwargs)
            interactive = matplotlib.is_interactive()
        # A notebook's backend switches this on at the first figure; were it undone with the rest
        # of the style, later cells would show nothing.
        matplotlib.interactive(interactive)
        return drawn

    return in_style


def style() -> AbstractContextManager[None]:
    """Return a context in which the style of the project holds, whatever the reader has set."""
    from matplotlib import style as matplotlib_style

    fonts = {"font.family": ["DejaVu Sans", *_han_fonts()]}
    return matplotlib_style.context(["default", {**STYLE, **fonts}])


def width_of(width: str | float | None) -> float:
    """Return a width in inches: one of `WIDTHS_IN` by its name, a number, or that of a page.

    Raises
    ------
    UnknownName
        No width has this name, or the number is none that a figure can have.
    """
    if width is None:
        return WIDTH_IN
    if isinstance(width, str):
        if width not in WIDTHS_IN:
            raise unknown_name(f"no width named {width!r}", width, WIDTHS_IN)
        return WIDTHS_IN[width]
    if not 2.5 <= width <= 60:
        raise unknown_name(
            f"expected a width from 2.5 to 60 inches, found {width:g}", "", WIDTHS_IN
        )
    return float(width)


def enlargement(fig: Canvas) -> float:
    """Return by how much type is larger than on a page: wider figures are seen from afar."""
    return max(1.0, fig.get_figwidth() / WIDTH_IN)


def layout_width(fig: Canvas) -> float:
    """Return the width of a figure in inches of its layout, which grow with its type."""
    return fig.get_figwidth() / enlargement(fig)


def enlarged(factor: float) -> AbstractContextManager[None]:
    """Return a context in which the sizes of the style are larger by a factor."""
    from matplotlib import style as matplotlib_style

    sizes = {key: value for key, value in STYLE.items() if _SIZES.search(key)}
    return matplotlib_style.context([{key: factor * value for key, value in sizes.items()}])


def enlarge_ticks(fig: Canvas) -> None:
    """Say of all ticks how large they are, since some are made only when the figure is shown."""
    factor = enlargement(fig)
    for ax in fig.axes:
        for axis in ("xtick", "ytick"):
            ax.tick_params(
                axis[0],  # type: ignore[arg-type]
                labelsize=factor * STYLE[f"{axis}.labelsize"],
                width=factor * STYLE[f"{axis}.major.width"],
            )


def pyplot_figure(**kwargs: Any) -> Canvas:
    """Return an empty figure that a notebook shows by itself."""
    from matplotlib import pyplot

    return pyplot.figure(**kwargs)


def save(figure: Canvas, path: Path, form: str) -> Path:
    """Write a figure completely or not at all, without anything that changes from day to day."""
    changing = {"png": "Software", "svg": "Date Creator", "pdf": "CreationDate Creator Producer"}
    metadata: dict[str, Any] = dict.fromkeys(changing[form].split())
    if form == "svg":  # a report takes the text for who cannot see the picture from here
        metadata["Title"] = " ".join(figure.get_suptitle().split()) or None
    with whole(path) as unfinished, style():
        figure.savefig(unfinished, format=form, dpi=150, metadata=metadata)
    return path


# -- text that fits -----------------------------------------------------------------------------


@functools.cache
def _han_fonts() -> tuple[str, ...]:
    """Fonts on this machine that hold Chinese characters."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in HAN_FONTS if name in installed)[:1]


@functools.cache
def _drawable() -> frozenset[int]:
    """Characters that the fonts hold."""
    from matplotlib import font_manager

    files = map(font_manager.findfont, ("DejaVu Sans", *_han_fonts()))
    return frozenset().union(*(font_manager.get_font(file).get_charmap() for file in files))


def name(text: Any, limit: int = 30) -> str:
    """Return a name as it can be drawn: on one line, not too long, boxes for missing characters.

    It has at most *limit* characters, half as many where characters are wide.
    """
    line = " ".join(str(text).split())
    kept = (c for c in line if unicodedata.category(c) not in ("Cc", "Cf"))
    plain = "".join(c if ord(c) in _drawable() else BOX for c in kept)
    if any(c == BOX or unicodedata.east_asian_width(c) in "WF" for c in plain):
        limit //= 2
    if len(plain) <= limit:
        return plain
    tail = limit // 3
    return f"{plain[: limit - tail - 1]}…{plain[-tail:]}"


@functools.lru_cache(4096)
def width_in(text: str, size_pt: float, weight: str = "normal") -> float:
    """Return the width of a text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size_pt, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / 72.0


def wrapped(text: str, most_in: float, size_pt: float, weight: str = "normal") -> list[str]:
    """Break a text into lines that are at most *most_in* inches wide, but not before a %."""
    most_in /= _RASTER
    lines = [""]
    for word in " ".join(text.split()).replace(" %", "\N{NO-BREAK SPACE}%").split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_in(longer, size_pt, weight) > most_in:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def label_room(labels: Iterable[str]) -> float:
    """Return the inches that these tick labels need on the left of a panel."""
    return 0.2 + max(width_in(label, LABEL_PT) for label in labels)


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


# -- lines, notes, legends ----------------------------------------------------------------------


def look(place: int) -> dict[str, Any]:
    """Return colour, line style and marker of a strategy by its place in the scenario."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "ls": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def stroke(label: str, **style: Any) -> tuple[Artist, str]:
    """Return an entry of a legend: a line or mark, and its label."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **style), label


def note(
    ax: Axes, text: str, at: tuple[float, float], up_pt: float, *, over: Any = "axes fraction",
    va: str = "top", **style: Any,
) -> None:  # fmt: skip
    """Write at the upper edge of a panel, some points above (or below) a place."""
    where = ((over, "axes fraction"), "offset points")
    factor = enlargement(ax.figure)  # type: ignore[arg-type]
    style["fontsize"] *= factor
    ax.annotate(text, at, (0, factor * up_pt), *where, ha="left", va=va, zorder=5, **style)


def panel_title(ax: Axes, title: str, subtitle: str) -> None:
    """Write the title of a panel at its upper left and, below it in grey, the subtitle."""
    note(ax, title, (0, 1), 11.5 if subtitle else 3, va="bottom", fontsize=7.5, fontweight="bold")
    note(ax, subtitle, (0, 1), 3, va="bottom", fontsize=SUBTITLE_PT, color="#444444")
