"""Plan: the cheapest upgrades that keep every exit below its target, and what SDN saves."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from simulator import provenance
from simulator.base.checking import build
from simulator.base.document import Document
from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.schema import to_plain
from simulator.control.strategy import Strategy
from simulator.jobs import Progress, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import Reliability, elements_of
from simulator.results.folder import StagingFolder
from simulator.results.tables import declared
from simulator.results.writer import write_csv
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.scenario.upgrades import Upgrades
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.behaviour import behaviour_of
from simulator.study.calendar import calendar
from simulator.study.growing import Rates, assumed_rates, rates_of
from simulator.study.headroom import TARGET, AnyScheme, strategies_of
from simulator.study.plan_case import PlanCase, plan_case
from simulator.study.plan_demand import PlanDemand, hourly, require_abroad, stated_rates
from simulator.study.plan_market import market_of
from simulator.study.plan_nines import (
    DEFAULT_LEVELS,
    commitment_of,
    nine_rows,
    require_levels,
)
from simulator.study.plan_nines_words import nines_answer
from simulator.study.plan_rows import (
    StrategyPlan,
    check_rows,
    equal_search,
    period_rows,
    plan_row,
    regret_rows,
    searches_of,
    step_rows,
)
from simulator.study.plan_search import PlanSearch
from simulator.study.plan_sets import PIPE, set_rows
from simulator.study.plan_words import Asked, answer_of

MARK = "plan.json"
"""The file by which a folder of this study is known."""
SETS = ("busy_hour", "box", "hose_total", "hose", "pipe")


def plan(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = ("igp_ecmp", "min_max"),
    upgrades: Mapping[str, Any] | None = None,
    noises: Sequence[float] = (),
    out: str | Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Find the cheapest upgrades that keep every exit below its target, with a proof.

    The target holds in every failure that is listed, at the end of every period, for all demands of
    a set. Controllers are planned as good as any routing, other strategies by their fixed routes or
    by the best fixed shares. Every plan is put on the network and routed.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network; see :func:`simulator.headroom`.
    upgrades : mapping, optional
        Keys of ``upgrades`` in a scenario, before what it says itself.
    noises : sequence of float
        Deviations of single pairs at which sets of demands are compared as well.
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
        Tables ``plans`` (strategies), ``checks`` (how full what gets when plans are routed),
        ``steps`` (what to order when), ``periods`` (what that postpones), ``sets`` (what a hose
        saves) and ``regret`` (if growth is otherwise). Where
        something is promised for a share of time: ``nines`` (what each costs) and ``purchases``.

    Raises
    ------
    InputError
        A value is wrong, no traffic crosses the border, or no strategy has a plan.
    SimulatorError
        The folder is taken.
    """
    made: Scenario | None = None
    if isinstance(scenario, Network):
        if demands is None:
            raise _wrong("demands", "a network needs demands: sim.plan(network, demands)")
        asked = _of_network(scenario, demands, scheme, upgrades)
        seed = 1
    else:
        if demands is not None:
            raise _wrong("demands", "are for a network; a scenario has its own")
        made = as_scenario(scenario)
        asked, seed = _of_scenario(made, upgrades), made.settings.seed
    _check_noises(noises)
    up, words = asked.case.upgrades, answer_of
    if up.commit or up.availability:
        frames, words = _nines(asked, progress or silent), nines_answer
    else:
        frames = _frames(asked, noises, seed, progress or silent)
        _require_some(asked, frames["plans"])
    with StagingFolder(out, force=force, mark=MARK) as staging:
        if made is not None:
            provenance.keep_inputs(made, staging.folder)
        return _published(staging, asked, frames, words, finish)


def _of_network(
    network: Network,
    demands: Demands,
    scheme: AnyScheme | Sequence[AnyScheme],
    upgrades: Mapping[str, Any] | None,
) -> Asked:
    stated = _upgrades(None, upgrades, network)
    rates = stated_rates(network, demands, stated.growth) if stated.growth else (
        assumed_rates(demands))  # fmt: skip
    case = _case(network, demands, demands.gbps[:, None], stated, rates, TARGET, None, 1)
    return _asked(network.name, case, rates, strategies_of(scheme), None, lands=False)


def _of_scenario(made: Scenario, upgrades: Mapping[str, Any] | None) -> Asked:
    settings, network, demands = made.settings, made.network, made.demands
    stated = _upgrades(settings.upgrades, upgrades, network)
    rates = stated_rates(network, demands, stated.growth) if stated.growth else rates_of(made)
    if len(rates.speed) != len(demands):
        message = "services grow at rates of their own; give growth for the plan as a whole"
        raise _wrong("upgrades.growth", message)
    hours = hourly(made, stated.demand)
    target = settings.targets.exit_utilisation
    case = _case(network, demands, hours, stated, rates, target, settings.reliability,
                 settings.seed)  # fmt: skip
    start = settings.start or (made.recording.start if made.recording else None)
    return _asked(settings.title or made.name, case, rates, settings.strategies, start,
                  lands=settings.inbound is not None)  # fmt: skip


def _case(
    network: Network,
    demands: Demands,
    hours: Any,
    stated: Upgrades,
    rates: Rates,
    target: float,
    reliability: Reliability | None,
    seed: int,
) -> PlanCase:
    require_abroad(demands, network)
    market = market_of(network, stated)
    demand = PlanDemand(demands, hours, rates.speed, stated.demand)
    if stated.demand.noise:
        demand = demand.noisier(stated.demand.noise, seed)
    elements = elements_of(market.network, reliability, stated.failures)
    return plan_case(market, demand, stated, stated.target or target, elements)


