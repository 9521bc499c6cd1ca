"""The file of `Sqlite`: who may open it, what is in it, and what happens to a stranger's."""

from __future__ import annotations

import re
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from davy.domain.batch import Batch
from davy.domain.errors import StoreError
from davy.domain.flags import FAULT
from davy.store import Commit, Sqlite, Synchronous, entries
from davy.store.migrations import HEAD
from davy.store.relational import tables as relational
from davy.store.sqlite import tables as hot
from davy.store.sqlite.statements import SQL
from davy.store.timeline import SOURCES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "davy.db"


def one(offset: int) -> Commit:
    return Commit(offset=offset, rows=Batch.of((offset, 0, 1.0)), entry=entries(offset, 1))


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        for statement in statements:
            sql.execute(statement)


def test_the_file_holds_secrets_so_only_its_owner_may_read_it(path):
    path.touch(0o666)

    with Sqlite(path) as store:
        store.commit(one(1))
        beside = [path.with_name(path.name + end) for end in ("", "-wal", "-shm", ".lock")]

        assert [stat.S_IMODE(file.stat().st_mode) for file in beside] == [0o600] * 4


@pytest.mark.parametrize("synchronous", Synchronous)
def test_what_survives_a_power_cut_can_be_chosen(path, synchronous):
    codes = {Synchronous.OFF: 0, Synchronous.NORMAL: 1, Synchronous.FULL: 2}

    with Sqlite(path, synchronous=synchronous) as store:
        assert store._writer.execute("PRAGMA synchronous").fetchone() == (codes[synchronous],)
        assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_second_writer_is_told_who_holds_the_file(path):
    with Sqlite(path), pytest.raises(StoreError, match="another Davy writes this database"):
        Sqlite(path)
    Sqlite(path).close()


def test_a_reader_sees_new_commits_while_another_process_would_write(path):
    with Sqlite(path) as writer, Sqlite(path, read_only=True) as reader:
        writer.commit(one(1))
        assert reader.count() == 1
        writer.commit(one(2))
        assert reader.count() == 2


def test_a_reader_may_change_nothing(path):
    Sqlite(path).close()

    with Sqlite(path, read_only=True) as reader:
        with pytest.raises(StoreError, match="open for reading only"):
            reader.commit(one(1))
        with pytest.raises(StoreError, match="open for reading only"):
            reader.put_user("ann", "admin", "hash")
        assert reader.count() == 0


def test_a_closed_store_says_so_and_closes_twice(path):
    store = Sqlite(path)
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        store.commit(one(1))


def test_a_path_with_odd_characters_is_a_path(tmp_path):
    odd = tmp_path / "a b#c?d%20é"
    odd.mkdir()

    with Sqlite(odd / "davy.db") as store:
        store.commit(one(1))
        assert store.count() == 1


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere.*check that the folder exists"):
        Sqlite(tmp_path / "nowhere" / "davy.db")


def test_a_missing_file_cannot_be_read(path):
    with pytest.raises(StoreError, match="check that the folder exists"):
        Sqlite(path, read_only=True)


def test_a_database_of_a_newer_davy_is_left_alone(path):
    Sqlite(path).close()
    run(path, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match=r"newer Davy wrote it \(revision 9999"):
        Sqlite(path)
    with pytest.raises(StoreError, match="revision 9999"):
        Sqlite(path, read_only=True)


def test_a_stranger_s_database_is_left_alone(path):
    run(path, "CREATE TABLE recipes (name TEXT)")

    with pytest.raises(StoreError, match="no Davy database"):
        Sqlite(path)
    with closing(sqlite3.connect(path)) as sql:
        assert sql.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_a_text_file_is_no_database(path):
    path.write_text("dear diary, " * 500)

    with pytest.raises(StoreError, match="not a database; this is no Davy database"):
        Sqlite(path)
    assert path.read_text().startswith("dear diary")


