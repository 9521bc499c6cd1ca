"""nats-server as Davy's own child: MQTT broker, durable log and its only door.

It is started with a configuration of ours, followed through its log file (a pipe would block
the server when Davy is busy), reloaded when devices change, and started again when it dies.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import ssl
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from davy.domain.errors import BrokerError
from davy.ingest.external import Credentials, Endpoint
from davy.ingest.nats_config import (
    ANY_PORT,
    INTERNAL_USER,
    SYSTEM_USER,
    BrokerSettings,
    BrokerUser,
    address,
    config_text,
)
from davy.ingest.process import DirectoryLock, end, find_binary, spawn
from davy.ingest.server_log import ServerLog
from davy.ingest.violations import Connections, Violation

READY_S = 20.0
RELOAD_S = 10.0
LOOK_S = 0.1
"""How often the log is looked at when nothing is waited for."""
BACKOFF_S = (0.05, 5.0)
STEADY_S = 10.0
"""A server that ran this long starts the next backoff from the beginning."""

CURES = {
    "address already in use": "stop what listens there, or choose another port (0: any free one)",
    "permission denied": "choose a port above 1023, or let Davy use that file or port",
    "cannot assign requested address": "name an address of this machine as host",
    "X509": "certificate and key must be PEM files that belong together",
    "create storage directory": "let Davy write there, or name another data directory",
    "o space left": "free some disk space",
}
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Listening everywhere includes here."""


