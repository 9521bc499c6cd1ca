"""The stores that the laws are asked of, and the commits that they are asked with.

A new store adds itself to `STORES`, and that is all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from davy.domain.alarm import Event, State, Transition
from davy.domain.batch import Batch
from davy.domain.errors import Reason
from davy.domain.flags import Flag
from davy.store import (
    Bounds,
    Commit,
    Memory,
    Sqlite,
    Store,
    entries,
)

SMALL = Bounds(rows=3 * len(Reason), bytes=40 * len(Reason), payload=16)

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: Memory(bounds=SMALL),
    "sqlite": lambda folder: Sqlite(folder / "davy.db", bounds=SMALL),
}
LASTING = {name: make for name, make in STORES.items() if name != "memory"}

every_store = pytest.mark.parametrize("make", STORES.values(), ids=STORES)
every_lasting_store = pytest.mark.parametrize("make", LASTING.values(), ids=LASTING)
few = settings(
    max_examples=25,
    deadline=None,  # a new file for every example
    suppress_health_check=[HealthCheck.too_slow],
)


@contextmanager
def opened(make: Callable[[Path], Store]) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, make(Path(folder)) as store:
        yield store


def rows_of(*rows: tuple[float, int, float], flags: tuple[int, ...] = ()) -> Batch:
    batch = Batch.of(*rows)
    return replace(batch, flags=np.array(flags, np.uint32)) if flags else batch


def committed(offset: int, batch: Batch, **more: Any) -> Commit:
    return Commit(offset=offset, rows=batch, entry=entries(offset, len(batch)), **more)


eighths = st.integers(0, 8 * 100) | st.integers(0, 8 * 9000)
times = eighths.map(lambda count: count / 8) | st.sampled_from([59.875, 60.0])
# a store need not tell -0.0 from 0.0: SQLite does not
values = st.floats(-1e3, 1e4).map(lambda value: value + 0.0) | st.sampled_from(
    [np.nan, np.inf, 1e308, 0.0]
)
marks = st.sampled_from([0, 0, Flag.DUPLICATE, Flag.OPEN, Flag.LATE, Flag.OUT_OF_RANGE])
rows = st.tuples(st.tuples(times, st.integers(0, 2), values), marks)
packs = st.lists(st.lists(rows, max_size=12), min_size=1, max_size=5)


def commits_of(days: list[Any]) -> list[Commit]:
    return [
        committed(at, rows_of(*(row for row, _ in day), flags=tuple(mark for _, mark in day)))
        for at, day in enumerate(days, start=1)
    ]


def stored_rows(store: Store) -> list[tuple[Any, ...]]:
    names = ("channel", "time_s", "entry", "arrived_s", "raw", "unit", "value", "flags")
    return [
        row
        for chunk in store.readings(None, 0.0, 1e9)
        for row in zip(*(getattr(chunk, name).tolist() for name in names), strict=True)
    ]


def expected_rows(commits: list[Commit]) -> list[tuple[Any, ...]]:
    """What should be stored, by plain Python, sorted by channel and time."""
    found = []
    for commit in commits:
        batch = commit.rows
        for i, entry in enumerate(commit.entry.tolist()):
            if not batch.flags[i] & Flag.DUPLICATE:
                found.append(
                    (
                        int(batch.channel[i]),
                        float(batch.time_s[i]),
                        entry,
                        float(batch.arrived_s[i]),
                        float(batch.raw[i]),
                        int(batch.unit[i]),
                        float(batch.value[i]),
                        int(batch.flags[i]),
                    )
                )
    return sorted(found, key=lambda row: row[:3])


def assert_same_rows(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        np.testing.assert_equal(one, other)  # NaN equals NaN


def state_of(store: Store) -> str:
    """All that the hot path keeps, as text in which NaN equals NaN."""
    return repr(
        (
            store.offset(),
            store.snapshot(),
            store.count(),
            store.latest(),
            store.transitions(),
            stored_rows(store),
            [store.history(channel, 0, 9000, 100).mean.tolist() for channel in range(3)],
        )
    )


RISE = Transition(
    point=1, event=Event.RISE, before=State.NORMAL, after=State.UNACKED, at_s=10.0, time_s=9.0
)
ACK = replace(
    RISE,
    point=2,
    event=Event.ACK,
    before=State.UNACKED,
    after=State.ACKED,
    at_s=20.0,
    value=4.5,
    by="ann",
    note="caf\u00e9 \U0001f525",
    act="a-1",
    refused="no",
    unverified=True,
    backfilled=True,
    until_s=99.0,
)
