"""A server as a child process: never two on one directory, never one without its parent.

The lock on the directory is a descriptor that the child inherits. It is free only when both
are gone, so there is no stale lock to clean up after a crash, and no moment in which a
second server could open the same store.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import sys
import sysconfig
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from davy.domain.errors import BrokerError
from davy.ingest import tether

ORPHAN_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class DirectoryLock:
    """The right to run the one server of a directory."""

    path: Path
    descriptor: int

    @staticmethod
    async def take(directory: Path) -> DirectoryLock:
        """Locks the directory; a server whose Davy is gone is ended first.

        Raises:
            BrokerError: another Davy uses it, or it cannot be written.
        """
        lock = DirectoryLock._open(directory)
        try:
            if not lock._free():
                await lock._end_orphan()
        except BaseException:
            lock.release()
            raise
        lock.note(server=0)
        return lock

    @staticmethod
    def _open(directory: Path) -> DirectoryLock:
        path = directory / "lock"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise BrokerError(
                f"broker directory {directory}: {cause.strerror}; "
                "let Davy write there, or name another data directory"
            ) from cause
        return DirectoryLock(path, descriptor)

    def note(self, server: int) -> None:
        """Writes down who holds the lock, for the one who finds it taken."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps({"davy": os.getpid(), "server": server}).encode(), 0)

    def release(self) -> None:
        """Gives up our part; the lock is free when the server has ended as well."""
        os.close(self.descriptor)

    def _free(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def _end_orphan(self) -> None:
        holders = json.loads(os.pread(self.descriptor, 200, 0) or b"{}")
        davy, server = int(holders.get("davy", 0)), int(holders.get("server", 0))
        if not davy or _alive(davy):
            raise BrokerError(
                f"broker directory {self.path.parent} is in use by the Davy with process id "
                f"{davy or '?'}; stop it, or name another data directory"
            )
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _runs_in(server, self.path.parent):
                os.kill(server, number)
            deadline = time.monotonic() + ORPHAN_WAIT_S
            while time.monotonic() < deadline:
                if self._free():
                    return
                await asyncio.sleep(0.02)
        raise BrokerError(
            f"broker directory {self.path.parent} is held by process {server}, left behind by a "
            f"Davy that is gone, and it does not end; run `kill -9 {server}`"
        )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True


def _runs_in(pid: int, directory: Path) -> bool:
    """Whether this process id still is the server of that directory: ids are given again."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(directory.absolute()) in command


async def spawn(command: Sequence[str], lock: DirectoryLock, errors: Path) -> Process:
    """Starts a server that holds the lock too, and ends when the thread that called this does.

    The thread must live as long as the server should: run the event loop in the main thread.
    It gets a session of its own, so Ctrl-C on the terminal reaches Davy alone, and Davy then
    ends its server last. What it writes to its error output is kept in `errors`.

    Raises:
        BrokerError: the program could not be started.
    """
    tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]
    try:
        with errors.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *tied,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[lock.descriptor],
                start_new_session=True,
            )
        lock.note(server=process.pid)
    except OSError as cause:
        raise BrokerError(f"{command[0]}: cannot be started: {cause.strerror}") from cause
    return process


async def end(process: Process, grace_s: float = 5.0) -> None:
    """Asks politely, waits, then insists."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def find_binary(named: Path | None) -> Path:
    """The nats-server to run: the one named, the one installed with Davy, or the one on PATH.

    Raises:
        BrokerError: there is none.
    """
    if named is not None:
        if os.access(named, os.X_OK) and named.is_file():
            return named
        raise BrokerError(f"nats-server: {named} is no program that can be run; correct the path")
    here = Path(sysconfig.get_path("scripts"), "nats-server")
    found = str(here) if here.exists() else shutil.which("nats-server")
    if found is None:
        raise BrokerError(
            "nats-server was not found; install Davy with its dependencies, or name the binary"
        )
    return Path(found)
