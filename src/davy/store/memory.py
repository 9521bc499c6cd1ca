"""`Memory`: a store that lasts as long as its process, under the same laws as the others."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Transition
from davy.store import columns
from davy.store.columns import Buckets, concat_buckets, concat_rows, take, usable
from davy.store.memory_records import MemoryRecords
from davy.store.timeline import (
    HOUR,
    MINUTE,
    RAW,
    SOURCES,
    Source,
    View,
    finest_reaching,
    view,
)
from davy.store.words import DEFAULT_BOUNDS, Bounds, Commit, History, Latest, Retention, Rows

CHUNK_ROWS = 20_000


class Memory(MemoryRecords):
    """For tests and for work without a disk: a replay, a what-if.

    Every commit is a chunk of columns; they are merged when somebody looks.
    """

    def __init__(self, *, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        super().__init__(bounds)
        self._turn = threading.RLock()
        self._offset = 0
        self._snapshot: tuple[int, bytes] | None = None
        self._chunks: list[Rows] = []
        self._rollups: dict[Source, list[Buckets]] = {MINUTE: [], HOUR: []}
        self._latest: dict[int, tuple[float, Latest]] = {}
        self._transitions: list[Transition] = []

    def commit(self, commit: Commit) -> None:
        """Stores it; what is stored already is passed over."""
        self.commit_many((commit,))

    def commit_many(self, commits: Sequence[Commit]) -> None:
        """Stores several, in order."""
        with self._turn:
            new = columns.ahead(commits, self._offset)
            rows = columns.fresh(new, self._offset)
            of_minutes = columns.minutes(rows)
            self._chunks.append(rows)
            self._rollups[MINUTE].append(of_minutes)
            self._rollups[HOUR].append(columns.hours(of_minutes))
            self._stand(columns.newest(rows))
            for commit in new:
                self._transitions.extend(commit.transitions)
                if commit.snapshot is not None:
                    self._snapshot = (commit.offset, commit.snapshot)
                self._offset = commit.offset

    def _stand(self, rows: Rows) -> None:
        """Each of these is the newest of its channel, unless a newer one stands there."""
        table = (rows.channel, columns.standing_s(rows), rows.time_s, rows.value, rows.flags)
        for channel, standing_s, *reading in zip(*(part.tolist() for part in table), strict=True):
            if channel not in self._latest or standing_s >= self._latest[channel][0]:
                self._latest[channel] = (standing_s, Latest(*reading))

    def offset(self) -> int:
        """Log sequence up to which everything is stored."""
        return self._offset

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest state of the pipeline, with the offset after which it was taken."""
        return self._snapshot

    def count(self) -> int:
        """How many readings are stored."""
        with self._turn:
            return sum(len(chunk) for chunk in self._chunks)

    def latest(self, channels: Collection[int] | None = None) -> Mapping[int, Latest]:
        """The newest reading of each channel that has one."""
        with self._turn:
            wanted = sorted(self._latest if channels is None else set(channels) & set(self._latest))
            return {channel: self._latest[channel][1] for channel in wanted}

    def history(self, channel: int, start_s: float, end_s: float, points: int) -> History:
        """One channel from `start_s` to `end_s`, as at most `points` buckets."""
        wide = view(start_s, end_s, points)
        oldest = {source: self._oldest_s(source) for source in SOURCES}
        finest = finest_reaching(start_s, oldest)
        if finest.step_s > wide.source.step_s:
            wide = view(start_s, end_s, points, finest)
        parts = self._parts(wide.source)
        inside = (parts.channel == channel) & (parts.start_s >= wide.start_s)
        inside &= parts.start_s < wide.end_s
        return _in_buckets(parts.take(inside), wide)

    def _parts(self, source: Source) -> Buckets:
        if source is RAW:
            rows = self._merged()
            rows = take(rows, usable(rows))
            ones = np.ones(len(rows), np.int64)
            return Buckets(rows.channel, rows.time_s, rows.value, rows.value, rows.value, ones)
        with self._turn:
            merged = columns.reduce(concat_buckets(self._rollups[source]), source)
            self._rollups[source] = [merged]
        return merged

    def _merged(self) -> Rows:
        """All readings in the order of the table."""
        with self._turn:
            if len(self._chunks) != 1:
                rows = concat_rows(self._chunks)
                slices = RAW.slice_of(rows.time_s)
                order = np.lexsort((rows.entry, rows.time_s, rows.channel, slices))
                self._chunks = [take(rows, order)]
            return self._chunks[0]

    def _oldest_s(self, source: Source) -> float | None:
        times = self._merged().time_s if source is RAW else self._parts(source).start_s
        return float(source.slice_of(times).min()) * source.slice_s if len(times) else None

    def readings(
        self, channels: Collection[int] | None, start_s: float, end_s: float
    ) -> Iterator[Rows]:
        """Readings from `start_s` up to `end_s` in chunks, by time within each channel."""
        rows = self._merged()
        inside = (rows.time_s >= start_s) & (rows.time_s < end_s)
        if channels is not None:
            inside &= np.isin(rows.channel, sorted(channels))
        found = np.flatnonzero(inside)
        for first in range(0, len(found), CHUNK_ROWS):
            yield take(rows, found[first : first + CHUNK_ROWS])

    def transitions(
        self, point: int | None = None, since_s: float | None = None, limit: int = 1000
    ) -> list[Transition]:
        """Steps in the lives of alarms, newest first."""
        with self._turn:
            found = [
                step
                for step in reversed(self._transitions)
                if point in (None, step.point) and (since_s is None or step.at_s >= since_s)
            ]
        return found[:limit]

    def retain(self, now_s: float, keep: Retention, rows: int = 5000) -> int:
        """Forgets up to `rows` of what is older than it should be, and says how many went."""
        gone = 0
        with self._turn:
            stored = self._merged()
            stays = _stays(RAW, stored.time_s, now_s - keep.raw_s, rows)
            self._chunks = [take(stored, stays)]
            gone += len(stays) - int(stays.sum())
            for source, keep_s in ((MINUTE, keep.minute_s), (HOUR, keep.hour_s)):
                parts = self._parts(source)
                stays = _stays(source, parts.start_s, now_s - keep_s, rows - gone)
                self._rollups[source] = [parts.take(stays)]
                gone += len(stays) - int(stays.sum())
        return gone

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _stays(
    source: Source, time_s: NDArray[np.float64], before_s: float, rows: int
) -> NDArray[np.bool_]:
    """All but the first `rows` of what lies in slices before a moment; bool [n]."""
    stays = source.slice_of(time_s) >= source.slice_at(before_s)
    stays[np.flatnonzero(~stays)[rows:]] = True
    return stays


def _in_buckets(parts: Buckets, wide: View) -> History:
    """One channel's parts, added up per bucket of the view."""
    final = round((wide.end_s - wide.start_s) / wide.bucket_s) - 1
    bucket = np.floor((parts.start_s - wide.start_s) / wide.bucket_s)
    whole = Source("", 1.0, 10.0)
    found = columns.reduce(replace(parts, start_s=np.minimum(bucket, final)), whole)
    return History(
        start_s=wide.start_s,
        end_s=wide.end_s,
        bucket_s=wide.bucket_s,
        time_s=wide.start_s + found.start_s * wide.bucket_s,
        min=found.min,
        mean=found.sum / found.count,
        max=found.max,
        count=found.count,
    )