class Phase(StrEnum):
    """Where the server is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"


@dataclass(frozen=True, slots=True)
class BrokerState:
    """The phase, and what the server said when it is not running."""

    phase: Phase
    detail: str = ""


class Broker:
    """Runs one nats-server for as long as the context lasts.

    It starts without any device: the gateway first creates its durable consumer, and only
    then opens the door with `set_devices`. Ports and credentials stay the same when the
    server has to be started again.

    Example:
        async with Broker(BrokerSettings(data_dir=Path("data/nats"))) as broker:
            await broker.set_devices([BrokerUser(site="home", device="kitchen-1", token=token)])
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        on_state: Callable[[BrokerState], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.state = BrokerState(Phase.STOPPED)
        self.version = ""
        self.dropped_violations = 0
        """Refusals that nobody came to read in time."""
        self.reloads = 0
        self._on_state = on_state
        self._password = secrets.token_urlsafe(24)
        self._mqtt_port = settings.mqtt_port or ANY_PORT
        self._nats_port = settings.nats_port or ANY_PORT
        self._users: tuple[BrokerUser, ...] = ()
        self._asked = self._applied = 0
        self._changing = asyncio.Lock()
        self._refusals: asyncio.Queue[Violation | None] = asyncio.Queue(maxsize=1000)
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._held = ExitStack()

    # ---- its face

    @property
    def mqtt(self) -> Endpoint:
        """Where devices connect, as seen from this machine."""
        host = WILDCARDS.get(self.settings.host, self.settings.host)
        return Endpoint(host, self._mqtt_port, tls=self.settings.certificate is not None)

    @property
    def nats_url(self) -> str:
        """Where Davy itself connects."""
        host = WILDCARDS.get(self.settings.nats_host, self.settings.nats_host)
        return f"nats://{address(host, self._nats_port)}"

    @property
    def nats_credentials(self) -> Credentials:
        """Davy's own user, over NATS and over MQTT: it may do everything."""
        return Credentials(INTERNAL_USER, self._password)

    @property
    def pid(self) -> int:
        """The server's process id; 0 while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    def mqtt_tls(self) -> ssl.SSLContext | None:
        """What Davy's own MQTT client trusts: this very certificate; None without TLS."""
        if self.settings.certificate is None:
            return None
        context = ssl.create_default_context(cafile=str(self.settings.certificate))
        # The certificate names the machine as devices see it; we come over loopback.
        context.check_hostname = False
        # It may be signed by an authority that this machine has never heard of.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts the server and waits until it listens.

        Raises:
            BrokerError: no binary, a port or the directory is taken, a wrong certificate.
        """
        self._binary = find_binary(self.settings.binary)
        self._lock = await DirectoryLock.take(self.settings.data_dir)
        self._held.callback(self._lock.release)
        try:
            self._log = ServerLog(self.settings.log_file, self._take_refusal)
            self._held.callback(self._log.close)
            self._tell(Phase.STARTING)
            await self._launch()
        except BaseException:
            await self._put_down()
            raise
        self._tasks = [
            asyncio.create_task(self._supervise(), name="broker supervision"),
            asyncio.create_task(self._follow(), name="broker log"),
        ]

    async def stop(self) -> None:
        """Ends the server; does nothing when it is not running."""
        if self.state.phase is Phase.STOPPED:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._put_down()
        self._take_refusal(None)

    async def set_devices(self, users: Sequence[BrokerUser]) -> None:
        """Lets exactly these devices in; returns when the server has taken it over.

        Nobody else is disconnected. A device that is not named any more, or whose token has
        changed, is. Calls that come while a reload runs share the next one.

        Raises:
            BrokerError: the server refused; the devices before stay in force.
        """
        before, mine = self._users, tuple(users)
        self._users = mine
        self._asked += 1
        asked = self._asked
        async with self._changing:
            if self._applied >= asked:
                return
            asked = self._asked
            try:
                await self._reload()
            except BrokerError:
                if self._users is mine:
                    self._users = before
                    self._write_config()
                raise
            self._applied = asked

    async def violations(self) -> AsyncIterator[Violation]:
        """What the server refused, as it happens; ends when the broker is stopped.

        At most a thousand wait here for a reader; `dropped_violations` counts the others.
        """
        async with Connections(self.nats_url, SYSTEM_USER, self._password) as connections:
            while (refusal := await self._refusals.get()) is not None:
                if refusal.device:
                    yield refusal
                else:
                    yield replace(refusal, device=await connections.user(refusal.connection))

    # ---- its life

    async def _launch(self) -> None:
        """Starts the process and waits until it says that it is ready."""
        self._write_config()
        self._log.look()
        said = self._log.said = {}
        errors = self.settings.data_dir / "nats.err"
        command = [str(self._binary), "-c", str(self.settings.config_file.absolute())]
        self._process = await spawn(command, self._lock, errors)
        await self._until(lambda: "ready" in said, READY_S)
        if "ready" not in said:
            late = f"it was not ready within {READY_S:g} s" if self.pid else "it ended at once"
            await end(self._process)
            why = said.get("fatal") or errors.read_text(errors="replace").strip() or late
            raise BrokerError(f"nats-server ({self._binary}): {with_cure(why)}")
        self._mqtt_port, self._nats_port = int(said["mqtt_port"]), int(said["nats_port"])
        self.version = said["version"]
        self._tell(Phase.RUNNING)

    async def _until(self, reached: Callable[[], bool], timeout_s: float) -> None:
        """Follows the log until this is so, or the process has ended, or time is up."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            ended = self.pid == 0
            self._log.look()
            if reached() or ended:
                return
            await asyncio.sleep(0.002)

    async def _supervise(self) -> None:
        first_s, longest_s = BACKOFF_S
        pause_s = first_s
        while self._process is not None:
            since = time.monotonic()
            code = await self._process.wait()
            self._log.look()
            why = with_cure(self._log.said.get("fatal", f"nats-server ended with code {code}"))
            if time.monotonic() - since > STEADY_S:
                pause_s = first_s
            while self.pid == 0:
                self._tell(Phase.RESTARTING, why)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, longest_s)
                try:
                    async with self._changing:
                        await self._launch()
                except BrokerError as cause:
                    why = str(cause)

    async def _follow(self) -> None:
        while True:
            self._log.look()
            await asyncio.sleep(LOOK_S)

    async def _put_down(self) -> None:
        if self._process is not None:
            await end(self._process)
        self._held.close()
        self._tell(Phase.STOPPED)

    def _tell(self, phase: Phase, detail: str = "") -> None:
        self.state = BrokerState(phase, detail)
        self._on_state(self.state)

    # ---- its configuration

    def _write_config(self) -> bool:
        """Writes what is wanted, for the next start or reload; whether anything changed."""
        file = self.settings.config_file
        before = file.read_text() if file.exists() else ""
        text = config_text(
            self.settings,
            self._users,
            mqtt_port=self._mqtt_port,
            nats_port=self._nats_port,
            password=self._password,
        )
        replace_file(file, text)
        return text != before

    async def _reload(self) -> None:
        if not self._write_config() or self._process is None or self.pid == 0:
            return  # it is in force already, or the next start reads it
        said = self._log.said
        said.pop("reloaded", None)
        said.pop("complaint", None)
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGHUP)
        self.reloads += 1
        await self._until(lambda: "reloaded" in said or "complaint" in said, RELOAD_S)
        if self.pid and "reloaded" not in said:
            raise BrokerError(
                "nats-server did not take over the devices: "
                f"{said.get('complaint', 'no answer')}; the ones before stay in force"
            )

    def _take_refusal(self, refusal: Violation | None) -> None:
        if self._refusals.full():
            self._refusals.get_nowait()
            self.dropped_violations += 1
        self._refusals.put_nowait(refusal)


def with_cure(said: str) -> str:
    """The server's own sentence, and what to do about it where that is known."""
    cures = [cure for sign, cure in CURES.items() if sign in said]
    return f"{said}; {cures[0]}" if cures else said


def replace_file(path: Path, text: str) -> None:
    """Replaces a file in one step; it holds secrets, so nobody else may read it."""
    fresh = path.with_suffix(".new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as cause:
        raise BrokerError(with_cure(f"{path}: cannot be written: {cause.strerror}")) from cause
