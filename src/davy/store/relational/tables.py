"""The tables as this version of Davy knows them; `migrations` brings older files here.

Columns carry the names of the fields that they hold. NaN is stored as NULL, since SQLite
has no other place for it, and read back as NaN.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


def _required(name: str, kind: type) -> Column[object]:
    return Column(name, kind, nullable=False)


zones = Table(
    "zones",
    metadata,
    Column("index", Integer, primary_key=True, autoincrement=False),
    _required("site", String),
    _required("name", String),
    _required("vote_needed", Integer),
    _required("vote_level", String),
    UniqueConstraint("site", "name", name="zones_by_name"),
)

devices = Table(
    "devices",
    metadata,
    Column("index", Integer, primary_key=True, autoincrement=False),
    _required("id", String),
    _required("site", String),
    _required("zone", String),
    _required("trust", String),
    _required("heartbeat_s", Float),
    Column("x_m", Float),
    Column("y_m", Float),
    Column("z_m", Float),
    _required("revoked", Boolean),
    UniqueConstraint("id", name="devices_by_id"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _required("device", String),
    _required("name", String),
    _required("quantity", String),
    Column("part", String),
    Column("gas", String),
    Column("load_ohm", Float),
    Column("supply_mv", Float),
    Column("divider", Float),
    Column("r0_ohm", Float),
    Column("r0_at_s", Float),
    _required("uncertified", Boolean),
    # its place in the device's list; NULL when the device no longer lists it
    Column("place", Integer),
    UniqueConstraint("device", "name", name="channels_by_name"),
)

points = Table(
    "points",
    metadata,
    Column("index", Integer, primary_key=True, autoincrement=False),
    _required("key", String),
    _required("kind", String),
    _required("level", String),
    _required("on", Float),
    _required("deadband", Float),
    _required("on_delay_s", Float),
    _required("off_delay_s", Float),
    _required("latching", Boolean),
    _required("unit", String),
    _required("channel", Integer),
    _required("device", Integer),
    _required("zone", Integer),
    _required("uncertified", Boolean),
    _required("enabled", Boolean),
    UniqueConstraint("key", name="points_by_key"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("device", String, primary_key=True),
    Column("key", LargeBinary),
    _required("token", String),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Integer, primary_key=True),
    _required("point", Integer),
    _required("event", String),
    _required("before", String),
    _required("after", String),
    _required("at_s", Float),
    Column("time_s", Float),
    Column("value", Float),
    _required("by", String),
    _required("note", Text),
    _required("act", String),
    _required("refused", String),
    _required("unverified", Boolean),
    _required("backfilled", Boolean),
    Column("until_s", Float),
    Index("transitions_by_point", "point", "id"),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    _required("at_s", Float),
    _required("reason", String),
    _required("detail", Text),
    _required("device", String),
    _required("topic", String),
    _required("payload", LargeBinary),
    _required("size", Integer),
    _required("sha256", String),
    Index("quarantine_by_reason", "reason", "id"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _required("at_s", Float),
    _required("who", String),
    _required("action", String),
    _required("what", String),
    _required("detail", Text),
    _required("hash", LargeBinary),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    _required("count", Integer),
    _required("hash", LargeBinary),
)

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    _required("role", String),
    _required("password_hash", String),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    _required("value", Text),
)
