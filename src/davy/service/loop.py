"""The loop: reads the log, steps the replica, tells the watchers, hands on to the writer."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator

from davy.domain.errors import BrokerError
from davy.ingest.log import Log, Logged
from davy.service.replica import Build, Replica, Step
from davy.service.writer import Writer
from davy.store.port import Store


class Loop:
    """Follows the log from the last snapshot on.

    Args:
        build: makes the pipeline of a plan.
        announce: called with each new step, before it is stored. After a restart, what was
            stored before is stepped through again in silence.
        clock: seconds, for the pace of snapshots alone.
    """

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        writer: Writer,
        build: Build,
        announce: Callable[[Replica, Step], None],
        clock: Callable[[], float],
        snapshot_s: float,
    ) -> None:
        self.replica = Replica(build)
        self.offset = 0
        self.announced = 0
        self._stored = 0
        self.alive_s = clock()
        self._store = store
        self._log = log
        self._writer = writer
        self._build = build
        self._announce = announce
        self._clock = clock
        self._snapshot_s = snapshot_s
        self._caught_up = asyncio.Event()

    async def restore(self) -> None:
        """Loads the last snapshot, or begins with nothing."""
        stored = await asyncio.to_thread(self._store.snapshot)
        if stored is None:
            self.replica, self.offset = Replica(self._build), 0
        else:
            offset, data = stored
            self.replica = await asyncio.to_thread(Replica.load, self._build, data)
            self.offset = offset
        self._stored = await asyncio.to_thread(self._store.offset)
        self.announced = max(self.announced, self._stored)

    async def mend(self) -> int:
        """Brings a log that was set back behind the store's offset; how many entries it lacks.

        Their readings and transitions are stored, but the pipeline has not seen them: what
        the log still has is stepped first, and the log goes on behind what the store knows.
        """
        _, last = await self._log.bounds()
        missing = self._stored - last
        if missing <= 0:
            return 0
        if self.offset < last:
            async for logged in self._log.read(self.offset):
                self._take(logged)
                if self.offset >= last:
                    break
        await self._log.lead(self._stored)
        self.offset = self._stored
        self._writer.snapshot(self.offset, self.replica.copy())
        return missing

    async def caught_up(self) -> None:
        """Returns once everything that stood in the log at the start has been stepped."""
        await self._caught_up.wait()

    async def run(self) -> None:
        """Follows for ever. A broker that is away is waited for."""
        while True:
            try:
                await self._follow()
            except BrokerError:
                await asyncio.sleep(0.5)  # its supervisor has said so already

    async def _follow(self) -> None:
        _, last = await self._log.bounds()
        if self.offset >= last:
            self._caught_up.set()
        stored_s = self._clock()
        async for logged in self._log.read(self.offset):
            self._take(logged)
            if self.offset >= last:
                self._caught_up.set()
            if self._writer.overflowed and self._writer.idle:
                await self.restore()
                self._writer.overflowed = False
                return
            if self._clock() - stored_s >= self._snapshot_s:
                stored_s = self._clock()
                self._writer.snapshot(self.offset, self.replica.copy())
            await asyncio.sleep(0)  # whoever waits for the processor gets it between two reads

    def _take(self, logged: list[Logged]) -> None:
        for some in _cut(logged, sorted((self._stored, self.announced))):
            for step in self.replica.apply(some):
                self.offset = step.offset
                self.alive_s = self._clock()
                if step.offset > self.announced:
                    self.announced = step.offset
                    self._announce(self.replica, step)
                self._writer.put(step)


def _cut(logged: list[Logged], behind: list[int]) -> Iterator[list[Logged]]:
    """Cuts behind these sequences: a step is either stored (or announced) already, or not."""
    start = 0
    for sequence in behind:
        end = bisect_right(logged, sequence, lo=start, key=lambda one: one.sequence)
        yield logged[start:end]
        start = end
    yield logged[start:]
