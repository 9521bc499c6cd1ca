"""Where on disk a moment lies, and from which table a range is best read. Pure numpy.

Every table of readings is ordered by *slice*, then channel, then time. A slice is ten steps
of time. What all channels send now therefore lies on a few neighbouring pages, whereas an
order by channel touches one page per channel at every commit; and what is old lies
together, so retention cuts it off at one end. The price is one seek per slice when one
channel is read.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.errors import InputError

FARTHEST_S = float(1 << 36)
"""Slices are cut from 1970 to the year 4147; readings from beyond lie in the outermost ones."""

MOST_POINTS = 10_000


class Source(NamedTuple):
    """A table from which history can be told: its name and the width of a row and a slice."""

    table: str
    step_s: float
    slice_s: float

    def slice_of(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The slice in which each moment lies: whole float64 numbers, growing with time."""
        return np.floor(np.clip(time_s, 0.0, FARTHEST_S) / self.slice_s)

    def slice_at(self, time_s: float) -> float:
        """The slice of one moment."""
        return float(min(max(time_s, 0.0), FARTHEST_S) // self.slice_s)


RAW = Source("readings", 1.0, 10.0)
MINUTE = Source("rollup_1m", 60.0, 600.0)
HOUR = Source("rollup_1h", 3600.0, 36_000.0)
SOURCES = (RAW, MINUTE, HOUR)

FINE_STEP_S = 0.125
"""Below one second buckets are whole numbers of this; it is exact in binary."""


class View(NamedTuple):
    """A range in whole buckets, and the table that tells it."""

    source: Source
    start_s: float
    end_s: float
    bucket_s: float


def view(start_s: float, end_s: float, points: int, finest: Source = RAW) -> View:
    """How to show a range in at most `points` buckets.

    Buckets begin at whole multiples of their width, so a chart that moves along does not
    flicker. One bucket may be cut by each end of the range, hence `points - 1` below.

    Args:
        finest: the finest table that still reaches back to `start_s`.

    Raises:
        InputError: the range is empty, or beyond 1970 .. 4147, or `points` is not
            2 .. 10,000.
    """
    if not 0.0 <= start_s < end_s <= FARTHEST_S:
        raise InputError(
            f"history from {start_s} to {end_s}: give start and end in seconds since 1970, "
            "start before end"
        )
    if not 2 <= points <= MOST_POINTS:
        raise InputError(f"history in {points} points: ask for 2 to {MOST_POINTS}")
    target_s = (end_s - start_s) / (points - 1)
    able = [source for source in SOURCES if source.step_s >= finest.step_s]
    source = next((s for s in reversed(able) if s.step_s <= target_s), able[0])
    step_s = FINE_STEP_S if source is RAW and target_s < RAW.step_s else source.step_s
    bucket_s = step_s * max(1, math.ceil(target_s / step_s))
    return View(
        source,
        math.floor(start_s / bucket_s) * bucket_s,
        math.ceil(end_s / bucket_s) * bucket_s,
        bucket_s,
    )


def finest_reaching(start_s: float, oldest_s: dict[Source, float | None]) -> Source:
    """The finest table that goes back to `start_s`, or else as far back as a coarser one.

    Args:
        oldest_s: beginning of the oldest slice of each table; None where it is empty.
    """
    best = RAW
    for coarser in (MINUTE, HOUR):
        begins, reaches = oldest_s[best], oldest_s[coarser]
        if reaches is None or (begins is not None and begins <= start_s):
            continue
        # a young coarse table begins in the same slice as its source: that is no longer reach
        if begins is None or reaches + coarser.slice_s <= begins:
            best = coarser
    return best
