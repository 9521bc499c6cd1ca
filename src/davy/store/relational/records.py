"""Transitions, quarantine, audit trail and users in SQL tables, through SQLAlchemy Core."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, delete, func, select, update

from davy.domain.alarm import Event, State, Transition
from davy.domain.errors import Reason, UnknownName
from davy.store.chain import EMPTY, find_break, link
from davy.store.relational import tables
from davy.store.relational.session import Session
from davy.store.words import AuditBreak, AuditHead, AuditRow, Bounds, Evidence, User, storable


class RelationalRecords(Session):
    """The `Quarantine`, `Audit` and `Users` of any SQL database, and the alarms' lives."""

    bounds: Bounds

    def transitions(
        self, point: int | None = None, since_s: float | None = None, limit: int = 1000
    ) -> list[Transition]:
        """Steps in the lives of alarms, newest first."""
        table = tables.transitions
        wanted = select(table).order_by(table.c.id.desc()).limit(limit)
        if point is not None:
            wanted = wanted.where(table.c.point == point)
        if since_s is not None:
            wanted = wanted.where(table.c.at_s >= since_s)
        with self._reading() as sql:
            return [_transition(row) for row in sql.execute(wanted).mappings()]

    def quarantine_put(self, evidence: Sequence[Evidence]) -> None:
        """Keeps these, and lets go of the oldest of the same reasons where room is short."""
        rows = [_of_evidence(item.sealed(self.bounds.payload)) for item in evidence]
        if not rows:
            return
        with self._writing() as sql:
            sql.execute(tables.quarantine.insert(), rows)
            for reason in {row["reason"] for row in rows}:
                _trim(sql, reason, self.bounds)

    def quarantine(
        self, limit: int = 100, since_s: float | None = None, reason: str | None = None
    ) -> list[Evidence]:
        """Evidence, newest first."""
        table = tables.quarantine
        wanted = select(table).order_by(table.c.id.desc()).limit(limit)
        if since_s is not None:
            wanted = wanted.where(table.c.at_s >= since_s)
        if reason is not None:
            wanted = wanted.where(table.c.reason == reason)
        with self._reading() as sql:
            return [_evidence(row) for row in sql.execute(wanted).mappings()]

    def audit(self, who: str, action: str, what: str, detail: str, at_s: float) -> AuditRow:
        """Adds a row to the end of the trail."""
        with self._writing() as sql:
            head = _head(sql)
            row = link(head, at_s=at_s, who=who, action=action, what=what, detail=detail)
            sql.execute(tables.audit.insert().values(**asdict(row)))
            end = {"count": row.seq, "hash": row.hash}
            if sql.execute(update(tables.audit_head).values(**end)).rowcount == 0:
                sql.execute(tables.audit_head.insert().values(one=1, **end))
        return row

    def audit_rows(self, limit: int = 100) -> list[AuditRow]:
        """The last rows, newest first."""
        wanted = select(tables.audit).order_by(tables.audit.c.seq.desc()).limit(limit)
        with self._reading() as sql:
            return [AuditRow(**row) for row in sql.execute(wanted).mappings()]

    def audit_head(self) -> AuditHead:
        """How long the trail is and how it ends."""
        with self._reading() as sql:
            return _head(sql)

    def audit_verify(self, noted: AuditHead | None = None) -> AuditBreak | None:
        """The first broken place, or None; what it cannot find stands in `Audit`."""
        with self._reading() as sql:
            return find_break(_trail(sql), _head(sql), noted)

    def put_user(self, name: str, role: str, password_hash: str) -> None:
        """Adds a user or replaces role and password."""
        row = {"role": role, "password_hash": password_hash}
        with self._writing() as sql:
            _put(sql, tables.users, "name", storable(name), row)

    def user(self, name: str) -> User | None:
        """The user of this name."""
        wanted = select(tables.users).where(tables.users.c.name == storable(name))
        with self._reading() as sql:
            row = sql.execute(wanted).mappings().first()
        return User(**row) if row else None

    def users(self) -> list[User]:
        """All users by name."""
        wanted = select(tables.users).order_by(tables.users.c.name)
        with self._reading() as sql:
            return [User(**row) for row in sql.execute(wanted).mappings()]

    def remove_user(self, name: str) -> None:
        """Takes a user away."""
        gone = delete(tables.users).where(tables.users.c.name == storable(name))
        with self._writing() as sql:
            if sql.execute(gone).rowcount == 0:
                raise UnknownName(f"user {name}: no such user; `davy user list` shows them")

    def meta(self, key: str) -> str | None:
        """A small fact that was put here."""
        wanted = select(tables.meta.c.value).where(tables.meta.c.key == key)
        with self._reading() as sql:
            value: str | None = sql.execute(wanted).scalar()
        return value

    def put_meta(self, key: str, value: str) -> None:
        """Keeps a small fact, in the place of the one before."""
        with self._writing() as sql:
            _put(sql, tables.meta, "key", key, {"value": value})


def _put(sql: Connection, table: Table, column: str, key: str, row: dict[str, str]) -> None:
    changed = update(table).where(table.c[column] == bindparam("the_key")).values(**row)
    if sql.execute(changed, {"the_key": key}).rowcount == 0:
        sql.execute(table.insert().values({column: key, **row}))


def _transition(row: RowMapping) -> Transition:
    fields = {name: row[name] for name in row if name != "id"}
    fields["event"] = Event(row["event"])
    fields["before"], fields["after"] = State(row["before"]), State(row["after"])
    for name in ("time_s", "value"):
        fields[name] = math.nan if row[name] is None else row[name]
    return Transition(**fields)


def _of_evidence(sealed: Evidence) -> dict[str, Any]:
    row = asdict(sealed)
    del row["id"]
    return row


def _evidence(row: RowMapping) -> Evidence:
    return Evidence(**{**row, "reason": Reason(row["reason"])})


def _trim(sql: Connection, reason: str, bounds: Bounds) -> None:
    """Deletes the oldest of one reason until both of its bounds hold."""
    table = tables.quarantine
    newer_first = table.c.id.desc()
    weighed = (
        select(
            table.c.id,
            func.row_number().over(order_by=newer_first).label("place"),
            func.sum(func.length(table.c.payload)).over(order_by=newer_first).label("bytes"),
        )
        .where(table.c.reason == reason)
        .subquery()
    )
    too_much = (weighed.c.place > bounds.rows_each) | (weighed.c.bytes > bounds.bytes_each)
    last = sql.execute(select(func.max(weighed.c.id)).where(too_much)).scalar()
    if last is not None:
        sql.execute(delete(table).where(table.c.reason == reason, table.c.id <= last))


def _head(sql: Connection) -> AuditHead:
    row = sql.execute(select(tables.audit_head.c.count, tables.audit_head.c.hash)).first()
    return AuditHead(row[0], row[1]) if row else EMPTY


def _trail(sql: Connection) -> Iterator[AuditRow]:
    """The whole trail in its order, a thousand rows at a time in memory."""
    wanted = select(tables.audit).order_by(tables.audit.c.seq)
    for row in sql.execute(wanted.execution_options(yield_per=1000)).mappings():
        yield AuditRow(**row)
