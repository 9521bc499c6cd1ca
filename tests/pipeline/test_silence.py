"""Silence is not safety: the dead-man's clock of each device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, Presence, concat, tick
from davy.pipeline.silence import Silence
from tests.laws.plans import meter, plan_of
from tests.pipeline.stories import NOON, by_clock, told

PLAN = plan_of(meter(0, 0), meter(1, 1))  # a heartbeat of 60 s each
SILENT = "meter-0.silent"


def changes(*batches: Batch, plan=PLAN) -> list[tuple[str, bool, float]]:
    stage = Silence.of(plan)
    state, found = stage.start(), []
    for batch in batches:
        state, after = stage.step(state, batch)
        found += told(plan, after.changes)
    return found


@pytest.mark.parametrize(("waited_s", "silent"), [(59, False), (60, False), (60.1, True)])
def test_a_device_is_silent_when_its_heartbeat_has_passed(waited_s, silent):
    found = changes(Batch.of((NOON, 0, 1.0)), tick(NOON + waited_s))

    assert found == ([(SILENT, True, NOON + waited_s)] if silent else [])


def test_it_is_announced_once_and_ends_with_the_next_reading():
    found = changes(
        Batch.of((NOON, 0, 1.0)),
        tick(NOON + 61),
        tick(NOON + 62),
        Batch.of((NOON + 90, 0, 1.0), (NOON + 91, 0, 1.0)),
        tick(NOON + 92),
    )

    assert found == [(SILENT, True, NOON + 61), (SILENT, False, NOON + 90)]


def test_a_device_that_was_never_heard_is_not_missed():
    assert changes(tick(NOON), tick(NOON + 1e6)) == []


def test_the_last_will_makes_it_silent_at_once():
    gone = Batch.of(presences=(Presence(device=0, online=False, at_s=NOON + 5),))

    assert changes(Batch.of((NOON, 0, 1.0)), gone) == [(SILENT, True, NOON + 5)]


def test_a_will_is_unsigned_so_online_clears_nothing():
    gone = Batch.of(presences=(Presence(device=0, online=False, at_s=NOON + 5),))
    back = Batch.of(presences=(Presence(device=0, online=True, at_s=NOON + 6),))

    assert changes(Batch.of((NOON, 0, 1.0)), gone, back) == [(SILENT, True, NOON + 5)]


def test_a_device_that_says_it_is_online_is_not_called_silent():
    here = Batch.of(presences=(Presence(device=0, online=True, at_s=NOON + 5),))

    assert changes(Batch.of((NOON, 0, 1.0)), here, here) == []


def test_a_device_that_was_lost_before_it_ever_spoke_is_silent_for_nobody_knows_how_long():
    stage = Silence.of(PLAN)
    gone = Batch.of(presences=(Presence(device=0, online=False, at_s=NOON),))

    _, after = stage.step(stage.start(), gone)

    (change,) = after.changes
    assert change.time_s == NOON
    assert np.isnan(change.value)


def test_after_a_restart_silence_counts_from_when_davy_listens_again():
    hours_later_s = NOON + 7200
    resumed = Batch.of(resumed_s=hours_later_s, watermark_s=hours_later_s)

    assert changes(Batch.of((NOON, 0, 1.0)), resumed, tick(hours_later_s + 60)) == []
    assert changes(Batch.of((NOON, 0, 1.0)), resumed, tick(hours_later_s + 61)) == [
        (SILENT, True, hours_later_s + 61)
    ]


def test_a_restart_does_not_forget_who_was_silent_already():
    found = changes(
        Batch.of((NOON, 0, 1.0)),
        tick(NOON + 61),
        Batch.of(resumed_s=NOON + 500),
        tick(NOON + 600),
        Batch.of((NOON + 601, 0, 1.0)),
    )

    assert found == [(SILENT, True, NOON + 61), (SILENT, False, NOON + 601)]


def test_a_device_with_a_wrong_clock_is_not_silent():
    rows = [by_clock(Batch.of((NOON + t, 0, 1.0)), -1e8) for t in (0, 50, 100)]

    assert changes(concat(rows), tick(NOON + 150)) == []


def test_a_revoked_device_is_not_waited_for():
    plan = plan_of(replace(meter(0, 0), revoked=True))

    assert changes(Batch.of((NOON, 0, 1.0)), tick(NOON + 1e6), plan=plan) == []


def test_each_device_has_its_own_heartbeat():
    plan = plan_of(replace(meter(0, 0), heartbeat_s=10.0), replace(meter(1, 1), heartbeat_s=300.0))
    both = Batch.of((NOON, 0, 1.0), (NOON, 1, 1.0))

    assert changes(both, tick(NOON + 20), plan=plan) == [("meter-0.silent", True, NOON + 20)]


def test_the_change_says_how_long_it_has_been_silent_and_since_when():
    stage = Silence.of(PLAN)
    state, _ = stage.step(stage.start(), Batch.of((NOON, 0, 1.0)))

    _, after = stage.step(state, tick(NOON + 75))

    (change,) = after.changes
    assert (change.value, change.time_s) == (75.0, NOON)
