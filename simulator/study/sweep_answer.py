"""Sweep answer: the figure that a sweep is about, its table, pictures and sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import Cell, Row, cell, counted, plain, short, shorts
from simulator.results.metrics import metric as catalogue
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer, Section
from simulator.study.axis import numbers_of
from simulator.study.design import Design
from simulator.study.sensitivity import form_of
from simulator.study.sweep_point import text_of
from simulator.study.sweep_sentence import sentence_of

MOST_ROWS = 24
"""Points in the table that is shown; the frame has all."""
MOST_KEYS = 2
"""Keys that a picture can show."""
PEAKS = ("exit_utilisation_peak", "mlu_peak")
"""Figures that a sweep is about if none is named; the first that there is."""
MOST_STRATEGIES = 6


@dataclass(frozen=True)
class Swept:
    """A sweep and the figure it is about.

    Attributes
    ----------
    of : str
        Metric, or metric and scope, as asked for; empty for the peak.
    """

    scenario: Scenario
    design: Design
    of: str

    def __post_init__(self) -> None:
        named = self.of.partition(":")[0]
        if self.of and named not in list(catalogue.names()):
            hint = known_instead(named, catalogue.names())
            raise _no_figure(f"there is no metric {named!r}{hint}")

    @property
    def title(self) -> str:
        """The title of the scenario, or its name."""
        return plain(self.scenario.settings.title) or plain(self.scenario.name)

    def check(self, frame: pd.DataFrame) -> tuple[str, str]:
        """Return metric and scope of the figure.

        Raises
        ------
        InputError
            No point has such a figure.
        """
        pairs = frame[["metric", "scope"]].drop_duplicates()
        known = list(pairs.itertuples(index=False, name=None))
        named, _, scope = self.of.partition(":")
        if not named:
            named = next((each for each in PEAKS if (each, "all") in known), known[0][0])
        scope = scope or "all"
        if (named, scope) in known:
            return named, scope
        scopes = [each for metric, each in known if metric == named]
        if not scopes:
            hint = known_instead(named, dict.fromkeys(metric for metric, _ in known))
            raise _no_figure(f"this scenario has no figure of metric {named!r}{hint}")
        raise _no_figure(f"{named} has no scope {scope!r}{known_instead(scope, scopes)}")

    def target(self, named: str) -> float | None:
        """Return what the figure is held to at all points, if it is held to anything."""
        key = "targets.exit_utilisation"
        swept = any(each == "targets" or each.startswith(key) for each in self.design.keys)
        if named != PEAKS[0] or swept:
            return None
        return float(self.scenario.settings.targets.exit_utilisation)


def answer_of(swept: Swept, frame: pd.DataFrame, folder: Path) -> Answer:
    """Return the answer of a sweep whose points are all there."""
    named, scope = swept.check(frame)
    rows = frame[(frame["metric"] == named) & (frame["scope"] == scope)].reset_index(drop=True)
    target = swept.target(named)
    opening, answer = sentence_of(swept.scenario, swept.design, rows, target)
    draws = swept.scenario.settings.draws
    summary = (
        f"{counted(swept.design.count, 'point')} ({swept.design.kind}),"
        f" {counted(draws.days, 'replication')} each"
        + (f" in each of {draws.worlds} worlds" if draws.worlds > 1 else "")
        + f", seed {swept.scenario.settings.seed}"
    )
    figures, said = _figures(swept, rows, target, f"{answer[:1].upper()}{answer[1:]}")
    section, left = _section(swept, rows, named, scope)
    return Answer(
        f"Sweep over {', '.join(swept.design.keys)}: {swept.title}",
        f"{opening}, {answer}.",
        {"points": frame},
        figures,
        folder,
        [
            summary,
            *([f"points: {', '.join(swept.design.keys)}"] if len(swept.design.keys) > 1 else []),
        ],
        [section],
        [*left, *swept.design.notes(), *said, *_intervals(rows)],
    )


def write_pictures(answer: Answer, folder: Path) -> list[Path]:
    """Write the pictures of an answer below a folder."""
    from matplotlib.figure import Figure as Unshown

    from simulator.figures.style import save

    written = []
    for name, draw in answer.figures.items():
        (folder / "figures").mkdir(exist_ok=True)
        drawn: Any = draw(new_figure=Unshown)  # type: ignore[call-arg]
        drawn = drawn[0].figure if isinstance(drawn, np.ndarray) else drawn.figure
        written += [
            save(drawn, folder / "figures" / f"{name}.{form}", form) for form in ("png", "svg")
        ]
    return written


def _figures(
    swept: Swept, rows: pd.DataFrame, target: float | None, title: str
) -> tuple[Mapping[str, Any], list[str]]:
    """Return the pictures, and why there are none."""
    keys = swept.design.keys
    if len(keys) > MOST_KEYS:
        return {}, [f"Pictures show one or two keys; of {len(keys)} there are tables only."]
    known = rows[np.isfinite(rows["mean"])]
    if known.empty:
        return {}, ["No point has a figure that a picture could show."]
    name = "sweep_curves" if len(keys) == 1 else "sweep_map"
    axes = [(axis.key, *_placed(known[axis.key])) for axis in swept.design.axes]
    network = swept.scenario.network.name
    shown = (known, axes, swept.design.is_grid, target, network, swept.title, title)
    return {name: partial(_draw, name, shown)}, []


def _placed(column: pd.Series) -> tuple[list[Any], list[float] | None]:
    """Return the values of a key in the order of an axis, and where they stand if numbers."""
    values = list(dict.fromkeys(column.tolist()))
    numbers = numbers_of(values)
    if numbers is None:
        return values, None
    order = np.argsort(numbers)
    return [values[i] for i in order], [numbers[i] for i in order]


def _draw(
    name: str, shown: tuple[Any, ...], new_figure: Any = None, width: str | float | None = None
) -> Any:
    from simulator.figures.plotter import Plotter
    from simulator.figures.swept import Swept as Picture
    from simulator.figures.swept import SweptAxis

    rows, axes, *rest = shown
    picture = Picture(rows, [SweptAxis(*axis) for axis in axes], *rest)
    return getattr(Plotter(picture, "sweep", new_figure), name)(width=width)


# -- the table ----------------------------------------------------------------------------------


def _section(swept: Swept, rows: pd.DataFrame, named: str, scope: str) -> tuple[Section, list[str]]:
    """Return the table that is shown, and what it leaves out."""
    strategies = list(dict.fromkeys(rows["strategy"]))
    shown, form = strategies[:MOST_STRATEGIES], form_of(named)
    at = {(row["point"], row["strategy"]): row for row in rows.to_dict("records")}
    largest = float(np.nanmax(np.abs(rows["mean"]))) if rows["mean"].notna().any() else 0.0
    points = swept.design.points[:MOST_ROWS]
    labels = [_label(swept.design, point.values) for point in points]
    lines = [
        Row(label, tuple(_cell(at.get((point.number, name)), form, largest) for name in shown))
        for point, label in zip(points, labels, strict=True)
    ]
    left = []
    if (hidden := swept.design.count - len(points)) > 0:
        left.append(
            f"{counted(hidden, 'more point')} {'is' if hidden == 1 else 'are'} in the table points."
        )
    if len(strategies) > len(shown):
        left.append(
            f"{len(strategies) - len(shown)} more of the strategies are in the table points."
        )
    words = named.replace("_", " ")
    caption = words if scope == "all" else f"{words} ({scope})"
    return Section(caption, shorts(shown), lines), left


def _cell(row: Any, form: Any, largest: float) -> Cell:
    if row is None:
        return Cell("–")
    return cell(row["mean"], row["ci_low"], row["ci_high"], form, largest=largest)


def _label(design: Design, values: Mapping[str, Any]) -> str:
    if len(design.keys) == 1:
        return f"{short(design.keys[0], 48)} = {values[design.keys[0]]}"
    return ", ".join(short(text_of(value), 24) for value in values.values())


def _intervals(rows: pd.DataFrame) -> list[str]:
    most = int(rows["replications"].max())
    if most < 2:
        return ["One replication: intervals need two or more (--replications 5)."]
    if rows["ci_low"].isna().all():
        return [f"{most} replications are too few for intervals of this figure."]
    return [f"± is half a 95 % interval over {most} replications."]


def _no_figure(message: str) -> InputError:
    return InputError([Problem("", None, None, "of", message)])
