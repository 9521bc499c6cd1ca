"""Changes of what the installation consists of: store, broker, gateway and log, in that order.

The store gives permanent numbers, the broker lets the device in, and the log tells the
pipeline. A crash between two of them is made good at the next start (`reconcile`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from davy import __version__
from davy.domain.alarm import Point
from davy.domain.errors import Conflict, InputError, UnknownName
from davy.domain.limits import Limits, device_points, renumbered, zone_point
from davy.domain.plan import Plan
from davy.domain.site import Channel, Device, Vote, Zone
from davy.ingest.broker import Broker
from davy.ingest.external import External
from davy.ingest.gateway import Directory, Gateway
from davy.ingest.nats_config import BrokerUser
from davy.service.papers import DeviceOrder, new_secret, sender_of
from davy.store.port import Store
from davy.store.words import Enrolment as Draft
from davy.store.words import Indexes, Secret
from davy.wire.entries import Enrolled


@dataclass(frozen=True, slots=True)
class Registered:
    """All that the registry holds."""

    zones: tuple[Zone, ...]
    devices: tuple[Device, ...]
    points: tuple[Point, ...]
    secrets: Mapping[str, Secret]

    @property
    def plan(self) -> Plan:
        """The registry as the pipeline wants it."""
        return Plan().with_zones(*self.zones).with_devices(*self.devices).with_points(*self.points)


class Enrolment:
    """Adds, changes and revokes devices.

    Args:
        store: the registry.
        limits: where channels alarm.
        votes: by `site.zone`, how zones vote.
    """

    def __init__(self, store: Store, limits: Limits, votes: Mapping[str, Vote]) -> None:
        self._store = store
        self._limits = limits
        self._votes = votes
        self._one_at_a_time = asyncio.Lock()
        self._broker: Broker | External | None = None
        self._gateway: Gateway | None = None
        self._on_secrets: Callable[[Mapping[str, Secret]], None] = lambda _: None

    def attach(
        self,
        broker: Broker | External,
        gateway: Gateway,
        on_secrets: Callable[[Mapping[str, Secret]], None],
    ) -> None:
        """Where changes are told while Davy runs."""
        self._broker, self._gateway, self._on_secrets = broker, gateway, on_secrets

    def registered(self) -> Registered:
        """What the registry holds now; reads the store."""
        return Registered(
            tuple(self._store.zones()),
            tuple(self._store.devices()),
            tuple(self._store.points()),
            self._store.secrets(),
        )

    def add(self, orders: Sequence[DeviceOrder]) -> Draft:
        """Writes new devices into the registry.

        Raises:
            Conflict: there is such a device already.
            InputError: a name, a channel or a limit makes no sense.
        """
        for order in orders:
            order.check()
        known = self.registered()
        taken = {device.id for device in known.devices}
        for order in orders:
            if order.id in taken:
                raise Conflict(
                    f"device {order.id}: there is one already; choose another name, or "
                    f"`davy device rotate {order.id}` for new secrets"
                )
            taken.add(order.id)
        return self._store.enrol(lambda free: self._draft(orders, known, free))

    def change(self, device: Device) -> Draft:
        """Writes a device in the place of what it was (R0, revoked), with its alarms."""
        known = self.registered()
        zone = next(z for z in known.zones if (z.site, z.name) == (device.site, device.zone))
        points = self._points_of(device, zone, {point.key: point for point in known.points})
        return self._store.enrol(lambda _: Draft(devices=(device,), points=points))

    def renew_limits(self) -> Registered:
        """Brings points and votes up to the configuration, and gives the registry as it is.

        Raises:
            InputError: a quorum that is larger than its group.
        """
        known = self.registered()
        digest = hashlib.sha256(
            repr((__version__, self._limits, sorted(self._votes.items()))).encode()
        ).hexdigest()
        if self._store.meta("limits") == digest:
            return known
        zones = tuple(self._vote_checked(zone, known) for zone in known.zones)
        zone_of = {zone.key: zone for zone in zones}
        by_key = {point.key: point for point in known.points}
        points: list[Point] = []
        for device in known.devices:
            mine = self._points_of(device, zone_of[f"{device.site}.{device.zone}"], by_key)
            by_key.update({point.key: point for point in mine})
            points += mine
        self._store.enrol(Draft(zones=zones, points=tuple(points)))
        self._store.put_meta("limits", digest)
        return self.registered()

    def rotate(self, device_id: str) -> Draft:
        """New secrets for a device; the old ones are worth nothing from then on."""
        device = self.device(device_id)
        back = replace(device, revoked=False)
        fresh = {device_id: new_secret(device.trust)}
        return self._store.enrol(lambda _: Draft(devices=(back,), secrets=fresh))

    def revoke(self, device_id: str) -> Draft:
        """Shuts a device out; its readings stay."""
        return self.change(replace(self.device(device_id), revoked=True))

    def calibrate(self, device_id: str, channel: str, r0_ohm: float, at_s: float) -> Draft:
        """Gives a channel its own R0.

        Raises:
            UnknownName: no such device or channel.
        """
        device = self.device(device_id)
        old = channel_in(device, channel)
        new = replace(old, r0_ohm=r0_ohm, r0_at_s=at_s)
        channels = tuple(new if one is old else one for one in device.channels)
        return self.change(replace(device, channels=channels))

    def device(self, device_id: str) -> Device:
        """A device by name.

        Raises:
            UnknownName: there is none.
        """
        for device in self._store.devices():
            if device.id == device_id:
                return device
        raise UnknownName(f"device {device_id}: no such device; `davy device list` shows them")

    async def tell(self, draft: Draft, forgotten: Iterable[str] = ()) -> None:
        """Lets broker, gateway and pipeline know of a change; nothing while Davy is down."""
        async with self._one_at_a_time:
            known = await asyncio.to_thread(self.registered)
            await self._tell(known, draft, forgotten)

    async def reconcile(self, known: Registered, plan: Plan) -> None:
        """Tells the pipeline at the start what it does not know of the registry yet."""
        draft = Draft(
            zones=_differing(known.zones, plan.zones),
            devices=_differing(known.devices, plan.devices),
            points=_differing(known.points, plan.points),
        )
        async with self._one_at_a_time:
            await self._tell(known, draft, ())

    async def _tell(self, known: Registered, draft: Draft, forgotten: Iterable[str]) -> None:
        if self._broker is None or self._gateway is None:
            return
        self._on_secrets(known.secrets)
        index_of = {device.id: device.index for device in known.devices}
        gone = tuple(index_of[name] for name in forgotten)
        await self._gateway.enrol(list(_pieces(draft, gone)), directory_of(known))
        await self._broker.set_devices(broker_users(known))

    def _draft(self, orders: Sequence[DeviceOrder], known: Registered, free: Indexes) -> Draft:
        zones = {zone.key: zone for zone in known.zones}
        new_zones: list[Zone] = []
        devices: list[Device] = []
        drafts: list[Point] = []
        channel = free.channel
        for place, order in enumerate(orders):
            key = f"{order.site}.{order.zone}"
            if key not in zones:
                zone = Zone(
                    index=free.zone + len(new_zones),
                    site=order.site,
                    name=order.zone,
                    vote=self._votes.get(key, Vote()),
                )
                zones[key] = zone
                new_zones.append(zone)
                drafts.append(zone_point(zone))
            device = order.drawn(free.device + place, channel)
            channel += len(device.channels)
            devices.append(device)
            drafts += device_points(device, zones[key], self._limits)
        return Draft(
            zones=tuple(new_zones),
            devices=tuple(devices),
            points=tuple(renumbered(drafts, {}, free.point)),
            secrets={order.id: new_secret(order.trust) for order in orders},
        )

    def _points_of(
        self, device: Device, zone: Zone, known: Mapping[str, Point]
    ) -> tuple[Point, ...]:
        """The device's alarms under the numbers that they have; new kinds get new ones."""
        return tuple(renumbered(device_points(device, zone, self._limits), known, len(known)))

    def _vote_checked(self, zone: Zone, known: Registered) -> Zone:
        vote = self._votes.get(zone.key, Vote())
        voters = sum(
            point.zone == zone.index and point.level == vote.level and point.unit == "ppm"
            for point in known.points
        )
        if voters and vote.needed > voters:
            raise InputError(
                f'[zones."{zone.key}"] needed: {vote.needed} of {voters} channels can never '
                f"agree; lower it to {voters} or add devices"
            )
        return replace(zone, vote=vote)


