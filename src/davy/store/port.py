"""The port: what the house asks of a store, in six small protocols.

All calls block. One thread commits; any number of threads read at the same time and see
only whole commits. Everything that goes wrong below is a `StoreError` that says what to do,
and leaves the store as it was before the call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from davy.domain.alarm import Point, Transition
from davy.domain.site import Device, Zone
from davy.store.words import (
    AuditBreak,
    AuditHead,
    AuditRow,
    Commit,
    Enrolment,
    Evidence,
    History,
    Indexes,
    Latest,
    Retention,
    Rows,
    Secret,
    User,
)


class Readings(Protocol):
    """Readings, their rollups, alarm transitions and the log offset: all in one transaction."""

    def commit(self, commit: Commit) -> None:
        """Stores it whole or not at all; what is stored already is passed over."""

    def commit_many(self, commits: Sequence[Commit]) -> None:
        """Stores several, in order, in one transaction."""

    def offset(self) -> int:
        """Log sequence up to which everything is stored; 0 before the first commit."""

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest state of the pipeline, with the offset after which it was taken."""

    def history(self, channel: int, start_s: float, end_s: float, points: int) -> History:
        """One channel from `start_s` to `end_s`, as at most `points` buckets.

        Raises:
            InputError: the range is empty or not finite, or `points` is not 2 .. 10,000.
        """

    def readings(
        self, channels: Collection[int] | None, start_s: float, end_s: float
    ) -> Iterator[Rows]:
        """Readings from `start_s` up to `end_s` in chunks, by time within each channel.

        Nothing is locked between two chunks, so what is committed meanwhile may be seen.
        """

    def latest(self, channels: Collection[int] | None = None) -> Mapping[int, Latest]:
        """The newest reading of each channel that has one."""

    def count(self) -> int:
        """How many readings are stored."""

    def transitions(
        self, point: int | None = None, since_s: float | None = None, limit: int = 1000
    ) -> list[Transition]:
        """Steps in the lives of alarms, newest first; `since_s` is compared with `at_s`."""

    def retain(self, now_s: float, keep: Retention, rows: int = 5000) -> int:
        """Forgets up to `rows` of what is older than it should be, and says how many went.

        Call it between commits until it returns 0. Transitions, evidence and the audit trail
        stay.
        """


class Registry(Protocol):
    """Zones, devices, alarm points and secrets, under permanent indexes."""

    def zones(self) -> list[Zone]:
        """All zones, by index."""

    def devices(self) -> list[Device]:
        """All devices, by index, the revoked ones among them."""

    def points(self) -> list[Point]:
        """All alarm points, by index."""

    def indexes(self) -> Indexes:
        """The next free permanent numbers; a channel's stays taken when it is removed."""

    def enrol(self, draft: Enrolment | Callable[[Indexes], Enrolment]) -> Enrolment:
        """Adds and replaces in one transaction.

        Where `draft` is a function, it is given the next free indexes and returns what
        shall be written; nobody else can take them meanwhile. It must not call the store.

        Raises:
            Conflict: an index or a name belongs to something else, or a hole would be left.
            UnknownName: a secret for a device that does not exist.
        """

    def secret(self, device: str) -> Secret:
        """What this device proves itself with.

        Raises:
            UnknownName: no such device, or it was never given one.
        """

    def secrets(self) -> dict[str, Secret]:
        """Every device's secret by its id."""


class Quarantine(Protocol):
    """Evidence of what was refused; bounded, oldest first, a share for each reason."""

    def quarantine_put(self, evidence: Sequence[Evidence]) -> None:
        """Keeps these, and lets go of the oldest of the same reasons where room is short."""

    def quarantine(
        self, limit: int = 100, since_s: float | None = None, reason: str | None = None
    ) -> list[Evidence]:
        """Evidence, newest first."""


class Audit(Protocol):
    """Who did what: rows in a chain of hashes."""

    def audit(self, who: str, action: str, what: str, detail: str, at_s: float) -> AuditRow:
        """Adds a row to the end of the trail."""

    def audit_rows(self, limit: int = 100) -> list[AuditRow]:
        """The last rows, newest first."""

    def audit_head(self) -> AuditHead:
        """How long the trail is and how it ends."""

    def audit_verify(self, noted: AuditHead | None = None) -> AuditBreak | None:
        """The first broken place, or None.

        Found are rows altered, removed, inserted or reordered anywhere, the end included. Not
        found is somebody who may write the whole database and computes all hashes anew, or
        puts an older copy in its place: the hashes hold no secret. A head `noted` elsewhere
        (printed, mailed) finds that as well, for all rows up to the note.
        """


class Users(Protocol):
    """Who may log in, and small facts by key."""

    def put_user(self, name: str, role: str, password_hash: str) -> None:
        """Adds a user or replaces role and password."""

    def user(self, name: str) -> User | None:
        """The user of this name."""

    def users(self) -> list[User]:
        """All users by name."""

    def remove_user(self, name: str) -> None:
        """Takes a user away.

        Raises:
            UnknownName: no such user.
        """

    def meta(self, key: str) -> str | None:
        """A small fact that was put here."""

    def put_meta(self, key: str, value: str) -> None:
        """Keeps a small fact, in the place of the one before."""


class Store(Readings, Registry, Quarantine, Audit, Users, Protocol):
    """All of it, with a lifetime."""

    def close(self) -> None:
        """Lets go of files and locks; closing twice is allowed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
