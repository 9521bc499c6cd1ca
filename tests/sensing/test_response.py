"""How late a film answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.sensing.response import respond

T90 = {"rise_t90_s": 30.0, "recovery_t90_s": 90.0}
ppm = st.floats(0, 1e5)
steps = st.floats(0, 600)


def test_after_t90_nine_tenths_of_the_way_are_done_up_as_well_as_down():
    assert respond(0.0, 1_000.0, 30.0, **T90) == pytest.approx(900)
    assert respond(1_000.0, 0.0, 90.0, **T90) == pytest.approx(100)


@given(state=ppm, target=ppm, first=steps, second=steps)
def test_two_steps_are_one_longer_step(state, target, first, second):
    twice = respond(respond(state, target, first, **T90), target, second, **T90)

    np.testing.assert_allclose(
        twice, respond(state, target, first + second, **T90), rtol=1e-9, atol=1e-7
    )


@given(state=ppm, target=ppm, dt_s=steps)
def test_the_film_never_overshoots(state, target, dt_s):
    shown = float(respond(state, target, dt_s, **T90))

    slack = 1e-9 * max(state, target)
    assert min(state, target) - slack <= shown <= max(state, target) + slack


def test_no_time_changes_nothing_and_no_lag_follows_at_once():
    assert respond(100.0, 900.0, 0.0, **T90) == 100.0
    assert respond(100.0, 900.0, 1.0, rise_t90_s=0.0, recovery_t90_s=0.0) == 900.0


def test_every_channel_has_its_own_speed():
    shown = respond([0.0, 0.0, 800.0], [800.0] * 3, 10.0, np.array([10.0, 1e9, 5.0]), 90.0)

    np.testing.assert_allclose(shown, [720.0, 0.0, 800.0], atol=1e-3)
