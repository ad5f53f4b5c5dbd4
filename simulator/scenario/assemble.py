"""Assemble: parse, change, check and put together a scenario, each step once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.base import library, regular
from simulator.base.checking import check
from simulator.base.document import Document, KeyPath
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.formats.format import is_third_party_name, read_network
from simulator.formats.matrices.demand_format import is_there, neighbours
from simulator.formats.reading import errors_of
from simulator.formats.rules.border import put_border
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.scenario import rules, sanity
from simulator.scenario.billing import billing_warnings
from simulator.scenario.changes import Change, change_demands, change_document, change_network
from simulator.scenario.settings import (
    BORDER_KEYS,
    NETWORK_KEYS,
    OneOfSeveral,
    Settings,
    Traffic,
    with_fallbacks,
)
from simulator.scenario.uncertain import UNCERTAINTY, world_problems
from simulator.traffic.traffic import Matrix
from simulator.traffic.traffic import matrix as matrices


@dataclass(frozen=True, eq=False)
class Source:
    """What a scenario is made from.

    Attributes
    ----------
    name : str
    document : Document
        The keys, with all changes of them.
    folder : pathlib.Path
        Files in the document are relative to it.
    changes : tuple of Change
        All changes so far, in order; those of elements and demands are made on what is read.
    """

    name: str
    document: Document
    folder: Path
    changes: tuple[Change, ...] = ()


class TopologyInput(NamedTuple):
    """The network as it was read, with the border of the scenario; None if that failed."""

    network: Network | None
    problems: Sequence[Problem]
    files: Sequence[Path] = ()


class MatrixInput(NamedTuple):
    """Demands as they were read, those that have no way, and rates over time; None if it failed."""

    demands: Demands | None
    problems: Sequence[Problem]
    files: Sequence[Path] = ()
    recording: Recording | None = None
    unserved: np.ndarray = np.zeros(0, dtype=bool)


@dataclass(frozen=True, eq=False)
class Assembled:
    """A scenario that was checked, and what it was made from; see `Scenario`.

    ``matched`` says which elements a pattern stood for, by the key of the change.
    """

    name: str
    settings: Settings
    network: Network
    demands: Demands
    warnings: tuple[Problem, ...]
    inputs: tuple[Path, ...]
    changes: Mapping[str, Any]
    matched: Mapping[str, tuple[str, ...]]
    recording: Recording | None = field(repr=False)
    source: Source = field(repr=False)
    topology_input: TopologyInput = field(repr=False)
    matrix_input: MatrixInput = field(repr=False)


def assemble(
    source: Source, changes: Sequence[Change] = (), before: Assembled | None = None
) -> Assembled:
    """Change and check a document, read what it names, and put the scenario together.

    The matrix is that of the network as it is read, with changes of nodes; changes of links and
    demands come after.

    Parameters
    ----------
    source : Source
    changes : sequence of Change
        In addition to those of the source.
    before : Assembled, optional
        The scenario before these changes: what they leave alone is not read again.

    Raises
    ------
    InputError
        Holds every error found.
    """
    document, problems = change_document(source.document, changes)
    source = replace(source, document=document, changes=(*source.changes, *changes))
    values, found = check(Settings, document)
    problems += [*found, *_at(document, rules.setting_problems(values, document.data))]

    topology = _topology_input(source, values, before)
    problems += topology.problems
    if topology.network is None:
        raise InputError(errors_of(problems))
    again = before is None or topology is not before.topology_input
    if before is None or again:
        network, found, matched = change_network(topology.network, source.changes)
    else:
        network, found, matched = change_network(before.network, changes)
        matched = {**before.matched, **matched}
    problems += [*found, *_at(document, rules.network_problems(values, network))]

    if "traffic" not in values or any(p.key.startswith("traffic.matrix") for p in problems):
        raise InputError(errors_of(problems))
    matrix = _matrix_input(source, values["traffic"], topology, changes, before)
    problems += matrix.problems
    if matrix.demands is None:
        raise InputError(errors_of(problems))
    if before is not None and matrix is before.matrix_input:
        demands, found = change_demands(before.demands, changes)
    else:
        demands, found = change_demands(matrix.demands, source.changes)
    demands = replace(demands, nodes=network.nodes)
    problems += [*found, *_at(document, rules.traffic_problems(values, demands, matrix.recording))]
    drawn = bool(changes) and all(change.origin == UNCERTAINTY for change in changes)
    if not drawn:  # what is stated was checked, with the whole of its ranges
        problems += world_problems(document, values, network, demands, bool(source.changes))

    if errors := errors_of(problems):
        raise InputError(errors)
    settings = Settings(**values)
    return Assembled(
        name=source.name,
        settings=with_fallbacks(settings),
        network=network,
        demands=demands,
        warnings=(
            *problems,
            *_setting_warnings(document, settings),
            *_not_played(document, settings, matrix.recording),
            *billing_warnings(document, settings, network),
            *sanity.link_doubts(source.changes, network),
            *_traffic_warnings(source, settings, network, matrix.demands, demands),
            *_unserved_warnings(document, demands, _unserved(matrix, topology, network)),
        ),
        inputs=(*([document.path] if document.path else ()), *topology.files, *matrix.files),
        changes={**(before.changes if before else {}), **{c.key: c.value for c in changes}},
        matched=matched,
        recording=matrix.recording,
        source=source,
        topology_input=topology,
        matrix_input=matrix,
    )


def _at(document: Document, findings: Iterable[rules.Finding]) -> list[Problem]:
    return [document.problem(*finding) for finding in findings]


def _setting_warnings(document: Document, settings: Settings) -> Iterable[Problem]:
    """Values that are almost surely in another unit."""
    for path, message in sanity.setting_doubts(settings):
        yield document.problem(path, message, severity="warning")


def _not_played(
    document: Document, settings: Settings, recording: Recording | None
) -> Iterable[Problem]:
    """A recording that goes on after the day that is played where no length is given."""
    if recording is None or settings.horizon_h is not None or settings.end is not None:
        return
    length = rules.length_h(settings.start, None, None)
    rest = recording.length_h - rules.begin_h(settings.start, recording) - length
    if rest > 1e-9:
        message = (
            f"no length is given: {length:g} h are played, and {rest:g} h of the recording after"
            f" them are not; horizon_h: {length + rest:g} plays all"
        )
        yield document.problem(("horizon_h",), message, severity="warning")


def _data(source: Source) -> Mapping[str, Any]:
    return source.document.data if isinstance(source.document.data, Mapping) else {}


# -- the network -------------------------------------------------------------------------------


def _topology_input(
    source: Source, values: Mapping[str, Any], before: Assembled | None
) -> TopologyInput:
    """Read the topology and add the border, unless neither has changed."""
    if before is not None:
        was, now = _data(before.source), _data(source)
        if all(now.get(key) == was.get(key) for key in NETWORK_KEYS):
            return before.topology_input
    chosen = values.get("topology")
    if isinstance(chosen, str):
        chosen = OneOfSeveral(path=chosen)
    if not isinstance(chosen, OneOfSeveral):
        return TopologyInput(None, ())
    network, problems, files = _read_topology(source, chosen)
    if network is not None and all(key in values for key in BORDER_KEYS):
        exits, regions, cables = (values[key] for key in BORDER_KEYS)
        network, found = put_border(network, exits, regions, cables, source.document.problem)
        problems = [*problems, *found]
    if network is not None and values.get("utc_offset_h") is not None:
        network = network.with_clock(values["utc_offset_h"])
    return TopologyInput(network, problems, files)


def _read_topology(source: Source, chosen: OneOfSeveral) -> TopologyInput:
    word = chosen.path
    beside = source.folder / word
    try:
        if is_third_party_name(word):
            path = Path(word)
        else:
            path = beside if regular.is_there(beside) else library.find("topologies", word)
    except FileNotFoundError as error:
        return TopologyInput(None, [source.document.problem(("topology",), str(error))])
    try:
        network, warnings = read_network(path, network=chosen.network)
    except InputError as error:
        return TopologyInput(None, error.problems)
    return TopologyInput(
        network, warnings, [path] if path.is_file() else sorted(path.glob("*.csv"))
    )


# -- the demands -------------------------------------------------------------------------------


def _matrix_input(
    source: Source,
    traffic: Traffic,
    topology: TopologyInput,
    changes: Sequence[Change],
    before: Assembled | None,
) -> MatrixInput:
    """Read or make the demands, unless neither network nor matrix has changed."""
    if before is not None and topology is before.topology_input:
        same = traffic.matrix == before.settings.traffic.matrix
        if same and not any(_of_weight(change) for change in changes):
            return before.matrix_input
    assert topology.network is not None
    weights = [change for change in source.changes if _of_weight(change)]
    weighed = change_network(topology.network, weights).network
    try:
        made = _read_matrix(source, traffic.matrix, weighed)
        return _with_weight_warnings(source, traffic.matrix, topology.network, weights, made)
    except InputError as error:
        return MatrixInput(None, error.problems)
    except ValueError as error:
        return MatrixInput(None, [source.document.problem(("traffic", "matrix"), str(error))])


def _of_weight(change: Change) -> bool:
    return change.of_element and change.section in ("nodes", "regions")


def _with_weight_warnings(
    source: Source,
    chosen: Matrix | None,
    network: Network,
    weights: Sequence[Change],
    made: MatrixInput,
) -> MatrixInput:
    """Return the demands with a warning for changed weights that they do not depend on."""
    weights = [change for change in weights if change.key.endswith(".weight")]
    if not weights or made.demands is None:
        return made
    if not (chosen is None or chosen.files()):
        plain = _read_matrix(source, chosen, network).demands
        if plain is not None and not np.array_equal(plain.gbps, made.demands.gbps):
            return made
    message = "changes nothing: the matrix does not depend on weights"
    warnings = [change.problem(message, severity="warning") for change in weights]
    return made._replace(problems=[*made.problems, *warnings])


def _read_matrix(source: Source, chosen: Matrix | None, network: Network) -> MatrixInput:
    where, point = ("traffic", "matrix"), source.document.problem
    folder = source.folder
    for key, path in (chosen.files() if chosen else {}).items():
        if not is_there(folder / path):
            near = did_you_mean(path.name, neighbours(folder / path))
            return MatrixInput(None, [point((*where, key), f"no such file: {path}{near}")])
    if chosen is None:
        if network.about.matrix is None:
            raise ValueError(
                f"topology {network.name} has no matrix of its own; give traffic.matrix"
            )
        own: Matrix = matrices.make("file", path=str(network.about.matrix))
        chosen, folder = own, Path()  # the topology says where its matrix is
    problems: list[Problem] = []
    recorded = chosen.recording(network, folder)
    if recorded is not None:
        recording, missing = recorded
        demands = recording.demands
        problems += recording.notes
        if missing:
            problems.append(point(where, missing, severity="warning"))
    else:
        routing = {"route": IgpEcmp().route} if chosen.needs_routes else {}
        recording, demands = None, chosen.demands(network, folder, **routing)
        problems += chosen.notes(network, folder)
    if not len(demands) or not demands.gbps.sum() > 0:
        problems.append(point(where, "the matrix holds no traffic"))
    files = [folder / path for path in chosen.files().values()]
    return MatrixInput(
        demands,
        problems,
        [file for file in files if file.is_file()],
        recording if recording is not None and len(recording) > 1 else None,
        IgpEcmp().route(network, demands).served < 1.0 - 1e-9,
    )


def _traffic_warnings(
    source: Source, settings: Settings, network: Network, base: Demands, demands: Demands
) -> Iterable[Problem]:
    """Traffic far beyond what the network carries: by its matrix, or else by a change of it."""
    matrix = settings.traffic.matrix
    files = list(matrix.files()) if matrix else []
    where: KeyPath = ("traffic", "matrix", *files[:1]) if matrix else ("topology",)
    for doubt in (doubts := sanity.traffic_doubts(network, base)):
        message = doubt if matrix else f"the matrix of {network.name}: {doubt}"
        yield source.document.problem(where, message, severity="warning")
    changes = [change for change in source.changes if change.path[0] == "demands"]
    if changes and not doubts:
        for doubt in sanity.traffic_doubts(network, demands):
            yield changes[-1].problem(doubt, severity="warning")


def _unserved(matrix: MatrixInput, topology: TopologyInput, network: Network) -> np.ndarray:
    """Return which demands have no way, on the network with its changes."""
    assert topology.network is not None and matrix.demands is not None
    was = topology.network
    if network.links == was.links and _reaches(network) == _reaches(was):
        return matrix.unserved
    return IgpEcmp().route(network, matrix.demands).served < 1.0 - 1e-9


def _reaches(network: Network) -> list[Any]:
    return [network.attributes(network.links[i]).get("reaches") for i in network.exits]


def _unserved_warnings(
    document: Document, demands: Demands, unserved: np.ndarray
) -> Iterable[Problem]:
    """Demands that no route serves even when everything is up."""
    lost = demands.take(unserved & (demands.gbps > 0))
    if len(lost):
        first = lost.names[0].rsplit(":", 1)[0]
        message = (
            f"{len(lost)} demands ({lost.gbps.sum():,.1f} Gbps) have no way to their target"
            f" even when everything is up, the first {first}; they count as lost"
        )
        yield document.problem(("traffic",), message, severity="warning")
