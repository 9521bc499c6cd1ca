"""Somebody else's MQTT client with a device's token: paho, as a maker would use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.installation import Box, Installation, until


class Paho:
    """A blocking client in its own thread, and what it heard."""

    def __init__(self, box: Box) -> None:
        self.heard: list[str] = []
        self.granted: list[bool] = []
        self._subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"outside-{box.id}")
        self.client.username_pw_set(box.id, box.papers["token"])
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.connect(box.papers["mqtt"]["host"], box.papers["mqtt"]["port"])
        self.client.loop_start()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append(message.topic)

    def _on_subscribe(self, _client, _data, _mid, codes, _properties) -> None:  # type: ignore[no-untyped-def]
        self.granted += [not code.is_failure for code in codes]
        self._subscribed.set()

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Returns when the broker has acknowledged, or for QoS 0 when it is on its way."""
        self.client.publish(topic, payload, qos=qos).wait_for_publish(5)

    def subscribe(self, topic: str) -> None:
        """Returns when the broker has answered."""
        self._subscribed.clear()
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(5)


@contextmanager
def outside(box: Box) -> Iterator[Paho]:
    paho = Paho(box)
    try:
        yield paho
    finally:
        paho.client.disconnect()
        paho.client.loop_stop()


async def test_what_an_outside_client_publishes_is_seen_on_the_api_and_on_the_live_stream(davy):
    box = await davy.add("kitchen-1")
    async with davy.live() as watch:
        with outside(box) as paho:
            await asyncio.to_thread(paho.publish, box.topic, box.ppm(101.0), 1)
            await until(lambda: len(watch.readings) == 1)
            await asyncio.to_thread(paho.publish, box.topic, box.ppm(102.0), 0)
            await until(lambda: len(watch.readings) == 2)

    assert [(row[0], row[2]) for row in watch.readings] == [
        ("kitchen-1.gas", 101.0),
        ("kitchen-1.gas", 102.0),
    ]
    assert (await davy.latest("kitchen-1.gas"))["value"] == 102.0
    assert [raw for _, raw in davy.stored()["kitchen-1.gas"]] == [101.0, 102.0]


async def test_a_foreign_topic_is_closed_to_a_device_and_leaves_evidence(davy: Installation):
    box, other = await davy.add("kitchen-1"), await davy.add("cellar-1", zone="cellar")
    with outside(box) as paho:
        await asyncio.to_thread(paho.publish, other.topic, box.ppm(1.0), 1)
        await asyncio.to_thread(paho.publish, box.topic, box.ppm(2.0), 1)

        async def evidence() -> list[dict[str, str]]:
            return [one for one in await davy.get("/quarantine") if one["device"] == "kitchen-1"]

        (found,) = await until(evidence)
        await until(lambda: davy.count() == 1)

    assert found["reason"] == "foreign-topic"
    assert found["topic"] == "davy.v1.home.cellar-1.readings"
    assert list(davy.stored()) == ["kitchen-1.gas"]
    assert (await davy.meters())['davy_refused_total{reason="foreign-topic"}'] == 1
    assert await davy.reconciled()


async def test_a_device_cannot_read_what_others_send(davy: Installation):
    box, other = await davy.add("kitchen-1"), await davy.add("cellar-1", zone="cellar")
    with outside(box) as spy, outside(other) as victim:
        for topic in ("#", "davy/v1/#", other.topic, "davy/v1/home/cellar-1/command"):
            await asyncio.to_thread(spy.subscribe, topic)
        await asyncio.to_thread(victim.publish, other.topic, other.ppm(7.0), 1)
        await until(lambda: davy.count() == 1)

        assert spy.granted == [False] * 4
        assert spy.heard == []


async def test_a_wrong_password_is_turned_away_and_leaves_evidence(davy: Installation):
    box = await davy.add("kitchen-1")
    box.papers["token"] = "somebody-elses-token"
    with outside(box) as paho:

        async def evidence() -> list[str]:
            return [one["reason"] for one in await davy.get("/quarantine")]

        assert "bad-credentials" in await until(evidence)
        assert not paho.client.is_connected()


async def test_a_revoked_device_is_disconnected_and_its_readings_stay(davy: Installation):
    box = await davy.add("kitchen-1")
    with outside(box) as paho:
        await asyncio.to_thread(paho.publish, box.topic, box.ppm(5.0), 1)
        await until(lambda: davy.count() == 1)
        assert (await davy.http.post("/devices/kitchen-1/revoke")).status_code == 204

        async def evidence() -> bool:
            return "revoked-device" in [one["reason"] for one in await davy.get("/quarantine")]

        await until(evidence)
    assert davy.count() == 1
    assert (await davy.post(box.ppm(6.0))).status_code == 401


async def test_new_secrets_let_the_device_begin_anew_and_shut_the_old_ones_out(davy):
    old = await davy.add("kitchen-1")
    old.boot = 9
    assert (await davy.post(old.ppm(1.0))).status_code == 202

    papers = (await davy.http.post("/devices/kitchen-1/rotate")).json()
    new = Box(papers)

    assert (await davy.post(old.ppm(2.0))).status_code == 401
    assert (await davy.post(new.ppm(3.0))).status_code == 202
    await until(lambda: davy.count() == 2)
