"""Installations that the commands are about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Serving, davy


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A running Davy, one for all tests of a file."""
    running = Serving(tmp_path_factory.mktemp("serving"))
    running.start()
    yield running
    running.end()


@pytest.fixture
def at_rest(tmp_path: Path) -> Path:
    """The configuration of an installation that does not run, with one device and one user."""
    path = tmp_path / "davy.toml"
    path.write_text("")
    add = ("device", "add", "kitchen-1", "--site", "home", "--zone", "kitchen")
    channels = ("--channel", "mq4=MQ-4:methane", "--channel", "temperature")
    assert davy(*add, *channels, "-c", path).status == 0
    user = ("user", "add", "anna", "--role", "admin", "--password-stdin", "-c", path)
    assert davy(*user, typed="a long password\n").status == 0
    return path
