"""What can be looked at and done over HTTP, route by route."""

from __future__ import annotations

import time

import pytest

from davy.wire.senml import Sample
from tests.installation import Installation, until


async def test_places_devices_and_channels_are_told_as_they_are(davy: Installation):
    await davy.add("kitchen-1", "mq4=MQ-4:methane", "temperature", "humidity")
    await davy.add("boiler-1", "ch4=:methane", site="mill", zone="boiler", transport=True)

    assert await davy.get("/sites") == [
        {"site": "home", "zones": ["home.kitchen"], "devices": 1},
        {"site": "mill", "zones": ["mill.boiler"], "devices": 1},
    ]
    assert await davy.get("/zones") == [
        {
            "key": "home.kitchen",
            "site": "home",
            "name": "kitchen",
            "vote": {"needed": 1, "level": "high"},
            "devices": ["kitchen-1"],
            "executive": False,
        },
        {
            "key": "mill.boiler",
            "site": "mill",
            "name": "boiler",
            "vote": {"needed": 1, "level": "high"},
            "devices": ["boiler-1"],
            "executive": False,
        },
    ]
    kitchen, boiler = await davy.get("/devices")
    assert kitchen == {
        "id": "kitchen-1",
        "site": "home",
        "zone": "kitchen",
        "trust": "signed",
        "heartbeat_s": 60.0,
        "revoked": False,
        "online": None,
        "last_seen_s": None,
        "channels": ["kitchen-1.mq4", "kitchen-1.temperature", "kitchen-1.humidity"],
    }
    assert boiler["trust"] == "transport"
    channels = {one["key"]: one for one in await davy.get("/channels")}
    mq4 = channels["kitchen-1.mq4"]
    assert (mq4["unit"], mq4["gas"], mq4["part"], mq4["calibrated"]) == (
        "ppm",
        "methane",
        "MQ-4",
        False,
    )
    assert (mq4["lel_ppm"], mq4["edition"], mq4["latest"]) == (50_000.0, "US", None)
    assert [(limit["level"], limit["on"]) for limit in mq4["limits"]] == [
        ("low", 5_000.0),
        ("high", 10_000.0),
        ("high-high", 20_000.0),
        ("rise", 5_000.0),
    ]
    assert channels["boiler-1.ch4"]["calibrated"] is True
    assert channels["kitchen-1.temperature"]["lel_ppm"] is None


async def test_the_past_is_told_in_buckets_that_lose_no_reading(davy: Installation):
    box = await davy.add("kitchen-1")
    now_s = float(round(time.time()))
    values = [float(400 + second % 50) for second in range(3000)]
    for start in range(0, 3000, 1000):
        samples = (
            Sample("gas", values[second], "ppm", now_s - 3000 + second)
            for second in range(start, start + 1000)
        )
        assert (await davy.post(box.pack(*samples))).status_code == 202
    await until(lambda: davy.count() == 3000)

    for points in (2, 60, 500, 10_000):
        span = {"start": now_s - 3000, "end": now_s, "points": points}
        past = await davy.get("/channels/kitchen-1.gas/history", **span)
        assert (past["channel"], past["unit"]) == ("kitchen-1.gas", "ppm")
        assert len(past["time_s"]) <= points
        assert sum(past["count"]) == 3000
        assert min(past["min"]) == 400.0
        assert max(past["max"]) == 449.0
        total = sum(m * n for m, n in zip(past["mean"], past["count"], strict=True))
        assert total == pytest.approx(sum(values))
        assert past["time_s"] == sorted(set(past["time_s"]))
    nothing = await davy.get("/channels/kitchen-1.gas/history", start=1e9, end=1e9 + 60)
    assert nothing["time_s"] == []


ODD = [
    # method, path, body, status, a word of the sentence
    ("GET", "/channels/kitchen-1.gas/history", None, 422, "start"),
    ("GET", "/channels/kitchen-1.gas/history?start=2&end=1", None, 400, ""),
    ("GET", "/channels/kitchen-1.gas/history?start=nan&end=inf", None, 400, ""),
    ("GET", "/channels/kitchen-1.gas/history?start=0&end=9&points=1", None, 422, "points"),
    ("GET", "/channels/kitchen-1.gas/history?start=0&end=9&points=99999", None, 422, "points"),
    ("GET", "/channels/kitchen-1.argon/history?start=0&end=9", None, 404, "no such channel"),
    ("GET", "/channels/shed.gas/history?start=0&end=9", None, 404, "no such channel"),
    ("GET", "/alarms?state=angry", None, 400, "unacked"),
    ("GET", "/alarms/kitchen-1.gas.huge/transitions", None, 404, "no such alarm"),
    ("POST", "/alarms/kitchen-1.gas.huge/ack", {}, 404, "no such alarm"),
    ("POST", "/alarms/kitchen-1.gas.high/ack", {}, 409, "nothing to acknowledge"),
    ("POST", "/alarms/kitchen-1.gas.high/reset", {}, 409, "nothing to reset"),
    ("POST", "/alarms/kitchen-1.gas.high/unshelve", {}, 409, "not shelved"),
    ("POST", "/alarms/kitchen-1.gas.high/in-service", {}, 409, "in service already"),
    ("POST", "/alarms/kitchen-1.gas.high/shelve", {"for_s": -1}, 422, "for_s"),
    ("POST", "/alarms/kitchen-1.gas.high/ack", {"note": "x" * 501}, 422, "note"),
    ("POST", "/alarms/kitchen-1.gas.high/dance", {}, 404, ""),
    ("DELETE", "/alarms", None, 405, ""),
    ("GET", "/nowhere", None, 404, ""),
    ("GET", "/quarantine?limit=0", None, 422, "limit"),
    ("POST", "/devices/shed/revoke", None, 404, "no such device"),
    ("POST", "/devices/shed/rotate", None, 404, "no such device"),
    ("GET", "/devices/shed/papers", None, 404, "no such device"),
    ("POST", "/devices/kitchen-1/calibrate", {"channel": "x", "r0_ohm": 9}, 404, "no channel x"),
    ("POST", "/devices/kitchen-1/calibrate", {"channel": "gas", "r0_ohm": 0}, 422, "r0_ohm"),
    ("POST", "/devices", {"id": "x"}, 422, ""),
]


