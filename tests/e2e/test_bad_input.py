"""The bad input of the world: each ends in a flag or a refusal, and the next reading is stored."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from davy.wire.senml import Sample, encode
from tests.installation import Box, Installation, until

YEAR_S = 365 * 86_400.0


def records(*rows: dict[str, Any], device: str = "kitchen-1") -> bytes:
    first, *rest = rows or ({},)
    return json.dumps([{"bn": f"urn:dev:davy:{device}:", **first}, *rest]).encode()


def gas(value: object, **more: object) -> dict[str, Any]:
    return {"n": "gas", "u": "ppm", "v": value, "t": round(time.time(), 3), **more}


def forged(box: Box) -> bytes:
    pack = box.ppm(666.0)
    return pack[:-4] + (b"AAAA" if pack[-4:] != b"AAAA" else b"BBBA")


def replayed(box: Box) -> bytes:
    return box.pack(Sample("gas", 666.0, "ppm", time.time()), seq=0)


REFUSED: list[tuple[str, Callable[[Box], bytes], str]] = [
    ("malformed JSON", lambda box: box.sealed(b'[{"n":"gas","v":'), "malformed"),
    ("not an array", lambda box: box.sealed(b'{"n":"gas","v":1}'), "malformed"),
    ("a wrong signature", forged, "bad-signature"),
    ("no signature", lambda _: records(gas(666.0)), "unsigned"),
    ("a used number with other bytes", replayed, "replayed"),
    ("an older boot", lambda box: box.pack(Sample("gas", 1.0, "ppm"), boot=0), "stale"),
    (
        "300 KB",
        lambda box: box.sealed(records(gas(1.0), *[gas(1.0) for _ in range(5000)])),
        "too-large",
    ),
    (
        "10,000 records",
        lambda box: box.sealed(b"[" + b",".join([b'{"v":1}'] * 10_000) + b"]"),
        "too-large",
    ),
    ("an empty pack", lambda box: box.sealed(b"[]"), "empty"),
    ("NaN", lambda box: box.sealed(records(gas(float("nan")))), "malformed"),
    ("half a character", lambda box: box.sealed(b'[{"n":"gas\xc3","v":1}]'), "malformed"),
    (
        "another device's name",
        lambda box: box.sealed(records(gas(1.0), device="cellar-1")),
        "foreign-name",
    ),
    ("nothing", lambda _: b"", "malformed"),
    ("a thousand brackets", lambda box: box.sealed(b"[" * 1000), "malformed"),
    ("all kinds of bytes", lambda _: bytes(range(256)), "malformed"),
]

LEFT_OUT = [
    ("an unknown channel", gas(1.0, n="argon"), "unknown-channel"),
    ("a wrong unit", gas(1.0, u="Cel"), "wrong-unit"),
    ("a text for a value", gas("high"), "bad-value"),
    ("no value", {"n": "gas", "vs": "ok"}, "no-value"),
]

FLAGGED = [
    ("1e308 ppm", lambda: gas(1e308), ["out-of-range"]),
    ("-1e308 ppm", lambda: gas(-1e308), ["out-of-range"]),
    ("a year ahead", lambda: gas(400.0, t=time.time() + YEAR_S), ["future"]),
    ("the end of time", lambda: gas(400.0, t=1e300), ["future"]),
    ("a month ago", lambda: gas(400.0, t=time.time() - YEAR_S / 12), ["late", "out-of-order"]),
]


@asynccontextmanager
async def kitchen(davy: Installation) -> AsyncIterator[tuple[Box, Callable[[bytes], Any]]]:
    """A device with one accepted pack behind it, and a way to publish as it."""
    box = await davy.add("kitchen-1")
    async with box.mqtt() as client:

        async def publish(payload: bytes) -> None:
            await client.publish(box.topic, payload, qos=1)

        await publish(box.ppm(1.0))
        await until(lambda: davy.count() == 1)
        yield box, publish


async def test_a_bad_pack_is_refused_with_evidence_and_the_next_reading_is_stored(davy):
    async with kitchen(davy) as (box, publish):
        for place, (_, make, _) in enumerate(REFUSED):
            await publish(make(box))
            await publish(box.ppm(1000.0 + place))
        await until(lambda: davy.count() == 1 + len(REFUSED))

    values = [raw for _, raw in davy.stored()["kitchen-1.gas"]]
    assert values == [1.0, *(1000.0 + place for place in range(len(REFUSED)))]

    async def evidence() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await davy.get("/quarantine")
        return rows if len(rows) == len(REFUSED) else []

    rows = await until(evidence)
    assert [(row["reason"], row["device"], bool(row["detail"])) for row in reversed(rows)] == [
        (reason, "kitchen-1", True) for _, _, reason in REFUSED
    ]
    assert await davy.reconciled()
    assert await davy.troubles() == set()


async def test_a_bad_record_is_left_out_and_its_neighbours_are_stored(davy: Installation):
    async with kitchen(davy) as (box, publish):
        for place, (_, record, _) in enumerate(LEFT_OUT):
            await publish(box.sealed(records(record, gas(1000.0 + place))))
        await until(lambda: davy.count() == 1 + len(LEFT_OUT))

    async def evidence() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await davy.get("/quarantine")
        return rows if len(rows) == len(LEFT_OUT) else []

    rows = await until(evidence)
    assert [row["reason"] for row in reversed(rows)] == [reason for _, _, reason in LEFT_OUT]
    assert all(row["detail"].startswith("record 0: ") for row in rows)
    meters = await davy.meters()
    for _, _, reason in LEFT_OUT:
        assert meters[f'davy_bad_records_total{{reason="{reason}"}}'] == 1


async def test_an_odd_reading_is_stored_with_its_flag_and_hides_nothing(davy: Installation):
    async with kitchen(davy) as (box, publish), davy.live() as watch:
        for place, (what, record, flags) in enumerate(FLAGGED):
            await publish(box.sealed(records(record())))
            await publish(box.ppm(30.0 + place))
            await until(lambda place=place: len(watch.readings) == 2 * place + 2)
            odd, normal = watch.readings[-2:]
            assert odd[4] == flags, what
            assert (normal[2], normal[4]) == (30.0 + place, []), what
        await publish(box.sealed(records(gas(20_000.0, t=time.time() + YEAR_S))))
        await until(lambda: ("kitchen-1.gas.high", "rise", "unacked") in watch.alarms)
    assert davy.count() == 2 + 2 * len(FLAGGED)


@pytest.mark.parametrize("id", ["shed-7", "kitchen-1"])
async def test_an_unknown_or_revoked_device_is_refused_and_its_neighbour_is_stored(davy, id):
    neighbour = await davy.add("kitchen-2")
    box = await davy.add(id)
    if id == "kitchen-1":
        assert (await davy.http.post("/devices/kitchen-1/revoke")).status_code == 204
        reason = "revoked-device"
    else:
        box.papers["device"] = "shed-8"
        reason = "unknown-device"
    reply = await davy.post(box.ppm(666.0))

    assert (reply.status_code, reply.json()["type"]) == (401, f"urn:davy:{reason}")
    assert (await davy.post(neighbour.ppm(1.0))).status_code == 202
    await until(lambda: davy.count() == 1)
    assert (await davy.meters())[f'davy_refused_total{{reason="{reason}"}}'] == 1


async def test_a_status_may_raise_trouble_and_never_clears_any_nor_breaks_anything(davy):
    box = await davy.add("kitchen-1")
    await davy.post(box.ppm(1.0))
    status = "davy/v1/home/kitchen-1/status"
    async with box.mqtt() as client:
        for odd in (b"", b"offline", b'{"state":7}', b'{"state":"offline\xff"}', b"[" * 500):
            await client.publish(status, odd, qos=1)
        await client.publish(status, b'{"state":"offline"}', qos=1, retain=True)

        async def silent() -> bool:
            return await davy.state("kitchen-1.silent") == "unacked"

        await until(silent)
        await client.publish(status, b'{"state":"online"}', qos=1, retain=True)
        await client.publish(box.topic, encode("kitchen-1", [Sample("gas", 1.0)]), qos=1)  # forged

        async def refused() -> bool:
            return (await davy.meters()).get('davy_refused_total{reason="unsigned"}') == 1

        await until(refused)
        assert await davy.state("kitchen-1.silent") == "unacked"
        await client.publish(box.topic, box.ppm(2.0), qos=1)

        async def heard() -> bool:
            return await davy.state("kitchen-1.silent") == "normal"

        await until(heard)
    assert await davy.troubles() == set()
