"""From what a device sends to what it means, with the weather of its own box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, concat
from davy.domain.flags import Flag
from davy.domain.site import Unit
from davy.pipeline.calibrate import Calibrate
from davy.sensing.catalog import mox_part
from davy.sensing.chain import mv_for_ppm, ppm_for_mv
from tests.laws.plans import meter, nose, plan_of
from tests.pipeline.stories import steady

MQ4, MQ7, THERMOMETER, HYGROMETER = 0, 1, 2, 3
PLAN = plan_of(nose(0, 0), nose(1, 4), meter(2, 8))
MV_2000 = float(mv_for_ppm("MQ-4", "methane", 2000, r0_ohm=10_000))
WARM_S = 1e6
"""Long after the first reading, so that nothing is cold."""


def weather(at_s: float, temperature_c: float, humidity: float, device: int = 0) -> Batch:
    return concat(
        [
            steady(4 * device + THERMOMETER, temperature_c, [at_s], Unit.CELSIUS),
            steady(4 * device + HYGROMETER, humidity, [at_s], Unit.HUMIDITY),
        ]
    )


def judged(*batches: Batch, stage: Calibrate | None = None) -> Batch:
    stage = stage or Calibrate.of(PLAN)
    return stage.step(stage.start(), concat(batches))[1]


def warm() -> Batch:
    """A first reading long ago: the box has been on since."""
    return weather(0.0, 20.0, 65.0)


@pytest.mark.parametrize("ppm", [300.0, 1000.0, 5000.0, 9990.0])
def test_millivolts_of_an_mq4_read_as_the_chain_of_sensing_says(ppm):
    mv = float(mv_for_ppm("MQ-4", "methane", ppm, r0_ohm=10_000, temperature_c=31, humidity=40))

    read = judged(weather(0, 31, 40), steady(MQ4, mv, [1.0], Unit.MILLIVOLT))

    expected = ppm_for_mv("MQ-4", "methane", mv, r0_ohm=10_000, temperature_c=31, humidity=40)
    assert read.value[-1] == pytest.approx(float(expected), rel=1e-9)
    assert read.value[-1] == pytest.approx(ppm, rel=1e-9)


def test_the_boards_own_load_supply_and_divider_count():
    own = {"load_ohm": 1000.0, "supply_mv": 4800.0, "divider": 0.5}
    box = nose(0, 0)
    box = replace(box, channels=(replace(box.channels[0], **own), *box.channels[1:]))
    mv = float(mv_for_ppm("MQ-4", "methane", 3000, r0_ohm=10_000, **own))

    stage = Calibrate.of(plan_of(box))
    read = judged(steady(MQ4, mv, [0.0], Unit.MILLIVOLT), stage=stage)

    assert read.value[0] == pytest.approx(3000, rel=1e-9)


def test_ohms_and_ratios_of_the_same_film_mean_the_same_gas():
    curve = mox_part("MQ-4").curve("methane")
    ratio = curve.scale * 2000**curve.slope

    ohm = judged(steady(MQ4, ratio * 10_000, [0.0], Unit.OHM))
    pure = judged(steady(MQ4, ratio, [0.0], Unit.RATIO))

    assert ohm.value[0] == pytest.approx(2000, rel=1e-9)
    assert pure.value[0] == pytest.approx(2000, rel=1e-9)


@pytest.mark.parametrize(
    ("channel", "unit", "raw"),
    [(8, Unit.PPM, 412.0), (THERMOMETER, Unit.CELSIUS, 21.5), (HYGROMETER, Unit.HUMIDITY, 44.0)],
)
def test_an_instrument_that_speaks_its_own_quantity_is_taken_at_its_word(channel, unit, raw):
    read = judged(steady(channel, raw, [0.0], unit))

    assert read.value.tolist() == [raw]
    assert read.flags.tolist() == [0]


def test_a_film_whose_box_sends_ppm_is_not_calibrated_twice():
    read = judged(steady(MQ4, 1234.0, [0.0], Unit.PPM))

    assert read.value.tolist() == [1234.0]


def test_without_weather_the_datasheets_own_is_assumed_and_said():
    read = judged(warm(), steady(MQ4, MV_2000, [WARM_S], Unit.MILLIVOLT))

    assert read.value[-1] == pytest.approx(2000, rel=1e-9)
    assert read.flags[-1] == Flag.UNCOMPENSATED


@pytest.mark.parametrize(("age_s", "mark"), [(600, 0), (601, Flag.UNCOMPENSATED)])
def test_weather_older_than_ten_minutes_is_no_weather(age_s, mark):
    now_s = WARM_S + age_s

    read = judged(warm(), weather(WARM_S, 31, 40), steady(MQ4, MV_2000, [now_s], Unit.MILLIVOLT))

    assert read.flags[-1] == mark


def test_a_thermometer_that_says_nan_leaves_the_last_good_word_standing():
    broken = replace(
        steady(THERMOMETER, np.nan, [2.0], Unit.CELSIUS),
        flags=np.array([Flag.NOT_A_NUMBER], np.uint32),
    )
    mv = steady(MQ4, MV_2000, [3.0], Unit.MILLIVOLT)

    with_fault = judged(weather(1.0, 35, 30), broken, mv)
    without = judged(weather(1.0, 35, 30), mv)

    assert with_fault.value[-1] == without.value[-1]
    assert np.isnan(with_fault.value[2])


def test_the_weather_of_one_box_is_not_the_weather_of_another():
    damp = weather(0.0, 45, 90, device=1)
    both = concat([steady(channel, MV_2000, [1.0], Unit.MILLIVOLT) for channel in (0, 4)])

    read = judged(weather(0.0, 20, 65), damp, both)

    assert read.value[-2] == pytest.approx(2000, rel=1e-9)
    assert read.value[-1] != pytest.approx(2000, rel=0.05)


def test_a_channel_without_its_own_r0_reads_with_the_typical_one_and_says_so():
    mv = float(mv_for_ppm("MQ-7", "carbon-monoxide", 150))

    read = judged(warm(), steady(MQ7, mv, [WARM_S], Unit.MILLIVOLT))

    assert read.value[-1] == pytest.approx(150, rel=1e-9)
    assert read.flags[-1] == Flag.UNCALIBRATED | Flag.UNCOMPENSATED


def test_a_ratio_needs_no_r0_and_is_not_called_uncalibrated():
    read = judged(warm(), steady(MQ7, 0.5, [WARM_S], Unit.RATIO))

    assert not read.flags[-1] & Flag.UNCALIBRATED


def test_a_film_warms_up_for_90_s_from_the_first_reading_of_a_boot():
    read = judged(steady(MQ4, MV_2000, [0.0, 89.0, 90.0, 91.0], Unit.MILLIVOLT))

    assert (read.flags & Flag.WARM_UP > 0).tolist() == [True, True, False, False]
    assert np.all(read.value > 0), "warm-up marks, and gas is read all the same"


def test_a_new_boot_starts_the_warm_up_anew():
    times = [0.0, 500.0, 600.0, 689.0, 690.0]
    rows = steady(MQ4, MV_2000, times, Unit.MILLIVOLT)
    rows = replace(rows, boot=np.array([1, 1, 2, 2, 2], np.int64))

    read = judged(rows)

    assert (read.flags & Flag.WARM_UP > 0).tolist() == [True, False, True, True, False]


def test_a_boot_of_one_device_does_not_cool_another():
    stage = Calibrate.of(PLAN)
    state, _ = stage.step(stage.start(), concat([warm(), weather(0.0, 20, 65, device=1)]))
    again = replace(steady(4, MV_2000, [WARM_S], Unit.MILLIVOLT), boot=np.array([7], np.int64))

    _, read = stage.step(state, concat([again, steady(0, MV_2000, [WARM_S], Unit.MILLIVOLT)]))

    assert (read.flags & Flag.WARM_UP > 0).tolist() == [True, False]


@pytest.mark.parametrize(
    ("mv", "flag"), [(0.0, Flag.OPEN), (0.01, Flag.OPEN), (5000.0, Flag.SHORTED)]
)
def test_a_film_that_is_open_or_shorted_has_no_value(mv, flag):
    read = judged(steady(MQ4, mv, [0.0], Unit.MILLIVOLT))

    assert read.flags[0] & flag
    assert np.isnan(read.value[0])


def test_beyond_its_curve_a_film_says_at_most_and_at_least():
    curve = mox_part("MQ-4").curve("methane")
    little, much = curve.scale * np.array([10.0, 50_000.0]) ** curve.slope

    read = judged(steady(MQ4, little, [0.0], Unit.RATIO), steady(MQ4, much, [1.0], Unit.RATIO))

    assert read.value.tolist() == [curve.low_ppm, curve.high_ppm]
    assert read.flags[0] & Flag.BELOW_CURVE
    assert read.flags[1] & Flag.ABOVE_CURVE


def test_a_value_that_cannot_be_is_no_value():
    rows = replace(
        steady(THERMOMETER, 2000.0, [0.0], Unit.CELSIUS),
        flags=np.array([Flag.OUT_OF_RANGE], np.uint32),
    )

    assert np.isnan(judged(rows).value[0])
