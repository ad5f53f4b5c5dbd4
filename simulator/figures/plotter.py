"""Plotter: the figures of an object as methods, and as files.

    results.plot.hottest_exit()

returns matplotlib Axes, whose figure a notebook shows by itself. Importing this module hangs
``plot`` on ``Results``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from simulator.base.errors import known_instead, unknown_name
from simulator.figures.figure import Figure, NothingToShow, figures_of
from simulator.figures.style import (
    FORMATS,
    Canvas,
    enlarge_ticks,
    enlarged,
    enlargement,
    pyplot_figure,
    save,
    styled,
    width_of,
)
from simulator.results.results import Results

_RETURNS = """\
Returns
-------
matplotlib.axes.Axes, or ndarray of them

Raises
------
SimulatorError
    There is nothing of the kind to show.

Notes
-----
The keyword ``width`` is ``column`` (3.5 in), ``page`` (7.2 in, as if left out), ``slide`` (10 in,
with larger type), or a number of inches.
"""
_WIDTH = inspect.Parameter("width", inspect.Parameter.KEYWORD_ONLY, default=None)


class Plotter:
    """The figures of an object, as methods; ``results.plot`` is one.

    *of* is the noun of the subject, which selects the figures. *new_figure* makes an empty figure
    of a given ``figsize``; it is pyplot's when left out, so that a notebook shows it.
    """

    def __init__(
        self, subject: Any, of: str = "results", new_figure: Callable[..., Canvas] | None = None
    ) -> None:
        self._subject, self._of = subject, of
        self._new_figure = new_figure or pyplot_figure

    def __repr__(self) -> str:
        return f"<figures of {self._of}: {', '.join(figures_of(self._of))}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *figures_of(self._of)]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        known = {} if name.startswith("_") else figures_of(self._of)
        if name not in known:
            near = known_instead(name, figures_of(self._of))
            raise AttributeError(f"no figure of {self._of} named {name!r}{near}")
        return self._method(name, known[name])

    def _method(self, name: str, cls: type[Figure]) -> Callable[..., Any]:
        """Return a function that takes the options of a figure and draws it."""
        options = [p for p in inspect.signature(cls).parameters.values() if p.name != "kind"]
        by_place = inspect.Parameter.POSITIONAL_OR_KEYWORD
        signature = inspect.Signature([*(p.replace(kind=by_place) for p in options), _WIDTH])

        def method(*args: Any, **named: Any) -> Any:
            given = signature.bind(*args, **named).arguments
            width = given.pop("width", None)
            picture = cls(**given)
            return self.draw(picture, picture.data(self._subject), width)

        method.__name__, method.__doc__ = name, f"{inspect.getdoc(cls)}\n\n{_RETURNS}"
        method.__signature__ = signature  # type: ignore[attr-defined]
        return method

    @styled
    def draw(self, picture: Figure, data: Any, width: str | float | None = None) -> Any:
        """Draw a figure of these data on a new canvas; return what its ``draw`` returns.

        *width* is ``column``, ``page`` or ``slide``, or a number of inches.
        """
        canvas = self._new_figure(figsize=(width_of(width), picture.size_in[1]))
        with enlarged(enlargement(canvas)):
            drawn = picture.draw(data, canvas)
            enlarge_ticks(canvas)
        return drawn


# mypy holds a property for something that cannot be replaced.
Results.plot = property(Plotter)  # type: ignore[method-assign, assignment]


def write_figures(
    results: Results,
    folder: str | Path,
    formats: Iterable[str] = ("png",),
    names: Iterable[str] | None = None,
    *,
    width: str | float | None = None,
    asked: bool = False,
    at_h: float | None = None,
) -> list[Path]:
    """Write the figures that the run has something to show for, and return their files.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    formats : iterable of str
        Of ``png``, ``svg`` and ``pdf``. The same results give the same bytes.
    names : iterable of str, optional
        Figures to write; the standard ones when left out.
    width : str or float, optional
        ``column`` (3.5 in), ``page`` (7.2 in, the default), ``slide`` (10 in, with larger type), or
        a number of inches.

    asked : bool
        Whether *names* were asked for one by one: each is written then, however little there is to
        see, and one without anything to show is an error.
    at_h : float, optional
        Hours after the start, for figures of one moment; the one that each selects when left out.

    Raises
    ------
    UnknownName
        A format, a figure or a width is unknown, or *at_h* is given for a figure that is not of
        one moment.
    SimulatorError
        There is nothing to show in a figure that was asked for.
    """
    from matplotlib.figure import Figure as Unshown

    formats = tuple(formats)
    for form in formats:
        if form not in FORMATS:
            raise unknown_name(f"no figures as {form!r}", form, FORMATS)
    width = width_of(width)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    plotter = Plotter(results, new_figure=Unshown)
    known_figures = figures_of("results")
    standard = {name for name, cls in known_figures.items() if cls.standard}
    wanted = standard if names is None else set(names)
    for name in sorted(wanted - set(known_figures)):
        raise unknown_name(f"no figure named {name!r}", name, known_figures)
    pictures = {n: _picture(cls, at_h) for n, cls in known_figures.items() if n in wanted}
    written = []
    for name, picture in pictures.items():
        try:
            data = picture.data(results)
        except NothingToShow:
            if asked:
                raise
            continue
        if asked or picture.worth_writing(data):
            drawn = np.atleast_1d(plotter.draw(picture, data, width))[0].figure
            written += [save(drawn, place / f"{name}.{form}", form) for form in formats]
    return written


def _picture(cls: type[Figure], at_h: float | None) -> Figure:
    """Return a figure with its own options, at a moment if one is given."""
    if at_h is None:
        return cls()
    if "at_h" not in inspect.signature(cls).parameters:
        moments = [
            n for n, c in figures_of(cls.of).items() if "at_h" in inspect.signature(c).parameters
        ]
        raise unknown_name(f"figure {cls.kind!r} is not of one moment", cls.kind, moments)
    return cls(at_h=at_h)  # type: ignore[call-arg]
