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
# # A first run
#
# Three lines from nothing to a picture: read a scenario, run it, plot it. The scenario is `mini`,
# six cities and nine international exits, a day at 15-minute steps, under four strategies that see
# the same traffic: shortest paths (`igp`), the best fixed splits and one plan of announcements
# (`best_static`), a controller that learns where inbound traffic lands (`sdn`), and one that moves
# all at will, as nobody can (`sdn-ideal`).

# %%
import simulator as sim

results = sim.run(sim.load("mini"))
results.plot.hottest_exit();

# %% [markdown]
# ## The comparison
#
# Every figure carries a 95 % interval over the replications; differences are paired, replication
# by replication, because all strategies saw the same draws of traffic. The first sentence says what
# SDN is worth: here, with nine exits, nothing that one good plan would not do.

# %%
sim.compare(results)

# %% [markdown]
# ## The network is a NetworkX graph
#
# Link capacities are estimates scaled to two published totals. The network says so itself.

# %%
network = sim.load_network("china169-mini")
print(network)
print(type(network.graph).__name__, network.graph.number_of_nodes(), "nodes")
for estimate in network.about.estimates[:3]:
    print(f"estimate: {estimate['of']}: {estimate['how']}")

# %% [markdown]
# ## Routing without time
#
# A scheme turns a network and demands into routes. This is one instant, the busy hour.

# %%
demands = sim.load_demands(network.about.matrix, network)
for scheme in ("igp_ecmp", "nearest_exit", "min_latency", "min_max"):
    loads = sim.link_loads(sim.route(scheme, network, demands), demands)
    exits = loads[loads["class"] == "exit"]
    print(f"{scheme:13s} fullest exit {exits['utilisation'].max():.4f}")

# %% [markdown]
# The optimum, 0.72, can be checked by hand: Europe sends 28.8 Gbps over two Frankfurt exits of 30
# and 10 Gbps, and 28.8 / 40 = 0.72. Shortest paths put all of it on one of them: 28.8 / 30 = 0.96.
#
# **Exercise.** Take a Frankfurt exit away, with `network.without_link("guangzhou-frankfurt")`. What does
# each scheme make of it, and which of the four can you check by hand?
