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
# # What if we buy capacity?
#
# A change is a key of the scenario and a new value: absolute, `+400`, `x1.5` or `+25%`. Baseline
# and change see the same traffic, so the differences are paired and their intervals narrow.
# (The busy evening in steps of an hour, to be quick; the scenario file has a day in 5-minute ones.)

# %%
import simulator as sim

scenario = sim.load("upgrade-la-400g").with_changes(
    {
        "start": "2017-12-31T18:00",
        "horizon_h": 6,
        "step_s": 3600,
        "replications": 2,
        "strategies.sdn.control.every_s": 3600,
    }
)
answer = sim.what_if(scenario)
answer

# %% [markdown]
# ## Why one upgrade matters and another does not
#
# The last lines say what binds at the worst instant of each. Under igp no shortest path leads by
# way of Beijing-LA, so 400 Gbps more there change nothing; Shanghai-San Jose is overfull in the
# evening, so that half of what is deferred gets through with more.

# %%
binding = answer.tables["binding"]
for sentence in binding[binding["strategy"] == "igp"]["sentence"]:
    print(sentence)

# %%
answer.figures["changes"]();

# %% [markdown]
# ## Any change by hand
#
# More traffic is a change like any other: a year's growth against the same upgrade.

# %%
growth = sim.what_if(
    scenario,
    {
        "international x1.4": {"demands.international": "x1.4"},
        "x1.4, San Jose +400G": {
            "demands.international": "x1.4",
            "links.sh-sj.capacity_gbps": "+400",
        },
    },
)
frame = growth.frame
headline = frame[(frame["metric"] == "exit_utilisation_p95") & (frame["scope"] == "all")]
headline[["strategy", "change", "value", "difference"]].round(3)

# %% [markdown]
# ## A curve for each change

# %%
growth.results["x1.4, San Jose +400G"].plot.hottest_exit();

# %% [markdown]
# A wrong key names the nearest right one:

# %%
try:
    scenario.with_changes({"links.sh-sj.capacity_gpbs": "+400"})
except sim.InputError as error:
    print(error)

# %% [markdown]
# **Exercise.** Which single exit would you enlarge for traffic 1.4 times as large? `sim.value` ranks
# them by what the next Gbps is worth; check its first answer by a what-if.
