"""SQLite's own tables: the hot ones, without a row id, clustered by slice of time.

`timeline` says why a slice leads the key.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, Table

metadata = MetaData()


def _key(name: str, kind: type) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


readings = Table(
    "readings",
    metadata,
    _key("slice", Float),
    _key("channel", Integer),
    _key("time_s", Float),
    _key("entry", Integer),
    Column("arrived_s", Float),
    Column("raw", Float),
    Column("unit", Integer, nullable=False),
    Column("value", Float),
    Column("flags", Integer, nullable=False),
    Column("suspicion", Float),
    sqlite_with_rowid=False,
)


def _rollup(name: str) -> Table:
    return Table(
        name,
        metadata,
        _key("slice", Float),
        _key("channel", Integer),
        _key("start_s", Float),
        Column("min", Float, nullable=False),
        Column("sum", Float, nullable=False),
        Column("max", Float, nullable=False),
        Column("count", Integer, nullable=False),
        sqlite_with_rowid=False,
    )


rollup_1m = _rollup("rollup_1m")
rollup_1h = _rollup("rollup_1h")

latest = Table(
    "latest",
    metadata,
    _key("channel", Integer),
    Column("standing_s", Float, nullable=False),
    Column("time_s", Float, nullable=False),
    Column("value", Float),
    Column("flags", Integer, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    _key("one", Integer),
    Column("offset", Integer, nullable=False),
    Column("readings", Integer, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    _key("one", Integer),
    Column("offset", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
