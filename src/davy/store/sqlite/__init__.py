"""The embedded default: everything in one SQLite file."""

from davy.store.sqlite.opening import Synchronous
from davy.store.sqlite.store import Sqlite

__all__ = ["Sqlite", "Synchronous"]
