"""What the command line changes, in two ways: asked of the running server, or written by itself.

Both leave the same rows in the registry and in the audit trail.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from davy.cli.reach import Server, server_of, store_to_write
from davy.domain.site import Trust
from davy.ingest.external import Endpoint
from davy.service.access import Access, Role
from davy.service.compose import enrolment_of
from davy.service.config import Config
from davy.service.papers import DeviceOrder, papers_of
from davy.service.views import EnrolledView
from davy.store.port import Store

WHO = "local"
"""Who did it, in the audit trail: whoever may read the data directory."""


class Changes(Protocol):
    """What can be changed from the command line."""

    def add_device(self, order: DeviceOrder) -> EnrolledView:
        """Enrols a device and hands out its papers."""

    def rotate(self, device: str) -> EnrolledView:
        """New secrets for a device."""

    def revoke(self, device: str) -> None:
        """Shuts a device out."""

    def calibrate(self, device: str, channel: str, r0_ohm: float) -> None:
        """Sets a channel's own R0."""

    def put_user(self, name: str, role: Role, password: str) -> None:
        """Adds a user, or gives one a new role and password."""

    def set_role(self, name: str, role: Role) -> None:
        """Gives a user another role."""

    def remove_user(self, name: str) -> None:
        """Takes a user away."""


@contextmanager
def changes_of(config: Config) -> Iterator[Changes]:
    """The way that is open now.

    Raises:
        StoreError: no server runs, and the store cannot be opened either.
    """
    with server_of(config) as server:
        if server is not None:
            yield Asked(server)
            return
    with store_to_write(config) as store:
        yield InStore(config, store)


@dataclass(frozen=True, slots=True)
class Asked:
    """Asks the running server."""

    server: Server

    def add_device(self, order: DeviceOrder) -> EnrolledView:
        body = {
            "id": order.id,
            "site": order.site,
            "zone": order.zone,
            "channels": order.channels,
            "transport": order.trust is Trust.TRANSPORT,
            "heartbeat_s": order.heartbeat_s,
        }
        return _papers(self.server.post("devices", [body])[0])

    def papers(self, device: str) -> EnrolledView:
        """The papers of a device that is there already."""
        return _papers(self.server.get(f"devices/{device}/papers"))

    def rotate(self, device: str) -> EnrolledView:
        return _papers(self.server.post(f"devices/{device}/rotate"))

    def revoke(self, device: str) -> None:
        self.server.post(f"devices/{device}/revoke")

    def calibrate(self, device: str, channel: str, r0_ohm: float) -> None:
        self.server.post(f"devices/{device}/calibrate", {"channel": channel, "r0_ohm": r0_ohm})

    def put_user(self, name: str, role: Role, password: str) -> None:
        self.server.post("users", {"name": name, "role": role, "password": password})

    def set_role(self, name: str, role: Role) -> None:
        self.server.post(f"users/{name}/role", {"role": role})

    def remove_user(self, name: str) -> None:
        self.server.delete(f"users/{name}")


class InStore:
    """Writes the store, while no server runs; the next start tells the pipeline.

    Args:
        config: whose limits and addresses count.
        store: opened to write.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._enrolment = enrolment_of(config, store)
        self._access = Access(store, time.time, config.server.session_hours * 3600)

    def add_device(self, order: DeviceOrder) -> EnrolledView:
        self._enrolment.add([order])
        self._audit("device add", order.id, " ".join(order.channels))
        return self._papers_of(order.id)

    def rotate(self, device: str) -> EnrolledView:
        self._enrolment.rotate(device)
        self._audit("device rotate", device)
        return self._papers_of(device)

    def revoke(self, device: str) -> None:
        self._enrolment.revoke(device)
        self._audit("device revoke", device)

    def calibrate(self, device: str, channel: str, r0_ohm: float) -> None:
        self._enrolment.calibrate(device, channel, r0_ohm, time.time())
        self._audit("device calibrate", f"{device}.{channel}", f"R0 = {r0_ohm:g} ohm")

    def put_user(self, name: str, role: Role, password: str) -> None:
        self._access.put_user(name, role, password)
        self._audit("user add", name, role.value)

    def set_role(self, name: str, role: Role) -> None:
        self._access.set_role(name, role)
        self._audit("user role", name, role.value)

    def remove_user(self, name: str) -> None:
        self._access.remove_user(name)
        self._audit("user remove", name)

    def _audit(self, action: str, what: str, detail: str = "") -> None:
        self._store.audit(WHO, action, what, detail, time.time())

    def _papers_of(self, device_id: str) -> EnrolledView:
        """As a running Davy would hand them out, with the ports of the configuration."""
        device, secret = self._enrolment.device(device_id), self._store.secret(device_id)
        broker, server = self._config.broker, self._config.server
        tls = broker.certificate is not None
        endpoint = Endpoint(_reachable(broker.host), broker.mqtt_port, tls=tls)
        return papers_of(
            device, secret, endpoint, f"http://{_reachable(server.host)}:{server.port}"
        )


def _reachable(host: str) -> str:
    """Listening everywhere includes here."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host


def _papers(given: Any) -> EnrolledView:
    return msgspec.convert(given, EnrolledView)
