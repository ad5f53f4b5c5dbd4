# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Plan an upgrade
#
# Every exit shall stay below 80 %, through the cut of any single cable, for two years of growth. What
# has to be ordered, and when? And how much of it does a controller save? The answer is the cheapest
# plan that there is, with a proof. The small network is estimated, and so are the prices here.
#
# ## The target, the failures, and what can be bought
#
# A circuit raises an exit that there is. It comes in modules of 10 Gbps, or of 100 Gbps at 40 % less
# for each Gbps.

# %%
import pandas as pd

import simulator as sim

base = sim.load("mini").with_strategies(["best_static", "igp", "sdn-ideal"])
circuits = [
    {"kind": "circuit", "at": ["exit"], "module_gbps": 10, "price": 100},
    {"kind": "circuit", "at": ["exit"], "module_gbps": 100, "price": 600},
]
question = {
    "target": 0.8,
    "failures": ["cables"],
    "periods": {"count": 2, "months": 12},
    "growth": {"per_year": 0.245},
    "offers": circuits,
}
answer = sim.plan(base, upgrades=question)
print(answer.sentence)

# %%
plans = answer.tables["plans"].set_index("strategy")
plans[["cost", "bound", "gbps", "augments", "verified", "utilisation"]].round(3)

# %% [markdown]
# `cost` is what the plan costs, and `bound` what no plan can do without: they are equal, or nearly so.
# `verified` says that the plan was put on the network and routed through every failure; `utilisation`
# is the fullest that any exit got.
#
# Shortest paths need more than twice as much. A controller saves that, and it saves nothing against
# the best fixed splits: where every exit is dimensioned for the worst cut, what is bought for one
# cut is enough for the others. Compare a controller with the best that there is without it.

# %%
cost = plans["cost"]
saved = 1 - cost / cost["igp"]
saved.round(3)

# %% [markdown]
# ## What to order, and when

# %%
answer.figures["plan_steps"]();

# %%
steps = answer.tables["steps"]
ordered = steps[steps["strategy"] == "sdn-ideal"]
ordered.pivot_table(index="element", columns="order", values="gbps", aggfunc="sum", fill_value=0)

# %% [markdown]
# `regret` says what happens to this plan if growth is not as stated: what was bought too early, and
# what is missing. Here growth is given as one number, so that there is nothing to regret;
# `low` and `high` under `growth` give it a range.
#
# ## What if a price is otherwise?
#
# Guangzhou becomes twice as expensive.

# %%
dear = [{**each, "at": ["guangzhou-*"], "price": 2 * each["price"]} for each in circuits]
others = [{**each, "at": ["beijing-*", "shanghai-*"]} for each in circuits]
changed = sim.plan(base, upgrades={**question, "offers": others + dear})


def bought(of):
    """Return Gbps bought by strategy and city."""
    steps = of.tables["steps"]
    city = steps["element"].str.partition("-")[0].rename("city")
    return steps.groupby(["strategy", city])["gbps"].sum().unstack(fill_value=0)


pd.concat({"before": bought(answer), "after": bought(changed)}, axis=1).loc[["igp", "sdn-ideal"]]

# %%
(changed.tables["plans"].set_index("strategy")["cost"] / cost).round(3)

# %% [markdown]
# The plan of a controller leaves Guangzhou for cheaper exits, as it may carry traffic of a region
# through any city: 620 Gbps in place of 490, for 15 % more. Its old plan would cost 48 % more now.
# Shortest paths have no choice: they buy the same, and pay more.
#
# ## What does each nine cost?
#
# A promise for a share of time is another question. 6 Gbps to Tokyo are kept for 98.67 % of the time.
# More on the same cables does not help, as they fail together; another cable does. Two are on offer:
# a circuit on TPE, and one on NCP, a cable that is not in the model yet.

# %%
with_ncp = base.with_changes({"cables": [{"id": "NCP", "length_km": 13618}]})
cables = [
    {"kind": "parallel", "at": ["shanghai-tokyo"], "cables": {"TPE": 1}, "module_gbps": 10, "price": 150},
    {"kind": "parallel", "at": ["beijing-tokyo"], "cables": {"NCP": 1}, "module_gbps": 10, "price": 200},
]
promise = {
    "failures": ["cables"],
    "periods": {"count": 1, "months": 0},
    "commit": ["6 Gbps to pop-tokyo"],
    "offers": circuits + cables,
}
nines = sim.plan(with_ncp, upgrades=promise)
print(nines.sentence)

# %%
nines.figures["price_of_nines"]();

# %% [markdown]
# **Exercise.** Ask the first question with `"failures": ["cables", "gateways"]`. What does it cost more
# to stand the loss of a gateway as well, and are the two that were equal still equal? (Both pay
# 4,100.) Then ask for one year in place of two, and see what waiting saves.
