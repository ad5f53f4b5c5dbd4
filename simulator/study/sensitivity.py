"""Sensitivity: which of the things that are not known moves the answer most."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import Cell, Form, Row, cell, counted, plain, short, shorts
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.results.folder import StagingFolder
from simulator.results.metrics import metric as catalogue
from simulator.results.ranges import Draws, by_world
from simulator.results.statistics import KEYS
from simulator.results.writer import figures_of, write_csv
from simulator.run import play_day
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer, Section
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.headlines import COMBINED, FORMS, with_international
from simulator.uncertainty.assumption import Assumption
from simulator.uncertainty.law import HIGH, LOW
from simulator.uncertainty.shares import designs, share_words, shares
from simulator.uncertainty.world import World, share_of

MARK = "sensitivity.json"
"""The file by which a folder of this study is known."""
DRAWS_ALONE = 8
"""Draws of an assumption with several members, in place of a low and a high value."""
MOST_SHOWN = 12
"""Assumptions in the table that is shown; the frame has all."""
MOST_STRATEGIES = 2
"""Strategies that the shown table has columns for."""
_PEAK = ("exit_utilisation_peak", "mlu_peak")
"""Answers that are asked about if none is named; the first that there is."""


_STATED, _FIRST, _SECOND = "\0stated", "\0first", "\0second"
"""What worlds are for that vary no assumption alone; no name of an assumption has a zero byte."""


class _Point(NamedTuple):
    """A world to play, and what for."""

    world: World
    of: str
    """Name of the assumption that it varies alone; else one of the three below."""


def sensitivity(
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    of: str = "",
    worlds: int | None = None,
    days: int = 1,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Say which assumption moves an answer most.

    Each assumption is varied alone, from the value that 5 % of its probability does not exceed to
    the one that 95 % do not, everything else being as stated. Of one that has a value for each of
    several members, eight draws are played, and the lowest and highest answer stand for its range.
    All of them are then varied together, in two designs of *worlds* each, for the share of the
    variance that each makes; see :mod:`simulator.uncertainty.shares`.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    of : str, optional
        The answer: a metric, or a metric and a scope as ``loss_fraction:international``; the peak
        of the hottest exit when left out.
    worlds : int, optional
        Size of each design: twice the assumptions and 16, or 32 if that is more, when left out; 0
        leaves the shares out.
    days : int
        Days of every world; the same ones in all.
    out : path, optional
        Folder to write; a temporary one when left out.
    workers : int
        Processes to share the worlds.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    force : bool
        Replace what this study wrote at *out* before.
    any_size : bool
        Run also what takes more than is allowed; see :func:`simulator.run`.
    finish : callable, optional
        Given the answer before its folder appears in its place, to add pictures.

    Returns
    -------
    Answer
        The table ``assumptions`` has columns ``assumption, strategy, metric, scope, unit, low,
        high, stated, answer_low, answer_high, share_of_variance, share_low, share_high, members,
        what, source``, those that move the answer of the last strategy most first. ``low`` and
        ``high`` are of the assumption, and ``answer_low`` is the answer at ``low``; where an
        assumption has several members, answers are the lowest and the highest. The table
        ``figures`` names the assumption with the largest share of every other figure.

    Raises
    ------
    InputError
        Nothing is stated as not known, there is no such answer, or too few worlds are asked for.
    SimulatorError
        The folder is taken.
    """
    scenario = as_scenario(scenario, any_size)
    every = _moving(scenario)
    worlds = max(32, 2 * len(every) + 16) if worlds is None else worlds
    if not any_size:
        once = scenario.with_changes({"replications": 1})
        refuse_too_much(once, days * (1 + 2 * len(every) + 2 * worlds))
    points = _points(every, worlds)
    with StagingFolder(out, force=force, mark=MARK) as staging:
        provenance.keep_inputs(scenario, staging.folder)
        identity, parts = provenance.identity(staging.folder), staging.folder / "parts"
        jobs = [
            Job(
                key_of(**identity, point=str(point), day=day),
                partial(play_day, scenario, point.world, day, i * days + day),
                parts / f"{i * days + day:06d}",
            )
            for i, point in enumerate(points)
            for day in range(days)
        ]
        # The world as stated says whether there is such an answer, before all others are played.
        executor(1).run(jobs[:days], silent)
        draws = Draws(len(points), days, days)
        named, scope = _answer_of(of, by_world(with_international(figures_of(parts)), draws))
        executor(min(workers, len(jobs))).run(jobs, progress or silent)
        answers = by_world(with_international(figures_of(parts)), draws)
        frame = _frame(scenario, points, answers, named, scope)
        frames = {"assumptions": frame, "figures": _others(scenario, points, answers)}
        for name, each in frames.items():
            write_csv(staging.folder, f"sensitivity_{name}", each)
        record = {"name": scenario.name, "metric": named, "scope": scope, "worlds": worlds}
        text = json.dumps({**record, "days": days}, indent=1, ensure_ascii=False) + "\n"
        (staging.folder / MARK).write_text(text, encoding="utf-8")
        shutil.rmtree(parts)
        answer = _answer(scenario, frames, len(points), worlds, days, staging.folder)
        keep_answer(answer, finish)
        answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


