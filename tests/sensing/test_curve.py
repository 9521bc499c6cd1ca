"""The line on log-log paper, one value at a time and a batch at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.flags import Flag
from davy.sensing.curve import MoxCurve, MoxCurves, ppm_to_ratio, ratio_to_ppm

LINE = MoxCurve(scale=12.0, slope=-0.36, low_ppm=300, high_ppm=10_000)
OTHER = MoxCurve(
    scale=5.0, slope=-0.5, low_ppm=10, high_ppm=1_000, open_ratio=400.0, short_ratio=0.001
)
FAST = MoxCurves.of([LINE, None, OTHER])

lines = st.builds(
    MoxCurve,
    scale=st.floats(0.1, 500),
    slope=st.floats(-2, -0.1),
    low_ppm=st.just(10.0),
    high_ppm=st.just(10_000.0),
)


@given(curve=lines, ppm=st.lists(st.floats(0.1, 1e6), max_size=8))
def test_a_concentration_there_and_back(curve, ppm):
    np.testing.assert_allclose(ratio_to_ppm(ppm_to_ratio(ppm, curve), curve), ppm, rtol=1e-9)


@given(curve=lines, ppm=st.floats(1, 1e5))
def test_more_gas_is_less_resistance(curve, ppm):
    assert ppm_to_ratio(ppm * 1.1, curve) < ppm_to_ratio(ppm, curve)


def test_the_example_of_the_docstring_holds():
    np.testing.assert_array_equal(ratio_to_ppm([1.0, 0.0], LINE).round(0), [995.0, np.nan])


def test_a_ratio_that_no_film_can_have_is_nothing():
    assert np.isnan(ratio_to_ppm([0.0, -1.0, np.inf, np.nan], LINE)).all()


def test_the_line_has_no_zero():
    assert np.isnan(ppm_to_ratio([0.0, -5.0], LINE)).all()


def test_shape_is_kept():
    assert ratio_to_ppm(np.ones((2, 3)), LINE).shape == (2, 3)
    assert ratio_to_ppm(1.0, LINE).shape == ()


@pytest.mark.parametrize(
    "settings",
    [(-1.0, -0.5, 1, 2), (1.0, 0.5, 1, 2), (1.0, -0.5, 2, 2), (1.0, -0.5, 0, 2)],
)
def test_a_line_that_cannot_be_is_not_made(settings):
    with pytest.raises(ValueError, match="a curve falls"):
        MoxCurve(*settings)


@given(
    ppm=st.lists(st.tuples(st.floats(0.01, 1e6), st.sampled_from([0, 2])), min_size=1, max_size=20)
)
def test_a_batch_reads_what_single_values_read_and_clamps_it(ppm):
    truth = np.array([value for value, _ in ppm])
    channel = np.array([which for _, which in ppm], np.int32)
    curves = [(LINE, OTHER)[which // 2] for which in channel]
    ratio = np.array(
        [float(ppm_to_ratio(v, curve)) for v, curve in zip(truth, curves, strict=True)]
    )
    explained = (ratio < FAST.open_ratio[channel]) & (ratio > FAST.short_ratio[channel])

    got, flags = FAST.read(ratio, channel)

    low, high = FAST.low_ppm[channel], FAST.high_ppm[channel]
    np.testing.assert_allclose(got, np.where(explained, truth.clip(low, high), np.nan), rtol=1e-9)
    well_below = explained & (truth < low * 0.999)
    assert (flags[well_below] == Flag.BELOW_CURVE).all()
    assert (flags[explained & (truth > high * 1.001)] == Flag.ABOVE_CURVE).all()


def test_edges_of_the_curve_are_inside_it():
    edges = [300 * 0.999, 300 * 1.001, 10_000 * 0.999, 10_000 * 1.001]

    ppm, flags = FAST.read(ppm_to_ratio(edges, LINE), np.zeros(4, np.int32))

    np.testing.assert_allclose(ppm, [300, 300.3, 9_990, 10_000])
    assert flags.tolist() == [Flag.BELOW_CURVE, 0, 0, Flag.ABOVE_CURVE]
    assert flags.dtype == np.uint32


@pytest.mark.parametrize(
    ("ratio", "flag"),
    [
        (np.inf, Flag.OPEN),
        (400.1, Flag.OPEN),
        (399.9, Flag.BELOW_CURVE),
        (0.0011, Flag.ABOVE_CURVE),
        (0.001, Flag.SHORTED),
        (0.0, Flag.SHORTED),
    ],
)
def test_a_dead_film_is_a_fault_and_never_clean_air(ratio, flag):
    ppm, flags = FAST.read(np.array([ratio]), np.array([2], np.int32))

    assert flags.tolist() == [flag]
    assert np.isnan(ppm[0]) == (flag in (Flag.OPEN, Flag.SHORTED))


def test_without_voltage_even_a_line_of_unknown_limits_reads_nothing():
    ppm, flags = FAST.read(np.array([0.0]), np.array([0], np.int32))

    assert np.isnan(ppm).all()
    assert flags.tolist() == [Flag.SHORTED]


def test_a_channel_without_a_film_reads_nothing_and_blames_nobody():
    ppm, flags = FAST.read(np.array([1.0]), np.array([1], np.int32))

    assert np.isnan(ppm).all()
    assert flags.tolist() == [0]


def test_an_empty_batch_is_read_too():
    ppm, flags = FAST.read(np.empty(0), np.empty(0, np.int32))

    assert len(ppm) == len(flags) == 0
