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
# # Analysing features
#
# At the end you have a table of features of sixty fields, know which ones tell three morphologies apart, and have a classifier's score
# on fields that it has not seen.

# %%
import sys

if "google.colab" in sys.modules:
    # %pip install --quiet "mycelium-fractal-net[visualization,learn]"
    pass

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

import mycelium_fractal_net as mfn

# %% [markdown]
# ## Sixty fields
#
# The `bias` picks the morphology: spots, a labyrinth, a net.

# %%
biases = {"spots": -0.05, "labyrinth": 0.0, "net": 0.04}
names = np.array(list(biases) * 20)
configs = [
    mfn.SimulationConfig(grid_size=48, steps=128, seed=seed, kinetics_parameters={"bias": biases[name]})
    for seed, name in enumerate(names)
]
fields = np.stack([result.field_mv for result in mfn.simulate_ensemble(configs)])
fields.shape

# %% [markdown]
# ## A table
#
# `FieldFeatureExtractor` is a scikit-learn transformer. Units are in `mfn.FEATURE_UNITS`.

# %%
table = mfn.FieldFeatureExtractor().set_output(transform="pandas").fit_transform(fields)
table.groupby(names)[["D_box", "f_active", "V_mean", "N_clusters_low", "max_cluster_size"]].agg(["mean", "std"]).round(
    2
)

# %% [markdown]
# ## Two features are enough to see it

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for name, marker in zip(biases, "os^"):
    chosen = table[names == name]
    axes.scatter(chosen["f_active"], chosen["N_clusters_low"], marker=marker, label=name)
axes.set(xlabel="f_active", ylabel="N_clusters_low", title="Active share and number of clusters separate the three")
axes.legend()
plt.show()

# %% [markdown]
# ## A score that counts
#
# Every field is named by a forest that has not seen it.

# %%
pipeline = make_pipeline(mfn.FieldFeatureExtractor(), RandomForestClassifier(100, random_state=0))
said = cross_val_predict(pipeline, fields, names, cv=5)
score = (said == names).mean()
print(f"{score:.0%} of {len(names)} fields are named rightly; guessing names a third")
assert score > 0.85

# %% [markdown]
# ## More than the 18
#
# Feature sets by name say what the 18 are blind to, lengths first of all.

# %%
vector = mfn.extract_features(fields[0], sets=("core", "spectral"))
print(len(vector.to_dict()), "features")
assert len(vector.to_dict()) > 18

# %% [markdown]
# **Next:** [fractals](03_fractal_exploration.ipynb).