def _moving(scenario: Scenario) -> dict[str, Assumption]:
    """Return the assumptions that a run depends on."""
    return {name: each for name, each in scenario.assumptions.items() if each.moves_runs}


def _points(every: Mapping[str, Assumption], worlds: int) -> list[_Point]:
    """Return all worlds to play; the one as stated comes first."""
    if not every:
        message = (
            "nothing is stated as not known, in the scenario or in its topology; state it under"
            " uncertainty, with a law and a source for each"
        )
        raise InputError([Problem("", None, None, "uncertainty", message)])
    points = [_Point(World(), _STATED)]
    for name, each in every.items():
        if each.has_ends:
            points += [_Point(World(own={name: share}), name) for share in (LOW, HIGH)]
        else:
            alone = (World(own={name: draw}) for draw in range(1, DRAWS_ALONE + 1))
            points += [_Point(world, name) for world in alone]
    if worlds:
        least = 2 * len(every) + 8
        if worlds < least:
            message = f"{counted(len(every), 'assumption')} need {least} worlds or more, or 0"
            raise InputError([Problem("", None, None, "worlds", f"{message}; found {worlds}")])
        first, second = designs(list(every), worlds)
        points += [_Point(world, _FIRST) for world in first]
        points += [_Point(world, _SECOND) for world in second]
    return points


def _answer_of(of: str, answers: pd.DataFrame) -> tuple[str, str]:
    """Return metric and scope of the answer that is asked about."""
    pairs = answers.index.to_frame(index=False)[["metric", "scope"]]
    known = dict.fromkeys(pairs.itertuples(index=False, name=None))
    if not of:
        of = next((name for name in _PEAK if (name, "all") in known), next(iter(known))[0])
    named, _, scope = of.partition(":")
    scope = scope or "all"
    if (named, scope) not in known:
        scopes = [each for metric, each in known if metric == named]
        if not scopes:
            hint = known_instead(named, [metric for metric, _ in known])
            raise _no_answer(f"this scenario has no figure of metric {named!r}{hint}")
        raise _no_answer(f"{named} has no scope {scope!r}{known_instead(scope, scopes)}")
    return named, scope


def _no_answer(message: str) -> InputError:
    return InputError([Problem("", None, None, "of", message)])


# -- tables -------------------------------------------------------------------------------------


