"""R0 from clean air, and the bump test: what is taken and what is refused."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from davy.domain.errors import InputError
from davy.sensing.adc import mv_to_rs
from davy.sensing.calibration import calibrate_in_clean_air, check_span
from davy.sensing.catalog import mox_part
from davy.sensing.chain import mv_for_ppm, ppm_for_mv

MQ4 = mox_part("MQ-4")
TRUE_R0_OHM = 17_000.0
MINUTES = np.arange(0.0, 300.0, 2.0)
TELEMETRY = (
    Path(os.environ.get("DAVY_DATA", Path(__file__).parents[2] / "../shared/data"))
    / "mq2_telemetry"
)


def clean_air(noise: float = 0.01, r0_ohm: float = TRUE_R0_OHM) -> np.ndarray:
    """Rs of an MQ-4 in clean air every 2 s for five minutes."""
    wobble = 1 + noise * np.random.default_rng(7).standard_normal(len(MINUTES))
    return r0_ohm * MQ4.clean_air_ratio * wobble


def test_a_quiet_recording_gives_the_sensors_own_r0():
    found = calibrate_in_clean_air(MQ4, "methane", MINUTES, clean_air())

    assert found.r0_ohm == pytest.approx(TRUE_R0_OHM, rel=0.005)
    assert found.samples == 150
    assert found.spread < 0.05
    assert found.typical_share == pytest.approx(17_000 / 24_495, rel=0.01)


def test_after_calibration_a_sensor_reads_what_is_there():
    mv = mv_for_ppm("MQ-4", "methane", 0, r0_ohm=TRUE_R0_OHM)
    rs_ohm = np.full(len(MINUTES), mv_to_rs(mv, MQ4.load_ohm, MQ4.supply_mv))

    r0_ohm = calibrate_in_clean_air(MQ4, "methane", MINUTES, rs_ohm).r0_ohm

    leak_mv = mv_for_ppm("MQ-4", "methane", 5_000, r0_ohm=TRUE_R0_OHM)
    assert ppm_for_mv("MQ-4", "methane", leak_mv, r0_ohm=r0_ohm) == pytest.approx(5_000)


def test_a_few_wild_readings_do_not_move_it():
    rs_ohm = clean_air()
    rs_ohm[[3, 40, 90]] = [np.inf, np.nan, 0.0]
    rs_ohm[[10, 60]] = [1e9, 12.0]

    found = calibrate_in_clean_air(MQ4, "methane", MINUTES, rs_ohm)

    assert found.r0_ohm == pytest.approx(TRUE_R0_OHM, rel=0.005)
    assert found.samples == 147


def test_the_warm_up_is_left_out():
    rs_ohm = clean_air()
    rs_ohm[MINUTES < 90] *= np.linspace(0.1, 1.0, 45)  # a cold film looks like gas

    found = calibrate_in_clean_air(MQ4, "methane", MINUTES, rs_ohm, powered_at_s=0.0)

    assert found.r0_ohm == pytest.approx(TRUE_R0_OHM, rel=0.005)
    assert found.samples == 105
    with pytest.raises(InputError, match="Rs moved by"):
        calibrate_in_clean_air(MQ4, "methane", MINUTES, rs_ohm)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (slice(0, 0), "MQ-4: 0 usable readings in 0 s are too few; record at least 30 over 60 s"),
        (slice(0, 29), "29 usable readings in 56 s are too few"),
        (slice(0, 30), "30 usable readings in 58 s are too few"),
    ],
)
def test_a_short_recording_is_refused(rows, sentence):
    with pytest.raises(InputError, match=sentence):
        calibrate_in_clean_air(MQ4, "methane", MINUTES[rows], clean_air()[rows])


def test_thirty_one_readings_over_a_minute_are_enough():
    assert calibrate_in_clean_air(MQ4, "methane", MINUTES[:31], clean_air()[:31]).samples == 31


def test_air_in_which_something_happens_is_refused():
    drifting = clean_air(noise=0.0) * np.linspace(1.0, 0.8, len(MINUTES))

    with pytest.raises(InputError, match=r"Rs moved by 20% of its median, above 10%; air the room"):
        calibrate_in_clean_air(MQ4, "methane", MINUTES, drifting)


@pytest.mark.parametrize("wrong", [1 / 20, 20])
def test_a_wrong_load_resistor_is_found_out(wrong):
    with pytest.raises(InputError, match=r"times the typical 24,495; check load_ohm"):
        calibrate_in_clean_air(MQ4, "methane", MINUTES, clean_air(r0_ohm=TRUE_R0_OHM * wrong))


def test_a_gas_that_the_part_cannot_see_cannot_be_calibrated():
    with pytest.raises(InputError, match="MQ-4 cannot see carbon-monoxide"):
        calibrate_in_clean_air(MQ4, "carbon-monoxide", MINUTES, clean_air())


@pytest.mark.skipif(not TELEMETRY.exists(), reason="mq2_telemetry: the recording is absent")
def test_an_hour_of_three_real_mq2_is_still_enough_to_calibrate_on():
    [path] = TELEMETRY.glob("*.csv.gz")
    readings: dict[str, list[tuple[float, float]]] = {}
    with gzip.open(path, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            # The publisher's lpg column is this function of Rs/R0 (see the data's README).
            ratio = np.exp((np.log10(float(row["lpg"]) * 1e6) - 2.3) * -0.47 + 0.21)
            readings.setdefault(row["device"], []).append((float(row["ts"]), float(ratio)))
    mq2 = mox_part("MQ-2")

    assert len(readings) == 3
    for device, pairs in readings.items():
        time_s, ratio = np.array(sorted(pairs)).T
        hour = time_s < time_s[0] + 3_600
        rs_ohm = ratio[hour] / ratio[0] * mq2.clean_air_ratio * 10_000

        found = calibrate_in_clean_air(mq2, "lpg", time_s[hour], rs_ohm)

        assert found.r0_ohm == pytest.approx(10_000, rel=0.06), device


def bump(applied_ppm: float) -> np.ndarray:
    """A puff from the bottle: air, a climb, a plateau, the way back."""
    climb, plateau = np.geomspace(200, applied_ppm, 20), np.full(15, applied_ppm)
    return np.concatenate([np.full(10, 200.0), climb, plateau, climb[::-1]])


@pytest.mark.parametrize(
    ("sensitivity", "passed"),
    [(0.69, False), (0.71, True), (1.0, True), (1.29, True), (1.31, False)],
)
def test_a_bump_test_passes_within_thirty_percent(sensitivity, passed):
    told = check_span(bump(5_000) * sensitivity, 5_000)

    assert told.passed is passed
    assert told.error == pytest.approx(sensitivity - 1)


def test_one_spike_is_no_answer_to_a_bump_test():
    silent = np.full(40, 200.0)
    silent[7] = 5_000.0

    assert not check_span(silent, 5_000).passed


def test_unusable_readings_are_left_out_of_a_bump_test():
    told = check_span(np.append(bump(5_000), [np.nan, np.inf]), 5_000)

    assert told.reached_ppm == pytest.approx(5_000)


@pytest.mark.parametrize(
    ("ppm", "applied_ppm", "sentence"),
    [
        ([5_000.0] * 10, 0.0, "applied_ppm is 0"),
        ([5_000.0] * 10, float("nan"), "applied_ppm is nan"),
        ([np.nan] * 10, 5_000.0, "0 readings are too few for a bump test"),
    ],
)
def test_a_bump_test_without_gas_or_readings_is_refused(ppm, applied_ppm, sentence):
    with pytest.raises(InputError, match=sentence):
        check_span(ppm, applied_ppm)
