"""Study tables: what studies of growth, capacity and assumptions write."""

from __future__ import annotations

from simulator.results.table import CI, COUNT, FIGURE, FIRST, STRATEGY, Column, table

_DIRECTION = Column("direction", "", "``out`` or ``in``; ``all`` where both are looked at at once.")
_STATE = Column("state", "", "What was down then, in words.")
table(
    "sensitivity_assumptions",
    "A row for each assumption and strategy of ``simulator sensitivity``.",
    [
        Column("assumption", "", "Name of what is not known."),
        *FIGURE,
        Column("low", "", "Value of the assumption that 5 % of its probability does not exceed."),
        Column("high", "", "Value that 95 % do not exceed."),
        Column("stated", "as ``unit``", "The answer with everything as stated."),
        Column(
            "answer_low",
            "as ``unit``",
            "The answer at ``low``; with several members, the lowest of eight draws.",
        ),
        Column("answer_high", "as ``unit``", "The answer at ``high``, or the highest."),
        Column("share_of_variance", "1", "Share of the variance of the answer when all are drawn."),
        Column("share_low", "1", "Lower end of its 95 % interval."),
        Column("share_high", "1", "Upper end."),
        Column("members", "1", "How many values the assumption has."),
        Column("what", "", "What the values of the assumption are."),
        Column("source", "", "Where its law comes from."),
    ],
    file="assumptions.csv",
)
table(
    "sensitivity_figures",
    "A row for each figure of ``simulator sensitivity``: the assumption that moves it most.",
    [
        *FIGURE,
        Column("stated", "as ``unit``", "The figure with everything as stated."),
        Column("deviation", "as ``unit``", "Standard deviation over worlds."),
        Column("assumption", "", "The assumption with the largest share of the variance."),
        Column("share_of_variance", "1", "That share."),
    ],
    file="figures.csv",
)
table(
    "whatif",
    "A row for each figure and change of ``simulator whatif``.",
    [
        *FIGURE,
        Column("baseline", "as ``unit``", "Mean without the change."),
        Column("change", "", "Name of the change."),
        Column("value", "as ``unit``", "Mean with the change."),
        Column("difference", "as ``unit``", "Mean of the paired differences."),
        *CI,
        Column("range_low", "as ``unit``", "Of the difference, over worlds; empty without any."),
        Column("range_high", "as ``unit``", "Its upper end."),
        COUNT,
    ],
    file="whatif.csv",
)
table(
    "binding",
    "A row for each change and strategy of ``simulator whatif``: what binds after the change.",
    [
        Column("change", "", "Name of the change."),
        STRATEGY,
        Column(
            "still",
            "",
            "Whether what is lost, or else the peak, stays where it was, as far as replications"
            " tell.",
        ),
        Column(
            "kind",
            "",
            "``link``, ``exit``, ``cap`` (of the scheme) or ``landing`` (of inbound traffic);"
            " ``none`` where nothing is full at the worst instant.",
        ),
        Column("element", "", "The link that is full, or the fullest exit."),
        Column("direction", "", "``out`` or ``in`` of an exit, else where the direction begins."),
        Column("utilisation", "1", "How full it is at the worst instant."),
        Column("sentence", "", "The same in words, and why a change changes nothing."),
    ],
    file="binding.csv",
)

