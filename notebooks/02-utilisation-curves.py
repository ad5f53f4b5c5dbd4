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
# # Utilisation curves
#
# The China169-style backbone at the end of 2017: 200 Tbps of backbone and 2,460 Gbps of
# international exits. On this day TPE, the only direct cable to the US in service that year, is
# lost at 20:00, an hour before the evening peak. (30-minute steps, to be quick; the scenario file
# has 5-minute ones.)

# %%
import simulator as sim

scenario = sim.load("tpe-cut").with_changes({"step_s": 1800, "replications": 2})
results = sim.run(scenario)
results.plot.exit_utilisation();

# %% [markdown]
# TPE carries part of nine exits, so none of them goes down and no routing protocol notices. Static
# routing keeps sending into what is left; the controller sees it at its next cycle, and announces
# otherwise: then it is up to neighbours abroad where inbound traffic lands.

# %%
results.plot.exit_peaks();

# %%
results.plot.latency();

# %% [markdown]
# ## Your own curve
#
# Results are tidy tables: one row per exit, direction and step, averaged over the step.

# %%
exits = results.exits
evening = exits[(exits["replication"] == 0) & (exits["direction"] == "in") & (exits["time_s"] >= 18 * 3600)]
ax = None
for (strategy, exit_id), rows in evening.groupby(["strategy", "exit"], observed=True):
    if exit_id in ("sh-sj", "bj-la") and strategy in ("igp", "sdn"):
        ax = rows.plot(x="time_s", y="utilisation", ax=ax, label=f"{exit_id}, {strategy}")
ax.axhline(1.0, color="black", linewidth=0.8)
ax.set(xlabel="seconds since midnight", ylabel="utilisation, inbound")
ax.set_title("Two exits to the US through the TPE cut");

# %%
for strategy in results.strategies:
    peak = results.figure(strategy, "exit_utilisation_peak")
    busy = results.figure(strategy, "exit_utilisation_p95")
    print(f"{strategy:11s} peak {peak:.3f}, p95 {busy:.3f}")

# %% [markdown]
# The peak of both controllers is the time between the cut and their next decision on fresh
# measurements, and of announcements until the Internet has followed: that is what delays cost. The
# 95th percentile leaves these minutes out.
#
# **Exercise.** `results.plot.recovery()` shows the minutes around the cut, and
# `results.plot.exit_hours()` the whole day in one picture. Which exits does the controller use after
# the cut that static routing leaves empty?
