"""What a nose cannot tell from one reading: how fast it rises, and how much was breathed.

Averages over 15 minutes (STEL) and 8 hours (TWA) are sums over rings of bins. The sums are
whole numbers (milli-ppm-seconds), because whole numbers add up to the same total wherever a
batch is cut, and floating-point ones do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.batch import Batch
from davy.domain.flags import UNUSABLE, Flag, marked
from davy.domain.plan import Plan
from davy.pipeline.runs import Runs, before, places, rounds, running_max, running_total, runs_of
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
    bins with the bins' numbers; the integrals of the last 16 minutes and the last 97
    five-minute bins, newest first, in milli-ppm-seconds; and of each the total of all but the
    oldest, which is what nearly every reading needs.
    """

    at_s: NDArray[np.float64]
    value: NDArray[np.float64]
    rise_bin: NDArray[np.int64]
    rise_first: NDArray[np.float64]
    stel_bin: NDArray[np.int64]
    stel_sum: NDArray[np.int64]
    stel_total: NDArray[np.int64]
    twa_bin: NDArray[np.int64]
    twa_sum: NDArray[np.int64]
    twa_total: NDArray[np.int64]


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
    asked: NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", self.watched | self.exposed)

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
            stel_total=np.zeros(n, np.int64),
            twa_bin=np.full(n, _FAR),
            twa_sum=np.zeros((n, _TWA_BINS + 1), np.int64),
            twa_total=np.zeros(n, np.int64),
        )

    def step(self, state: ExposureState, batch: Batch) -> tuple[ExposureState, Batch]:
        """Adds the three columns on rows that have a usable value."""
        usable = self.asked[batch.channel] & ~marked(batch.flags, UNUSABLE)
        rows = places(usable & np.isfinite(batch.value))
        if len(rows) == 0:
            return state, batch
        runs = runs_of(batch.channel[rows])
        rows = rows[runs.order]
        channel, value = batch.channel[rows], batch.value[rows]
        first_s = state.at_s[runs.keys]
        at_s = running_max(judged_at(batch)[rows], runs, first_s)  # time never runs back
        found: dict[str, Any] = {}
        here = places(self.watched[channel])
        if len(here):
            rise = _rise(state, _among(runs, channel, here), at_s[here], value[here])
            found["rise"] = _spread(batch, rows[here], rise)
        # Below its curve a film says "at most the foot": that is no exposure.
        value = np.where(marked(batch.flags[rows], Flag.BELOW_CURVE), 0.0, value)
        here = places(self.exposed[channel])
        if len(here):
            step_s = np.minimum(at_s - before(at_s, runs, first_s), _LONGEST_STEP_S)
            last = before(value, runs, state.value[runs.keys])
            breathed = _breathed(step_s[here], last[here], value[here])
            some = _among(runs, channel, here)
            for name, ring in _rings(state).items():
                found[name] = _spread(
                    batch, rows[here], _averages(ring, some, at_s[here], breathed)
                )
        state.at_s[runs.keys] = at_s[runs.ends - 1]
        state.value[runs.keys] = value[runs.ends - 1]
        return state, replace(batch, **found)


def _among(runs: Runs, channel: NDArray[np.int32], here: NDArray[np.intp]) -> Runs:
    """The runs of some of the places, which keep their order."""
    return runs if len(here) == len(channel) else runs_of(channel[here])


def _breathed(
    step_s: NDArray[np.float64], last: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.int64]:
    """What each reading adds, in milli-ppm-seconds; nothing, where there is none before it."""
    mean = np.maximum(0.0, (value + last) / 2)
    return np.rint(np.fmax(mean * step_s, 0.0) * _MILLI).astype(np.int64)


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
    if runs.single:
        return runs.starts, runs.run, bins != newest[runs.keys]
    changed = np.empty(len(bins), np.bool_)
    changed[1:] = bins[1:] != bins[:-1]
    changed[runs.starts] = True
    starts = places(changed)
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
    of_run = runs.run[starts]
    keys = runs.keys
    known_bin, known_first = state.rise_bin[keys], state.rise_first[keys]  # newest first
    if not opens.any():
        inside = known_bin >= bins[runs.starts][:, None] - _RISE_BINS
        foot = np.where(inside, known_first, np.inf).min(axis=1)
        return np.asarray(value - foot[runs.run])
    # What each run knows from before, oldest first, with the bins that it opens behind it.
    width = _RISE_BINS + 1
    opened = np.cumsum(opens)
    place = opened + width * (of_run + 1) - 1
    line_bin = np.empty(width * len(keys) + int(opened[-1]), np.int64)
    line_first = np.empty(len(line_bin))
    new, first = place[opens], starts[opens]
    line_bin[new], line_first[new] = bins[first], value[first]
    old = np.ones(len(line_bin), np.bool_)
    old[new] = False
    line_bin[old], line_first[old] = known_bin[:, ::-1].ravel(), known_first[:, ::-1].ravel()
    back = np.arange(width)
    seven = place[:, None] - back
    inside = line_bin[seven] >= bins[starts][:, None] - _RISE_BINS
    lowest = np.where(inside, line_first[seven], np.inf).min(axis=1)
    seven = seven[np.append(places(np.diff(of_run)), len(starts) - 1)]
    state.rise_bin[keys], state.rise_first[keys] = line_bin[seven], line_first[seven]
    return np.asarray(value - lowest[stretch])


class _Ring(NamedTuple):
    """Integrals by bin; column 0 of `sums` is the bin numbered `newest`."""

    newest: NDArray[np.int64]
    sums: NDArray[np.int64]
    total: NDArray[np.int64]
    bin_s: float


def _rings(state: ExposureState) -> dict[str, _Ring]:
    return {
        "stel": _Ring(state.stel_bin, state.stel_sum, state.stel_total, 60.0),
        "twa": _Ring(state.twa_bin, state.twa_sum, state.twa_total, 300.0),
    }


def _averages(
    ring: _Ring, runs: Runs, at_s: NDArray[np.float64], breathed: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average over the ring; of its oldest bin only what is still inside the window counts."""
    newest, sums, total, bin_s = ring
    bins = np.floor(at_s / bin_s).astype(np.int64)
    starts, stretch, _ = _stretches(runs, bins, newest)
    so_far = running_total(breathed, starts[stretch])
    ends = np.append(starts[1:], len(bins)) - 1
    width = sums.shape[1]
    known, oldest = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    channel = runs.keys[runs.run[starts]]
    for some in rounds(channel):
        at, now = channel[some], bins[starts[some]]
        passed = np.minimum(now - newest[at], width)
        if passed.any():
            _turn(ring, at, passed)
            newest[at] = now
        known[some], oldest[some] = total[at], sums[at, -1]
        gained = so_far[ends[some]]
        sums[at, 0] += gained
        total[at] += gained
    inside = 1.0 - (at_s / bin_s - bins)
    whole = known[stretch] + so_far + oldest[stretch] * inside
    average: NDArray[np.float64] = whole / _MILLI / (bin_s * (width - 1))
    return average


def _turn(ring: _Ring, at: NDArray[np.intp], passed: NDArray[np.int64]) -> None:
    """Moves rings on by as many bins as have passed; what falls off the end is forgotten."""
    width = ring.sums.shape[1]
    for shift in set(passed.tolist()) - {0}:
        moved = at[passed == shift]
        turned = np.zeros((len(moved), width), np.int64)
        turned[:, shift:] = ring.sums[moved, : width - shift]
        ring.sums[moved] = turned
        ring.total[moved] = turned[:, :-1].sum(axis=1)
