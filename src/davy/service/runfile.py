"""`davy.run.json`: where a running Davy is, and the token that lets the command line in.

It stands in the data directory while Davy runs, readable by its user alone. What a crash
leaves behind is recognised by its process id, and by an address that does not answer.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from davy.domain.errors import StoreError

NAME = "davy.run.json"


class MqttAddress(msgspec.Struct, frozen=True):
    """Where devices connect, as seen from this machine."""

    host: str
    port: int


class RunFile(msgspec.Struct, frozen=True):
    """What a program must know of a running Davy."""

    api: str
    mqtt: MqttAddress
    nats: str
    pid: int
    token: str

    def write(self, data_dir: Path) -> None:
        """Puts it into the data directory, whole or not at all, with mode 0600.

        Raises:
            StoreError: the directory cannot be written.
        """
        path = data_dir / NAME
        fresh = path.with_suffix(".new")
        try:
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
            fresh.replace(path)
        except OSError as cause:
            raise StoreError(f"{path}: {cause.strerror}; let Davy write there") from cause

    def remove(self, data_dir: Path) -> None:
        """Takes it away, unless it belongs to another Davy by now."""
        if read(data_dir) == self:
            with suppress(OSError):
                (data_dir / NAME).unlink()


def read(data_dir: Path) -> RunFile | None:
    """What stands in the run file, stale or not; None where there is none that can be read."""
    try:
        return msgspec.json.decode((data_dir / NAME).read_bytes(), type=RunFile)
    except (OSError, msgspec.DecodeError):
        return None


def find(data_dir: Path) -> RunFile | None:
    """The run file of a Davy whose process is alive."""
    found = read(data_dir)
    return found if found is not None and alive(found.pid) else None


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True
