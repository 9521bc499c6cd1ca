"""Every vector of the contract through the running system, over HTTP and over MQTT."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from davy.domain.site import UNITS
from davy.ingest.gateway import Message
from davy.store.words import Enrolment, Secret
from davy.wire.jws import key_from_text
from tests.installation import JOSE, SENML, Installation, davy_in, until

FILES = [
    json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parents[2] / "contract" / "vectors").glob("*.json"))
]
DEVICES = FILES[0]["devices"]
VECTORS = [vector for file in FILES for vector in file["vectors"]]
CHANNELS = ("mq4=MQ-4:methane", "temperature", "humidity")
NOW_S = VECTORS[0]["arrived_s"]

STATUS = {
    "malformed": 400,
    "empty": 400,
    "foreign-name": 400,
    "too-large": 413,
    "unsigned": 401,
    "bad-signature": 401,
    "wrong-algorithm": 401,
    "unknown-device": 401,
    "revoked-device": 401,
    "stale": 409,
    "replayed": 409,
}
"""What an HTTP client is told, by the reason of the refusal."""

BY_TOPIC_ALONE = {"kid-not-topic", "wrong-site", "wrong-leaf"}
"""Refused for where they were published: over HTTP there is no topic to be wrong."""
SHUT_OUT = {"wrong-site", "wrong-leaf", "unknown-device", "revoked-device"}
"""Never reach the gateway over MQTT: the broker's own permissions, or no reader, stop them."""


def as_bytes(message: dict[str, Any]) -> bytes:
    if "base64" in message:
        return base64.b64decode(message["base64"])
    if "repeat" in message:
        text = message["before"] + message["repeat"] * message["times"] + message["after"]
        return text.encode()
    return str(message["text"]).encode()


def device_of(vector: dict[str, Any]) -> str:
    topic = vector["topic"]
    return vector["bearer"] or (topic.split("/")[3] if topic else "kitchen-1")


async def start_anew(davy: Installation, *devices: str) -> None:
    """Gives devices the keys that everybody may know; their windows begin anew."""
    assert davy.running is not None
    station = davy.running.station
    keys = {row["device"]: row["key"] for row in DEVICES}
    draft = Enrolment(
        secrets={
            name: Secret(
                key_from_text(keys[name]) if keys[name] else None, davy.boxes[name].papers["token"]
            )
            for name in devices
        }
    )
    await station.enrolment.tell(station.store.enrol(draft), forgotten=devices)


@pytest.fixture
async def contract(tmp_path: Path) -> AsyncIterator[Installation]:
    """A Davy for which it is always the moment at which the vectors arrived."""
    async with davy_in(tmp_path, clock=lambda: NOW_S) as davy:
        for row in DEVICES:
            await davy.add(row["device"], *CHANNELS, transport=row["trust"] == "transport")
        await start_anew(davy, *davy.boxes)
        assert (await davy.http.post("/devices/attic-9/revoke")).status_code == 204
        yield davy


