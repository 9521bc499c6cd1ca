"""Recordings come to life: sent by virtual devices, or as batches without any broker."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from davy.domain.batch import Batch, tick
from davy.domain.errors import BrokerError, UnknownName
from davy.domain.plan import Plan
from davy.domain.site import UNIT_CODES, Unit
from davy.ingest.recorded import Moment, Recorded
from davy.simulate.device import VirtualDevice
from davy.wire.envelope import NO_COUNT

REPORT_S = 0.1
"""How often the progress is told."""
SLICE = 256
"""Moments handed over before the connections get their turn."""
PATIENCE_S = 30.0
QUIET_S = 3600.0
"""After an hour without a reading, ticks come once a minute."""
SLOW_TICK_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was sent and acknowledged."""

    readings: int
    packs: int
    seconds: float

    @property
    def readings_per_s(self) -> float:
        """The pace."""
        return self.readings / self.seconds if self.seconds > 0 else 0.0


async def play(
    recorded: Recorded,
    devices: Mapping[str, VirtualDevice],
    *,
    speed: float = math.inf,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    patience_s: float = PATIENCE_S,
) -> Played:
    """Publishes a recording and returns when the broker has acknowledged every reading.

    Args:
        recorded: what was measured; sent in the order of the file.
        devices: by device id, inside their contexts.
        speed: recorded seconds that pass in one; `inf` sends as fast as it is taken.
        on_progress: told readings acknowledged, and how many there are.
        patience_s: how long a device may be without a connection or an acknowledgement.

    Raises:
        UnknownName: a device of the recording is not among `devices`.
        BrokerError: a device could not connect, or the broker takes nothing any more.
    """
    for order in recorded.orders():
        if order.device not in devices:
            raise UnknownName(f"device {order.device} is not there to be played; add it first")
    theirs = {order.device: devices[order.device] for order in recorded.orders()}
    await asyncio.gather(*(one.online(patience_s) for one in theirs.values()))
    began_s = time.monotonic()
    packs = sum(one.packs for one in theirs.values())
    before = sum(one.acknowledged for one in theirs.values())

    def done() -> int:
        return sum(one.acknowledged for one in theirs.values()) - before

    async def report() -> None:
        while True:
            on_progress(done(), len(recorded))
            await asyncio.sleep(REPORT_S)

    reporter = asyncio.create_task(report())
    try:
        await _feed(recorded, theirs, speed, patience_s)
        await _drained(theirs, patience_s)
    finally:
        reporter.cancel()
    on_progress(done(), len(recorded))
    return Played(
        readings=done(),
        packs=sum(one.packs for one in theirs.values()) - packs,
        seconds=time.monotonic() - began_s,
    )


async def _feed(
    recorded: Recorded, devices: Mapping[str, VirtualDevice], speed: float, patience_s: float
) -> None:
    """Hands moments over when they are due, and never more than a device has room for."""
    began_s, first_s = time.monotonic(), float(recorded.time_s[0])
    for at, moment in enumerate(recorded):
        if math.isfinite(speed):
            wait_s = began_s + (moment.time_s - first_s) / speed - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
        elif at % SLICE == 0:
            await asyncio.sleep(0)
        await _hand_over(moment, devices[moment.device], patience_s)


async def _hand_over(moment: Moment, device: VirtualDevice, patience_s: float) -> None:
    await device.room(len(moment.samples), patience_s)
    device.measure(moment.samples)


async def _drained(devices: Mapping[str, VirtualDevice], patience_s: float) -> None:
    """Waits for all; a backlog that shrinks deserves more patience."""
    while True:
        left = sum(one.waiting for one in devices.values())
        try:
            await asyncio.gather(*(one.drained(patience_s) for one in devices.values()))
        except BrokerError:
            if sum(one.waiting for one in devices.values()) >= left:
                raise
        else:
            return


def batches(recorded: Recorded, plan: Plan, tick_s: float = 1.0) -> Iterator[Batch]:
    """A recording as the pipeline would meet it live: in order of time, with a tick a second.

    Each batch holds what was measured since the last tick, received as it was measured.
    After an hour of silence ticks come once a minute, so that months without a reading cost
    little.

    Args:
        recorded: what was measured.
        plan: what is enrolled.
        tick_s: recorded seconds between two ticks.

    Raises:
        UnknownName: the plan has no such device or channel.
    """
    channels = {c.key: c for device in plan.devices for c in device.channels}
    ids, units = [], []
    for track in recorded.tracks:
        channel = channels.get(f"{track.device}.{track.channel}")
        if channel is None:
            raise UnknownName(
                f"channel {track.device}.{track.channel} of the recording is not in the plan; "
                "add the device first"
            )
        own = Unit.MILLIVOLT if channel.part is not None else channel.quantity.unit
        ids.append(channel.id)
        units.append(UNIT_CODES[own if track.unit is None else track.unit])
    order = np.argsort(recorded.time_s, kind="stable")
    time_s, track_of = recorded.time_s[order], recorded.track[order]
    rows = Batch.of_columns(
        time_s=time_s,
        arrived_s=time_s,
        channel=np.array(ids, np.int32)[track_of],
        raw=recorded.value[order],
        unit=np.array(units, np.uint8)[track_of],
        boot=np.full(len(order), NO_COUNT, np.int64),
    )
    yield from _ticked(rows, tick_s)


def _ticked(rows: Batch, tick_s: float) -> Iterator[Batch]:
    """Rows cut at each tick; those of one batch were measured before its watermark."""
    second = np.floor(rows.time_s / tick_s).astype(np.int64)
    cuts = [0, *(np.flatnonzero(np.diff(second)) + 1).tolist(), len(rows)]
    now_s = float(second[0]) * tick_s
    for start, end in pairwise(cuts):
        begins_s = float(second[start]) * tick_s
        yield from _silence(now_s, begins_s, tick_s)
        now_s = begins_s + tick_s
        yield replace(rows[start:end], watermark_s=now_s)


def _silence(from_s: float, until_s: float, tick_s: float) -> Iterator[Batch]:
    """The ticks of a time in which nothing was measured, the last at its end."""
    now_s = from_s
    while now_s < until_s:
        slow = now_s - from_s >= QUIET_S
        now_s = min(now_s + (max(SLOW_TICK_S, tick_s) if slow else tick_s), until_s)
        yield tick(now_s)
