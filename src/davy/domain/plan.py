"""What an installation consists of: the value from which every stage is made.

A plan changes only through entries in the log, so a replay knows at each reading which
devices, limits and calibrations were in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from davy.domain.alarm import Point
from davy.domain.site import Channel, Device, Zone


@dataclass(frozen=True)
class Plan:
    """Devices, zones and alarm points; each tuple is indexed by its items' own index."""

    devices: tuple[Device, ...] = ()
    zones: tuple[Zone, ...] = ()
    points: tuple[Point, ...] = ()
    channel_count: int = field(default=0)

    @cached_property
    def channels(self) -> tuple[Channel | None, ...]:
        """Channels by id; None where an id belongs to nobody that is known here."""
        table: list[Channel | None] = [None] * self.channel_count
        for device in self.devices:
            for channel in device.channels:
                table[channel.id] = channel
        return tuple(table)

    @cached_property
    def device_by_id(self) -> dict[str, Device]:
        """Devices by the name that people use."""
        return {device.id: device for device in self.devices}

    @cached_property
    def zone_by_key(self) -> dict[str, Zone]:
        """Zones by `site.zone`."""
        return {zone.key: zone for zone in self.zones}

    @cached_property
    def point_by_key(self) -> dict[str, Point]:
        """Alarm points by `device.channel.level` and the like."""
        return {point.key: point for point in self.points}

    def with_zones(self, *zones: Zone) -> Plan:
        """The plan with these zones added or replaced."""
        return replace(self, zones=_put(self.zones, zones))

    def with_devices(self, *devices: Device) -> Plan:
        """The plan with these devices added or replaced."""
        ids = [channel.id + 1 for device in devices for channel in device.channels]
        count = max([self.channel_count, *ids])
        return replace(self, devices=_put(self.devices, devices), channel_count=count)

    def with_points(self, *points: Point) -> Plan:
        """The plan with these alarm points added or replaced."""
        return replace(self, points=_put(self.points, points))


T = TypeVar("T", Device, Zone, Point)


def _put(old: tuple[T, ...], new: tuple[T, ...]) -> tuple[T, ...]:
    table = list(old)
    for item in sorted(new, key=lambda item: item.index):
        if item.index == len(table):
            table.append(item)
        elif item.index < len(table):
            table[item.index] = item
        else:
            raise ValueError(f"index {item.index} leaves a hole after {len(table) - 1}")
    return tuple(table)
