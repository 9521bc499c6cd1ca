"""From counts to millivolts to the resistance of the film, and back.

The film and its load resistor stand in series between the sensor's supply and ground, and the
output is taken across the load: the more gas, the lower Rs, the higher the voltage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Adc:
    """An analogue-to-digital converter: how fine its steps are, and where it tells the truth.

    Attributes:
        bits: its resolution.
        reference_mv: the voltage of a full scale.
        low_mv: below this it is not to be believed.
        high_mv: nor above this.
    """

    bits: int
    reference_mv: float
    low_mv: float
    high_mv: float

    @property
    def step_mv(self) -> float:
        """What one count is worth."""
        return self.reference_mv / (1 << self.bits)

    def counts(self, mv: ArrayLike) -> NDArray[np.int32]:
        """What it says of a voltage at its pin: the nearest step, never beyond the scale."""
        nearest = np.rint(np.asarray(mv, np.float64) / self.step_mv)
        return np.asarray(np.clip(nearest, 0, (1 << self.bits) - 1), np.int32)

    def mv(self, counts: ArrayLike) -> NDArray[np.float64]:
        """The voltage at its pin, within half a step."""
        return np.asarray(counts, np.float64) * self.step_mv

    def usable(self, mv: ArrayLike) -> NDArray[np.bool_]:
        """Whether it can be believed at this voltage."""
        mv = np.asarray(mv, np.float64)
        return np.asarray((mv >= self.low_mv) & (mv <= self.high_mv))


ESP32_11DB = Adc(bits=12, reference_mv=3900.0, low_mv=150.0, high_mv=2450.0)
"""ESP-IDF 4.4: 150-2450 mV usable at 11 dB. The full scale is 1.1 V times 3.55, nominally: the
reference differs from chip to chip, so a device calibrates by eFuse and sends mV, not counts."""
ARDUINO_UNO = Adc(bits=10, reference_mv=5000.0, low_mv=0.0, high_mv=5000.0)
"""ATmega328P with its own 5 V supply as the reference."""


def mv_to_rs(
    mv: ArrayLike, load_ohm: ArrayLike, supply_mv: ArrayLike, divider: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Resistance of the film from the voltage that was measured.

    Rs = load * (supply - output) / output. The supply is the *sensor's*, never the reference
    of the ADC. All arguments broadcast: a stage gives one value per row.

    Args:
        mv: millivolts, behind the divider if there is one.
        load_ohm: the load resistor.
        supply_mv: the voltage across film and load, usually 5,000.
        divider: what the divider leaves of the sensor's output, 0.5 for two equal resistors;
            1 where `mv` is the sensor's output itself.

    Returns:
        ohm. Infinite where there is no voltage (an open film), 0 where there is all of the
        supply or more (a shorted one), NaN where `mv` is NaN.
    """
    output_mv = np.maximum(np.asarray(mv, np.float64) / np.asarray(divider, np.float64), 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        per_load = np.asarray(supply_mv, np.float64) / output_mv - 1.0
        rs_ohm = np.maximum(per_load, 0.0) * np.asarray(load_ohm, np.float64)
    return np.asarray(rs_ohm, np.float64)


def rs_to_mv(
    rs_ohm: ArrayLike, load_ohm: ArrayLike, supply_mv: ArrayLike, divider: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """The voltage that a film of this resistance gives; the inverse of `mv_to_rs`.

    Returns:
        millivolts behind the divider: 0 for an infinite resistance, all that the divider
        leaves of the supply for none.
    """
    load = np.asarray(load_ohm, np.float64)
    share = load / (load + np.asarray(rs_ohm, np.float64))
    full_mv = np.asarray(supply_mv, np.float64) * np.asarray(divider, np.float64)
    return np.asarray(share * full_mv, np.float64)