def _frame(
    scenario: Scenario, points: Sequence[_Point], answers: pd.DataFrame, named: str, scope: str
) -> pd.DataFrame:
    """Return a row for every assumption and strategy."""
    every, unit = _moving(scenario), catalogue[named].unit
    rows = []
    for strategy, values in _by_strategy(answers, named, scope).items():
        found = _shares(scenario, points, values)
        for k, (name, each) in enumerate(every.items()):
            mine = [i for i, point in enumerate(points) if point.of == name]
            ends = values[[0, *mine]]
            low, high = values[mine] if each.has_ends else (ends.min(), ends.max())
            share, half = (found.share[k], found.half[k]) if found else (np.nan, np.nan)
            rows.append(
                {
                    "assumption": name,
                    "strategy": strategy,
                    "metric": named,
                    "scope": scope,
                    "unit": unit,
                    **dict(zip(("low", "high"), each.law.range(), strict=True)),
                    "stated": values[0],
                    "answer_low": low,
                    "answer_high": high,
                    "share_of_variance": share,
                    "share_low": share - half,
                    "share_high": share + half,
                    "members": len(each.members(scenario.network, scenario.demands)),
                    "what": each.what(),
                    "source": each.source,
                }
            )
    frame = pd.DataFrame(rows)
    last = frame[frame["strategy"] == frame["strategy"].iloc[-1]]
    swing = (last["answer_high"] - last["answer_low"]).abs().fillna(0.0)
    order = last.assign(swing=swing).sort_values("swing", ascending=False, kind="stable")
    place = {name: i for i, name in enumerate(order["assumption"])}
    return frame.sort_values(
        "assumption", key=lambda names: names.map(place), kind="stable", ignore_index=True
    )


def _by_strategy(answers: pd.DataFrame, named: str, scope: str) -> dict[str, np.ndarray]:
    """Return one answer of every strategy, in every world."""
    mine = answers.xs((named, scope), level=("metric", "scope"))
    names = mine.index.get_level_values("strategy")
    return dict(zip(names, mine.to_numpy(dtype=float), strict=True))


def _shares(scenario: Scenario, points: Sequence[_Point], values: np.ndarray) -> Any:
    """Return the shares of the variance of an answer; None if no designs were played."""
    first = [i for i, point in enumerate(points) if point.of == _FIRST]
    second = [i for i, point in enumerate(points) if point.of == _SECOND]
    if not first:
        return None
    every, seed = _moving(scenario), scenario.settings.seed
    drawn = {}
    for name, each in every.items():
        if each.has_ends:
            (member,) = each.members(scenario.network, scenario.demands)
            draws = range(1, len(first) + 1)
            drawn[name] = np.array([share_of(seed, draw, name, member) for draw in draws])
    return shares(list(every), drawn, values[first], values[second])


def _others(scenario: Scenario, points: Sequence[_Point], answers: pd.DataFrame) -> pd.DataFrame:
    """Return what moves every other figure most: the largest share of its variance."""
    rows = []
    every = zip(answers.index, answers.to_numpy(dtype=float), strict=True)
    for (strategy, named, scope, unit), values in every:
        if scope not in ("all", COMBINED):
            continue
        found = _shares(scenario, points, values)
        if found is None or not found.variance > 0:
            continue
        k = int(np.argmax(found.share))
        rows.append(
            {
                "strategy": strategy,
                "metric": named,
                "scope": scope,
                "unit": unit,
                "stated": values[0],
                "deviation": np.sqrt(found.variance),
                "assumption": list(_moving(scenario))[k],
                "share_of_variance": found.share[k],
            }
        )
    columns = [*KEYS, "stated", "deviation", "assumption", "share_of_variance"]
    return pd.DataFrame(rows, columns=columns)


# -- the answer ---------------------------------------------------------------------------------


def _answer(
    scenario: Scenario,
    frames: Mapping[str, pd.DataFrame],
    played: int,
    worlds: int,
    days: int,
    folder: Path,
) -> Answer:
    frame = frames["assumptions"]
    strategies = list(dict.fromkeys(frame["strategy"]))
    shown = list(dict.fromkeys([strategies[-1], strategies[0]]))[:MOST_STRATEGIES]
    named, scope = frame["metric"].iloc[0], frame["scope"].iloc[0]
    words = named.replace("_", " ")
    what = words if scope == "all" else f"{words} ({scope})"
    form = form_of(named)
    names = list(dict.fromkeys(frame["assumption"]))
    rows = [
        Row(label, _cells(frame, name, shown, form))
        for name, label in zip(names[:MOST_SHOWN], shorts(names[:MOST_SHOWN], 32), strict=True)
    ]
    hidden = len(names) - len(rows)
    left = [f"{hidden} more are in the table assumptions."] if hidden else []
    network = scenario.network
    swings = frame[frame["strategy"] == shown[0]], network.name, scenario.settings.title
    return Answer(
        f"What moves {what} most: {plain(scenario.settings.title) or plain(scenario.name)}",
        f"On {short(network.name, 48)}, {_sentence(frame, shown[0], what, form)}.",
        frames,
        {"tornado": partial(_draw, swings)},
        folder,
        [
            f"{counted(len(names), 'assumption')}, {counted(played, 'world')} of"
            f" {counted(days, 'day')} each, seed {scenario.settings.seed}"
        ],
        [Section("", ["assumed", *_headings(shown, worlds)], rows)],
        [*left, *_foot(frame, worlds)],
    )