T = TypeVar("T", Zone, Device, Point)


def _differing(wanted: Sequence[T], known: Sequence[T]) -> tuple[T, ...]:
    """What is new or another than under the same index."""
    return tuple(
        item for place, item in enumerate(wanted) if place >= len(known) or item != known[place]
    )


_MOST_DEVICES, _MOST_POINTS = 500, 1000
"""In one entry of the log: a quarter of what the broker takes in one piece."""


def _pieces(draft: Draft, forgotten: tuple[int, ...]) -> Iterator[Enrolled]:
    """A change as entries of the log, each small enough: zones, devices, then their points."""
    if draft.zones or forgotten:
        yield Enrolled(zones=draft.zones, forgotten=forgotten)
    devices = sorted(draft.devices, key=lambda device: device.index)
    for start in range(0, len(devices), _MOST_DEVICES):
        yield Enrolled(devices=tuple(devices[start : start + _MOST_DEVICES]))
    points = sorted(draft.points, key=lambda point: point.index)
    for start in range(0, len(points), _MOST_POINTS):
        yield Enrolled(points=tuple(points[start : start + _MOST_POINTS]))


def directory_of(known: Registered) -> Directory:
    """Who may send, for the gateway."""
    return Directory(
        senders={
            device.id: sender_of(device, known.secrets[device.id]) for device in known.devices
        },
        zones={device.id: f"{device.site}.{device.zone}" for device in known.devices},
    )


def broker_users(known: Registered) -> list[BrokerUser]:
    """Who may connect."""
    return [
        BrokerUser(site=device.site, device=device.id, token=known.secrets[device.id].token)
        for device in known.devices
        if not device.revoked
    ]


def channel_in(device: Device, name: str) -> Channel:
    """A channel of a device by name.

    Raises:
        UnknownName: it has none of this name.
    """
    for channel in device.channels:
        if channel.name == name:
            return channel
    names = ", ".join(channel.name for channel in device.channels)
    raise UnknownName(f"device {device.id}: no channel {name}; it has {names}")
