"""Everything that follows from the log, and nothing else: hand it entries, get steps.

The live loop, an offline replay and a restart all walk the same entries with this one value,
so they arrive at the same alarms.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
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
from davy.wire.entries import Acts, Block, Enrolled, Presences, Resumed, Tick, batch_of
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
        """Walks entries in order; neighbouring blocks become one batch."""
        batches: list[Batch] = []
        numbers: list[NDArray[np.int64]] = []
        offset = 0
        for sequence, partition, entry in logged:
            if isinstance(entry, Block):
                batch = batch_of(entry, self.ledger)
                batches.append(batch)
                numbers.append(entry_numbers(sequence, len(batch)))
                if entry.position:
                    self.positions[entry.source, partition] = entry.position
                offset = sequence
                continue
            if batches:
                yield self._step(offset, concat(batches), np.concatenate(numbers))
                batches, numbers = [], []
            if isinstance(entry, Enrolled):
                self._enrol(entry)
                yield Step(sequence, Batch.of(), _NOTHING, enrolled=True)
            else:
                yield self._step(sequence, _batch(entry), _NOTHING)
        if batches:
            yield self._step(offset, concat(batches), np.concatenate(numbers))

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

    def _step(self, offset: int, batch: Batch, numbers: NDArray[np.int64]) -> Step:
        return Step(offset, self.judge(batch), numbers)

    def _enrol(self, entry: Enrolled) -> None:
        plan = self.plan.with_zones(*entry.zones).with_devices(*entry.devices)
        self.plan = plan.with_points(*entry.points)
        for device in entry.forgotten:
            self.ledger.forget(device)
        self.pipeline = self.build(self.plan)
        self.states = self.pipeline.carry(self.states)


def _batch(entry: Tick | Resumed | Presences | Acts) -> Batch:
    if isinstance(entry, Tick):
        return tick(entry.watermark_s)
    if isinstance(entry, Resumed):
        return Batch.of(resumed_s=entry.at_s)
    if isinstance(entry, Presences):
        return Batch.of(presences=entry.presences)
    return Batch.of(acts=entry.acts)