def _asked(
    title: str,
    case: PlanCase,
    rates: Rates,
    strategies: Mapping[str, Strategy],
    start: str | None,
    *,
    lands: bool,
) -> Asked:
    network, demands = case.market.before, case.demand.demands
    when = calendar(start, network, None)
    search = PlanSearch(case)
    plans = {
        name: StrategyPlan(name, behaviour_of(each, network, demands, lands=lands), search, when)
        for name, each in strategies.items()
    }
    return Asked(title, case, rates, when, plans, case.demand.rates.shape[1])


def _upgrades(own: Upgrades | None, given: Mapping[str, Any] | None, network: Network) -> Upgrades:
    """Return what can be bought, with what is given before what the scenario says."""
    stated = own or Upgrades()
    if given:
        keys = {**to_plain(stated), **given}
        for key, value in given.items():
            if isinstance(value, Mapping) and isinstance(before := to_plain(stated).get(key), dict):
                keys[key] = {**before, **value}
        stated = build(Upgrades, Document.of(_known(keys), "upgrades"))
    problems = [Problem("upgrades", None, None, ".".join(map(str, path)), message)
                for path, message in stated.problems(network)]  # fmt: skip
    if problems:
        raise InputError(problems)
    return stated


def _known(value: Any) -> Any:
    """Leave out what is not given: a key of nothing is none."""
    if isinstance(value, Mapping):
        kept = {k: _known(v) for k, v in value.items() if v is not None or k == "stretch_ms"}
        return kept
    return [_known(each) for each in value] if isinstance(value, list) else value


# -- tables ---------------------------------------------------------------------------------------


def _frames(
    asked: Asked, noises: Sequence[float], seed: int, progress: Progress
) -> dict[str, pd.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("plans", "checks", "steps", "periods", "sets", "regret")
    }
    first, other = next(iter(asked.plans.values())), searches_of(asked.case, asked.rates)
    even = equal_search(asked.case)
    for i, mine in enumerate(asked.plans.values()):
        rows["plans"].append(plan_row(mine, first, even))
        rows["checks"] += check_rows(mine)
        rows["steps"] += step_rows(mine)
        rows["periods"] += period_rows(mine)
        rows["regret"] += regret_rows(mine, asked.rates, other)
        progress((i + 1) / (len(asked.plans) + 1))
    if asked.case.demand.asked.set != PIPE and (noises or asked.hours > 1):
        rows["sets"] += set_rows(asked.case, [asked.case.demand.asked.set], noises, seed)
    progress(1.0)
    return {name: _frame(f"plan_{name}", each) for name, each in rows.items()}


def _nines(asked: Asked, progress: Progress) -> dict[str, pd.DataFrame]:
    """Return the price of each share of time, and what is bought for it."""
    up = asked.case.upgrades
    levels = require_levels(up.availability or DEFAULT_LEVELS)
    commitments = [commitment_of(each, asked.case) for each in up.commit or ("100 % of all",)]
    nines, purchases = [], []
    for i, (row, bought) in enumerate(nine_rows(asked.case, commitments, levels)):
        nines.append(row)
        purchases += bought
        progress((i + 1) / (len(levels) * len(commitments)))
    return {"nines": _frame("plan_nines", nines), "purchases": _frame("plan_purchases", purchases)}


def _frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table, with its columns where there are none."""
    return pd.DataFrame(list(rows), columns=[each.name for each in declared(table).columns])


def _require_some(asked: Asked, plans: pd.DataFrame) -> None:
    """Refuse a target that no strategy can keep."""
    if plans["cost"].notna().any():
        return
    lines = dict.fromkeys(f"{row['strategy']}: {row['status']}"
                          for row in plans.to_dict("records"))  # fmt: skip
    goal = f"no plan keeps every exit below {100 * asked.case.target:g} %"
    raise InputError(Problem("", None, None, "upgrades", f"{goal}: {line}") for line in lines)


def _published(
    staging: StagingFolder,
    asked: Asked,
    frames: dict[str, pd.DataFrame],
    words: Callable[[Asked, Mapping[str, pd.DataFrame], Path], Answer],
    finish: Finish | None,
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    for name, frame in frames.items():
        write_csv(staging.folder, f"plan_{name}", frame)
    answer = words(asked, frames, staging.folder)
    keep_answer(answer, finish)
    case = asked.case
    record = {
        "name": asked.title, "target": case.target, "demands": case.demand.words,
        "growth": asked.rates.words, "upgrades": to_plain(case.upgrades),
    }  # fmt: skip
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


# -- what is asked --------------------------------------------------------------------------------


def _check_noises(noises: Sequence[float]) -> None:
    for each in noises:
        if not 0 <= each <= 3:
            raise _wrong("noises", f"expected numbers from 0 to 3, found {each:g}")


def require_set(word: str) -> str:
    """Return the name of a set of demands as settings have it.

    Raises
    ------
    InputError
        There is none of this name.
    """
    name = word.replace("-", "_").replace("+", "_")
    if name not in SETS:
        raise _wrong("demand", f"no set of demands {word!r}{known_instead(name, SETS)}")
    return name


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
