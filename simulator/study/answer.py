"""Answer: what every study gives: a sentence, tables, figures and a folder."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from simulator.base.text import Row, html_lines, html_table, short, table, wrapped
from simulator.results.results import Results
from simulator.results.writer import records

LONGEST_CAPTION = 60


class Section(NamedTuple):
    """A table as it is shown: rounded figures under a caption.

    ``groups`` says which columns belong together; see :func:`simulator.base.text.table`.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Row]
    groups: Sequence[int] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The answer to a question about runs; ``print`` it, or look at it in a notebook.

    Attributes
    ----------
    title : str
    sentence : str
        The answer in one sentence, with figures.
    tables : dict of str to pandas.DataFrame
        All figures, tidy and unrounded, by name of the table; the main table is the first.
    figures : dict of str to callable
        Each draws a picture when called and returns matplotlib Axes.
    folder : pathlib.Path
        Where the results are; a temporary folder lives as long as the answer.
    head, foot : sequence of str
        What was simulated, and what to bear in mind when reading the sections.
    sections : sequence of Section
        The tables as they are shown, between head and foot.
    results : dict of str to Results
        The runs by name.
    changes : dict of str to dict
        What was set, by the name of the change.
    """

    title: str
    sentence: str
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Callable[[], Any]]
    folder: Path
    head: Sequence[str] = ()
    sections: Sequence[Section] = ()
    foot: Sequence[str] = ()
    results: Mapping[str, Results] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """The main table."""
        return next(iter(self.tables.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the sentence and the rows of every table, with null for what is not finite."""
        return {
            "sentence": self.sentence,
            "tables": {name: records(frame) for name, frame in self.tables.items()},
        }

    def __repr__(self) -> str:
        lines = [line for text in (self.title, self.sentence, *self.head) for line in wrapped(text)]
        for caption, headings, rows, groups in self.sections:
            lines += ["", short(caption, LONGEST_CAPTION)] if caption else []
            lines.append(table(headings, rows, groups=groups))
        lines += [""] if any(section.caption for section in self.sections) else []
        lines += [line for text in self.foot for line in wrapped(text, hang="  ")]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = "".join(html_table(*section[:3]) for section in self.sections)
        return html_lines((self.title, self.sentence, *self.head)) + tables + html_lines(self.foot)


def pictures(results: Results, names: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """Return some methods of ``results.plot``, by name, each drawn when called."""

    def draw(name: str) -> Any:
        importlib.import_module("simulator.figures.plotter")  # it gives Results their ``plot``
        return methodcaller(name)(results.plot)

    return {name: partial(draw, name) for name in names}
