"""Availability: for how much of the time each level of service is met, by strategy."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem, known_instead
from simulator.jobs import Progress, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import KINDS, Element, elements_of
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.availability_rows import element_rows, level_rows, lost_rows
from simulator.study.availability_words import Asked, answer_of
from simulator.study.behaviour import Behaviour, behaviour_of
from simulator.study.border_case import DemandRange, border_case
from simulator.study.failure_states import States
from simulator.study.headroom import AnyScheme
from simulator.study.levels import DEFAULTS, Judge, Level, Scopes, parse
from simulator.study.outages import Outages, listed, sampled, simulated
from simulator.study.served import Question, Served, served
from simulator.study.subject import subject_of

MARK = "availability.json"
"""The file by which a folder of this study is known."""
AUTO = "auto"
METHODS = (AUTO, "listed", "simulated", "sampled")
MOST_MISSING = 1e-3
"""Share of time that a list may leave out before moments are sampled instead."""
MOMENTS = 4


def availability(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = ("igp_ecmp", "min_max"),
    of: str | Sequence[str] | None = None,
    level: str | Sequence[str] = DEFAULTS,
    method: str = AUTO,
    years: int = 2000,
    samples: int = 20_000,
    moments: int = MOMENTS,
    seed: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Say for how much of the time each level of service is met, by strategy.

    Elements fail and are repaired independently. All strategies meet the same states, and every
    state is looked at once. Controllers have reacted: what is lost until then, a second or some, is
    left out.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic, which stands still.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network; see :func:`simulator.headroom`.
    of : str or sequence of str, optional
        Kinds of elements that fail: ``cables, exits, gateways, overseas, links, nodes``. Cables
        where there are any, else links, when left out.
    level : str or sequence of str
        ``95 %`` of demand carried, of all scopes; ``region-japan 10 Gbps 99.9 %``, and for how much
        of the time that is asked for; ``beijing>pop-tokyo p95 40 ms``. A scope is ``all``, a class,
        a node abroad, a pair, or ``every`` region at once.
    method : str
        ``listed``: all states, or the likeliest and what is left. ``simulated``: so many *years* of
        faults and repairs. ``sampled``: so many moments, rare states more often than they are.
        ``auto``: listed, or sampled where a list would leave out more than a thousandth of time.
    years, samples : int
        Of the last two methods.
    moments : int
        Moments of the first day, evenly spaced, that traffic is looked at in every state; with a
        network there is one.
    seed : int, optional
        Root of randomness; that of the scenario, or 1, when left out.
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
        Tables ``availability`` (strategies, scopes and levels), ``lost`` (volume in a year, by
        strategy and scope) and ``elements`` (what each means for every strategy).

    Raises
    ------
    InputError
        A value is wrong, or there is nothing that could fail.
    SimulatorError
        The folder is taken.
    """
    levels = _levels(level)
    _check(method, years, samples, moments)
    title, network, demands, strategies, stated, lands, made = subject_of(
        scenario, demands, scheme, "availability"
    )
    rates = demands.gbps[:, None] if made is None else _rates(made, moments)
    shown = 0 if made is None else moments
    if seed is None:
        seed = 1 if made is None else made.settings.seed
    kinds = _kinds(of, network)
    elements = elements_of(network, stated, kinds)
    if not elements:
        raise _wrong("of", f"{network.name} has no {' and no '.join(kinds)} that could fail")
    outages = _outages(elements, method, years, samples, seed)
    question = _question(network, demands, rates, levels, elements, outages)
    behaviours = {
        name: behaviour_of(each, network, demands, lands=lands) for name, each in strategies.items()
    }
    found = _found(question, behaviours, outages, progress or silent)
    frames = _frames(question, found, outages, elements)
    asked = Asked(title, network.name, strategies, behaviours, question, outages, kinds,
                  shown, years)  # fmt: skip
    with StagingFolder(out, force=force, mark=MARK) as staging:
        if made is not None:
            provenance.keep_inputs(made, staging.folder)
        return _published(staging, asked, frames, found, finish)


def _question(
    network: Network,
    demands: Demands,
    rates: np.ndarray,
    levels: Sequence[Level],
    elements: tuple[Element, ...],
    outages: Outages,
) -> Question:
    """Traffic across the border counts; all of it where there is no border."""
    asks = (rates > 0).any(axis=1)
    abroad = ~demands.of_class(("domestic", "transit")) & asks
    mine = np.flatnonzero(abroad if abroad.any() else asks)
    if not len(mine):
        raise _wrong("demands", "there is no traffic")
    case = border_case(network, demands, DemandRange(box=0.0, total=1.0))
    scopes = Scopes(network, demands.take(mine))
    judge = Judge(scopes, scopes.spread(levels))
    chance = outages.weight.mean(axis=0)
    return Question(case, mine, rates, judge, States(network, elements, outages.down, chance))


