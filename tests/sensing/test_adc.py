"""Counts, millivolts and ohms: there and back, and at the ends of the scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.sensing.adc import ARDUINO_UNO, ESP32_11DB, Adc, mv_to_rs, rs_to_mv

CONVERTERS = [ARDUINO_UNO, ESP32_11DB]


@pytest.mark.parametrize("adc", CONVERTERS)
@given(share=st.floats(0, 0.999))
def test_a_voltage_comes_back_within_half_a_step(adc: Adc, share: float):
    mv = share * (adc.reference_mv - adc.step_mv)

    assert abs(float(adc.mv(adc.counts(mv))) - mv) <= adc.step_mv / 2 * (1 + 1e-9)


@pytest.mark.parametrize("adc", CONVERTERS)
def test_every_count_there_and_back(adc: Adc):
    counts = np.arange(1 << adc.bits)

    np.testing.assert_array_equal(adc.counts(adc.mv(counts)), counts)


def test_beyond_the_scale_the_converter_says_its_last_word():
    assert ARDUINO_UNO.counts([-10.0, 6_000.0]).tolist() == [0, 1023]


def test_an_esp32_tells_the_truth_between_150_and_2450_millivolts():
    mv = [149.0, 150.0, 2_450.0, 2_451.0]

    assert ESP32_11DB.usable(mv).tolist() == [False, True, True, False]


@given(
    rs_ohm=st.floats(10, 1e8),
    load_ohm=st.floats(500, 200_000),
    supply_mv=st.floats(3_000, 12_000),
    divider=st.floats(0.1, 1),
)
def test_a_resistance_there_and_back(rs_ohm, load_ohm, supply_mv, divider):
    board = (load_ohm, supply_mv, divider)

    assert float(mv_to_rs(rs_to_mv(rs_ohm, *board), *board)) == pytest.approx(rs_ohm, rel=1e-6)


@pytest.mark.parametrize(
    ("mv", "rs_ohm"),
    [
        (-3.0, np.inf),  # noise around zero is no voltage
        (0.0, np.inf),
        (1_000.0, 80_000.0),
        (2_500.0, 20_000.0),
        (5_000.0, 0.0),
        (5_100.0, 0.0),
        (np.nan, np.nan),
    ],
)
def test_half_the_supply_means_the_film_equals_its_load(mv, rs_ohm):
    np.testing.assert_allclose(mv_to_rs(mv, load_ohm=20_000, supply_mv=5_000), rs_ohm)


def test_the_divider_is_undone_before_the_supply_is_compared():
    assert mv_to_rs(1_250, 20_000, 5_000, divider=0.5) == pytest.approx(20_000)


def test_an_open_and_a_shorted_film_have_the_voltages_that_one_expects():
    assert rs_to_mv([np.inf, 0.0], 20_000, 5_000, 0.5).tolist() == [0.0, 2_500.0]


def test_every_row_may_have_its_own_board():
    rs_ohm = mv_to_rs([2_500.0, 2_500.0], np.array([1_000.0, 20_000.0]), np.array([5_000.0, 3_300]))

    np.testing.assert_allclose(rs_ohm, [1_000, 6_400])
