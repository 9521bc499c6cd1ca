"""What heat and damp do to a film: warm, moist air conducts, and looks like gas.

The measured Rs is divided by `influence`, which is what Rs has become relative to the
conditions of the datasheet. The figures are rough, so the correction is kept on a short lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

COLDEST_C, HOTTEST_C = -10.0, 50.0
"""Datasheets describe the films between these; beyond, the parabola below turns to nonsense."""
DRIEST_RH, DAMPEST_RH = 0.0, 95.0
LEAST, MOST = 0.8, 1.8
"""How far weather may move Rs. Dividing by less than 1 takes gas away: at 0.8 a lying (or lied-to)
thermometer can hide less than half of what an MQ-4 reads (0.8 ** 2.8 = 0.54). Dividing by more
than 1 only adds gas; 1.8 is the coldest, driest corner of the one curve that is published."""


@dataclass(frozen=True, slots=True)
class Climate:
    """How one part's Rs follows the weather, relative to its datasheet's conditions.

    Rs / Rs(reference) = per_c2 * T² + per_c * T + constant + per_rh * (RH - reference_rh).
    """

    constant: float
    per_c: float
    per_c2: float
    per_rh: float
    reference_c: float
    reference_rh: float
    source: str

    @staticmethod
    def linear(*, per_c: float, per_rh: float, at_c: float, at_rh: float, source: str) -> Climate:
        """A straight line in each, which is 1 at the datasheet's own conditions."""
        return Climate(
            constant=1.0 - per_c * at_c,
            per_c=per_c,
            per_c2=0.0,
            per_rh=per_rh,
            reference_c=at_c,
            reference_rh=at_rh,
            source=source,
        )


class Climates(NamedTuple):
    """The coefficients of one part, or of many channels as columns (float64 [channels])."""

    constant: NDArray[np.float64]
    per_c: NDArray[np.float64]
    per_c2: NDArray[np.float64]
    per_rh: NDArray[np.float64]
    reference_c: NDArray[np.float64]
    reference_rh: NDArray[np.float64]

    @staticmethod
    def of(climates: Sequence[Climate | None]) -> Climates:
        """Columns from one climate a channel; None: a channel that weather leaves alone."""
        table = np.zeros((6, len(climates)))
        table[0] = 1.0
        for channel, climate in enumerate(climates):
            if climate is not None:
                table[:, channel] = [getattr(climate, name) for name in Climates._fields]
        return Climates(*table)

    def take(self, channel: NDArray[np.int32]) -> Climates:
        """The coefficients of each row: float64 [n] each."""
        return Climates(*(column[channel] for column in self))


def influence(
    climate: Climate | Climates, temperature_c: ArrayLike, humidity: ArrayLike
) -> NDArray[np.float64]:
    """What weather has made of Rs: divide a measured Rs by it, multiply a simulated one.

    Args:
        climate: a part's coefficients, or one set per row.
        temperature_c: of the air at the sensor, °C; NaN counts as the datasheet's.
        humidity: %RH; NaN counts as the datasheet's.

    Returns:
        Rs / Rs(reference), never outside `LEAST` .. `MOST`, whatever it was told.
    """
    temperature_c = np.asarray(temperature_c, np.float64)
    humidity = np.asarray(humidity, np.float64)
    warm = np.where(np.isnan(temperature_c), climate.reference_c, temperature_c)
    damp = np.where(np.isnan(humidity), climate.reference_rh, humidity)
    warm = np.clip(warm, COLDEST_C, HOTTEST_C)
    damp = np.clip(damp, DRIEST_RH, DAMPEST_RH)
    factor = (climate.per_c2 * warm + climate.per_c) * warm + climate.constant
    factor = factor + climate.per_rh * (damp - climate.reference_rh)
    return np.asarray(np.clip(factor, LEAST, MOST), np.float64)
