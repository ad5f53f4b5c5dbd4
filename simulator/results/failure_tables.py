"""Failure tables: what studies of failures, worst cases and availability write."""

from __future__ import annotations

from simulator.results.table import FIRST, STRATEGY, Column, table

_CASE = Column("case", "", "What fails: ``cable TPE``, or several with `` + `` between.")
_WAY = Column("direction", "", "``out`` or ``in`` of an exit, else its ends: ``from>to``.")
_PROBABILITY = Column("probability", "1", "What the failures are at least as likely as.")
table(
    "failures_cases",
    "A row for each strategy of ``simulator failures`` and each case, what hurts most first.",
    [
        FIRST[1],
        _CASE,
        Column(
            "worst_utilisation", "1", "Of the fullest link after the reaction, by what is asked."
        ),
        Column("worst_link", "", "That link; empty where all are down."),
        _WAY,
        Column("exit_utilisation", "1", "Of the fullest exit; empty without exits."),
        Column("worst_exit", "", "That exit."),
        Column("exit_direction", "", "``out`` or ``in``."),
        Column(
            "lost_gbps_before", "Gbps", "Not delivered before the reaction, routes as they were."
        ),
        Column(
            "lost_gbps_repaired",
            "Gbps",
            "Not delivered while nodes before dead links repair by themselves; empty without"
            " ``local_repair_s``.",
        ),
        Column(
            "repaired_utilisation",
            "1",
            "Of the fullest exit (link without exits) in that time, by what is asked.",
        ),
        Column("repaired_link", "", "That exit."),
        Column("repaired_direction", "", "``out`` or ``in`` of an exit, else its ends."),
        Column("lost_gbps_after", "Gbps", "Not delivered after it; what is cut off among it."),
        Column("cut_off_gbps", "Gbps", "Traffic that has no way on what is left, by any routes."),
        Column("latency_ms", "ms", "Mean propagation of what is delivered, after the reaction."),
        Column("latency_change_ms", "ms", "How much more than without a failure."),
        Column("international_change_ms", "ms", "The same of international traffic alone."),
        Column(
            "keeps_target", "", "Whether exits, or all links without, keep it and none is cut off."
        ),
        Column("at_h", "h", "The instant, in hours from the start."),
    ],
    file="cases.csv",
)
table(
    "failures_links",
    "A row for each strategy of ``simulator failures`` and direction of a link: the worst case.",
    [
        FIRST[1],
        Column("link", "", "Id of the link."),
        _WAY,
        Column("worst_utilisation", "1", "The highest of all cases, after the reaction."),
        Column("case", "", "The failure that causes it."),
        Column("utilisation", "1", "Without any failure."),
    ],
    file="links.csv",
)
table(
    "failures_strategies",
    "A row for each strategy of ``simulator failures``: without failures, and how many it bears.",
    [
        FIRST[1],
        Column("at_h", "h", "The instant, in hours from the start."),
        Column("offered_gbps", "Gbps", "All traffic then."),
        Column("cases", "1", "Cases tried."),
        Column("states", "1", "States that they leave, each worked out once."),
        Column("kept", "1", "Cases that keep the target and cut nothing off."),
        Column("kept_without_failure", "", "Whether the target is kept with nothing failed."),
        Column("lost_gbps", "Gbps", "Not delivered without any failure."),
        Column("cut_off_gbps", "Gbps", "Traffic that has no way even so."),
        Column("worst_utilisation", "1", "Of the fullest link without any failure."),
        Column("worst_link", "", "That link."),
        _WAY,
        Column("exit_utilisation", "1", "Of the fullest exit; empty without exits."),
        Column("latency_ms", "ms", "Mean propagation of what is delivered."),
        Column("international_ms", "ms", "The same of international traffic alone."),
        Column("worst_case", "", "The failure that hurts most."),
    ],
    file="strategies.csv",
)
table(
    "failures_exits",
    "A row for each strategy of ``simulator failures``, exit direction and case: the worst 250"
    " of each strategy, for all of them.",
    [
        FIRST[1],
        _CASE,
        Column("exit", "", "Id of the exit."),
        Column("direction", "", "``out`` or ``in``."),
        Column("utilisation", "1", "After the reaction; empty where it is down."),
    ],
    file="exits.csv",
)
table(
    "failures_demands",
    "A row for each strategy of ``simulator failures``, case, node and class whose traffic is"
    " lost. Traffic counts at both its ends.",
    [
        FIRST[1],
        _CASE,
        Column("end", "", "Node where the traffic begins or ends: a province or a region."),
        Column("class", "", "Class of the traffic."),
        Column("lost_gbps", "Gbps", "Not delivered after the reaction."),
        Column("cut_off_gbps", "Gbps", "Of it what has no way on what is left."),
    ],
    file="demands.csv",
)
table(
    "failures_impact",
    "With ``--impact LINK``, a row for each strategy, direction of the link and case.",
    [
        FIRST[1],
        Column("link", "", "Id of the link."),
        _WAY,
        _CASE,
        Column("utilisation", "1", "After the reaction; empty where it is down."),
        Column("change", "1", "How much more than without a failure."),
        Column("is_down", "", "Whether the case takes the link down."),
    ],
    file="impact.csv",
)
table(
    "failures_ranges",
    "With ``--worlds``, a row for each strategy and case: 5 to 95 % of the drawn worlds.",
    [
        FIRST[1],
        _CASE,
        *(
            Column(f"{figure}_{end}", unit, f"{word} end of {what}.")
            for figure, unit, what in (
                ("worst_utilisation", "1", "the highest utilisation after the reaction"),
                ("lost_gbps_before", "Gbps", "what is lost before the reaction"),
                ("lost_gbps_after", "Gbps", "what is lost after it"),
            )
            for end, word in (("low", "Low"), ("high", "High"))
        ),
        Column("kept_share", "1", "Share of these worlds in which the target is kept."),
    ],
    file="ranges.csv",
)
table(
    "worst_worst",
    "A row for each strategy of ``simulator worst``, metric and probability: the worst case.",
    [
        STRATEGY,
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
        STRATEGY,
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
        STRATEGY,
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
        STRATEGY,
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
        STRATEGY,
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
        STRATEGY,
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
