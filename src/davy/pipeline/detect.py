"""Setpoints: when a condition begins and when it has ended.

Each level (low, high, STEL, a sensor fault …) is a layer over all channels. A layer looks at
one signal, has a deadband and two delays, and knows nothing of acknowledgement: that is the
alarm's own life, in `annunciate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Change, Point
from davy.domain.batch import Batch
from davy.domain.flags import FAULT, UNUSABLE, Flag, marked
from davy.domain.plan import Plan
from davy.pipeline.runs import before, held, hold, runs_of
from davy.pipeline.validate import judged_at

Signal = Callable[[Batch], NDArray[np.float64]]


def _value(batch: Batch) -> NDArray[np.float64]:
    """The value, read with care at the ends of its curve: below it is at most the foot, which
    trips nothing, and above it may be anything, which exceeds every limit."""
    if not marked(batch.flags, Flag.BELOW_CURVE | Flag.ABOVE_CURVE | UNUSABLE).any():
        return batch.value
    value = np.where(marked(batch.flags, Flag.BELOW_CURVE), 0.0, batch.value)
    value[marked(batch.flags, Flag.ABOVE_CURVE)] = np.inf
    value[marked(batch.flags, UNUSABLE)] = np.nan
    return value


def _flagged(mask: Flag) -> Signal:
    def signal(batch: Batch) -> NDArray[np.float64]:
        stands: NDArray[np.float64] = marked(batch.flags, mask).astype(np.float64)
        stands[marked(batch.flags, Flag.DUPLICATE)] = np.nan
        return stands

    return signal


SIGNALS: dict[str, Signal] = {
    "low": _value,
    "high": _value,
    "high-high": _value,
    "rise": lambda batch: batch.rise,
    "stel": lambda batch: batch.stel,
    "twa": lambda batch: batch.twa,
    "co-dose-en": lambda batch: batch.dose,
    "co-dose-ul": lambda batch: batch.dose,
    "fault": _flagged(FAULT),
    "over-range": _flagged(Flag.ABOVE_CURVE),
    "warm-up": _flagged(Flag.WARM_UP),
    "uncalibrated": _flagged(Flag.UNCALIBRATED),
    "clock": _flagged(Flag.FUTURE),
}
"""What each level looks at. A signal that is NaN decides nothing: the last state is held."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One level over all channels; `point` is -1 where a channel has no such setpoint.

    All arrays [channels]; `on`, `off` in the signal's unit, delays in seconds.
    """

    level: str
    point: NDArray[np.int32]
    on: NDArray[np.float64]
    off: NDArray[np.float64]
    on_delay_s: NDArray[np.float64]
    off_delay_s: NDArray[np.float64]

    @staticmethod
    def of(level: str, points: Sequence[Point], channels: int) -> Layer:
        """The level's setpoints as columns."""
        layer = Layer(
            level, np.full(channels, -1, np.int32), *(np.full(channels, np.nan) for _ in range(4))
        )
        for point in points:
            setpoint = point.setpoint
            layer.point[point.channel] = point.index
            layer.on[point.channel] = setpoint.on
            layer.off[point.channel] = setpoint.off
            layer.on_delay_s[point.channel] = setpoint.on_delay_s
            layer.off_delay_s[point.channel] = setpoint.off_delay_s
        return layer


class DetectState(NamedTuple):
    """[channels, layers] each: whether the signal stands beyond its limit, since when (by the
    time that counts, and by the reading's own clock), its last value, how that was marked,
    and whether the condition has been announced."""

    beyond: NDArray[np.bool_]
    since_s: NDArray[np.float64]
    since_time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    odd: NDArray[np.uint8]
    active: NDArray[np.bool_]


_UNVERIFIED = 1
_BACKFILLED = 2


