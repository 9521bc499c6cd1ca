"""How a recording is to be read: which column is which channel of which device, in what unit.

Two public recordings are known; any other file is described by the names of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from davy.domain.errors import InputError
from davy.domain.site import NAME, UNIT_CODES, Unit
from davy.ingest.tables import Table
from davy.sensing.adc import ARDUINO_UNO

TIME_NAMES = ("time", "time_s", "ts", "timestamp")
DEVICE_NAMES = ("device", "device_id")
ENOSE_START_S = 1_640_995_200.0
"""2022-01-01T00:00Z: the recording has no clock, and this is the year of its paper."""


def _as_it_is(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One column as one channel.

    Attributes:
        column: its name in the file.
        spec: the channel as `davy device add` takes it, `mq4=MQ-4:methane`.
        unit: None means the unit that the channel has by itself.
        device: whose channel it is; None: the device of the row.
        convert: from what stands in the file to `unit`, any shape.
    """

    column: str
    spec: str
    unit: Unit | None = None
    device: str | None = None
    convert: Callable[[NDArray[np.float64]], NDArray[np.float64]] = _as_it_is

    @property
    def channel(self) -> str:
        """SenML's `n`."""
        return re.split("[=,]", self.spec, maxsplit=1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How a file is to be read.

    Attributes:
        name: under which it is known.
        title: what it is, in a line.
        sources: its columns that are readings.
        time: the column of times; None: a row every `every_s` seconds.
        every_s: counts only without times.
        start_s: the time of the first row; None leaves times as they are.
        device_column: whose row it is; None: all rows are of `device`.
        device: the id where the file names none.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    time: str | None = None
    every_s: float = 1.0
    start_s: float | None = None
    device_column: str | None = None
    device: str = "recording"

    @property
    def columns(self) -> frozenset[str]:
        """What a file must have to be this."""
        named = {self.time, self.device_column} - {None}
        return frozenset({source.column for source in self.sources} | {str(n) for n in named})


def _ratio_of_lpg(lpg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rs/R0 from the file's `lpg`, which is an exact function of it (and no true ppm)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.exp((np.log10(lpg) - 2.3) * -0.47 + 0.21), np.float64)


MQ2_TELEMETRY = Recording(
    name="mq2_telemetry",
    title="three boxes with an MQ-2, thermometer and hygrometer in normal operation",
    time="ts",
    device_column="device",
    sources=(
        Source(column="lpg", spec="mq2=MQ-2:lpg", unit=Unit.RATIO, convert=_ratio_of_lpg),
        Source(column="temp", spec="temperature", unit=Unit.CELSIUS),
        Source(column="humidity", spec="humidity", unit=Unit.HUMIDITY),
    ),
)

ENOSE = Recording(
    name="enose",
    title="seven MQ sensors on an Arduino: clean air, perfume, smoke, and both",
    every_s=2.0,
    start_s=ENOSE_START_S,
    device="enose-1",
    sources=tuple(
        Source(
            column=column,
            spec=f"{column.lower()}={part}:{gas}",
            unit=Unit.MILLIVOLT,
            convert=ARDUINO_UNO.mv,
        )
        for column, part, gas in (
            ("MQ2", "MQ-2", "smoke"),
            ("MQ3", "MQ-3", "ethanol"),
            ("MQ5", "MQ-5", "lpg"),
            ("MQ6", "MQ-6", "lpg"),
            ("MQ7", "MQ-7", "carbon-monoxide"),
            ("MQ8", "MQ-8", "hydrogen"),
            ("MQ135", "MQ-135", "ammonia"),
        )
    ),
)

KNOWN: Mapping[str, Recording] = {one.name: one for one in (MQ2_TELEMETRY, ENOSE)}
"""Recordings that need no description."""


def described(table: Table, channels: Sequence[str], units: Mapping[str, str]) -> Recording:
    """A file as the names of its columns describe it: `mq4`, or `kitchen-1.mq4`.

    Raises:
        InputError: no time column, no numeric one, or names that say nothing.
    """
    path, by_letters = table.path, {name.lower(): name for name in table.columns}
    time = next((by_letters[name] for name in TIME_NAMES if name in by_letters), None)
    if time is None:
        raise InputError(
            f"{path}: no column is called {', '.join(TIME_NAMES)}; name the one with the times so"
        )
    device = next((by_letters[name] for name in DEVICE_NAMES if name in by_letters), None)
    special = {time, device}
    if not channels:
        channels = [
            name for name in table.columns if name not in special and table.is_numeric(name)
        ]
        if not channels:
            raise InputError(f"{path}: no column but {time} holds numbers")
    sources = tuple(_source(table, spec, units) for spec in channels)
    named = {(source.device, source.channel) for source in sources}
    if len(named) < len(sources):
        raise InputError(f"{path}: two of its columns would be one channel; rename one")
    return Recording(
        name=path.name,
        title="a recording that names its channels itself",
        sources=sources,
        time=time,
        device_column=device,
        device=slug(path.name.partition(".")[0]) or "recording",
    )


def _source(table: Table, spec: str, units: Mapping[str, str]) -> Source:
    column = re.split("[=,]", spec, maxsplit=1)[0]
    found = next((name for name in table.columns if slug(name) == slug(column)), None)
    if found is None:
        raise InputError(
            f"{table.path}: there is no column {column}; it has {', '.join(table.columns)}"
        )
    device, dot, channel = column.rpartition(".")
    channel = slug(channel)
    if not NAME.fullmatch(channel) or (dot and not NAME.fullmatch(slug(device))):
        raise InputError(f"{table.path}: column {column!r} is neither channel nor device.channel")
    unit = units.get(column, units.get(channel))
    if unit is not None and unit not in UNIT_CODES:
        raise InputError(f"unit {unit!r} of {column} is not one of {', '.join(UNIT_CODES)}")
    return Source(
        column=found,
        spec=channel + spec[len(column) :],
        unit=None if unit is None else Unit(unit),
        device=slug(device) if dot else None,
    )


def slug(text: str) -> str:
    """A name made of what people write: `IoT Device_01` is `iot-device-01`."""
    return re.sub("[^a-z0-9]+", "-", text.strip().lower()).strip("-")[:64]
