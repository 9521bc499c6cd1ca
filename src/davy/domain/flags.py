"""What may be wrong with one reading: marked beside it, never a cause to drop it."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


class Flag(IntFlag):
    """Marks on a reading; several can stand together (uint32 in a batch)."""

    NOT_A_NUMBER = 1 << 0
    """NaN or infinite as sent."""
    OUT_OF_RANGE = 1 << 1
    """Beyond what this unit can physically be (a humidity of 140 %RH)."""
    DUPLICATE = 1 << 2
    """Seen before: every stage passes it by and the sink skips it."""
    FUTURE = 1 << 3
    """Its clock runs ahead of its arrival: it is judged by arrival time."""
    LATE = 1 << 4
    """It arrived long after it was measured: gas in it is announced as back-filled."""
    OUT_OF_ORDER = 1 << 5
    """Older than a reading of this channel that came before."""
    BELOW_CURVE = 1 << 6
    """Less than the datasheet's curve covers; clamped to its foot."""
    ABOVE_CURVE = 1 << 7
    """More than the datasheet's curve covers; clamped to its top."""
    OPEN = 1 << 8
    """The film or its wire is open: no voltage at the output."""
    SHORTED = 1 << 9
    """The film is shorted, or the input sees more than the supply can give."""
    WARM_UP = 1 << 10
    """The heater has not been on for long enough; gas still alarms."""
    UNCALIBRATED = 1 << 11
    """No R0 of its own yet: the part's typical clean-air value stands in."""
    UNCOMPENSATED = 1 << 12
    """No fresh temperature and humidity beside it; the datasheet's reference is assumed."""


FAULT = Flag.NOT_A_NUMBER | Flag.OUT_OF_RANGE | Flag.OPEN | Flag.SHORTED
"""Flags that leave no usable value: the last gas alarm is held and trouble is added."""

UNUSABLE = FAULT | Flag.DUPLICATE
"""Rows whose value no detector may look at."""


def bits(flag: Flag) -> np.uint32:
    """Flags as the number that a column holds, so that `|=` keeps its type."""
    return np.uint32(flag)


def marked(flags: NDArray[np.uint32], flag: Flag) -> NDArray[np.bool_]:
    """Which rows carry any of these flags."""
    return np.asarray((flags & np.uint32(flag)) != 0)
