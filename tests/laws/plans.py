"""A small plant for the laws: every kind of channel, trust and alarm once."""

from __future__ import annotations

from dataclasses import replace

from davy.domain.limits import Limits, device_points, renumbered, zone_point
from davy.domain.plan import Plan
from davy.domain.site import Channel, Device, Quantity, Vote, Zone


def nose(index: int, first_id: int, zone: str = "kitchen", **settings: object) -> Device:
    """A box with an MQ-4, an MQ-7 and a thermometer-hygrometer: channels first_id .. +3."""
    name = f"nose-{index}"
    channels = (
        Channel(
            id=first_id,
            device=name,
            name="mq4",
            quantity=Quantity.GAS,
            part="MQ-4",
            gas="methane",
            r0_ohm=10_000.0,
        ),
        Channel(
            id=first_id + 1,
            device=name,
            name="mq7",
            quantity=Quantity.GAS,
            part="MQ-7",
            gas="carbon-monoxide",
        ),
        Channel(id=first_id + 2, device=name, name="temperature", quantity=Quantity.TEMPERATURE),
        Channel(id=first_id + 3, device=name, name="humidity", quantity=Quantity.HUMIDITY),
    )
    device = Device(index=index, id=name, site="home", zone=zone, channels=channels)
    return replace(device, **settings)  # type: ignore[arg-type]


def meter(index: int, first_id: int, gas: str = "methane", zone: str = "kitchen") -> Device:
    """An instrument that sends ppm of one gas itself."""
    name = f"meter-{index}"
    channel = Channel(id=first_id, device=name, name="gas", quantity=Quantity.GAS, gas=gas)
    return Device(index=index, id=name, site="home", zone=zone, channels=(channel,))


def plan_of(*devices: Device, needed: int = 1, limits: Limits | None = None) -> Plan:
    """A plan with these devices in one kitchen, and every alarm that they have."""
    zone = Zone(index=0, site="home", name="kitchen", vote=Vote(needed=needed))
    points = [zone_point(zone)]
    for device in devices:
        points += device_points(device, zone, limits or Limits())
    return Plan().with_zones(zone).with_devices(*devices).with_points(*renumbered(points, {}, 0))
