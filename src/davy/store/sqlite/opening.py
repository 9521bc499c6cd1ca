"""Opens the file: its mode, its lock, its connections, and what its errors mean to a person."""

from __future__ import annotations

import os
import sqlite3
from enum import StrEnum
from pathlib import Path

from davy.domain.errors import StoreError


class Synchronous(StrEnum):
    """What survives a power cut; a crash of Davy alone loses nothing in any of them."""

    FULL = "full"
    """Every commit is on the disk when it returns."""
    NORMAL = "normal"
    """The last commits may be missing; the log, which is further, brings them again."""
    OFF = "off"
    """The file itself may be damaged: only for data that can be made anew."""


CURES = {
    "SQLITE_FULL": "free some space: what is not stored waits in the log and follows then",
    "SQLITE_IOERR": "check the disk and its cable (`dmesg`): what is not stored waits in the log",
    "SQLITE_BUSY": "another program holds the file: close it",
    "SQLITE_LOCKED": "another program holds the file: close it",
    "SQLITE_READONLY": "let Davy's user write this file and its folder",
    "SQLITE_CANTOPEN": "check that the folder exists and that Davy's user may write there",
    "SQLITE_PERM": "let Davy's user read and write this file",
    "SQLITE_CORRUPT": "the file is damaged: put a backup in its place; the log fills up the rest",
    "SQLITE_NOTADB": "this is no Davy database: name another file, or move this one away",
}
"""What to do about each family of SQLite errors, by the start of its name."""

CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 4 * 1024
WAL_LIMIT_BYTES = 64 << 20
"""A long export can let the write-ahead log grow; this is what stays of it afterwards."""


def store_error(path: Path, cause: BaseException) -> StoreError:
    """What happened, where, and what to do about it."""
    name = getattr(cause, "sqlite_errorname", "")
    cure = next((text for start, text in CURES.items() if name.startswith(start)), None)
    return StoreError(f"{path}: {cause}; {cure or 'please report this as a bug'}")


def create(path: Path) -> None:
    """Makes sure that the file is there and only for us: secrets lie in it.

    Raises:
        StoreError: the folder is missing or closed to us.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as cause:
        raise StoreError(f"{path}: {cause.strerror}; {CURES['SQLITE_CANTOPEN']}") from cause


def lock(path: Path) -> sqlite3.Connection:
    """Holds the writer's place until the connection is closed, or its process is gone.

    An exclusive transaction on an empty file beside the database: SQLite locks it on every
    system, and no crash leaves it locked.

    Raises:
        StoreError: another Davy writes this database.
    """
    beside = path.with_name(path.name + ".lock")
    create(beside)
    held = sqlite3.connect(beside, timeout=0.0, isolation_level=None, check_same_thread=False)
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as cause:
        held.close()
        raise StoreError(
            f"{path}: another Davy writes this database; stop that one first, or open this "
            "one for reading only"
        ) from cause
    return held


def connect_writer(path: Path, synchronous: Synchronous, busy_s: float) -> sqlite3.Connection:
    """The one connection that writes."""
    link = sqlite3.connect(
        path, timeout=busy_s, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    link.execute("PRAGMA journal_mode = WAL")
    link.execute(f"PRAGMA synchronous = {synchronous.value}")
    link.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    link.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    return link


def connect_reader(path: Path, busy_s: float) -> sqlite3.Connection:
    """One of many connections that cannot write."""
    link = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
    )
    link.execute("PRAGMA query_only = on")
    link.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    return link
