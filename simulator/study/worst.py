"""Worst: the failures and demands that hurt each strategy most, at a probability, with a proof."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem, known_instead
from simulator.jobs import Progress, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import Element, elements_of
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.behaviour import ANNOUNCED, INBOUND, Behaviour, behaviour_of
from simulator.study.border_case import BorderCase, DemandRange, border_case
from simulator.study.headroom import AnyScheme
from simulator.study.subject import subject_of
from simulator.study.worst_rows import fewer_faults, rows_of
from simulator.study.worst_search import Search, StrategySearch
from simulator.study.worst_words import Asked, answer_of
from simulator.uncertainty.assumption import Assumption
from simulator.uncertainty.world import World, drawn

MARK = "worst.json"
"""The file by which a folder of this study is known."""
ELEMENTS = ("cables", "exits", "gateways", "overseas")
"""Kinds of elements that may fail here: those beyond the backbone."""
MEANINGS = ("all", "exactly")


def worst(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = ("igp_ecmp", "min_max"),
    probability: float | Sequence[float] = 1e-4,
    meaning: str = "all",
    of: str | Sequence[str] = ("cables",),
    box: float | None = None,
    hose: float | None = None,
    total: float | None = None,
    worlds: int | None = None,
    inbound: str = ANNOUNCED,
    out: str | Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Find the failures and demands that hurt each strategy most, with a proof.

    Any number of elements may fail together, as long as that is likely enough, and demands may be
    anywhere in a range, at once. The main figure is what cannot be carried across the border.
    Controllers are taken as good as any routing once they have reacted, by cuts; routes that do not
    follow traffic in closed form, by what the exits lose. Where a strategy is between the two, or
    the backbone may be too small, the bound is above the value.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network; see :func:`simulator.headroom`.
    probability : float or sequence of float
        What a set of failures is at least as likely as.
    meaning : str
        Of ``all`` of them being down, whatever the others are; or of ``exactly`` these.
    of : str or sequence of str
        Kinds of elements that may fail: ``cables``, ``exits``, ``gateways``, ``overseas``.
    box : float, optional
        How far every demand may be off, 0.3 when left out.
    hose : float, optional
        In place of a box: every end up to so many times its sum, in any pairs.
    total : float, optional
        Most of all demands of a direction, in their total as stated; 1.1 when left out.
    worlds : int, optional
        In place of all these: the range of demands in so many drawn worlds.
    inbound : str
        How inbound traffic that is moved by announcements is taken: ``announced``, between the two
        others, which value and bound then are; ``steered``, as if the controller itself chose its
        exits; ``static``, as if it stayed on the static routes. Each of the two is exact at exits.
    out : path, optional
        Folder to write; a temporary one when left out.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    force : bool
        Replace what this study wrote at *out* before.
    finish : callable, optional
        Given the answer before its folder appears in its place, to add pictures.

    Returns
    -------
    Answer
        Tables ``worst`` (strategies, metrics and probabilities), ``demands`` (by region, in each
        of these cases), ``fewer_faults`` (with a fifth of the faults) and ``elements`` (how often
        each is down).

    Raises
    ------
    InputError
        A value is wrong, or no traffic crosses the border.
    SimulatorError
        The folder is taken.
    """
    least = _probabilities(probability)
    kinds = _kinds(of)
    if meaning not in MEANINGS:
        raise _wrong("meaning", f"no meaning {meaning!r}{known_instead(meaning, MEANINGS)}")
    if inbound not in INBOUND:
        raise _wrong("inbound", f"no word {inbound!r}{known_instead(inbound, INBOUND)}")
    span = _span(box, hose, total, worlds)
    title, network, demands, strategies, stated, lands, made = subject_of(
        scenario, demands, scheme, "worst"
    )
    if worlds is not None:
        if made is None:
            raise _wrong("worlds", "worlds are drawn from a scenario; give box or hose")
        span = replace(span, drawn=_drawn(made, worlds))
    elements = elements_of(network, stated, kinds)
    search = Search(_case(network, demands, span, elements, kinds), elements, least,
                    meaning == "exactly")  # fmt: skip
    asked = Asked(title, network.name, strategies, search, span, kinds, inbound)
    with StagingFolder(out, force=force, mark=MARK) as staging:
        if made is not None:
            provenance.keep_inputs(made, staging.folder)
        takes = partial(behaviour_of, network=network, demands=demands, lands=lands,
                        inbound=inbound)  # fmt: skip
        taken = {name: takes(strategy) for name, strategy in strategies.items()}
        frames, searches = _frames(search, taken, progress or silent)
        return _published(staging, asked, frames, searches, finish)


def _case(
    network: Network,
    demands: Demands,
    span: DemandRange,
    elements: Sequence[Element],
    kinds: Sequence[str],
) -> BorderCase:
    if not elements:
        raise _wrong("of", f"{network.name} has no {' and no '.join(kinds)} that could fail")
    case = border_case(network, demands, span)
    if not case.sides:
        raise _wrong("demands", f"no traffic crosses the border of {network.name}")
    return case


