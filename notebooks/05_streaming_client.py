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
# # A client of the stream
#
# At the end you have watched a field grow on a server, steered it on the way, and shown that the server and the library computed the same
# bits. The notebook starts a service of its own on this machine.

# %%
import sys

if "google.colab" in sys.modules:
    # %pip install --quiet "mycelium-fractal-net[server,notebooks]"
    pass

# %%
import json
import os
import socket
import subprocess
import time

import httpx
import matplotlib.pyplot as plt
import numpy as np
from websockets.asyncio.client import connect

import mycelium_fractal_net as mfn

# %% [markdown]
# ## A service
#
# In `dev` it needs no key and listens on this machine only.

# %%
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
environment = {**os.environ, "MFN_ENV": "dev", "MFN_HOST": "127.0.0.1", "MFN_PORT": str(port)}
service = subprocess.Popen(
    [sys.executable, "-m", "mycelium_fractal_net", "serve"],
    env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
url = f"http://127.0.0.1:{port}"
for _ in range(1200):
    try:
        if httpx.get(f"{url}/health/ready").status_code == 200:
            break
    except httpx.TransportError:
        pass
    time.sleep(0.1)
httpx.get(f"{url}/health").json()

# %% [markdown]
# ## Frames as they are computed
#
# A message `start`, then frames: each is JSON with the features, followed by the field as binary. An `ack` asks for more, so a slow reader
# slows the stream down and nothing piles up.

# %%
config = {"grid_size": 64, "steps": 96, "seed": 42}
start = {"type": "start", "stream": "s1", "config": config, "every": 16, "include": ["features", "field"]}


async def watch(start, after=None):
    """Return the frames' steps and fields, and the last message; ``after`` may answer a frame with a message."""
    fields = {}
    async with connect(f"ws://127.0.0.1:{port}/ws/simulate", max_size=None, compression=None) as socket:
        await socket.send(json.dumps(start))
        while True:
            message = json.loads(await socket.recv())
            if message["type"] == "frame":
                field = np.frombuffer(await socket.recv(), dtype="<f4")
                fields[message["step"]] = field.reshape(start["config"]["grid_size"], -1)
                if after is not None and (answer := after(message)):
                    await socket.send(json.dumps(answer))
                await socket.send(json.dumps({"type": "ack", "stream": "s1", "sequence": message["sequence"]}))
            elif message["type"] in ("completed", "error"):
                return fields, message


fields, completed = await watch(start)
figure, panels = plt.subplots(1, len(fields), figsize=(2.2 * len(fields), 2.6), layout="constrained")
for axes, (step, field) in zip(panels, fields.items(), strict=True):
    axes.imshow(field, cmap="inferno", vmin=-70, vmax=-20)
    axes.set(title=f"step {step}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## The same bits
#
# The receipt of the last message is that of the library.

# %%
result = mfn.simulate(mfn.SimulationConfig(**config))
print(completed["receipt"]["result_digest"][:16], result.digest[:16])
assert completed["receipt"]["result_digest"] == result.digest

# %% [markdown]
# ## Steer it
#
# At step 32 the bias rises: the labyrinth becomes a net. The last message returns the configuration that reproduces the run.

# %%
steer = {"type": "steer", "stream": "s1", "changes": [{"step": 48, "parameter": "bias", "value": 0.04}]}
steered, completed = await watch(start, lambda message: steer if message["step"] == 32 else None)
again = mfn.simulate(mfn.SimulationConfig(**completed["config"]))
print(completed["config"]["schedule"])
assert again.digest == completed["receipt"]["result_digest"] != result.digest

# %%
service.terminate()
service.wait(60)
