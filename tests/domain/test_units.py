"""Conversions at the walls: there and back, and against figures that everybody knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import InputError
from davy.domain.gas import GASES, Edition
from davy.domain.units import (
    mg_m3_to_ppm,
    molar_volume_l_mol,
    percent_lel_to_ppm,
    ppm_to_mg_m3,
    ppm_to_percent_lel,
)

flammable = st.sampled_from([row for row in GASES.values() if row.flammable])
weighable = st.sampled_from([row for row in GASES.values() if row.molar_mass_g_mol])
editions = st.sampled_from(Edition)
amounts = st.lists(st.floats(0, 1e6), max_size=5)


@given(gas=flammable, edition=editions, ppm=amounts)
def test_percent_lel_there_and_back(gas, edition, ppm):
    back = percent_lel_to_ppm(ppm_to_percent_lel(ppm, gas, edition), gas, edition)

    np.testing.assert_allclose(back, ppm, rtol=1e-12, atol=1e-12)
    assert back.dtype == np.float64


@given(
    gas=weighable,
    ppm=amounts,
    temperature_c=st.floats(-40, 60),
    pressure_kpa=st.floats(50, 110),
)
def test_milligrams_there_and_back(gas, ppm, temperature_c, pressure_kpa):
    air = (temperature_c, pressure_kpa)

    back = mg_m3_to_ppm(ppm_to_mg_m3(ppm, gas, *air), gas, *air)

    np.testing.assert_allclose(back, ppm, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("edition", "percent"), [(Edition.US, [0.0, 10.0, 100.0]), (Edition.IEC, [0.0, 10 / 0.88])]
)
def test_five_thousand_ppm_of_methane_is_ten_percent_in_the_us_only(edition, percent):
    ppm = [0, 5_000, 50_000][: len(percent)]

    np.testing.assert_allclose(ppm_to_percent_lel(ppm, GASES["methane"], edition), percent)


@pytest.mark.parametrize(
    ("name", "ppm", "mg_m3"),
    # NIOSH prints its limits in both units: 35 ppm CO = 40 mg/m³, 25 ppm NH3 = 18 mg/m³ ...
    [
        ("carbon-monoxide", 35, 40),
        ("ammonia", 25, 18),
        ("toluene", 100, 375),
        ("n-hexane", 50, 180),
    ],
)
def test_exposure_limits_agree_in_both_units(name, ppm, mg_m3):
    assert ppm_to_mg_m3(ppm, GASES[name]) == pytest.approx(mg_m3, rel=0.04)


def test_a_mole_fills_twenty_four_and_a_half_litres_at_room_temperature():
    assert molar_volume_l_mol() == pytest.approx(24.465, abs=1e-3)
    assert molar_volume_l_mol(0.0) == pytest.approx(22.414, abs=1e-3)


def test_cold_air_holds_more_milligrams_of_the_same_ppm():
    cold, warm = ppm_to_mg_m3(100, GASES["methane"], np.array([-20.0, 40.0]))

    assert cold > warm


def test_a_missing_value_stays_missing():
    assert np.isnan(ppm_to_percent_lel([np.nan], GASES["methane"], Edition.IEC)).all()
    assert np.isnan(ppm_to_mg_m3([np.nan], GASES["methane"])).all()


def test_smoke_cannot_be_weighed():
    with pytest.raises(InputError, match="smoke is no single substance"):
        ppm_to_mg_m3(100, GASES["smoke"])
    with pytest.raises(InputError, match="smoke has no LEL"):
        ppm_to_percent_lel(100, GASES["smoke"], Edition.US)
