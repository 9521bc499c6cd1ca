"""The first tables: records that any database keeps alike, then the hot ones of SQLite."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT, LONG, REAL, WHOLE = sa.String(), sa.Text(), sa.Float(), sa.Integer()
YES_NO, BYTES = sa.Boolean(), sa.LargeBinary()


def upgrade() -> None:
    """Makes every table of Davy 0.1."""
    _registry()
    _records()
    _hot()


def _key(*columns: tuple[str, Any]) -> list[sa.Column[Any]]:
    return [sa.Column(n, kind, primary_key=True, autoincrement=False) for n, kind in columns]


def _needed(*columns: tuple[str, Any]) -> list[sa.Column[Any]]:
    return [sa.Column(n, kind, nullable=False) for n, kind in columns]


def _free(*columns: tuple[str, Any]) -> list[sa.Column[Any]]:
    return [sa.Column(n, kind) for n, kind in columns]


def _registry() -> None:
    op.create_table(
        "zones",
        *_key(("index", WHOLE)),
        *_needed(("site", TEXT), ("name", TEXT), ("vote_needed", WHOLE), ("vote_level", TEXT)),
        sa.UniqueConstraint("site", "name", name="zones_by_name"),
    )
    op.create_table(
        "devices",
        *_key(("index", WHOLE)),
        *_needed(("id", TEXT), ("site", TEXT), ("zone", TEXT), ("trust", TEXT)),
        *_needed(("heartbeat_s", REAL)),
        *_free(("x_m", REAL), ("y_m", REAL), ("z_m", REAL)),
        *_needed(("revoked", YES_NO)),
        sa.UniqueConstraint("id", name="devices_by_id"),
    )
    op.create_table(
        "channels",
        *_key(("id", WHOLE)),
        *_needed(("device", TEXT), ("name", TEXT), ("quantity", TEXT)),
        *_free(("part", TEXT), ("gas", TEXT), ("load_ohm", REAL), ("supply_mv", REAL)),
        *_free(("divider", REAL), ("r0_ohm", REAL), ("r0_at_s", REAL), ("place", WHOLE)),
        *_needed(("uncertified", YES_NO)),
        sa.UniqueConstraint("device", "name", name="channels_by_name"),
    )
    op.create_table(
        "points",
        *_key(("index", WHOLE)),
        *_needed(("key", TEXT), ("kind", TEXT), ("level", TEXT), ("on", REAL)),
        *_needed(("deadband", REAL), ("on_delay_s", REAL), ("off_delay_s", REAL)),
        *_needed(("latching", YES_NO), ("unit", TEXT), ("channel", WHOLE), ("device", WHOLE)),
        *_needed(("zone", WHOLE), ("uncertified", YES_NO), ("enabled", YES_NO)),
        sa.UniqueConstraint("key", name="points_by_key"),
    )
    op.create_table(
        "secrets", *_key(("device", TEXT)), *_free(("key", BYTES)), *_needed(("token", TEXT))
    )


def _records() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", WHOLE, primary_key=True),
        *_needed(("point", WHOLE), ("event", TEXT), ("before", TEXT), ("after", TEXT)),
        *_needed(("at_s", REAL)),
        *_free(("time_s", REAL), ("value", REAL)),
        *_needed(("by", TEXT), ("note", LONG), ("act", TEXT), ("refused", TEXT)),
        *_needed(("unverified", YES_NO), ("backfilled", YES_NO)),
        *_free(("until_s", REAL)),
        sqlite_autoincrement=True,
    )
    op.create_index("transitions_by_point", "transitions", ["point", "id"])
    op.create_table(
        "quarantine",
        sa.Column("id", WHOLE, primary_key=True),
        *_needed(("at_s", REAL), ("reason", TEXT), ("detail", LONG), ("device", TEXT)),
        *_needed(("topic", TEXT), ("payload", BYTES), ("size", WHOLE), ("sha256", TEXT)),
        sqlite_autoincrement=True,
    )
    op.create_index("quarantine_by_reason", "quarantine", ["reason", "id"])
    op.create_table(
        "audit",
        *_key(("seq", WHOLE)),
        *_needed(("at_s", REAL), ("who", TEXT), ("action", TEXT), ("what", TEXT)),
        *_needed(("detail", LONG), ("hash", BYTES)),
    )
    op.create_table(
        "audit_head", *_key(("one", WHOLE)), *_needed(("count", WHOLE), ("hash", BYTES))
    )
    op.create_table(
        "users", *_key(("name", TEXT)), *_needed(("role", TEXT), ("password_hash", TEXT))
    )
    op.create_table("meta", *_key(("key", TEXT)), *_needed(("value", LONG)))


def _hot() -> None:
    op.create_table(
        "readings",
        *_key(("slice", REAL), ("channel", WHOLE), ("time_s", REAL), ("entry", WHOLE)),
        *_free(("arrived_s", REAL), ("raw", REAL)),
        *_needed(("unit", WHOLE)),
        *_free(("value", REAL)),
        *_needed(("flags", WHOLE)),
        *_free(("suspicion", REAL)),
        sqlite_with_rowid=False,
    )
    for name in ("rollup_1m", "rollup_1h"):
        op.create_table(
            name,
            *_key(("slice", REAL), ("channel", WHOLE), ("start_s", REAL)),
            *_needed(("min", REAL), ("sum", REAL), ("max", REAL), ("count", WHOLE)),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "latest",
        *_key(("channel", WHOLE)),
        *_needed(("standing_s", REAL), ("time_s", REAL)),
        *_free(("value", REAL)),
        *_needed(("flags", WHOLE)),
    )
    op.create_table(
        "progress", *_key(("one", WHOLE)), *_needed(("offset", WHOLE), ("readings", WHOLE))
    )
    op.create_table(
        "snapshot", *_key(("one", WHOLE)), *_needed(("offset", WHOLE), ("state", BYTES))
    )
