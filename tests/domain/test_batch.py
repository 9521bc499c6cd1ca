"""What flows: columns that can be cut and joined without losing a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.alarm import Act, Change, Event, State, Transition
from davy.domain.batch import COLUMNS, Batch, Presence, concat, tick
from davy.domain.flags import FAULT, UNUSABLE, Flag, bits, marked
from davy.domain.site import UNITS, Unit

ROWS = st.lists(
    st.tuples(st.floats(0, 1e9), st.integers(0, 9), st.floats(-1e6, 1e6)), min_size=1, max_size=20
)
ACT = Act(id="a1", point=0, event=Event.ACK, by="anna", at_s=9.0)
GONE = Presence(device=0, online=False, at_s=9.0)


def change(row: int) -> Change:
    return Change(point=row, active=True, at_s=1.0, time_s=1.0, value=5.0, row=row)


@given(rows=ROWS, cut=st.integers(0, 25))
def test_a_batch_that_is_cut_and_joined_is_the_same_batch(rows, cut):
    day = replace(Batch.of(*rows), acts=(ACT,), presences=(GONE,), watermark_s=1e9)
    cut %= len(day)

    again = concat([day[:cut], day[cut:]])

    for name, dtype in COLUMNS.items():
        np.testing.assert_array_equal(getattr(again, name), getattr(day, name))
        assert getattr(again, name).dtype == dtype
    assert (again.acts, again.presences) == ((ACT,), (GONE,))
    assert again.watermark_s == 1e9


def test_what_follows_the_rows_goes_with_the_last_of_them():
    day = Batch.of((0, 0, 1.0), (1, 0, 2.0), acts=(ACT,), watermark_s=5.0)

    assert day[:1].acts == ()
    assert np.isnan(day[:1].watermark_s)
    assert day[1:].acts == (ACT,)
    assert day[1:].watermark_s == 5.0


def test_joined_changes_point_at_the_rows_that_brought_them():
    morning = Batch.of((0, 0, 1.0), (1, 0, 2.0), changes=(change(1),))
    evening = Batch.of((2, 0, 3.0), changes=(change(0), change(1)))

    assert [item.row for item in concat([morning, evening]).changes] == [1, 2, 3]


def test_of_two_watermarks_the_last_word_counts_and_silence_says_nothing():
    day = concat([tick(5.0), Batch.of(resumed_s=3.0), tick(7.0), Batch.of((8, 0, 1.0))])

    assert (day.watermark_s, day.resumed_s) == (7.0, 3.0)
    assert len(day) == 1


def test_transitions_and_presences_are_joined_in_order():
    step = Transition(
        point=0,
        event=Event.RISE,
        before=State.NORMAL,
        after=State.UNACKED,
        at_s=1.0,
        time_s=1.0,
    )
    later = replace(step, at_s=2.0)

    day = concat([Batch.of(transitions=(step,), presences=(GONE,)), Batch.of(transitions=(later,))])

    assert day.transitions == (step, later)
    assert day.presences == (GONE,)


def test_nothing_joined_is_an_empty_batch_with_the_right_columns():
    empty = concat([])

    assert len(empty) == 0
    assert {name: getattr(empty, name).dtype for name in COLUMNS} == {
        name: np.dtype(dtype) for name, dtype in COLUMNS.items()
    }


def test_a_tick_has_no_rows_and_says_how_far_time_has_come():
    assert (len(tick(12.5)), tick(12.5).watermark_s) == (0, 12.5)


def test_a_batch_by_hand_arrives_as_it_was_measured_in_the_unit_that_it_names():
    batch = Batch.of((0, 2, 21.5), unit=Unit.CELSIUS)

    assert batch.arrived_s.tolist() == [0]
    assert UNITS[batch.unit[0]] is Unit.CELSIUS
    assert batch.value.tolist() == [21.5]


def test_what_has_not_been_judged_yet_is_nan_and_cannot_be_written_by_mistake():
    one = np.zeros(1)
    batch = Batch.of_columns(
        time_s=one,
        arrived_s=one,
        channel=np.zeros(1, np.int32),
        raw=one,
        unit=np.zeros(1, np.uint8),
        boot=np.zeros(1, np.int64),
    )

    assert np.isnan(
        [batch.value[0], batch.rise[0], batch.stel[0], batch.twa[0], batch.dose[0]]
    ).all()
    with pytest.raises(ValueError, match="read-only"):
        batch.dose[0] = 1.0


def test_flags_stand_together_and_can_be_asked_for_one_by_one():
    flags = np.array([0, Flag.LATE | Flag.OPEN, Flag.DUPLICATE], np.uint32)

    assert marked(flags, Flag.LATE).tolist() == [False, True, False]
    assert marked(flags, FAULT).tolist() == [False, True, False]
    assert marked(flags, UNUSABLE).tolist() == [False, True, True]
    assert (flags | bits(Flag.LATE)).dtype == np.uint32


@pytest.mark.parametrize("flag", [Flag.WARM_UP, Flag.UNCALIBRATED, Flag.LATE, Flag.FUTURE])
def test_a_reading_that_is_only_odd_is_still_read(flag):
    assert not flag & UNUSABLE
