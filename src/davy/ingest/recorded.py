"""The readings of a recording, as arrays and as what each device measured at each instant.

Nothing is sent from here: `replay` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.errors import InputError
from davy.domain.site import Unit
from davy.ingest.recordings import KNOWN, Recording, Source, described, slug
from davy.ingest.tables import Table
from davy.wire.senml import RELATIVE_BELOW_S, Sample


class Track(NamedTuple):
    """One channel of one device in a recording."""

    device: str
    channel: str
    spec: str
    unit: Unit | None


class Moment(NamedTuple):
    """What one device measured at one instant."""

    device: str
    time_s: float
    samples: tuple[Sample, ...]


class Order(NamedTuple):
    """A device that must be enrolled, with its channels as `davy device add` takes them."""

    device: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recorded:
    """The readings of one file, in its order.

    Attributes:
        recording: how it was read.
        tracks: the channels in it.
        time_s: float64 [n], seconds since 1970 UTC.
        track: int32 [n], index into `tracks`.
        value: float64 [n], finite, in the unit of its track.
        moments: int64 [m + 1]: readings `moments[i]` to `moments[i + 1]` are one device's at
            one instant.
    """

    recording: Recording
    tracks: tuple[Track, ...]
    time_s: NDArray[np.float64]
    track: NDArray[np.int32]
    value: NDArray[np.float64]
    moments: NDArray[np.int64]

    def __len__(self) -> int:
        """How many readings."""
        return len(self.value)

    def __iter__(self) -> Iterator[Moment]:
        """Moments in the order of the file."""
        times_s, values, tracks = self.time_s.tolist(), self.value.tolist(), self.track.tolist()
        ends = self.moments.tolist()
        for start, end in pairwise(ends):
            samples = tuple(
                Sample((one := self.tracks[tracks[at]]).channel, values[at], one.unit, times_s[at])
                for at in range(start, end)
            )
            yield Moment(self.tracks[tracks[start]].device, times_s[start], samples)

    def starting_at(self, start_s: float) -> Recorded:
        """The same, moved in time so that its earliest reading is of then."""
        return replace(self, time_s=self.time_s + (start_s - float(self.time_s.min())))

    def orders(self) -> list[Order]:
        """The devices that must be enrolled before it can be played."""
        devices: dict[str, list[str]] = {}
        for track in self.tracks:
            devices.setdefault(track.device, []).append(track.spec)
        return [Order(device, tuple(specs)) for device, specs in devices.items()]


def read(
    path: Path,
    recording: Recording | str | None = None,
    *,
    start_s: float | None = None,
    channels: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
) -> Recorded:
    """The readings of a file.

    Args:
        path: `.csv`, `.csv.gz` or `.parquet`.
        recording: how to read it, or the name of a known one; None looks at its columns.
        start_s: when it shall begin, seconds since 1970 UTC; None leaves times as they are.
        channels: of a file that is not known, the columns to read, as `davy device add` takes
            them (`mq4=MQ-4:methane`, or `kitchen-1.mq4=MQ-4:methane` for a column of one
            device); none: every numeric column, as its name says.
        units: unit by channel, where it is not the channel's own.

    Raises:
        InputError: there is no such file, no time or numeric column, or a cell is no number.
    """
    table = Table.read(path)
    chosen = _chosen(table, recording, channels, units or {})
    recorded = _long(table, chosen)
    begin_s = chosen.start_s if start_s is None else start_s
    if begin_s is not None:
        return recorded.starting_at(begin_s)
    if recorded.time_s.min() < RELATIVE_BELOW_S:
        raise InputError(
            f"{path}: its times begin at {recorded.time_s.min():g}, which is no date; "
            "say when it shall start"
        )
    return recorded


def _chosen(
    table: Table,
    recording: Recording | str | None,
    channels: Sequence[str],
    units: Mapping[str, str],
) -> Recording:
    if isinstance(recording, str):
        if recording not in KNOWN:
            raise InputError(f"recording {recording!r} is not known; use {', '.join(KNOWN)}")
        return KNOWN[recording]
    if recording is not None:
        return recording
    known = (one for one in KNOWN.values() if one.columns <= table.columns.keys())
    chosen = None if channels or units else next(known, None)
    return chosen or described(table, channels, units)


def _long(table: Table, recording: Recording) -> Recorded:
    """One entry a reading: empty cells have none."""
    for column in sorted(recording.columns):
        if column not in table.columns:
            raise InputError(f"{table.path}: {recording.name} has a column {column}, this has not")
    # Channels of one device stand side by side, so that a moment is a run of readings.
    sources = sorted(recording.sources, key=lambda source: source.device or "")
    values = np.stack([source.convert(table.numbers(source.column)) for source in sources], axis=1)
    if recording.time is None:
        times_s = np.arange(table.rows, dtype=np.float64) * recording.every_s
    else:
        times_s = table.times(recording.time)
    names, of_row = _devices(table, recording)
    row, source = np.nonzero(np.isfinite(values))
    if not len(row):
        raise InputError(f"{table.path}: not one cell holds a reading")
    own = np.array([one.device is not None for one in sources])
    whose = np.where(own, 0, of_row[:, None])  # a column's own device needs no row's
    codes, track = np.unique(whose[row, source] * len(sources) + source, return_inverse=True)
    tracks = tuple(
        _track(sources[code % len(sources)], names[code // len(sources)]) for code in codes.tolist()
    )
    holder = np.array([one.device for one in tracks])[track]
    begins = np.flatnonzero((np.diff(row) != 0) | (holder[1:] != holder[:-1])) + 1
    return Recorded(
        recording=recording,
        tracks=tracks,
        time_s=times_s[row],
        track=track.astype(np.int32),
        value=values[row, source],
        moments=np.concatenate([[0], begins, [len(row)]]).astype(np.int64),
    )


def _track(source: Source, row_device: str) -> Track:
    return Track(source.device or row_device, source.channel, source.spec, source.unit)


def _devices(table: Table, recording: Recording) -> tuple[list[str], NDArray[np.int64]]:
    """Device ids, and whose each row is: int64 [rows]."""
    if recording.device_column is None:
        return [recording.device], np.zeros(table.rows, np.int64)
    places: dict[str, int] = {}
    of_row = []
    for at, text in enumerate(table.texts(recording.device_column)):
        name = slug(text)
        if not name:
            raise InputError(
                f"{table.path} row {at + 1}, {recording.device_column}: {text!r} names no device"
            )
        of_row.append(places.setdefault(name, len(places)))
    return list(places), np.array(of_row, np.int64)
