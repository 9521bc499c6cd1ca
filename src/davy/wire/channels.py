"""Names and units become the numbers that the rest of the house counts by.

A device says the same names in the same units all day long, so what they mean is worked out
once and remembered beside its channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.errors import Reason
from davy.domain.site import UNIT_CODES
from davy.wire.senml import Bad, Pack

REMEMBERED = 4
"""Shapes of pack kept per device: a box that adds its temperature once a minute has two."""

REMEMBERED_ROWS = 256
"""Longer packs are a backlog, which does not come twice in one shape: not kept."""


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """What the wire must know of a channel: its permanent id and the units it may speak.

    `unit` is meant when a record names none; it is one of `units`.
    """

    id: int
    units: frozenset[str]
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in self.units or not self.units <= UNIT_CODES.keys():
            raise ValueError(f"channel {self.id}: {self.unit!r} of {sorted(self.units)}")


class Columns(NamedTuple):
    """Readings as columns of equal length, ready for a `Batch`.

    Attributes:
        channel: int32 [n], `Channel.id`.
        time_s: float64 [n], seconds since 1970 UTC.
        raw: float64 [n], as sent, in `unit`.
        unit: uint8 [n], index into `UNITS`.
        bad: the records that were left out, in the order of the pack.

    `channel` and `unit` may be shared with other packs and are read-only.
    """

    channel: NDArray[np.int32]
    time_s: NDArray[np.float64]
    raw: NDArray[np.float64]
    unit: NDArray[np.uint8]
    bad: tuple[Bad, ...]


class _Shape(NamedTuple):
    """What one sequence of names and units means; `keep` is None when all may stay."""

    names: list[str]
    units: list[str | None]
    channel: NDArray[np.int32]
    unit: NDArray[np.uint8]
    keep: NDArray[np.intp] | None
    wrong: tuple[Bad, ...]


class Channels(Mapping[str, ChannelKey]):
    """The channels of one device by name; new limits or names make a new one."""

    __slots__ = ("_keys", "_shapes")

    def __init__(self, keys: Mapping[str, ChannelKey]) -> None:
        self._keys = dict(keys)
        self._shapes: list[_Shape] = []

    def __getitem__(self, name: str) -> ChannelKey:
        return self._keys[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"Channels({self._keys!r})"

    def shape(self, names: list[str], units: list[str | None]) -> _Shape:
        """What these names and units mean, remembered from one of the last packs if it can."""
        for shape in self._shapes:
            if shape.names == names and shape.units == units:
                return shape
        shape = self._work_out(names, units)
        if len(names) <= REMEMBERED_ROWS:
            self._shapes = [shape, *self._shapes[: REMEMBERED - 1]]
        return shape

    def _work_out(self, names: list[str], units: list[str | None]) -> _Shape:
        ids, codes, keep, wrong = [], [], [], []
        for row, (name, unit) in enumerate(zip(names, units, strict=True)):
            key = self._keys.get(name)
            if key is None:
                detail = f"the device has no channel {name[:80]!r}, only {', '.join(self._keys)}"
                wrong.append(Bad(row, Reason.UNKNOWN_CHANNEL, detail))
            elif unit is not None and unit not in key.units:
                detail = f"{name} speaks {', '.join(sorted(key.units))}, not {unit[:80]!r}"
                wrong.append(Bad(row, Reason.WRONG_UNIT, detail))
            else:
                ids.append(key.id)
                codes.append(UNIT_CODES[key.unit if unit is None else unit])
                keep.append(row)
        channel, code = np.array(ids, np.int32), np.array(codes, np.uint8)
        channel.setflags(write=False)
        code.setflags(write=False)
        rows = np.array(keep, np.intp) if wrong else None
        return _Shape(names, units, channel, code, rows, tuple(wrong))


def resolve(pack: Pack, channels: Channels) -> Columns:
    """A pack's readings as numbers, without those of unknown channels or in wrong units."""
    shape = channels.shape(pack.names, pack.units)
    time_s, raw = np.array(pack.times_s, np.float64), np.array(pack.values, np.float64)
    if shape.keep is None:
        return Columns(shape.channel, time_s, raw, shape.unit, tuple(pack.bad))
    wrong = (bad._replace(row=pack.rows[bad.row]) for bad in shape.wrong)
    bad = tuple(sorted((*pack.bad, *wrong)))
    return Columns(shape.channel, time_s[shape.keep], raw[shape.keep], shape.unit, bad)
