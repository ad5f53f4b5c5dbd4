"""Verify: a scenario's static routing and decisions on real routers, compared with the model."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator import provenance
from simulator.base.errors import InputError, Problem, known_instead
from simulator.export.addresses import AddressPlan
from simulator.export.frr_router import wrong_for_isis
from simulator.jobs import Progress, silent
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.verify.commands import tried
from simulator.verify.controller import Controller, sessions_of
from simulator.verify.course import Course
from simulator.verify.deaths import deaths
from simulator.verify.decisions import Decided, chosen, decided, deciders
from simulator.verify.found import Found
from simulator.verify.hops import CYCLES, HopByHop
from simulator.verify.lab import Lab
from simulator.verify.landings import CHANGES, AnnouncementReplay, sessions, world_of
from simulator.verify.needs import FRR, program, refuse_without
from simulator.verify.neighbours import Neighbours
from simulator.verify.replay import Replay
from simulator.verify.routers import Routers
from simulator.verify.static import settled, static_hops
from simulator.verify.words import Asked, answer_of

MARK = "verify.json"
"""The file by which a folder of this study is known."""
FRR_WORD = "frr"
PARTS = ("static", "cycles", "failures", "deaths", "hops", "inbound")
_OF_CYCLES = ("failures", "deaths")
MOST_CYCLES, FLOWS = 96, 4000
MOST_ROUTERS = 250
"""Routers on one machine: at some 36 MB each, 9 GB."""


@dataclass(eq=False)
class _Work:
    """What is under way: what was found, and how long each part takes."""

    progress: Progress
    found: Found = field(default_factory=Found)

    @contextmanager
    def timed(self, part: str, done: float) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.found.seconds[part] = time.monotonic() - began
        self.progress(done)


def verify(
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    on: str = FRR_WORD,
    strategy: str | None = None,
    cycles: int | None = MOST_CYCLES,
    flows: int = FLOWS,
    parts: str | Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Replay a scenario on real routers on this machine, and compare them with the model.

    A router with FRR for every node, in network namespaces: IS-IS for static routing, and for
    decisions BGP from a controller (ExaBGP) and tunnels to the exits. Needs Linux and root. All
    is removed at the end.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`. It is run with one
        replication, its decisions carried by ``tunnels`` along the IGP's paths.
    on : str
        ``frr``.
    strategy : str, optional
        Whose decisions; the first that decides outbound traffic when left out, one that is carried
        by tunnels before others.
    cycles : int, optional
        The last so many cycles of the run; all of them with None.
    flows : int
        UDP flows counted in every eighth cycle and at failures; 0 for none.
    parts : str or sequence of str, optional
        ``static``, ``cycles``, ``failures``, ``deaths``, ``hops``, ``inbound``; all that the
        scenario has when left out. ``failures`` and ``deaths`` need ``cycles``, which come along.
    out : path, optional
        Folder to write; a temporary one when left out.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    force : bool
        Replace what this wrote at *out* before.
    finish : callable, optional
        Given the answer before its folder appears in its place.

    Returns
    -------
    Answer
        Tables ``checks`` (what is compared; column ``same``), ``static``, ``cycles``, ``flows``,
        ``failures``, ``deaths``, ``carried`` and ``landings``, as far as there are such.

    Raises
    ------
    InputError
        The machine or the scenario has not what is needed.
    SimulatorError
        The folder is taken, or routers do not start.
    """
    made = as_scenario(scenario)
    todo = _check(made, on, cycles, flows, parts)
    if strategy is not None:
        chosen(made, strategy)  # also where only static routing is looked at
    steers = bool({"cycles", "hops"} & {*todo})
    refuse_without(controller=steers or "inbound" in todo)
    work = _Work(progress or silent)
    with StagingFolder(out, force=force, mark=MARK) as staging:
        provenance.keep_inputs(made, staging.folder)
        source = None
        if steers:
            with work.timed("simulation", 0.1):
                source = decided(made, strategy, silent)
        plan = AddressPlan.of(made.network, made.demands) if source is None else source.plan
        if {"static", "cycles"} & {*todo}:
            _on_routers(work, plan, source if "cycles" in todo else None, todo, cycles, flows)
        if "hops" in todo and source is not None:
            with work.timed("hops", 0.95):
                _without_tunnels(work.found, source, cycles, flows)
        if "inbound" in todo:
            with work.timed("inbound", 1.0):
                _with_neighbours(work.found, made)
        asked = Asked(made.name, source.strategy if source else "", todo, len(plan.network.nodes),
                      flows, len(plan.exits))  # fmt: skip
        return _published(staging, asked, work.found, finish)


def differs(answer: Answer) -> bool:
    """Return whether anything on the routers was not as simulated."""
    return bool((answer.frame["same"] == "no").any())


def _on_routers(
    work: _Work,
    plan: AddressPlan,
    source: Decided | None,
    parts: Sequence[str],
    cycles: int | None,
    flows: int,
) -> None:
    """Build the routers and do all parts."""
    found = work.found
    with Lab() as lab:
        routers = Routers(lab, plan, with_controller=source is not None)
        with work.timed("routers", 0.3):
            routers.build()
            routers.wait()
        found.memory_mb = lab.memory_mb()
        static = static_hops(plan, plan.network)
        nodes = len(plan.network.nodes)
        found.without_path = nodes * (nodes - 1) - len(static)
        with work.timed("static", 0.4):
            wrong, _ = settled(routers, static)
        if "static" in parts:
            counts = dict.fromkeys(plan.network.nodes, 0)
            for node, _ in static:
                counts[node] += 1
            found.add_static(counts, wrong)
        if source is None:
            return
        with work.timed("cycles", 0.7):
            controller = Controller(lab, routers.controller, sessions_of(plan))
            controller.start()
            replay = Replay(routers, controller, static)
            course = Course(found, source, replay, flows, "failures" in parts)
            course.play(source.cycles(cycles))
        if "deaths" in parts and any(replay.ways.values()):
            with work.timed("deaths", 0.95):
                for death in deaths(replay):
                    found.add_death(death)
        found.misunderstood += len(controller.misunderstood())
        controller.close()


