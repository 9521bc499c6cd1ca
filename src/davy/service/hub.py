"""What is new, to everybody who watches: a ring of numbered events.

A watcher that comes back says the last number it saw and is given what it missed; when that
is no longer in the ring it is told so, and fetches everything again. A slow watcher loses its
place, never anybody else's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

_ENCODER = msgspec.json.Encoder()


class Happening(NamedTuple):
    """One event as it goes out: `data` is JSON, written once for all watchers."""

    number: int
    kind: str
    data: bytes


class Hub:
    """Numbers events and keeps the last of them.

    Args:
        first: where numbering starts; a time, so that numbers of an earlier run are older.
        keep: how many events a watcher may have missed.
    """

    def __init__(self, first: int = 1, keep: int = 4096) -> None:
        self._ring: deque[Happening] = deque(maxlen=keep)
        self._next = first
        self._news = asyncio.Event()
        self._closed = False
        self._left: int | None = None
        self.watchers = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody watches, or may come back for what is still in the ring."""
        if self.watchers:
            return True
        return self._left is not None and self._next - self._left < (self._ring.maxlen or 0)

    def publish(self, kind: str, data: Any) -> None:
        """Adds an event and wakes the watchers."""
        self._ring.append(Happening(self._next, kind, _ENCODER.encode(data)))
        self._next += 1
        self._news.set()
        self._news = asyncio.Event()

    def close(self) -> None:
        """Ends all watching, so that a server can stop without waiting for its watchers."""
        self._closed = True
        self._news.set()

    async def watch(
        self, after: int | None, idle_s: float = 15.0
    ) -> AsyncGenerator[Happening, None]:
        """Events behind number `after` (None: from now on), for as long as somebody listens.

        A `reset` says that what was missed is gone. After `idle_s` without news comes an
        event without kind, so that a broken connection is noticed.
        """
        self.watchers += 1
        seen = self._next - 1 if after is None else after
        try:
            while not self._closed:
                news = self._news
                oldest = self._ring[0].number if self._ring else self._next
                if seen < oldest - 1 or seen >= self._next:
                    seen = self._next - 1
                    yield Happening(seen, "reset", b"{}")
                newest_first = islice(reversed(self._ring), self._next - 1 - seen)
                fresh = list(newest_first)[::-1]
                for event in fresh:
                    yield event
                if fresh:
                    seen = fresh[-1].number
                    continue
                try:
                    await asyncio.wait_for(news.wait(), idle_s)
                except TimeoutError:
                    yield Happening(seen, "", b"")
        finally:
            self.watchers -= 1
            self._left = self._next
