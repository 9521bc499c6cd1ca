"""Laws of every store: readings, rollups, transitions and the offset."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.batch import Batch, concat
from davy.domain.errors import InputError
from davy.domain.flags import FAULT, Flag
from davy.store import (
    Commit,
    Latest,
    Retention,
    Store,
    entries,
)
from tests.laws.stores import (
    ACK,
    RISE,
    assert_same_rows,
    commits_of,
    committed,
    every_store,
    expected_rows,
    few,
    opened,
    packs,
    rows_of,
    state_of,
    stored_rows,
)


@pytest.fixture
def store(make: Callable[[Path], Store], tmp_path: Path) -> Iterator[Store]:
    with make(tmp_path) as store:
        yield store


@every_store
@few
@given(days=packs)
def test_what_is_appended_comes_back_in_order_per_channel(make, days):
    commits = commits_of(days)
    with opened(make) as store:
        for commit in commits:
            store.commit(commit)

        found = stored_rows(store)

        for channel in range(3):
            mine = [row for row in found if row[0] == channel]
            assert [row[1:3] for row in mine] == sorted(row[1:3] for row in mine)
        assert_same_rows(sorted(found, key=lambda row: row[:3]), expected_rows(commits))
        assert store.count() == len(found)
        assert store.offset() == len(commits)


@every_store
@few
@given(days=packs)
def test_committing_twice_changes_nothing(make, days):
    commits = commits_of(days)
    with opened(make) as store:
        store.commit_many(commits)
        before = state_of(store)

        for commit in commits:
            store.commit(commit)
        store.commit_many(commits)

        assert state_of(store) == before


@every_store
@few
@given(days=packs)
def test_many_commits_in_one_transaction_are_the_same_as_one_by_one(make, days):
    commits = commits_of(days)
    with opened(make) as together, opened(make) as alone:
        together.commit_many(commits)
        for commit in commits:
            alone.commit(commit)

        assert_same_rows(stored_rows(together), stored_rows(alone))
        assert repr(together.latest()) == repr(alone.latest())
        assert together.offset() == alone.offset()


@every_store
def test_a_commit_that_reaches_back_adds_only_what_is_new(store):
    store.commit(committed(3, rows_of((0, 0, 1.0), (1, 0, 2.0))))
    again = rows_of((0, 0, 1.0), (1, 0, 2.0), (2, 0, 3.0))
    entry = np.concatenate([entries(3, 2), entries(4, 1)])

    store.commit(Commit(offset=4, rows=again, entry=entry))

    assert [row[6] for row in stored_rows(store)] == [1.0, 2.0, 3.0]
    assert store.history(0, 0, 10_000, 3).count.tolist() == [3]


@every_store
def test_the_same_commit_twice_in_one_transaction_counts_once(store):
    commit = committed(1, rows_of((0, 0, 1.0)), transitions=(ACK,))

    store.commit_many([commit, commit])

    assert (store.count(), store.transitions()) == (1, [ACK])


@every_store
def test_a_row_that_stands_twice_in_one_commit_is_stored_once(store):
    twice = np.concatenate([entries(1, 1), entries(1, 1)])

    store.commit(Commit(offset=1, rows=rows_of((0, 0, 1.0), (0, 0, 1.0)), entry=twice))

    assert store.count() == 1


def test_a_commit_cannot_bring_rows_from_beyond_its_offset():
    with pytest.raises(ValueError, match="beyond the commit's own offset 3"):
        Commit(offset=3, rows=rows_of((0, 0, 1.0)), entry=entries(4, 1))


def naive_history(commits: list[Commit], channel: int, history) -> dict[float, list[float]]:
    buckets: dict[float, list[float]] = {}
    for row in expected_rows(commits):
        usable = abs(row[6]) <= 1e100 and not row[7] & FAULT
        if row[0] == channel and usable and history.start_s <= row[1] < history.end_s:
            bucket = row[1] // history.bucket_s * history.bucket_s
            buckets.setdefault(bucket, []).append(row[6])
    return buckets


@every_store
@few
@given(
    days=packs,
    start_s=st.integers(0, 5000),
    width_s=st.sampled_from([1, 30, 500, 3600, 9000, 40_000, 300_000]),
    points=st.sampled_from([2, 3, 10, 500]),
)
def test_history_equals_a_naive_recomputation_at_every_width(make, days, start_s, width_s, points):
    commits = commits_of(days)
    with opened(make) as store:
        for commit in commits:
            store.commit(commit)

        history = store.history(1, start_s, start_s + width_s, points)

        naive = naive_history(commits, 1, history)
        assert history.start_s <= start_s
        assert history.end_s >= start_s + width_s
        assert (history.end_s - history.start_s) / history.bucket_s <= points
        assert history.time_s.tolist() == sorted(naive)
        assert history.count.tolist() == [len(naive[t]) for t in sorted(naive)]
        assert history.min.tolist() == [min(naive[t]) for t in sorted(naive)]
        assert history.max.tolist() == [max(naive[t]) for t in sorted(naive)]
        means = [np.mean(naive[t]) for t in sorted(naive)]
        np.testing.assert_allclose(history.mean, means, rtol=1e-9, atol=1e-9)


WIDTHS = {"readings": (60.0, 10), "minutes": (600.0, 5), "hours": (36_000.0, 3)}


@every_store
@pytest.mark.parametrize(("end_s", "points"), WIDTHS.values(), ids=WIDTHS)
def test_one_bucket_gathers_several_commits_and_no_faulty_sensor(store, end_s, points):
    store.commit(committed(1, rows_of((1, 0, 4.0), (2, 0, 9e9), flags=(0, int(Flag.SHORTED)))))
    store.commit(committed(2, rows_of((2, 0, 1.0), (1, 1, 7.0), flags=(int(Flag.LATE), 0))))
    store.commit(committed(3, rows_of((3, 0, 10.0), (3, 0, np.nan))))

    history = store.history(0, 0.0, end_s, points)

    assert history.time_s.tolist() == [0.0]
    assert (history.min[0], history.mean[0], history.max[0]) == (1.0, 5.0, 10.0)
    assert history.count.tolist() == [3]


@every_store
@pytest.mark.parametrize(
    ("start_s", "end_s", "points"),
    [(5, 5, 10), (6, 5, 10), (-1, 5, 10), (np.nan, 5, 10), (0, np.inf, 10), (0, 5, 1)],
)
def test_a_range_that_makes_no_sense_is_an_input_error(store, start_s, end_s, points):
    with pytest.raises(InputError):
        store.history(0, start_s, end_s, points)


@every_store
def test_a_channel_without_readings_has_an_empty_history(store):
    assert len(store.history(7, 0, 100, 10).time_s) == 0


@every_store
def test_readings_of_some_channels_in_a_range_leave_out_the_rest(store):
    rows = [(float(t), c, 10.0 * c) for t in range(40) for c in range(3)]
    store.commit(committed(1, rows_of(*rows)))

    chunks = list(store.readings([2, 0], 5.0, 35.0))

    found = concat_pairs(chunks)
    for channel in (0, 2):
        assert [t for c, t in found if c == channel] == [float(t) for t in range(5, 35)]
    assert {c for c, _ in found} == {0, 2}


def concat_pairs(chunks) -> list[tuple[int, float]]:
    return [
        pair
        for chunk in chunks
        for pair in zip(chunk.channel.tolist(), chunk.time_s.tolist(), strict=True)
    ]


@every_store
def test_readings_far_apart_and_far_away_are_all_exported(store):
    far = [(0.0, 0, 1.0), (1.7e9, 0, 2.0), (4e9, 0, 3.0), (1e300, 0, 4.0)]
    store.commit(committed(1, rows_of(*far)))

    everything = concat_pairs(store.readings(None, -np.inf, np.inf))
    one = concat_pairs(store.readings([0], -np.inf, np.inf))

    assert everything == one == [(0, row[0]) for row in far]


@every_store
def test_an_export_of_many_chunks_holds_every_row_once(store):
    n = 70_000
    time_s = np.arange(n) / 4
    batch = concat([Batch.of((0, 0, 1.0))] * n)
    store.commit(committed(1, replace(batch, time_s=time_s, arrived_s=time_s)))

    chunks = list(store.readings(None, 0, n))

    assert len(chunks) > 1
    assert np.array_equal(np.concatenate([chunk.time_s for chunk in chunks]), time_s)


@every_store
def test_a_reading_without_a_time_stands_at_its_arrival(store):
    batch = rows_of((5, 0, 1.0), (6, 0, 2.0))
    store.commit(committed(1, replace(batch, time_s=np.array([5.0, np.nan]))))

    assert [row[1] for row in stored_rows(store)] == [5.0, 6.0]


@every_store
def test_latest_is_the_newest_by_time_and_a_clock_ahead_counts_as_it_arrived(store):
    early = rows_of((10, 0, 1.0), (9, 0, 2.0), (9_999, 1, 3.0), (7, 2, np.nan))
    ahead = replace(early, arrived_s=np.array([10.0, 11.0, 10.0, 10.0]))
    store.commit(committed(1, ahead))
    store.commit(committed(2, rows_of((8, 0, 4.0), (12, 1, 5.0), flags=(0, int(Flag.LATE)))))

    assert store.latest([0, 1, 99]) == {
        0: Latest(10.0, 1.0, 0),
        1: Latest(12.0, 5.0, int(Flag.LATE)),
    }
    assert np.isnan(store.latest()[2].value)


@every_store
def test_the_snapshot_comes_back_with_its_own_offset(store):
    assert store.snapshot() is None
    store.commit(committed(1, rows_of(), snapshot=b"one"))
    store.commit(committed(2, rows_of()))
    assert store.snapshot() == (1, b"one")

    store.commit_many([committed(3, rows_of(), snapshot=b"three"), committed(4, rows_of())])

    assert store.snapshot() == (3, b"three")
    assert store.offset() == 4


@every_store
def test_transitions_come_back_newest_first_with_every_field(store):
    store.commit(committed(1, rows_of(), transitions=(RISE,)))
    store.commit(committed(2, rows_of(), transitions=(ACK,)))

    newest, oldest = store.transitions()

    assert newest == ACK
    assert repr(oldest) == repr(RISE)  # its value is NaN
    assert store.transitions(point=2) == [ACK]
    assert store.transitions(since_s=15.0) == [ACK]
    assert store.transitions(limit=1) == [ACK]


@every_store
def test_half_a_character_in_a_note_stops_nothing(store):
    store.commit(committed(1, rows_of(), transitions=(replace(ACK, note="\ud83d\0"),)))

    assert store.transitions()[0].by == "ann"


@every_store
def test_retention_forgets_the_oldest_in_steps_and_history_falls_back_to_rollups(store):
    rows = [(float(t), 0, float(t % 7)) for t in range(0, 90_000, 30)]
    store.commit(committed(1, rows_of(*rows)))
    keep = Retention(raw_s=3600.0, minute_s=50_000.0)

    steps = []
    while gone := store.retain(90_000.0, keep, rows=500):
        steps.append(gone)

    assert max(steps) == 500
    assert store.count() == sum(len(c) for c in store.readings(None, 0, 90_000)) == 120
    assert store.history(0, 43_200, 43_500, 100).bucket_s == 60.0
    assert store.history(0, 0, 7200, 100).count.tolist() == [120, 120]
    assert store.offset() == 1


@every_store
def test_readers_see_only_whole_commits_while_one_writes(store):
    finished = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not finished.is_set():
            seen = store.history(0, 0, 5000, 3).count.sum()
            if seen % 10:
                faults.append(f"{seen} rows seen, commits have 10 each")
            snapshot = store.snapshot()
            if snapshot is not None and snapshot[1] != str(snapshot[0]).encode():
                faults.append(f"snapshot {snapshot}")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for offset in range(1, 101):
        batch = rows_of(*((offset + k / 10, 0, 1.0) for k in range(10)))
        store.commit(committed(offset, batch, snapshot=str(offset).encode()))
    finished.set()
    for reader in readers:
        reader.join()

    assert faults == []
    assert store.count() == 1000
