"""A grid of nodes in this process: each answers a message with what it is given, or by running a ClientApp."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flwr.app import Error, Message, RecordDict
from flwr.serverapp import Grid

Reply = RecordDict | Error | Callable[[Message], Message]


class LocalGrid(Grid):
    """Nodes that answer at once.

    Parameters
    ----------
    nodes : mapping of int to RecordDict, Error or callable
        What each node answers.
    """

    def __init__(self, nodes: Mapping[int, Reply]) -> None:
        self._nodes = nodes

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        return [self._answer(message) for message in messages]

    def get_node_ids(self) -> list[int]:
        return list(self._nodes)

    def _answer(self, message: Message) -> Message:
        reply = self._nodes[message.metadata.dst_node_id]
        return reply(message) if callable(reply) else Message(reply, reply_to=message)

    def set_run(self, run: Any) -> None:
        raise NotImplementedError

    @property
    def run(self) -> Any:
        raise NotImplementedError

    def create_message(self, *_: Any, **__: Any) -> Message:
        raise NotImplementedError

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        raise NotImplementedError

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        raise NotImplementedError
