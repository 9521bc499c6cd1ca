"""From what a device sends to what it means: millivolts, ohms or ratios to ppm.

R0, load and supply belong to the channel; temperature and humidity come from the same box.
What is missing is assumed and said (`UNCALIBRATED`, `UNCOMPENSATED`), never a reason to stay
silent: a nose that was never calibrated still smells gas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.batch import Batch
from davy.domain.flags import FAULT, UNUSABLE, Flag, bits, marked
from davy.domain.plan import Plan
from davy.domain.site import UNIT_CODES, Channel, Quantity, Unit
from davy.pipeline.runs import Runs, before, held, places, runs_of
from davy.pipeline.validate import judged_at
from davy.sensing.adc import mv_to_rs
from davy.sensing.catalog import mox_part
from davy.sensing.compensation import Climates, influence
from davy.sensing.curve import MoxCurves
from davy.sensing.parts import MoxPart

_MV, _OHM, _RATIO = (UNIT_CODES[unit] for unit in (Unit.MILLIVOLT, Unit.OHM, Unit.RATIO))
_NO_ROLE, _THERMOMETER, _HYGROMETER = 0, 1, 2


class CalibrateState(NamedTuple):
    """Per device: the last weather and when it was read, and when its present boot began."""

    temperature_c: NDArray[np.float64]
    temperature_at_s: NDArray[np.float64]
    humidity: NDArray[np.float64]
    humidity_at_s: NDArray[np.float64]
    boot: NDArray[np.int64]
    booted_s: NDArray[np.float64]


class Films(NamedTuple):
    """[channels] each: how a metal-oxide channel is read; NaN and False for other channels."""

    mox: NDArray[np.bool_]
    own_r0: NDArray[np.bool_]
    r0_ohm: NDArray[np.float64]
    load_ohm: NDArray[np.float64]
    supply_mv: NDArray[np.float64]
    divider: NDArray[np.float64]
    warm_up_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Fills `value`: ppm of the channel's one target gas, °C, %RH or a count.

    Weather older than `weather_s` is no weather. Warm-up counts from the first reading of a
    boot and only marks: gas that is there at start-up alarms.
    """

    device_of: NDArray[np.int32]
    role: NDArray[np.uint8]
    films: Films
    curves: MoxCurves
    climates: Climates
    devices: int
    weather_s: float = 600.0

    @staticmethod
    def of(plan: Plan) -> Calibrate:
        """The stage for a plan."""
        n = plan.channel_count
        device_of = np.zeros(n, np.int32)
        role = np.zeros(n, np.uint8)
        nan = [np.full(n, np.nan) for _ in range(5)]
        films = Films(np.zeros(n, np.bool_), np.zeros(n, np.bool_), *nan)
        parts = [_film(channel) for channel in plan.channels]
        for device in plan.devices:
            for channel in device.channels:
                device_of[channel.id] = device.index
                role[channel.id] = {
                    Quantity.TEMPERATURE: _THERMOMETER,
                    Quantity.HUMIDITY: _HYGROMETER,
                }.get(channel.quantity, _NO_ROLE)
                part = parts[channel.id]
                if part is not None and channel.gas is not None:
                    films.mox[channel.id] = True
                    films.own_r0[channel.id] = channel.r0_ohm is not None
                    films.r0_ohm[channel.id] = channel.r0_ohm or part.r0_ohm(channel.gas)
                    films.load_ohm[channel.id] = channel.load_ohm or part.load_ohm
                    films.supply_mv[channel.id] = channel.supply_mv or part.supply_mv
                    films.divider[channel.id] = channel.divider or 1.0
                    films.warm_up_s[channel.id] = part.warm_up_s
        gases = [channel.gas if channel else None for channel in plan.channels]
        curves = [
            part.curve(gas) if part and gas else None
            for part, gas in zip(parts, gases, strict=True)
        ]
        return Calibrate(
            device_of=device_of,
            role=role,
            films=films,
            curves=MoxCurves.of(curves),
            climates=Climates.of([part.climate if part else None for part in parts]),
            devices=len(plan.devices),
        )

    def start(self) -> CalibrateState:
        """No weather yet, and no device has booted."""
        n = self.devices
        return CalibrateState(
            temperature_c=np.full(n, np.nan),
            temperature_at_s=np.full(n, np.nan),
            humidity=np.full(n, np.nan),
            humidity_at_s=np.full(n, np.nan),
            boot=np.full(n, np.iinfo(np.int64).min),
            booted_s=np.full(n, -np.inf),
        )

    def step(self, state: CalibrateState, batch: Batch) -> tuple[CalibrateState, Batch]:
        """Adds values and flags."""
        if len(batch) == 0:
            return state, batch
        flags = batch.flags.copy()
        value = batch.raw.copy()
        at_s = judged_at(batch)
        device = self.device_of[batch.channel]
        runs = runs_of(device)
        role = self.role[batch.channel]
        role[marked(batch.flags, UNUSABLE)] = _NO_ROLE
        thermometer = _Weather(role == _THERMOMETER, state.temperature_c, state.temperature_at_s)
        hygrometer = _Weather(role == _HYGROMETER, state.humidity, state.humidity_at_s)
        temperature_c = self._fresh(at_s, thermometer.follow(batch, at_s, device, runs))
        humidity = self._fresh(at_s, hygrometer.follow(batch, at_s, device, runs))
        booted_s = _booted(state, batch, at_s, device, runs)
        rows = places(self.films.mox[batch.channel] & (batch.unit <= _RATIO))
        if len(rows):
            weather = temperature_c[rows], humidity[rows]
            ratio = self._ratio(batch, rows, weather)
            value[rows], found = self.curves.read(ratio, batch.channel[rows])
            channel = batch.channel[rows]
            assumed = np.isnan(weather[0]) | np.isnan(weather[1])
            found |= assumed * bits(Flag.UNCOMPENSATED)
            typical = ~self.films.own_r0[channel] & (batch.unit[rows] != _RATIO)
            found |= typical * bits(Flag.UNCALIBRATED)
            cold = at_s[rows] - booted_s[rows] < self.films.warm_up_s[channel]
            found |= cold * bits(Flag.WARM_UP)
            flags[rows] |= found
        value[marked(flags, FAULT)] = np.nan
        return state, replace(batch, value=value, flags=flags)

    def _ratio(
        self,
        batch: Batch,
        rows: NDArray[np.intp],
        weather: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Rs/R0 under the datasheet's conditions."""
        channel, unit, raw = batch.channel[rows], batch.unit[rows], batch.raw[rows]
        films = self.films
        ratio = raw.copy()
        volts = unit == _MV
        if volts.any():
            at = channel[volts]
            ratio[volts] = mv_to_rs(
                raw[volts], films.load_ohm[at], films.supply_mv[at], films.divider[at]
            )
        absolute = unit != _RATIO
        ratio[absolute] /= films.r0_ohm[channel[absolute]]
        return ratio / influence(self.climates.take(channel), *weather)

    def _fresh(
        self, at_s: NDArray[np.float64], told: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        reading, read_s = told
        return np.where(at_s - read_s <= self.weather_s, reading, np.nan)


def _film(channel: Channel | None) -> MoxPart | None:
    """The metal-oxide film behind a channel, if there is one."""
    if channel is None or channel.part is None or channel.quantity is not Quantity.GAS:
        return None
    return mox_part(channel.part)


class _Weather(NamedTuple):
    """One kind of instrument: the rows it speaks in, and what each device's last said."""

    is_source: NDArray[np.bool_]
    last: NDArray[np.float64]
    last_at_s: NDArray[np.float64]

    def follow(
        self, batch: Batch, at_s: NDArray[np.float64], device: NDArray[np.int32], runs: Runs
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the box's own instrument last said at each row, and when; moves the state."""
        reading, read_s = self.last[device], self.last_at_s[device]
        if self.is_source.any():
            where = held(self.is_source[runs.order], runs)
            told = places(where >= 0)
            row, source = runs.order[told], runs.order[where[told]]
            reading[row], read_s[row] = batch.raw[source], at_s[source]
            ends = runs.order[runs.ends - 1]
            self.last[runs.keys], self.last_at_s[runs.keys] = reading[ends], read_s[ends]
        return reading, read_s


def _booted(
    state: CalibrateState,
    batch: Batch,
    at_s: NDArray[np.float64],
    device: NDArray[np.int32],
    runs: Runs,
) -> NDArray[np.float64]:
    """When the boot that each row belongs to began: at its first reading."""
    booted_s = state.booted_s[device]
    if (batch.boot == state.boot[device]).all():
        return booted_s
    boot = batch.boot[runs.order]
    first = boot != before(boot, runs, state.boot[runs.keys])
    where = held(first, runs)
    told = places(where >= 0)
    booted_s[runs.order[told]] = at_s[runs.order[where[told]]]
    ends = runs.order[runs.ends - 1]
    state.boot[runs.keys], state.booted_s[runs.keys] = batch.boot[ends], booted_s[ends]
    return booted_s
