"""A whole Davy for tests: the real broker, the real database, real HTTP, in its own folder.

`davy_in` runs one in this process; `DavyProcess` runs one that can be killed. Tests meet both
through the same `Installation`, from outside: HTTP, MQTT, and the database read-only.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt
import httpx

from davy.api.server import web_server
from davy.service.compose import DATABASE, compose
from davy.service.config import load
from davy.service.running import Running
from davy.simulate.device import Account
from davy.store.sqlite import Sqlite
from davy.wire.jws import key_from_text, sign
from davy.wire.senml import Sample, encode

JOSE = {"content-type": "application/jose"}
SENML = "application/senml+json"
FREE_PORTS = {"server": {"port": 0}, "broker": {"mqtt_port": 0}}
Sections = Mapping[str, Mapping[str, Any]]


async def until(check: Callable[[], Any], within_s: float = 10.0) -> Any:
    """What `check` gives as soon as it is true; an AssertionError names what never was."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {inspect.getsource(check).strip()}")
        await asyncio.sleep(0.02)


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks until they have ended.

    Python 3.11's `wait_for`, which MQTT and NATS clients use, forgets a cancellation that comes
    together with the reply.
    """
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.2)


def write_config(folder: Path, sections: Sections = {}) -> Path:  # noqa: B006 (it is only read)
    """A `davy.toml` with free ports and these tables over them."""
    lines = []
    for name in {**FREE_PORTS, **sections}:
        table = {**FREE_PORTS.get(name, {}), **sections.get(name, {})}
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path = folder / "davy.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass
class Box:
    """A device as its papers describe it: it counts, signs, publishes and posts."""

    papers: dict[str, Any]
    boot: int = 1
    seq: int = 0

    @property
    def id(self) -> str:
        return str(self.papers["device"])

    @property
    def topic(self) -> str:
        return str(self.papers["topic"])

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.papers['token']}"}

    @property
    def account(self) -> Account:
        """As a `VirtualDevice` wants it."""
        key = self.papers.get("key")
        return Account(
            site=self.papers["site"],
            device=self.id,
            token=self.papers["token"],
            key=key and key_from_text(key),
            host=self.papers["mqtt"]["host"],
            port=self.papers["mqtt"]["port"],
        )

    def sealed(self, payload: bytes, seq: int | None = None, boot: int | None = None) -> bytes:
        """Any payload, signed with this device's key under its next number."""
        if seq is None:
            seq, self.seq = self.seq, self.seq + 1
        key = key_from_text(self.papers["key"])
        return sign(payload, key, self.id, self.boot if boot is None else boot, seq)

    def pack(self, *samples: Sample, seq: int | None = None, boot: int | None = None) -> bytes:
        """Samples, signed."""
        return self.sealed(encode(self.id, samples), seq, boot)

    def ppm(self, *values: float, channel: str = "gas", time_s: float | None = None) -> bytes:
        """A signed pack of concentrations, a millisecond apart, the last one now."""
        last_s = time.time() if time_s is None else time_s
        first_s = last_s - 0.001 * (len(values) - 1)
        return self.pack(
            *(
                Sample(channel, value, "ppm", round(first_s + 0.001 * place, 3))
                for place, value in enumerate(values)
            )
        )

    def mqtt(self, **settings: Any) -> aiomqtt.Client:
        """A connection as this device."""
        at = self.papers["mqtt"]
        login = {"username": self.id, "password": self.papers["token"], "identifier": self.id}
        return aiomqtt.Client(at["host"], at["port"], **{**login, **settings})


class News(NamedTuple):
    """One server-sent event."""

    id: str
    kind: str
    data: Any