def evidence_of(vectors: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """(reason, SHA-256 of the bytes) for all that must be in quarantine afterwards."""
    found: Counter[tuple[str, str]] = Counter()
    for vector in vectors:
        expect = vector["expect"]
        reasons = [bad["reason"] for bad in expect.get("bad", [])[:1]]
        if expect["verdict"] == "refused":
            reasons = [expect["reason"]]
        digest = sha256(as_bytes(vector["message"])).hexdigest()
        found.update((reason, digest) for reason in reasons)
    return found


async def assert_evidence(davy: Installation, vectors: list[dict[str, Any]]) -> None:
    """Quarantine and `/metrics` tell of every refusal, with the bytes that were refused."""
    expected = evidence_of(vectors)

    async def kept() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await davy.get("/quarantine", limit=1000)
        return rows if len(rows) >= expected.total() else []

    rows = await until(kept)
    assert Counter((row["reason"], row["sha256"]) for row in rows) == expected
    messages = {sha256(m).hexdigest(): m for m in (as_bytes(v["message"]) for v in vectors)}
    for row in rows:
        whole = messages[row["sha256"]]
        assert base64.b64decode(row["bytes"]) == whole[:4096]
        assert row["size"] == len(whole)
    meters = await davy.meters()
    refused = Counter(v["expect"]["reason"] for v in vectors if "reason" in v["expect"])
    assert {
        reason: meters[f'davy_refused_total{{reason="{reason}"}}'] for reason in refused
    } == refused
    bad = Counter(bad["reason"] for v in vectors for bad in v["expect"].get("bad", []))
    assert {reason: meters[f'davy_bad_records_total{{reason="{reason}"}}'] for reason in bad} == bad
    assert await davy.reconciled()


async def test_every_vector_is_answered_over_http_as_the_contract_says(contract):
    wrong: dict[str, Any] = {}
    vectors = [vector for vector in VECTORS if vector["name"] not in BY_TOPIC_ALONE]
    for vector in vectors:
        expect = vector["expect"]
        await start_anew(contract, "kitchen-1", "boiler-2")
        for message in vector["prior"]:
            assert (await post(contract, vector, message)).status_code == 202
        reply = await post(contract, vector, vector["message"])
        told = reply.json()
        if expect["verdict"] == "refused":
            wanted: Any = (STATUS[expect["reason"]], f"urn:davy:{expect['reason']}")
            met: Any = (reply.status_code, told.get("type"))
            assert reply.headers["content-type"] == "application/problem+json", vector["name"]
        else:
            again = expect["verdict"] == "retransmission"
            bad = [{"index": one["row"], "reason": one["reason"]} for one in expect.get("bad", [])]
            accepted = 0 if again else len(expect["readings"])
            wanted = (202, {"accepted": accepted, "duplicate": int(again), "quarantined": bad})
            met = (reply.status_code, told)
        if met != wanted:
            wrong[vector["name"]] = (met, wanted)

    assert wrong == {}
    await assert_evidence(contract, vectors)
    await assert_stored(contract, vectors)


async def post(davy: Installation, vector: dict[str, Any], message: dict[str, Any]) -> Any:
    plain = device_of(vector) == "meter-3"
    headers = {"content-type": SENML, **davy.boxes["meter-3"].bearer} if plain else JOSE
    return await davy.http.post("/readings", content=as_bytes(message), headers=headers)


async def assert_stored(davy: Installation, vectors: list[dict[str, Any]]) -> None:
    """Each reading that a vector promises stands in the database, and stands there once."""
    promised = {
        (f"{device_of(v)}.{row['channel']}", row["unit"], row["time_s"], row["value"])
        for v in vectors
        for row in v["expect"].get("readings", [])
    }

    def stored() -> list[tuple[str, str, float, float]]:
        with davy.read() as store:
            names = {c.id: c.key for device in store.devices() for c in device.channels}
            return [
                (names[channel], UNITS[unit].value, time_s, raw)
                for some in store.readings(None, 0.0, 4e9)
                for channel, unit, time_s, raw in zip(
                    some.channel.tolist(),
                    some.unit.tolist(),
                    some.time_s.tolist(),
                    some.raw.tolist(),
                    strict=True,
                )
            ]

    rows = await until(lambda: (found := stored()) and promised <= set(found) and found)
    assert len(rows) == len(set(rows))


async def test_every_vector_that_a_device_can_publish_is_judged_alike_over_mqtt(tmp_path):
    vectors = [v for v in VECTORS if v["topic"] and v["name"] not in SHUT_OUT]
    async with davy_in(tmp_path) as davy:
        for row in DEVICES:
            await davy.add(row["device"], *CHANNELS, transport=row["trust"] == "transport")
        for vector in vectors:
            await start_anew(davy, "kitchen-1", "boiler-2")
            async with davy.boxes[device_of(vector)].mqtt() as device:
                for message in [*vector["prior"], vector["message"]]:
                    await device.publish(vector["topic"], as_bytes(message), qos=1)
            sent = sum(len(v["prior"]) + 1 for v in vectors[: vectors.index(vector) + 1])

            async def judged(sent: int = sent) -> bool:
                return (await davy.meters())["davy_messages_total"] >= sent

            await until(judged)  # before the windows begin anew

        verdicts = Counter(vector["expect"]["verdict"] for vector in vectors)
        meters = await davy.meters()
        assert meters["davy_retransmissions_total"] == verdicts["retransmission"]
        assert meters["davy_packs_total"] == verdicts["accepted"] + sum(
            len(vector["prior"]) for vector in vectors
        )
        await assert_evidence(davy, vectors)


async def test_a_topic_that_is_not_the_devices_own_is_refused_at_the_gate(contract):
    assert contract.running is not None
    gateway = contract.running.station.gateway
    for vector in VECTORS:
        if vector["name"] in BY_TOPIC_ALONE:
            message = Message(as_bytes(vector["message"]), NOW_S, vector["topic"])
            (outcome,) = await gateway.take("test", [message])
            assert outcome.refusal is not None
            assert outcome.refusal.reason == vector["expect"]["reason"] == "foreign-topic"
    await assert_evidence(contract, [v for v in VECTORS if v["name"] in BY_TOPIC_ALONE])
