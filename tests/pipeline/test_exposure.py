"""How fast it rises and how much was breathed, beside sums that a pencil could do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, concat
from davy.domain.flags import Flag
from davy.domain.limits import Limits, Rule
from davy.domain.site import Unit
from davy.pipeline.exposure import Exposure
from tests.laws.plans import meter, nose, plan_of
from tests.pipeline.stories import course, steady

BREATHED = Limits(
    rules={
        "methane": (
            Rule(level="stel", on=100, unit="ppm"),
            Rule(level="twa", on=50, unit="ppm"),
        )
    }
)
METER = Exposure.of(plan_of(meter(0, 0), limits=BREATHED))
MINUTE_S, HOUR_S = 60.0, 3600.0
STEL_S, TWA_S = 15 * MINUTE_S, 8 * HOUR_S


def breathed(day: Batch, stage: Exposure = METER) -> Batch:
    return stage.step(stage.start(), day)[1]


def pencil(day: Batch, window_s: float) -> np.ndarray:
    """The average over the window behind each reading: trapezoids of a minute at the most."""
    gaps_s = np.minimum(np.diff(day.time_s), 60.0)
    area = gaps_s * (day.raw[1:] + day.raw[:-1]) / 2
    averages = [0.0]
    for i, now_s in enumerate(day.time_s[1:], start=1):
        began_s = now_s - window_s
        # Of a trapezoid that the window's edge cuts, the part behind the edge counts.
        inside = np.clip((day.time_s[1 : i + 1] - began_s) / gaps_s[:i], 0.0, 1.0)
        averages.append(float((area[:i] * inside).sum()) / window_s)
    return np.array(averages)


def wandering(seed: int, n: int, longest_s: float) -> Batch:
    """Irregular readings of a concentration that comes and goes."""
    rng = np.random.default_rng(seed)
    times = 1e9 + np.cumsum(rng.uniform(0.5, longest_s, n))
    ppm = 200 * (1 + np.sin((times - 1e9) / 700)) + rng.uniform(0, 20, n)
    return Batch.of(*((t, 0, c) for t, c in zip(times.tolist(), ppm.tolist(), strict=True)))


@pytest.mark.parametrize(
    ("after_s", "stel", "twa"),
    [
        (0, 0, 0),
        (60, 100 * 1 / 15, 100 * 1 / 480),
        (450, 50, 100 * 7.5 / 480),
        (900, 100, 100 * 15 / 480),
        (3600, 100, 12.5),
        (8 * 3600, 100, 100),
        (9 * 3600, 100, 100),
    ],
)
def test_a_hundred_ppm_fills_15_minutes_and_8_hours_at_their_own_pace(after_s, stel, twa):
    day = steady(0, 100.0, np.arange(1e9, 1e9 + after_s + 1, 10.0).tolist())

    read = breathed(day)

    # The window is cut to bins and steps: one step of 10 s is 1.1 % of 15 minutes.
    assert read.stel[-1] == pytest.approx(stel, abs=1.2)
    assert read.twa[-1] == pytest.approx(twa, abs=0.3)


@pytest.mark.parametrize("seed", range(4))
def test_irregular_readings_give_what_a_pencil_gives(seed):
    day = wandering(seed, 1500, longest_s=55.0)

    read = breathed(day)

    # The oldest minute (five minutes) is taken as even: at most one of 15 (96) bins is off.
    np.testing.assert_allclose(read.stel, pencil(day, STEL_S), atol=420 / 15)
    np.testing.assert_allclose(read.twa, pencil(day, TWA_S), atol=420 / 96)
    # On average it is off by less than one step (28 s) of the mean (210 ppm).
    assert np.abs(read.stel - pencil(day, STEL_S)).mean() < 210 * 28 / STEL_S
    assert np.abs(read.twa - pencil(day, TWA_S)).mean() < 210 * 28 / TWA_S


def test_an_hour_without_readings_counts_as_one_minute():
    day = Batch.of((1e9, 0, 300.0), (1e9 + HOUR_S, 0, 300.0))

    read = breathed(day)

    assert read.stel[-1] == pytest.approx(300 / 15)
    assert read.twa[-1] == pytest.approx(300 / 480)


def test_fresh_air_empties_both_windows():
    bad = steady(0, 300.0, np.arange(0, 900, 10.0).tolist())
    good = steady(0, 0.0, np.arange(900, 900 + 9 * HOUR_S, 30.0).tolist())

    read = breathed(concat([bad, good]))

    assert read.stel[len(bad) - 1] == pytest.approx(300 * 890 / 900)
    assert read.stel[-1] == 0
    assert read.twa[-1] == 0


def test_below_its_curve_a_film_counts_as_no_exposure():
    day = steady(0, 300.0, np.arange(0, 900, 10.0).tolist())
    day = replace(day, flags=np.full(len(day), Flag.BELOW_CURVE, np.uint32))

    read = breathed(day)

    assert read.stel.max() == 0
    assert read.twa.max() == 0


def test_a_fault_has_no_average_and_the_next_reading_goes_on():
    day = course(0, [100.0, np.nan, 100.0], step_s=20.0)
    day = replace(day, flags=np.array([0, Flag.NOT_A_NUMBER, 0], np.uint32))

    read = breathed(day)

    assert np.isnan(read.stel[1])
    assert read.stel[2] == pytest.approx(100 * 40 / 900)


def test_an_instrument_whose_zero_wanders_below_it_gives_nothing_back():
    day = course(0, [100.0, 100.0, -400.0, -400.0], step_s=30.0)

    read = breathed(day)

    assert read.stel[3] == read.stel[1]


def test_a_clock_that_jumps_back_makes_nobody_breathe_twice():
    rows = [(0.0, 0, 100.0), (30.0, 0, 100.0), (10.0, 0, 100.0), (30.0, 0, 100.0)]

    read = breathed(Batch.of(*rows))

    assert read.stel.tolist() == pytest.approx([0, 100 * 30 / 900, 100 * 30 / 900, 100 * 30 / 900])


def test_two_channels_breathe_for_themselves():
    stage = Exposure.of(plan_of(meter(0, 0), meter(1, 1), limits=BREATHED))
    rows = [(t, channel, 100.0 * channel) for t in (0.0, 30.0, 60.0) for channel in (0, 1)]

    read = breathed(Batch.of(*rows), stage)

    assert read.stel[-2:].tolist() == pytest.approx([0.0, 100 * 60 / 900])


def test_where_nobody_asks_nothing_is_said():
    stage = Exposure.of(plan_of(meter(0, 0)))

    read = breathed(steady(0, 100.0, [0.0, 10.0]), stage)

    assert np.isnan(read.stel).all()
    assert np.isnan(read.twa).all()
    assert not np.isnan(read.rise).any()


def test_temperature_that_climbs_nine_degrees_in_a_minute_rises_by_nine():
    stage = Exposure.of(plan_of(nose(0, 0)))
    times = np.arange(0, 120, 2.0)
    rows = Batch.of(*((t, 2, 20 + 9 * t / 60) for t in times.tolist()), unit=Unit.CELSIUS)

    read = breathed(rows, stage)

    assert read.rise[0] == 0
    assert read.rise[30] == pytest.approx(9.0)
    # The window reaches back to a bin's first value: 60 to 70 s.
    assert read.rise[31:].min() >= 9.0
    assert read.rise[31:].max() <= 9.0 * 70 / 60


def test_gas_that_comes_at_once_rises_at_once_and_is_level_a_minute_later():
    stage = Exposure.of(plan_of(meter(0, 0)))
    ppm = [100.0] * 30 + [6100.0] * 100

    rise = breathed(course(0, ppm), stage).rise

    assert rise[29] == 0
    assert rise[30] == 6000
    assert rise[80] == 6000
    assert rise[100:].max() == 0


def test_a_rise_is_measured_from_the_lowest_point_of_the_last_minute():
    stage = Exposure.of(plan_of(meter(0, 0)))

    rise = breathed(course(0, [500.0, 100.0, 900.0], step_s=10.0), stage).rise

    assert rise.tolist() == [0, 0, 800]


def test_a_slow_climb_counts_by_the_minute_however_seldom_it_is_read():
    stage = Exposure.of(plan_of(meter(0, 0)))
    ppm = [100.0 * i for i in range(10)]  # 200 ppm a minute, a reading every half minute

    rise = breathed(course(0, ppm, step_s=30.0), stage).rise

    assert rise[2:].tolist() == [200.0] * 8


def test_after_a_long_silence_an_old_value_is_no_foot_to_rise_from():
    stage = Exposure.of(plan_of(meter(0, 0)))

    rise = breathed(Batch.of((0, 0, 100.0), (600, 0, 5000.0), (610, 0, 5200.0)), stage).rise

    assert rise.tolist() == [0, 0, 200]
