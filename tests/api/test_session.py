"""Who gets in, what each role may do, and what another site's page may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from davy.service.access import Role, Who
from tests.installation import Installation

PASSWORD = "a flame behind a gauze"


@pytest.fixture
async def people(davy: Installation) -> Installation:
    """An installation with one person of each role and one device."""
    for name, role in (("vera", "viewer"), ("oleg", "operator"), ("ada", "admin")):
        user = {"name": name, "role": role, "password": PASSWORD}
        assert (await davy.http.post("/users", json=user)).status_code == 201
    box = await davy.add("kitchen-1")
    assert (await davy.post(box.ppm(20_000.0))).status_code == 202
    return davy


@asynccontextmanager
async def as_user(
    davy: Installation, name: str, password: str = PASSWORD
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which somebody has tried to log in."""
    async with httpx.AsyncClient(base_url=f"{davy.url}/api/v1") as browser:
        await browser.post("/login", json={"name": name, "password": password})
        yield browser


def is_problem(reply: httpx.Response) -> bool:
    """RFC 9457: the status in the body is the status of the reply, and a sentence says why."""
    told = reply.json()
    return (
        reply.headers["content-type"] == "application/problem+json"
        and told["status"] == reply.status_code
        and bool(told["title"] and told["detail"])
    )


async def test_whoever_logs_in_is_who_they_are_until_they_log_out(people):
    async with as_user(people, "oleg") as browser:
        assert (await browser.get("/me")).json() == {"name": "oleg", "role": "operator"}
        cookie = next(iter(browser.cookies.jar))
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "strict"

        assert (await browser.post("/logout")).status_code == 204
        assert (await browser.get("/me")).status_code == 401


LOOKS = [
    "/me",
    "/sites",
    "/zones",
    "/devices",
    "/channels",
    "/alarms",
    "/health",
    "/quarantine",
    "/suspicions",
    "/audit",
    "/live",
    "/users",
    "/channels/a.b/history?start=0&end=1",
    "/alarms/a.b.high/transitions",
    "/devices/a/papers",
]


async def test_nobody_looks_without_a_session(davy: Installation):
    forged = ({}, {"authorization": "Bearer guess"}, {"cookie": "davy_session=forged"})
    async with httpx.AsyncClient(base_url=f"{davy.url}/api/v1") as nobody:
        for path in LOOKS:
            for headers in forged:
                reply = await nobody.get(path, headers=headers)
                assert (reply.status_code, is_problem(reply)) == (401, True), path
                assert "log in" in reply.json()["detail"]


MAY = [
    # what is asked, from which role on, what it is then answered
    ("GET", "/alarms", None, "viewer", 200),
    ("GET", "/quarantine", None, "viewer", 200),
    ("POST", "/alarms/kitchen-1.gas.high/comment", {"note": "hm"}, "operator", 200),
    ("POST", "/alarms/kitchen-1.gas.high/ack", {}, "operator", 200),
    ("POST", "/alarms/kitchen-1.gas.low/shelve", {"for_s": 60}, "operator", 200),
    ("GET", "/audit", None, "admin", 200),
    ("GET", "/users", None, "admin", 200),
    ("GET", "/devices/kitchen-1/papers", None, "admin", 200),
    ("POST", "/devices/kitchen-1/rotate", None, "admin", 200),
    ("POST", "/devices", [], "admin", 201),
    ("POST", "/users", {"name": "x", "role": "viewer", "password": PASSWORD}, "admin", 201),
    ("POST", "/devices/kitchen-1/revoke", None, "admin", 204),
]
RANK = ["viewer", "operator", "admin"]


async def test_each_role_may_do_its_own_and_all_below(people):
    for name, role in (("vera", "viewer"), ("oleg", "operator"), ("ada", "admin")):
        async with as_user(people, name) as browser:
            replies = [await browser.request(row[0], row[1], json=row[2]) for row in MAY]
        for (_, path, _, needed, answer), reply in zip(MAY, replies, strict=True):
            if RANK.index(role) < RANK.index(needed):
                assert (reply.status_code, is_problem(reply)) == (403, True), (role, path)
                assert f"{name} is a {role}" in reply.json()["detail"]
            else:
                assert reply.status_code in {answer, 409}, (role, path, reply.text)


