"""`davy doctor`: looks at everything that Davy needs, and says what to do where it is missing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from davy.cli import show
from davy.cli.front import FAILED
from davy.cli.options import ConfigFile, Json
from davy.cli.reach import chosen, configuration, server_of, store_to_read
from davy.domain.errors import DavyError

if TYPE_CHECKING:
    from davy.service.config import Config

LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1 << 30
LONG_AGO_S = 1_735_689_600.0
"""2025-01-01: a machine without a clock of its own begins in 1970."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `cure` is empty where all is well."""

    what: str
    found: str
    cure: str = ""


def doctor(config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Checks this machine, the configuration and the data; ends with 0 if all is well, else 2.

    Example: `davy doctor -c davy.toml`
    """
    findings = list(_findings(config_file))
    if as_json:
        show.json([{"what": f.what, "found": f.found, "cure": f.cure} for f in findings])
    else:
        show.table(
            ("", "what", "found", "what to do"),
            [("wrong" if f.cure else "ok", f.what, f.found, f.cure) for f in findings],
            nothing="Nothing was checked.",
        )
    if any(finding.cure for finding in findings):
        raise typer.Exit(FAILED)


def _findings(config_file: Path | None) -> Iterator[Finding]:
    yield _python()
    yield _dashboard()
    try:
        config = configuration(config_file)
    except DavyError as error:
        for mistake in str(error).splitlines():
            yield _split("configuration", mistake)
        return
    yield Finding("configuration", str(chosen(config_file) or "none: the defaults"))
    yield _nats_server(config)
    yield _data(config)
    yield from _database(config)
    with server_of(config) as server:
        if server is not None:
            yield Finding("server", f"runs at {server.run.api}, process id {server.run.pid}")
            yield from _health(server.get)
            return
    yield _port("web port", "[server] port", config.server.host, config.server.port)
    if not config.broker.url:
        yield _port("MQTT port", "[broker] mqtt_port", config.broker.host, config.broker.mqtt_port)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info[:2] < LEAST_PYTHON
    return Finding("Python", version, "install Python 3.11 or newer" if old else "")


def _dashboard() -> Finding:
    from importlib.resources import files

    if (files("davy.api") / "static" / "index.html").is_file():
        return Finding("dashboard", "built")
    return Finding(
        "dashboard",
        "not built",
        "install Davy from a wheel, or run `npm ci && npm run build` in frontend/",
    )


def _nats_server(config: Config) -> Finding:
    if config.broker.url:
        return Finding("broker", f"an external one at {config.broker.url}")
    from davy.ingest.process import find_binary

    try:
        binary = find_binary(config.broker.binary)
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except DavyError as error:
        return _split("nats-server", str(error))
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("nats-server", str(error), "install Davy again, or name [broker] binary")
    return Finding("nats-server", f"{said.stdout.strip().removeprefix('nats-server: ')}, {binary}")


def _data(config: Config) -> Finding:
    directory = config.data.dir
    probe = directory / ".davy-doctor"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        cure = "let Davy write there, or name another [data] dir"
        return Finding("data", f"{directory}: {error.strerror}", cure)
    free = shutil.disk_usage(directory).free
    cure = "make room, or keep less: [store] raw_days" if free < LEAST_FREE_BYTES else ""
    return Finding("data", f"{directory}: {free / (1 << 30):.1f} GiB free", cure)


def _database(config: Config) -> Iterator[Finding]:
    from davy.service.compose import DATABASE

    now_s = time.time()
    slow = "set the clock of this machine (NTP)" if now_s < LONG_AGO_S else ""
    if not (config.data.dir / DATABASE).is_file():
        yield Finding("database", "none yet: the first start makes it")
        yield Finding("clock", show.when(now_s), slow)
        return
    try:
        with store_to_read(config) as store:
            devices, count, users = len(store.devices()), store.count(), store.users()
            last = store.audit_rows(1)
            broken = store.audit_verify()
    except DavyError as error:
        yield _split("database", str(error))
        yield Finding("clock", show.when(now_s), slow)
        return
    yield Finding("database", f"{devices} devices, {count:,} readings")
    admins = [user.name for user in users if user.role == "admin"]
    nobody = "" if admins else "`davy user add NAME --role admin`"
    yield Finding("users", f"{len(users)}, of them admin: {', '.join(admins) or 'none'}", nobody)
    yield Finding(
        "audit trail",
        "whole" if broken is None else f"broken at row {broken.seq}: {broken.what}",
        "" if broken is None else "keep this database as it is; compare it with a backup",
    )
    if last and last[0].at_s > now_s + 1:
        slow = f"it was {show.when(last[0].at_s)} before: set the clock of this machine (NTP)"
    yield Finding("clock", show.when(now_s), slow)


def _health(get: Callable[[str], dict[str, list[dict[str, str]]]]) -> Iterator[Finding]:
    troubles = get("health")["troubles"]
    for trouble in troubles:
        yield _split(trouble["what"], trouble["detail"])
    if not troubles:
        yield Finding("health", "no trouble")


def _port(what: str, key: str, host: str, port: int) -> Finding:
    if port == 0:
        return Finding(what, "any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            cure = f"stop what listens there, or choose another {key}"
            return Finding(what, f"{host}:{port}: {error.strerror}", cure)
    return Finding(what, f"{host}:{port} is free")


def _split(what: str, sentence: str) -> Finding:
    """Our errors say what is wrong, a semicolon, and what to do."""
    found, _, cure = sentence.rpartition("; ")
    return Finding(what, found or sentence, cure if found else "see above")
