"""The rules of the registry: permanent indexes, without holes, under names that stay.

A stage's arrays, the log and the store share these indexes, so an index that changed its
meaning would turn one device's readings into another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from davy.domain.errors import Conflict, UnknownName
from davy.store.words import Enrolment, Indexes


@dataclass(frozen=True, slots=True)
class Taken:
    """Names by index, for each kind of thing in the registry."""

    zones: Mapping[int, str]
    devices: Mapping[int, str]
    channels: Mapping[int, str]
    points: Mapping[int, str]

    @property
    def free(self) -> Indexes:
        """The next index of each kind; none is ever given back, so this is the count."""
        return Indexes(len(self.zones), len(self.devices), len(self.channels), len(self.points))


def check(taken: Taken, enrolment: Enrolment) -> None:
    """Refuses what would give an index a second meaning.

    Raises:
        Conflict: an index or a name belongs to something else, or a hole would be left.
        UnknownName: a secret for a device that does not exist.
    """
    devices = [(device.index, device.id) for device in enrolment.devices]
    channels = [
        (channel.id, channel.key) for device in enrolment.devices for channel in device.channels
    ]
    _check_kind("zone", taken.zones, [(zone.index, zone.key) for zone in enrolment.zones])
    _check_kind("device", taken.devices, devices)
    _check_kind("channel", taken.channels, channels)
    _check_kind(
        "alarm point", taken.points, [(point.index, point.key) for point in enrolment.points]
    )
    for device in enrolment.devices:
        strangers = [channel.key for channel in device.channels if channel.device != device.id]
        if strangers:
            raise Conflict(f"device {device.id}: channel {strangers[0]} belongs to another device")
    known = {*taken.devices.values(), *(name for _, name in devices)}
    for name in enrolment.secrets:
        if name not in known:
            raise UnknownName(f"device {name}: not enrolled; add it before giving it a secret")


def _check_kind(kind: str, taken: Mapping[int, str], items: Iterable[tuple[int, str]]) -> None:
    index_of = {name: index for index, name in taken.items()}
    name_of = dict(taken)
    for index, name in sorted(items):
        if not 0 <= index <= len(name_of):
            raise Conflict(
                f"{kind} {name}: index {index} would leave a hole; the next free one is "
                f"{len(name_of)}"
            )
        if name_of.setdefault(index, name) != name:
            raise Conflict(
                f"{kind} {name}: index {index} belongs to {name_of[index]} for ever; take "
                f"the next free one"
            )
        if index_of.setdefault(name, index) != index:
            raise Conflict(f"{kind} {name}: it exists already, under index {index_of[name]}")
