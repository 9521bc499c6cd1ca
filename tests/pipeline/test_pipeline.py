"""The whole row of stages on stories from a kitchen, a garage and a plant room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.alarm import Event, State
from davy.domain.batch import COLUMNS, Batch, Presence, concat, tick
from davy.domain.flags import Flag
from davy.domain.site import UNIT_CODES, Unit
from davy.pipeline.annunciate import AnnunciateState
from davy.pipeline.snapshot import dump, load
from davy.sensing.chain import mv_for_ppm
from tests.laws.plans import meter, nose, plan_of
from tests.pipeline.stories import NOON, all_stages, doing, in_time, life, steady

KITCHEN = plan_of(nose(0, 0), meter(1, 4))
WARM, DAMP = 28.0, 70.0


def leak_ppm(minutes: np.ndarray) -> np.ndarray:
    """Clean for two minutes, up by 1,000 ppm a minute for nine, then somebody airs the room."""
    grows = np.clip(1000 * (minutes - 2), 0, 9000)
    return np.where(minutes < 11, grows, 9000 * np.exp(-(minutes - 11)))


def evening(minutes: float = 20, device: int = 0, boot: int = 0) -> Batch:
    """What one box sends: MQ-4 and MQ-7 as millivolts, warm damp air, every two seconds."""
    times = np.arange(0, minutes * 60, 2.0)
    mq4 = mv_for_ppm(
        "MQ-4",
        "methane",
        leak_ppm(times / 60),
        r0_ohm=10_000,
        temperature_c=WARM,
        humidity=DAMP,
    )
    mq7 = mv_for_ppm("MQ-7", "carbon-monoxide", 0.0, temperature_c=WARM, humidity=DAMP)
    raw = np.stack([np.full_like(times, value) for value in (WARM, DAMP, float(mq7))], axis=1)
    raw = np.concatenate([raw, mq4[:, None]], axis=1).ravel()
    time_s = NOON + np.repeat(times, 4)
    units = (Unit.CELSIUS, Unit.HUMIDITY, Unit.MILLIVOLT, Unit.MILLIVOLT)
    return Batch.of_columns(
        time_s=time_s,
        arrived_s=time_s + 0.05,
        channel=np.tile(4 * device + np.array([2, 3, 1, 0]), len(times)).astype(np.int32),
        raw=raw,
        unit=np.tile([UNIT_CODES[unit] for unit in units], len(times)).astype(np.uint8),
        boot=np.full(len(time_s), boot, np.int64),
    )


def test_a_leak_in_a_kitchen_from_the_first_whiff_to_the_last_reset():
    pipeline = all_stages(KITCHEN)
    low = KITCHEN.point_by_key["nose-0.mq4.low"].index

    state, day = pipeline.step(pipeline.start(), evening())
    state, ack = pipeline.step(state, doing(Event.ACK, low, at_s=NOON + 1210))
    state, reset = pipeline.step(state, doing(Event.RESET, low, at_s=NOON + 1220))

    assert life(KITCHEN, day.transitions) == [
        ("nose-0.mq7.warm-up", "rise", "unacked"),
        ("nose-0.mq7.uncalibrated", "rise", "unacked"),
        ("nose-0.mq4.warm-up", "rise", "unacked"),
        ("nose-0.mq7.warm-up", "fall", "normal"),
        ("nose-0.mq4.warm-up", "fall", "normal"),
        ("nose-0.mq4.low", "rise", "unacked"),
        ("nose-0.mq4.low", "fall", "rtn_unacked"),
    ]
    rise, fall = [step for step in day.transitions if step.point == low]
    # 5,000 ppm (10 %LEL) are reached after seven minutes and left below 9 %LEL in the twelfth.
    assert rise.at_s == pytest.approx(NOON + 7 * 60, abs=2)
    assert rise.value == pytest.approx(5000, abs=40)
    assert fall.at_s == pytest.approx(NOON + (11 + np.log(9000 / 4500)) * 60, abs=2)
    assert life(KITCHEN, ack.transitions) == [("nose-0.mq4.low", "ack", "latched")]
    assert life(KITCHEN, reset.transitions) == [("nose-0.mq4.low", "reset", "normal")]


def test_the_ppm_behind_the_millivolts_is_what_was_in_the_air():
    pipeline = all_stages(KITCHEN)
    day = evening()

    _, judged = pipeline.step(pipeline.start(), day)

    film = (day.channel == 0) & (judged.flags & Flag.BELOW_CURVE == 0)
    minutes = (day.time_s[film] - NOON) / 60
    np.testing.assert_allclose(judged.value[film], leak_ppm(minutes), rtol=1e-9)
    assert film.sum() > 300


def test_a_burst_pipe_closes_the_valve_within_one_reading():
    pipeline = all_stages(KITCHEN)
    burst = steady(4, 30_000.0, [NOON])

    _, judged = pipeline.step(pipeline.start(), burst)

    assert life(KITCHEN, judged.transitions) == [
        ("meter-1.gas.low", "rise", "unacked"),
        ("meter-1.gas.high", "rise", "unacked"),
        ("home.kitchen.executive", "rise", "unacked"),
        ("meter-1.gas.high-high", "rise", "unacked"),
    ]


def test_two_devices_alarm_apart_and_their_alarms_are_acknowledged_apart():
    plan = plan_of(nose(0, 0), nose(1, 4))
    pipeline = all_stages(plan)
    both = in_time(concat([evening(9, device=0), evening(9, device=1)]))
    low = plan.point_by_key["nose-0.mq4.low"].index

    state, judged = pipeline.step(pipeline.start(), both)
    state, _ = pipeline.step(state, doing(Event.ACK, low, at_s=NOON + 600))

    rises = [row for row in life(plan, judged.transitions) if row[0].endswith("mq4.low")]
    assert rises == [("nose-0.mq4.low", "rise", "unacked"), ("nose-1.mq4.low", "rise", "unacked")]
    shown = [
        _annunciated(state).shown(plan.point_by_key[f"nose-{i}.mq4.low"].index) for i in (0, 1)
    ]
    assert shown == [State.ACKED, State.UNACKED]


def test_a_box_that_is_cut_off_in_the_middle_of_a_leak_leaves_its_alarm_standing():
    pipeline = all_stages(KITCHEN)
    cut = Batch.of(presences=(Presence(device=0, online=False, at_s=NOON + 541),))

    state, _ = pipeline.step(pipeline.start(), evening(9))
    state, gone = pipeline.step(state, cut)
    state, _ = pipeline.step(state, tick(NOON + 7200))

    assert life(KITCHEN, gone.transitions) == [("nose-0.silent", "rise", "unacked")]
    low = KITCHEN.point_by_key["nose-0.mq4.low"].index
    assert _annunciated(state).shown(low) is State.UNACKED


def test_a_restart_in_the_middle_of_a_leak_goes_on_as_if_nothing_had_happened():
    pipeline = all_stages(KITCHEN)
    day = evening()
    _, whole = pipeline.step(pipeline.start(), day)

    state, before = pipeline.step(pipeline.start(), day[:1500])
    _, after = pipeline.step(load(pipeline, dump(pipeline, state)), day[1500:])

    assert repr(before.transitions + after.transitions) == repr(whole.transitions)


def test_the_same_log_gives_the_same_alarms_in_a_replay_next_year():
    plan = plan_of(nose(0, 0))
    minute = [evening()[i : i + 120] for i in range(0, 2400, 120)]
    told = []
    for _ in range(2):
        pipeline = all_stages(plan)
        state, steps, columns = pipeline.start(), [], []
        for batch in minute:
            state, judged = pipeline.step(state, replace(batch, watermark_s=batch.arrived_s[-1]))
            steps += judged.transitions
            columns.append(judged)
        told.append((steps, concat(columns)))

    (first, one), (second, other) = told
    assert repr(first) == repr(second)
    assert len(first) >= 7
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_whole_pack_that_is_sent_again_changes_nothing():
    pipeline = all_stages(KITCHEN)
    pack = evening(9)[-240:]  # the last minute: a device's own memory of what it sent
    state, _ = pipeline.step(pipeline.start(), evening(9))
    before = _annunciated(state).state.copy()

    state, again = pipeline.step(state, pack)

    assert np.all(again.flags & Flag.DUPLICATE)
    assert again.transitions == ()
    np.testing.assert_array_equal(_annunciated(state).state, before)


def test_carbon_monoxide_from_a_boiler_alarms_by_dose_before_anyone_feels_it():
    plan = plan_of(meter(0, 0, "carbon-monoxide"))
    pipeline = all_stages(plan)
    night = steady(0, 110.0, (NOON + np.arange(0, 3600, 10.0)).tolist())

    _, judged = pipeline.step(pipeline.start(), night)

    (dose,) = [step for step in judged.transitions if plan.points[step.point].level == "co-dose-en"]
    assert 10 * 60 <= dose.at_s - NOON <= 40 * 60  # the band of 100 ppm
    assert dose.after is State.UNACKED


def _annunciated(states: tuple[object, ...]) -> AnnunciateState:
    (found,) = [state for state in states if isinstance(state, AnnunciateState)]
    return found
