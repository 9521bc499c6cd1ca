"""Runs and rounds against the plain loops that they replace."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.runs import (
    before,
    divided,
    held,
    hold,
    places,
    rounds,
    running_max,
    running_total,
    runs_of,
)

KEYS = st.lists(st.sampled_from([0, 1, 2, 9, 70_000]), max_size=30)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
WITH_FLOATS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 70_000]), FLOATS), min_size=1)
DECIDED = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 99)), min_size=1)


def test_rows_of_three_channels_become_three_runs_in_order_of_arrival():
    runs = runs_of(np.array([7, 2, 7, 7, 5], np.int32))

    assert runs.order.tolist() == [1, 4, 0, 2, 3]
    assert runs.keys.tolist() == [2, 5, 7]
    assert runs.starts.tolist() == [0, 1, 2]
    assert runs.ends.tolist() == [1, 2, 5]
    assert runs.run.tolist() == [0, 1, 2, 2, 2]
    assert runs.heads.tolist() == [0, 1, 2, 2, 2]
    assert not runs.single


@pytest.mark.parametrize(
    ("key", "single"),
    [([], True), ([4], True), ([0, 3, 70_000], True), ([3, 0], True), ([3, 3], False)],
)
def test_runs_are_single_when_no_key_comes_twice(key, single):
    runs = runs_of(np.array(key, np.int32))

    assert runs.single == single
    assert [key[row] for row in runs.order] == sorted(key)


@given(keys=KEYS)
def test_runs_hold_every_row_once_and_keep_its_order(keys):
    runs = runs_of(np.array(keys, np.int32))

    assert sorted(runs.order.tolist()) == list(range(len(keys)))
    assert runs.keys.tolist() == sorted(set(keys))
    for key, start, end in zip(runs.keys, runs.starts, runs.ends, strict=True):
        assert runs.order[start:end].tolist() == [i for i, k in enumerate(keys) if k == key]


@given(keys=KEYS)
def test_a_round_holds_no_key_twice_and_all_rounds_hold_every_row_once(keys):
    dealt = [some.tolist() for some in rounds(np.array(keys, np.int32))]

    assert sorted(row for some in dealt for row in some) == list(range(len(keys)))
    assert len(dealt) == max(Counter(keys).values(), default=0)
    for some in dealt:
        assert len({keys[row] for row in some}) == len(some)


@given(keys=KEYS)
def test_rounds_meet_the_rows_of_a_key_in_order_of_arrival(keys):
    met: dict[int, list[int]] = {}
    for some in rounds(np.array(keys, np.int32)):
        for row in some.tolist():
            met.setdefault(keys[row], []).append(row)

    assert all(rows == sorted(rows) for rows in met.values())


def test_before_each_place_stands_its_predecessor_or_what_was_known():
    runs = runs_of(np.array([1, 0, 1, 0]))
    values = np.array([10.0, 20.0, 30.0, 40.0])[runs.order]

    assert before(values, runs, np.array([-1.0, -2.0])).tolist() == [-1.0, 20.0, -2.0, 10.0]


@given(rows=DECIDED)
def test_hold_says_the_last_word_that_was_spoken_in_the_run(rows):
    key = np.array([row[0] for row in rows])
    runs = runs_of(key)
    decided = np.array([row[1] for row in rows])[runs.order]
    value = np.array([row[2] for row in rows])[runs.order]
    first = -1 - runs.keys

    naive, last = [], {int(k): int(-1 - k) for k in runs.keys}
    for row in runs.order:
        if rows[row][1]:
            last[rows[row][0]] = rows[row][2]
        naive.append(last[rows[row][0]])

    assert hold(decided, value, runs, first).tolist() == naive


def test_held_is_minus_one_where_its_own_run_has_not_spoken_yet():
    runs = runs_of(np.array([0, 0, 0, 1, 1]))

    assert held(np.array([False, True, False, False, True]), runs).tolist() == [-1, 1, 1, -1, 4]


@given(rows=WITH_FLOATS)
def test_the_largest_so_far_is_exactly_what_a_loop_finds(rows):
    key, values = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    runs = runs_of(key)
    first = np.where(runs.keys == 1, np.nan, -3.5)

    naive = []
    largest = dict(zip(runs.keys.tolist(), first.tolist(), strict=True))
    for row in runs.order:
        mine = rows[row][0]
        largest[mine] = float(np.fmax(largest[mine], values[row]))
        naive.append(largest[mine])

    assert running_max(values[runs.order], runs, first).tolist() == naive


def test_the_largest_so_far_of_one_channel_is_not_lifted_by_its_neighbour():
    runs = runs_of(np.array([0, 0, 1, 1]))

    largest = running_max(np.array([9e9, 8e9, 2.0, 1.0]), runs, np.array([-np.inf, -np.inf]))

    assert largest.tolist() == [9e9, 9e9, 2.0, 2.0]


@given(increments=st.lists(st.integers(0, 10**15), min_size=1, max_size=30), cut=st.integers(0, 30))
def test_a_running_total_begins_anew_at_each_head(increments, cut):
    n, cut = len(increments), min(cut, len(increments))
    heads = np.array([0 if place < cut else cut for place in range(n)])

    total = running_total(np.array(increments, np.int64), heads)

    assert total.tolist() == [sum(increments[head : i + 1]) for i, head in enumerate(heads)]


def test_places_are_where_a_mask_stands():
    assert places(np.array([False, True, False, True])).tolist() == [1, 3]


def test_a_run_is_divided_where_it_is_told_to_and_where_it_began():
    runs = runs_of(np.array([4, 4, 4, 7, 7]))

    parts = divided(runs, np.array([False, False, True, False, True]))

    assert parts.starts.tolist() == [0, 2, 3, 4]
    assert parts.ends.tolist() == [2, 3, 4, 5]
    assert parts.keys.tolist() == [4, 4, 7, 7]
    assert parts.run.tolist() == [0, 0, 1, 2, 3]
