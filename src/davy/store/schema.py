"""Brings a database to the tables of this version, in place and in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from davy.domain.errors import StoreError
from davy.store.migrations import HEAD


def revision(sql: Connection) -> str | None:
    """The revision that the database says it has; None where it says nothing."""
    if not inspect(sql).has_table("alembic_version"):
        return None
    found: str | None = sql.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def require_current(sql: Connection, path: Path) -> None:
    """Raises StoreError unless the tables are those of this version."""
    found = revision(sql)
    if found != HEAD:
        raise StoreError(
            f"{path}: its tables are of revision {found}, this Davy needs {HEAD}; start the "
            "newest Davy on it once, which brings it up to date"
        )


def upgrade(sql: Connection, path: Path) -> None:
    """Runs the migrations that are missing.

    Raises:
        StoreError: the database was written by a newer Davy, or by something else.
    """
    found = revision(sql)
    if found == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - costs a tenth of a second, needed once
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "davy.store:migrations")
    config.set_main_option("path_separator", "os")
    if found is None and inspect(sql).get_table_names():
        raise StoreError(
            f"{path}: this is no Davy database; name another file, or move this one away"
        )
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"{path}: a newer Davy wrote it (revision {found}, this one knows up to {HEAD}); "
            "install that version again, or restore a backup"
        )
    config.attributes["connection"] = sql
    command.upgrade(config, "head")