async def test_five_wrong_passwords_shut_the_door_for_a_minute_even_for_the_right_one(people):
    async with as_user(people, "nobody-at-all") as browser:
        wrong = {"name": "oleg", "password": "guess"}
        tries = await asyncio.gather(*(browser.post("/login", json=wrong) for _ in range(7)))
        right = await browser.post("/login", json={"name": "oleg", "password": PASSWORD})
        other = await browser.post("/login", json={"name": "vera", "password": PASSWORD})

    assert sorted(reply.status_code for reply in tries) == [401] * 5 + [429] * 2
    assert all(map(is_problem, tries))
    assert right.status_code == 429
    assert right.headers["retry-after"]
    assert other.status_code == 200


async def test_an_unknown_name_is_answered_like_a_wrong_password(people):
    async with as_user(people, "vera", "wrong") as browser:
        known = await browser.post("/login", json={"name": "vera", "password": "wrong"})
        unknown = await browser.post("/login", json={"name": "who", "password": "wrong"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())


async def test_another_sites_page_cannot_act_for_its_visitor(people):
    path = "/alarms/kitchen-1.gas.high/ack"
    async with as_user(people, "oleg") as browser:
        host = people.url.removeprefix("http://")
        for origin in ("http://evil.example", f"http://{host}.evil.example", "null"):
            reply = await browser.post(path, headers={"origin": origin})
            assert (reply.status_code, is_problem(reply)) == (403, True), origin
        assert (await browser.get("/alarms", headers={"origin": "http://evil.example"})).is_success
        assert (await browser.post(path, headers={"origin": people.url})).status_code == 200


async def test_a_session_ends_with_the_user_and_with_the_password(people):
    async with as_user(people, "vera") as vera, as_user(people, "oleg") as oleg:
        assert (await people.http.delete("/users/vera")).status_code == 204
        new = {"name": "oleg", "role": "operator", "password": "another long password"}
        assert (await people.http.post("/users", json=new)).status_code == 201

        assert (await vera.get("/me")).status_code == 401
        assert (await oleg.get("/me")).status_code == 401


async def test_a_role_that_changes_changes_for_open_sessions_too(people):
    async with as_user(people, "ada") as ada, as_user(people, "oleg") as oleg:
        assert (await ada.post("/users/oleg/role", json={"role": "viewer"})).status_code == 200
        assert (await oleg.get("/me")).json()["role"] == "viewer"


BAD_USERS = [
    ({"name": "Ä", "role": "viewer", "password": PASSWORD}, 400, "letters a-z"),
    ({"name": "x", "role": "viewer", "password": "short"}, 400, "at least 10"),
    ({"name": "x", "role": "king", "password": PASSWORD}, 422, "role"),
    ({"name": "x"}, 422, "role"),
    ("text", 422, "body"),
]


async def test_a_user_that_makes_no_sense_is_refused_in_words(davy: Installation):
    for user, status, word in BAD_USERS:
        reply = await davy.http.post("/users", json=user)
        assert (reply.status_code, is_problem(reply)) == (status, True), user
        assert word in reply.json()["detail"]


async def test_an_invitation_lets_whoever_has_it_in(davy: Installation):
    await davy.http.post("/users", json={"name": "guest", "role": "viewer", "password": PASSWORD})
    token = davy.running.station.access.invite(Who("guest", Role.VIEWER))
    async with httpx.AsyncClient(base_url=davy.url) as browser:
        assert (await browser.get(f"/enter?token={token}x")).status_code == 401
        reply = await browser.get("/enter", params={"token": token})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        assert (await browser.get("/api/v1/me")).json()["name"] == "guest"
