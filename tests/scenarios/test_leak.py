"""Stories of a leak, from the film of a sensor to the valve, over the real broker."""

from __future__ import annotations

import time

import aiomqtt
import pytest

from davy.domain.errors import InputError
from davy.sensing.chain import mv_for_ppm
from davy.wire.senml import Sample
from tests.installation import Box, Installation, davy_in, until

R0_OHM = 12_000.0
WEATHER = (31.0, 40.0)
"""A warm, dry kitchen: far from the datasheet's 20 °C and 65 %RH."""


def nose(box: Box, ppm: float) -> bytes:
    """One sample of a board with an MQ-4 in this much methane, and a weather sensor."""
    mv = mv_for_ppm(
        "MQ-4", "methane", ppm, r0_ohm=R0_OHM, temperature_c=WEATHER[0], humidity=WEATHER[1]
    )
    now_s = round(time.time(), 3)
    return box.pack(
        Sample("temperature", WEATHER[0], "Cel", now_s),
        Sample("humidity", WEATHER[1], "%RH", now_s),
        Sample("mq4", round(float(mv), 1), "mV", now_s),
    )


async def state_is(davy: Installation, alarm: str, state: str) -> None:
    async def reached() -> bool:
        return await davy.state(alarm) == state

    await until(reached)


async def test_a_leak_rises_through_its_alarms_is_answered_falls_and_is_reset(davy: Installation):
    spec = f"mq4=MQ-4:methane,r0_ohm={R0_OHM:g}"
    box = await davy.add("kitchen-1", spec, "temperature", "humidity")
    async with davy.live() as watch, box.mqtt() as device:
        for ppm in (100.0, 1_000.0, 4_000.0, 6_500.0, 8_000.0, 12_000.0):
            await device.publish(box.topic, nose(box, ppm), qos=1)
        await until(lambda: "kitchen-1.mq4.over-range" in [id for id, _, _ in watch.alarms])
        rises = [one for one in watch.of("alarm") if one["event"] == "rise"]
        # 12,000 ppm is more than an MQ-4 can tell from any higher amount: it counts as the worst.
        assert [one["id"] for one in rises if one["kind"] == "gas" and one["level"] != "rise"] == [
            "kitchen-1.mq4.low",
            "kitchen-1.mq4.high",
            "home.kitchen.executive",
            "kitchen-1.mq4.high-high",
        ]
        assert rises[1]["value"] == pytest.approx(6_500.0, rel=0.01)
        newest = await davy.latest("kitchen-1.mq4")
        assert (newest["value"], newest["percent_lel"]) == (10_000.0, 20.0)
        assert "above-curve" in newest["flags"]
        (zone,) = await davy.get("/zones")
        assert zone["executive"] is True

        high = "kitchen-1.mq4.high"
        assert "still stands" in (await davy.act(high, "reset")).json()["detail"]
        assert (await davy.act(high, "ack", note="airing")).json()["state"] == "acked"
        await device.publish(box.topic, nose(box, 300.0), qos=1)
        await state_is(davy, high, "latched")
        await state_is(davy, "kitchen-1.mq4.low", "rtn_unacked")
        assert (
            "acknowledge it first"
            in (await davy.act("kitchen-1.mq4.low", "reset")).json()["detail"]
        )
        assert (await davy.act(high, "reset")).json()["state"] == "normal"
        others = ("kitchen-1.mq4.low", "kitchen-1.mq4.high-high", "kitchen-1.mq4.rise")
        for alarm in (*others, "home.kitchen.executive"):
            await davy.act(alarm, "ack")
            assert (await davy.act(alarm, "reset")).json()["state"] == "normal", alarm

    (zone,) = await davy.get("/zones")
    assert zone["executive"] is False
    story = [one["event"] for one in await davy.get(f"/alarms/{high}/transitions")]
    assert story == ["reset", "fall", "ack", "rise"]


async def test_two_must_agree_before_the_valve_moves_and_one_is_enough_to_be_told(tmp_path):
    votes = {'zones."home.kitchen"': {"needed": 2, "level": "high"}}
    async with davy_in(tmp_path, votes) as davy:
        one, two = await davy.add("one"), await davy.add("two")
        await davy.post(two.ppm(100.0))
        await davy.post(one.ppm(20_000.0))
        await state_is(davy, "one.gas.high", "unacked")
        assert await davy.state("home.kitchen.executive") == "normal"
        await davy.post(two.ppm(10_500.0))
        await state_is(davy, "home.kitchen.executive", "unacked")


async def test_a_voter_that_is_silent_does_not_make_the_zone_harder_to_save(tmp_path):
    votes = {'zones."home.kitchen"': {"needed": 2, "level": "high"}}
    async with davy_in(tmp_path, votes) as davy:
        one, two = await davy.add("one"), await davy.add("two", heartbeat_s=1.0)
        await davy.post(two.ppm(100.0))
        await state_is(davy, "two.silent", "unacked")
        await davy.post(one.ppm(20_000.0))
        await state_is(davy, "home.kitchen.executive", "unacked")


async def test_a_device_that_says_nothing_for_its_heartbeat_is_trouble_until_it_speaks(davy):
    box = await davy.add("kitchen-1", heartbeat_s=1.0)
    await davy.post(box.ppm(1.0))
    await state_is(davy, "kitchen-1.silent", "unacked")
    (alarm,) = await davy.get("/alarms")
    assert (alarm["kind"], alarm["latching"], alarm["unit"]) == ("trouble", False, "s")
    assert 1.0 < alarm["value"] < 4.0
    await davy.post(box.ppm(1.0))
    await state_is(davy, "kitchen-1.silent", "normal")


async def test_a_device_whose_connection_breaks_is_trouble_at_once_by_its_last_will(davy):
    box = await davy.add("kitchen-1", heartbeat_s=3600.0)
    await davy.post(box.ppm(1.0))
    will = {"topic": "davy/v1/home/kitchen-1/status", "payload": b'{"state":"offline"}', "qos": 1}
    async with box.mqtt(will=aiomqtt.Will(**will, retain=True)) as device:
        await device.publish(box.topic, box.ppm(2.0), qos=1)
        device._client._sock_close()  # the cable is pulled: no DISCONNECT
        await state_is(davy, "kitchen-1.silent", "unacked")
        device._disconnected.cancel()


async def test_a_shelved_alarm_is_announced_anew_when_its_time_is_over(davy: Installation):
    box = await davy.add("kitchen-1")
    await davy.post(box.ppm(20_000.0))
    await state_is(davy, "kitchen-1.gas.high", "unacked")
    shelved = await davy.act("kitchen-1.gas.high", "shelve", for_s=1.5, note="bump test")
    assert shelved.json()["state"] == "shelved"
    assert shelved.json()["shelved_until"] == pytest.approx(time.time() + 1.5, abs=1.0)
    assert await davy.state("kitchen-1.gas.low") == "unacked", "shelving one hides no other"
    await state_is(davy, "kitchen-1.gas.high", "unacked")


async def test_a_quorum_that_can_never_be_reached_stops_the_start_in_words(tmp_path):
    async with davy_in(tmp_path) as davy:
        await davy.add("one")
    with pytest.raises(InputError, match=r'\[zones."home.kitchen"\] needed: 3 of 1 channels'):
        async with davy_in(tmp_path, {'zones."home.kitchen"': {"needed": 3}}):
            pass
