"""The first look: is this a number, can it be, and when was it?

Everything odd is marked and kept. A device with a wrong clock never hides gas: its rows are
judged by the time at which they arrived (`judged_at`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.batch import Batch
from davy.domain.flags import Flag, bits, marked
from davy.domain.site import UNITS, Unit
from davy.pipeline.runs import Runs, before, places, rounds, running_max, runs_of

PLAUSIBLE: dict[Unit, tuple[float, float]] = {
    Unit.MILLIVOLT: (-1e3, 1e5),
    Unit.OHM: (0.0, 1e12),
    Unit.RATIO: (0.0, 1e6),
    Unit.PPM: (-1e3, 1e6),  # a real instrument's zero wanders below 0; 1e6 ppm is pure gas
    Unit.CELSIUS: (-90.0, 1500.0),
    Unit.HUMIDITY: (0.0, 105.0),  # cheap hygrometers overshoot when wet
    Unit.COUNT: (-1e15, 1e15),
}
"""What each unit can physically be; beyond it a value is marked OUT_OF_RANGE."""

_LOW = np.array([PLAUSIBLE[unit][0] for unit in UNITS])
_HIGH = np.array([PLAUSIBLE[unit][1] for unit in UNITS])
_REMEMBERED = 64
_ODD_CLOCK = Flag.FUTURE | Flag.LATE


def judged_at(batch: Batch) -> NDArray[np.float64]:
    """When each row counts: its own time, or its arrival where the clock cannot be right."""
    odd = marked(batch.flags, _ODD_CLOCK)
    return np.where(odd, batch.arrived_s, batch.time_s) if odd.any() else batch.time_s


class ValidateState(NamedTuple):
    """Per channel: the newest time that can be believed, the newest of all, and the last 64
    readings (time, raw) to know twins by."""

    newest_s: NDArray[np.float64]
    furthest_s: NDArray[np.float64]
    times: NDArray[np.float64]
    raws: NDArray[np.float64]
    next: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Validate:
    """Marks what cannot be, what came twice and what came at the wrong time.

    A reading is a duplicate when the same channel had the same value at the same instant
    among its last 64: what a device sends again after a lost acknowledgement. Another value
    at the same instant is not a duplicate: it might be the gas.
    """

    channels: int
    future_s: float = 5.0
    late_s: float = 120.0

    def start(self) -> ValidateState:
        """Nothing seen yet."""
        return ValidateState(
            np.full(self.channels, -np.inf),
            np.full(self.channels, -np.inf),
            np.full((self.channels, _REMEMBERED), np.nan),
            np.full((self.channels, _REMEMBERED), np.nan),
            np.zeros(self.channels, np.int64),
        )

    def step(self, state: ValidateState, batch: Batch) -> tuple[ValidateState, Batch]:
        """Adds flags; rows that are already marked DUPLICATE move nothing."""
        if len(batch) == 0:
            return state, batch
        flags = batch.flags.copy()
        finite = np.isfinite(batch.raw)
        if not finite.all():
            flags[~finite] |= bits(Flag.NOT_A_NUMBER)
        beyond = (batch.raw < _LOW[batch.unit]) | (batch.raw > _HIGH[batch.unit])
        flags[beyond & finite] |= bits(Flag.OUT_OF_RANGE)
        age_s = batch.arrived_s - batch.time_s
        flags[age_s < -self.future_s] |= bits(Flag.FUTURE)
        flags[age_s > self.late_s] |= bits(Flag.LATE)
        _order(state, batch, flags)
        return state, replace(batch, flags=flags)


def _order(state: ValidateState, batch: Batch, flags: NDArray[np.uint32]) -> None:
    """Marks OUT_OF_ORDER and DUPLICATE, and remembers the rows."""
    runs = runs_of(batch.channel)
    time_s = batch.time_s[runs.order]
    given = flags[runs.order]
    known_twin = marked(given, Flag.DUPLICATE)
    first = state.furthest_s[runs.keys]
    furthest = running_max(np.where(known_twin, -np.inf, time_s), runs, first)
    mute = known_twin | marked(given, Flag.FUTURE)
    again = known_twin | (time_s <= before(furthest, runs, first))
    state.furthest_s[runs.keys] = furthest[runs.ends - 1]
    first = state.newest_s[runs.keys]
    newest = furthest
    if again.any() or mute.any():  # a clock that runs ahead moves the furthest, not the newest
        newest = running_max(np.where(mute, -np.inf, time_s), runs, first)
    state.newest_s[runs.keys] = newest[runs.ends - 1]
    if not again.any():
        _remember(state, batch, runs)
        return
    flags[runs.order[time_s < before(newest, runs, first)]] |= bits(Flag.OUT_OF_ORDER)
    doubtful = np.zeros(len(state.newest_s), np.bool_)
    doubtful[batch.channel[runs.order[again]]] = True
    careful = doubtful[batch.channel]
    _find_twins(state, batch, flags, places(careful))
    _remember(state, batch, runs_of(batch.channel[~careful]), places(~careful))


def _remember(
    state: ValidateState, batch: Batch, runs: Runs, among: NDArray[np.intp] | None = None
) -> None:
    """Writes the last 64 rows of each run into its channel's ring."""
    place = np.arange(len(runs.order)) - runs.heads
    lengths = runs.ends - runs.starts
    recent = place >= lengths[runs.run] - _REMEMBERED
    rows = runs.order[recent] if among is None else among[runs.order[recent]]
    channel = batch.channel[rows]
    slot = (state.next[channel] + place[recent]) % _REMEMBERED
    state.times[channel, slot] = batch.time_s[rows]
    state.raws[channel, slot] = batch.raw[rows]
    state.next[runs.keys] = (state.next[runs.keys] + lengths) % _REMEMBERED


def _find_twins(
    state: ValidateState, batch: Batch, flags: NDArray[np.uint32], rows: NDArray[np.intp]
) -> None:
    """The careful way, for channels in which a time came again."""
    for some in rounds(batch.channel[rows]):
        now = rows[some]
        now = now[~marked(flags[now], Flag.DUPLICATE)]
        channel, time_s, raw = batch.channel[now], batch.time_s[now], batch.raw[now]
        same_value = (state.raws[channel] == raw[:, None]) | (
            np.isnan(raw)[:, None] & np.isnan(state.raws[channel])
        )
        twin = ((state.times[channel] == time_s[:, None]) & same_value).any(axis=1)
        flags[now[twin]] |= bits(Flag.DUPLICATE)
        new, at = now[~twin], channel[~twin]
        slot = state.next[at]
        state.times[at, slot] = batch.time_s[new]
        state.raws[at, slot] = batch.raw[new]
        state.next[at] = (slot + 1) % _REMEMBERED
