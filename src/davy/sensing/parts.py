"""What the catalog says about one sensor part: the shape of its rows.

`MoxPart` is a heated metal-oxide film whose resistance tells a gas; `WeatherPart` is a digital
thermometer and hygrometer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from davy.domain.errors import InputError
from davy.sensing.compensation import Climate
from davy.sensing.curve import MoxCurve

INSENSITIVE = 6.0
"""From this exponent on a line is so flat that a per cent of Rs is six per cent of gas and more:
the channel carries no information about that gas."""
OPEN_FACTOR = 100.0
"""A film that resists a hundred times more than in clean air is an open one. The margin is wide
because a typical R0 may be several times off, and trouble must not stand where gas should."""
SHORT_FACTOR = 0.01
"""A hundredth of Rs at the top of the curve is a shorted film rather than more gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One gas's line as it is published: ppm = ppm_at_r0 * (Rs/R0) ** exponent.

    Attributes:
        gas: name in `GASES`.
        ppm_at_r0: ppm at Rs/R0 = 1.
        exponent: negative; the steeper, the less the film sees of this gas.
        low_ppm: where the datasheet's curve, or its stated range, begins.
        high_ppm: where it ends.
        source: whose fit it is, and why this one where several are published.
        clean_air_ratio: only where this line needs another than its part's.
    """

    gas: str
    ppm_at_r0: float
    exponent: float
    low_ppm: float
    high_ppm: float
    source: str
    clean_air_ratio: float | None = None

    def curve(self, clean_air_ratio: float) -> MoxCurve:
        """The line as Rs/R0 over ppm, with the ratios that mean an open or a shorted film."""
        slope = 1.0 / self.exponent
        scale = self.ppm_at_r0**-slope
        return MoxCurve(
            scale=scale,
            slope=slope,
            low_ppm=self.low_ppm,
            high_ppm=self.high_ppm,
            open_ratio=OPEN_FACTOR * clean_air_ratio,
            short_ratio=SHORT_FACTOR * scale * self.high_ppm**slope,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MoxPart:
    """A heated metal-oxide film.

    Attributes:
        name: as it is printed on the can, `MQ-4`.
        title: what it is sold for.
        r0_reference: what R0 means on this part: the air in which Rs is R0.
        clean_air_ratio: Rs/R0 in clean air.
        clean_air_source: where that ratio is from.
        typical_r0_ohm: stands in until a channel is calibrated; single parts differ by
            a factor of 2.5 either way.
        typical_r0_source: how it was arrived at.
        load_ohm: load resistor of the datasheet's or the fit's circuit; boards differ (many
            carry 1 kohm), so a channel should state its own.
        fits: the gases that it can see.
        refused: the gases that it is said to see and cannot, each with the reason.
        climate: what weather does to Rs.
        supply_mv: across film and load.
        warm_up_s: useless for so long after each power-on.
        preheat_h: never to be trusted for so long when new, or after months in a drawer.
        rise_t90_s: to 90 % of a step up (background: 10-60 s for films of this kind).
        recovery_t90_s: to 90 % of a step down (background: 30-200 s).
        heater_cycling: needs 60 s at 5 V, 90 s at 1.4 V and is read at the end of the low
            phase; on a plain board its carbon monoxide readings are uncertified.
    """

    name: str
    title: str
    r0_reference: str
    clean_air_ratio: float
    clean_air_source: str
    typical_r0_ohm: float
    typical_r0_source: str
    load_ohm: float
    fits: Mapping[str, Fit] = field(hash=False)
    refused: Mapping[str, str] = field(hash=False)
    climate: Climate
    supply_mv: float = 5000.0
    warm_up_s: float = 90.0
    preheat_h: float = 24.0
    rise_t90_s: float = 30.0
    recovery_t90_s: float = 90.0
    heater_cycling: bool = False

    def fit(self, gas: str) -> Fit:
        """The line of one gas.

        Raises:
            InputError: this part cannot see it; the message says why and what it can see.
        """
        found = self.fits.get(gas)
        if found is None:
            why = self.refused.get(gas, "its datasheet shows no line for it")
            seen = ", ".join(sorted(self.fits))
            raise InputError(f"{self.name} cannot see {gas}: {why}; it can see {seen}")
        return found

    def air_ratio(self, gas: str) -> float:
        """Rs/R0 in clean air on the scale of this gas's line."""
        return self.fit(gas).clean_air_ratio or self.clean_air_ratio

    def curve(self, gas: str) -> MoxCurve:
        """The gas's line, ready to read.

        Raises:
            InputError: this part cannot see it.
        """
        return self.fit(gas).curve(self.air_ratio(gas))

    def r0_ohm(self, gas: str) -> float:
        """Typical R0 on the scale of this gas's line, for a channel that has none of its own."""
        return self.typical_r0_ohm * self.clean_air_ratio / self.air_ratio(gas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One digital quantity: its range, its step, and how far off it may be."""

    low: float
    high: float
    step: float
    accuracy: float
    t63_s: float

    def read(self, truth: float) -> float:
        """What the part says of a steady truth: within its range, on its step."""
        inside = min(max(truth, self.low), self.high)
        return round(round(inside / self.step) * self.step, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherPart:
    """A digital thermometer and hygrometer in one box."""

    name: str
    title: str
    temperature_c: Scale
    humidity: Scale
    least_interval_s: float
    source: str


Part = MoxPart | WeatherPart


def table(*fits: Fit) -> Mapping[str, Fit]:
    """Fits by gas, read-only."""
    return MappingProxyType({fit.gas: fit for fit in fits})


def too_flat(**exponents: float) -> Mapping[str, str]:
    """Refused gases with the sentence that their published exponent deserves."""
    return MappingProxyType(
        {
            gas.replace("_", "-"): (
                f"the fit's exponent of {exponent:g} has the wrong sign and makes no sense"
                if exponent > 0
                else f"its line is almost flat (ppm goes with Rs to the power of {exponent:g}), "
                "so the film says nothing about it"
            )
            for gas, exponent in exponents.items()
        }
    )


def middle_ohm(low_ohm: float, high_ohm: float) -> float:
    """The middle of a datasheet's band on a log scale: a convention, and said to be one."""
    return math.sqrt(low_ohm * high_ohm)
