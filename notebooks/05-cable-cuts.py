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
# # Cable cuts
#
# Three questions on the small network: which failure hurts most, what do the minutes after it look
# like, and what is the worst that is likely enough to matter?
#
# ## Which failure hurts most?
#
# Every cable and every gateway, one at a time, at the hour at which each strategy is the fullest.

# %%
import simulator as sim

screened = sim.failures("mini", of="cables,gateways")
print(screened.sentence)

# %%
screened.figures["failure_map"]();

# %%
cases = screened.tables["cases"]
worst = cases.groupby("strategy", sort=False).first()
worst[["case", "lost_gbps_before", "lost_gbps_after", "exit_utilisation", "worst_exit"]].round(2)

# %% [markdown]
# A cable cut takes a part of several exits away. No link goes down, so static routing does not even
# notice: what it loses before and after the reaction is the same. A gateway that dies is noticed by
# all.
#
# ## The minutes after it
#
# The exit from Shanghai to Los Angeles goes down at 20:00. Its gateway does not wait for others:
# 0.14 s later it sends what arrives by ways of its own, and may fill these.

# %%
repairs = {f"strategies.{name}.control.local_repair_s": 0.14 for name in ("best_static", "igp", "sdn")}
evening = {"start": "2017-12-01T18:00", "horizon_h": 4, "replications": 1}
event = {"events": [{"at_h": 2, "link": "shanghai-la"}]}
scenario = sim.load("mini").with_changes({**repairs, **evening, **event})
results = sim.run(scenario)
results.plot.recovery();

# %%
columns = ["strategy", "unserved_at_once_gbps", "recovered_s", "peak_utilisation", "peak_link"]
results.table("recovery")[columns].round(3)

# %% [markdown]
# ## The worst that is likely enough
#
# Any number of cables may be down together, and demand may lie anywhere within 30 %: what is the
# worst that happens at a probability of 1 in 1,000? The answer has a proof.

# %%
certified = sim.worst("mini", probability=1e-3)
print(certified.sentence)

# %%
rows = certified.tables["worst"]
unserved = rows[rows["metric"] == "unserved_gbps"]
unserved[["strategy", "value", "bound", "single_failure_value", "faults"]].round(1)

# %% [markdown]
# **Exercise.** How often is all of the traffic carried? `sim.availability("mini")` answers by
# strategy. Then make cables fail half as often, with `reliability` in the scenario, and see which of
# the answers on this page moves most.
