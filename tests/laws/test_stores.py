"""Laws of every store. A new store adds itself to `STORES`, and that is all."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davy.domain.alarm import Event, Kind, Point, Setpoint, State, Transition
from davy.domain.batch import Batch, concat
from davy.domain.errors import Conflict, InputError, Reason, UnknownName
from davy.domain.flags import FAULT, Flag
from davy.domain.site import Channel, Device, Position, Quantity, Trust, Vote, Zone
from davy.store import (
    Bounds,
    Commit,
    Enrolment,
    Evidence,
    Indexes,
    Latest,
    Memory,
    Retention,
    Secret,
    Sqlite,
    Store,
    User,
    entries,
)

SMALL = Bounds(rows=3 * len(Reason), bytes=40 * len(Reason), payload=16)

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: Memory(bounds=SMALL),
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


@pytest.fixture
def store(make: Callable[[Path], Store], tmp_path: Path) -> Iterator[Store]:
    with make(tmp_path) as store:
        yield store


def rows_of(*rows: tuple[float, int, float], flags: tuple[int, ...] = ()) -> Batch:
    batch = Batch.of(*rows)
    return replace(batch, flags=np.array(flags, np.uint32)) if flags else batch


def committed(offset: int, batch: Batch, **more: object) -> Commit:
    return Commit(offset=offset, rows=batch, entry=entries(offset, len(batch)), **more)


times = st.integers(0, 8 * 9000).map(lambda eighths: eighths / 8) | st.sampled_from([59.875, 60.0])
values = st.floats(-1e3, 1e4) | st.sampled_from([np.nan, np.inf, 1e308, 0.0])
marks = st.sampled_from([0, 0, Flag.DUPLICATE, Flag.OPEN, Flag.LATE, Flag.OUT_OF_RANGE])
rows = st.tuples(st.tuples(times, st.integers(0, 2), values), marks)
packs = st.lists(st.lists(rows, max_size=12), min_size=1, max_size=5)


def commits_of(days: list) -> list[Commit]:
    return [
        committed(at, rows_of(*(row for row, _ in day), flags=tuple(mark for _, mark in day)))
        for at, day in enumerate(days, start=1)
    ]


def stored_rows(store: Store) -> list[tuple]:
    names = ("channel", "time_s", "entry", "arrived_s", "raw", "unit", "value", "flags")
    return [
        row
        for chunk in store.readings(None, 0.0, 1e9)
        for row in zip(*(getattr(chunk, name).tolist() for name in names), strict=True)
    ]


def expected_rows(commits: list[Commit]) -> list[tuple]:
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


def assert_same_rows(left: list[tuple], right: list[tuple]) -> None:
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


# Readings ----------------------------------------------------------------------------------


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

        assert stored_rows(together) == pytest.approx(stored_rows(alone), nan_ok=True)
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


# Registry ----------------------------------------------------------------------------------

KITCHEN = Zone(index=0, site="home", name="kitchen", vote=Vote(needed=2, level="high-high"))
MQ4 = Channel(
    id=0,
    device="esp-1",
    name="mq4",
    quantity=Quantity.GAS,
    part="MQ-4",
    gas="methane",
    load_ohm=20_000.0,
    supply_mv=5000.0,
    divider=0.5,
    r0_ohm=10_200.0,
    r0_at_s=1.7e9,
)
HEAT = Channel(id=1, device="esp-1", name="temperature", quantity=Quantity.TEMPERATURE)
ESP = Device(
    index=0,
    id="esp-1",
    site="home",
    zone="kitchen",
    channels=(MQ4, HEAT),
    trust=Trust.TRANSPORT,
    heartbeat_s=30.0,
    position=Position(1.0, 2.0, 3.0),
)
LOW = Point(
    index=0,
    key="esp-1.mq4.low",
    kind=Kind.GAS,
    setpoint=Setpoint(level="low", on=5000.0, deadband=500.0, on_delay_s=2.0, latching=True),
    unit="ppm",
    channel=0,
    uncertified=True,
)
ALL = Enrolment(
    zones=(KITCHEN,), devices=(ESP,), points=(LOW,), secrets={"esp-1": Secret(b"k" * 32, "token")}
)


@every_store
def test_what_is_enrolled_comes_back_with_every_field(store):
    assert store.enrol(lambda free: ALL) == ALL

    assert store.zones() == [KITCHEN]
    assert store.devices() == [ESP]
    assert store.points() == [LOW]
    assert store.secret("esp-1") == Secret(b"k" * 32, "token")
    assert store.indexes() == Indexes(zone=1, device=1, channel=2, point=1)


@every_store
def test_the_next_free_indexes_are_given_to_the_draft(store):
    store.enrol(lambda free: ALL)

    def draft(free: Indexes) -> Enrolment:
        second = replace(MQ4, id=free.channel, device="esp-2")
        return Enrolment(
            devices=(Device(index=free.device, id="esp-2", site="s", zone="z", channels=(second,)),)
        )

    store.enrol(draft)

    assert [device.id for device in store.devices()] == ["esp-1", "esp-2"]
    assert store.devices()[1].channels[0].id == 2


@every_store
def test_a_replaced_device_keeps_its_index_and_a_removed_channel_its_id(store):
    store.enrol(lambda free: ALL)
    humidity = Channel(id=2, device="esp-1", name="humidity", quantity=Quantity.HUMIDITY)
    changed = replace(ESP, channels=(humidity, replace(MQ4, r0_ohm=9900.0)), revoked=True)

    store.enrol(lambda free: Enrolment(devices=(changed,)))

    assert store.devices() == [changed]
    assert store.indexes().channel == 3
    with pytest.raises(Conflict, match="exists already, under index 1"):
        store.enrol(
            lambda free: Enrolment(devices=(replace(ESP, channels=(replace(HEAT, id=3),)),))
        )


CLASHES = {
    "a hole": Enrolment(devices=(replace(ESP, index=2, id="esp-3", channels=()),)),
    "another name": Enrolment(devices=(replace(ESP, id="esp-9", channels=()),)),
    "the same name again": Enrolment(devices=(replace(ESP, index=1),)),
    "another zone": Enrolment(zones=(replace(KITCHEN, name="cellar"),)),
    "another channel": Enrolment(devices=(replace(ESP, channels=(replace(MQ4, name="mq5"),)),)),
    "another point": Enrolment(points=(replace(LOW, key="esp-1.mq4.high"),)),
    "somebody else's channel": Enrolment(
        devices=(replace(ESP, channels=(replace(MQ4, id=2, device="esp-2"),)),)
    ),
    "below zero": Enrolment(zones=(replace(KITCHEN, index=-1, name="attic"),)),
}


@every_store
@pytest.mark.parametrize("clash", CLASHES.values(), ids=CLASHES)
def test_an_index_never_changes_its_meaning_and_leaves_no_hole(store, clash):
    store.enrol(lambda free: ALL)
    good = replace(clash, secrets={"esp-1": Secret(None, "other")})

    with pytest.raises(Conflict):
        store.enrol(lambda free: good)

    assert store.devices() == [ESP]
    assert store.secret("esp-1").token == "token"


@every_store
def test_a_secret_is_replaced_when_it_is_rotated_and_never_shown(store):
    store.enrol(lambda free: ALL)

    store.enrol(lambda free: Enrolment(secrets={"esp-1": Secret(None, "newer")}))

    assert store.secrets() == {"esp-1": Secret(None, "newer")}
    assert "newer" not in repr(store.secrets())


@every_store
def test_a_secret_for_nobody_is_refused(store):
    with pytest.raises(UnknownName, match="ghost"):
        store.enrol(lambda free: Enrolment(secrets={"ghost": Secret(None, "boo")}))
    with pytest.raises(UnknownName, match="ghost"):
        store.secret("ghost")


@every_store
def test_a_draft_that_fails_leaves_nothing(store):
    def fails(free: Indexes) -> Enrolment:
        raise Conflict("changed my mind")

    with pytest.raises(Conflict, match="changed my mind"):
        store.enrol(fails)
    store.enrol(lambda free: ALL)

    assert store.indexes().device == 1


# Quarantine, audit, users ------------------------------------------------------------------


def evidence(at_s: float, reason: Reason, payload: bytes = b"x") -> Evidence:
    return Evidence(at_s=at_s, reason=reason, detail="why", payload=payload)


@every_store
def test_evidence_is_cut_measured_and_hashed(store):
    long = Evidence(
        at_s=1.0,
        reason=Reason.MALFORMED,
        detail="half \ud83d",
        device="esp-1",
        topic="davy/v1/s/esp-1/readings",
        payload=b"a" * 300_000,
    )
    store.quarantine_put([long])

    (kept,) = store.quarantine()

    assert kept.payload == b"a" * 16
    assert kept.size == 300_000
    assert kept.sha256.startswith("c9f63a6ebe1d") or len(kept.sha256) == 64
    assert (kept.device, kept.topic, kept.detail) == (long.device, long.topic, "half ?")


@every_store
def test_a_flood_of_one_reason_leaves_the_others_alone(store):
    store.quarantine_put([evidence(0, Reason.BAD_SIGNATURE)])

    for at in range(50):
        store.quarantine_put([evidence(at, Reason.MALFORMED), evidence(at, Reason.REPLAYED)])

    assert [item.at_s for item in store.quarantine(reason="malformed")] == [49, 48, 47]
    assert len(store.quarantine(reason=Reason.BAD_SIGNATURE)) == 1
    assert [item.at_s for item in store.quarantine(since_s=49)] == [49, 49]
    assert len(store.quarantine(limit=2)) == 2


@every_store
def test_payloads_of_one_reason_stay_within_their_bytes(store):
    store.quarantine_put([evidence(at, Reason.STALE, b"p" * 16) for at in range(10)])

    assert [item.at_s for item in store.quarantine()] == [9, 8]  # 40 bytes a reason


@every_store
def test_the_audit_trail_verifies_and_reads_back_newest_first(store):
    assert store.audit_verify() is None
    rows = [
        store.audit("ann", "ack", f"alarm {n}", "caf\u00e9 \ud83d", 100.0 + n) for n in range(3)
    ]

    assert store.audit_rows() == rows[::-1]
    assert store.audit_rows(limit=1) == rows[-1:]
    assert store.audit_head().count == 3
    assert store.audit_verify() is None


@every_store
def test_a_head_noted_elsewhere_finds_a_trail_that_was_written_anew(make, tmp_path):
    with opened(make) as honest, opened(make) as forged:
        for detail, store in (("5000 ppm", honest), ("9000 ppm", forged)):
            store.audit("ann", "limits", "esp-1.mq4.low", detail, 1.0)
        noted = honest.audit_head()

        assert forged.audit_verify() is None
        assert forged.audit_verify(noted).seq == 1
        assert honest.audit_verify(noted) is None


@every_store
def test_users_are_put_replaced_and_removed(store):
    store.put_user("bob", "viewer", "h1")
    store.put_user("ann", "admin", "h2")
    store.put_user("bob", "operator", "h3")

    assert store.users() == [User("ann", "admin", "h2"), User("bob", "operator", "h3")]
    assert store.user("nobody") is None
    store.remove_user("bob")
    assert store.user("bob") is None
    with pytest.raises(UnknownName, match="bob"):
        store.remove_user("bob")


@every_store
def test_a_small_fact_is_kept_and_replaced(store):
    assert store.meta("limits") is None
    store.put_meta("limits", "1")
    store.put_meta("limits", "2")

    assert store.meta("limits") == "2"


@every_lasting_store
def test_everything_is_the_same_after_reopening(make, tmp_path):
    with make(tmp_path) as store:
        store.enrol(lambda free: ALL)
        store.commit(
            committed(1, rows_of((1, 0, 2.0), (2, 1, np.nan)), transitions=(ACK,), snapshot=b"s")
        )
        store.audit("ann", "add", "esp-1", "", 1.0)
        store.quarantine_put([evidence(1, Reason.STALE)])
        store.put_user("ann", "admin", "hash")
        before = state_of(store)

    with make(tmp_path) as store:
        assert state_of(store) == before
        assert (store.zones(), store.devices(), store.points()) == ([KITCHEN], [ESP], [LOW])
        assert store.audit_verify() is None
        assert store.audit_head().count == 1
        assert len(store.quarantine()) == 1
        assert store.user("ann") == User("ann", "admin", "hash")
