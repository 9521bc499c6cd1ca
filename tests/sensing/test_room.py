"""A room that fills and airs: exact steps, and figures that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import InputError
from davy.domain.gas import GASES
from davy.sensing.room import RoomBox

METHANE = GASES["methane"]
KITCHEN = RoomBox(volume_m3=30.0, air_changes_per_h=0.5)

rooms = st.builds(RoomBox, st.floats(1, 10_000), st.one_of(st.just(0.0), st.floats(1e-9, 60)))
ppm = st.floats(0, 1e5)
leaks = st.floats(0, 0.1)
steps = st.floats(0, 7_200)


def test_a_kilogram_of_methane_is_one_and_a_half_cubic_metres():
    closed = RoomBox(volume_m3=100.0, air_changes_per_h=0.0)

    after_an_hour = closed.step(0.0, leak_kg_h=1.0, gas=METHANE, dt_s=3_600.0)

    # 24.055 l/mol at 20 °C over 16.0425 g/mol: 1.4995 m³ in 100 m³.
    assert after_an_hour == pytest.approx(14_995, rel=1e-3)


@given(room=rooms, start=ppm, leak=leaks, first=steps, second=steps)
def test_two_steps_are_one_longer_step(room, start, leak, first, second):
    halfway = room.step(start, leak, METHANE, first)

    np.testing.assert_allclose(
        room.step(halfway, leak, METHANE, second),
        room.step(start, leak, METHANE, first + second),
        rtol=1e-9,
        atol=1e-6,
    )


def test_it_ends_where_the_leak_is_over_the_ventilation():
    steady = KITCHEN.steady_ppm(0.1, METHANE)

    assert steady == pytest.approx(0.1 * 24.0549 / 16.0425 / (30 * 0.5) * 1e6, rel=1e-4)
    assert KITCHEN.step(0.0, 0.1, METHANE, dt_s=100 * 3_600.0) == pytest.approx(steady)
    assert KITCHEN.step(steady, 0.1, METHANE, dt_s=60.0) == pytest.approx(steady)


def test_an_aired_room_keeps_a_third_after_one_change_of_air():
    assert KITCHEN.step(9_000.0, 0.0, METHANE, dt_s=7_200.0) == pytest.approx(9_000 / np.e)


def test_fresh_air_brings_along_what_is_outside():
    assert KITCHEN.step(9.0, 0.0, METHANE, 1e7, outside_ppm=2.0) == pytest.approx(2.0)
    assert KITCHEN.steady_ppm(0.0, METHANE, outside_ppm=2.0) == pytest.approx(2.0)


def test_a_closed_room_with_a_leak_never_comes_to_rest_nor_holds_more_than_all():
    closed = RoomBox(volume_m3=10.0, air_changes_per_h=0.0)

    assert closed.steady_ppm(0.1, METHANE) == np.inf
    assert closed.steady_ppm(0.0, METHANE) == 0.0
    assert closed.step(0.0, 100.0, METHANE, dt_s=86_400.0) == 1e6


def test_almost_no_ventilation_is_no_ventilation():
    tight = RoomBox(volume_m3=30.0, air_changes_per_h=1e-12).step(0.0, 0.1, METHANE, 60.0)

    assert tight == pytest.approx(float(RoomBox(30.0, 0.0).step(0.0, 0.1, METHANE, 60.0)))


def test_many_rooms_of_one_kind_step_together():
    after = KITCHEN.step(np.array([0.0, 100.0]), np.array([0.0, 0.1]), METHANE, 60.0)

    assert after[0] == 0.0
    assert after[1] > 100.0


@pytest.mark.parametrize(("volume_m3", "changes"), [(0.0, 1.0), (-5.0, 1.0), (30.0, -0.1)])
def test_a_room_that_cannot_be_is_not_built(volume_m3, changes):
    with pytest.raises(ValueError, match="a room has a volume"):
        RoomBox(volume_m3, changes)


def test_smoke_cannot_leak_by_the_kilogram():
    with pytest.raises(InputError, match="smoke"):
        KITCHEN.step(0.0, 1.0, GASES["smoke"], 60.0)
