"""Brings commits to the store behind the loop's back: gas is announced before it is stored.

One thread writes. What gathers while it writes goes into the next transaction together. A
store that cannot be written is tried again; nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from davy.domain.batch import Batch
from davy.domain.errors import StoreError
from davy.service.replica import Replica, Step
from davy.store.port import Store
from davy.store.words import Commit

MOST_WAITING = 1_000_000
"""Readings that may wait in memory (about 100 MB) while the disk is full."""
_MOST_AT_ONCE = 50_000
_PACE_S = 0.03


@dataclass(frozen=True, slots=True)
class _Snapshot:
    offset: int
    replica: Replica


class Writer:
    """Takes steps and snapshots in order and commits them.

    Args:
        store: where they go.
        on_trouble: told what keeps the store from being written, and None when it is over.
    """

    def __init__(self, store: Store, on_trouble: Callable[[StoreError | None], None]) -> None:
        self.waiting = 0
        self.committed = 0
        self.overflowed = False
        self._store = store
        self._on_trouble = on_trouble
        self._queue: list[Step | _Snapshot] = []
        self._writing: list[Step | _Snapshot] = []
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="davy-writer")

    def put(self, step: Step) -> None:
        """Queues a step. When too much waits, the queue is given up: the log has it all, and
        the loop reads it again once the store can be written (`overflowed`)."""
        if self.overflowed:
            return
        if self.waiting + len(step.batch) > MOST_WAITING:
            self.overflowed = True
            self._queue.clear()
            self.waiting = 0
            return
        self._queue.append(step)
        self.waiting += len(step.batch)
        self._wake()

    def snapshot(self, offset: int, replica: Replica) -> None:
        """Queues a snapshot of a copy of the replica as it is after `offset`."""
        if not self.overflowed:
            self._queue.append(_Snapshot(offset, replica))
            self._wake()

    async def run(self) -> None:
        """Writes for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                self._writing = self._take()
                await self._write(self._writing)
                self._writing = []
            self._empty.set()

    async def drain(self) -> None:
        """Returns when everything that was put is committed."""
        await self._empty.wait()

    @property
    def idle(self) -> bool:
        """Whether nothing waits or is being written: the last write succeeded."""
        return self._empty.is_set()

    def finish(self) -> None:
        """Commits what waits, once, after `run` has ended; what fails stays in the log."""
        self._thread.shutdown()
        # What was being written goes first: a gap before the offset would never be filled.
        rest, self._writing, self._queue = self._writing + self._queue, [], []
        if rest:
            with contextlib.suppress(StoreError):
                self._commit(rest)

    def _wake(self) -> None:
        self._empty.clear()
        self._news.set()

    def _take(self) -> list[Step | _Snapshot]:
        rows = count = 0
        for item in self._queue:
            count += 1
            rows += len(item.batch) if isinstance(item, Step) else 0
            if rows >= _MOST_AT_ONCE:
                break
        some, self._queue = self._queue[:count], self._queue[count:]
        self.waiting -= rows
        return some

    async def _write(self, items: list[Step | _Snapshot]) -> None:
        loop = asyncio.get_running_loop()
        wait_s = 0.1
        while True:
            try:
                await loop.run_in_executor(self._thread, self._commit, items)
            except StoreError as cause:
                self._on_trouble(cause)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 5.0)
            else:
                self.committed = items[-1].offset
                self._on_trouble(None)
                return

    def _commit(self, items: list[Step | _Snapshot]) -> None:
        self._store.commit_many([_as_commit(item) for item in items])


def _as_commit(item: Step | _Snapshot) -> Commit:
    if isinstance(item, Step):
        return Commit(
            offset=item.offset,
            rows=item.batch,
            entry=item.entry,
            transitions=tuple(t for t in item.batch.transitions if not t.refused),
        )
    nothing = Batch.of()
    return Commit(
        offset=item.offset,
        rows=nothing,
        entry=nothing.boot,
        snapshot=item.replica.dump(),
    )
