"""Readings over HTTP: every answer that a device can get."""

from __future__ import annotations

import asyncio
import time

import httpx

from davy.wire.senml import Sample, encode
from tests.installation import JOSE, SENML, Installation, until


async def test_a_signed_pack_is_its_own_credential_and_counts_once(davy: Installation):
    box = await davy.add("kitchen-1")
    pack = box.ppm(1.0, 2.0, 3.0)
    async with httpx.AsyncClient() as device:  # no session, no token
        url = f"{davy.url}/api/v1/readings"
        first = await device.post(url, content=pack, headers=JOSE)
        again = await device.post(url, content=pack, headers=JOSE)

    assert (first.status_code, first.json()) == (
        202,
        {"accepted": 3, "duplicate": 0, "quarantined": []},
    )
    assert (again.status_code, again.json()) == (
        202,
        {"accepted": 0, "duplicate": 3, "quarantined": []},
    )
    await until(lambda: davy.count() == 3)
    assert await davy.get("/quarantine") == []


async def test_a_transport_device_sends_plain_senml_with_its_token(davy: Installation):
    box = await davy.add("meter-1", transport=True)
    other = await davy.add("meter-2", transport=True)
    payload = encode("meter-1", [Sample("gas", 5.0, "ppm", time.time())])
    kind = {"content-type": f"{SENML}; charset=utf-8"}

    async def send(headers: dict[str, str], content: bytes = payload) -> httpx.Response:
        return await davy.http.post("/readings", content=content, headers=kind | headers)

    assert (await send(box.bearer)).status_code == 202
    for headers in (
        {"authorization": "Bearer guess"},
        {"authorization": ""},
        {"authorization": "Basic eDp5"},
    ):
        refused = await send(headers)
        assert refused.status_code == 401
        assert refused.json()["type"] == "urn:davy:bad-credentials"
        assert refused.headers["www-authenticate"] == "Bearer"
    foreign = await send(other.bearer)
    assert (foreign.status_code, foreign.json()["type"]) == (400, "urn:davy:foreign-name")
    signed_where_plain_is_due = await davy.http.post("/readings", content=payload, headers=JOSE)
    assert signed_where_plain_is_due.status_code == 401
    assert (await davy.meters())['davy_refused_total{reason="bad-credentials"}'] == 3
    assert await davy.reconciled()
    await until(lambda: davy.count() == 1)


async def test_a_signed_device_is_not_believed_on_its_token_alone(davy: Installation):
    box = await davy.add("kitchen-1")
    payload = encode("kitchen-1", [Sample("gas", 5.0, "ppm", time.time())])
    headers = {"content-type": SENML, **box.bearer}
    reply = await davy.http.post("/readings", content=payload, headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (401, "urn:davy:unsigned")


async def test_bad_records_are_listed_and_the_others_are_taken(davy: Installation):
    box = await davy.add("kitchen-1")
    now_s = time.time()
    pack = box.pack(
        Sample("gas", 1.0, "ppm", now_s),
        Sample("argon", 2.0, "ppm", now_s),
        Sample("gas", 3.0, "Cel", now_s + 1),
        Sample("gas", 4.0, "ppm", now_s + 2),
    )
    reply = await davy.post(pack)

    assert (reply.status_code, reply.json()) == (
        202,
        {
            "accepted": 2,
            "duplicate": 0,
            "quarantined": [
                {"index": 1, "reason": "unknown-channel"},
                {"index": 2, "reason": "wrong-unit"},
            ],
        },
    )
    await until(lambda: davy.count() == 2)


async def test_answers_that_refuse_say_what_to_do(davy: Installation):
    box = await davy.add("kitchen-1")
    taken = box.ppm(1.0)
    assert (await davy.post(taken)).status_code == 202
    used = box.pack(Sample("gas", 2.0, "ppm", time.time()), seq=0)
    old = box.pack(Sample("gas", 3.0, "ppm", time.time()), boot=0)
    refusals = [
        (JOSE, b"garbage", 400, "urn:davy:malformed"),
        (JOSE, b"", 400, "urn:davy:malformed"),
        (JOSE, box.sealed(b"[]"), 400, "urn:davy:empty"),
        (JOSE, taken[:-4] + b"AAAA", 401, "urn:davy:bad-signature"),
        (JOSE, used, 409, "urn:davy:replayed"),
        (JOSE, old, 409, "urn:davy:stale"),
        (JOSE, b"x" * 400_000, 413, "urn:davy:too-large"),
        (JOSE, b"x" * 3_000_000, 413, "urn:davy:too-large"),
        ({"content-type": "text/plain"}, taken, 415, "about:blank"),
        ({"content-type": ""}, taken, 415, "about:blank"),
    ]
    for headers, content, status, kind in refusals:
        reply = await davy.http.post("/readings", content=content, headers=headers)
        assert (reply.status_code, reply.json()["type"]) == (status, kind), reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert len(reply.json()["detail"]) > 10
    assert await davy.reconciled()
    await until(lambda: davy.count() == 1)


async def test_more_requests_than_may_wait_are_told_to_come_again(davy: Installation):
    davy.running.station.inbox._most_waiting = 3
    box = await davy.add("kitchen-1")
    packs = [box.ppm(float(value)) for value in range(40)]
    async with asyncio.timeout(20):
        replies = await asyncio.gather(*map(davy.post, packs))
    told = [reply.status_code for reply in replies]
    assert set(told) == {202, 503}
    for pack, reply in zip(packs, replies, strict=True):
        if reply.status_code == 503:
            assert reply.headers["retry-after"]
            assert (await davy.post(pack)).status_code == 202
    await until(lambda: davy.count() == 40)
