"""Run tables: what a run writes, step by step and summed up."""

from __future__ import annotations

from simulator.results.table import CI, COUNT, FIGURE, FIRST, Column, table

_TIME = Column("time_s", "s", "Seconds from the start.")
_LOAD = (
    Column("capacity_gbps", "Gbps", "Capacity that stands after faults; 0 while the link is down."),
    Column("offered_gbps", "Gbps", "Traffic offered at the entrance."),
    Column("carried_gbps", "Gbps", "Traffic that leaves at the end."),
    Column(
        "utilisation",
        "1",
        "Mean of offered / capacity while the link is up; empty for a step that it is down.",
    ),
    Column("utilisation_peak", "1", "Highest within the step."),
    Column("queueing_ms", "ms", "Mean wait while the link is up."),
)


def _direction(name: str) -> Column:
    return Column(name, "", "``out`` or ``in`` of an exit, else its ends: ``from>to``.")


table(
    "links",
    "A row for each link, direction and step.",
    [
        _TIME,
        Column("link", "", "Id of the link."),
        Column("source", "", "Node where this direction begins."),
        Column("target", "", "Node where it ends."),
        Column("class", "", "Class of the link."),
        *_LOAD,
    ],
)
table(
    "exits",
    "A row for each exit, direction and step: the rows of ``links`` that are exits.",
    [
        _TIME,
        Column("exit", "", "Id of the exit."),
        Column("direction", "", "``out`` or ``in``."),
        *_LOAD,
    ],
)
table(
    "demands",
    "A row for each step and each group of demands that ``record: {demands: ...}`` names.",
    [
        _TIME,
        Column("class", "", "Traffic class."),
        Column(
            "region",
            "",
            "With ``record: {demands: region}``: the node abroad; empty for domestic traffic.",
            optional=True,
        ),
        Column(
            "province",
            "",
            "With ``record: {demands: province}``: the node at home; of domestic traffic, the"
            " source.",
            optional=True,
        ),
        Column(
            "service",
            "",
            "With ``record: {demands: service}``; also with ``pair`` where there are services.",
            optional=True,
        ),
        Column("source", "", "With ``record: {demands: pair}``.", optional=True),
        Column("target", "", "With ``record: {demands: pair}``.", optional=True),
        Column("offered_gbps", "Gbps", "Traffic asked for."),
        Column("carried_gbps", "Gbps", "Traffic delivered."),
        Column(
            "deferred_gbps",
            "Gbps",
            "Traffic that elastic services do not send; only where there are any.",
            optional=True,
        ),
        Column("latency_ms", "ms", "One way, of the traffic delivered."),
        Column("propagation_ms", "ms", "Its part from distance and ``hop_delay_ms``."),
        Column("queueing_ms", "ms", "Its part from waiting."),
    ],
)
table(
    "control",
    "A row for each installation of routes, with its proof.",
    [
        _TIME,
        Column("layer", "", "``static``, ``controller`` or ``announcements``."),
        Column("trigger", "", "``start``, ``cycle``, ``topology`` or ``withdrawal``."),
        Column(
            "status",
            "",
            "Status of the solver; empty for schemes without one; ``unchanged`` where hysteresis"
            " left the routes as they were.",
        ),
        Column("mlu", "1", "Highest utilisation that the scheme expects."),
        Column(
            "mlu_bound",
            "1",
            "A proven lower bound on it under any routing; empty where the scheme did not compute"
            " one.",
        ),
        Column("objective_gbps_ms", "Gbps x ms", "Flow times delay of the decision."),
        Column("bound_gbps_ms", "Gbps x ms", "A proven lower bound on it."),
        Column("gap", "1", "Larger of the two relative gaps."),
        Column("paths", "1", "Paths offered to the solver."),
        Column("rounds", "1", "Rounds of pricing."),
        Column("moves", "1", "Demands that were rerouted."),
        Column("moved_gbps", "Gbps", "Their rate."),
        Column("entries", "1", "Forwarding entries at the sources for steered traffic."),
        Column(
            "transient_mlu",
            "1",
            "Highest utilisation that any order of switching could cause, at the capacities of"
            " that time and over links that are up; empty for the first routes.",
        ),
        Column(
            "prediction_error",
            "1",
            "Difference between the traffic and the traffic that these routes were made for, as a"
            " share of it, also in unchanged cycles; empty for the last decision.",
        ),
        Column("groups", "1", "Prefix groups that are announced otherwise than before."),
        Column("toggles", "1", "Pairs of a group and an exit that this changes."),
        Column(
            "promise",
            "1",
            "Utilisation that no inward exit exceeds within the hour, at a chance of 90 % by what"
            " the controller believes; also in unchanged cycles, and empty without announcements.",
        ),
        Column(
            "asked_elsewhere_gbps",
            "Gbps",
            "Traffic that the decision sends by other exits than the static routes do, as"
            " predicted; with ``carried_by``, else empty.",
        ),
        Column("not_carried_gbps", "Gbps", "Traffic that takes other exits than it asks for."),
        Column(
            "carried_latency_ms",
            "ms",
            "Mean propagation of the steered traffic as carried, less that as decided.",
        ),
        Column(
            "carried_utilisation",
            "1",
            "Of the fullest exit as carried, less that as decided.",
        ),
        Column(
            "solve_s",
            "s",
            "Time that solving took on that machine; only in ``results.control``, from"
            " ``run.json``.",
            optional=True,
        ),
    ],
)
table(
    "routes",
    "With ``record: {decisions: true}``, a row for each decision that is installed, each demand"
    " that it changes and each exit. Rows of a demand hold until there are others of it.",
    [
        _TIME,
        Column("source", "", "Where the demand begins."),
        Column("target", "", "Where it ends."),
        Column("class", "", "Traffic class."),
        Column("service", "", "Only where there are services.", optional=True),
        Column("exit", "", "Exit that it takes; empty where it follows the static routes again."),
        Column("direction", "", "``out`` or ``in``."),
        Column("share", "1", "Share of the demand that takes it; the rest follows static routes."),
        Column(
            "igp_share",
            "1",
            "Of it, what follows the first of the shortest paths by metric to that exit and from"
            " it on: what routers do without a path of its own.",
        ),
        Column("predicted_gbps", "Gbps", "The demand, as the decision takes it to be."),
    ],
)
table(
    "headroom",
    "A row for each strategy: where growth of international traffic ends. None without exits.",
    [
        Column("factor", "1", "Headroom, as in the figures: the largest factor known to hold."),
        Column(
            "factor_high",
            "1",
            "The least factor known to be too much: the same where headroom is exact.",
        ),
        Column(
            "binds",
            "",
            "Exit direction that reaches its target there, as ``exit:ID:out``; empty without an"
            " end.",
        ),
        Column("at_h", "h", "When, in hours from the start; empty without an end."),
        Column(
            "link",
            "",
            "Link and direction that is no exit and is full at a smaller factor; empty without.",
        ),
        Column("link_factor", "1", "That factor; empty without."),
    ],
)
table(
    "events",
    "A row for each event of the network and of the controllers. Events are the same for all"
    " strategies and stand under the name of the first.",
    [
        _TIME,
        Column(
            "event",
            "",
            "What happened, in words; an event that ends has a second row, ``…: over``.",
        ),
    ],
)
table(
    "recovery",
    "A row for each strategy and instant at which events begin or end: what becomes of the traffic"
    " until the next one. Only with events; those of a controller stand under its strategy alone.",
    [
        _TIME,
        Column("event", "", "What happened, in words; several at once are joined by ``;``."),
        Column("until_s", "s", "The next such instant, or the end."),
        Column("unserved_before_gbps", "Gbps", "Lost or deferred just before."),
        Column("unserved_at_once_gbps", "Gbps", "Lost or deferred at once, before any reaction."),
        Column(
            "settled_unserved_gbps",
            "Gbps",
            "Lost or deferred 15 minutes after the event, or just before the next one.",
        ),
        Column(
            "recovered_s",
            "s",
            "Time until no more is lost or deferred than just before; empty if not before"
            " ``until_s``.",
        ),
        Column("unserved_gbit", "Gbit", "Volume lost or deferred in this time."),
        Column("lost_gbit", "Gbit", "Of it, volume lost."),
        Column(
            "peak_utilisation",
            "1",
            "Highest utilisation of an exit (of any link, on a network without exits) in the 15"
            " minutes from the event on, or until the next one.",
        ),
        Column("peak_link", "", "Where."),
        _direction("peak_direction"),
        Column("settled_utilisation", "1", "Utilisation of the fullest one when they are over."),
        Column("settled_link", "", "Where."),
        _direction("settled_direction"),
    ],
)
table(
    "around_events",
    "A row for each strategy and interval in which nothing changes, from 5 minutes before an event"
    " to 15 minutes after it: as fine as routes change, not by step. Only with events.",
    [
        Column("time_s", "s", "Seconds from the start at which it begins."),
        Column("lasts_s", "s", "Its length."),
        Column("asked_gbps", "Gbps", "All traffic asked for."),
        Column("unserved_gbps", "Gbps", "Traffic lost or deferred."),
        Column("lost_gbps", "Gbps", "Of it, traffic lost."),
        Column(
            "utilisation",
            "1",
            "Of the fullest exit (of any link, on a network without exits) that is up.",
        ),
        Column("link", "", "Where."),
        _direction("direction"),
    ],
)
table(
    "solve_times",
    "A row for each installation of routes. It depends on the machine, not on the simulation, so"
    " that it goes into ``run.json`` and not into a file of its own.",
    [*FIRST, Column("solve_s", "s", "Time that solving took.")],
    file="",
)

