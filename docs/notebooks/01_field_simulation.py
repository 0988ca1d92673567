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
# # Simulating a field
#
# At the end you have grown a field, watched it grow, and checked that the wavelength which grew is the one that linear stability
# predicts. On Colab the first cell installs the package; elsewhere it does nothing.

# %%
import sys

if "google.colab" in sys.modules:
    # %pip install --quiet "mycelium-fractal-net[visualization]"
    pass

# %%
import matplotlib.pyplot as plt
import numpy as np

import mycelium_fractal_net as mfn

# %% [markdown]
# ## Can it make a pattern?
#
# A pair that reacts and diffuses makes a pattern if its uniform state is stable without diffusion and unstable with it.

# %%
report = mfn.linear_stability("mycelium", bias=0.0)
print(report.explain())

# %% [markdown]
# ## Grow it
#
# The configuration is frozen and validated; the same one gives the same bits.

# %%
config = mfn.SimulationConfig(grid_size=96, steps=192, seed=42)
result = mfn.simulate(config)
assert result.digest == mfn.simulate(config).digest
result

# %% [markdown]
# ## Look at it
#
# The potential follows the activator: cells whose activator is above the threshold are driven, the potential spreads and leaks.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
shown = left.imshow(result.field_mv, cmap="inferno", vmin=-70, vmax=-20)
figure.colorbar(shown, ax=left, label="membrane potential (mV)")
shown = right.imshow(result.activator, cmap="viridis")
figure.colorbar(shown, ax=right, label="activator")
for axes in (left, right):
    axes.set(xlabel="column", ylabel="row")
plt.show()

# %% [markdown]
# ## Watch it grow
#
# `frames` yields the field and its features every so many steps.

# %%
simulation = mfn.Simulation(config)
steps, spread, active = [], [], []
for frame in simulation.frames(every=8):
    steps.append(frame.step)
    spread.append(frame.features["V_std"])
    active.append(frame.features["f_active"])
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(steps, spread, "o-", label="V_std (mV)")
axes.plot(steps, np.array(active) * 10, "s--", label="f_active (tenths)")
axes.set(xlabel="step", title="The pattern is there after about fifty steps")
axes.legend()
plt.show()

# %% [markdown]
# ## Was the prediction right?

# %%
measured = mfn.measure_wavelength(result.field_mv)
print(f"predicted {report.wavelength_cells:.2f} cells, measured {measured:.2f}")
assert abs(measured / report.wavelength_cells - 1) < 0.25

# %% [markdown]
# **Next:** [feature analysis](02_feature_analysis.ipynb) turns many such fields into a table.
