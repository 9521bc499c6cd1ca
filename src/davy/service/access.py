"""Who may do what: users, passwords, sessions, and the tokens of devices over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from itsdangerous import BadSignature, URLSafeTimedSerializer

from davy.domain.errors import Conflict, DavyError, InputError, UnknownName
from davy.domain.site import NAME
from davy.store.port import Store
from davy.store.words import Secret, User

SHORTEST_PASSWORD = 10
_TRIES = 5
_PAUSE_S = 60.0


class Role(StrEnum):
    """A viewer looks, an operator answers alarms, an admin changes devices, users and limits."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role includes the needed one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class TooManyTries(DavyError):
    """Somebody guesses passwords: 429, come back later."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who has shown who they are."""

    name: str
    role: Role


@dataclass(slots=True)
class _Tries:
    count: int = 0
    until_s: float = 0.0


@dataclass(slots=True)
class Access:
    """Checks passwords, sessions and tokens.

    Args:
        store: where users and the session key are.
        clock: seconds since 1970 UTC.
        session_s: how long a login lasts.
        program_token: lets the local command line in as admin; new at each start.
    """

    store: Store
    clock: Callable[[], float]
    session_s: float
    program_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _tries: dict[str, _Tries] = field(default_factory=lambda: defaultdict(_Tries))
    _invitations: dict[str, Who] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _nobody: str = field(default="", repr=False)

    def log_in(self, name: str, password: str) -> Who | None:
        """Who this is, or None; slow by intent (argon2), so call it in a thread, one at a time.

        Raises:
            TooManyTries: five wrong passwords for this name within a minute.
        """
        tries = self._tries[name]
        now_s = self.clock()
        if now_s < tries.until_s and tries.count >= _TRIES:
            raise TooManyTries(
                f"too many wrong passwords; try again in {tries.until_s - now_s:.0f} s"
            )
        if now_s >= tries.until_s:
            tries.count = 0
            self._forget_tries(now_s, but=name)
        user = self.store.user(name)
        # An unknown name takes as long as a wrong password, so names cannot be found out.
        self._nobody = self._nobody or self._hasher.hash(secrets.token_urlsafe(8))
        known = user.password_hash if user else self._nobody
        try:
            self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            user = None
        if user is None:
            tries.count += 1
            tries.until_s = now_s + _PAUSE_S
            return None
        self._tries.pop(name, None)
        return Who(user.name, Role(user.role))

    def _forget_tries(self, now_s: float, but: str) -> None:
        """Names that were tried long ago; there is no end of names that can be tried."""
        for name in [name for name, tries in self._tries.items() if now_s >= tries.until_s]:
            if name != but:
                del self._tries[name]

    def put_user(self, name: str, role: Role, password: str) -> None:
        """Adds a user, or gives one a new role and password.

        Raises:
            InputError: a name or password that will not do.
        """
        if not NAME.fullmatch(name):
            raise InputError(f"user {name!r}: names are 1 to 64 of the letters a-z, digits and -")
        if len(password) < SHORTEST_PASSWORD:
            raise InputError(
                f"user {name}: the password has {len(password)} characters; give it at least "
                f"{SHORTEST_PASSWORD}"
            )
        self.store.put_user(name, role.value, self._hasher.hash(password))

    def set_role(self, name: str, role: Role) -> None:
        """Gives a user another role; the password stays.

        Raises:
            UnknownName: no such user.
            Conflict: nobody would be left who may change users.
        """
        user = self._known(name)
        if role is not Role.ADMIN:
            self._keep_an_admin(name)
        self.store.put_user(name, role.value, user.password_hash)

    def remove_user(self, name: str) -> None:
        """Takes a user away.

        Raises:
            UnknownName: no such user.
            Conflict: nobody would be left who may change users.
        """
        self._known(name)
        self._keep_an_admin(name)
        self.store.remove_user(name)

    def _known(self, name: str) -> User:
        user = self.store.user(name)
        if user is None:
            raise UnknownName(f"user {name}: no such user; `davy user list` shows them")
        return user

    def _keep_an_admin(self, but: str) -> None:
        admins = {user.name for user in self.store.users() if user.role == Role.ADMIN}
        if admins == {but}:
            raise Conflict(f"user {but}: the last admin; make somebody else admin first")

    def session_of(self, who: Who) -> str:
        """A signed cookie; a new password makes it worthless."""
        user = self.store.user(who.name)
        return self._serializer().dumps([who.name, _mark(user)])

    def who_has(self, session: str) -> Who | None:
        """Whose cookie this is, unless it is forged, too old, or the user is gone."""
        try:
            name, mark = self._serializer().loads(session, max_age=int(self.session_s))
        except (BadSignature, ValueError):
            return None
        user = self.store.user(name)
        return Who(user.name, Role(user.role)) if user and mark == _mark(user) else None

    def is_program(self, token: str) -> bool:
        """Whether this is the token in the run file."""
        return hmac.compare_digest(token.encode(), self.program_token.encode())

    def invite(self, who: Who) -> str:
        """A token that lets whoever has it in as this user, for as long as Davy runs."""
        token = secrets.token_urlsafe(24)
        self._invitations[token] = who
        return token

    def invited(self, token: str) -> Who | None:
        """Whom this invitation is for."""
        return self._invitations.get(token)

    def know_devices(self, secrets_by_id: Mapping[str, Secret]) -> None:
        """The tokens that devices may send packs with over HTTP."""
        self._tokens = {
            hashlib.sha256(secret.token.encode()).hexdigest(): device
            for device, secret in secrets_by_id.items()
        }

    def device_with(self, token: str) -> str | None:
        """The device whose token this is; looked up by hash, so timing tells nothing."""
        return self._tokens.get(hashlib.sha256(token.encode()).hexdigest())

    def _serializer(self) -> URLSafeTimedSerializer:
        key = self.store.meta("session_key")
        if key is None:
            key = secrets.token_urlsafe(32)
            self.store.put_meta("session_key", key)
        return URLSafeTimedSerializer(key, salt="davy-session")


def _mark(user: User | None) -> str:
    """Tells one password from the next, and nothing about either."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16] if user else ""