def _frames(
    search: Search, taken: Mapping[str, Behaviour], progress: Progress
) -> tuple[dict[str, pd.DataFrame], dict[str, StrategySearch]]:
    """Return all tables, and what was found for each strategy."""
    rows, at_ends, fewer = [], [], []
    searches = {}
    case = search.case
    for i, (name, behaviour) in enumerate(taken.items()):
        found = searches[name] = StrategySearch(search, name, behaviour)
        for row, demands in rows_of(found):
            rows.append(row)
            at_ends += _demand_rows(case, row, demands)
        fewer += list(fewer_faults(found))
        progress((i + 1) / len(taken))
    tables = {
        "worst": pd.DataFrame(rows),
        "demands": pd.DataFrame(at_ends, columns=list(_DEMAND_COLUMNS)),
        "fewer_faults": pd.DataFrame(fewer, columns=list(_FEWER_COLUMNS)),
        "elements": pd.DataFrame(_element_rows(search.elements)),
    }
    return tables, searches


_DEMAND_COLUMNS = ("strategy", "metric", "probability", "direction", "end", "stated_gbps", "gbps")
_FEWER_COLUMNS = ("strategy", "probability", "faults_factor", "value", "faults")


def _demand_rows(
    case: BorderCase, row: Mapping[str, Any], demands: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The demands of every end abroad in a worst case."""
    rows = []
    for way, worst_gbps in demands.items():
        side = case.sides[way]
        sums = [np.bincount(side.demands.far, each) for each in
                (side.demands.base_gbps, worst_gbps)]  # fmt: skip
        head = {key: row[key] for key in ("strategy", "metric", "probability")}
        rows += [
            {**head, "direction": way, "end": case.network.nodes[end],
             "stated_gbps": float(stated), "gbps": float(gbps)}
            for end, stated, gbps in zip(side.ends.tolist(), *sums, strict=True)
        ]  # fmt: skip
    return rows


def _element_rows(elements: Sequence[Element]) -> list[dict[str, Any]]:
    return [
        {"element": each.id, "kind": each.kind, "mtbf_h": each.mtbf_h, "mttr_h": each.mttr_h,
         "unavailability": each.unavailability, "assumed": ", ".join(each.assumed)}
        for each in elements
    ]  # fmt: skip


def _published(
    staging: StagingFolder,
    asked: Asked,
    frames: dict[str, pd.DataFrame],
    searches: Mapping[str, StrategySearch],
    finish: Finish | None,
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    for name, frame in frames.items():
        write_csv(staging.folder, f"worst_{name}", frame)
    answer = answer_of(asked, frames, searches, staging.folder)
    keep_answer(answer, finish)
    record = {
        "name": asked.title, "probabilities": list(asked.search.least), "of": list(asked.kinds),
        "meaning": MEANINGS[asked.search.exactly], "demands": asked.span.words,
        "inbound": asked.inbound,
    }  # fmt: skip
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


# -- what is asked --------------------------------------------------------------------------------


def _probabilities(given: float | Sequence[float]) -> tuple[float, ...]:
    many = (given,) if isinstance(given, int | float) else tuple(given)
    for each in many:
        if not 0 < each <= 1:
            raise _wrong("probability", f"expected a number above 0 and up to 1, found {each:g}")
    if not many:
        raise _wrong("probability", "expected one or more, found none")
    return tuple(dict.fromkeys(float(each) for each in many))


def _kinds(of: str | Sequence[str]) -> tuple[str, ...]:
    kinds = tuple(of.split(",")) if isinstance(of, str) else tuple(of)
    kinds = tuple(dict.fromkeys(each.strip() for each in kinds))
    for each in kinds:
        if each in ("links", "nodes"):
            message = (
                f"{each} at home are left out: what the exits can carry is exact with the backbone"
                " whole; see simulator availability"
            )
            raise _wrong("of", message)
        if each not in ELEMENTS:
            raise _wrong("of", f"no kind of elements {each!r}{known_instead(each, ELEMENTS)}")
    if not kinds:
        raise _wrong("of", "expected one or more kinds of elements, found none")
    return kinds


def _span(
    box: float | None, hose: float | None, total: float | None, worlds: int | None
) -> DemandRange:
    given = {"box": box, "hose": hose, "worlds": worlds}
    several = [name for name, value in given.items() if value is not None]
    if len(several) > 1:
        raise _wrong(several[1], f"give {several[0]} or {several[1]}, not both")
    for name, value in {**given, "total": total}.items():
        if value is not None and not 0 <= value < float("inf"):
            raise _wrong(name, f"expected a number from 0, found {value:g}")
    if worlds is not None and total is not None:
        raise _wrong("total", "worlds have totals of their own; leave it out")
    if worlds is not None and worlds < 2:
        raise _wrong("worlds", f"a range needs 2 worlds or more, found {worlds}")
    return DemandRange(0.3 if box is None else box, hose, (1.1 if total is None else total))


def _drawn(scenario: Scenario, worlds: int) -> np.ndarray:
    """Return the demands of drawn worlds, shape (worlds, demands)."""
    moving = {
        name: each
        for name, each in scenario.assumptions.items()
        if type(each).demands_under is not Assumption.demands_under
    }
    if not moving:
        message = "nothing is stated as not known of the traffic, so there is no range; give box"
        raise _wrong("worlds", message)
    seed, network = scenario.settings.seed, scenario.network
    draws = (
        drawn(World(number), seed, moving, network, scenario.demands).demands.gbps
        for number in range(1, worlds + 1)
    )
    return np.array(list(draws))


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
