# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exploring parameters
#
# At the end you have moved every parameter with a slider, mapped a feature over a line of parameters, and driven a field through its
# threshold and back.

# %%
import sys

if "google.colab" in sys.modules:
    # %pip install --quiet "mycelium-fractal-net[notebooks]"
    pass

# %%
import matplotlib.pyplot as plt
import numpy as np

import mycelium_fractal_net as mfn

# %% [markdown]
# ## Move everything
#
# Every change simulates again. The verdict is that of linear stability; growth events are the rings; the numbers are the features of the
# frame that you see. Without a running kernel (on a page that was saved) the sliders do nothing.

# %%
explorer = mfn.explore(mfn.SimulationConfig(grid_size=64, steps=96))
explorer

# %% [markdown]
# What you chose is a configuration like any other:

# %%
explorer.chosen = {"bias": 0.04}
print(explorer.config.kinetics_parameters, explorer.result.digest[:16])
assert explorer.result.digest == mfn.simulate(explorer.config).digest

# %% [markdown]
# ## A feature along a line
#
# The share of active cells, from spots to a net, five seeds each.

# %%
biases = np.linspace(-0.15, 0.15, 9)
configs = [
    mfn.SimulationConfig(grid_size=48, steps=128, seed=seed, kinetics_parameters={"bias": float(bias)})
    for bias in biases
    for seed in range(5)
]
active = np.array([result.features["f_active"] for result in mfn.simulate_ensemble(configs)]).reshape(len(biases), 5)
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(biases, active, "o", color="grey", markersize=3)
axes.plot(biases, active.mean(axis=1), "-", color="black")
axes.set(xlabel="bias", ylabel="f_active", title="More bias, more active cells, where a pattern grows")
plt.show()

# %% [markdown]
# ## There and back
#
# `schedule` moves a parameter while the field runs: out of the unstable band in 400 steps, back in 400, and then it stays. On the way out
# the pattern outlives the band by far; on the way back nothing grows until the uniform state has been unstable for long enough.

# %%
out = mfn.Change(step=100, parameter="bias", value=0.2, over=400)
back = mfn.Change(step=600, parameter="bias", value=0.0, over=400)
config = mfn.SimulationConfig(grid_size=48, steps=1500, seed=5, spike_probability=0.0, schedule=(out, back))
steps, spread = [], []
for frame in mfn.Simulation(config).frames(every=10):
    steps.append(frame.step)
    spread.append(frame.activator.std())
steps, spread = np.array(steps), np.array(spread)
bias = np.interp(steps, [100, 500, 600, 1000], [0.0, 0.2, 0.2, 0.0])
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, chosen, style in (("out", steps <= 550, "-"), ("back", steps >= 550, "--")):
    axes.plot(bias[chosen], spread[chosen], style, label=name)
band = [b for b in np.linspace(-0.2, 0.2, 401) if mfn.linear_stability("mycelium", bias=b).turing_unstable]
axes.axvspan(0.0, max(band), color="lightgrey", label="unstable band")
axes.set(xlabel="bias", ylabel="spread of the activator", title="A pattern outlives its cause, and comes back late")
axes.legend()
plt.show()

# %% [markdown]
# **Next:** [a client of the service](05_streaming_client.ipynb).
