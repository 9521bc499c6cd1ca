"""What stands in the log: the only input of the pipeline.

Readings, time, what the broker said of devices, what people did, and what the installation
consists of. Whoever reads a zone's entries in order sees what Davy saw, today or in a replay
next year. A block holds hundreds of packs as columns, so that one publish carries them all.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Act, Point
from davy.domain.batch import Batch, Presence
from davy.domain.errors import DavyError
from davy.domain.flags import Flag
from davy.domain.site import Device, Zone
from davy.wire.envelope import NO_COUNT, Envelope
from davy.wire.window import Ledger, Verdict


class Block(msgspec.Struct, frozen=True, array_like=True, tag="block", gc=False):
    """Verified packs of one partition, in the order in which they were accepted.

    `source` and `position` say how far into which input this block reaches: what a crash
    delivers again is recognised by them, whether it was signed or not. The rest are arrays
    as bytes, one number per pack (`device` .. `rows`) or per reading (`time_s` .. `unit`).
    """

    source: str
    position: int
    device: bytes  # int32
    boot: bytes  # int64
    seq: bytes  # int64
    mark: bytes  # uint32
    arrived_s: bytes  # float64
    rows: bytes  # int32
    time_s: bytes  # float64
    channel: bytes  # int32
    raw: bytes  # float64
    unit: bytes  # uint8


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    """All that arrived before this has been written above."""

    watermark_s: float


class Resumed(msgspec.Struct, frozen=True, array_like=True, tag="resumed"):
    """Davy was away and listens again from now on: silence counts from here."""

    at_s: float


class Presences(msgspec.Struct, frozen=True, array_like=True, tag="presences"):
    """What the broker said of devices."""

    presences: tuple[Presence, ...]


class Acts(msgspec.Struct, frozen=True, array_like=True, tag="acts"):
    """What people did to alarms."""

    acts: tuple[Act, ...]


class Enrolled(msgspec.Struct, frozen=True, array_like=True, tag="enrolled"):
    """What the installation consists of from now on: added, or in the place of the same index.

    `forgotten` are devices whose keys changed: their replay window starts anew.
    """

    zones: tuple[Zone, ...] = ()
    devices: tuple[Device, ...] = ()
    points: tuple[Point, ...] = ()
    forgotten: tuple[int, ...] = ()


Entry = Block | Tick | Resumed | Presences | Acts | Enrolled
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """An entry as it is written to the log."""
    return _ENCODER.encode(entry)


def decode(data: bytes) -> Entry:
    """An entry as it was written.

    Raises:
        DavyError: the bytes are no entry of this version's.
    """
    try:
        entry: Entry = _DECODER.decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError) as cause:
        raise DavyError(
            f"log: an entry cannot be read ({cause}); was it written by a newer Davy?"
        ) from cause
    return entry


def partition_of(zone: str, partitions: int) -> int:
    """The partition of `site.zone`: what votes together travels together."""
    return zlib.crc32(zone.encode()) % partitions


class Packed(NamedTuple):
    """One accepted pack on its way into a block; `position` counts within its source."""

    envelope: Envelope
    arrived_s: float
    position: int = 0


def block_of(packs: Sequence[Packed], source: str) -> Block:
    """Packs in order as one entry."""
    envelopes = [pack.envelope for pack in packs]
    columns = [envelope.columns for envelope in envelopes]
    return Block(
        source=source,
        position=packs[-1].position,
        device=np.array([e.sender.index for e in envelopes], np.int32).tobytes(),
        boot=np.array([e.boot for e in envelopes], np.int64).tobytes(),
        seq=np.array([e.seq for e in envelopes], np.int64).tobytes(),
        mark=np.array([e.mark for e in envelopes], np.uint32).tobytes(),
        arrived_s=np.array([pack.arrived_s for pack in packs], np.float64).tobytes(),
        rows=np.array([len(c.time_s) for c in columns], np.int32).tobytes(),
        time_s=b"".join([c.time_s.tobytes() for c in columns]),
        channel=b"".join([c.channel.tobytes() for c in columns]),
        raw=b"".join([c.raw.tobytes() for c in columns]),
        unit=b"".join([c.unit.tobytes() for c in columns]),
    )


def batch_of(block: Block, ledger: Ledger) -> Batch:
    """A block's readings; packs that the ledger has seen are flagged DUPLICATE.

    The ledger is moved on: it is the reader's own, and part of the reader's state.
    """
    rows = np.frombuffer(block.rows, np.int32)
    boot = np.frombuffer(block.boot, np.int64)
    twins = _twins(block, ledger)
    flags = None
    if twins.any():
        flags = np.repeat(np.where(twins, Flag.DUPLICATE, 0).astype(np.uint32), rows)
    return Batch.of_columns(
        time_s=np.frombuffer(block.time_s, np.float64),
        arrived_s=np.repeat(np.frombuffer(block.arrived_s, np.float64), rows),
        channel=np.frombuffer(block.channel, np.int32),
        raw=np.frombuffer(block.raw, np.float64),
        unit=np.frombuffer(block.unit, np.uint8),
        boot=np.repeat(boot, rows),
        flags=flags,
    )


def _twins(block: Block, ledger: Ledger) -> NDArray[np.bool_]:
    devices = np.frombuffer(block.device, np.int32).tolist()
    boots = np.frombuffer(block.boot, np.int64).tolist()
    seqs = np.frombuffer(block.seq, np.int64).tolist()
    marks = np.frombuffer(block.mark, np.uint32).tolist()
    judge = ledger.judge
    return np.array(
        [
            boot != NO_COUNT and judge(device, boot, seq, mark) is not Verdict.ACCEPT
            for device, boot, seq, mark in zip(devices, boots, seqs, marks, strict=True)
        ],
        np.bool_,
    )