def _without_tunnels(found: Found, source: Decided, cycles: int | None, flows: int) -> None:
    """Carry decisions without tunnels: hop by hop, and by provinces alone."""
    many = [each for each in source.cycles(cycles) if any(each.ways.values())]
    if not many:  # withdrawn all the time
        return
    some = sorted({*np.linspace(0, len(many) - 1, CYCLES).round().astype(int).tolist()})
    plan = AddressPlan.of(source.plan.network)  # every node at home hears the controller
    with Lab() as lab:
        routers = Routers(lab, plan, with_controller=True, with_tunnels=False)
        routers.build()
        routers.wait()
        found.memory_mb = max(found.memory_mb, lab.memory_mb())
        static = static_hops(plan, plan.network)
        settled(routers, static)
        controller = Controller(lab, routers.controller, sessions_of(plan))
        controller.start()
        hops = HopByHop(routers, controller, static, source, flows or FLOWS)
        for each in hops.play([many[at] for at in some]):
            found.add_carried(each)
        found.misunderstood += len(controller.misunderstood())
        controller.close()


def _with_neighbours(found: Found, scenario: Scenario) -> None:
    """Let regions choose exits by BGP, and announcements change."""
    plan = AddressPlan.of(scenario.network, scenario.demands)
    with Lab() as lab:
        neighbours = Neighbours(lab, plan, world_of(scenario))
        neighbours.build()
        neighbours.wait()
        found.memory_mb = max(found.memory_mb, lab.memory_mb())
        controller = Controller(lab, neighbours.home, sessions(neighbours))
        for each in AnnouncementReplay(neighbours, controller, scenario.network).play(
            CHANGES, scenario.settings.seed
        ):
            found.add_landing(each)
        found.misunderstood += len(controller.misunderstood())
        controller.close()


def _published(staging: StagingFolder, asked: Asked, found: Found, finish: Finish | None) -> Answer:
    frames = found.frames()
    for name, frame in frames.items():
        write_csv(staging.folder, f"verify_{name}", frame)
    answer = answer_of(asked, found, frames, staging.folder)
    keep_answer(answer, finish)
    record = {
        "name": asked.title, "strategy": asked.strategy, "parts": list(asked.parts),
        "routers": asked.routers, "seconds": found.seconds, "memory_mb": found.memory_mb,
        "on": _versions(),
    }  # fmt: skip
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


def _versions() -> list[str]:
    """Return what the programs say of their versions."""
    said = (tried(str(FRR / "zebra"), "--version"), tried(program("exabgp"), "--version"))
    return [text.strip().splitlines()[0] for text in said if text.strip()]


# -- what is asked --------------------------------------------------------------------------------


def _check(
    scenario: Scenario,
    on: str,
    cycles: int | None,
    flows: int,
    parts: str | Sequence[str] | None,
) -> tuple[str, ...]:
    """Refuse what cannot be done, and return the parts."""
    if on != FRR_WORD:
        raise _wrong("--on", f"no routers of kind {on!r}{known_instead(on, [FRR_WORD])}")
    if cycles is not None and cycles < 1:
        raise _wrong("--cycles", f"expected 1 or more, found {cycles}")
    if flows < 0:
        raise _wrong("--flows", f"expected 0 or more, found {flows}")
    network = scenario.network
    if len(network.nodes) > MOST_ROUTERS:
        raise _wrong("--on frr", f"{len(network.nodes):,} nodes; {MOST_ROUTERS} routers are as many"
                                 " as one machine has memory for")  # fmt: skip
    if problems := list(wrong_for_isis(network)):
        raise InputError([Problem("", None, None, "--on frr", each) for each in problems])
    return _parts(parts, _possible(scenario))


def _possible(scenario: Scenario) -> tuple[str, ...]:
    """Return the parts that a scenario has something for."""
    if not len(scenario.network.exits):
        return PARTS[:1]
    outbound = PARTS[1:5] if deciders(scenario) else ()
    inbound = PARTS[5:] if scenario.case.inbound is not None else ()
    return (*PARTS[:1], *outbound, *inbound)


def _parts(parts: str | Sequence[str] | None, possible: Sequence[str]) -> tuple[str, ...]:
    if parts is None:
        return tuple(possible)
    words = parts.split(",") if isinstance(parts, str) else list(parts)
    asked = {each.strip() for each in words}
    for each in sorted(asked - set(PARTS)):
        raise _wrong("--parts", f"no part {each!r}{known_instead(each, PARTS)}")
    if missing := sorted(asked - set(possible)):
        why = {"inbound": "no inbound: is given, by which regions choose exits"}
        other = "no strategy decides about outbound traffic"
        raise _wrong("--parts", f"{missing[0]}: {why.get(missing[0], other)}")
    if asked & set(_OF_CYCLES):
        asked.add("cycles")
    return tuple(each for each in PARTS if each in asked)


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