@dataclass(frozen=True, slots=True)
class Detect:
    """Announces the beginning and end of conditions.

    A condition begins once the signal has stood at or above `on` for `on_delay_s` by either
    clock (its own or its arrival), and ends once it has stood below `off` for `off_delay_s`
    by both: a wrong clock can only make Davy speak sooner and clear later. Between readings
    a tick can begin a condition whose delay has passed, but only a reading can end one.
    """

    layers: tuple[Layer, ...]
    channels: int
    unverified_from: float = 0.5
    used: tuple[NDArray[np.bool_], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "used", tuple(layer.point >= 0 for layer in self.layers))

    @staticmethod
    def of(plan: Plan) -> Detect:
        """The stage for a plan."""
        by_level: dict[str, list[Point]] = {level: [] for level in SIGNALS}
        for point in plan.points:
            if point.enabled and point.channel >= 0 and point.level in by_level:
                by_level[point.level].append(point)
        layers = tuple(
            Layer.of(level, points, plan.channel_count) for level, points in by_level.items()
        )
        return Detect(layers, plan.channel_count)

    def start(self) -> DetectState:
        """All quiet."""
        shape = (self.channels, len(self.layers))
        return DetectState(
            beyond=np.zeros(shape, np.bool_),
            since_s=np.full(shape, np.nan),
            since_time_s=np.full(shape, np.nan),
            value=np.full(shape, np.nan),
            odd=np.zeros(shape, np.uint8),
            active=np.zeros(shape, np.bool_),
        )

    def step(self, state: DetectState, batch: Batch) -> tuple[DetectState, Batch]:
        """Adds changes to those of earlier stages, all in the order of the rows; what a tick
        brings comes last."""
        changes: list[Change] = []
        if len(batch):
            at_s = judged_at(batch)
            signals: dict[Signal, NDArray[np.float64]] = {}
            for index, layer in enumerate(self.layers):
                if self.used[index].any():
                    source = SIGNALS[layer.level]
                    if source not in signals:
                        signals[source] = source(batch)
                    changes += self._walk(state, index, batch, signals[source], at_s)
        if not np.isnan(batch.watermark_s):
            changes += self._wait(state, batch.watermark_s, len(batch))
        if not changes:
            return state, batch
        in_order = sorted((*batch.changes, *changes), key=lambda change: change.row)
        return state, replace(batch, changes=tuple(in_order))

    def _walk(
        self,
        state: DetectState,
        index: int,
        batch: Batch,
        signal: NDArray[np.float64],
        at_s: NDArray[np.float64],
    ) -> list[Change]:
        """One layer over all rows. Channels that are far from their limit cost a comparison."""
        layer = self.layers[index]
        live = state.beyond[:, index] | state.active[:, index]
        near = (signal >= layer.off[batch.channel]) | live[batch.channel]
        near &= self.used[index][batch.channel]
        if not near.any():
            return []
        involved = np.zeros(self.channels, np.bool_)
        involved[batch.channel[near]] = True
        rows = np.flatnonzero(involved[batch.channel])
        runs = runs_of(batch.channel[rows])
        rows = rows[runs.order]
        channel, value, now_s = batch.channel[rows], signal[rows], at_s[rows]
        own_s = batch.time_s[rows]
        keys = runs.keys

        over, under = value >= layer.on[channel], value < layer.off[channel]
        beyond = hold(over | under, over, runs, state.beyond[keys, index])
        turned = beyond != before(beyond, runs, state.beyond[keys, index])
        since_s = hold(turned, now_s, runs, state.since_s[keys, index])
        since_time_s = hold(turned, own_s, runs, state.since_time_s[keys, index])
        stood_s, stood_own_s = now_s - since_s, own_s - since_time_s
        begins = beyond & (np.fmax(stood_s, stood_own_s) >= layer.on_delay_s[channel])
        ends = under & (np.fmin(stood_s, stood_own_s) >= layer.off_delay_s[channel])
        active = hold(begins | ends, begins, runs, state.active[keys, index])
        changed = active != before(active, runs, state.active[keys, index])

        odd = self._odd(batch, rows)
        last = runs.ends - 1
        seen = held(~np.isnan(value), runs)[last]
        known = seen >= 0
        state.value[keys[known], index] = value[seen[known]]
        state.odd[keys[known], index] = odd[seen[known]]
        state.beyond[keys, index] = beyond[last]
        state.since_s[keys, index] = since_s[last]
        state.since_time_s[keys, index] = since_time_s[last]
        state.active[keys, index] = active[last]
        _forget(state, keys[~beyond[last] & ~active[last]], index)
        return [
            Change(
                point=int(layer.point[channel[place]]),
                active=bool(active[place]),
                at_s=float(now_s[place]),
                time_s=float(own_s[place]),
                value=_shown(batch, int(rows[place]), float(value[place])),
                unverified=bool(odd[place] & _UNVERIFIED),
                backfilled=bool(odd[place] & _BACKFILLED),
                row=int(rows[place]),
            )
            for place in np.flatnonzero(changed)
        ]

    def _odd(self, batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        odd = np.zeros(len(rows), np.uint8)
        odd[batch.suspicion[rows] >= self.unverified_from] |= _UNVERIFIED
        odd[marked(batch.flags[rows], Flag.LATE)] |= _BACKFILLED
        return odd

    def _wait(self, state: DetectState, watermark_s: float, row: int) -> list[Change]:
        """Conditions whose on-delay has passed since the last reading."""
        waiting = state.beyond & ~state.active
        if not waiting.any():
            return []
        changes = []
        for channel, index in zip(*np.nonzero(waiting), strict=True):
            layer = self.layers[index]
            if layer.point[channel] < 0:
                continue
            if watermark_s - state.since_s[channel, index] >= layer.on_delay_s[channel]:
                state.active[channel, index] = True
                odd = state.odd[channel, index]
                changes.append(
                    Change(
                        point=int(layer.point[channel]),
                        active=True,
                        at_s=watermark_s,
                        time_s=float(state.since_time_s[channel, index]),
                        value=float(state.value[channel, index]),
                        unverified=bool(odd & _UNVERIFIED),
                        backfilled=bool(odd & _BACKFILLED),
                        row=row,
                    )
                )
        return changes


def _forget(state: DetectState, quiet: NDArray[np.intp], index: int) -> None:
    """Nothing of a quiet channel is kept, so that it may be skipped while it is quiet."""
    state.since_s[quiet, index] = np.nan
    state.since_time_s[quiet, index] = np.nan
    state.value[quiet, index] = np.nan
    state.odd[quiet, index] = 0


def _shown(batch: Batch, row: int, signal: float) -> float:
    """What a person is told: a reading beyond its curve shows the curve's end, not infinity."""
    at_end = marked(batch.flags[row : row + 1], Flag.BELOW_CURVE | Flag.ABOVE_CURVE)[0]
    return float(batch.value[row]) if at_end and signal in {0.0, np.inf} else signal