table(
    "headroom_headroom",
    "A row for each strategy of ``simulator headroom``: the largest growth that always holds.",
    [
        FIRST[1],
        Column("factor", "1", "Largest factor on the traffic in question that is known to hold."),
        Column("factor_high", "1", "Least that is known to be too much: the same where exact."),
        Column("binds", "", "Exit direction that is at the target then."),
        Column("at_h", "h", "When, in hours from the start."),
        _STATE,
        Column("link", "", "Link that is no exit and is full at a smaller factor."),
        Column("link_factor", "1", "That factor."),
    ],
    file="headroom.csv",
)
table(
    "headroom_run_out",
    "A row for each strategy (exit ``all``) and each of its exit directions: when it is at the"
    " target for the first time.",
    [
        FIRST[1],
        Column("exit", "", "Exit; ``all`` for the first of them, when the strategy runs out."),
        _DIRECTION,
        Column("date", "", "The day; empty beyond the calendar, with room left, or with no start."),
        Column("date_early", "", "Early end of its range: 5 % of worlds, or the fastest growth."),
        Column("date_late", "", "Late end: 95 % of worlds, or the slowest growth."),
        Column("status", "", "What the row says, in words."),
        Column("years", "1", "Years of 365 days from the start."),
        Column("years_early", "1", "Those of the early end."),
        Column("years_late", "1", "Those of the late end."),
        Column("per_year", "1", "Growth of the traffic of that direction in a year."),
        Column("binds", "", "Exit direction that is at the target then."),
    ],
    file="run_out.csv",
)
table(
    "headroom_worth",
    "A row for each strategy but the baseline: what it carries more at the same target.",
    [
        FIRST[1],
        Column("baseline", "", "The strategy that it is compared with, the first."),
        Column("gbps", "Gbps", "Traffic in question that it carries more, at the busiest instant."),
        Column("gbps_low", "Gbps", "Low end of the range over worlds."),
        Column("gbps_high", "Gbps", "High end."),
        Column("months", "1", "How much later it runs out."),
        Column("months_low", "1", "Low end of the range."),
        Column("months_high", "1", "High end."),
    ],
    file="worth.csv",
)
table(
    "headroom_states",
    "A row for each strategy, state of the network and direction: what it holds there.",
    [
        FIRST[1],
        _STATE,
        Column("from_h", "h", "When the state first began."),
        _DIRECTION,
        Column("factor", "1", "Largest factor that is known to hold."),
        Column("factor_high", "1", "Least that is known to be too much."),
        Column("binds", "", "Exit direction that is at the target then."),
        Column("at_h", "h", "When, in hours from the start."),
        Column("years", "1", "Years until the strategy runs out in this state."),
        Column("date", "", "The day; empty beyond the calendar, or with no start."),
    ],
    file="states.csv",
)
table(
    "headroom_over_time",
    "A row for each strategy, direction and hour, or longer where time is long: the least factor.",
    [
        FIRST[1],
        _STATE,
        _DIRECTION,
        Column("at_h", "h", "The hardest instant, in hours from the start."),
        Column("factor", "1", "Largest factor that holds then."),
        Column("binds", "", "Exit direction that is at the target."),
    ],
    file="over_time.csv",
)
table(
    "sweep_points",
    "A row for each figure and point of ``simulator sweep``; a column for each key comes before.",
    [
        *FIGURE,
        Column("mean", "as ``unit``", "Mean over replications."),
        *CI,
        Column("range_low", "as ``unit``", "Of the mean, over worlds; empty without any."),
        Column("range_high", "as ``unit``", "Its upper end."),
        COUNT,
    ],
    file="points",
)
table(
    "value_value",
    "A row for each strategy of ``simulator value`` and each exit direction, link and cable, the"
    " ones that are worth most first: what one Gbps more changes.",
    [
        FIRST[1],
        Column("element", "", "Exit, link or cable."),
        Column("kind", "", "``exit``, ``link`` or ``cable``."),
        Column("direction", "", "``out`` or ``in`` of an exit; ``both`` for a Gbps each way."),
        Column("mlu_per_gbps", "1/Gbps", "Change of the highest utilisation of any link."),
        Column("latency_ms_per_gbps", "ms/Gbps", "Change of the mean propagation delay."),
        Column("headroom_per_gbps", "1/Gbps", "Change of the headroom; empty where not exact."),
        *(
            Column(f"{figure}_per_gbps_{side}", unit, f"{what} {how}.")
            for figure, unit, what in (
                ("mlu", "1/Gbps", "Change of the highest utilisation"),
                ("latency_ms", "ms/Gbps", "Change of the mean propagation delay"),
                ("headroom", "1/Gbps", "Change of the headroom"),
            )
            for side, how in (
                ("more", "as a Gbps is added"),
                ("less", "up to here, from a Gbps less"),
            )
        ),
    ],
    file="value.csv",
)
table(
    "value_strategies",
    "A row for each strategy of ``simulator value``: the figures that are changed, and how that was"
    " found.",
    [
        FIRST[1],
        Column("how", "", "By ``prices`` of a program, ``differences``, or on ``fixed routes``."),
        Column("mlu", "1", "Highest utilisation of any link, by what is asked for."),
        Column("peak_h", "h", "When, in hours from the start."),
        Column("headroom", "1", "Factor on international traffic that the exits hold."),
        Column("headroom_how", "", "``exact``, or ``not exact``: found by halving alone."),
        Column("sampled", "1", "Moments that the mean latency is over."),
        Column("instants", "1", "Moments there are."),
        Column("lands", "", "Whether inbound traffic stays where it landed."),
    ],
    file="strategies.csv",
)
