"""Thirty days of one channel, one reading a second, as 500 points for a chart.

The raw limit beside it: reading the same 43,200 minute rows with bare SQLite.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Figures
from davy.domain.batch import Batch
from davy.domain.site import UNIT_CODES, Unit
from davy.store.sqlite import Sqlite
from davy.store.words import Commit, entries

DAY_S = 86_400
_START_S = 1_700_000_000 // DAY_S * DAY_S


async def run(quick: bool) -> Figures:
    """Fills a database and asks for history at several widths."""
    return await asyncio.to_thread(_measure, 30, 30 if quick else 200)


def _measure(days: int, times: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "davy.db"
        with Sqlite(path) as store:
            started = time.perf_counter()
            for day in range(days):
                store.commit(_day(day))
            filled_s = time.perf_counter() - started
            widths = {"30_days": days * DAY_S, "1_day": DAY_S, "1_hour": 3600}
            end_s = _START_S + days * DAY_S
            took = {
                name: _median_ms(times, lambda w=width: store.history(0, end_s - w, end_s, 500))
                for name, width in widths.items()
            }
        bare_ms = _bare(path, times)
    return {
        "history_30_days_ms": Figure(took["30_days"], "ms", bare_ms, 30, at_most=True),
        "history_1_day_ms": Figure(took["1_day"], "ms"),
        "history_1_hour_ms": Figure(took["1_hour"], "ms"),
        "one_channel_backlog_rows_per_s": Figure(days * DAY_S / filled_s, "rows/s"),
    }


def _day(day: int) -> Commit:
    time_s = _START_S + day * DAY_S + np.arange(DAY_S, dtype=np.float64)
    raw = 400 + 20 * np.sin(time_s / 7000)
    batch = Batch.of_columns(
        time_s=time_s,
        arrived_s=time_s,
        channel=np.zeros(DAY_S, np.int32),
        raw=raw,
        unit=np.full(DAY_S, UNIT_CODES[Unit.PPM], np.uint8),
        boot=np.zeros(DAY_S, np.int64),
    )
    return Commit(offset=day + 1, rows=replace(batch, value=raw), entry=entries(day + 1, DAY_S))


def _median_ms(times: int, ask) -> float:  # type: ignore[no-untyped-def]
    took = []
    for _ in range(times):
        started = time.perf_counter()
        found = ask()
        took.append(time.perf_counter() - started)
    if not 100 < len(found.time_s) <= 500:
        raise RuntimeError(f"{len(found.time_s)} points came back")
    return float(np.median(took) * 1e3)


def _bare(path: Path, times: int) -> float:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as sql:
        took = []
        for _ in range(times):
            started = time.perf_counter()
            sql.execute("SELECT * FROM rollup_1m").fetchall()
            took.append(time.perf_counter() - started)
    return float(np.median(took) * 1e3)
