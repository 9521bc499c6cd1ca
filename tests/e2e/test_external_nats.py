"""A NATS that somebody else runs, joined by URL: the same way in, the same log."""

from __future__ import annotations

from pathlib import Path

import aiomqtt
import pytest

from davy.domain.errors import BrokerError, ConfigError
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings
from tests.installation import Box, davy_in, until


async def test_a_pack_through_a_foreign_nats_is_stored_and_alarms(tmp_path: Path):
    async with Broker(BrokerSettings(data_dir=tmp_path / "theirs", mqtt_port=0)) as theirs:
        login = theirs.nats_credentials
        section = {
            "url": theirs.nats_url,
            "user": login.user,
            "password": login.password,
            "host": theirs.mqtt.host,
            "mqtt_port": theirs.mqtt.port,
        }
        async with davy_in(tmp_path, {"broker": section}) as davy:
            box: Box = await davy.add("kitchen-1")
            assert box.papers["mqtt"]["port"] == theirs.mqtt.port
            client = aiomqtt.Client(
                theirs.mqtt.host,
                theirs.mqtt.port,
                username=login.user,
                password=login.password,
                identifier="kitchen-1",
            )
            async with client:
                await client.publish(box.topic, box.ppm(300.0, 12_000.0), qos=1)

            await until(lambda: davy.count() == 2)
            assert await davy.state("kitchen-1.gas.high") == "unacked"


async def test_a_foreign_nats_that_does_not_answer_ends_the_start_in_one_line(tmp_path: Path):
    section = {"url": "nats://127.0.0.1:9", "host": "127.0.0.1", "mqtt_port": 9}
    with pytest.raises((BrokerError, ConfigError), match=r"127\.0\.0\.1:9"):
        async with davy_in(tmp_path, {"broker": section}):
            pass
