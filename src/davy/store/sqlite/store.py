"""`Sqlite`: one file that holds everything, for an installation of one machine."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from davy.domain.errors import StoreError
from davy.store import schema
from davy.store.relational.records import RelationalRecords
from davy.store.relational.registry import RelationalRegistry
from davy.store.sqlite import opening
from davy.store.sqlite.opening import Synchronous
from davy.store.sqlite.readings import SqliteReadings
from davy.store.words import DEFAULT_BOUNDS, Bounds


class Sqlite(SqliteReadings, RelationalRecords, RelationalRegistry):
    """A store in one file, created or brought up to date when it is opened.

    One process writes it, held by a lock beside the file; others may open it with
    `read_only`, also while it is written. Writes of several threads wait for each other;
    reads wait for nobody.

    Args:
        path: the database file; its folder must exist. `-wal`, `-shm` and `.lock` stand
            beside it.
        synchronous: what survives a power cut.
        read_only: open without the lock, and change nothing.
        bounds: how much evidence is kept in quarantine.
        busy_s: how long to wait for a foreign program that holds the file.

    Raises:
        StoreError: the file cannot be opened, belongs to a newer Davy, or another Davy
            writes it.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Synchronous = Synchronous.NORMAL,
        read_only: bool = False,
        bounds: Bounds = DEFAULT_BOUNDS,
        busy_s: float = 5.0,
    ) -> None:
        self.path = path
        self.bounds = bounds
        self._turn = threading.Lock()
        self._lock: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._writing_engine: Engine | None = None
        self._reading_engine = _engine(
            lambda: opening.connect_reader(path, busy_s), QueuePool, "BEGIN"
        )
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            if not read_only:
                self._open_writer(synchronous, busy_s)
            with self._reading() as sql:
                schema.require_current(sql, path)
            on_failure.pop_all()

    def _open_writer(self, synchronous: Synchronous, busy_s: float) -> None:
        opening.create(self.path)
        self._lock = opening.lock(self.path)
        with self._translated():
            writer = opening.connect_writer(self.path, synchronous, busy_s)
            self._writer = writer
            self._writing_engine = _engine(lambda: writer, StaticPool, "BEGIN IMMEDIATE")
        with self._writing() as sql:
            schema.upgrade(sql, self.path)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.Error as cause:
            raise opening.store_error(self.path, cause) from cause
        except DBAPIError as cause:
            raise opening.store_error(self.path, cause.orig or cause) from cause

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._reading_engine.begin() as sql:
            yield sql

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._writing_engine is None:
            raise self._not_writable()
        with self._turn, self._translated(), self._writing_engine.begin() as sql:
            yield sql

    @contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        """A reading transaction on the driver's own connection."""
        with self._reading() as sql:
            driver = sql.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            yield driver

    @contextmanager
    def _storing(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction on the driver's own connection, without a layer between."""
        writer = self._writer
        if writer is None:
            raise self._not_writable()
        with self._turn, self._translated():
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            finally:
                if writer.in_transaction:  # a full disk may have rolled back by itself
                    writer.execute("ROLLBACK")

    def _not_writable(self) -> StoreError:
        return StoreError(f"{self.path}: it is open for reading only, or closed; open it to write")

    def close(self) -> None:
        """Lets go of the file and its lock; closing twice is allowed."""
        with self._turn:
            self._reading_engine.dispose()
            if self._writing_engine is not None:
                self._writing_engine.dispose()
            for link in (self._writer, self._lock):
                if link is not None:
                    link.close()
            self._writing_engine = self._writer = self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _engine(
    connect: Callable[[], sqlite3.Connection],
    pool: type[QueuePool] | type[StaticPool],
    begin: str,
) -> Engine:
    """SQLAlchemy over our own connections; it begins transactions with our own words."""
    several = {"pool_size": 4, "max_overflow": -1} if pool is QueuePool else {}
    engine = create_engine("sqlite://", creator=connect, poolclass=pool, **several)

    def begins(sql: Connection) -> None:
        sql.exec_driver_sql(begin)

    event.listen(engine, "begin", begins)
    return engine
