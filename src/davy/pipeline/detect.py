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
from davy.pipeline.runs import Runs, before, divided, hold, places, running_max, runs_of
from davy.pipeline.validate import judged_at


def _value(batch: Batch) -> NDArray[np.float64]:
    """The value, read with care at the ends of its curve: below it is at most the foot, which
    trips nothing, and above it may be anything, which exceeds every limit."""
    if not marked(batch.flags, Flag.BELOW_CURVE | Flag.ABOVE_CURVE | UNUSABLE).any():
        return batch.value
    value = np.where(marked(batch.flags, Flag.BELOW_CURVE), 0.0, batch.value)
    value[marked(batch.flags, Flag.ABOVE_CURVE)] = np.inf
    value[marked(batch.flags, UNUSABLE)] = np.nan
    return value


@dataclass(frozen=True, slots=True)
class Signal:
    """What a level looks at. Where it is NaN it decides nothing: the last state is held.

    `mask`: of a signal that tells whether a reading is flagged, those flags; it is 0 wherever
    none of them stands. `shown`: what a person is told, where that differs from the signal (a
    reading beyond its curve shows the curve's end, not infinity).
    """

    read: Callable[[Batch], NDArray[np.float64]]
    mask: Flag | None = None
    shown: Callable[[Batch], NDArray[np.float64]] | None = None


def _flagged(mask: Flag) -> Signal:
    def read(batch: Batch) -> NDArray[np.float64]:
        stands: NDArray[np.float64] = marked(batch.flags, mask).astype(np.float64)
        stands[marked(batch.flags, Flag.DUPLICATE)] = np.nan
        return stands

    return Signal(read, mask)


_LEVEL = Signal(_value, shown=lambda batch: batch.value)
_DOSE = Signal(lambda batch: batch.dose)

SIGNALS: dict[str, Signal] = {
    "low": _LEVEL,
    "high": _LEVEL,
    "high-high": _LEVEL,
    "rise": Signal(lambda batch: batch.rise),
    "stel": Signal(lambda batch: batch.stel),
    "twa": Signal(lambda batch: batch.twa),
    "co-dose-en": _DOSE,
    "co-dose-ul": _DOSE,
    "fault": _flagged(FAULT),
    "over-range": _flagged(Flag.ABOVE_CURVE),
    "warm-up": _flagged(Flag.WARM_UP),
    "uncalibrated": _flagged(Flag.UNCALIBRATED),
    "clock": _flagged(Flag.FUTURE),
}
"""What each level looks at."""


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


class Watch(NamedTuple):
    """The layers that share one signal, and [channels] the least that begins any of them."""

    signal: Signal
    layers: list[int]
    least: NDArray[np.float64]


