"""Every command explains itself, and every mistake ends in one line with a cure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from davy import __version__
from davy.cli import app
from davy.cli.user import RoleName
from davy.service.access import Role
from tests.cli.commands import davy

HEAVY = {"numpy", "fastapi", "httpx", "pydantic", "sqlalchemy", "uvicorn", "nats", "aiomqtt"}
WORDS = (
    "demo serve init doctor replay export "
    "device:add,list,show,rotate,revoke,calibrate "
    "alarms:list,ack,reset,shelve,unshelve,out-of-service,in-service,comment "
    "limits:show quarantine:list,show audit:list,verify user:add,list,role,remove"
)


def promised() -> set[tuple[str, ...]]:
    """The commands that the issue names."""
    found = set()
    for word in WORDS.split():
        group, _, names = word.partition(":")
        found |= {(group, name) for name in names.split(",")} if names else {(group,)}
    return found


def commands(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command there is, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


THERE = sorted(commands(typer.main.get_command(app)))


def test_the_commands_are_those_that_were_promised():
    assert set(THERE) == promised()


@pytest.mark.parametrize("words", THERE, ids=" ".join)
def test_a_command_explains_itself_with_an_example(words):
    told = davy(*words, "--help")

    assert told.status == 0
    assert f"Example: davy {' '.join(words)}" in " ".join(told.out.split())


def test_help_waits_for_no_heavy_import():
    code = "import sys, davy.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert HEAVY & set(loaded.stdout.split()) == set()


def test_the_version_is_told():
    assert davy("--version").out == f"davy {__version__}\n"


def test_roles_on_the_command_line_are_those_of_the_house():
    assert [role.value for role in RoleName] == [role.value for role in Role]


MISTAKES = {
    "no such command": (["sing"], "davy: No such command 'sing'. See `davy --help`"),
    "no such option": (["serve", "--prot", "1"], "davy serve: No such option: --prot"),
    "an argument short": (["device", "rotate"], "davy device rotate: Missing argument 'ID'."),
    "a word for a number": (["demo", "--port", "http"], "davy demo: Invalid value for '--port'"),
    "no such file": (["serve", "-c", "none.toml"], "davy: none.toml: cannot be read"),
    "no database": (["device", "list"], "davy: data/davy.db: there is no database yet;"),
    "nothing runs": (["alarms", "ack", "x"], "davy: `davy alarms ack` needs a running Davy"),
    "no such play": (["demo", "--scenario", "hamlet"], "davy: scenario hamlet: there is no such"),
    "no such time": (["export", "-o", "x.csv", "--from", "noon"], "davy: --from noon: that is no"),
    "nothing between": (
        ["export", "-o", "x.csv", "--from", "2026-02-01", "--to", "2026-01-01"],
        "davy: --from 2026-02-01 --to 2026-01-01: nothing lies between; swap them",
    ),
    "no stretch of time": (
        ["alarms", "shelve", "x", "--for", "soon"],
        "davy: --for 'soon': that is no time; write 90s, 30min or 2h",
    ),
    "no head": (["audit", "verify", "--head", "3:aa"], "davy: --head 3:aa: that is no COUNT:HASH"),
    "no reason": (["quarantine", "list", "--reason", "mood"], "davy: --reason mood: give one of"),
    "no recording": (["replay", "none.csv", "--offline"], "davy: none.csv: there is no such file"),
    "no speed": (["replay", "x.csv", "--speed", "-1"], "davy: --speed -1: give a positive number"),
    "no unit": (["replay", "x.csv", "--unit", "mq4"], "davy: --unit mq4: write NAME=UNIT"),
}


@pytest.mark.parametrize(("words", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_ends_in_one_line_that_says_what_to_do(words, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    told = davy(*words)

    assert told.status == 2
    assert told.out == ""
    assert told.err.startswith(line)
    assert told.err.count("\n") == 1


def test_a_group_alone_shows_its_commands_and_ends_with_2():
    told = davy("device")

    assert told.status == 2
    assert "calibrate" in told.out
    assert told.err == "davy device: name one of its commands, as listed above\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[server]\nport = 70000", "[server] port"),
        ("[sever]\nport = 1", "[sever]"),
        ("[broker]\ncertificate = 'c.pem'", "[broker] key"),
        ("[limits.gases.methane]\nlow_lel = 45", "[limits.gases.methane]"),
        ("server = [", "not TOML"),
    ],
)
def test_a_mistake_in_the_configuration_stops_every_command(text, key, tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text(text)

    for words in (["serve"], ["device", "list"], ["alarms", "list"], ["export", "-o", "x.csv"]):
        told = davy(*words, "-c", path)
        assert told.status == 2
        assert told.err.startswith(f"davy: {path} ") or told.err.startswith(f"davy: {path}: ")
        assert key in told.err
        assert told.err.count("\n") == 1
