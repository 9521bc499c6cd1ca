"""What flows through the pipeline: columns of readings, and what the stages found in them.

Rows are in the order of the log. A batch without rows still carries time: its watermark is
the tick from which silence, delays and expiries are seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Act, Change, Transition
from davy.domain.site import UNIT_CODES, Unit

COLUMNS: dict[str, type[np.generic]] = {
    "time_s": np.float64,
    "arrived_s": np.float64,
    "channel": np.int32,
    "raw": np.float64,
    "unit": np.uint8,
    "boot": np.int64,
    "value": np.float64,
    "flags": np.uint32,
    "suspicion": np.float32,
    "rise": np.float64,
    "stel": np.float64,
    "twa": np.float64,
    "dose": np.float64,
}
"""Every column with its type; the row count is the same in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What the broker says of a device: it may raise trouble, and it never clears any."""

    device: int
    online: bool
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Columns of readings, then what people did, then how far time has come.

    Attributes:
        time_s: float64 [n], seconds since 1970 UTC of the reading, by the device's clock.
        arrived_s: float64 [n], when it was received, by ours.
        channel: int32 [n], `Channel.id`.
        raw: float64 [n], as sent, in `unit`.
        unit: uint8 [n], index into `UNITS`.
        boot: int64 [n], the device's boot count, -1 where it does not tell.
        value: float64 [n], the channel's quantity (ppm, °C, %RH); NaN where there is none.
        flags: uint32 [n], `Flag`s.
        suspicion: float32 [n], 0 trusted .. 1 certainly tampered with.
        rise: float64 [n], increase over the rate window (ppm or °C); NaN where unknown.
        stel: float64 [n], 15-minute average, ppm; NaN where nobody asked.
        twa: float64 [n], 8-hour average, ppm; NaN where nobody asked.
        dose: float64 [n], carbon monoxide dose, 1 = the alarm is due; NaN where nobody asked.
        presences: what the broker said of devices.
        acts: what people did, in order.
        resumed_s: when Davy began to listen again, NaN otherwise: silence counts from here.
        watermark_s: all that arrived before this has been read; NaN when not told.
        changes: conditions that began or ended.
        transitions: steps in the lives of alarms.
    """

    time_s: NDArray[np.float64]
    arrived_s: NDArray[np.float64]
    channel: NDArray[np.int32]
    raw: NDArray[np.float64]
    unit: NDArray[np.uint8]
    boot: NDArray[np.int64]
    value: NDArray[np.float64]
    flags: NDArray[np.uint32]
    suspicion: NDArray[np.float32]
    rise: NDArray[np.float64]
    stel: NDArray[np.float64]
    twa: NDArray[np.float64]
    dose: NDArray[np.float64]
    presences: tuple[Presence, ...] = ()
    acts: tuple[Act, ...] = ()
    resumed_s: float = float("nan")
    watermark_s: float = float("nan")
    changes: tuple[Change, ...] = ()
    transitions: tuple[Transition, ...] = ()

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, rows: slice) -> Batch:
        """Some of the rows; what follows the rows goes with the last of them."""
        cut = {name: getattr(self, name)[rows] for name in COLUMNS}
        ends = rows.stop is None or rows.stop >= len(self)
        return replace(self if ends else replace(self, **_NOTHING), **cut)

    @staticmethod
    def of_columns(
        *,
        time_s: NDArray[np.float64],
        arrived_s: NDArray[np.float64],
        channel: NDArray[np.int32],
        raw: NDArray[np.float64],
        unit: NDArray[np.uint8],
        boot: NDArray[np.int64],
        flags: NDArray[np.uint32] | None = None,
    ) -> Batch:
        """A batch as it leaves the log: nothing judged yet."""
        n = len(time_s)
        nan = np.full(n, np.nan)
        nan.setflags(write=False)  # one array serves five columns: stages replace, never write
        return Batch(
            time_s=time_s,
            arrived_s=arrived_s,
            channel=channel,
            raw=raw,
            unit=unit,
            boot=boot,
            value=nan,
            flags=np.zeros(n, np.uint32) if flags is None else flags,
            suspicion=np.zeros(n, np.float32),
            rise=nan,
            stel=nan,
            twa=nan,
            dose=nan,
        )

    @staticmethod
    def of(*rows: tuple[float, int, float], unit: Unit = Unit.PPM, **after: Any) -> Batch:
        """A small batch by hand: (time_s, channel, raw) a row, received as it was measured.

        Example:
            >>> Batch.of((0, 0, 412.0), (1, 0, 413.0), watermark_s=2.0).time_s
            array([0., 1.])
        """
        time_s, channel, raw = zip(*rows, strict=True) if rows else ((), (), ())
        times = np.array(time_s, np.float64)
        values = np.array(raw, np.float64)
        batch = Batch.of_columns(
            time_s=times,
            arrived_s=times.copy(),
            channel=np.array(channel, np.int32),
            raw=values,
            unit=np.full(len(times), UNIT_CODES[unit], np.uint8),
            boot=np.zeros(len(times), np.int64),
        )
        return replace(batch, value=values.copy(), **after)


_NOTHING: dict[str, Any] = {
    field.name: field.default for field in fields(Batch) if field.name not in COLUMNS
}


def concat(batches: Iterable[Batch]) -> Batch:
    """One batch from many in order; acts, findings and the last word on time go along."""
    parts: Sequence[Batch] = tuple(batches)
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        if parts
        else np.empty(0, dtype)
        for name, dtype in COLUMNS.items()
    }
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    marks = [part.watermark_s for part in parts if not np.isnan(part.watermark_s)]
    resumes = [part.resumed_s for part in parts if not np.isnan(part.resumed_s)]
    return Batch(
        **columns,
        presences=tuple(item for part in parts for item in part.presences),
        acts=tuple(item for part in parts for item in part.acts),
        resumed_s=resumes[-1] if resumes else float("nan"),
        watermark_s=marks[-1] if marks else float("nan"),
        changes=tuple(
            replace(change, row=change.row + int(offset))
            for part, offset in zip(parts, offsets, strict=False)
            for change in part.changes
        ),
        transitions=tuple(item for part in parts for item in part.transitions),
    )


def tick(watermark_s: float) -> Batch:
    """A batch with no rows that only says how far time has come."""
    return Batch.of(watermark_s=watermark_s)
