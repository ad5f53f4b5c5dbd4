"""Figure: the contract of the pictures, and their registry: one question, one file."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

from simulator.base.errors import SimulatorError
from simulator.base.registry import Registered, Registry
from simulator.figures.style import WIDTH_IN, Axes, Canvas


class NothingToShow(SimulatorError):
    """The object holds nothing that this figure could show."""


class Figure(Registered):
    """A picture that answers one question; the fields of a class are the options of its picture.

    The plotter makes an instance with the options, takes ``data(subject)``, and gives it with an
    empty figure to ``draw``. The first line of the docstring describes the figure in lists.

    Attributes
    ----------
    question : str
        What the picture answers, in one sentence.
    of : str
        The noun that it shows: ``results``, ``network``, and later others.
    order : float
        Place among the figures of a report; those without one come last, by name.
    standard : bool
        Whether it is among the figures that every run draws; others are drawn when asked for.
    size_in : tuple of float
        Width and height of the empty figure; ``draw`` may change them.
    """

    question: ClassVar[str] = ""
    of: ClassVar[str] = "results"
    order: ClassVar[float] = math.inf
    standard: ClassVar[bool] = True
    size_in: ClassVar[tuple[float, float]] = (WIDTH_IN, 3.5)

    @abstractmethod
    def data(self, subject: Any) -> Any:
        """Return what the picture shows, without matplotlib.

        Raises
        ------
        NothingToShow
            The subject holds nothing for this figure; `write_figures` then leaves it out.
        """

    @abstractmethod
    def draw(self, data: Any, fig: Canvas) -> Axes | Any:
        """Draw the data on an empty figure and return its Axes, or an array of them."""

    def worth_writing(self, data: Any) -> bool:
        """Return whether the picture of these data belongs among the files of a run."""
        return True


figure = Registry("figure", "simulator.figures", Figure)


def figures_of(noun: str) -> dict[str, type[Figure]]:
    """Return the figures of a noun by name, in the order of a report."""
    classes = {name: figure[name] for name in figure.names()}
    shown = {name: cls for name, cls in classes.items() if cls.of == noun}
    return dict(sorted(shown.items(), key=lambda item: (item[1].order, item[0])))
