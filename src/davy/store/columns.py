"""From a commit to what is written: fresh rows, rollups, the newest of each channel.

Pure numpy, shared by every store. Rollups are reduced here before any database sees them,
so that a pack of fifty readings costs one or two upserts instead of fifty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from davy.domain.flags import FAULT, Flag
from davy.store.timeline import HOUR, MINUTE, RAW, Source
from davy.store.words import ENTRY_BITS, Commit, Rows

LARGEST = 1e100
"""No quantity of anything is larger; beyond it a sum could overflow."""

ROW_COLUMNS: dict[str, type[np.generic]] = {
    "channel": np.int32,
    "time_s": np.float64,
    "entry": np.int64,
    "arrived_s": np.float64,
    "raw": np.float64,
    "unit": np.uint8,
    "value": np.float64,
    "flags": np.uint32,
    "suspicion": np.float32,
}
"""The columns of `Rows`, in the order in which they are stored."""

NO_ROWS = Rows(**{name: np.empty(0, dtype) for name, dtype in ROW_COLUMNS.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Rollup rows as columns [n], one row per channel and step, in the order of storage."""

    channel: NDArray[np.int32]
    start_s: NDArray[np.float64]
    min: NDArray[np.float64]
    sum: NDArray[np.float64]
    max: NDArray[np.float64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start_s)

    def columns(self) -> tuple[NDArray[Any], ...]:
        """All six, in order."""
        return (self.channel, self.start_s, self.min, self.sum, self.max, self.count)

    def take(self, where: NDArray[np.intp] | NDArray[np.bool_]) -> Buckets:
        """Some of the rows, in the order given."""
        return Buckets(*(column[where] for column in self.columns()))


NO_BUCKETS = Buckets(
    np.empty(0, np.int32),
    np.empty(0),
    np.empty(0),
    np.empty(0),
    np.empty(0),
    np.empty(0, np.int64),
)


def concat_buckets(parts: Sequence[Buckets]) -> Buckets:
    """Many as one; the same step of the same channel may stand in several."""
    return Buckets(
        *(
            np.concatenate(stack)
            for stack in zip(*(part.columns() for part in (NO_BUCKETS, *parts)), strict=True)
        )
    )


def ahead(commits: Sequence[Commit], offset: int) -> list[Commit]:
    """The commits that go beyond the stored offset, and beyond each other.

    One that brings nothing but a snapshot may stand where the commit before it ended.
    """
    new = []
    for commit in commits:
        bare = commit.snapshot is not None and not len(commit.rows) and not commit.transitions
        if commit.offset > offset or (bare and commit.offset == offset):
            new.append(commit)
            offset = commit.offset
    return new


def fresh(new: Sequence[Commit], offset: int) -> Rows:
    """The rows of commits that are `ahead`, in the order of the table.

    Left out are duplicates, and everything at or before the offset that was stored when its
    commit began: what a crash delivers again is recognised by its number. A reading without
    a time of its own stands at its arrival.
    """
    if not new:
        return NO_ROWS
    entry = np.concatenate([commit.entry for commit in new])
    begins = np.array([offset, *(commit.offset for commit in new[:-1])], np.int64)
    begins = np.repeat(begins, [len(commit.entry) for commit in new])
    column = {
        name: np.concatenate([getattr(commit.rows, name) for commit in new])
        for name in ROW_COLUMNS
        if name != "entry"
    }
    arrival = np.nan_to_num(column["arrived_s"])
    column["time_s"] = np.where(np.isnan(column["time_s"]), arrival, column["time_s"])
    keep = (column["flags"] & np.uint32(Flag.DUPLICATE)) == 0
    keep &= entry >= (begins + 1) << ENTRY_BITS
    if np.any(entry[1:] <= entry[:-1]):
        _, first = np.unique(entry, return_index=True)
        keep &= np.isin(np.arange(len(entry)), first)
    where = np.flatnonzero(keep)
    rows = take(Rows(entry=entry, **column), where)
    order = np.lexsort((rows.entry, rows.time_s, rows.channel, RAW.slice_of(rows.time_s)))
    return take(rows, order)


def take(rows: Rows, where: NDArray[np.intp] | NDArray[np.bool_]) -> Rows:
    """Some of the rows, in the order given."""
    return Rows(**{name: getattr(rows, name)[where] for name in ROW_COLUMNS})


def concat_rows(parts: Sequence[Rows]) -> Rows:
    """Many as one."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        **{
            name: np.concatenate([getattr(part, name) for part in (NO_ROWS, *parts)])
            for name in ROW_COLUMNS
        }
    )


def usable(rows: Rows) -> NDArray[np.bool_]:
    """Rows that count in rollups and history: a real value, from a sensor without a fault."""
    sound = (rows.flags & np.uint32(FAULT)) == 0
    result: NDArray[np.bool_] = sound & (np.abs(rows.value) <= LARGEST)
    return result


def minutes(rows: Rows) -> Buckets:
    """The rows per channel and minute."""
    rows = take(rows, usable(rows))
    value = rows.value
    ones = np.ones(len(rows), np.int64)
    return reduce(Buckets(rows.channel, rows.time_s, value, value, value, ones), MINUTE)


def hours(of_minutes: Buckets) -> Buckets:
    """Minutes per channel and hour."""
    return reduce(of_minutes, HOUR)


def reduce(parts: Buckets, into: Source) -> Buckets:
    """Adds up what lies in the same step of the same channel; in the order of the table."""
    start_s = np.floor(parts.start_s / into.step_s) * into.step_s
    order = np.lexsort((start_s, parts.channel, into.slice_of(start_s)))
    channel, start_s = parts.channel[order], start_s[order]
    differs = (channel[1:] != channel[:-1]) | (start_s[1:] != start_s[:-1])
    first = np.flatnonzero(np.concatenate([np.ones(min(len(order), 1), np.bool_), differs]))
    if not len(first):
        return NO_BUCKETS  # reduceat wants at least one
    return Buckets(
        channel[first],
        start_s[first],
        np.minimum.reduceat(parts.min[order], first),
        np.add.reduceat(parts.sum[order], first),
        np.maximum.reduceat(parts.max[order], first),
        np.add.reduceat(parts.count[order], first),
    )


def standing_s(rows: Rows) -> NDArray[np.float64]:
    """How new each row is: its own time, but no later than its arrival.

    Otherwise one reading from a clock that runs a year ahead would stand as the newest value
    for a year.
    """
    return np.fmin(rows.time_s, rows.arrived_s)


def newest(rows: Rows) -> Rows:
    """The newest row of each channel."""
    order = np.lexsort((rows.entry, standing_s(rows), rows.channel))
    channel = rows.channel[order]
    last = np.concatenate([channel[1:] != channel[:-1], np.ones(min(len(order), 1), np.bool_)])
    return take(rows, order[last])
