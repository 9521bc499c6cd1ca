"""`davy init`: a file that says everything, a user who can log in, and nothing overwritten."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator

from pydantic import BaseModel

from davy.cli import sample
from davy.service.access import Access, Role
from davy.service.config import Config, load
from davy.service.sections import LimitSection, ZoneSection
from davy.store import Sqlite
from tests.cli.commands import davy


def keys(section: type[BaseModel]) -> Iterator[str]:
    """Every key of a table and of the tables in it."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation)
        elif name not in {"gases", "zones"}:
            yield name


def test_the_sample_names_every_key_with_a_sentence_above():
    lines = sample.text().splitlines()

    for name in (*keys(Config), *keys(LimitSection), *keys(ZoneSection)):
        places = [at for at, line in enumerate(lines) if line.startswith(f"#{name} = ")]
        assert places, name
        for at in places:
            assert lines[at - 1].startswith("# "), name


def test_the_sample_changes_nothing_as_it_is(tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text(sample.text())

    assert load(path) == load(path.with_name("davy.toml")) != Config()  # its folder alone differs
    assert load(path).model_copy(update={"data": Config().data}) == Config()


def test_the_sample_gives_the_defaults_when_every_line_is_taken_in():
    taken_in = "\n".join(
        re.sub(r"^#(?=\[|\w)", "", line)
        for line in sample.text().splitlines()
        if not line.endswith("= ...")
    )

    told = Config(**tomllib.loads(taken_in))

    assert told.model_copy(update={"limits": Config().limits, "zones": {}}) == Config()
    assert told.limits.gases["methane"] == LimitSection()
    assert told.zones["home.kitchen"] == ZoneSection()


def test_init_prints_a_password_that_lets_admin_in_and_keeps_it_nowhere(tmp_path):
    told = davy("init", tmp_path / "plant")

    password = re.search(r"Password:\s+(\S+)", told.out)[1]
    folder = tmp_path / "plant"
    with Sqlite(folder / "data" / "davy.db", read_only=True) as store:
        who = Access(store, time.time, 60.0).log_in("admin", password)
    assert told.status == 0
    assert (who.name, who.role) == ("admin", Role.ADMIN)
    assert all(password.encode() not in path.read_bytes() for path in folder.rglob("*.*"))
    assert (folder / "data").stat().st_mode & 0o777 == 0o700


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "davy.toml").write_text("# mine\n")

    told = davy("init", tmp_path)

    assert told.status == 2
    assert told.err.startswith(f"davy: {tmp_path / 'davy.toml'} is there already; edit that one")
    assert (tmp_path / "davy.toml").read_text() == "# mine\n"


def test_init_leaves_a_database_with_users_alone(tmp_path):
    davy("init", tmp_path)
    (tmp_path / "davy.toml").unlink()

    told = davy("init", tmp_path)

    assert told.status == 2
    assert "there is a database with users already" in told.err
