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
# # Your own topology
#
# A network comes from a file: GraphML, GML, JSON, SNDlib, CSV tables and more
# (`simulator list formats`). This one is China Telecom's backbone of 2010, as the Internet
# Topology Zoo drew it. The file gives no capacities and one wrong place; what was assumed instead
# stands with the network, and what looks like a mistake is a warning.

# %%
import warnings

import simulator as sim

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    network = sim.load_network("Chinanet")  # or a path: sim.load_network("mine.graphml")
print(len(network.nodes), "nodes,", len(network.links), "links,", len(told), "warnings")
for assumption in network.about.assumptions:
    print("-", assumption)

# %%
sim.plot_map(network);

# %% [markdown]
# ## Exits, regions and cables
#
# The file has no exits: they are put on by the scenario, and so are the regions abroad and the
# cables. The scenario `chinanet-exits` gives Beijing, Shanghai and Guangzhou one each, and its
# comments say what is an estimate.

# %%
scenario = sim.load("chinanet-exits").with_changes({"replications": 2, "step_s": 1800})
for exit_ in scenario.settings.exits:
    delays = ", ".join(f"{region} {ms:g} ms" for region, ms in exit_.regions.items())
    print(f"{exit_.id:13s} at {exit_.gateway:9s} {exit_.capacity_gbps:g} Gbps to {delays}")
print(scenario.network.about.assumptions[-1])

# %% [markdown]
# ## Static against SDN
#
# Half of the exit at Shanghai is lost at 20:00 with one of its cables. It stays up, so static
# routing goes on filling what is left.

# %%
results = sim.run(scenario)
results.plot.exit_utilisation();

# %% [markdown]
# ## What it costs users
#
# The controller is faster all day as well: traffic of Europe comes over land to Beijing.

# %%
results.plot.latency_over_time();

# %%
for strategy in results.strategies:
    peak = results.figure(strategy, "exit_utilisation_peak")
    lost = results.figure(strategy, "lost_gbit") / 1000
    latency = results.figure(strategy, "latency_below_capacity_ms_mean", "international_in")
    print(f"{strategy:7s} fullest exit {peak:.3f}, lost {lost:5.1f} Tbit, inbound {latency:.1f} ms")

# %% [markdown]
# For a network of your own, copy `scenarios/chinanet-exits.yaml`, name your file under `topology:`,
# and write your exits. `simulator check` finds what is wrong, with its line.
#
# **Exercise.** Add an exit of 200 Gbps to a region that has only one, and cut the old one for an
# hour. What does `simulator report` show at that hour?
