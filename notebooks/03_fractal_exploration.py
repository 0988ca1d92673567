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
# # Exploring fractals
#
# At the end you have measured the dimension of sets whose dimension is known, seen where box counting goes wrong, and know why a
# Turing pattern gets the verdict "crossover".

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
# ## A set of known dimension
#
# The Sierpinski carpet keeps eight of nine squares: its dimension is ln 8 / ln 3.

# %%
carpet = np.ones((1, 1), bool)
for _ in range(5):
    row = np.hstack([carpet] * 3)
    middle = np.hstack([carpet, np.zeros_like(carpet), carpet])
    carpet = np.vstack([row, middle, row])
truth = np.log(8) / np.log(3)
boxes = mfn.box_counting_dimension(carpet)
print(f"measured {boxes.dimension:.3f} +- {boxes.standard_error:.3f}, exact {truth:.3f}: {boxes.verdict}")
assert abs(boxes.dimension - truth) < 0.05

# %% [markdown]
# ## The line behind the number
#
# A dimension is the slope of a straight line, if it is straight. The local slopes say whether it is.

# %%
pattern = mfn.simulate(mfn.SimulationConfig(grid_size=256, steps=128)).field_mv > -60.0
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for name, mask, marker in (("Sierpinski carpet", carpet, "o-"), ("Turing pattern", pattern, "s--")):
    count = mfn.box_counting_dimension(mask)
    left.loglog(count.scales, count.counts, marker, label=name)
    middles = np.sqrt(count.scales[1:] * count.scales[:-1])
    right.semilogx(middles, count.local_slopes[: len(middles)], marker, label=name)
left.set(xlabel="box side (cells)", ylabel="boxes", title="Boxes that hold something")
right.set(xlabel="box side (cells)", ylabel="local slope", title="A carpet keeps its slope, a pattern does not")
left.legend()
plt.show()

# %% [markdown]
# ## What the verdict says

# %%
verdict = mfn.box_counting_dimension(pattern, periodic=True).verdict
print("Turing pattern:", verdict)
assert verdict != "fractal"

# %% [markdown]
# ## Fractals from a few maps
#
# An iterated function system repeats itself at every scale; its similarity dimension is the solution of sum s_i^D = 1.

# %%
names = ("sierpinski", "carpet", "hexaflake", "koch", "vicsek", "cantor-dust")
systems = [mfn.generate_ifs(name, points=20_000, seed=1) for name in names]
figure, panels = plt.subplots(2, 3, figsize=(8, 5.4), layout="constrained")
for axes, name, system in zip(panels.flat, names, systems, strict=True):
    axes.plot(*system.points.T, ",", color="black")
    axes.set(title=f"{name}: D = {system.similarity_dimension:.3f}", aspect="equal", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## How far box counting can be trusted
#
# The same sets, counted. The error is the choice of scales and the finite size, not chance.

# %%
measured = [mfn.box_counting_dimension(system.mask(512)) for system in systems]
for name, system, count in zip(names, systems, measured, strict=True):
    exact = system.similarity_dimension
    print(f"{name:12} exact {exact:.3f}  measured {count.dimension:.3f} +- {count.standard_error:.3f}  {count.verdict}")
assert all(abs(c.dimension - s.similarity_dimension) < 0.15 for c, s in zip(measured, systems, strict=True))

# %% [markdown]
# ## Holes: lacunarity
#
# Two sets of one dimension may differ in how large their holes are.

# %%
windows = [4, 8, 16, 32, 64]
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, system, marker in zip(names[:3], systems[:3], "os^", strict=True):
    curve = mfn.lacunarity(system.mask(512), windows)
    axes.loglog(windows, curve, marker + "-", label=name)
axes.set(xlabel="window (cells)", ylabel="lacunarity", title="Larger holes, larger lacunarity")
axes.legend()
plt.show()

# %% [markdown]
# **Next:** [parameters](04_parameter_exploration.ipynb).