class DetectState(NamedTuple):
    """[channels, layers] each: whether the signal stands beyond its limit, since when (by the
    time that counts, and by the reading's own clock), and whether the condition has been
    announced; and while it waits for that, its last value and how that was marked."""

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
    watches: tuple[Watch, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sharing: dict[Signal, list[int]] = {}
        for index, layer in enumerate(self.layers):
            if (layer.point >= 0).any():
                sharing.setdefault(SIGNALS[layer.level], []).append(index)
        watches = tuple(
            Watch(signal, indexes, np.fmin.reduce([self.layers[index].on for index in indexes]))
            for signal, indexes in sharing.items()
        )
        object.__setattr__(self, "watches", watches)

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
        changes = self._read(state, batch) if len(batch) else []
        if not np.isnan(batch.watermark_s):
            changes += self._wait(state, batch.watermark_s, len(batch))
        if not changes:
            return state, batch
        in_order = sorted((*batch.changes, *changes), key=lambda change: change.row)
        return state, replace(batch, changes=tuple(in_order))

    def _read(self, state: DetectState, batch: Batch) -> list[Change]:
        """What the rows say. A signal that stays far from its limits costs one comparison."""
        channel = batch.channel
        at_s = judged_at(batch)
        live = state.beyond.take(channel, axis=0) | state.active.take(channel, axis=0)
        alive = set(np.flatnonzero(live.any(axis=0)).tolist())
        marks = int(np.bitwise_or.reduce(batch.flags))
        changes: list[Change] = []
        for signal, indexes, least in self.watches:
            living = alive.intersection(indexes)
            if signal.mask is not None and not marks & signal.mask and not living:
                continue
            value = signal.read(batch)
            near = value >= least.take(channel)
            for index in living:
                near |= live[:, index]
            if near.any():
                shown = signal.shown(batch) if signal.shown else value
                rows = places(near)
                for index in indexes:
                    involved = self._involved(state, index, channel[rows], value[rows])
                    if involved is not None:
                        walked = places(involved[channel])
                        changes += self._walk(state, index, batch, walked, (value, shown, at_s))
        return changes

    def _involved(
        self,
        state: DetectState,
        index: int,
        channel: NDArray[np.int32],
        value: NDArray[np.float64],
    ) -> NDArray[np.bool_] | None:
        """Channels of which some row may move this layer: bool [channels], None for none.

        A quiet one moves when it reaches `on`, one that has been announced and still stands
        when it falls below `off`; between the two, time alone may move it.
        """
        layer = self.layers[index]
        beyond, active = state.beyond[channel, index], state.active[channel, index]
        stands = beyond & active
        moves = np.where(stands, value < layer.off[channel], value >= layer.on[channel])
        moves |= beyond ^ active
        if not moves.any():
            return None
        involved = np.zeros(self.channels, np.bool_)
        involved[channel[moves]] = True
        return involved

    def _walk(
        self,
        state: DetectState,
        index: int,
        batch: Batch,
        rows: NDArray[np.intp],
        columns: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    ) -> list[Change]:
        """One layer over all rows of some channels; `columns` are signal, shown and time."""
        layer = self.layers[index]
        runs = runs_of(batch.channel[rows])
        rows = rows[runs.order]
        value, shown, now_s = (column[rows] for column in columns)
        channel, own_s, keys = batch.channel[rows], batch.time_s[rows], runs.keys

        over, under = value >= layer.on[channel], value < layer.off[channel]
        beyond = hold(over | under, over, runs, state.beyond[keys, index])
        turned = beyond != before(beyond, runs, state.beyond[keys, index])
        since_s = _since(now_s, turned, runs, state.since_s[keys, index])
        since_time_s = _since(own_s, turned, runs, state.since_time_s[keys, index])
        stood_s, stood_own_s = now_s - since_s, own_s - since_time_s
        begins = beyond & (np.fmax(stood_s, stood_own_s) >= layer.on_delay_s[channel])
        ends = under & (np.fmin(stood_s, stood_own_s) >= layer.off_delay_s[channel])
        active = hold(begins | ends, begins, runs, state.active[keys, index])
        changed = active != before(active, runs, state.active[keys, index])
        known = ~np.isnan(value)
        shown = hold(known, shown, runs, state.value[keys, index])
        odd = hold(known, self._odd(batch, rows), runs, state.odd[keys, index])

        last = runs.ends - 1
        state.value[keys, index], state.odd[keys, index] = shown[last], odd[last]
        state.beyond[keys, index], state.active[keys, index] = beyond[last], active[last]
        state.since_s[keys, index] = since_s[last]
        state.since_time_s[keys, index] = since_time_s[last]
        _forget(state, keys, index)
        return [
            Change(
                point=int(layer.point[channel[place]]),
                active=bool(active[place]),
                at_s=float(now_s[place]),
                time_s=float(own_s[place]),
                value=float(shown[place]),
                unverified=bool(odd[place] & _UNVERIFIED),
                backfilled=bool(odd[place] & _BACKFILLED),
                row=int(rows[place]),
            )
            for place in places(changed)
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
                _forget(state, np.array([channel]), int(index))
        return changes


def _since(
    time_s: NDArray[np.float64],
    turned: NDArray[np.bool_],
    runs: Runs,
    known_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The earliest time since the signal last turned: a clock that is set back by a year must
    not keep an alarm standing for that year."""
    stretches = divided(runs, turned)
    first_s = np.where(turned[stretches.starts], np.nan, known_s[runs.run[stretches.starts]])
    return -running_max(-time_s, stretches, -first_s)


def _forget(state: DetectState, keys: NDArray[np.intp], index: int) -> None:
    """Keeps only what is waited for, so that a channel may be skipped while nothing moves."""
    beyond, active = state.beyond[keys, index], state.active[keys, index]
    told = keys[active | ~beyond]
    state.value[told, index] = np.nan
    state.odd[told, index] = 0
    settled = keys[active == beyond]
    state.since_s[settled, index] = np.nan
    state.since_time_s[settled, index] = np.nan
