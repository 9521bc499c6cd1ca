"""Where a broker is reached, and the broker that somebody else runs.

`External` has the same face as the embedded `Broker`, so the gateway does not know which of
the two it was given.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from davy.ingest.nats_config import BrokerUser, address
from davy.ingest.violations import Violation


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to connect to from this machine."""

    host: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        """`mqtt://host:port`, or `mqtts://` with TLS."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{address(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password that stay out of logs."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """A NATS that runs elsewhere: its users, permissions and limits are kept there."""

    mqtt: Endpoint
    nats_url: str
    nats_credentials: Credentials
    trust: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def mqtt_tls(self) -> ssl.SSLContext | None:
        """What Davy's own MQTT client trusts; None without TLS."""
        if not self.mqtt.tls:
            return None
        return self.trust or ssl.create_default_context()

    async def set_devices(self, users: Sequence[BrokerUser]) -> None:
        """Does nothing: whoever runs this broker adds and removes its users."""

    async def violations(self) -> AsyncIterator[Violation]:
        """Ends at once: the log of another machine's server cannot be read from here."""
        nothing: tuple[Violation, ...] = ()
        for violation in nothing:
            yield violation
