"""The loop: follows the log, announces once, and stores once, wherever it was interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from davy.domain.errors import BrokerError
from davy.ingest.log import Logged
from davy.service import writer as writers
from davy.service.loop import Loop
from davy.service.writer import Writer
from davy.store import Memory
from tests.installation import ended, until
from tests.service.test_replica import BUILD, LOG
from tests.service.test_writer import Narrow


class Written:
    """A log that stands written; `known` is how far it reaches so far."""

    def __init__(self, pieces: list[int]) -> None:
        self.pieces = pieces
        self.known = len(LOG)
        self.breaks = 0
        self.more = asyncio.Event()

    async def bounds(self) -> tuple[int, int]:
        """First and last."""
        return 1, self.known

    async def read(self, after: int) -> AsyncIterator[list[Logged]]:
        """What is behind, in pieces; sometimes the connection breaks."""
        while True:
            for size in self.pieces:
                if self.breaks:
                    self.breaks -= 1
                    raise BrokerError("the connection broke")
                some = LOG[after : min(after + size, self.known)]
                if some:
                    yield some
                    after = some[-1].sequence
            if after >= self.known:
                self.more.clear()
                await self.more.wait()

    def grow(self) -> None:
        """One entry more."""
        self.known += 1
        self.more.set()


@asynccontextmanager
async def following(
    store: Memory, log: Written, announced: list[str], snapshot_s: float = 1e9
) -> AsyncIterator[tuple[Loop, Writer]]:
    """A loop and a writer at work."""
    clock = iter(range(10**9))
    writer = Writer(store, lambda _: None)
    loop = Loop(
        store=store,
        log=log,  # type: ignore[arg-type]
        writer=writer,
        build=BUILD,
        announce=lambda _, step: announced.extend(map(repr, step.batch.transitions)),
        clock=lambda: float(next(clock)),
        snapshot_s=snapshot_s,
    )
    await loop.restore()
    tasks = [asyncio.create_task(loop.run()), asyncio.create_task(writer.run())]
    try:
        yield loop, writer
    finally:
        await ended(*tasks)
        await asyncio.to_thread(writer.finish)


async def whole() -> tuple[list[str], list[str], int]:
    """Announcements, stored transitions and readings of a day without trouble."""
    store, announced = Memory(), []
    async with following(store, Written([7]), announced) as (loop, writer):
        await loop.caught_up()
        await until(lambda: writer.committed == len(LOG))
    return announced, stories(store), store.count()


def stories(store: Memory) -> list[str]:
    return [repr(one) for one in reversed(store.transitions(limit=10_000))]


@pytest.mark.parametrize("snapshot_s", [3.0, 1e9], ids=["with snapshots", "from the beginning"])
@pytest.mark.parametrize("ends", [1, 37, 38, 70, 100, len(LOG) - 1])
async def test_a_day_that_was_interrupted_is_announced_once_and_stored_once(ends, snapshot_s):
    announced_at_once, stored_at_once, readings = await whole()
    store, announced = Memory(), []
    log = Written([5])
    log.known = ends
    async with following(store, log, announced, snapshot_s) as (loop, writer):
        await loop.caught_up()
        await until(lambda: writer.committed >= ends)
    log = Written([11, 3])
    async with following(store, log, announced, snapshot_s) as (loop, writer):
        await loop.caught_up()
        await until(lambda: writer.committed == len(LOG))

    assert announced == announced_at_once
    assert stories(store) == stored_at_once
    assert store.count() == readings


async def test_a_connection_that_breaks_is_taken_up_where_it_stood():
    announced_at_once, stored_at_once, readings = await whole()
    store, announced = Memory(), []
    log = Written([9])
    async with following(store, log, announced) as (loop, writer):
        await until(lambda: loop.offset > 20)
        log.breaks = 2
        await until(lambda: writer.committed == len(LOG))
    assert (announced, stories(store), store.count()) == (
        announced_at_once,
        stored_at_once,
        readings,
    )


async def test_a_store_that_fails_for_long_is_caught_up_from_the_log(monkeypatch):
    monkeypatch.setattr(writers, "MOST_WAITING", 30)
    announced_at_once, stored_at_once, readings = await whole()
    store, announced = Narrow(), []
    store.most_rows = 0
    log = Written([4])
    log.known -= 1
    async with following(store, log, announced) as (loop, writer):
        await until(lambda: loop.offset == log.known)
        assert writer.overflowed
        assert len(announced) >= len(announced_at_once) - 3, "gas is told, stored or not"
        store.most_rows = None
        await until(lambda: writer.idle)
        log.grow()  # as a tick does every second
        await until(lambda: writer.committed == len(LOG))
        assert not writer.overflowed

    assert announced == announced_at_once
    assert stories(store) == stored_at_once
    assert store.count() == readings