def _rates(scenario: Scenario, moments: int) -> np.ndarray:
    """Return the traffic expected at moments of the first day (demands, moments)."""
    hours = min(24.0, scenario.horizon_s / 3600.0)
    at = (np.arange(moments) + 0.5) * hours / moments
    rates = scenario.case.series.expected(at)
    if len(rates) == len(scenario.demands):
        return rates
    part = scenario.case.series.part_of  # services: add up the parts of every demand
    assert part is not None
    whole = np.zeros((len(scenario.demands), moments))
    np.add.at(whole, part, rates)
    return whole


def _outages(
    elements: Sequence[Element], method: str, years: int, samples: int, seed: int
) -> Outages:
    if method == "simulated":
        return simulated(elements, years, seed)
    if method == "sampled":
        return sampled(elements, samples, seed)
    whole = listed(elements)
    if method == AUTO and whole.missing > MOST_MISSING:
        return sampled(elements, samples, seed)
    return whole


def _found(
    question: Question,
    behaviours: Mapping[str, Behaviour],
    outages: Outages,
    progress: Progress,
) -> dict[str, tuple[Served, Served]]:
    """What each strategy delivers; the states are the same for all."""
    order = np.argsort(-outages.weight.mean(axis=0), kind="stable")
    found = {}
    for i, (name, behaviour) in enumerate(behaviours.items()):
        found[name] = served(question, behaviour, order)
        progress((i + 1) / len(behaviours))
    return found


def _frames(
    question: Question,
    found: Mapping[str, tuple[Served, Served]],
    outages: Outages,
    elements: Sequence[Element],
) -> dict[str, pd.DataFrame]:
    levels = [
        row for name, both in found.items() for row in level_rows(name, both, question, outages)
    ]
    lost = [row for name, both in found.items() for row in lost_rows(name, both, question, outages)]
    means = [row for name, both in found.items()
             for row in element_rows(name, both[0], question, outages, elements)]  # fmt: skip
    return {
        "availability": pd.DataFrame(levels),
        "lost": pd.DataFrame(lost),
        "elements": pd.DataFrame(means),
    }


def _published(
    staging: StagingFolder,
    asked: Asked,
    frames: dict[str, pd.DataFrame],
    found: Mapping[str, tuple[Served, Served]],
    finish: Finish | None,
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    for name, frame in frames.items():
        write_csv(staging.folder, f"availability_{name}", frame)
    answer = answer_of(asked, frames, found, staging.folder)
    keep_answer(answer, finish)
    record = {
        "name": asked.title, "of": list(asked.kinds), "method": asked.outages.how,
        "states": len(asked.outages.down), "moments": asked.moments,
    }  # fmt: skip
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


# -- what is asked --------------------------------------------------------------------------------


def _levels(given: str | Sequence[str]) -> list[Level]:
    many = [given] if isinstance(given, str) else list(given)
    made = [parse(each) for each in many]
    wrong = [each for each in made if isinstance(each, str)]
    if wrong or not made:
        raise _wrong("level", wrong[0] if wrong else "expected one or more levels, found none")
    return [each for each in made if isinstance(each, Level)]


def _kinds(of: str | Sequence[str] | None, network: Network) -> tuple[str, ...]:
    if of is None:
        riding = any(network.cable_share(cable).any() for cable in network.cables)
        return ("cables",) if riding else ("links",)
    kinds = tuple(of.split(",")) if isinstance(of, str) else tuple(of)
    kinds = tuple(dict.fromkeys(each.strip() for each in kinds))
    for each in kinds:
        if each not in KINDS:
            raise _wrong("of", f"no kind of elements {each!r}{known_instead(each, KINDS)}")
    if not kinds:
        raise _wrong("of", "expected one or more kinds of elements, found none")
    return kinds


def _check(method: str, years: int, samples: int, moments: int) -> None:
    if method not in METHODS:
        raise _wrong("method", f"no method {method!r}{known_instead(method, METHODS)}")
    for name, value, least in (("years", years, 2), ("samples", samples, 100),
                               ("moments", moments, 1)):  # fmt: skip
        if value < least:
            raise _wrong(name, f"expected {least} or more, found {value}")


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
