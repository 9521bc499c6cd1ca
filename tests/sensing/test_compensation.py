"""What weather does to a film, and how far Davy lets it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.sensing.catalog import PARTS
from davy.sensing.compensation import LEAST, MOST, Climates, influence
from davy.sensing.parts import MoxPart

FILMS = [row for row in PARTS.values() if isinstance(row, MoxPart)]
FILM = pytest.mark.parametrize("row", FILMS, ids=lambda row: row.name)
MQ4, MQ135 = PARTS["MQ-4"].climate, PARTS["MQ-135"].climate

anything = st.floats(allow_nan=True, allow_infinity=True)


@FILM
def test_the_datasheets_own_weather_changes_nothing(row):
    reference = (row.climate.reference_c, row.climate.reference_rh)

    assert influence(row.climate, *reference) == pytest.approx(1.0, abs=0.01)


@FILM
def test_warmth_and_damp_make_the_film_conduct(row):
    here, warmer = influence(row.climate, [10.0, 30.0], [50.0, 50.0])
    dry, damp = influence(row.climate, [20.0, 20.0], [30.0, 80.0])

    assert here > warmer
    assert dry > damp


@FILM
@given(temperature_c=anything, humidity=anything)
def test_no_thermometer_however_wild_moves_a_film_beyond_its_lead(row, temperature_c, humidity):
    assert LEAST <= float(influence(row.climate, temperature_c, humidity)) <= MOST


@pytest.mark.parametrize(
    ("temperature_c", "humidity", "corr"),
    # The published polynomial, 0.00035 T² - 0.02718 T + 1.39538 - 0.0018 (RH - 33), by hand.
    [(20, 33, 0.99178), (0, 33, 1.39538), (10, 85, 1.06498), (-10, 33, 1.70218)],
)
def test_an_mq135_follows_its_polynomial(temperature_c, humidity, corr):
    assert influence(MQ135, temperature_c, humidity) == pytest.approx(corr, abs=1e-9)


def test_a_missing_thermometer_counts_as_the_datasheets_weather():
    assert influence(MQ4, np.nan, np.nan) == pytest.approx(1.0)
    assert influence(MQ4, np.nan, 45.0) == influence(MQ4, 20.0, 45.0)
    assert influence(MQ4, 30.0, np.nan) == influence(MQ4, 30.0, 65.0)


def test_rows_of_many_channels_are_corrected_at_once():
    channel = np.array([2, 0, 1, 0], np.int32)
    temperature_c, humidity = np.array([5.0, 30.0, 30.0, np.nan]), np.full(4, 50.0)

    at_once = influence(Climates.of([MQ4, None, MQ135]).take(channel), temperature_c, humidity)

    one_by_one = [
        float(influence(MQ135, 5.0, 50.0)),
        float(influence(MQ4, 30.0, 50.0)),
        1.0,
        float(influence(MQ4, np.nan, 50.0)),
    ]
    np.testing.assert_allclose(at_once, one_by_one)
