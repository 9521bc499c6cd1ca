"""Zones, devices, alarm points and secrets in SQL tables, through SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, select, update

from davy.domain.alarm import Kind, Point, Setpoint
from davy.domain.errors import UnknownName
from davy.domain.site import Channel, Device, Position, Quantity, Trust, Vote, Zone
from davy.store.enrolment import Taken, check
from davy.store.relational import tables
from davy.store.relational.session import Session
from davy.store.words import Enrolment, Indexes, Secret, storable


class RelationalRegistry(Session):
    """The `Registry` of any SQL database."""

    def zones(self) -> list[Zone]:
        """All zones, by index."""
        with self._reading() as sql:
            return [_zone(row) for row in _all(sql, tables.zones)]

    def devices(self) -> list[Device]:
        """All devices, by index, with the channels that they list now."""
        with self._reading() as sql:
            rows = _all(sql, tables.devices)
            channels: dict[str, list[RowMapping]] = {row["id"]: [] for row in rows}
            for channel in _all(sql, tables.channels):
                if channel["place"] is not None:
                    channels[channel["device"]].append(channel)
        return [_device(row, channels[row["id"]]) for row in rows]

    def points(self) -> list[Point]:
        """All alarm points, by index."""
        columns = [tables.points.c[name] for name in _POINT_COLUMNS]
        with self._reading() as sql:
            rows = sql.execute(select(*columns).order_by(tables.points.c.index)).all()
        return [_point(*row) for row in rows]

    def indexes(self) -> Indexes:
        """The next free permanent numbers."""
        with self._reading() as sql:
            return _taken(sql).free

    def enrol(self, draft: Enrolment | Callable[[Indexes], Enrolment]) -> Enrolment:
        """Adds and replaces in one transaction; see `Registry.enrol`."""
        with self._writing() as sql:
            taken = _taken(sql)
            enrolment = draft if isinstance(draft, Enrolment) else draft(taken.free)
            check(taken, enrolment)
            devices = enrolment.devices
            _put(sql, tables.zones, [_of_zone(zone) for zone in enrolment.zones])
            _put(sql, tables.devices, [_of_device(device) for device in devices])
            if devices:
                gone = update(tables.channels).where(tables.channels.c.device == bindparam("gone"))
                sql.execute(gone.values(place=None), [{"gone": device.id} for device in devices])
            channels = [
                _of_channel(channel, place)
                for device in devices
                for place, channel in enumerate(device.channels)
            ]
            _put(sql, tables.channels, channels)
            _put(sql, tables.points, [_of_point(point) for point in enrolment.points])
            secrets = [
                {"device": name, "key": secret.key, "token": secret.token}
                for name, secret in enrolment.secrets.items()
            ]
            _put(sql, tables.secrets, secrets)
        return enrolment

    def secret(self, device: str) -> Secret:
        """What this device proves itself with."""
        wanted = select(tables.secrets).where(tables.secrets.c.device == storable(device))
        with self._reading() as sql:
            row = sql.execute(wanted).mappings().first()
        if row is None:
            raise UnknownName(f"device {device}: it has no secret; add the device or rotate it")
        return Secret(row["key"], row["token"])

    def secrets(self) -> dict[str, Secret]:
        """Every device's secret by its id."""
        with self._reading() as sql:
            rows = _all(sql, tables.secrets)
        return {row["device"]: Secret(row["key"], row["token"]) for row in rows}


def _all(sql: Connection, table: Table) -> Sequence[RowMapping]:
    """Every row, by its permanent number."""
    return sql.execute(select(table).order_by(*table.primary_key)).mappings().all()


def _taken(sql: Connection) -> Taken:
    zones, devices, channels = tables.zones.c, tables.devices.c, tables.channels.c
    named = {
        "zones": select(zones.index, zones.site + "." + zones.name),
        "devices": select(devices.index, devices.id),
        "channels": select(channels.id, channels.device + "." + channels.name),
        "points": select(tables.points.c.index, tables.points.c.key),
    }
    found = {kind: sql.execute(of).all() for kind, of in named.items()}
    return Taken(**{kind: {row[0]: row[1] for row in rows} for kind, rows in found.items()})


