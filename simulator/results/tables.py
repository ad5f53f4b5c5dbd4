"""Tables: the catalogue of every table that is written, with its columns and their units.

A table of another kind is declared where it is written::

    FLOWS = table("flows", "Every flow that completed.", [Column("size_gbit", "Gbit", "Volume.")])
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.base.errors import SimulatorError, did_you_mean, unknown_name


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    unit : str
        ``1`` for a plain number; empty for words.
    sentence : str
        What it holds.
    optional : bool
        Whether a table can be without it.
    """

    name: str
    unit: str
    sentence: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table and its columns, in the order in which they are written.

    Attributes
    ----------
    sentence : str
        What its rows are.
    file : str
        The file in a results folder; empty for a table that is written elsewhere.
    """

    name: str
    sentence: str
    columns: tuple[Column, ...]
    file: str

    def check(self, names: Iterable[str]) -> None:
        """Refuse columns that are not declared, missing, or in another order.

        Raises
        ------
        SimulatorError
            Names the table and the column.
        """
        given = tuple(names)
        known = [column.name for column in self.columns]
        for name in given:
            if name not in known:
                raise SimulatorError(
                    f"table {self.name!r} declares no column {name!r}{did_you_mean(name, known)}"
                )
        for column in self.columns:
            if not column.optional and column.name not in given:
                raise SimulatorError(f"table {self.name!r} lacks its column {column.name!r}")
        if list(given) != [name for name in known if name in given]:
            raise SimulatorError(
                f"table {self.name!r} has its columns in another order: {', '.join(given)}"
            )


TABLES: dict[str, Table] = {}
FIRST = (
    Column("replication", "1", "Counted from 0."),
    Column("strategy", "", "Name of the strategy."),
)
"""The columns that every table of a run begins with; :class:`TableWriter` adds them."""


def table(name: str, sentence: str, columns: Iterable[Column], *, file: str | None = None) -> Table:
    """Declare a table.

    Parameters
    ----------
    sentence : str
        What its rows are.
    columns : iterable of Column
        Without those of ``FIRST`` for a table of a run.
    file : str, optional
        The file in a results folder; ``NAME.parquet`` when left out, which is a table of a run.

    Raises
    ------
    ValueError
        The name is taken, or a column is declared twice.
    """
    if file is None:
        file, columns = f"{name}.parquet", (*FIRST, *columns)
    made = Table(name, sentence, tuple(columns), file)
    if TABLES.get(name, made) != made:  # a notebook cell can run again
        raise ValueError(f"two tables are named {name!r}")
    if len({column.name for column in made.columns}) < len(made.columns):
        raise ValueError(f"table {name!r} declares a column twice")
    TABLES[name] = made
    return made


def declared(name: str) -> Table:
    """Return a table of the catalogue.

    Raises
    ------
    UnknownName
        There is no such table.
    """
    if name not in TABLES:
        raise unknown_name(f"no table {name!r} is declared", name, TABLES)
    return TABLES[name]


def describe() -> list[tuple[str, str]]:
    """Return each table that has a file, with its sentence."""
    return [(each.name, each.sentence) for each in TABLES.values() if each.file]


# -- tables of a run ----------------------------------------------------------------------------

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
            "solve_s",
            "s",
            "Time that solving took on that machine; only in ``results.control``, from"
            " ``run.json``.",
            optional=True,
        ),
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
    "solve_times",
    "A row for each installation of routes. It depends on the machine, not on the simulation, so"
    " that it goes into ``run.json`` and not into a file of its own.",
    [*FIRST, Column("solve_s", "s", "Time that solving took.")],
    file="",
)

# -- tables of figures --------------------------------------------------------------------------

_STRATEGY = FIRST[1]
_FIGURE = (
    _STRATEGY,
    Column("metric", "", "Name of the metric."),
    Column("scope", "", "What part of the network or of the traffic it is of."),
    Column("unit", "", "Unit of the values."),
)
_COUNT = Column("replications", "1", "Replications behind them.")
_CI = (
    Column(
        "ci_low",
        "as ``unit``",
        "Lower end of the 95 % interval; empty where replications are too few for one.",
    ),
    Column("ci_high", "as ``unit``", "Upper end."),
)

table(
    "replications",
    "A row for each figure of each replication.",
    [FIRST[0], *_FIGURE, Column("value", "as ``unit``", "The figure.")],
    file="replications.csv",
)
table(
    "ranges",
    "A row for each figure and each paired difference, if worlds were drawn: how far it moves if"
    " what is assumed is as uncertain as stated.",
    [
        Column("of", "", "``figure`` or ``difference`` (from the first strategy)."),
        *_FIGURE,
        Column("stated", "as ``unit``", "Mean over the days of the world as stated."),
        Column("low", "as ``unit``", "What 5 % of the drawn worlds do not exceed, or as stated."),
        Column("median", "as ``unit``", "What half of them do not exceed."),
        Column("high", "as ``unit``", "What 95 % of them do not exceed, or as stated."),
        Column("worlds", "1", "Drawn worlds that have the figure."),
    ],
    file="ranges.csv",
)
table(
    "sensitivity_assumptions",
    "A row for each assumption and strategy of ``simulator sensitivity``.",
    [
        Column("assumption", "", "Name of what is not known."),
        *_FIGURE,
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
        *_FIGURE,
        Column("stated", "as ``unit``", "The figure with everything as stated."),
        Column("deviation", "as ``unit``", "Standard deviation over worlds."),
        Column("assumption", "", "The assumption with the largest share of the variance."),
        Column("share_of_variance", "1", "That share."),
    ],
    file="figures.csv",
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
    "summary",
    "A row for each figure.",
    [*_FIGURE, Column("mean", "as ``unit``", "Mean over replications."), *_CI, _COUNT],
    file="summary.csv",
)
table(
    "differences",
    "A row for each figure of each strategy but the first: paired differences against the first.",
    [*_FIGURE, Column("mean", "as ``unit``", "Mean difference."), *_CI, _COUNT],
    file="differences.csv",
)
table(
    "whatif",
    "A row for each figure and change of ``simulator whatif``.",
    [
        *_FIGURE,
        Column("baseline", "as ``unit``", "Mean without the change."),
        Column("change", "", "Name of the change."),
        Column("value", "as ``unit``", "Mean with the change."),
        Column("difference", "as ``unit``", "Mean of the paired differences."),
        *_CI,
        Column("range_low", "as ``unit``", "Of the difference, over worlds; empty without any."),
        Column("range_high", "as ``unit``", "Its upper end."),
        _COUNT,
    ],
    file="whatif.csv",
)
table(
    "binding",
    "A row for each change and strategy of ``simulator whatif``: what binds after the change.",
    [
        Column("change", "", "Name of the change."),
        _STRATEGY,
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

_DIRECTION = Column("direction", "", "``out`` or ``in``; ``all`` where both are looked at at once.")
_STATE = Column("state", "", "What was down then, in words.")
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
        Column("date", "", "The day; empty beyond the calendar, or with room left."),
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
        Column("date", "", "The day; empty beyond the calendar."),
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
        *_FIGURE,
        Column("mean", "as ``unit``", "Mean over replications."),
        *_CI,
        Column("range_low", "as ``unit``", "Of the mean, over worlds; empty without any."),
        Column("range_high", "as ``unit``", "Its upper end."),
        _COUNT,
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

# -- tables of studies of failures ---------------------------------------------------------------

_PROBABILITY = Column("probability", "1", "What the failures are at least as likely as.")
table(
    "worst_worst",
    "A row for each strategy of ``simulator worst``, metric and probability: the worst case.",
    [
        _STRATEGY,
        Column("metric", "", "``unserved_gbps`` or ``exit_utilisation``."),
        _PROBABILITY,
        Column("value", "", "The metric in the worst case; without a finite one, see ``cut_off``."),
        Column("bound", "", "What it is never above; the same as ``value`` where that is exact."),
        Column("faults", "", "What is down then."),
        Column("faults_probability", "1", "How likely that is."),
        Column("single_failure_value", "", "The metric in the worst case of at most one failure."),
        Column("single_failure", "", "That failure."),
        Column("times_single", "1", "``value`` in that; empty where that is 0."),
        Column("above_single", "", "``value`` less that."),
        Column("direction", "", "Direction of the traffic that suffers."),
        Column("at", "", "Regions beyond the cut and exits that it crosses, or the fullest exit."),
        Column("cut_off", "", "Who has no way at all then, and the most Gbps of each."),
        Column("connected_value", "", "The worst utilisation that leaves nobody cut off."),
        Column("as_routed_gbps", "Gbps", "What the scheme itself loses in that case."),
    ],
    file="worst.csv",
)
table(
    "worst_demands",
    "A row for each worst case, direction and end abroad: its traffic there.",
    [
        _STRATEGY,
        Column("metric", "", "As in ``worst``."),
        _PROBABILITY,
        Column("direction", "", "``out`` or ``in``."),
        Column("end", "", "Node abroad."),
        Column("stated_gbps", "Gbps", "Traffic as stated."),
        Column("gbps", "Gbps", "Traffic in the worst case."),
    ],
    file="demands.csv",
)
table(
    "worst_fewer_faults",
    "A row for each strategy and probability: the worst case if elements failed less often.",
    [
        _STRATEGY,
        _PROBABILITY,
        Column("faults_factor", "1", "Rate of faults in the one that is stated."),
        Column("value", "Gbps", "What is unserved then."),
        Column("faults", "", "What is down."),
    ],
    file="fewer_faults.csv",
)
table(
    "worst_elements",
    "A row for each element that may fail.",
    [
        Column("element", "", "Id of the cable, link or node."),
        Column("kind", "", "``cables``, ``exits``, ``gateways`` or ``overseas``."),
        Column("mtbf_h", "h", "Mean time from a repair to the next fault."),
        Column("mttr_h", "h", "Mean time to repair."),
        Column("unavailability", "1", "Share of time in which it is down."),
        Column("assumed", "", "Which of this nothing states."),
    ],
    file="elements.csv",
)
table(
    "availability_availability",
    "A row for each strategy of ``simulator availability``, scope and level: how often it is met.",
    [
        _STRATEGY,
        Column("scope", "", "``all``, a class, a node abroad, a pair, or ``every`` region."),
        Column("level", "", "``95 %`` of demand, ``10 Gbps``, or ``p95 40 ms``."),
        Column("availability", "1", "Share of time in which it is met, surely."),
        Column("ci_low", "1", "Lower end of the 95 % interval; or without states not looked at."),
        Column("ci_high", "1", "Upper end; or with all of these."),
        Column("at_most", "1", "The same with free steering, where a strategy is between."),
        Column("hours_missed_per_year", "h", "Hours of a year in which it is not met."),
        Column("required", "1", "Share of time that is asked for; empty where none is."),
        Column("is_met", "", "``yes``, ``no``, or ``not told`` where the interval holds it."),
        Column("how", "", "By ``cuts``, fixed ``routes``, or asking the ``scheme``."),
    ],
    file="availability.csv",
)
table(
    "availability_lost",
    "A row for each strategy and scope: what is lost in a year.",
    [
        _STRATEGY,
        Column("scope", "", "As in ``availability``."),
        Column("lost_tbit_per_year", "Tbit", "Expected volume, at most."),
        Column("ci_low", "Tbit", "Lower end of the interval."),
        Column("ci_high", "Tbit", "Upper end."),
        Column("at_least", "Tbit", "Expected volume with free steering."),
        Column("share_of_demand", "1", "Its share of what is asked for."),
        Column(
            "one_year_in_ten", "Tbit", "Exceeded in one year of ten, where years are simulated."
        ),
    ],
    file="lost.csv",
)
table(
    "availability_elements",
    "A row for each strategy and element that fails, those that cost most first.",
    [
        _STRATEGY,
        Column("element", "", "Id of the cable, link or node."),
        Column("kind", "", "Kind of element."),
        Column("unavailability", "1", "Share of time in which it is down."),
        Column("mtbf_h", "h", "Mean time from a repair to the next fault."),
        Column("mttr_h", "h", "Mean time to repair."),
        Column("importance", "1", "How much likelier the first level is met with it up than down."),
        Column("lost_tbit_per_year", "Tbit", "What would be lost less if it never failed."),
        Column("assumed", "", "Which of its figures nothing states."),
    ],
    file="elements.csv",
)