async def test_what_makes_no_sense_is_answered_with_a_problem_in_words(davy: Installation):
    await davy.add("kitchen-1")
    for method, path, body, status, word in ODD:
        reply = await davy.http.request(method, path, json=body)
        told = reply.json()
        assert reply.status_code == status, (path, reply.text)
        assert reply.headers["content-type"] == "application/problem+json", path
        assert told["status"] == status
        assert word in told["detail"], (path, told["detail"])


ODD_ORDERS = [
    ({"id": "Kitchen 1"}, 400, "letters a-z"),
    ({"site": "a.b"}, 400, "letters a-z"),
    ({"channels": []}, 400, "measures nothing"),
    ({"channels": ["mq4=MQ-4:carbon-monoxide"]}, 400, "MQ-4"),
    ({"channels": ["mq4=MQ-99:methane"]}, 404, "MQ-99"),
    ({"channels": ["gas=:unobtainium"]}, 404, "unobtainium"),
    ({"channels": ["gas=:methane", "gas=:butane"]}, 400, "two channels are called gas"),
    ({"channels": ["mq4=MQ-4:methane,load_ohm=-5"]}, 400, "load_ohm"),
    ({"heartbeat_s": 0}, 400, "heartbeat"),
    ({"id": "kitchen-1"}, 409, "rotate"),
]


async def test_a_device_that_makes_no_sense_is_refused_and_nothing_of_its_order_is_kept(davy):
    await davy.add("kitchen-1")
    good = {"id": "good", "site": "home", "zone": "kitchen", "channels": ["gas=:methane"]}
    for change, status, word in ODD_ORDERS:
        reply = await davy.http.post("/devices", json=[good, {**good, "id": "odd", **change}])
        assert reply.status_code == status, (change, reply.text)
        assert reply.headers["content-type"] == "application/problem+json"
        assert word in reply.json()["detail"], change
    assert [device["id"] for device in await davy.get("/devices")] == ["kitchen-1"]
    twins = await davy.http.post("/devices", json=[good, good])
    assert twins.status_code == 409


async def test_an_r0_that_is_set_ends_the_trouble_of_an_uncalibrated_channel(davy: Installation):
    box = await davy.add("kitchen-1", "mq4=MQ-4:methane")
    pack = box.pack(Sample("mq4", 800.0, "mV", time.time()))
    assert (await davy.post(pack)).status_code == 202

    async def uncalibrated() -> bool:
        return await davy.state("kitchen-1.mq4.uncalibrated") == "unacked"

    await until(uncalibrated)
    r0 = {"channel": "mq4", "r0_ohm": 12_000.0}
    assert (await davy.http.post("/devices/kitchen-1/calibrate", json=r0)).status_code == 204
    await davy.post(box.pack(Sample("mq4", 801.0, "mV", time.time())))

    async def calibrated() -> bool:
        return await davy.state("kitchen-1.mq4.uncalibrated") == "normal"

    await until(calibrated)
    assert (await davy.get("/channels"))[0]["calibrated"] is True
    assert (await davy.get("/audit"))[0]["action"] == "device calibrate"


async def test_everything_that_people_do_stands_in_the_audit_trail(davy: Installation):
    box = await davy.add("kitchen-1")
    await davy.post(box.ppm(20_000.0))
    await davy.act("kitchen-1.gas.high", "ack", note="on my way")
    await davy.http.post("/devices/kitchen-1/rotate")
    await davy.http.post("/devices/kitchen-1/revoke")

    rows = await davy.get("/audit")
    assert [(row["who"], row["action"], row["what"]) for row in reversed(rows)] == [
        ("local", "device add", "kitchen-1"),
        ("local", "alarm ack", "kitchen-1.gas.high"),
        ("local", "device rotate", "kitchen-1"),
        ("local", "device revoke", "kitchen-1"),
    ]
    assert rows[2]["detail"] == "on my way"
    with davy.read() as store:
        assert store.audit_verify() is None


async def test_probes_tell_whether_readings_can_be_taken(davy: Installation):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await davy.http.get(davy.url + path)).status_code == 200
    davy.running.station.health.tell("store", "it is full")
    ready = await davy.http.get(f"{davy.url}/readyz")
    assert (ready.status_code, ready.json()["detail"]) == (503, "store: it is full")
    assert (await davy.get("/health"))["status"] == "trouble"
    assert 'davy_trouble{what="store"} 1.0' in (await davy.http.get(f"{davy.url}/metrics")).text


async def test_the_page_is_served_with_a_policy_that_lets_no_foreign_script_in(davy: Installation):
    page = await davy.http.get(f"{davy.url}/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
