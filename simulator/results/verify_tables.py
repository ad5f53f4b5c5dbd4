"""Verify tables: what real routers did, beside what was simulated."""

from __future__ import annotations

from simulator.results.table import Column, table

_SAME = Column("same", "", "``yes`` or ``no``; empty where the two are not the same quantity.")
_CYCLE = Column("cycle", "1", "Number of the cycle, from 1.")
_TIME = Column("time_s", "s", "When it is installed, from the start of the run.")
_EXIT = Column("exit", "", "Id of the exit.")
table(
    "verify_checks",
    "A row for each thing that ``simulator verify`` compares.",
    [
        Column("check", "", "What is compared."),
        Column("seen", "as ``unit``", "On the routers."),
        Column("expected", "as ``unit``", "By the project, or the limit of a difference."),
        Column("unit", "", "Unit of both; ``1`` for numbers and shares."),
        _SAME,
    ],
    file="checks.csv",
)
table(
    "verify_static",
    "A row for each router of ``simulator verify``: its static next hops.",
    [
        Column("router", "", "Id of the node."),
        Column("destinations", "1", "Other nodes that the project's shortest paths lead to."),
        Column("wrong", "1", "Of these, those with other next hops in the router's kernel."),
        Column("example", "", "The first of them, with what is expected and what is held."),
    ],
    file="static.csv",
)
table(
    "verify_cycles",
    "A row for each cycle of the controller that ``simulator verify`` replays.",
    [
        _CYCLE,
        _TIME,
        Column("clock", "", "The same as a time of day."),
        Column("pairs", "1", "Pairs of province and region with a decision, or that had one."),
        Column("split", "1", "Of these, those by several exits."),
        Column("changed", "1", "Pairs that have other exits or per cents than before."),
        Column("lines", "1", "Announcements and withdrawals for them."),
        Column("in_force_s", "s", "Until all stood in the kernels, next hops and weights."),
        Column("wrong", "1", "Pairs that stood otherwise in the end."),
        Column("share_error", "1", "Largest difference of a share that is held from the decided."),
        Column("example", "", "The first wrong pair."),
    ],
    file="cycles.csv",
)
table(
    "verify_flows",
    "A row for each exit and cycle whose flows ``simulator verify`` counts.",
    [
        _CYCLE,
        _TIME,
        _EXIT,
        Column("expected_share", "1", "Share of outbound traffic by the project's routes."),
        Column("tunnel_share", "1", "Share of flows counted at the end of the exit's tunnels."),
        Column("link_share", "1", "Share of flows counted on the exit's link."),
        Column("difference", "1", "``link_share`` less ``expected_share``."),
        Column(
            "utilisation",
            "1",
            "``link_share`` of the simulated traffic over the capacity that is left: computed, as"
            " links of the routers have no such capacity.",
        ),
        Column("sent", "1", "Flows of the whole network, a packet each."),
        Column("delivered", "1", "Of these, those that arrived."),
    ],
    file="flows.csv",
)
table(
    "verify_failures",
    "A row for each failure of ``simulator verify`` and each quantity of it.",
    [
        Column("failure", "", "What fails, in words."),
        Column("what", "", "The quantity."),
        Column("unit", "", "Its unit; ``1`` for numbers and shares."),
        Column("seen", "as ``unit``", "On the routers."),
        Column("model", "as ``unit``", "In the model; empty where it has no such quantity."),
        Column("setting", "", "Key of the control that the model's value is of, if it is one."),
        _SAME,
    ],
    file="failures.csv",
)
table(
    "verify_deaths",
    "A row for each way in which ``simulator verify`` lets the controller die.",
    [
        Column("death", "", "As ``how`` of an event; ``terminated`` is SIGTERM, modelled alike."),
        Column("first_s", "s", "Until the first router had static routes only; empty for never."),
        Column("last_s", "s", "Until the last had."),
        Column("model_low_s", "s", "Of the model with the lab's timers; empty for never."),
        Column("model_high_s", "s", "The latest, likewise."),
        Column("default_s", "s", "What the setting is when left out."),
        Column("setting", "", "Key of the control that says how long decisions stay."),
        Column("watched_s", "s", "How long routers were watched."),
        Column("back_s", "s", "Until all decisions stood again, of a controller started anew."),
        Column("wrong", "1", "Decisions that did not stand then."),
        _SAME,
    ],
    file="deaths.csv",
)
table(
    "verify_carried",
    "A row for each decision of ``simulator verify`` and each way to carry it without tunnels.",
    [
        Column(
            "way",
            "",
            "``region`` or ``prefix_groups``, which all routers at home are told; or"
            " ``provinces_alone``: the exit that has most of a pair, which its province alone is"
            " told, so that the next router follows its static routes (where provinces are stubs).",
        ),
        _CYCLE,
        _TIME,
        Column("entries", "1", "Routers and prefixes that were told an exit."),
        Column("in_force_s", "s", "Until all stood in the kernels, and what was before was gone."),
        Column("wrong", "1", "Of these, those with other next hops than the IGP's to the exit."),
        Column("kept_share", "1", "Share of traffic that leaves where decided, by the project."),
        Column("difference", "1", "Largest difference of an exit's share from the project's."),
        Column("sent", "1", "Flows of the whole network, a packet each."),
        Column("delivered", "1", "Of these, those that arrived."),
    ],
    file="carried.csv",
)
table(
    "verify_landings",
    "A row for each change of announcements of ``simulator verify``: where regions hand over.",
    [
        Column("change", "1", "Its number; 0 announces all groups at all exits."),
        Column("groups", "1", "Prefix groups that are announced otherwise than before."),
        Column("lines", "1", "Announcements to the exits."),
        Column("in_force_s", "s", "Until all regions had the next hops of the model."),
        Column("pairs", "1", "Regions and groups."),
        Column("moved", "1", "Of these, those that land elsewhere than before, by the model."),
        Column("wrong", "1", "Of these, those that land elsewhere than in the model."),
        Column("sent", "1", "Packets of one flow that was sent meanwhile, one that moves if any."),
        Column("received", "1", "Of these, those that arrived."),
    ],
    file="landings.csv",
)
