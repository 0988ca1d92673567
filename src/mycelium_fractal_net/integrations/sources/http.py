"""A REST endpoint as a source: polled with a cursor, ETag and Retry-After."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.integrations.messages import LONGEST_MESSAGE, Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["HttpSource"]

_TIMEOUT_S = 30.0
_LONGEST_WAIT_S = 3600.0
_BUSY = frozenset({429, 503})


class HttpSource(Connector):
    """Ask an endpoint for jobs: ``GET URL?cursor=...`` answers ``{"jobs": [...], "cursor": "..."}``.

    The cursor of a page is kept in a file when all its jobs are acknowledged; after a crash the last page comes again.
    304, and a page without jobs, mean that there is nothing new; 429 and 503 may say ``Retry-After``.
    """

    url: SecretStr = Field(description="The endpoint.")
    cursor_file: Path = Field(description="File that keeps the cursor; without it the first page is requested.")
    headers: dict[str, SecretStr] = Field({}, description="Headers to send, such as Authorization.")
    poll_seconds: float = Field(5.0, gt=0, le=_LONGEST_WAIT_S, description="Wait after a page without new jobs, in s.")
    follow: bool = Field(True, description="Whether to wait for more jobs; otherwise the worker ends with the last.")
    _client: Any = PrivateAttr(None)
    _pages: deque[_Page] = PrivateAttr(default_factory=deque)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        self._client = httpx.AsyncClient(headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
        cursor = read_bytes(self.cursor_file).decode("utf-8", "replace").strip() if self.cursor_file.exists() else ""
        tag = ""
        while True:
            try:
                answer = await self._ask(cursor, tag)
            except httpx.HTTPError as error:
                raise ConnectionFailedError(f"the endpoint cannot be reached: {type(error).__name__}") from None
            jobs, following = _page_of(answer) if answer.status_code == httpx.codes.OK else ([], cursor)
            for delivery in self._deliveries_of(jobs, following):
                yield delivery
            tag = answer.headers.get("etag", "") if following == cursor else ""
            cursor = following
            if not jobs:
                if not self.follow and answer.status_code not in _BUSY:
                    return
                await asyncio.sleep(_wait_s(answer, self.poll_seconds))

    async def _ask(self, cursor: str, tag: str) -> httpx.Response:
        url = httpx.URL(self.url.get_secret_value())
        url = url.copy_merge_params({"cursor": cursor}) if cursor else url
        answer = await self._client.get(url, headers={"if-none-match": tag} if tag else {})
        if answer.status_code not in {200, 304, *_BUSY}:
            raise ConnectionFailedError(f"the endpoint answered {answer.status_code}")
        return answer  # type: ignore[no-any-return] # the client is private, and has no type

    def _deliveries_of(self, jobs: list[Any], cursor: str) -> list[Delivery]:
        if not jobs:
            return []
        page = _Page(cursor, len(jobs))
        self._pages.append(page)
        return [Delivery(orjson.dumps(job), ack=partial(self._acknowledge, page)) for job in jobs]

    async def _acknowledge(self, page: _Page) -> None:
        page.left -= 1
        done = None
        while self._pages and not self._pages[0].left:
            done = self._pages.popleft()
        if done is not None:
            await asyncio.to_thread(_keep, self.cursor_file, done.cursor)

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()


class _Page:
    def __init__(self, cursor: str, left: int) -> None:
        self.cursor, self.left = cursor, left


def _page_of(answer: httpx.Response) -> tuple[list[Any], str]:
    if len(answer.content) > LONGEST_MESSAGE:
        raise ConnectionFailedError(f"the endpoint sent {len(answer.content):,} bytes; a page has {LONGEST_MESSAGE:,}")
    try:
        page = orjson.loads(answer.content)
        return list(page["jobs"]), str(page.get("cursor") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConnectionFailedError('the endpoint must answer {"jobs": [...], "cursor": "..."}') from None


def _wait_s(answer: httpx.Response, usual_s: float) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT_S) if text.isdigit() else usual_s


def _keep(path: Path, cursor: str) -> None:
    """Replace the file as a whole, on disk."""
    with whole_file(path) as file:
        file.write(cursor.encode("utf-8", "replace"))