class Watch:
    """What a watcher of `/live` has been told so far; it listens in the background."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.comments: list[str] = []
        self.status = 0

    def of(self, kind: str) -> list[Any]:
        """The data of all events of a kind."""
        return [one.data for one in self.news if one.kind == kind]

    @property
    def readings(self) -> list[list[Any]]:
        """Every reading in the order in which it was told."""
        return [row for data in self.of("reading") for row in data["readings"]]

    @property
    def alarms(self) -> list[tuple[str, str, str]]:
        """(id, event, state) of each alarm event."""
        return [(one["id"], one["event"], one["state"]) for one in self.of("alarm")]

    async def listen(self, reply: httpx.Response) -> None:
        """Takes events apart, line by line."""
        fields: dict[str, str] = {}
        async for line in reply.aiter_lines():
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                data = json.loads(fields["data"])
                self.news.append(News(fields.get("id", ""), fields.get("event", ""), data))
                fields = {}


@dataclass
class Installation:
    """A running Davy as people and devices see it."""

    folder: Path
    url: str
    program_token: str
    http: httpx.AsyncClient
    running: Running | None = None
    boxes: dict[str, Box] = field(default_factory=dict)

    async def add(
        self,
        id: str,
        *channels: str,
        site: str = "home",
        zone: str = "kitchen",
        transport: bool = False,
        heartbeat_s: float = 60.0,
    ) -> Box:
        """Enrols a device; by default an instrument that sends ppm of methane as `gas`."""
        order = {
            "id": id,
            "site": site,
            "zone": zone,
            "channels": list(channels) or ["gas=:methane"],
            "transport": transport,
            "heartbeat_s": heartbeat_s,
        }
        reply = await self.http.post("/devices", json=[order])
        assert reply.status_code == 201, reply.text
        self.boxes[id] = Box(reply.json()[0])
        return self.boxes[id]

    async def get(self, path: str, **params: Any) -> Any:
        """JSON from the API, as the local program."""
        reply = await self.http.get(path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def post(self, pack: bytes) -> httpx.Response:
        """A signed pack over HTTP."""
        return await self.http.post("/readings", content=pack, headers=JOSE)

    async def act(self, alarm: str, what: str, **words: Any) -> httpx.Response:
        """What a person does to an alarm."""
        return await self.http.post(f"/alarms/{alarm}/{what}", json=words)

    async def states(self) -> dict[str, str]:
        """Alarms that are not normal."""
        return {alarm["id"]: alarm["state"] for alarm in await self.get("/alarms")}

    async def state(self, alarm: str) -> str:
        """Where one alarm stands."""
        return (await self.states()).get(alarm, "normal")

    async def troubles(self) -> set[str]:
        """What is wrong with Davy itself."""
        return {one["what"] for one in (await self.get("/health"))["troubles"]}

    async def latest(self, channel: str) -> Any:
        """A channel's newest reading."""
        found = {one["key"]: one["latest"] for one in await self.get("/channels")}
        return found[channel]

    async def meters(self) -> dict[str, float]:
        """`/metrics` as name{labels} to value."""
        text = (await self.http.get(f"{self.url}/metrics")).text
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    async def reconciled(self) -> bool:
        """Whether everything that came in was counted as one thing, and one only."""
        found = await self.meters()
        refused = sum(v for name, v in found.items() if name.startswith("davy_refused_total"))
        parts = ("packs", "retransmissions", "redelivered")
        return found["davy_messages_total"] == refused + sum(
            found[f"davy_{part}_total"] for part in parts
        )

    def read(self) -> Sqlite:
        """The database, for looking only."""
        return Sqlite(self.folder / "data" / DATABASE, read_only=True)

    def stored(self) -> dict[str, list[tuple[float, float]]]:
        """(time, raw) of every stored reading by channel key, in the order of the log."""
        with self.read() as store:
            names = {c.id: c.key for device in store.devices() for c in device.channels}
            rows: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
            for chunk in store.readings(None, 0.0, 4e9):
                columns = (chunk.channel, chunk.entry, chunk.time_s, chunk.raw)
                for channel, entry, time_s, raw in zip(*(c.tolist() for c in columns), strict=True):
                    rows[names[channel]].append((entry, time_s, raw))
        return {name: [row[1:] for row in sorted(found)] for name, found in rows.items()}

    def count(self) -> int:
        """How many readings are stored."""
        with self.read() as store:
            return store.count()

    @asynccontextmanager
    async def live(self, after: str | None = None) -> AsyncIterator[Watch]:
        """Watches `/live` for as long as the context lasts."""
        watch = Watch()
        headers = {} if after is None else {"last-event-id": after}
        async with self.http.stream("GET", "/live", headers=headers, timeout=None) as reply:
            watch.status = reply.status_code
            listening = asyncio.create_task(watch.listen(reply))
            try:
                await until(lambda: watch.comments or listening.done())
                yield watch
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError):
                    await listening


def _client(url: str, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30.0
    )


@asynccontextmanager
async def davy_in(
    folder: Path,
    sections: Sections = {},  # noqa: B006 (it is only read)
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Installation]:
    """A Davy in this process."""
    config = load(write_config(folder, sections))
    async with compose(config, clock) as running, web_server(running) as url:
        token = running.station.access.program_token
        async with _client(url, token) as http:
            yield Installation(folder, url, token, http, running)


class DavyProcess:
    """A Davy in a process of its own, which can be killed and started again as it was."""

    def __init__(self, folder: Path, sections: Sections = {}) -> None:  # noqa: B006
        self.folder = folder
        self._sections: dict[str, dict[str, Any]] = {k: dict(v) for k, v in sections.items()}
        self._process: Process | None = None
        self.davy: Installation
        self.broker_pid = 0

    async def start(self) -> Installation:
        """Starts it, on the same ports as the last time."""
        path = write_config(self.folder, self._sections)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.run_davy", str(path)),
            stdout=PIPE,
            stderr=(self.folder / "davy.err").open("ab"),
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            line = b"log"
            while line and not line.startswith(b"{"):  # what it logs may come first
                line = await self._process.stdout.readline()
        if not line:
            raise AssertionError((self.folder / "davy.err").read_text()[-4000:])
        told = json.loads(line)
        self._sections.setdefault("server", {})["port"] = told["port"]
        self._sections.setdefault("broker", {})["mqtt_port"] = told["mqtt_port"]
        self.broker_pid = told["broker_pid"]
        boxes = self.davy.boxes if hasattr(self, "davy") else {}
        http = _client(told["url"], told["token"])
        self.davy = Installation(self.folder, told["url"], told["token"], http, None, boxes)
        return self.davy

    async def kill(self) -> None:
        """kill -9; the broker loses its parent and ends as well."""
        await self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Davy stands still; its broker goes on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """And goes on where it stood."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Asks it to end in order."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        os.kill(self._process.pid, number)
        async with asyncio.timeout(20):
            await self._process.wait()
        await self.davy.http.aclose()


def gas_values(rows: Iterable[tuple[float, float]]) -> list[float]:
    """The values of stored readings."""
    return [raw for _, raw in rows]
