"""The writer: behind the loop's back, in order, and never with a gap before the offset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from davy.domain.alarm import Event, State, Transition
from davy.domain.batch import Batch
from davy.domain.errors import StoreError
from davy.domain.plan import Plan
from davy.pipeline.stage import Pipeline
from davy.service import writer as writers
from davy.service.replica import Replica, Step
from davy.service.writer import Writer
from davy.store import Memory, entries
from davy.store.words import Commit
from tests.installation import ended, until


class Narrow(Memory):
    """A store on a full disk: while `most_rows` is set, larger transactions are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.most_rows: int | None = None
        self.refused = 0

    def commit_many(self, commits: Sequence[Commit]) -> None:
        """Refuses what is too large."""
        rows = sum(len(commit.rows) for commit in commits)
        if self.most_rows is not None and rows > self.most_rows:
            self.refused += 1
            raise StoreError("the disk is full; free some space")
        super().commit_many(commits)


def step(offset: int, rows: int = 1) -> Step:
    batch = Batch.of(*((float(offset), 0, float(row)) for row in range(rows)))
    return Step(offset, batch, entries(offset, rows))


def values(store: Memory) -> list[tuple[float, float]]:
    return [
        pair
        for rows in store.readings(None, 0.0, 1e9)
        for pair in zip(rows.time_s.tolist(), rows.raw.tolist(), strict=True)
    ]


@asynccontextmanager
async def writing(store: Narrow) -> AsyncIterator[tuple[Writer, list[str]]]:
    """A writer at work, and the troubles that it told of."""
    told: list[str] = []
    writer = Writer(store, lambda cause: told.append(str(cause) if cause else "over"))
    work = asyncio.create_task(writer.run())
    try:
        yield writer, told
    finally:
        await ended(work)
        await asyncio.to_thread(writer.finish)


async def test_steps_are_stored_in_order_and_the_offset_follows():
    store = Narrow()
    async with writing(store) as (writer, _):
        for offset in range(1, 30):
            writer.put(step(offset, rows=3))
        await writer.drain()
        assert (writer.committed, store.offset(), store.count()) == (29, 29, 87)
        assert writer.waiting == 0


async def test_a_store_that_fails_is_told_of_tried_again_and_nothing_else_waits():
    store = Narrow()
    store.most_rows = 0
    async with writing(store) as (writer, told):
        writer.put(step(1))
        await until(lambda: store.refused >= 2)
        writer.put(step(2))
        assert told[0] == "the disk is full; free some space"
        assert (store.count(), writer.idle) == (0, False)
        store.most_rows = None
        await writer.drain()
        assert told[-1] == "over"
        assert values(store) == [(1.0, 0.0), (2.0, 0.0)]


async def test_what_was_being_written_when_davy_ends_is_not_overtaken_by_what_came_later():
    """A full disk can refuse a large transaction and take a small one a moment later."""
    store = Narrow()
    store.most_rows = 5
    async with writing(store) as (writer, _):
        writer.put(step(1, rows=10))
        await until(lambda: store.refused >= 1)
        writer.put(step(2, rows=1))

    assert store.offset() in {0, 2}
    assert store.count() in {0, 11}
    again = Writer(store, lambda _: None)
    store.most_rows = None
    for one in (step(1, rows=10), step(2, rows=1)):  # as the loop reads them again
        again.put(one)
    await asyncio.to_thread(again.finish)
    assert store.count() == 11


async def test_too_much_that_waits_is_given_up_and_said_so_and_memory_stays_small(monkeypatch):
    monkeypatch.setattr(writers, "MOST_WAITING", 20)
    store = Narrow()
    store.most_rows = 0
    async with writing(store) as (writer, _):
        writer.put(step(1, rows=5))
        await until(lambda: store.refused >= 1)
        for offset in range(2, 8):
            writer.put(step(offset, rows=5))
        assert writer.overflowed
        assert writer.waiting == 0
        assert not writer.idle, "the loop must not read again before the store takes something"
        store.most_rows = None
        await writer.drain()
        assert writer.idle
        assert store.offset() == 1


async def test_a_snapshot_is_stored_with_the_offset_after_which_it_was_taken():
    store = Narrow()
    replica = Replica(lambda _: Pipeline(()), Plan())
    async with writing(store) as (writer, _):
        writer.put(step(1))
        writer.snapshot(1, replica)
        writer.put(step(2))
        await writer.drain()
    assert store.snapshot() == (1, replica.dump())


async def test_refused_acts_are_no_part_of_the_story():
    store = Narrow()

    def told(refused: str) -> Transition:
        return Transition(
            point=0,
            event=Event.ACK,
            before=State.UNACKED,
            after=State.ACKED,
            at_s=1.0,
            time_s=1.0,
            refused=refused,
        )

    batch = Batch.of(transitions=(told(""), told("it is normal")))
    async with writing(store) as (writer, _):
        writer.put(Step(1, batch, entries(1, 0)))
        await writer.drain()
    assert [one.refused for one in store.transitions()] == [""]
