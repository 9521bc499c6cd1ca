"""A room as one well-stirred box: what leaks in, less what ventilation carries out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from davy.domain.gas import Gas
from davy.domain.units import ATMOSPHERE_KPA, molar_mass_g_mol, molar_volume_l_mol

PURE_PPM = 1e6


@dataclass(frozen=True, slots=True)
class RoomBox:
    """A room whose air is the same everywhere and is changed at a steady pace.

    Good for a dilute gas some minutes after the start; the first cloud under the ceiling or
    over the floor is richer than this mean.

    Attributes:
        volume_m3: of the air in it.
        air_changes_per_h: how often an hour it is replaced; a tight room has 0.3, a kitchen
            with its hood on 10.
        temperature_c: by which a leaking mass becomes a volume.
    """

    volume_m3: float
    air_changes_per_h: float
    temperature_c: float = 20.0

    def __post_init__(self) -> None:
        if not (self.volume_m3 > 0 and self.air_changes_per_h >= 0):
            raise ValueError(f"{self}: a room has a volume, and air is not changed backwards")

    def inflow_ppm_h(self, leak_kg_h: ArrayLike, gas: Gas) -> NDArray[np.float64]:
        """How fast a leak would fill the closed room, ppm an hour.

        Raises:
            InputError: the gas has no molar mass (smoke).
        """
        m3_per_kg = molar_volume_l_mol(self.temperature_c, ATMOSPHERE_KPA) / molar_mass_g_mol(gas)
        return np.asarray(leak_kg_h, np.float64) * m3_per_kg / self.volume_m3 * PURE_PPM

    def steady_ppm(
        self, leak_kg_h: ArrayLike, gas: Gas, outside_ppm: float = 0.0
    ) -> NDArray[np.float64]:
        """Where it ends: the leak over the ventilation; infinite in a closed room with a leak.

        A value above a million says that the box is no longer dilute, and no longer true.
        """
        inflow = self.inflow_ppm_h(leak_kg_h, gas)
        if self.air_changes_per_h == 0:
            return np.where(inflow > 0, np.inf, outside_ppm)
        return outside_ppm + inflow / self.air_changes_per_h

    def step(
        self,
        ppm: ArrayLike,
        leak_kg_h: ArrayLike,
        gas: Gas,
        dt_s: ArrayLike,
        outside_ppm: float = 0.0,
    ) -> NDArray[np.float64]:
        """The concentration `dt_s` later while the leak stays as it is.

        The exact solution of dc/dt = inflow - changes * (c - outside), for any step.

        Args:
            ppm: concentration now, any shape.
            leak_kg_h: mass that leaks, kg an hour, broadcast.
            gas: what leaks.
            dt_s: seconds, broadcast.
            outside_ppm: what the fresh air brings along.

        Returns:
            ppm, never more than the pure gas.
        """
        hours = np.asarray(dt_s, np.float64) / 3600.0
        changes = self.air_changes_per_h
        # expm1 keeps its digits as ventilation goes to nothing, where the time itself remains.
        filling_h = -np.expm1(-changes * hours) / changes if changes > 0 else hours
        kept = np.exp(-changes * hours)
        above = np.asarray(ppm, np.float64) - outside_ppm
        later = outside_ppm + above * kept + self.inflow_ppm_h(leak_kg_h, gas) * filling_h
        return np.asarray(np.minimum(later, PURE_PPM), np.float64)
