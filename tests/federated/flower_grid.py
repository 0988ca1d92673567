"""A grid of nodes in this process: each answers a message with what it is given, or by running a ClientApp."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

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

    run: Any = None

    def __init__(self, nodes: Mapping[int, Reply]) -> None:
        self._nodes = nodes
        self._replies: dict[str, Message] = {}

    def set_run(self, run: Any) -> None:
        self.run = run

    def get_node_ids(self) -> list[int]:
        return list(self._nodes)

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        return Message(content=content, message_type=message_type, dst_node_id=dst_node_id, group_id=group_id, ttl=ttl)

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        answered = {uuid4().hex: self._answer(message) for message in messages}
        self._replies |= answered
        return list(answered)

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        return [self._replies.pop(name) for name in message_ids]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        return self.pull_messages(self.push_messages(messages))

    def _answer(self, message: Message) -> Message:
        reply = self._nodes[message.metadata.dst_node_id]
        return reply(message) if callable(reply) else Message(reply, reply_to=message)
