"""Passwords, sessions and tokens."""

from __future__ import annotations

import pytest

from davy.domain.errors import Conflict, InputError, UnknownName
from davy.service.access import Access, Role, TooManyTries, Who
from davy.store import Memory
from davy.store.words import Secret

PASSWORD = "a flame behind a gauze"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    access = Access(Memory(), clock, session_s=60)
    access.put_user("anna", Role.OPERATOR, PASSWORD)
    return access


def test_only_the_right_password_lets_in(access: Access):
    assert access.log_in("anna", PASSWORD) == Who("anna", Role.OPERATOR)
    assert access.log_in("anna", PASSWORD + " ") is None
    assert access.log_in("bert", PASSWORD) is None


def test_a_password_is_kept_as_argon2_alone(access: Access):
    user = access.store.user("anna")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$")
    assert PASSWORD not in repr(user)


def test_guesses_shut_the_door_for_a_minute(access: Access, clock: Clock):
    for _ in range(5):
        assert access.log_in("anna", "guess") is None
    with pytest.raises(TooManyTries, match="60 s"):
        access.log_in("anna", PASSWORD)
    clock.now_s += 61
    assert access.log_in("anna", PASSWORD) is not None


def test_names_that_were_guessed_are_forgotten_after_a_while(access: Access, clock: Clock):
    for name in ("x", "y", "z"):
        access.log_in(name, "guess")
    clock.now_s += 61
    access.log_in("anna", "guess")
    assert set(access._tries) == {"anna"}


ROLES = [
    (Role.VIEWER, {Role.VIEWER}),
    (Role.OPERATOR, {Role.VIEWER, Role.OPERATOR}),
    (Role.ADMIN, set(Role)),
]


@pytest.mark.parametrize(("role", "includes"), ROLES)
def test_a_role_includes_those_below(role, includes):
    assert {needed for needed in Role if role.may(needed)} == includes


def test_a_cookie_is_worth_something_only_as_it_was_given(access: Access):
    cookie = access.session_of(Who("anna", Role.OPERATOR))
    assert access.who_has(cookie) == Who("anna", Role.OPERATOR)
    for forged in ("", cookie[:-1], cookie + "x", "anna", cookie.replace(".", "", 1)):
        assert access.who_has(forged) is None
    elsewhere = Access(Memory(), access.clock, 60)
    elsewhere.put_user("anna", Role.ADMIN, PASSWORD)
    assert access.who_has(elsewhere.session_of(Who("anna", Role.ADMIN))) is None


def test_a_new_password_ends_old_sessions_and_a_new_role_does_not(access: Access):
    cookie = access.session_of(Who("anna", Role.OPERATOR))
    access.set_role("anna", Role.VIEWER)
    assert access.who_has(cookie) == Who("anna", Role.VIEWER)
    access.put_user("anna", Role.VIEWER, "another long password")
    assert access.who_has(cookie) is None


def test_the_last_admin_stays(access: Access):
    access.put_user("ada", Role.ADMIN, PASSWORD)
    with pytest.raises(Conflict, match="last admin"):
        access.remove_user("ada")
    with pytest.raises(Conflict, match="last admin"):
        access.set_role("ada", Role.VIEWER)
    with pytest.raises(UnknownName):
        access.remove_user("nobody")


@pytest.mark.parametrize(("name", "password"), [("Anna", PASSWORD), ("", PASSWORD), ("x", "short")])
def test_a_user_that_will_not_do_is_refused(access, name, password):
    with pytest.raises(InputError) as told:
        access.put_user(name, Role.VIEWER, password)
    assert password not in str(told.value)


def test_a_device_is_found_by_its_token_and_by_nothing_else(access: Access):
    access.know_devices({"k": Secret(None, "token-of-k"), "l": Secret(None, "token-of-l")})
    assert access.device_with("token-of-k") == "k"
    assert access.device_with("token-of-") is None
    access.know_devices({"l": Secret(None, "token-of-l")})
    assert access.device_with("token-of-k") is None


def test_the_programs_token_is_new_at_each_start(access: Access):
    assert access.is_program(access.program_token)
    assert not access.is_program(Access(Memory(), access.clock, 60).program_token)
    assert not access.is_program("ü")
