"""What a nose cannot tell from one reading: how fast it rises, and how much was breathed.

Averages over 15 minutes (STEL) and 8 hours (TWA) are sums over rings of bins. The sums are
whole numbers (milli-ppm-seconds), because whole numbers add up to the same total wherever a
batch is cut, and floating-point ones do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.batch import Batch
from davy.domain.flags import UNUSABLE, Flag, marked
from davy.domain.plan import Plan
from davy.pipeline.runs import Runs, before, rounds, running_max, running_total, runs_of
from davy.pipeline.validate import judged_at

RISE_WINDOW_S = 60.0
_RISE_BINS = 6
_STEL_BINS = 15  # of a minute
_TWA_BINS = 96  # of five minutes
_LONGEST_STEP_S = 60.0
_MILLI = 1000.0
_FAR = np.int64(-(1 << 60))


class ExposureState(NamedTuple):
    """Per channel: the last usable reading; the first value of each of the last seven 10 s
    bins with the bins' numbers; and for channels with an exposure limit (one row each) the
    integrals of the last 16 minutes and the last 97 five-minute bins, in milli-ppm-seconds.
    """

    at_s: NDArray[np.float64]
    value: NDArray[np.float64]
    rise_bin: NDArray[np.int64]
    rise_first: NDArray[np.float64]
    stel_bin: NDArray[np.int64]
    stel_sum: NDArray[np.int64]
    twa_bin: NDArray[np.int64]
    twa_sum: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Fills `rise`, `stel` and `twa`.

    `rise` is the increase over the lowest bin start of the last minute, in the channel's own
    unit. A value counts from the reading before it (trapezoid), at most a minute, so a gap is
    not an exposure. Before 8 h have passed, the missing time counts as unexposed, as in a
    work shift.

    Attributes:
        watched: bool [channels], whether anybody asked for `rise`.
        exposed: bool [channels], whether anybody asked for `stel` or `twa`.
    """

    watched: NDArray[np.bool_]
    exposed: NDArray[np.bool_]

    @staticmethod
    def of(plan: Plan) -> Exposure:
        """The stage for a plan: only what some setpoint asks for is computed."""
        watched = np.zeros(plan.channel_count, np.bool_)
        exposed = np.zeros(plan.channel_count, np.bool_)
        for point in plan.points:
            if point.enabled and point.channel >= 0:
                watched[point.channel] |= point.level == "rise"
                exposed[point.channel] |= point.level in {"stel", "twa"}
        return Exposure(watched, exposed)

    def start(self) -> ExposureState:
        """Nothing breathed yet."""
        n = len(self.watched)
        return ExposureState(
            at_s=np.full(n, -np.inf),
            value=np.full(n, np.nan),
            rise_bin=np.full((n, _RISE_BINS + 1), _FAR),
            rise_first=np.full((n, _RISE_BINS + 1), np.nan),
            stel_bin=np.full(n, _FAR),
            stel_sum=np.zeros((n, _STEL_BINS + 1), np.int64),
            twa_bin=np.full(n, _FAR),
            twa_sum=np.zeros((n, _TWA_BINS + 1), np.int64),
        )

    def step(self, state: ExposureState, batch: Batch) -> tuple[ExposureState, Batch]:
        """Adds the three columns on rows that have a usable value."""
        asked = (self.watched | self.exposed)[batch.channel]
        rows = np.flatnonzero(asked & ~marked(batch.flags, UNUSABLE))
        rows = rows[np.isfinite(batch.value[rows])]
        if len(rows) == 0:
            return state, batch
        runs = runs_of(batch.channel[rows])
        rows = rows[runs.order]
        channel, value = batch.channel[rows], batch.value[rows]
        first_s = state.at_s[runs.keys]
        at_s = running_max(judged_at(batch)[rows], runs, first_s)  # time never runs back
        judged = batch
        here = self.watched[channel]
        if here.any():
            rise = _rise(state, runs_of(channel[here]), at_s[here], value[here])
            judged = replace(judged, rise=_spread(batch, rows[here], rise))
        # Below its curve a film says "at most the foot": that is no exposure.
        value = np.where(marked(batch.flags[rows], Flag.BELOW_CURVE), 0.0, value)
        here = self.exposed[channel]
        if here.any():
            step_s = np.minimum(at_s - before(at_s, runs, first_s), _LONGEST_STEP_S)
            last = before(value, runs, state.value[runs.keys])
            breathed = _breathed(step_s, last, value)
            stel, twa = _windows(state, runs_of(channel[here]), at_s[here], breathed[here])
            judged = replace(
                judged,
                stel=_spread(batch, rows[here], stel),
                twa=_spread(batch, rows[here], twa),
            )
        state.at_s[runs.keys] = at_s[runs.ends - 1]
        state.value[runs.keys] = value[runs.ends - 1]
        return state, judged