def test_the_migrations_lead_to_the_tables_that_the_code_knows(path):
    Sqlite(path).close()
    engine = create_engine(f"sqlite:///{path}")

    with engine.connect() as sql:
        context = MigrationContext.configure(sql)
        difference = compare_metadata(context, [relational.metadata, hot.metadata])
        clustered = sql.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        )

        assert difference == []
        assert [name for (name,) in clustered] == ["readings", "rollup_1h", "rollup_1m"]
    engine.dispose()


def test_the_head_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", "davy.store:migrations")
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_every_statement_has_a_name_a_sentence_and_a_reader(path):
    text = Path(hot.__file__).with_name("statements.sql").read_text()
    named = re.findall(r"^-- name: (\w+)\n-- ([A-Z].*)$", text, re.MULTILINE)
    code = Path(hot.__file__).with_name("readings.py").read_text()
    by_table = [
        f"{verb}_{s.table}" for verb in ("history", "oldest", "edge", "forget") for s in SOURCES
    ]

    assert [name for name, _ in named] == list(SQL)
    for name in SQL:
        assert f'"{name}"' in code or name in by_table, f"nobody calls {name}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.table)
def test_history_seeks_each_slice_and_scans_no_table(path, source):
    names = ("channel", "first", "last", "start", "end", "bucket", "final", "fault", "largest")
    asked = dict.fromkeys(names, 1) | {"fault": int(FAULT)}

    with Sqlite(path) as store, store._looking() as sql:
        plan = sql.execute("EXPLAIN QUERY PLAN " + SQL[f"history_{source.table}"], asked)
        steps = [step[3] for step in plan if source.table in step[3]]

    (step,) = steps
    assert step.startswith(f"SEARCH {source.table} USING PRIMARY KEY (slice=? AND channel=?")


ATTACKS = {
    "altered": ("UPDATE audit SET detail = '9000 ppm' WHERE seq = 2", 2),
    "altered in time": ("UPDATE audit SET at_s = 1.5 WHERE seq = 2", 2),
    "removed": ("DELETE FROM audit WHERE seq = 2", 2),
    "removed at the beginning": ("DELETE FROM audit WHERE seq = 1", 1),
    "removed at the end": ("DELETE FROM audit WHERE seq = 4", 4),
    "renumbered": ("UPDATE audit SET seq = 9 WHERE seq = 2", 2),
    "with another hash": ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 3", 3),
    "added to": (
        "INSERT INTO audit SELECT 5, at_s, who, action, what, detail, hash FROM audit "
        "WHERE seq = 4",
        5,
    ),
    "without its head": ("DELETE FROM audit_head", 1),
    "emptied": ("DELETE FROM audit", 1),
}


@pytest.mark.parametrize(("attack", "seq"), ATTACKS.values(), ids=ATTACKS)
def test_an_audit_trail_is_broken_when_a_row_was(path, attack, seq):
    with Sqlite(path) as store:
        for n in range(4):
            store.audit("ann", "limits", f"point {n}", "5000 ppm", float(n))
        assert store.audit_verify() is None

        run(path, attack)

        assert store.audit_verify().seq == seq


def test_reordered_rows_break_the_audit_trail(path):
    with Sqlite(path) as store:
        for n in range(4):
            store.audit("ann", "limits", f"point {n}", "", float(n))

        run(
            path,
            "UPDATE audit SET seq = 99 WHERE seq = 2",
            "UPDATE audit SET seq = 2 WHERE seq = 3",
            "UPDATE audit SET seq = 3 WHERE seq = 99",
        )

        assert store.audit_verify().seq == 2


def test_threads_that_write_wait_for_each_other(path):
    with Sqlite(path) as store:

        def write(who: str) -> None:
            for n in range(25):
                store.audit(who, "ack", str(n), "", 0.0)

        people = [threading.Thread(target=write, args=(name,)) for name in ("ann", "bob", "cy")]
        for person in people:
            person.start()
        for offset in range(1, 101):
            store.commit(one(offset))
        for person in people:
            person.join()

        assert store.audit_head().count == 75
        assert store.audit_verify() is None
        assert store.count() == 100
