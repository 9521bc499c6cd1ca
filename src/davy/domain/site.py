"""The words for places and boxes: site > zone > device > channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

NAME = re.compile(r"[a-z0-9-]{1,64}")
"""Sites, zones, devices and channels are named like this, so that names fit topics and URLs."""


class Quantity(StrEnum):
    """What a channel measures, with the unit its value has inside the house."""

    GAS = "gas"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    COUNT = "count"

    @property
    def unit(self) -> str:
        """SenML's symbol for the unit of `Batch.value`."""
        return {"gas": "ppm", "temperature": "Cel", "humidity": "%RH", "count": "count"}[self]


class Unit(StrEnum):
    """What a device may send, as SenML symbols; `UNIT_CODES` numbers them for columns."""

    MILLIVOLT = "mV"
    OHM = "Ohm"
    RATIO = "/"
    PPM = "ppm"
    CELSIUS = "Cel"
    HUMIDITY = "%RH"
    COUNT = "count"


UNITS: tuple[Unit, ...] = tuple(Unit)
UNIT_CODES: dict[str, int] = {unit.value: code for code, unit in enumerate(UNITS)}


class Trust(StrEnum):
    """How a device proves that a pack is its own."""

    SIGNED = "signed"
    """Accepts nothing but JWS with the device's own key."""
    TRANSPORT = "transport"
    """The broker's credentials are the only proof; plain SenML."""


@dataclass(frozen=True, slots=True)
class Position:
    """Metres east, north and up from the site's own origin."""

    x_m: float
    y_m: float
    z_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One measured quantity of one device.

    `id` is permanent and never given again: it is the column index that stages, the log
    and the store share. `part` names a row of the sensor catalog; without one the device
    sends the quantity itself (an instrument that speaks ppm, a thermometer). `uncertified`:
    the part cannot support a standard's alarm for this gas (CO on a film whose heater is not
    cycled).
    """

    id: int
    device: str
    name: str
    quantity: Quantity
    part: str | None = None
    gas: str | None = None
    load_ohm: float | None = None
    supply_mv: float | None = None
    divider: float | None = None
    r0_ohm: float | None = None
    r0_at_s: float | None = None
    uncertified: bool = False

    @property
    def key(self) -> str:
        """`device.channel`, as people and URLs name it."""
        return f"{self.device}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A box with an address. `index` is permanent, as a channel's `id` is."""

    index: int
    id: str
    site: str
    zone: str
    channels: tuple[Channel, ...]
    trust: Trust = Trust.SIGNED
    heartbeat_s: float = 60.0
    """A device that says nothing for this long is silent, and silence is trouble."""
    position: Position | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """MooN: how many channels of a zone must stand above `level` before the valve moves."""

    needed: int = 1
    level: str = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """An area that votes and evacuates together. `index` is permanent."""

    index: int
    site: str
    name: str
    vote: Vote = Vote()

    @property
    def key(self) -> str:
        """`site.zone`."""
        return f"{self.site}.{self.name}"