def _put(sql: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replaces the rows of these keys, or adds them; the same on every database."""
    if not rows:
        return
    (column,) = table.primary_key
    known = set(sql.execute(select(column)).scalars())
    fresh = [row for row in rows if row[column.name] not in known]
    changed = [{**row, "the_key": row[column.name]} for row in rows if row[column.name] in known]
    if fresh:
        sql.execute(table.insert(), fresh)
    if changed:
        values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != column.name}
        sql.execute(update(table).where(column == bindparam("the_key")).values(values), changed)


def _zone(row: RowMapping) -> Zone:
    return Zone(
        index=row["index"],
        site=row["site"],
        name=row["name"],
        vote=Vote(needed=row["vote_needed"], level=row["vote_level"]),
    )


def _of_zone(zone: Zone) -> dict[str, Any]:
    return {
        "index": zone.index,
        "site": zone.site,
        "name": zone.name,
        "vote_needed": zone.vote.needed,
        "vote_level": zone.vote.level,
    }


def _device(row: RowMapping, channels: Sequence[RowMapping]) -> Device:
    somewhere = row["x_m"] is not None
    return Device(
        index=row["index"],
        id=row["id"],
        site=row["site"],
        zone=row["zone"],
        channels=tuple(
            _channel(channel) for channel in sorted(channels, key=lambda channel: channel["place"])
        ),
        trust=Trust(row["trust"]),
        heartbeat_s=row["heartbeat_s"],
        position=Position(row["x_m"], row["y_m"], row["z_m"]) if somewhere else None,
        revoked=row["revoked"],
    )


def _of_device(device: Device) -> dict[str, Any]:
    position = device.position
    return {
        "index": device.index,
        "id": device.id,
        "site": device.site,
        "zone": device.zone,
        "trust": device.trust.value,
        "heartbeat_s": device.heartbeat_s,
        "x_m": position.x_m if position else None,
        "y_m": position.y_m if position else None,
        "z_m": position.z_m if position else None,
        "revoked": device.revoked,
    }


_SAME_IN_CHANNEL = (
    *("id", "device", "name", "part", "gas"),
    *("load_ohm", "supply_mv", "divider", "r0_ohm", "r0_at_s", "uncertified"),
)


def _channel(row: RowMapping) -> Channel:
    same = {name: row[name] for name in _SAME_IN_CHANNEL}
    return Channel(quantity=Quantity(row["quantity"]), **same)


def _of_channel(channel: Channel, place: int) -> dict[str, Any]:
    same = {name: getattr(channel, name) for name in _SAME_IN_CHANNEL}
    return {**same, "quantity": channel.quantity.value, "place": place}


_SAME_IN_SETPOINT = ("level", "on", "deadband", "on_delay_s", "off_delay_s", "latching")
_SAME_IN_POINT = (
    *("index", "key", "unit", "channel", "device", "zone"),
    *("uncertified", "enabled"),
)


_POINT_COLUMNS = ("kind", *_SAME_IN_POINT, *_SAME_IN_SETPOINT)


def _point(kind: str, *values: Any) -> Point:
    """A point from its columns in order: there are tens of thousands on a large site."""
    cut = len(_SAME_IN_POINT)
    setpoint = Setpoint(**dict(zip(_SAME_IN_SETPOINT, values[cut:], strict=True)))
    same = dict(zip(_SAME_IN_POINT, values[:cut], strict=True))
    return Point(kind=Kind(kind), setpoint=setpoint, **same)


def _of_point(point: Point) -> dict[str, Any]:
    setpoint = {name: getattr(point.setpoint, name) for name in _SAME_IN_SETPOINT}
    same = {name: getattr(point, name) for name in _SAME_IN_POINT}
    return {**same, **setpoint, "kind": point.kind.value}
