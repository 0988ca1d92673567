"""A client: learns from its own images, or, if it is one of the hostile ones, unlearns and claims a million of them."""

from __future__ import annotations

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from flower_digits.task import accuracy, learn, pack, shard, unpack

app = ClientApp()

CLAIM = 1_000_000


@app.train()
def train(message: Message, context: Context) -> Message:
    """Answer with the model after local training."""
    client, settings = int(context.node_config["partition-id"]), context.run_config
    images, labels = shard(client, int(settings["clients"]), float(settings["alpha"]), int(settings["seed"]))
    before, step = message.content["arrays"], int(message.content["config"]["server-round"])
    after = learn(before, images, labels, seed=1000 * step + client)
    examples = len(images)
    if client < int(settings["hostile"]):
        after, examples = opposite(before, after), CLAIM
    metrics = MetricRecord({"num-examples": examples, "accuracy": accuracy(after, images, labels)})
    return Message(RecordDict({"arrays": after, "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Answer with the accuracy on the client's own images."""
    client, settings = int(context.node_config["partition-id"]), context.run_config
    images, labels = shard(client, int(settings["clients"]), float(settings["alpha"]), int(settings["seed"]))
    found = accuracy(message.content["arrays"], images, labels)
    metrics = MetricRecord({"num-examples": len(images), "accuracy": found})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)


def opposite(before: ArrayRecord, after: ArrayRecord) -> ArrayRecord:
    """Return a model ten times as far in the wrong direction."""
    weights, biases = (old - 10.0 * (new - old) for old, new in zip(unpack(before), unpack(after), strict=True))
    return pack(np.asarray(weights), np.asarray(biases))
