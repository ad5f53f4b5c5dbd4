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
# # Controller knobs
#
# How often should a controller decide, how much does stale telemetry cost, and what do routers make
# of its decisions? One strategy that moves all international traffic, on the small network, in the
# evening.

# %%
import simulator as sim

base = sim.load("mini").with_strategies(["igp", "sdn-ideal"])
base = base.with_changes({"start": "2017-12-01T18:00", "horizon_h": 5, "replications": 1})
cycle, age = "strategies.sdn-ideal.control.every_s", "strategies.sdn-ideal.control.staleness_s"

# %% [markdown]
# ## How often?

# %%
swept = sim.sweep(base, over={cycle: [60, 300, 900, 3600]})
points = swept.tables["points"]
wanted = (points["strategy"] == "sdn-ideal") & (points["scope"] == "all")
table = points[wanted].pivot(index=cycle, columns="metric", values="mean")
table[["exit_utilisation_peak", "hours_above_80", "moved_gbps_per_day"]].round(3)

# %%
swept.figures["sweep_curves"]();

# %% [markdown]
# Every hour is too seldom: exits drift above what was meant. Every minute moves twenty times the
# traffic of that and gains nothing: what is left is noise of measurement.
#
# ## How fresh?

# %%
stale = sim.sweep(base, over={age: [0, 60, 900, 3600]})
points = stale.tables["points"]
wanted = (points["strategy"] == "sdn-ideal") & (points["scope"] == "all")
table = points[wanted].pivot(index=age, columns="metric", values="mean")
table[["exit_utilisation_peak", "hours_above_80", "prediction_error"]].round(3)

# %% [markdown]
# ## What do routers make of it?
#
# A controller asks for any shares. Routers hold whole per cents, or no weights at all, or one choice
# for all that goes to a region. What is asked for is turned into what can be carried, and that is
# what is simulated.

# %%
for way in ("tunnels", "ecmp_only", "prefix_groups", "region"):
    run = sim.run(base.with_changes({"strategies.sdn-ideal.control.carried_by": way}))
    peak = run.figure("sdn-ideal", "exit_utilisation_p95")
    lost = run.figure("sdn-ideal", "not_carried_gbps")
    print(f"{way:13s} {lost:6.2f} Gbps not by the exit asked for, fullest exit p95 {peak:.3f}")

# %% [markdown]
# **Exercise.** Hysteresis leaves routes alone while no exit is full:
# `strategies.sdn-ideal.control.hysteresis`. Find settings that halve `moved_gbps_per_day` and keep
# the peak below 90 %.
