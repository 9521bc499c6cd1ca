"""Whom the broker refused: read from its log, because a device is never told.

MQTT 3.1.1 has no word for a refused publish, so nats-server acknowledges it, drops it and
writes one line. The line names the client id, which a device chooses freely; the user name,
which it does not, is asked from the server.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Self

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

_QUOTED = r'"((?:[^"\\]|\\.)*)"'  # as Go's %q writes it: quotes and controls are escaped
_LINE = re.compile(
    r"\[(?P<pid>\d+)\] (?P<at>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[ERR\] (?P<address>\S+) - "
    rf"\w+:(?P<connection>\d+) - (?:{_QUOTED} - )?"
    rf"(?P<what>Publish Violation|Subscription Violation|authentication error) - "
    rf"(?:Subject|User) {_QUOTED}"
)


class Refused(StrEnum):
    """What was not allowed."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    LOGIN = "login"


_REFUSED = {
    "Publish Violation": Refused.PUBLISH,
    "Subscription Violation": Refused.SUBSCRIBE,
    "authentication error": Refused.LOGIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One refusal by the broker.

    Attributes:
        at_s: when, by the broker's clock.
        refused: what was not allowed.
        device: the user name. Proven by its token for `publish` and `subscribe` (empty where
            the server no longer knows); only claimed for `login`.
        client_id: what the client calls itself; it may be a lie.
        subject: where it wanted to publish, or what it wanted to hear, with dots.
        address: host:port that it came from.
        connection: the server's process and its number for the connection.
    """

    at_s: float
    refused: Refused
    device: str
    client_id: str
    subject: str
    address: str
    connection: tuple[int, int]


def parse_violation(line: str) -> Violation | None:
    """The refusal that a line of the server's log tells of, its device not yet asked for.

    Example:
        >>> found = parse_violation(
        ...     '[7] 2026/01/02 03:04:05.5 [ERR] 10.0.0.9:52553 - mid:25 - "me" - '
        ...     'Publish Violation - Subject "davy.v1.home.other.readings"'
        ... )
        >>> found.refused, found.client_id, found.subject
        (<Refused.PUBLISH: 'publish'>, 'me', 'davy.v1.home.other.readings')
    """
    match = _LINE.match(line)
    if match is None:
        return None
    refused = _REFUSED[match["what"]]
    client_id, named = match.groups()[-3] or "", match.groups()[-1]
    at = datetime.strptime(match["at"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return Violation(
        at_s=at.timestamp(),
        refused=refused,
        device=named if refused is Refused.LOGIN else "",
        client_id=client_id,
        subject="" if refused is Refused.LOGIN else named,
        address=match["address"],
        connection=(int(match["pid"]), int(match["connection"])),
    )


class Connections:
    """Asks the server which user stands behind a connection, closed ones included."""

    _ALL = 2  # connection states of the CONNZ request: 0 open, 1 closed, 2 all
    _REMEMBERED = 4096

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._user, self._password = url, user, password
        self._nats = Client()
        self._known: dict[tuple[int, int], str] = {}

    async def __aenter__(self) -> Self:
        self._nats = await nats.connect(
            self._url,
            user=self._user,
            password=self._password,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=_quiet,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._nats.close()

    async def user(self, connection: tuple[int, int]) -> str:
        """The user name, or an empty text where the server does not know it any more."""
        if connection not in self._known:
            if len(self._known) >= self._REMEMBERED:
                self._known.clear()
            self._known[connection] = await self._ask(connection[1])
        return self._known[connection]

    async def _ask(self, number: int) -> str:
        question = json.dumps({"cid": number, "auth": True, "state": self._ALL}).encode()
        try:
            reply = await self._nats.request("$SYS.REQ.SERVER.PING.CONNZ", question, timeout=2)
        except NatsError:  # the server is restarting: it has forgotten all connections
            return ""
        found = json.loads(reply.data).get("data", {}).get("connections") or [{}]
        return str(found[0].get("authorized_user", ""))


async def _quiet(_: Exception) -> None:
    """The broker's own supervision tells of lost connections."""
