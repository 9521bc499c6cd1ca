"""Carbon monoxide alarms inside the bands of EN 50291 and UL 2034, and recovers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from davy.domain.batch import Batch, concat
from davy.domain.flags import Flag
from davy.domain.limits import Limits
from davy.pipeline.dose import Dose
from tests.laws.plans import meter, plan_of
from tests.pipeline.stories import steady

DAY_S = 86_400.0
STEP_S = 10.0


def vessel(standard: str, devices: int = 1) -> Dose:
    meters = [meter(i, i, "carbon-monoxide") for i in range(devices)]
    return Dose.of(plan_of(*meters, limits=Limits(co_standard=standard)))


def air(ppm: float, for_s: float, since_s: float = 0.0, step_s: float = STEP_S) -> Batch:
    return steady(0, ppm, np.arange(since_s, since_s + for_s + 1, step_s).tolist())


def doses(batch: Batch, standard: str = "co-dose-en") -> np.ndarray:
    stage = vessel(standard)
    return stage.step(stage.start(), batch)[1].dose


def alarm_min(standard: str, ppm: float, for_min: float, step_s: float = STEP_S) -> float:
    """After how many minutes the dose is full; infinite where it is not."""
    full = np.flatnonzero(doses(air(ppm, for_min * 60, step_s=step_s), standard) >= 1)
    return float(full[0]) * step_s / 60 if len(full) else np.inf


@pytest.mark.parametrize(
    ("standard", "ppm", "not_before_min", "not_after_min"),
    [
        ("co-dose-en", 30, 120, np.inf),
        ("co-dose-en", 33, 120, np.inf),
        ("co-dose-en", 50, 60, 90),
        ("co-dose-en", 100, 10, 40),
        ("co-dose-en", 300, 0, 3),
        ("co-dose-en", 5000, 0, 3),
        ("co-dose-ul", 70, 60, 240),
        ("co-dose-ul", 150, 10, 50),
        ("co-dose-ul", 400, 4, 15),
        ("co-dose-ul", 5000, 0, 4),
    ],
)
def test_each_concentration_alarms_inside_its_band(standard, ppm, not_before_min, not_after_min):
    minutes = alarm_min(standard, ppm, for_min=300)

    assert not_before_min <= minutes <= not_after_min


@pytest.mark.parametrize("ppm", [0.0, 29.9, 30.0])
def test_thirty_ppm_never_alarms_within_thirty_days_by_ul_2034(ppm):
    assert doses(air(ppm, 30 * DAY_S), "co-dose-ul").max() == 0


@pytest.mark.parametrize("standard", ["co-dose-en", "co-dose-ul"])
def test_more_gas_never_alarms_later(standard):
    minutes = [alarm_min(standard, ppm, 700) for ppm in (35, 45, 60, 90, 200, 350, 700, 1500)]

    assert minutes == sorted(minutes, reverse=True)


@pytest.mark.parametrize("step_s", [1.0, 7.0, 30.0, 60.0])
def test_how_often_it_is_read_hardly_matters(step_s):
    assert alarm_min("co-dose-en", 100, 40, step_s) == pytest.approx(25, abs=step_s / 60 + 0.01)


def test_a_gap_counts_as_one_minute_and_no_more():
    dose = doses(Batch.of((0, 0, 100.0), (3600, 0, 100.0)))

    assert dose[1] == pytest.approx(1 / 25)


def test_after_fresh_air_for_four_hours_half_of_the_dose_is_left():
    bad, good = air(100, 20 * 60), air(0, 4 * 3600, since_s=20 * 60 + 10)

    dose = doses(concat([bad, good]))

    assert dose[len(bad) - 1] == pytest.approx(0.8)
    assert dose[-1] == pytest.approx(0.4, rel=0.02)


def test_a_dose_that_only_fades_is_gone_after_three_days():
    dose = doses(concat([air(100, 30 * 60), air(0, 3 * DAY_S, since_s=1900, step_s=60)]))

    assert dose.max() > 1
    assert dose[-1] == 0


def test_the_vessel_overflows_at_twice_the_alarm():
    dose = doses(concat([air(500, 3600), air(0, 4 * 3600, since_s=3610)]))

    assert dose.max() == 2
    assert dose[-1] == pytest.approx(1, rel=0.02)


def test_a_small_dose_survives_two_values_at_the_same_instant():
    dose = doses(Batch.of((0, 0, 40.0), (0.5, 0, 40.0), (0.5, 0, 41.0), (1.0, 0, 40.0)))

    assert 0 < dose[1] == dose[2] < dose[3]


def test_below_its_curve_a_film_counts_as_fresh_air():
    batch = air(100, 3600)
    batch = replace(batch, flags=np.full(len(batch), Flag.BELOW_CURVE, np.uint32))

    assert doses(batch).max() == 0


def test_a_fault_neither_fills_nor_empties():
    batch = Batch.of((0, 0, 100.0), (30, 0, 100.0), (40, 0, np.nan), (60, 0, 100.0))
    batch = replace(batch, flags=np.array([0, 0, Flag.NOT_A_NUMBER, 0], np.uint32))

    dose = doses(batch)

    assert np.isnan(dose[2])
    assert dose[3] == pytest.approx(60 / (25 * 60))


def test_two_noses_do_not_share_a_vessel():
    stage = vessel("co-dose-en", devices=2)
    rows = [(t, channel, (100.0, 5.0)[channel]) for t in range(0, 601, 10) for channel in (0, 1)]

    _, read = stage.step(stage.start(), Batch.of(*rows))

    assert read.dose[-2] == pytest.approx(10 / 25)
    assert read.dose[-1] == 0


def test_what_is_no_carbon_monoxide_has_no_dose():
    stage = Dose.of(plan_of(meter(0, 0, "methane")))

    _, read = stage.step(stage.start(), air(5000, 60))

    assert np.isnan(read.dose).all()
