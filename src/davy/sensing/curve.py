"""The straight line on log-log paper by which a metal-oxide film tells a concentration.

One film has one resistance, and every gas has its own line: a reading is the amount of *one*
gas that would explain it, never proof that it is that gas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from davy.domain.flags import Flag


@dataclass(frozen=True, slots=True)
class MoxCurve:
    """One gas's line on one sensor: Rs/R0 = scale * ppm ** slope.

    Attributes:
        scale: Rs/R0 that 1 ppm would give if the line went on that far.
        slope: of the line on log-log paper; negative, because a reducing gas makes it conduct.
        low_ppm: where the datasheet's curve begins.
        high_ppm: where it ends; more than this is at least this.
        open_ratio: no air is so clean: above this Rs/R0 the film or its wire is open.
        short_ratio: no gas conducts so well: below this Rs/R0 the film is shorted.
    """

    scale: float
    slope: float
    low_ppm: float
    high_ppm: float
    open_ratio: float = float("inf")
    short_ratio: float = 0.0

    def __post_init__(self) -> None:
        if not (self.scale > 0 > self.slope and 0 < self.low_ppm < self.high_ppm):
            raise ValueError(f"{self}: a curve falls, from a low ppm to a higher one")


def ratio_to_ppm(ratio: ArrayLike, curve: MoxCurve) -> NDArray[np.float64]:
    """Concentration that explains a resistance ratio, for one gas alone.

    Inverts `ppm_to_ratio` exactly, also beyond the ends of the datasheet's curve.

    Args:
        ratio: Rs/R0, any shape, dimensionless. What R0 refers to differs by part: the
            catalog's row says it.
        curve: the gas's line on this sensor.

    Returns:
        ppm by volume, same shape. NaN where no film explains the ratio (<= 0 or infinite).

    Example:
        >>> line = MoxCurve(scale=12.0, slope=-0.36, low_ppm=300, high_ppm=10_000)
        >>> ratio_to_ppm([1.0, 0.0], line).round(0)
        array([995.,  nan])
    """
    ratio = np.asarray(ratio, np.float64)
    explained = np.where((ratio > 0) & (ratio < np.inf), ratio, np.nan)
    return np.asarray((explained / curve.scale) ** (1.0 / curve.slope), np.float64)


def ppm_to_ratio(ppm: ArrayLike, curve: MoxCurve) -> NDArray[np.float64]:
    """Rs/R0 that a film shows in this much of one gas.

    Returns:
        Rs/R0, same shape as `ppm`. NaN where ppm <= 0: the line has no zero, and clean air
        is the catalog's `clean_air_ratio`.
    """
    ppm = np.asarray(ppm, np.float64)
    present = np.where(ppm > 0, ppm, np.nan)
    return np.asarray(curve.scale * present**curve.slope, np.float64)


class MoxCurves(NamedTuple):
    """The lines of many channels as columns, so that a batch is read without a loop.

    Each is float64 [channels]; a channel without a film holds NaN and reads NaN.
    """

    log_scale: NDArray[np.float64]
    per_slope: NDArray[np.float64]
    low_ppm: NDArray[np.float64]
    high_ppm: NDArray[np.float64]
    open_ratio: NDArray[np.float64]
    short_ratio: NDArray[np.float64]

    @staticmethod
    def of(curves: Sequence[MoxCurve | None]) -> MoxCurves:
        """Columns from one line a channel, in the order of channel ids; None: no film."""
        table = np.full((6, len(curves)), np.nan)
        for channel, curve in enumerate(curves):
            if curve is not None:
                table[:, channel] = (
                    np.log(curve.scale),
                    1.0 / curve.slope,
                    curve.low_ppm,
                    curve.high_ppm,
                    curve.open_ratio,
                    curve.short_ratio,
                )
        return MoxCurves(*table)

    def read(
        self, ratio: NDArray[np.float64], channel: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
        """ppm within the datasheet's range, and what is wrong with each reading.

        Args:
            ratio: float64 [n], Rs/R0; infinite for no voltage, 0 for the full supply.
            channel: int32 [n], whose line counts for each row.

        Returns:
            ppm: float64 [n], clamped to the curve. NaN where open, shorted or no film: a
                dead sensor must not look like clean air.
            flags: uint32 [n], `BELOW_CURVE` (at most the ppm given), `ABOVE_CURVE` (at
                least the ppm given), `OPEN`, `SHORTED`.
        """
        # numpy's log and exp are vectorised by the CPU, its power is not: a third of the time.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ppm = np.log(ratio)
            ppm -= self.log_scale[channel]
            ppm *= self.per_slope[channel]
            np.exp(ppm, out=ppm)
        low, high = self.low_ppm[channel], self.high_ppm[channel]
        opened, shorted = ratio > self.open_ratio[channel], ratio <= self.short_ratio[channel]
        flags = (ppm < low) * np.uint32(Flag.BELOW_CURVE)
        flags |= (ppm > high) * np.uint32(Flag.ABOVE_CURVE)
        np.clip(ppm, low, high, out=ppm)
        faulty = opened | shorted
        if faulty.any():
            flags[opened] = Flag.OPEN
            flags[shorted] = Flag.SHORTED
            ppm[faulty] = np.nan
        return ppm, flags
