"""The whole way from a voltage to a concentration and back, for one channel of one part.

The pipeline walks the same steps column-wise; here they stand together, for the simulator,
for calibration and for a look at single values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from davy.domain import gas as gases
from davy.sensing.adc import mv_to_rs, rs_to_mv
from davy.sensing.catalog import mox_part
from davy.sensing.compensation import influence
from davy.sensing.curve import ppm_to_ratio, ratio_to_ppm


def ppm_for_mv(
    part: str,
    gas: str,
    mv: ArrayLike,
    *,
    r0_ohm: float | None = None,
    load_ohm: float | None = None,
    supply_mv: float | None = None,
    divider: float = 1.0,
    temperature_c: ArrayLike = np.nan,
    humidity: ArrayLike = np.nan,
) -> NDArray[np.float64]:
    """Concentration that explains a voltage; not clamped to the datasheet's curve.

    Args:
        part: `MQ-4`; what is left as None is taken from its row.
        gas: which gas to blame.
        mv: measured, behind the divider; any shape.
        r0_ohm: the channel's own, from `calibration`.
        load_ohm: the board's load resistor.
        supply_mv: across film and load.
        divider: what a voltage divider leaves of the output.
        temperature_c: at the sensor; NaN counts as the datasheet's.
        humidity: %RH at the sensor; NaN counts as the datasheet's.

    Returns:
        ppm by volume, NaN where the film is open or shorted.

    Raises:
        UnknownName: there is no such part or gas.
        InputError: this part cannot see this gas.
    """
    row, name = mox_part(part), gases.gas(gas).name
    rs_ohm = mv_to_rs(mv, load_ohm or row.load_ohm, supply_mv or row.supply_mv, divider)
    reference_ohm = influence(row.climate, temperature_c, humidity) * (r0_ohm or row.r0_ohm(name))
    return ratio_to_ppm(rs_ohm / reference_ohm, row.curve(name))


def mv_for_ppm(
    part: str,
    gas: str,
    ppm: ArrayLike,
    *,
    r0_ohm: float | None = None,
    load_ohm: float | None = None,
    supply_mv: float | None = None,
    divider: float = 1.0,
    temperature_c: ArrayLike = np.nan,
    humidity: ArrayLike = np.nan,
) -> NDArray[np.float64]:
    """The voltage that this much gas gives; the inverse of `ppm_for_mv`.

    Less gas than clean air already stands for (none, for instance) is clean air: the line
    has no zero, the film has its clean-air resistance.

    Args and errors: as for `ppm_for_mv`.

    Returns:
        millivolts behind the divider, same shape as `ppm`.
    """
    row, name = mox_part(part), gases.gas(gas).name
    curve, clean = row.curve(name), row.air_ratio(name)
    in_air_ppm = ratio_to_ppm(clean, curve)
    ratio = ppm_to_ratio(np.maximum(np.asarray(ppm, np.float64), in_air_ppm), curve)
    reference_ohm = influence(row.climate, temperature_c, humidity) * (r0_ohm or row.r0_ohm(name))
    return rs_to_mv(
        ratio * reference_ohm, load_ohm or row.load_ohm, supply_mv or row.supply_mv, divider
    )