def _headings(strategies: Sequence[str], worlds: int) -> list[str]:
    return [f"{name}{', variance' if worlds else ''}" for name in shorts(strategies)]


def _cells(
    frame: pd.DataFrame, name: str, strategies: Sequence[str], form: Form
) -> tuple[Cell, ...]:
    mine = {row["strategy"]: row for row in frame.to_dict("records") if row["assumption"] == name}
    first = mine[strategies[0]]
    found = [Cell(f"{first['low']:.3g} to {first['high']:.3g}")]
    for strategy in strategies:
        row = mine[strategy]
        found.append(Cell(_span(row, form), _share(row)))
    return tuple(found)


def _share(row: Mapping[Any, Any]) -> str:
    return share_words(row["share_low"], row["share_of_variance"], row["share_high"])


def _span(row: Mapping[Any, Any], form: Form) -> str:
    """Return the answers at both ends of an assumption: ``71.2 to 103.4 %``."""
    size = max(abs(row[key]) for key in ("stated", "answer_low", "answer_high"))
    ends = [
        cell(row[key], np.nan, np.nan, form, largest=size).value
        for key in ("answer_low", "answer_high")
    ]
    return f"{ends[0].removesuffix(' %')} to {ends[1]}" if ends[0] != ends[1] else ends[0]


def _sentence(frame: pd.DataFrame, strategy: str, what: str, form: Form) -> str:
    """Return the three assumptions that move the answer of a strategy most."""
    mine = frame[frame["strategy"] == strategy].to_dict("records")
    stated = cell(mine[0]["stated"], np.nan, np.nan, form).value
    parts = []
    for row in mine[:3]:
        share = _share(row)
        part = f", {share} of the variance" if share else ""
        parts.append(f"{plain(str(row['assumption']))} ({_span(row, form)}{part})")
    most = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{what} of {short(strategy)}, {stated} as stated, is moved most by {most}"


def _foot(frame: pd.DataFrame, worlds: int) -> list[str]:
    foot = [
        "Each is varied alone, from the value that 5 % of its probability does not exceed to the"
        f" one that 95 % do not; one with several members takes {DRAWS_ALONE} draws, and its"
        " answers are the lowest and the highest."
    ]
    if worlds:
        half = frame["share_high"] - frame["share_of_variance"]
        parts = []
        for name, mine in frame.assign(half=half).groupby("strategy", sort=False):
            rest, error = 1.0 - mine["share_of_variance"].sum(), np.sqrt((mine["half"] ** 2).sum())
            parts.append(f"{short(str(name))} {100 * rest:.0f} % ± {100 * error:.0f}")
        foot.append(
            f"Shares of the variance when all are drawn, in {2 * worlds} worlds, those above zero"
            " at 95 %; < is the upper end of the interval of the others (more --worlds narrow it);"
            f" together they make all but: {', '.join(parts)} (assumptions that act together, and"
            " chance)."
        )
    return foot


def form_of(named: str) -> Form:
    """Return how the values of a metric are written."""
    unit = catalogue[named].unit
    if named == "headroom":
        return "factor"
    if named.endswith("_fraction") or named == "gap_max":
        return "fine_share"
    return "share" if "utilisation" in named or named == "mlu_peak" else FORMS.get(unit, "index")


def _draw(
    swings: tuple[pd.DataFrame, str, str],
    *,
    new_figure: Any = None,
    width: str | float | None = None,
) -> Any:
    """Draw the tornado, on a figure of pyplot if no other is given."""
    from simulator.figures.plotter import Plotter
    from simulator.figures.tornado import Swings

    return Plotter(Swings(*swings), "sensitivity", new_figure).tornado(width=width)
