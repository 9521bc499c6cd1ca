"""What nats-server is told: listeners, store, and what each user may say and hear.

Pure text in, text out. The server reads JSON as its own configuration language, so no
quoting of ours stands between a name and what the server understands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from davy.domain.errors import ConfigError
from davy.domain.site import NAME

TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")
"""Tokens are base64url text: anything that starts with `$2` would be read as a bcrypt hash."""

ANY_PORT = -1
"""What nats-server calls a free port of its own choice."""

INTERNAL_USER = "_davy"
SYSTEM_USER = "_davy-system"
"""Underscores keep both apart from device ids, which have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUser:
    """A device as the broker knows it: its id is the MQTT user name, its token the password."""

    site: str
    device: str
    token: str

    def __post_init__(self) -> None:
        for what, name in (("site", self.site), ("device", self.device)):
            if not NAME.fullmatch(name):
                raise ConfigError(f"broker user {name!r}: a {what} is named like [a-z0-9-]{{1,64}}")
        if not TOKEN.fullmatch(self.token):
            raise ConfigError(
                f"broker user {self.device}: its token must be 8 to 128 of [A-Za-z0-9_-]; "
                "rotate the device to get a new one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How the embedded broker listens, stores and logs.

    Attributes:
        data_dir: the broker's own directory; one broker at a time may use it.
        binary: the nats-server to run; None finds the one that was installed with Davy.
        host: address of the MQTT listener; loopback unless devices are to reach it.
        mqtt_port: 0 means any free port.
        nats_host: address of the NATS listener, for Davy itself and its workers.
        nats_port: 0 means any free port.
        certificate: PEM file; MQTT is then TLS only.
        key: PEM file of the certificate's private key.
        sync_interval_s: how much a power cut may cost; 0 writes through before each PUBACK.
        max_store_bytes: all that JetStream may keep on disk: the inbox and the log.
        max_memory_bytes: all that JetStream may keep in memory.
        max_payload_bytes: above this the server closes the connection. It lies above the
            largest valid pack (256 KiB), so that the gateway refuses with evidence.
        log_bytes: the server's log file is rolled over at this size.
        log_files: how many rolled-over log files are kept.
    """

    data_dir: Path
    binary: Path | None = None
    host: str = "127.0.0.1"
    mqtt_port: int = 1883
    nats_host: str = "127.0.0.1"
    nats_port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    sync_interval_s: float = 120.0
    max_store_bytes: int = 10 << 30
    max_memory_bytes: int = 64 << 20
    max_payload_bytes: int = 1 << 20
    log_bytes: int = 8 << 20
    log_files: int = 3

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ConfigError(
                "[broker] certificate and key belong together: name both files, or neither"
            )

    @property
    def config_file(self) -> Path:
        """Mode 0600: it holds every token."""
        return self.data_dir / "nats.conf"

    @property
    def log_file(self) -> Path:
        """Where the server writes what it did, and whom it refused."""
        return self.data_dir / "nats.log"


def config_text(
    settings: BrokerSettings,
    users: Sequence[BrokerUser],
    *,
    mqtt_port: int,
    nats_port: int,
    password: str,
) -> str:
    """The whole configuration file; `password` is that of Davy's own two users."""
    mqtt: dict[str, Any] = {"listen": address(settings.host, mqtt_port)}
    if settings.certificate and settings.key:
        mqtt["tls"] = {
            "cert_file": str(settings.certificate.absolute()),
            "key_file": str(settings.key.absolute()),
        }
    system = {"user": SYSTEM_USER, "password": password}
    config = {
        "server_name": "davy",
        "listen": address(settings.nats_host, nats_port),
        "max_payload": settings.max_payload_bytes,
        "jetstream": {
            "store_dir": str(settings.data_dir.absolute()),
            "max_file_store": settings.max_store_bytes,
            "max_memory_store": settings.max_memory_bytes,
            "sync_interval": f"{settings.sync_interval_s:g}s"
            if settings.sync_interval_s > 0
            else "always",
        },
        "mqtt": mqtt,
        "log_file": str(settings.log_file.absolute()),
        "logfile_size_limit": settings.log_bytes,
        "logfile_max_num": settings.log_files,
        "logtime_utc": True,
        "accounts": {"$SYS": {"users": [system]}},
        "authorization": {
            "users": [
                {"user": INTERNAL_USER, "password": password},
                *(device_user(user) for user in users),
            ]
        },
    }
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


def device_user(user: BrokerUser) -> dict[str, Any]:
    """What one device may do; whatever is not allowed here is denied.

    Nothing more is needed for a QoS 1 subscription: the server delivers it through
    subjects of its own, which it does not check against the device's permissions.
    """
    own = f"davy.v1.{user.site}.{user.device}"
    return {
        "user": user.device,
        "password": user.token,
        "allowed_connection_types": ["MQTT", "MQTT_WS"],
        "permissions": {
            "publish": {"allow": [f"{own}.readings", f"{own}.frames", f"{own}.status"]},
            "subscribe": {"allow": [f"{own}.command"]},
        },
    }


def address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
