"""`/live`: what watchers are told, in which shape, and that nothing is missed on the way back."""

from __future__ import annotations

import asyncio
import json
import socket
from urllib.parse import urlsplit

import httpx

from tests.installation import Installation, until

ALARM_FIELDS = {
    "id", "kind", "level", "site", "zone", "device", "channel", "state", "active", "raised_at",
    "changed_at", "value", "unit", "setpoint", "latching", "uncertified", "unverified",
    "backfilled", "shelved_until", "by", "note",
}  # fmt: skip


async def test_each_kind_of_event_has_the_documented_shape(davy: Installation):
    box = await davy.add("kitchen-1", heartbeat_s=1.0)
    async with davy.live() as watch:
        await davy.post(box.ppm(12_000.0))
        await until(lambda: watch.readings and watch.alarms)
        await until(lambda: watch.of("device"), 5)
        davy.running.station.health.tell("disk", "only 3 MiB are free")
        await until(lambda: watch.of("health"))

    key, time_s, value, percent_lel, flags, suspicion = watch.readings[0]
    assert (key, value, percent_lel, flags, suspicion) == ("kitchen-1.gas", 12_000.0, 24.0, [], 0.0)
    assert isinstance(time_s, float)
    high = next(one for one in watch.of("alarm") if one["id"] == "kitchen-1.gas.high")
    assert high.keys() == ALARM_FIELDS | {"event", "at_s"}
    assert (high["event"], high["state"], high["value"], high["unit"], high["setpoint"]) == (
        "rise", "unacked", 12_000.0, "ppm", 10_000.0,
    )  # fmt: skip
    (device,) = watch.of("device")
    assert device["id"] == "kitchen-1"
    assert device["online"] is False
    assert device["last_seen_s"] is not None
    (health,) = watch.of("health")
    assert health.keys() == {"status", "troubles", "readings_per_s", "lag_s", "version"}
    assert health["status"] == "trouble"
    assert [(one["what"], one["detail"]) for one in health["troubles"]] == [
        ("disk", "only 3 MiB are free")
    ]
    numbers = [int(one.id) for one in watch.news]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_watcher_that_comes_back_is_given_what_it_missed_and_nothing_twice(davy):
    box = await davy.add("kitchen-1")
    async with davy.live() as first:
        await davy.post(box.ppm(1.0))
        await until(lambda: first.readings)
    for value in (2.0, 3.0):
        await davy.post(box.ppm(value))
        await until(lambda value=value: davy.count() == value)
    async with davy.live(after=first.news[-1].id) as second:
        await davy.post(box.ppm(4.0))
        await until(lambda: len(second.readings) == 3)

    assert [row[2] for row in first.readings + second.readings] == [1.0, 2.0, 3.0, 4.0]
    assert second.of("reset") == []


async def test_a_number_that_is_no_longer_at_hand_is_answered_with_a_reset(davy: Installation):
    for odd in ("1", "99999999999999999", "9" * 5000, "kitchen", "-3"):
        async with davy.live(after=odd) as watch:
            assert watch.status == 200
            await until(lambda watch=watch: watch.news)
        assert (watch.news[0].kind, watch.news[0].data) == ("reset", {})


async def test_a_watcher_without_a_session_is_turned_away(davy: Installation):
    async with httpx.AsyncClient() as nobody:
        reply = await nobody.get(f"{davy.url}/api/v1/live")
    assert reply.status_code == 401
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_watcher_that_does_not_read_slows_nobody_down(davy: Installation):
    box = await davy.add("kitchen-1", "gas=:methane", "a", "b", "c")
    with socket.create_connection(("127.0.0.1", urlsplit(davy.url).port or 0)) as deaf:
        deaf.sendall(
            b"GET /api/v1/live HTTP/1.1\r\nHost: davy\r\n"
            b"Authorization: Bearer %b\r\n\r\n" % davy.program_token.encode()
        )
        async with davy.live() as watch:
            await until(lambda: davy.running.station.hub.watchers == 2)
            for _ in range(200):  # more than any buffer between here and there holds
                davy.running.station.hub.publish("health", {"detail": "x" * 50_000})
                await asyncio.sleep(0)
            await davy.post(box.ppm(20_000.0))
            await until(lambda: ("kitchen-1.gas.high", "rise", "unacked") in watch.alarms)
    await until(lambda: davy.running.station.hub.watchers == 0)


async def test_many_watchers_hear_the_same(davy: Installation):
    box = await davy.add("kitchen-1")
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(first_reading(davy)) for _ in range(20)]
        await until(lambda: davy.running.station.hub.watchers == 20)
        await davy.post(box.ppm(7.0))
    assert {json.dumps(one.result()) for one in told} == {json.dumps(told[0].result())}


async def first_reading(davy: Installation) -> list[object]:
    async with davy.live() as watch:
        await until(lambda: watch.readings)
    return watch.readings[0]
