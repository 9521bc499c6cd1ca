"""R0 from a quiet hour in clean air, and the bump test that says whether gas is still seen.

A calibration that is wrong is worse than none, because it looks like care: a recording that
is short, restless or far from what the part can be is refused with what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from davy.domain.errors import InputError
from davy.sensing.parts import MoxPart

LEAST_SAMPLES = 30
LEAST_DURATION_S = 60.0
MOST_SPREAD = 0.10
"""How much of its median Rs may move. A real MQ-2 wanders up to 5 % in an hour by itself."""
PLAUSIBLE = 10.0
"""Parts of one batch differ by 2.5 either way; ten times off is a wrong load resistor."""
SPAN_TOLERANCE = 0.30
"""A film is no instrument: within 30 % of the applied gas it is as good as it gets."""
LEAST_SPAN_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a clean-air recording told.

    Attributes:
        r0_ohm: of this one sensor.
        rs_air_ohm: its median resistance in clean air.
        spread: how much Rs moved, as a share of its median (5th to 95th percentile).
        samples: how many readings it rests on, those of the warm-up left out.
        typical_share: r0_ohm over the part's typical one; far from 1 deserves a look.
    """

    r0_ohm: float
    rs_air_ohm: float
    spread: float
    samples: int
    typical_share: float


def calibrate_in_clean_air(
    part: MoxPart,
    gas: str,
    time_s: ArrayLike,
    rs_ohm: ArrayLike,
    *,
    powered_at_s: float | None = None,
    most_spread: float = MOST_SPREAD,
) -> Calibration:
    """R0 of one sensor from a recording in air that is known to be clean.

    Args:
        part: the sensor's row.
        gas: the channel's target; it must be one that the part sees.
        time_s: float64 [n], seconds, rising.
        rs_ohm: float64 [n], already divided by the weather's `influence`. Readings that no
            film explains (NaN, 0, infinite) are left out.
        powered_at_s: when the heater was switched on; what came during the warm-up is left
            out. None: it has been on for long.
        most_spread: of the median, above which the air was not still or the film not warm.

    Raises:
        InputError: too few readings, too short, too restless, or an R0 that the part cannot
            have; the message says which and what to do.
    """
    times, recorded = np.asarray(time_s, np.float64), np.asarray(rs_ohm, np.float64)
    usable = np.isfinite(recorded) & (recorded > 0) & np.isfinite(times)
    if powered_at_s is not None:
        usable &= times >= powered_at_s + part.warm_up_s
    _ask_for_enough(part, times[usable])

    low, median, high = np.percentile(recorded[usable], [5, 50, 95])
    spread = float((high - low) / median)
    if spread > most_spread:
        raise InputError(
            f"{part.name}: Rs moved by {spread:.0%} of its median, above {most_spread:.0%}; "
            f"air the room, wait until the film is warm ({part.preheat_h:g} h when new) "
            "and record again"
        )
    r0_ohm = float(median) / part.air_ratio(gas)
    share = r0_ohm / part.r0_ohm(gas)
    if not 1 / PLAUSIBLE <= share <= PLAUSIBLE:
        raise InputError(
            f"{part.name}: R0 of {r0_ohm:,.0f} ohm is {share:.2g} times the typical "
            f"{part.r0_ohm(gas):,.0f}; check load_ohm, supply_mv and divider of the channel, "
            "and that there was no gas"
        )
    return Calibration(
        r0_ohm=r0_ohm,
        rs_air_ohm=float(median),
        spread=spread,
        samples=int(usable.sum()),
        typical_share=share,
    )


def _ask_for_enough(part: MoxPart, time_s: NDArray[np.float64]) -> None:
    duration_s = float(np.ptp(time_s)) if len(time_s) else 0.0
    if len(time_s) < LEAST_SAMPLES or duration_s < LEAST_DURATION_S:
        raise InputError(
            f"{part.name}: {len(time_s)} usable readings in {duration_s:.0f} s are too few; "
            f"record at least {LEAST_SAMPLES} over {LEAST_DURATION_S:.0f} s in clean air, "
            f"beginning {part.warm_up_s:.0f} s after power-on"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCheck:
    """What a bump test told: `error` is the share by which the reading missed the gas."""

    applied_ppm: float
    reached_ppm: float
    error: float
    passed: bool


def check_span(
    ppm: ArrayLike, applied_ppm: float, *, tolerance: float = SPAN_TOLERANCE
) -> SpanCheck:
    """Whether a sensor answered a known gas: the bump test.

    What counts is the plateau: the median of the highest fifth of the readings, so that the
    climb before and the recovery after do not matter, nor does a single spike.

    Args:
        ppm: float64 [n], the channel's readings while the gas was applied.
        applied_ppm: what the bottle says.
        tolerance: share of `applied_ppm` by which the plateau may miss it.

    Raises:
        InputError: no gas was named, or there are too few readings.
    """
    if not applied_ppm > 0:
        raise InputError(f"applied_ppm is {applied_ppm:g}; give what the bottle says, above 0")
    readings = np.asarray(ppm, np.float64)
    seen = np.sort(readings[np.isfinite(readings)])
    if len(seen) < LEAST_SPAN_SAMPLES:
        raise InputError(
            f"{len(seen)} readings are too few for a bump test; apply the gas until at least "
            f"{LEAST_SPAN_SAMPLES} have arrived"
        )
    plateau = seen[-max(3, len(seen) // 5) :]
    reached_ppm = float(np.median(plateau))
    error = reached_ppm / applied_ppm - 1.0
    return SpanCheck(
        applied_ppm=applied_ppm,
        reached_ppm=reached_ppm,
        error=error,
        passed=abs(error) <= tolerance,
    )
