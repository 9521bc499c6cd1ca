"""What goes into a store and what comes out of it, as frozen values.

A `Commit` is all that one stretch of the log led to, written in one transaction. Everything
else here is a record that people read: history, evidence, the audit trail, users.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Point, Transition
from davy.domain.batch import Batch
from davy.domain.errors import Reason
from davy.domain.site import Device, Zone

ENTRY_BITS = 20
"""A log entry holds at most 2**20 rows, so sequence and row fit in one 64-bit number."""


def entries(sequence: int, rows: int) -> NDArray[np.int64]:
    """Permanent numbers for the rows of one log entry: int64 [rows], unique and growing."""
    return (np.int64(sequence) << ENTRY_BITS) | np.arange(rows, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Commit:
    """What the log led to, up to and including one of its sequence numbers.

    Attributes:
        offset: log sequence up to which everything is included.
        rows: readings; those flagged `Flag.DUPLICATE` are not stored.
        entry: int64 [n], one number per row from `entries`: a row is stored once, ever.
        transitions: steps in the lives of alarms, in order.
        snapshot: the pipeline's state after `offset`; None keeps the one that is stored.

    Raises:
        ValueError: `entry` has another length than `rows`, or goes beyond `offset`.
    """

    offset: int
    rows: Batch
    entry: NDArray[np.int64]
    transitions: tuple[Transition, ...] = ()
    snapshot: bytes | None = None

    def __post_init__(self) -> None:
        if len(self.entry) != len(self.rows):
            raise ValueError(f"{len(self.entry)} entry numbers for {len(self.rows)} rows")
        if len(self.entry) and int(self.entry.max()) >> ENTRY_BITS > self.offset:
            raise ValueError(f"rows come from beyond the commit's own offset {self.offset}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Stored readings as columns; see `Batch` for what each one means.

    Attributes:
        entry: int64 [n], the permanent number of the reading.
    """

    channel: NDArray[np.int32]
    time_s: NDArray[np.float64]
    entry: NDArray[np.int64]
    arrived_s: NDArray[np.float64]
    raw: NDArray[np.float64]
    unit: NDArray[np.uint8]
    value: NDArray[np.float64]
    flags: NDArray[np.uint32]
    suspicion: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """One channel over a range, as at most so many buckets; empty buckets are left out.

    Attributes:
        start_s, end_s: the range that was asked for, widened to whole buckets.
        bucket_s: width of a bucket; buckets begin at whole multiples of it.
        time_s: float64 [n], beginning of each bucket, growing.
        min, mean, max: float64 [n], of usable values, in the channel's unit.
        count: int64 [n], usable readings, never 0.
    """

    start_s: float
    end_s: float
    bucket_s: float
    time_s: NDArray[np.float64]
    min: NDArray[np.float64]
    mean: NDArray[np.float64]
    max: NDArray[np.float64]
    count: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a channel; one from a clock that runs ahead counts as it arrived."""

    time_s: float
    value: float
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long readings and their rollups are kept; infinity keeps them for ever."""

    raw_s: float = float("inf")
    minute_s: float = float("inf")
    hour_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Secret:
    """What a device proves itself with: a signing key (absent for transport) and a password."""

    key: bytes | None = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Indexes:
    """The next free permanent numbers: what is new takes them in order, without a hole."""

    zone: int
    device: int
    channel: int
    point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What the registry shall hold from now on, written together.

    An item whose index is taken replaces what stands there, if it is the same thing by
    name; a new one takes the next free index. A channel that its device no longer lists
    keeps its id and its readings. `secrets` goes by device id.
    """

    zones: tuple[Zone, ...] = ()
    devices: tuple[Device, ...] = ()
    points: tuple[Point, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much evidence is kept. Every reason has an equal share of `rows` and `bytes`.

    A flood of one kind pushes out its own oldest, never the last trace of another kind.
    """

    rows: int = 17_000
    bytes: int = 32 << 20
    payload: int = 4096

    @property
    def rows_each(self) -> int:
        """Rows that one reason may hold."""
        return max(1, self.rows // len(Reason))

    @property
    def bytes_each(self) -> int:
        """Payload bytes that one reason may hold."""
        return self.bytes // len(Reason)


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something that was refused, and why.

    The store gives `id`, and keeps the beginning of `payload` with the `size` and the
    `sha256` of the whole, so that a full copy found elsewhere can be matched.
    """

    at_s: float
    reason: Reason
    detail: str
    device: str = ""
    topic: str = ""
    payload: bytes = b""
    size: int = -1
    sha256: str = ""
    id: int = 0

    def sealed(self, limit: int) -> Evidence:
        """As it is kept: measured, hashed and cut to `limit` bytes."""
        return replace(
            self,
            detail=storable(self.detail)[:1024],
            device=storable(self.device)[:256],
            topic=storable(self.topic)[:256],
            payload=bytes(self.payload[:limit]),
            size=len(self.payload),
            sha256=hashlib.sha256(self.payload).hexdigest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One thing that somebody did; `hash` is SHA-256 over the row before and this one."""

    seq: int
    at_s: float
    who: str
    action: str
    what: str
    detail: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How many rows the trail has, and the hash of the last; note it elsewhere now and then."""

    count: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """The first place where the trail is not what was written."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: str
    password_hash: str = field(repr=False)


def storable(text: str) -> str:
    """Text that every database takes: no half characters, no NUL."""
    return (
        text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
