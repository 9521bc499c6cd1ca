"""The replica: the same log in, the same alarms out, wherever it was cut or begun anew."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.domain.alarm import Act, Event
from davy.domain.batch import COLUMNS, Batch, Presence, concat
from davy.domain.flags import Flag
from davy.ingest.log import Logged
from davy.pipeline.annunciate import AnnunciateState
from davy.service.compose import pipeline_of
from davy.service.replica import Replica, Step
from davy.service.sections import PipelineSection
from davy.wire.channels import Columns
from davy.wire.entries import (
    Acts,
    Enrolled,
    Entry,
    Packed,
    Presences,
    Resumed,
    Tick,
    block_of,
    decode,
    encode,
)
from davy.wire.envelope import Envelope, Sender
from tests.laws.plans import meter, nose, plan_of

BUILD = pipeline_of(PipelineSection())
PLAN = plan_of(nose(0, 0), meter(1, 4))
SENDERS = [
    Sender(device=device.id, index=device.index, site="home", channels=None, key=bytes(32))  # type: ignore[arg-type]
    for device in PLAN.devices
]
NOW_S = 1.76e9


def pack(device: int, seq: int, *rows: tuple[int, float, int], at_s: float) -> Packed:
    """Rows of (channel, value, unit code), all measured when they arrived."""
    channel, raw, unit = zip(*rows, strict=True)
    columns = Columns(
        channel=np.array(channel, np.int32),
        time_s=np.full(len(rows), at_s),
        raw=np.array(raw, np.float64),
        unit=np.array(unit, np.uint8),
        bad=(),
    )
    mark = hash((device, seq, raw)) & 0xFFFFFFFF
    return Packed(Envelope(SENDERS[device], 1, seq, mark, columns), at_s, position=seq + 1)


MV, PPM, CEL = 0, 3, 4
DAY: list[Entry] = [Enrolled(zones=PLAN.zones, devices=PLAN.devices, points=PLAN.points)]
for second in range(40):
    at_s = NOW_S + second
    kitchen = pack(0, second, (0, 900.0 + 60 * second, MV), (2, 21.0, CEL), at_s=at_s)
    instrument = pack(1, second, (4, 500.0 * second, PPM), at_s=at_s)
    DAY += [block_of([kitchen], "mqtt"), block_of([instrument], "http"), Tick(at_s)]
    if second == 12:
        DAY.append(block_of([instrument], "http"))  # what a crash delivers twice
    if second == 25:
        high = PLAN.point_by_key["meter-1.gas.high"].index
        act = Act(id="a", point=high, event=Event.ACK, by="anna", at_s=at_s, note="seen")
        DAY.append(Acts((act,)))
    if second == 30:
        DAY += [Presences((Presence(device=0, online=False, at_s=at_s),)), Resumed(at_s)]
LOG = [Logged(at, 0, decode(encode(entry))) for at, entry in enumerate(DAY, start=1)]


def walked(replica: Replica, entries: list[Logged]) -> list[Step]:
    return list(replica.apply(entries))


def joined(steps: list[Step]) -> Batch:
    return concat([step.batch for step in steps])


def assert_same(one: Batch, other: Batch) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert repr(one.transitions) == repr(other.transitions)


WHOLE = walked(Replica(BUILD), LOG)


def test_the_day_tells_a_story_worth_comparing():
    batch = joined(WHOLE)
    assert len(batch) == 3 * 40 + 1
    assert {t.event for t in batch.transitions} >= {Event.RISE, Event.FALL, Event.ACK}
    assert int(((batch.flags & Flag.DUPLICATE) != 0).sum()) == 1


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=6))
def test_reading_the_log_in_other_pieces_changes_nothing(cuts):
    replica, steps = Replica(BUILD), []
    edges = [0, *sorted(cuts), len(LOG)]
    for start, end in pairwise(edges):
        steps += walked(replica, LOG[start:end])
    assert_same(joined(steps), joined(WHOLE))
    np.testing.assert_array_equal(
        np.concatenate([step.entry for step in steps]),
        np.concatenate([step.entry for step in WHOLE]),
    )


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, len(LOG)))
def test_a_replica_that_was_dumped_and_loaded_goes_on_as_if_nothing_had_been(cut):
    replica = Replica(BUILD)
    before = walked(replica, LOG[:cut])
    loaded = Replica.load(BUILD, replica.dump())
    after = walked(loaded, LOG[cut:])

    assert_same(joined(before + after), joined(WHOLE))
    walked(replica, LOG[cut:])
    assert loaded.dump() == replica.dump()
    assert loaded.positions == {("mqtt", 0): 40, ("http", 0): 40}


def test_a_copy_goes_its_own_way():
    replica = Replica(BUILD)
    walked(replica, LOG[:50])
    stood = replica.dump()
    twin = replica.copy()
    walked(twin, LOG[50:])
    assert replica.dump() == stood
    assert twin.dump() != stood


def test_what_is_applied_twice_is_marked_as_seen_and_moves_no_alarm():
    replica = Replica(BUILD)
    walked(replica, LOG)
    again = [one for one in LOG if type(one.entry).__name__ == "Block"]
    batch = joined(walked(replica, again))
    assert ((batch.flags & Flag.DUPLICATE) != 0).all()
    assert batch.transitions == ()


def test_a_device_that_is_forgotten_may_count_from_the_beginning():
    replica = Replica(BUILD)
    walked(replica, LOG[:50])
    old = block_of([pack(1, 0, (4, 77.0, PPM), at_s=NOW_S + 99)], "http")
    entries = [
        Logged(900, 0, old),
        Logged(901, 0, Enrolled(forgotten=(1,))),
        Logged(902, 0, replace_source(old)),
    ]
    first, _, second = walked(replica, entries)
    assert bool(first.batch.flags[0] & Flag.DUPLICATE)
    assert not second.batch.flags[0] & Flag.DUPLICATE


def replace_source(block: object) -> Entry:
    """The same block as the same bytes from another place."""
    copied = decode(encode(block))  # type: ignore[arg-type]
    assert not isinstance(copied, Enrolled)
    return copied


def test_a_new_device_in_the_middle_leaves_the_others_alarms_as_they_stand():
    replica = Replica(BUILD)
    walked(replica, LOG)
    stood = {point.key: str(_state(replica, point.index)) for point in replica.plan.points}
    grown = plan_of(nose(0, 0), meter(1, 4), meter(2, 5))
    fresh = tuple(point for point in grown.points if point.index >= len(PLAN.points))
    walked(replica, [Logged(999, 0, Enrolled(devices=grown.devices[2:], points=fresh))])
    assert {key: str(_state(replica, replica.plan.point_by_key[key].index)) for key in stood} == (
        stood
    )


def _state(replica: Replica, point: int) -> object:

    return replica.state_of(AnnunciateState).shown(point)
