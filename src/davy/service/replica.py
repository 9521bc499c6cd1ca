"""Everything that follows from the log, and nothing else: hand it entries, get steps.

The live loop, an offline replay and a restart all walk the same entries with this one value,
so they arrive at the same alarms.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Point
from davy.domain.batch import Batch, concat, tick
from davy.domain.plan import Plan
from davy.domain.site import Device, Zone
from davy.ingest.log import Logged
from davy.pipeline import snapshot as states_as_bytes
from davy.pipeline.stage import Pipeline, States
from davy.store.words import entries as entry_numbers
from davy.wire.entries import (
    Acts,
    Block,
    Enrolled,
    Entry,
    Presences,
    Resumed,
    Tick,
    batch_of,
)
from davy.wire.window import Ledger

Build = Callable[[Plan], Pipeline]
Positions = dict[tuple[str, int], int]
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Step:
    """What some consecutive entries led to; `entry` numbers each row for ever."""

    offset: int
    batch: Batch
    entry: NDArray[np.int64]
    enrolled: bool = False


class _Saved(msgspec.Struct, array_like=True):
    zones: tuple[Zone, ...]
    devices: tuple[Device, ...]
    points: tuple[Point, ...]
    channel_count: int
    states: bytes
    ledger: bytes
    positions: list[tuple[str, int, int]]


_SAVED = msgspec.msgpack.Decoder(_Saved)
_NOTHING = np.empty(0, np.int64)


@dataclass(slots=True)
class Replica:
    """The plan, the states of all stages, the replay windows and how far each input got."""

    build: Build
    plan: Plan = field(default_factory=Plan)
    ledger: Ledger = field(default_factory=Ledger)
    positions: Positions = field(default_factory=dict)
    pipeline: Pipeline = field(init=False)
    states: States = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = self.build(self.plan)
        self.states = self.pipeline.start()

    def apply(self, logged: Iterable[Logged]) -> Iterator[Step]:
        """Walks entries in order; neighbours of a kind are taken together."""
        for kind, run in groupby(logged, key=lambda one: type(one.entry)):
            entries = list(run)
            if kind is Block:
                yield self._read(entries)
            elif kind is Enrolled:
                yield self._enrol(entries)
            else:
                for sequence, _, entry in entries:
                    yield Step(sequence, self.judge(_batch(entry)), _NOTHING)

    def judge(self, batch: Batch) -> Batch:
        """One batch through all stages, for those who have no log."""
        self.states, judged = self.pipeline.step(self.states, batch)
        return judged

    def state_of(self, kind: type[Kept]) -> Kept:
        """The state of the stage that keeps this kind."""
        return next(state for state in self.states if isinstance(state, kind))

    def copy(self) -> Replica:
        """One that goes its own way from here; cheap enough to take every few seconds."""
        twin = Replica.__new__(Replica)
        twin.build, twin.plan, twin.pipeline = self.build, self.plan, self.pipeline
        twin.states = copy.deepcopy(self.states)
        twin.ledger = copy.deepcopy(self.ledger)
        twin.positions = dict(self.positions)
        return twin

    def dump(self) -> bytes:
        """As bytes for the store; slow enough to be done in a thread, on a copy."""
        plan = self.plan
        return msgspec.msgpack.encode(
            _Saved(
                zones=plan.zones,
                devices=plan.devices,
                points=plan.points,
                channel_count=plan.channel_count,
                states=states_as_bytes.dump(self.pipeline, self.states),
                ledger=self.ledger.dump(),
                positions=[(*key, position) for key, position in self.positions.items()],
            )
        )

    @staticmethod
    def load(build: Build, data: bytes) -> Replica:
        """What `dump` wrote."""
        saved = _SAVED.decode(data)
        plan = Plan(saved.devices, saved.zones, saved.points, saved.channel_count)
        replica = Replica(build, plan, Ledger.load(saved.ledger))
        replica.states = states_as_bytes.load(replica.pipeline, saved.states)
        replica.positions = {(source, part): at for source, part, at in saved.positions}
        return replica

    def _read(self, blocks: Sequence[Logged]) -> Step:
        """Blocks as one batch: many small ones cost as little as a large one."""
        batches = []
        for _, partition, block in blocks:
            assert isinstance(block, Block)
            batches.append(batch_of(block, self.ledger))
            if block.position:
                self.positions[block.source, partition] = block.position
        numbers = [
            entry_numbers(one.sequence, len(batch))
            for one, batch in zip(blocks, batches, strict=True)
        ]
        batch = concat(batches) if len(batches) > 1 else batches[0]
        return Step(blocks[-1].sequence, self.judge(batch), np.concatenate(numbers))

    def _enrol(self, entries: Sequence[Logged]) -> Step:
        """A new plan; the pipeline is made once, however many entries bring it."""
        for _, _, entry in entries:
            assert isinstance(entry, Enrolled)
            plan = self.plan.with_zones(*entry.zones).with_devices(*entry.devices)
            self.plan = plan.with_points(*entry.points)
            for device in entry.forgotten:
                self.ledger.forget(device)
        self.pipeline = self.build(self.plan)
        self.states = self.pipeline.carry(self.states)
        return Step(entries[-1].sequence, Batch.of(), _NOTHING, enrolled=True)


def _batch(entry: Entry) -> Batch:
    if isinstance(entry, Tick):
        return tick(entry.watermark_s)
    if isinstance(entry, Resumed):
        return Batch.of(resumed_s=entry.at_s)
    if isinstance(entry, Presences):
        return Batch.of(presences=entry.presences)
    if isinstance(entry, Acts):
        return Batch.of(acts=entry.acts)
    raise TypeError(f"{type(entry).__name__} brings no batch of its own")
