"""How a batch is walked without a Python loop over rows.

A *run* is all rows of one key (a channel, a device) in the order in which they came; a
*round* holds every key at most once. Runs turn "the value before this one" into a shift and
"the last time it was decided" into a running maximum, so ten thousand rows of one channel
cost as little as one row of ten thousand channels. Rounds serve the few recurrences that
cannot be written so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)


class Runs(NamedTuple):
    """Rows grouped by key.

    Attributes:
        order: [n] row numbers, grouped by key, arrival order kept inside a group.
        starts: [k] where in `order` each run begins.
        ends: [k] where it ends (exclusive).
        keys: [k] the key of each run, ascending.
        run: [n] the run that each place in `order` belongs to.
    """

    order: Ints
    starts: Ints
    ends: Ints
    keys: Ints
    run: Ints

    @property
    def single(self) -> bool:
        """Whether every key has one row, so that nothing runs on."""
        return len(self.starts) == len(self.order)

    @property
    def heads(self) -> Ints:
        """[n] for each place in `order`, where its run begins."""
        return self.starts[self.run]


def runs_of(key: NDArray[Any]) -> Runs:
    """Groups rows by `key` (whole numbers >= 0)."""
    n = len(key)
    if n > 0 and (key[1:] > key[:-1]).all():  # one row a key, as a box that sends all channels
        each = np.arange(n)
        return Runs(each, each, each + 1, key.astype(np.intp), each)
    # NumPy sorts 16-bit numbers by radix, several times faster than wider ones.
    narrow = n > 0 and int(key.max()) < 1 << 16
    order = (key.astype(np.uint16) if narrow else key).argsort(kind="stable")
    grouped = key[order]
    first = np.ones(n, np.bool_)
    np.not_equal(grouped[1:], grouped[:-1], out=first[1:])
    starts = places(first)
    ends = np.empty_like(starts)
    ends[:-1], ends[-1:] = starts[1:], n
    return Runs(order, starts, ends, grouped[starts].astype(np.intp), first.cumsum() - 1)


def places(mask: NDArray[np.bool_]) -> Ints:
    """Where a mask stands: `np.flatnonzero` at half its price, which tiny batches feel."""
    return mask.nonzero()[0]


def divided(runs: Runs, at: NDArray[np.bool_]) -> Runs:
    """The same places in shorter runs, a new one wherever `at` [n] says so.

    `keys` are then whatever each stretch's run had.
    """
    first = at.copy()
    first[runs.starts] = True
    starts = places(first)
    ends = np.empty_like(starts)
    ends[:-1], ends[-1:] = starts[1:], len(at)
    return Runs(runs.order, starts, ends, runs.keys[runs.run[starts]], first.cumsum() - 1)


def rounds(key: NDArray[Any]) -> Iterator[Ints]:
    """Row numbers cut into rounds in which no key stands twice, in order of arrival."""
    if len(key) == 0:
        return
    grouped = runs_of(key)
    if grouped.single:
        yield grouped.order
        return
    longest = int((grouped.ends - grouped.starts).max())
    place = np.arange(len(key)) - grouped.heads
    by_place = np.argsort(place, kind="stable")
    bounds = np.cumsum(np.bincount(place, minlength=longest))[:-1]
    yield from np.split(grouped.order[by_place], bounds)


def before(values: NDArray[Scalar], runs: Runs, first: NDArray[Scalar]) -> NDArray[Scalar]:
    """Each place's predecessor in its run; `first` [k] stands before the first of each.

    `values` [n] are in the order of `runs.order`, and so is the answer.
    """
    if runs.single:
        return first
    shifted = np.empty_like(values)
    shifted[1:] = values[:-1]
    shifted[runs.starts] = first
    return shifted


def held(decided: NDArray[np.bool_], runs: Runs) -> Ints:
    """For each place, the last place of its run that was decided, itself included; else -1."""
    at = np.where(decided, np.arange(len(decided)), -1)
    if runs.single:
        return at
    last = np.maximum.accumulate(at)
    return np.where(last >= runs.heads, last, -1)


def hold(
    decided: NDArray[np.bool_], value: NDArray[Scalar], runs: Runs, first: NDArray[Scalar]
) -> NDArray[Scalar]:
    """`value` where decided, else the last decided one of the run, else `first` [k]."""
    last = held(decided, runs)
    return np.where(last >= 0, value[last], first[runs.run])


def running_max(
    values: NDArray[np.float64], runs: Runs, first: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The largest so far in each run, `first` [k] included; exact, whatever the cut."""
    if runs.single:
        return np.fmax(values, first)
    raised = values.copy()
    raised[runs.starts] = np.fmax(raised[runs.starts], first)
    inside = np.ones(len(values), np.bool_)
    inside[runs.starts] = False
    if not (inside[1:] & (raised[1:] < raised[:-1])).any():
        return raised  # clocks run forward: nearly always
    # Ranks are whole numbers, so each run can be lifted above the one before without rounding.
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(raised, kind="stable")] = np.arange(len(values))
    lifted = np.maximum.accumulate(rank + runs.run * len(values)) - runs.run * len(values)
    by_rank = np.empty_like(raised)
    by_rank[rank] = raised
    return by_rank[lifted]


def running_total(increments: NDArray[np.int64], heads: Ints) -> NDArray[np.int64]:
    """Sum so far since `heads` [n]; whole numbers, so a cut changes nothing."""
    total = np.cumsum(increments)
    return total - (total[heads] - increments[heads])
