"""Topology text: the built-in topologies, and one of them in full, laid out for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from simulator.base.errors import Problem
from simulator.base.text import Cell, Row, columns, counted, padded, plain, table, wrapped
from simulator.cli.reading_notes import notes_on
from simulator.cli.topology import Listed
from simulator.formats.format import topology_format
from simulator.model.facts import Cuts, Distances, ExitFacts, Facts, facts
from simulator.model.network import COUNTING_RULE, Network

MOST_NAMES = 8
"""Names of nodes or links in a sentence; the rest is counted, and stands in ``--json``."""
MOST_ROWS = 40
"""Rows of a table in the shell."""
SCOPES = {"home": "at home", "all": "with abroad"}


def list_text(listed: Sequence[Listed]) -> str:
    """Lay the built-in topologies out as text."""
    headings = ("nodes", "links", "backbone, Gbps", "exits", "exits, Gbps")
    rows = [
        _row(plain(name), nodes, links, backbone_gbps, exits, exits_gbps)
        for name, _, nodes, links, backbone_gbps, exits, exits_gbps in listed
    ]
    titles = [f"{plain(each.name)}: {plain(each.title)}" for each in listed if each.title]
    readable = "; ".join(topology_format[name].readable for name in topology_format.names())
    lines = [
        table(headings, rows),
        "",
        *_hung(*titles),
        "",
        *_hung(f"Counting rule: {COUNTING_RULE}."),
        *_hung(f"Where a topology is asked for, these may stand as well: {readable}."),
        "All formats: simulator list formats. More on one: simulator topology show NAME_OR_FILE",
    ]
    return "\n".join(lines)


def show_text(network: Network, warnings: Iterable[Problem], source: str = "") -> str:
    """Lay everything that is known of a network out as text, and last how *source* was read."""
    known = facts(network)
    notes = notes_on(network, warnings, source)
    blocks = [
        _head(network, known),
        _classes(known),
        _degrees(known),
        _connectivity(known),
        _exits(network, known.exits),
        _cables(known),
        _notes("Estimates", (f"{each['of']}: {each['how']}" for each in network.about.estimates)),
        _notes("Sources", network.about.sources),
        _notes("Warnings", map(str, notes.warnings)),
        _notes("Read", notes.read),
        _notes("Assumed", notes.assumed or ["nothing"]),
        _notes("Left out", notes.left_out or ["nothing"]),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(network: Network, known: Facts) -> list[str]:
    title = f"{network.name}: {network.about.title}" if network.about.title else network.name
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in known.kinds.items())
    exits = f" in {counted(len(known.exits), 'exit')}" if known.exits else ""
    totals = f"backbone {_gbps(known.backbone_gbps)}, exits {_gbps(known.exits_gbps)}{exits}"
    size = f"{counted(len(network.nodes), 'node')}, {counted(len(network.links), 'link')}"
    rule = f"Counting rule: {COUNTING_RULE}."
    return [*wrapped(title), *wrapped(f"{size}; {totals}"), *_hung(rule, f"Nodes: {kinds}")]


def _classes(known: Facts) -> list[str]:
    rows = [
        _row(c.name, c.links, c.gbps, c.min_gbps, c.median_gbps, c.max_gbps) for c in known.classes
    ]
    if not rows:
        return ["No links."]
    headings = ("links", "total, Gbps", "smallest", "median", "largest")
    note = "Capacity per direction; totals count each link once, from a to b"
    unlike = {
        "with unlike directions": known.unequal,
        "with unlike metrics there and back": known.unequal_metric,
        "with unlike delays there and back": known.unequal_delay,
        "one-way": known.one_way,
    }
    more = [f"{counted(count, 'link')} {what}" for what, count in unlike.items() if count]
    return [table(headings, rows), *wrapped(f"{'; '.join([note, *more])}.")]


def _degrees(known: Facts) -> list[str]:
    degrees = known.degrees
    if degrees is None:
        return []
    (links, count), *others = degrees.nodes.items()
    first = f"{counted(count, 'node')} with {links:,}"
    spread = ", ".join([first, *(f"{count:,} with {links:,}" for links, count in others)])
    span = f"{degrees.min:,} to {degrees.max:,}, mean {degrees.mean:.2f}"
    return _hung(f"Links at a node: {span} ({spread})")


def _connectivity(known: Facts) -> list[str]:
    whole = "All nodes are joined."
    pieces = f"The network is in {known.parts:,} pieces that are not joined."
    headings = ("nodes", "links", "pieces", "cut nodes", "bridges", "links to cut", "nodes to cut")
    rows = [
        _row(
            f"core, {SCOPES[cuts.scope]}" if len(known.cuts) > 1 else "core",
            *(cuts.nodes, cuts.links, cuts.parts, len(cuts.cut_nodes), len(cuts.bridges)),
            *(cuts.edge_connectivity, cuts.node_connectivity),
        )
        for cuts in known.cuts
    ]
    explained = (
        "The core is what carries transit (no provincial, no region). A cut node or a bridge alone"
        " parts it; the last columns are the fewest links, or nodes, that do."
    )
    texts = [
        explained,
        *(text for cuts in known.cuts for text in _cut_words(cuts)),
        *_stub_words(known),
        *(_distance_words(each, len(known.distances) == 1) for each in known.distances),
        *(f"Left out: {text}." for text in known.left_out),
    ]
    return [whole if known.parts == 1 else pieces, table(headings, rows), *_hung(*texts)]


def _cut_words(cuts: Cuts) -> list[str]:
    where = {"home": " at home", "all": ""}[cuts.scope]
    return [
        f"{what}{where}: {_names(names)}"
        for what, names in (("Cut nodes", cuts.cut_nodes), ("Bridges", cuts.bridges))
        if names
    ]


def _stub_words(known: Facts) -> list[str]:
    stubs = known.stubs
    if not stubs.nodes:
        return []
    threads = ((stubs.on_one_link, "on a single link"), (stubs.on_one_node, "on a single node"))
    hanging = [f"{len(names):,} {words} ({_names(names)})" for names, words in threads if names]
    return [", ".join([f"Stubs: {stubs.nodes:,}", *(hanging or ["none on a single link or node"])])]


def _distance_words(each: Distances, alone: bool) -> str:
    where = {"home": "At home: at", "abroad": "Between home and abroad: at"}[each.scope]
    where = "At" if alone else where
    apart = f"; {counted(each.apart, 'pair')} without any way" if each.apart else ""
    return (
        f"{where} most {counted(each.hops, 'hop')} ({' to '.join(each.hops_between)});"
        f" longest shortest delay {each.ms:,.2f} ms one way ({' to '.join(each.ms_between)}){apart}"
    )


def _exits(network: Network, exits: Sequence[ExitFacts]) -> list[str]:
    if not exits:
        return []
    shown = exits[:MOST_ROWS]
    equal = all(each.out_gbps == each.in_gbps for each in exits)
    priced = any(each.price_usd_per_mbps is not None for each in exits)
    cells = [
        _left("gateway", [each.gateway for each in shown]),
        _left("point of presence", [each.pop for each in shown]),
        ("Gbps" if equal else "Gbps out", [_cell(each.out_gbps) for each in shown]),
        *([] if equal else [("Gbps in", [_cell(each.in_gbps) for each in shown])]),
        *(
            [("ms", [Cell(f"{each.delay_ms:,.2f}") for each in shown])]
            if all(each.delay_ms == each.delay_in_ms for each in exits)
            else [
                ("ms out", [Cell(f"{each.delay_ms:,.2f}") for each in shown]),
                ("ms in", [Cell(f"{each.delay_in_ms:,.2f}") for each in shown]),
            ]
        ),
        *([("$/Mbps", [_cell(e.price_usd_per_mbps) for e in shown])] if priced else []),
        _left("cables", [_shares(each.cables) for each in shown]),
    ]
    notes = []
    if equal:
        notes.append("Gbps is per direction, the same out and in")
    if network.about.hop_delay_ms:
        notes.append(f"ms include {network.about.hop_delay_ms:g} ms for the hop")
    return [_laid("exit", [e.link for e in shown], cells), *_more(len(exits), notes)]


def _cables(known: Facts) -> list[str]:
    cables = sorted(known.cables, key=lambda cable: -cable.exit_out_gbps - cable.other_gbps)
    if not cables:
        return []
    shown = cables[:MOST_ROWS]
    equal = all(each.exit_out_gbps == each.exit_in_gbps for each in cables)
    others = any(each.other_gbps for each in cables)
    cells = [
        ("exit Gbps" if equal else "exit Gbps out", [_cell(e.exit_out_gbps) for e in shown]),
        *([] if equal else [("in", [_cell(each.exit_in_gbps) for each in shown])]),
        *([("other Gbps", [_cell(each.other_gbps) for each in shown])] if others else []),
        ("links", [_cell(len(each.links)) for each in shown]),
        _left("down when cut", [_names(each.takes_down) or "none" for each in shown]),
        _left("name", [each.name for each in shown]),
    ]
    note = "Gbps of exits is what rides on the cable: its share of each of them"
    return [_laid("cable", [each.id for each in shown], cells), *_more(len(cables), [note])]


def _notes(heading: str, texts: Iterable[str]) -> list[str]:
    lines = _hung(*(f"- {text}" for text in texts))
    return [f"{heading}:", *lines] if lines else []


# -- words --------------------------------------------------------------------------------------

Columns = tuple[str, list[Cell]]


def _laid(corner: str, names: Sequence[str], cells: Sequence[Columns]) -> str:
    """Lay out a table whose first column has a heading too."""
    rows = [
        Row(plain(name), tuple(column[i] for _, column in cells)) for i, name in enumerate(names)
    ]
    return table([heading for heading, _ in cells], rows, corner=corner)


def _left(heading: str, texts: Sequence[str]) -> Columns:
    """Return a column of text that begins at one edge; the table prints right to an edge."""
    texts = [plain(text) for text in texts]
    wide = max(map(columns, (heading, *texts)))
    return padded(heading, wide), [Cell(padded(text, wide)) for text in texts]


def _more(count: int, notes: Sequence[str]) -> list[str]:
    left = count - MOST_ROWS
    texts = [*notes, *([f"{left:,} more stand in --json"] if left > 0 else [])]
    return _hung("; ".join(texts) + ".") if texts else []


def _row(label: str, *numbers: float | None) -> Row:
    return Row(label, tuple(map(_cell, numbers)))


def _cell(number: float | None) -> Cell:
    return Cell("–" if number is None else f"{number:,.10g}")


def _gbps(number: float) -> str:
    return f"{number:,.10g} Gbps"


def _shares(cables: Mapping[str, float]) -> str:
    return ", ".join(f"{cable} {share:.4g}" for cable, share in cables.items())


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name) for name in names[:MOST_NAMES])
    left = len(names) - MOST_NAMES
    return f"{shown} and {left:,} more" if left > 0 else shown


def _hung(*texts: str) -> list[str]:
    """Return the lines of texts; all but the first line of each are indented."""
    return [line for text in texts for line in wrapped(text, hang="  ")]
