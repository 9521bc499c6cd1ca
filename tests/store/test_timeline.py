"""How a range becomes buckets, and which table tells it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.store.timeline import HOUR, MINUTE, RAW, SOURCES, finest_reaching, view

DAY = 86_400.0


@pytest.mark.parametrize(
    ("width_s", "points", "source", "bucket_s"),
    [
        (60.0, 500, RAW, 0.125),
        (3600.0, 500, RAW, 8.0),
        (59.0 * 499, 500, RAW, 59.0),
        (60.0 * 499, 500, MINUTE, 60.0),
        (7 * DAY, 500, MINUTE, 1260.0),
        (30 * DAY, 500, HOUR, 7200.0),
        (3650 * DAY, 500, HOUR, 176 * 3600.0),
    ],
)
def test_the_width_of_a_bucket_chooses_the_table(width_s, points, source, bucket_s):
    shown = view(1.7e9, 1.7e9 + width_s, points)

    assert (shown.source, shown.bucket_s) == (source, bucket_s)


@given(st.floats(0, 4e9), st.floats(0.01, 4e9), st.integers(2, 10_000), st.sampled_from(SOURCES))
def test_a_view_covers_its_range_with_no_more_buckets_than_asked(start_s, width_s, points, finest):
    shown = view(start_s, start_s + width_s, points, finest)

    assert shown.start_s <= start_s
    assert start_s + width_s <= shown.end_s
    assert (shown.end_s - shown.start_s) / shown.bucket_s <= points
    assert shown.start_s % shown.bucket_s == 0
    assert shown.source.step_s >= finest.step_s
    assert shown.source is RAW or shown.bucket_s % shown.source.step_s == 0


@pytest.mark.parametrize(
    ("raw_s", "minute_s", "hour_s", "finest"),
    [
        (None, None, None, RAW),
        (0.0, 0.0, 0.0, RAW),  # all of it is there
        (500.0, 400.0, 0.0, RAW),  # a young installation: minutes go back no further
        (5000.0, 400.0, 0.0, MINUTE),  # readings were forgotten
        (90_000.0, 80_000.0, 0.0, HOUR),  # minutes as well
        (None, None, 0.0, HOUR),
    ],
)
def test_history_is_told_by_the_finest_table_that_goes_back_far_enough(
    raw_s, minute_s, hour_s, finest
):
    oldest_s = {RAW: raw_s, MINUTE: minute_s, HOUR: hour_s}

    assert finest_reaching(100.0, oldest_s) is finest


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_slices_grow_with_time_whatever_the_clock_says(times_s):
    times = np.sort(np.array(times_s))
    for source in SOURCES:
        slices = source.slice_of(times)

        assert np.all(np.diff(slices) >= 0)
        assert slices.tolist() == [source.slice_at(time_s) for time_s in times]
        assert slices.max() < 2**53
