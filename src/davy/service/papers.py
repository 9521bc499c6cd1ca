"""What somebody asks for when a device is added, checked against what parts can see."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from davy.domain.errors import InputError
from davy.domain.gas import gas as gas_named
from davy.domain.site import NAME, UNIT_CODES, Channel, Device, Quantity, Trust, Unit
from davy.ingest.external import Endpoint
from davy.sensing.catalog import part as part_named
from davy.sensing.parts import MoxPart
from davy.service.views import EnrolledView
from davy.store.words import Secret
from davy.wire.channels import ChannelKey, Channels
from davy.wire.envelope import Sender
from davy.wire.jws import KEY_BYTES, key_to_text
from davy.wire.topics import Topic

_CHANNEL = re.compile(
    r"(?P<name>[^=,:]+)(?:=(?P<part>[^:,]*)(?::(?P<gas>[^,]+))?)?(?:,(?P<rest>.*))?"
)
_SETTINGS = ("load_ohm", "supply_mv", "r0_ohm", "divider")
_HOW = "write NAME[=PART:GAS[,load_ohm=…,supply_mv=…,r0_ohm=…,divider=…]], as mq4=MQ-4:methane"

_BY_NAME = {"temperature": Quantity.TEMPERATURE, "humidity": Quantity.HUMIDITY}
_UNITS: dict[Quantity, tuple[Unit, ...]] = {
    Quantity.TEMPERATURE: (Unit.CELSIUS,),
    Quantity.HUMIDITY: (Unit.HUMIDITY,),
    Quantity.COUNT: (Unit.COUNT,),
    Quantity.GAS: (Unit.PPM,),
}
_FILM_UNITS = (Unit.MILLIVOLT, Unit.OHM, Unit.RATIO, Unit.PPM)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOrder:
    """A device as somebody asks for it; `channels` as on the command line."""

    id: str
    site: str
    zone: str
    channels: tuple[str, ...]
    trust: Trust = Trust.SIGNED
    heartbeat_s: float = 60.0

    def check(self) -> None:
        """Raises `InputError` for what can be told without looking at the registry."""
        for what, name in (("device", self.id), ("site", self.site), ("zone", self.zone)):
            check_name(what, name)
        if not self.channels:
            raise InputError(f"device {self.id}: it measures nothing; give --channel, {_HOW}")
        if not 0 < self.heartbeat_s < 1e6:
            raise InputError(
                f"device {self.id}: a heartbeat of {self.heartbeat_s:g} s; "
                "give the seconds after which silence is trouble"
            )

    def drawn(self, index: int, first_channel: int) -> Device:
        """The device under these permanent numbers.

        Raises:
            InputError: a channel that makes no sense, or a part that cannot see its gas.
        """
        channels = tuple(
            channel_of(self.id, spec, first_channel + place)
            for place, spec in enumerate(self.channels)
        )
        names = [channel.name for channel in channels]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"device {self.id}: two channels are called {name}; give each its own name"
                )
        return Device(
            index=index,
            id=self.id,
            site=self.site,
            zone=self.zone,
            channels=channels,
            trust=self.trust,
            heartbeat_s=self.heartbeat_s,
        )


def check_name(what: str, name: str) -> None:
    """Raises `InputError` unless the name fits topics and URLs."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{what} {name!r}: names are 1 to 64 of the letters a-z, digits and -; choose another"
        )


def channel_of(device: str, spec: str, channel_id: int) -> Channel:
    """A channel from `NAME[=PART:GAS[,setting=value…]]`.

    `temperature` and `humidity` need no part; `ch4=:methane` is an instrument that sends ppm;
    any other bare name counts.

    Raises:
        InputError: it makes no sense, or the part cannot see the gas.
    """
    match = _CHANNEL.fullmatch(spec)
    if match is None:
        raise InputError(f"channel {spec!r}: cannot be read; {_HOW}")
    name, part, gas = match["name"], match["part"], match["gas"]
    check_name("channel", name)
    settings = _settings(spec, match["rest"])
    if gas is None:
        quantity = _BY_NAME.get(name, Quantity.COUNT)
        if part:
            _weather_part(spec, part)
        return Channel(id=channel_id, device=device, name=name, quantity=quantity)
    if gas in _BY_NAME:
        _weather_part(spec, part)
        return Channel(id=channel_id, device=device, name=name, quantity=_BY_NAME[gas])
    return _gas_channel(
        Channel(id=channel_id, device=device, name=name, quantity=Quantity.GAS), part, gas, settings
    )


def _gas_channel(
    bare: Channel, part_name: str | None, gas_name: str, settings: dict[str, float]
) -> Channel:
    gas = gas_named(gas_name).name
    if not part_name:
        return replace(bare, gas=gas)
    part = part_named(part_name)
    if not isinstance(part, MoxPart):
        raise InputError(f"channel {bare.name}: {part.name} measures weather and sees no gas")
    part.curve(gas)
    blind_to_dose = part.heater_cycling and gas == "carbon-monoxide"
    return replace(
        bare,
        part=part.name,
        gas=gas,
        uncertified=blind_to_dose,
        load_ohm=settings.get("load_ohm"),
        supply_mv=settings.get("supply_mv"),
        r0_ohm=settings.get("r0_ohm"),
        divider=settings.get("divider"),
    )


def _weather_part(spec: str, part_name: str | None) -> None:
    if part_name and isinstance(part_named(part_name), MoxPart):
        raise InputError(f"channel {spec!r}: {part_name} needs its target gas; {_HOW}")


def _settings(spec: str, rest: str | None) -> dict[str, float]:
    settings: dict[str, float] = {}
    for item in (rest or "").split(",") if rest else []:
        key, _, text = item.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if key not in _SETTINGS or not 0 < value < 1e9:
            raise InputError(
                f"channel {spec!r}: {item!r} is not a positive number of {', '.join(_SETTINGS)}"
            )
        settings[key] = value
    return settings


def new_secret(trust: Trust) -> Secret:
    """A password for the broker, and a signing key unless the device does not sign."""
    key = secrets.token_bytes(KEY_BYTES) if trust is Trust.SIGNED else None
    return Secret(key, secrets.token_urlsafe(24))


def sender_of(device: Device, secret: Secret) -> Sender:
    """What the gateway must know of a device."""
    keys = {}
    for channel in device.channels:
        units = _FILM_UNITS if channel.part is not None else _UNITS[channel.quantity]
        keys[channel.name] = ChannelKey(
            channel.id,
            frozenset(unit.value for unit in units if unit in UNIT_CODES),
            units[0].value,
        )
    return Sender(
        device=device.id,
        index=device.index,
        site=device.site,
        channels=Channels(keys),
        trust=device.trust,
        key=secret.key,
        revoked=device.revoked,
    )


def papers_of(device: Device, secret: Secret, broker: Endpoint, api_url: str) -> EnrolledView:
    """What whoever flashes the device needs: its secrets and where it sends."""
    signed = device.trust is Trust.SIGNED and secret.key is not None
    return EnrolledView(
        device=device.id,
        site=device.site,
        zone=device.zone,
        token=secret.token,
        key=key_to_text(secret.key) if signed and secret.key else None,
        topic=Topic(device.site, device.id, "readings").mqtt,
        mqtt={"host": broker.host, "port": broker.port, "tls": broker.tls},
        http=f"{api_url}/api/v1/readings",
        channels=[channel.name for channel in device.channels],
    )
