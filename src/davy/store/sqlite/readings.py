"""The hot path: commits, history and export on the driver's own connection.

The order of the columns in each tuple is that of `statements.sql`.
"""

from __future__ import annotations

import json
import sqlite3
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from davy.domain.alarm import Transition
from davy.domain.flags import FAULT
from davy.store import columns
from davy.store.columns import ROW_COLUMNS, Buckets
from davy.store.relational.session import Session
from davy.store.sqlite.statements import SQL
from davy.store.timeline import (
    HOUR,
    MINUTE,
    RAW,
    SOURCES,
    Source,
    finest_reaching,
    view,
)
from davy.store.words import Commit, History, Latest, Retention, Rows, storable

CHUNK_ROWS = 20_000
"""About so many rows stand in memory at once during an export."""


class SqliteReadings(Session):
    """The `Readings` of SQLite; transitions are read in `RelationalRecords`."""

    @abstractmethod
    def _looking(self) -> AbstractContextManager[sqlite3.Connection]:
        """A reading transaction on the driver's own connection."""

    @abstractmethod
    def _storing(self) -> AbstractContextManager[sqlite3.Connection]:
        """A writing transaction on the driver's own connection, without a layer between."""

    def commit(self, commit: Commit) -> None:
        """Stores it whole or not at all; what is stored already is passed over."""
        self.commit_many((commit,))

    def commit_many(self, commits: Sequence[Commit]) -> None:
        """Stores several, in order, in one transaction."""
        with self._storing() as sql:
            offset = _offset(sql)
            new = columns.ahead(commits, offset)
            if not new:
                return
            rows = columns.fresh(new, offset)
            if len(rows):
                _put_rows(sql, rows)
            steps = [_of_transition(step) for commit in new for step in commit.transitions]
            sql.executemany(SQL["put_transition"], steps)
            taken = [commit for commit in new if commit.snapshot is not None]
            if taken:
                sql.execute(SQL["put_snapshot"], (taken[-1].offset, taken[-1].snapshot))
            sql.execute(SQL["put_progress"], (new[-1].offset, len(rows)))

    def offset(self) -> int:
        """Log sequence up to which everything is stored; 0 before the first commit."""
        with self._looking() as sql:
            return _offset(sql)

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest state of the pipeline, with the offset after which it was taken."""
        with self._looking() as sql:
            row: tuple[int, bytes] | None = sql.execute(SQL["get_snapshot"]).fetchone()
        return row

    def count(self) -> int:
        """How many readings are stored."""
        with self._looking() as sql:
            row = sql.execute(SQL["get_count"]).fetchone()
        return int(row[0]) if row else 0

    def latest(self, channels: Collection[int] | None = None) -> Mapping[int, Latest]:
        """The newest reading of each channel that has one."""
        with self._looking() as sql:
            if channels is None:
                rows = sql.execute(SQL["get_latest"])
            else:
                rows = sql.execute(SQL["get_latest_of"], (_json(channels),))
            return {
                channel: Latest(time_s, np.nan if value is None else value, flags)
                for channel, time_s, value, flags in rows
            }

    def history(self, channel: int, start_s: float, end_s: float, points: int) -> History:
        """One channel from `start_s` to `end_s`, as at most `points` buckets."""
        wide = view(start_s, end_s, points)
        with self._looking() as sql:
            finest = finest_reaching(
                start_s, {source: _oldest_s(sql, source) for source in SOURCES}
            )
            if finest.step_s > wide.source.step_s:
                wide = view(start_s, end_s, points, finest)
            asked = {
                "channel": int(channel),
                "first": wide.source.slice_at(wide.start_s),
                "last": wide.source.slice_at(wide.end_s),
                "start": wide.start_s,
                "end": wide.end_s,
                "bucket": wide.bucket_s,
                "final": round((wide.end_s - wide.start_s) / wide.bucket_s) - 1,
                "fault": int(FAULT),
                "largest": columns.LARGEST,
            }
            rows = sql.execute(SQL[f"history_{wide.source.table}"], asked).fetchall()
        bucket, low, total, high, count = np.array(rows, np.float64).reshape(-1, 5).T
        return History(
            start_s=wide.start_s,
            end_s=wide.end_s,
            bucket_s=wide.bucket_s,
            time_s=wide.start_s + bucket * wide.bucket_s,
            min=low,
            mean=total / count,
            max=high,
            count=count.astype(np.int64),
        )

    def readings(
        self, channels: Collection[int] | None, start_s: float, end_s: float
    ) -> Iterator[Rows]:
        """Readings from `start_s` up to `end_s` in chunks, by time within each channel.

        A chunk is a whole number of slices, as many as held about `CHUNK_ROWS` before, and
        a transaction of its own: an export of a year keeps nothing locked.
        """
        asked: dict[str, Any] = {"start": start_s, "end": end_s}
        read = "read_all" if channels is None else "read_some"
        if channels is not None:
            asked["channels"] = _json(channels)
        at, width, last = RAW.slice_at(start_s), 1.0, RAW.slice_at(end_s)
        while at <= last:
            with self._looking() as sql:
                first = sql.execute(SQL["next_slice"], (at,)).fetchone()[0]
                if first is None or first > last:
                    return
                at = min(first + width, last + 1)
                found = sql.execute(SQL[read], {**asked, "first": first, "beyond": at}).fetchall()
            if found:
                yield _rows(found)
            if len(found) < CHUNK_ROWS // 2:
                width = min(width * 2, CHUNK_ROWS)
            elif len(found) > CHUNK_ROWS:
                width = max(1.0, width // 2)

    def retain(self, now_s: float, keep: Retention, rows: int = 5000) -> int:
        """Forgets up to `rows` of what is older than it should be, and says how many went."""
        gone = 0
        for source, keep_s in ((RAW, keep.raw_s), (MINUTE, keep.minute_s), (HOUR, keep.hour_s)):
            with self._storing() as sql:
                deleted = _forget(sql, source, source.slice_at(now_s - keep_s), rows - gone)
                if source is RAW and deleted:
                    sql.execute(SQL["put_progress"], (_offset(sql), -deleted))
            gone += deleted
            if gone >= rows:
                break
        return gone


def _offset(sql: sqlite3.Connection) -> int:
    row = sql.execute(SQL["get_offset"]).fetchone()
    return int(row[0]) if row else 0


def _put_rows(sql: sqlite3.Connection, rows: Rows) -> None:
    """Readings, what they add to the rollups, and the newest of each channel."""
    table = [getattr(rows, name).tolist() for name in ROW_COLUMNS]
    slices = RAW.slice_of(rows.time_s).tolist()
    sql.executemany(SQL["put_readings"], zip(slices, *table, strict=True))
    of_minutes = columns.minutes(rows)
    for source, statement, buckets in (
        (MINUTE, "put_minutes", of_minutes),
        (HOUR, "put_hours", columns.hours(of_minutes)),
    ):
        sql.executemany(SQL[statement], _bucket_tuples(source, buckets))
    new = columns.newest(rows)
    stands = (new.channel, columns.standing_s(new), new.time_s, new.value, new.flags)
    sql.executemany(SQL["put_latest"], zip(*(part.tolist() for part in stands), strict=True))


def _bucket_tuples(source: Source, buckets: Buckets) -> Iterator[tuple[Any, ...]]:
    slices = source.slice_of(buckets.start_s)
    table = (slices, *buckets.columns())
    return zip(*(part.tolist() for part in table), strict=True)


def _of_transition(step: Transition) -> tuple[Any, ...]:
    return (
        step.point,
        step.event.value,
        step.before.value,
        step.after.value,
        step.at_s,
        step.time_s,
        step.value,
        storable(step.by),
        storable(step.note),
        storable(step.act),
        storable(step.refused),
        step.unverified,
        step.backfilled,
        step.until_s,
    )


def _rows(found: list[tuple[Any, ...]]) -> Rows:
    """Columns from tuples; NULL becomes NaN."""
    table = zip(ROW_COLUMNS.items(), zip(*found, strict=True), strict=True)
    return Rows(**{name: np.array(column, dtype) for (name, dtype), column in table})


def _json(channels: Collection[int]) -> str:
    return json.dumps(sorted({int(channel) for channel in channels}))


def _oldest_s(sql: sqlite3.Connection, source: Source) -> float | None:
    """Beginning of the oldest slice of a table."""
    (oldest,) = sql.execute(SQL[f"oldest_{source.table}"]).fetchone()
    return None if oldest is None else float(oldest) * source.slice_s


def _forget(sql: sqlite3.Connection, source: Source, before: float, rows: int) -> int:
    """Deletes what lies in slices before this one, up to `rows`, the oldest first."""
    asked = {"slice": before, "rows": rows}
    edge = sql.execute(SQL[f"edge_{source.table}"], asked).fetchone()
    nothing_before = (before, -1, 0.0, 0) if source is RAW else (before, -1, 0.0)
    return sql.execute(SQL[f"forget_{source.table}"], edge or nothing_before).rowcount