table(
    "replications",
    "A row for each figure of each replication.",
    [FIRST[0], *FIGURE, Column("value", "as ``unit``", "The figure.")],
    file="replications.csv",
)
table(
    "ranges",
    "A row for each figure and each paired difference, if worlds were drawn: how far it moves if"
    " what is assumed is as uncertain as stated.",
    [
        Column("of", "", "``figure`` or ``difference`` (from the first strategy)."),
        *FIGURE,
        Column("stated", "as ``unit``", "Mean over the days of the world as stated."),
        Column("low", "as ``unit``", "What 5 % of the drawn worlds do not exceed, or as stated."),
        Column("median", "as ``unit``", "What half of them do not exceed."),
        Column("high", "as ``unit``", "What 95 % of them do not exceed, or as stated."),
        Column("worlds", "1", "Drawn worlds that have the figure."),
    ],
    file="ranges.csv",
)
table(
    "worlds",
    "A row for each value that was drawn in place of what is stated.",
    [
        Column("world", "1", "Number of the world; its days are replications ``world`` x days on."),
        Column("assumption", "", "Name of what is not known."),
        Column("member", "", "What of it: a link, a region, a key."),
        Column("value", "", "Value drawn: a factor, hours, or the number itself."),
    ],
    file="worlds.csv",
)
table(
    "world_exits",
    "A row for each step of each day of a drawn world: the exit that is the fullest then. Of drawn"
    " worlds no other table of steps is kept.",
    [
        _TIME,
        Column("exit", "", "Id of the exit."),
        Column("direction", "", "``out`` or ``in``."),
        Column("utilisation", "1", "Mean over the step, as in ``exits``; the highest of any exit."),
    ],
)
table(
    "summary",
    "A row for each figure.",
    [*FIGURE, Column("mean", "as ``unit``", "Mean over replications."), *CI, COUNT],
    file="summary.csv",
)
table(
    "differences",
    "A row for each figure of each strategy but the first: paired differences against the first.",
    [*FIGURE, Column("mean", "as ``unit``", "Mean difference."), *CI, COUNT],
    file="differences.csv",
)
