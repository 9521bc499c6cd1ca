"""A writer that is killed at any moment, and a disk that is full."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from davy.domain.alarm import Event, State, Transition
from davy.domain.batch import Batch
from davy.domain.errors import StoreError
from davy.store import Commit, Sqlite, entries

WRITER = Path(__file__).with_name("crashing_writer.py")


def killed_after(path: Path, commits: int) -> int:
    """Lets a process of its own commit, kills it with signal 9, and returns its last word."""
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        words = [writer.stdout.readline() for _ in range(commits)]
        writer.kill()
        words += writer.stdout.readlines()
    return max(int(word) for word in words if word.endswith("\n"))


def test_a_writer_killed_in_the_middle_leaves_whole_commits_and_no_lock(tmp_path):
    path = tmp_path / "davy.db"
    for commits in (1, 40, 7):
        told = killed_after(path, commits)

        with Sqlite(path) as store:
            offset = store.offset()
            assert offset - told in (0, 1)  # it may die between the commit and the word
            assert store.count() == 10 * offset
            assert sum(len(chunk) for chunk in store.readings(None, 0, 1e9)) == 10 * offset
            assert store.snapshot() == (offset, str(offset).encode() * 1000)
        with closing(sqlite3.connect(path)) as sql:
            for table in ("rollup_1m", "rollup_1h"):
                assert sql.execute(f"SELECT sum(count) FROM {table}").fetchone() == (10 * offset,)
            assert sql.execute("PRAGMA integrity_check").fetchone() == ("ok",)


RISE = Transition(
    point=0, event=Event.RISE, before=State.NORMAL, after=State.UNACKED, at_s=1.0, time_s=1.0
)


def test_a_full_disk_is_one_clear_error_that_leaves_nothing_and_ends_when_there_is_room(tmp_path):
    many = Commit(
        offset=2,
        rows=Batch.of(*((t, 0, 1.0) for t in range(5000))),
        entry=entries(2, 5000),
        transitions=(RISE,),
        snapshot=b"later",
    )
    with Sqlite(tmp_path / "davy.db") as store:
        store.commit(Commit(offset=1, rows=Batch.of((0, 0, 1.0)), entry=entries(1, 1)))
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")

        for _ in range(2):
            with pytest.raises(StoreError, match=r"davy\.db: .*full; free some space"):
                store.commit(many)
        assert (store.offset(), store.count(), store.transitions()) == (1, 1, [])
        assert store.snapshot() is None
        assert store.history(0, 0, 5000, 3).count.sum() == 1

        store._writer.execute("PRAGMA max_page_count = 1000000")
        store.commit(many)
        assert (store.offset(), store.count(), len(store.transitions())) == (2, 5001, 1)


def test_a_commit_that_fails_half_way_leaves_nothing(tmp_path):
    strange = replace(RISE, until_s=object())  # no database takes this
    with Sqlite(tmp_path / "davy.db") as store:
        with pytest.raises(StoreError):
            store.commit(
                Commit(
                    offset=1,
                    rows=Batch.of((0, 0, 1.0)),
                    entry=entries(1, 1),
                    transitions=(RISE, strange),
                )
            )

        assert (store.offset(), store.count(), store.transitions()) == (0, 0, [])
        assert list(store.readings(None, 0, 1e9)) == []


def test_a_full_disk_breaks_no_chain_of_the_audit_trail(tmp_path):
    with Sqlite(tmp_path / "davy.db") as store:
        store.audit("ann", "add", "esp-1", "", 1.0)
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StoreError, match="free some space"):
            store.audit("ann", "add", "esp-2", "x" * 100_000, 2.0)

        assert store.audit_verify() is None
        assert store.audit_head().count == 1
