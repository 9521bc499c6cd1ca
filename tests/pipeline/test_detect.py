"""When a condition begins and when it has ended, with delays, faults and wrong clocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, concat, tick
from davy.domain.flags import Flag
from davy.domain.limits import Limits, Rule
from davy.pipeline.detect import Detect
from davy.pipeline.stage import Pipeline
from davy.pipeline.validate import Validate
from tests.laws.plans import meter, nose, plan_of
from tests.pipeline.stories import NOON, by_clock, course, steady, told

YEAR_S = 365 * 86_400.0
FAULT = np.uint32(Flag.NOT_A_NUMBER)


def plan_with(**high: float):
    """A methane meter with one alarm, `high` at 2000 ppm, besides its troubles."""
    rule = Rule(level="high", on=2000, unit="ppm", **{"deadband": 500, **high})
    never = Rule(level="rise", on=9e5, unit="ppm")
    return plan_of(meter(0, 0), limits=Limits(rules={"methane": (rule, never)}))


def said(plan, *batches: Batch, level: str = "high") -> list[tuple[bool, float]]:
    """(began?, when) of one level."""
    key = f"meter-0.gas.{level}"
    return [(active, at_s) for name, active, at_s in heard(plan, *batches) if name == key]


def heard(plan, *batches: Batch) -> list[tuple[str, bool, float]]:
    pipeline = Pipeline((Validate(plan.channel_count), Detect.of(plan)))
    state, found = pipeline.start(), []
    for batch in batches:
        state, after = pipeline.step(state, batch)
        found += told(plan, after.changes)
    return found


def first_change(plan, *batches: Batch):
    pipeline = Pipeline((Validate(plan.channel_count), Detect.of(plan)))
    state = pipeline.start()
    for batch in batches:
        state, after = pipeline.step(state, batch)
        for change in after.changes:
            if plan.points[change.point].level == "high":
                return change
    raise AssertionError("nothing was said")


def test_it_begins_at_its_limit_and_ends_below_its_deadband():
    ppm = [1999, 2000, 2500, 1999, 1500, 1499, 1999]

    assert said(plan_with(), course(0, ppm)) == [(True, 1), (False, 5)]


def test_a_value_that_wanders_inside_the_deadband_does_not_chatter():
    assert said(plan_with(), course(0, [2000, 1501, 1999] * 30)) == [(True, 0)]


@pytest.mark.parametrize(
    ("ppm", "story"),
    [
        ([3000, 3000, 3000], []),
        ([3000, 3000, 3000, 3000], [(True, 3)]),
        ([3000, 3000, 1000, 3000, 3000, 3000], []),
        ([3000, 3000, 1000, 3000, 3000, 3000, 3000], [(True, 6)]),
        ([3000, 1800, 1800, 1800], [(True, 3)]),  # inside the deadband it still stands
    ],
)
def test_with_an_on_delay_it_must_stand_for_three_seconds(ppm, story):
    assert said(plan_with(on_delay_s=3), course(0, ppm)) == story


@pytest.mark.parametrize(
    ("ppm", "story"),
    [
        ([3000, 0, 0, 0, 0], [(True, 0)]),
        ([3000, 0, 0, 0, 0, 0], [(True, 0), (False, 5)]),
        ([3000, 0, 0, 3000, 0, 0, 0, 0], [(True, 0)]),
        ([3000, 0, 0, 3000, 0, 0, 0, 0, 0], [(True, 0), (False, 8)]),
    ],
)
def test_with_an_off_delay_it_must_be_gone_for_four_seconds(ppm, story):
    assert said(plan_with(off_delay_s=4), course(0, ppm)) == story


def test_a_tick_begins_what_has_stood_for_its_delay():
    gas = Batch.of((NOON, 0, 3000.0))

    story = said(plan_with(on_delay_s=3), gas, tick(NOON + 2.9), tick(NOON + 3), tick(NOON + 4))

    assert story == [(True, NOON + 3)]


def test_a_tick_never_ends_a_condition_only_a_reading_can():
    gone = course(0, [3000, 0], start_s=NOON)

    story = said(plan_with(off_delay_s=4), gone, tick(NOON + 1000), Batch.of((NOON + 2000, 0, 0.0)))

    assert story == [(True, NOON), (False, NOON + 2000)]


def test_a_fault_holds_the_gas_alarm_and_adds_trouble():
    plan = plan_with()

    found = heard(plan, course(0, [3000, np.nan, np.nan, 3000, 0]))

    assert found == [
        ("meter-0.gas.high", True, 0),
        ("meter-0.gas.fault", True, 1),
        ("meter-0.gas.high", False, 4),
    ]


def test_a_fault_that_is_over_for_five_seconds_has_ended():
    story = said(plan_with(), course(0, [np.nan, *[0.0] * 7]), level="fault")

    assert story == [(True, 0), (False, 6)]


def test_gas_that_turns_into_a_fault_still_alarms_when_its_delay_has_passed():
    plan = plan_with(on_delay_s=3)

    change = first_change(plan, course(0, [3000, np.nan, np.nan, np.nan], start_s=NOON))

    assert change.at_s == NOON + 3
    assert change.value == 3000, "what was last read, not the fault"


@pytest.mark.parametrize("raw", [np.inf, 1e308, -1e9])
def test_what_cannot_be_raises_trouble_and_no_gas(raw):
    found = heard(plan_with(), Batch.of((0, 0, raw)))

    assert found == [("meter-0.gas.fault", True, 0)]


def test_above_its_curve_a_film_exceeds_every_limit():
    plan = plan_of(nose(0, 0))
    stage = Detect.of(plan)
    over = Batch.of((NOON, 0, 10_000.0))
    over = replace(over, flags=np.array([Flag.ABOVE_CURVE], np.uint32))

    _, after = stage.step(stage.start(), over)

    assert [plan.points[change.point].level for change in after.changes] == [
        "low",
        "high",
        "high-high",
        "over-range",
    ]
    assert {change.value for change in after.changes[:3]} == {10_000.0}, "no person reads infinity"


def test_above_its_curve_the_end_of_the_curve_is_told_also_by_a_tick():
    plan = plan_with(on_delay_s=3)
    over = replace(Batch.of((NOON, 0, 10_000.0)), flags=np.array([Flag.ABOVE_CURVE], np.uint32))

    assert first_change(plan, over, tick(NOON + 3)).value == 10_000


def test_below_its_curve_a_film_trips_nothing_however_low_the_limit():
    plan = plan_of(
        nose(0, 0), limits=Limits(rules={"methane": (Rule(level="low", on=100, unit="ppm"),)})
    )
    stage = Detect.of(plan)
    foot = Batch.of((0, 0, 300.0), (1, 0, 300.0))
    foot = replace(foot, flags=np.array([0, Flag.BELOW_CURVE], np.uint32))

    _, after = stage.step(stage.start(), foot)

    assert told(plan, after.changes) == [("nose-0.mq4.low", True, 0), ("nose-0.mq4.low", False, 1)]
    assert [change.value for change in after.changes] == [300, 300]


def test_gas_that_is_there_at_start_up_alarms_with_the_first_reading():
    assert said(plan_with(), Batch.of((NOON, 0, 5000.0))) == [(True, NOON)]


def test_warm_up_suppresses_no_gas():
    plan = plan_of(nose(0, 0))
    stage = Detect.of(plan)
    cold = replace(Batch.of((0, 0, 6000.0)), flags=np.array([Flag.WARM_UP], np.uint32))

    _, after = stage.step(stage.start(), cold)

    assert told(plan, after.changes) == [
        ("nose-0.mq4.low", True, 0),
        ("nose-0.mq4.warm-up", True, 0),
    ]


@pytest.mark.parametrize("ahead_s", [0.0, 3600.0, -3600.0, YEAR_S, -YEAR_S])
def test_a_wrong_clock_never_hides_gas_nor_delays_it(ahead_s):
    gas = by_clock(steady(0, 3000.0, NOON + np.arange(10)), ahead_s)

    assert said(plan_with(on_delay_s=3), gas) == [(True, NOON + 3)]


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0, YEAR_S])
def test_gas_that_is_gone_is_gone_by_a_wrong_clock_too(ahead_s):
    day = by_clock(course(0, [3000, *[0.0] * 10], start_s=NOON), ahead_s)

    assert said(plan_with(off_delay_s=4), day) == [(True, NOON), (False, NOON + 5)]


def test_a_clock_that_leaps_ahead_while_gas_stands_makes_it_speak_sooner():
    right = Batch.of((NOON, 0, 3000.0))
    leapt = by_clock(Batch.of((NOON + 1, 0, 3000.0)), 3600)

    assert said(plan_with(on_delay_s=60), right, leapt) == [(True, NOON + 1)]


@pytest.mark.parametrize("ahead_s", [-3600.0, -YEAR_S])
def test_a_clock_that_is_set_back_while_gas_ends_clears_later_but_clears(ahead_s):
    right = course(0, [3000.0, 0.0], start_s=NOON)
    back = by_clock(course(0, [0.0] * 12, start_s=NOON + 5), ahead_s)

    story = said(plan_with(off_delay_s=10), right, back)

    assert story == [(True, NOON), (False, NOON + 15)]  # ten seconds by its own clock


def test_a_clock_that_runs_ahead_is_trouble():
    ahead = by_clock(Batch.of((NOON, 0, 10.0)), 3600)

    assert heard(plan_with(), ahead) == [("meter-0.gas.clock", True, NOON)]


def test_back_filled_gas_is_announced_as_such_with_both_times():
    late = by_clock(Batch.of((NOON, 0, 3000.0)), -1800)

    change = first_change(plan_with(), late)

    assert change.backfilled
    assert (change.at_s, change.time_s) == (NOON, NOON - 1800)


@pytest.mark.parametrize(("suspicion", "unverified"), [(0.0, False), (0.4, False), (0.5, True)])
def test_suspicion_marks_an_alarm_and_never_silences_it(suspicion, unverified):
    odd = replace(Batch.of((NOON, 0, 3000.0)), suspicion=np.array([suspicion], np.float32))

    assert first_change(plan_with(), odd).unverified == unverified


def test_an_alarm_that_a_tick_begins_remembers_that_its_reading_was_odd():
    odd = by_clock(Batch.of((NOON, 0, 3000.0)), -1800)
    odd = replace(odd, suspicion=np.array([0.9], np.float32))

    change = first_change(plan_with(on_delay_s=3), odd, tick(NOON + 3))

    assert change.unverified
    assert change.backfilled
    assert (change.at_s, change.time_s, change.value) == (NOON + 3, NOON - 1800, 3000)


def test_a_duplicate_begins_and_ends_nothing():
    rows = Batch.of((0, 0, 3000.0), (1, 0, 0.0))
    rows = replace(rows, flags=np.full(2, Flag.DUPLICATE, np.uint32))

    assert heard(plan_with(), rows) == []


def test_low_and_high_are_alarms_of_their_own_in_the_order_of_the_rows():
    plan = plan_of(meter(0, 0))

    found = heard(plan, course(0, [0, 6000, 11_000, 21_000, 17_000, 0], step_s=100))

    assert found == [
        ("meter-0.gas.low", True, 100),
        ("meter-0.gas.high", True, 200),
        ("meter-0.gas.high-high", True, 300),
        ("meter-0.gas.high-high", False, 400),
        ("meter-0.gas.low", False, 500),
        ("meter-0.gas.high", False, 500),
    ]


def test_two_channels_know_nothing_of_each_other():
    plan = plan_of(meter(0, 0), meter(1, 1))

    found = heard(plan, Batch.of((0, 0, 6000.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 6000.0)))

    assert found == [
        ("meter-0.gas.low", True, 0),
        ("meter-0.gas.low", False, 1),
        ("meter-1.gas.low", True, 1),
    ]


def test_an_alarm_that_is_switched_off_says_nothing():
    plan = plan_of(meter(0, 0))
    point = plan.point_by_key["meter-0.gas.low"]
    plan = plan.with_points(replace(point, enabled=False))

    assert heard(plan, course(0, [6000.0])) == []


def test_a_quiet_channel_leaves_nothing_behind_and_an_alarm_only_that_it_stands():
    plan = plan_with(on_delay_s=1, off_delay_s=1)
    stage = Detect.of(plan)

    state, _ = stage.step(stage.start(), course(0, [0, 3000, 3000, 3000, 0, 0, 0]))

    fresh = stage.start()
    for name, column in state._asdict().items():
        np.testing.assert_array_equal(column, getattr(fresh, name), err_msg=name)


def test_temperature_alarms_in_degrees():
    plan = plan_of(nose(0, 0))
    stage = Detect.of(plan)
    hot = concat([Batch.of((t, 2, c)) for t, c in ((0, 49.9), (1, 50.0), (2, 47.5), (3, 46.9))])

    _, after = stage.step(stage.start(), hot)

    assert told(plan, after.changes) == [
        ("nose-0.temperature.high", True, 1),
        ("nose-0.temperature.high", False, 3),
    ]
