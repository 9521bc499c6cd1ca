"""What is kept: readings with their rollups, alarms, the registry, evidence, the audit trail.

`Store` is the port; `Sqlite` keeps it in one file, `Memory` for as long as the process runs.
"""

from davy.store.memory import Memory
from davy.store.port import Audit, Quarantine, Readings, Registry, Store, Users
from davy.store.sqlite import Sqlite, Synchronous
from davy.store.words import (
    ENTRY_BITS,
    AuditBreak,
    AuditHead,
    AuditRow,
    Bounds,
    Commit,
    Enrolment,
    Evidence,
    History,
    Indexes,
    Latest,
    Retention,
    Rows,
    Secret,
    User,
    entries,
)

__all__ = [
    "ENTRY_BITS",
    "Audit",
    "AuditBreak",
    "AuditHead",
    "AuditRow",
    "Bounds",
    "Commit",
    "Enrolment",
    "Evidence",
    "History",
    "Indexes",
    "Latest",
    "Memory",
    "Quarantine",
    "Readings",
    "Registry",
    "Retention",
    "Rows",
    "Secret",
    "Sqlite",
    "Store",
    "Synchronous",
    "User",
    "Users",
    "entries",
]