def _breathed(
    step_s: NDArray[np.float64], last: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.int64]:
    """What each reading adds, in milli-ppm-seconds; nothing, where there is none before it."""
    mean = np.maximum(0.0, (value + last) / 2)
    return np.rint(np.nan_to_num(mean * step_s) * _MILLI).astype(np.int64)


def _windows(
    state: ExposureState, runs: Runs, at_s: NDArray[np.float64], breathed: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (
        _averages(_Ring(state.stel_bin, state.stel_sum, 60.0), runs, at_s, breathed),
        _averages(_Ring(state.twa_bin, state.twa_sum, 300.0), runs, at_s, breathed),
    )


def _spread(
    batch: Batch, rows: NDArray[np.intp], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    column = np.full(len(batch), np.nan)
    column[rows] = values
    return column


def _stretches(
    runs: Runs, bins: NDArray[np.int64], newest: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Cuts runs where the bin changes: starts, the stretch of each place, and whether a
    stretch opens a bin that the state does not have yet."""
    changed = np.empty(len(bins), np.bool_)
    changed[1:] = bins[1:] != bins[:-1]
    changed[runs.starts] = True
    starts = np.flatnonzero(changed)
    opens = np.ones(len(starts), np.bool_)
    of_run = runs.run[starts]
    first_of_run = starts == runs.starts[of_run]
    opens[first_of_run] = bins[runs.starts] != newest[runs.keys]
    return starts, np.cumsum(changed) - 1, opens


def _rise(
    state: ExposureState, runs: Runs, at_s: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    bins = np.floor(at_s / (RISE_WINDOW_S / _RISE_BINS)).astype(np.int64)
    starts, stretch, opens = _stretches(runs, bins, state.rise_bin[:, 0])
    channel = runs.keys[runs.run[starts]]
    lowest = np.empty(len(starts))
    for some in rounds(channel):
        at, now = channel[some], bins[starts[some]]
        fresh = opens[some]
        new, where = at[fresh], starts[some[fresh]]
        state.rise_bin[new, 1:] = state.rise_bin[new, :-1]
        state.rise_first[new, 1:] = state.rise_first[new, :-1]
        state.rise_bin[new, 0] = bins[where]
        state.rise_first[new, 0] = value[where]
        inside = state.rise_bin[at] >= now[:, None] - _RISE_BINS
        lowest[some] = np.where(inside, state.rise_first[at], np.inf).min(axis=1)
    return value - lowest[stretch]


class _Ring(NamedTuple):
    """Integrals by bin; column 0 of `sums` is the bin numbered `newest`."""

    newest: NDArray[np.int64]
    sums: NDArray[np.int64]
    bin_s: float


def _averages(
    ring: _Ring, runs: Runs, at_s: NDArray[np.float64], breathed: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average over the ring; of its oldest bin only what is still inside the window counts."""
    newest, sums, bin_s = ring
    bins = np.floor(at_s / bin_s).astype(np.int64)
    starts, stretch, _ = _stretches(runs, bins, newest)
    channel = runs.keys[runs.run[starts]]
    so_far = running_total(breathed, starts[stretch])
    ends = np.append(starts[1:], len(bins)) - 1
    width = sums.shape[1]
    opening, inner, oldest = (np.empty(len(starts), np.int64) for _ in range(3))
    for some in rounds(channel):
        at = channel[some]
        passed = np.minimum(bins[starts[some]] - newest[at], width)
        for shift in np.unique(passed[passed > 0]).tolist():
            moved = at[passed == shift]
            sums[moved, shift:] = sums[moved, : width - shift]
            sums[moved, :shift] = 0
        newest[at] = bins[starts[some]]
        opening[some] = sums[at, 0]
        inner[some] = sums[at, 1:-1].sum(axis=1)
        oldest[some] = sums[at, -1]
        sums[at, 0] += so_far[ends[some]]
    inside = 1.0 - (at_s / bin_s - bins)
    total = (opening + inner)[stretch] + so_far + oldest[stretch] * inside
    average: NDArray[np.float64] = total / _MILLI / (bin_s * (width - 1))
    return average
