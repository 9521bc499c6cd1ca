"""Conversions at the walls: inside the house a concentration is ppm by volume, always.

%LEL and mg/m³ are how people and standards speak. Each function takes any shape and gives
float64 of the same shape; a NaN stays a NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from davy.domain.errors import InputError
from davy.domain.gas import Edition, Gas

GAS_CONSTANT = 8.314462618
"""J/(mol K), CODATA 2018; exact since the SI of 2019."""
ZERO_CELSIUS_K = 273.15
ROOM_C = 25.0
"""Exposure limits in mg/m³ are stated at 25 °C and one atmosphere."""
ATMOSPHERE_KPA = 101.325


def ppm_to_percent_lel(ppm: ArrayLike, gas: Gas, edition: Edition) -> NDArray[np.float64]:
    """How far it is to an explosive mixture, in % of the lower explosive limit.

    Raises:
        InputError: the gas has no LEL.

    Example:
        >>> from davy.domain.gas import gas
        >>> ppm_to_percent_lel([0, 5000], gas("methane"), Edition.US)
        array([ 0., 10.])
    """
    return np.asarray(ppm, np.float64) * (100.0 / gas.lel_ppm(edition))


def percent_lel_to_ppm(percent: ArrayLike, gas: Gas, edition: Edition) -> NDArray[np.float64]:
    """A limit in %LEL as ppm by volume; the inverse of `ppm_to_percent_lel`.

    Raises:
        InputError: the gas has no LEL.
    """
    return np.asarray(percent, np.float64) * (gas.lel_ppm(edition) / 100.0)


def molar_volume_l_mol(
    temperature_c: ArrayLike = ROOM_C, pressure_kpa: ArrayLike = ATMOSPHERE_KPA
) -> NDArray[np.float64]:
    """Litres that one mole of an ideal gas fills: 24.465 at 25 °C and one atmosphere."""
    kelvin = np.asarray(temperature_c, np.float64) + ZERO_CELSIUS_K
    return GAS_CONSTANT * kelvin / np.asarray(pressure_kpa, np.float64)


def ppm_to_mg_m3(
    ppm: ArrayLike,
    gas: Gas,
    temperature_c: ArrayLike = ROOM_C,
    pressure_kpa: ArrayLike = ATMOSPHERE_KPA,
) -> NDArray[np.float64]:
    """Mass in a cubic metre of air, as workplace rules state it.

    Args:
        ppm: by volume, any shape.
        gas: whose molar mass counts.
        temperature_c: of the air, °C; broadcast against `ppm`.
        pressure_kpa: of the air, kPa absolute; broadcast against `ppm`.

    Raises:
        InputError: it has no molar mass (smoke).
    """
    per_litre = molar_mass_g_mol(gas) / molar_volume_l_mol(temperature_c, pressure_kpa)
    return np.asarray(ppm, np.float64) * per_litre


def mg_m3_to_ppm(
    mg_m3: ArrayLike,
    gas: Gas,
    temperature_c: ArrayLike = ROOM_C,
    pressure_kpa: ArrayLike = ATMOSPHERE_KPA,
) -> NDArray[np.float64]:
    """ppm by volume from mass in a cubic metre; the inverse of `ppm_to_mg_m3`.

    Raises:
        InputError: it has no molar mass (smoke).
    """
    per_gram = molar_volume_l_mol(temperature_c, pressure_kpa) / molar_mass_g_mol(gas)
    return np.asarray(mg_m3, np.float64) * per_gram


def molar_mass_g_mol(gas: Gas) -> float:
    """The gas's molar mass.

    Raises:
        InputError: it has none (smoke): a mass cannot be told from a volume.
    """
    if gas.molar_mass_g_mol is None:
        raise InputError(f"{gas.name} is no single substance and has no molar mass: use ppm")
    return gas.molar_mass_g_mol
