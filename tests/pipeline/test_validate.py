"""The first look: what cannot be, what came twice, and what came at the wrong time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, concat
from davy.domain.flags import Flag
from davy.domain.site import UNITS, Unit
from davy.pipeline.snapshot import dump, load
from davy.pipeline.stage import Pipeline
from davy.pipeline.validate import PLAUSIBLE, Validate, judged_at
from tests.pipeline.stories import NOON, by_clock, course, steady

YEAR_S = 365 * 86_400.0


def flags_of(batch: Batch, stage: Validate | None = None) -> list[int]:
    stage = stage or Validate(channels=4)
    return stage.step(stage.start(), batch)[1].flags.tolist()


@pytest.mark.parametrize("raw", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_no_number_is_marked_so_and_nothing_else(raw, unit):
    assert flags_of(Batch.of((0, 0, raw), unit=unit)) == [Flag.NOT_A_NUMBER]


@pytest.mark.parametrize("unit", UNITS)
def test_1e308_is_out_of_range_in_every_unit(unit):
    assert flags_of(Batch.of((0, 0, 1e308), (1, 0, -1e308), unit=unit)) == [Flag.OUT_OF_RANGE] * 2


@pytest.mark.parametrize("unit", UNITS)
def test_the_ends_of_what_a_unit_can_be_are_still_believed(unit):
    low, high = PLAUSIBLE[unit]

    assert flags_of(Batch.of((0, 0, low), (1, 0, high), unit=unit)) == [0, 0]


@pytest.mark.parametrize(
    ("unit", "raw"),
    [
        (Unit.MILLIVOLT, 100_001),
        (Unit.OHM, -1),
        (Unit.RATIO, -0.01),
        (Unit.PPM, 1_000_001),
        (Unit.CELSIUS, -91),
        (Unit.HUMIDITY, 140),
        (Unit.COUNT, 1.1e15),
    ],
)
def test_a_value_that_its_unit_cannot_have_is_out_of_range(unit, raw):
    assert flags_of(Batch.of((0, 0, raw), unit=unit)) == [Flag.OUT_OF_RANGE]


@pytest.mark.parametrize(
    ("ahead_s", "flag"),
    [
        (YEAR_S, Flag.FUTURE),
        (5.1, Flag.FUTURE),
        (5.0, 0),
        (0.0, 0),
        (-120.0, 0),
        (-120.1, Flag.LATE),
        (-YEAR_S, Flag.LATE),
    ],
)
def test_a_clock_may_be_five_seconds_ahead_and_two_minutes_behind(ahead_s, flag):
    assert flags_of(by_clock(Batch.of((NOON, 0, 400.0)), ahead_s)) == [flag]


def test_a_reading_with_an_odd_clock_counts_when_it_arrived():
    stage = Validate(channels=4)
    rows = Batch.of((NOON, 0, 1.0), (NOON, 1, 1.0), (NOON, 2, 1.0))
    rows = replace(rows, time_s=NOON + np.array([YEAR_S, -1.0, -3600.0]))

    _, marked = stage.step(stage.start(), rows)

    assert judged_at(marked).tolist() == [NOON, NOON - 1, NOON]


def test_a_reading_older_than_the_newest_of_its_channel_is_out_of_order():
    rows = Batch.of((10, 0, 1.0), (9, 0, 1.0), (9, 1, 1.0), (10, 0, 2.0), (11, 0, 1.0))

    assert flags_of(rows) == [0, Flag.OUT_OF_ORDER, 0, 0, 0]


def test_the_same_value_at_the_same_instant_is_a_duplicate():
    rows = Batch.of((10, 0, 412.0), (10, 0, 412.0), (10, 1, 412.0))

    assert flags_of(rows) == [0, Flag.DUPLICATE, 0]


def test_another_value_at_the_same_instant_is_kept_for_it_might_be_the_gas():
    assert flags_of(Batch.of((10, 0, 412.0), (10, 0, 9000.0))) == [0, 0]


def test_a_nan_that_came_twice_is_a_duplicate_too():
    twice = [Flag.NOT_A_NUMBER, Flag.NOT_A_NUMBER | Flag.DUPLICATE]

    assert flags_of(Batch.of((10, 0, np.nan), (10, 0, np.nan))) == twice


@pytest.mark.parametrize(("later", "known"), [(63, True), (64, False)])
def test_a_twin_is_known_among_the_last_64_readings(later, known):
    day = concat([course(0, range(1 + later)), Batch.of((0, 0, 0.0))])

    assert bool(flags_of(day)[-1] & Flag.DUPLICATE) == known


def test_a_pack_that_is_sent_again_after_a_restart_is_recognised_from_the_snapshot():
    pipeline = Pipeline((Validate(channels=1),))
    pack = course(0, range(50), start_s=NOON)
    state, _ = pipeline.step(pipeline.start(), pack)

    _, again = pipeline.step(load(pipeline, dump(pipeline, state)), pack)

    assert np.all(again.flags & Flag.DUPLICATE)


def test_a_row_that_the_log_calls_a_duplicate_moves_nothing():
    stage = Validate(channels=1)
    known = replace(Batch.of((10, 0, 1.0)), flags=np.array([Flag.DUPLICATE], np.uint32))

    state, _ = stage.step(stage.start(), known)
    _, fresh = stage.step(state, Batch.of((9, 0, 1.0), (10, 0, 1.0)))

    assert fresh.flags.tolist() == [0, 0]


def test_a_clock_that_runs_ahead_never_makes_the_others_look_old():
    stage = Validate(channels=1)
    ahead = by_clock(Batch.of((NOON, 0, 1.0)), 3600)

    state, marked = stage.step(stage.start(), ahead)
    state, right = stage.step(state, steady(0, 2.0, [NOON + 1, NOON + 2]))

    assert marked.flags.tolist() == [Flag.FUTURE]
    assert right.flags.tolist() == [0, 0]
    assert state.newest_s.tolist() == [NOON + 2]


def test_a_late_reading_behind_newer_ones_is_late_and_out_of_order():
    stage = Validate(channels=1)
    state, _ = stage.step(stage.start(), Batch.of((NOON, 0, 1.0)))

    _, backfill = stage.step(state, by_clock(Batch.of((NOON, 0, 3.0)), -600))

    assert backfill.flags.tolist() == [Flag.LATE | Flag.OUT_OF_ORDER]


def test_ten_thousand_readings_of_one_channel_leave_the_last_64_in_memory():
    stage = Validate(channels=1)

    state, _ = stage.step(stage.start(), course(0, range(10_000)))

    assert sorted(state.raws[0].tolist()) == list(range(9_936, 10_000))
