"""Registry, quarantine, audit trail and users as plain values in memory."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from davy.domain.alarm import Point
from davy.domain.errors import Reason, UnknownName
from davy.domain.site import Device, Zone
from davy.store.chain import EMPTY, find_break, link
from davy.store.enrolment import Taken, check
from davy.store.words import (
    AuditBreak,
    AuditHead,
    AuditRow,
    Bounds,
    Enrolment,
    Evidence,
    Indexes,
    Secret,
    User,
    storable,
)


class MemoryRecords:
    """The `Registry`, `Quarantine`, `Audit` and `Users` of `Memory`."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._records = threading.RLock()
        self._zones: dict[int, Zone] = {}
        self._devices: dict[int, Device] = {}
        self._channels: dict[int, str] = {}
        self._points: dict[int, Point] = {}
        self._secrets: dict[str, Secret] = {}
        self._evidence: dict[Reason, deque[Evidence]] = {}
        self._evidence_ids = itertools.count(1)
        self._audit: list[AuditRow] = []
        self._head = EMPTY
        self._users: dict[str, User] = {}
        self._meta: dict[str, str] = {}

    def zones(self) -> list[Zone]:
        """All zones, by index."""
        return [self._zones[index] for index in sorted(self._zones)]

    def devices(self) -> list[Device]:
        """All devices, by index."""
        return [self._devices[index] for index in sorted(self._devices)]

    def points(self) -> list[Point]:
        """All alarm points, by index."""
        return [self._points[index] for index in sorted(self._points)]

    def indexes(self) -> Indexes:
        """The next free permanent numbers."""
        return self._taken().free

    def _taken(self) -> Taken:
        return Taken(
            zones={index: zone.key for index, zone in self._zones.items()},
            devices={index: device.id for index, device in self._devices.items()},
            channels=dict(self._channels),
            points={index: point.key for index, point in self._points.items()},
        )

    def enrol(self, draft: Enrolment | Callable[[Indexes], Enrolment]) -> Enrolment:
        """Adds and replaces at once; see `Registry.enrol`."""
        with self._records:
            taken = self._taken()
            enrolment = draft if isinstance(draft, Enrolment) else draft(taken.free)
            check(taken, enrolment)
            self._zones.update({zone.index: zone for zone in enrolment.zones})
            self._points.update({point.index: point for point in enrolment.points})
            for device in enrolment.devices:
                self._devices[device.index] = device
                self._channels.update({channel.id: channel.key for channel in device.channels})
            self._secrets.update(enrolment.secrets)
        return enrolment

    def secret(self, device: str) -> Secret:
        """What this device proves itself with."""
        try:
            return self._secrets[device]
        except KeyError:
            raise UnknownName(
                f"device {device}: it has no secret; add the device or rotate it"
            ) from None

    def secrets(self) -> dict[str, Secret]:
        """Every device's secret by its id."""
        return dict(self._secrets)

    def quarantine_put(self, evidence: Sequence[Evidence]) -> None:
        """Keeps these, and lets go of the oldest of the same reasons where room is short."""
        with self._records:
            for item in evidence:
                kept = self._evidence.setdefault(item.reason, deque())
                sealed = item.sealed(self.bounds.payload)
                kept.append(replace(sealed, id=next(self._evidence_ids)))
                while (
                    len(kept) > self.bounds.rows_each
                    or sum(len(one.payload) for one in kept) > self.bounds.bytes_each
                ):
                    kept.popleft()

    def quarantine(
        self, limit: int = 100, since_s: float | None = None, reason: str | None = None
    ) -> list[Evidence]:
        """Evidence, newest first."""
        with self._records:
            found = [
                item
                for item in itertools.chain.from_iterable(self._evidence.values())
                if (since_s is None or item.at_s >= since_s) and reason in (None, item.reason)
            ]
        return sorted(found, key=lambda item: -item.id)[:limit]

    def audit(self, who: str, action: str, what: str, detail: str, at_s: float) -> AuditRow:
        """Adds a row to the end of the trail."""
        with self._records:
            row = link(self._head, at_s=at_s, who=who, action=action, what=what, detail=detail)
            self._audit.append(row)
            self._head = AuditHead(row.seq, row.hash)
        return row

    def audit_rows(self, limit: int = 100) -> list[AuditRow]:
        """The last rows, newest first."""
        return self._audit[::-1][:limit]

    def audit_head(self) -> AuditHead:
        """How long the trail is and how it ends."""
        return self._head

    def audit_verify(self, noted: AuditHead | None = None) -> AuditBreak | None:
        """The first broken place, or None."""
        with self._records:
            return find_break(self._audit, self._head, noted)

    def put_user(self, name: str, role: str, password_hash: str) -> None:
        """Adds a user or replaces role and password."""
        self._users[storable(name)] = User(storable(name), role, password_hash)

    def user(self, name: str) -> User | None:
        """The user of this name."""
        return self._users.get(storable(name))

    def users(self) -> list[User]:
        """All users by name."""
        return [self._users[name] for name in sorted(self._users)]

    def remove_user(self, name: str) -> None:
        """Takes a user away."""
        if self._users.pop(storable(name), None) is None:
            raise UnknownName(f"user {name}: no such user; `davy user list` shows them")

    def meta(self, key: str) -> str | None:
        """A small fact that was put here."""
        return self._meta.get(key)

    def put_meta(self, key: str, value: str) -> None:
        """Keeps a small fact, in the place of the one before."""
        self._meta[key] = value
