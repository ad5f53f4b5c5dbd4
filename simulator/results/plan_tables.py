"""Plan tables: what studies of upgrades write."""

from __future__ import annotations

from simulator.results.table import FIRST, Column, table

_PERIOD = Column("period", "1", "Counted from 1.")
_GROWTH = Column("growth", "", "``slow``, ``stated`` or ``fast``: the range of what is not known.")
table(
    "plan_plans",
    "A row for each strategy of ``simulator plan``: what keeps the target, and what it costs.",
    [
        FIRST[1],
        Column("taken", "", "How the strategy is taken, by direction."),
        Column("cost", "unit of prices", "Of all orders; empty where no plan keeps the target."),
        Column("bound", "unit of prices", "No plan costs less: proven."),
        Column("gap", "1", "Part of the cost that is not proven."),
        Column("gbps", "Gbps", "Capacity added at exits."),
        Column("other_gbps", "Gbps", "Capacity added on other links: ports, links abroad."),
        Column("augments", "1", "Modules ordered."),
        Column(
            "verified", "",
            "Whether the plan keeps it when routed: ``yes``; ``exits`` where all does but the"
            " backbone, which is not planned; ``no``.",
        ),
        Column("utilisation", "1", "Of the fullest exit when it was routed."),
        Column("utilisation_at", "", "Where and when that is."),
        Column("routed", "1", "Cases that were routed; see ``plan_checks``."),
        Column("target", "1", "Utilisation that is kept: above the target with a small budget."),
        Column(
            "cost_most", "unit of prices",
            "What is enough at most, where a strategy is between free steering and static routes;"
            " empty where even that is not known to be enough.",
        ),
        Column("greedy_cost", "unit of prices", "The same by the best module for its price."),
        Column(
            "equal_price_cost", "unit of prices",
            "Of the plan with one price at all exits, the mean.",
        ),
        Column(
            "equal_price_bound", "unit of prices", "With one price, no plan costs less: proven."
        ),
        Column("equal_price_gbps", "Gbps", "Capacity that the plan with one price adds at exits."),
        Column("run_out_years", "1", "Years until the network as it is does not keep the target."),
        Column("run_out", "", "That day; empty without a date of the start, or not in 30 years."),
        Column("months_deferred", "1", "How much later that is than under the first strategy."),
        Column("requirements", "1", "Requirements that stood in the program."),
        Column("programs", "1", "Programs that were solved."),
        Column("status", "", "What to know of the row; empty where all is proven."),
    ],
    file="plans.csv",
)  # fmt: skip
table(
    "plan_checks",
    "A row for each strategy of ``simulator plan`` and resource: how full it gets when the plan is"
    " routed in every state, with the worst demands of both directions and traffic at home.",
    [
        FIRST[1],
        Column("resource", "", "``exits``, ``gateways``, ``links abroad`` or ``backbone``."),
        Column("utilisation", "1", "Of the fullest link direction, in any case."),
        Column("limit", "1", "What it may be; the backbone is not planned."),
        Column("holds", "", "Whether it is no more, but for a millionth."),
        Column("at", "", "Where and when that is."),
        Column("states", "1", "States of the network, in all periods, that were looked at."),
        Column("cases", "1", "States with demands that were routed."),
    ],
    file="checks.csv",
)  # fmt: skip
table(
    "plan_steps",
    "A row for each strategy of ``simulator plan``, period and augment: what to order when.",
    [
        FIRST[1],
        _PERIOD,
        Column("order", "", "When it is ordered: a date, or years from the start."),
        Column("in_service", "", "From when on it counts."),
        Column("element", "", "The link; of a parallel one the link beside it."),
        Column("kind", "", "``circuit``, ``parallel``, ``port`` or ``exit``."),
        Column("name", "", "What the augment is called."),
        Column("module_gbps", "Gbps", "Size of a module."),
        Column("modules", "1", "How many."),
        Column("gbps", "Gbps", "All of them together."),
        Column("cost", "unit of prices", "All of them together."),
    ],
    file="steps.csv",
)
table(
    "plan_periods",
    "A row for each strategy of ``simulator plan`` and period: what its orders postpone.",
    [
        FIRST[1],
        _PERIOD,
        Column("begins", "", "When orders are placed: a date, or years from the start."),
        Column("planned", "", "``no`` where nothing that is ordered can be there in time."),
        Column("cost", "unit of prices", "Of the orders of the period."),
        Column("modules", "1", "Ordered in it."),
        Column("gbps", "Gbps", "Ordered at exits."),
        Column("asked_gbps", "Gbps", "Traffic across the border at its end, both directions."),
        Column("run_out_before", "", "When the target ends without these orders."),
        Column("run_out_after", "", "When it ends with them."),
        Column("postpones_months", "1", "How much later that is."),
    ],
    file="periods.csv",
)
table(
    "plan_sets",
    "A row for each set of demands: what steering at will needs, against planning on the peak of"
    " every pair.",
    [
        Column("noise", "1", "Deviation of the logarithm of a pair from hour to hour."),
        Column("set", "", "``busy_hour``, ``box``, ``hose_total``, ``hose`` or ``pipe``."),
        Column("asked_gbps", "Gbps", "Most of both directions at the end of the last period."),
        Column("cost", "unit of prices", "Of the plan; empty where there is none."),
        Column("gbps", "Gbps", "Capacity added at exits."),
        Column("exit_gbps", "Gbps", "All capacity of exits then."),
        Column("saving", "1", "Part of that capacity which ``pipe`` needs more."),
        Column("published", "1", "Saving of a hose that Meta has published."),
    ],
    file="sets.csv",
)
table(
    "plan_regret",
    "A row for each strategy and growth: what the plan costs that was made for the stated one.",
    [
        FIRST[1],
        _GROWTH,
        Column("per_year", "1", "Growth of all traffic across the border in a year."),
        Column("cost", "unit of prices", "Of the plan."),
        Column("cost_needed", "unit of prices", "Of the plan for this growth; empty if none."),
        Column("too_early", "unit of prices", "What is spent that is not needed within the plan."),
        Column("too_late", "unit of prices", "What must be ordered more."),
        Column("run_out", "", "When the target ends with the plan under this growth."),
        Column("months_short", "1", "How long before the end of the plan that is."),
    ],
    file="regret.csv",
)
table(
    "plan_nines",
    "A row for each commitment and share of time of ``simulator plan`` for promises: the price of"
    " each nine, with traffic steered at will.",
    [
        Column("commitment", "", "What is promised, in words."),
        Column("availability", "1", "Share of time that is asked for."),
        Column("now", "1", "Share of time in which it is kept as things are."),
        Column("cost", "unit of prices", "Of the plan; empty where there is none."),
        Column("bound", "unit of prices", "No plan costs less: proven."),
        Column("gap", "1", "Part of the cost that is not proven."),
        Column("reached", "1", "Share of time that the plan keeps it."),
        Column("gbps", "Gbps", "Capacity added at exits."),
        Column("augments", "1", "Modules ordered."),
        Column("hopeless", "1", "Share of time in which nothing that can be bought would keep it."),
        Column("states", "1", "States that the program decides on, of all that there are."),
        Column("status", "", "What to know of the row; empty where all is proven."),
    ],
    file="nines.csv",
)
table(
    "plan_purchases",
    "A row for each commitment, share of time and augment of ``simulator plan`` for promises.",
    [
        Column("commitment", "", "What is promised, in words."),
        Column("availability", "1", "Share of time that is asked for."),
        Column("element", "", "The link; of a parallel one the link beside it."),
        Column("kind", "", "``circuit``, ``parallel``, ``port`` or ``exit``."),
        Column("module_gbps", "Gbps", "Size of a module."),
        Column("modules", "1", "How many."),
        Column("gbps", "Gbps", "All of them together."),
        Column("cost", "unit of prices", "All of them together."),
    ],
    file="purchases.csv",
)
