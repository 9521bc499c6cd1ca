"""Devices come, change and go; limits and votes follow the configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from davy.domain.errors import Conflict, InputError, UnknownName
from davy.domain.limits import Limits, Rule
from davy.domain.site import Trust, Vote
from davy.service.enrolment import Enrolment, broker_users, channel_in, directory_of
from davy.service.papers import DeviceOrder
from davy.store import Memory


def order(id: str, *channels: str, zone: str = "kitchen", **more: object) -> DeviceOrder:
    return DeviceOrder(
        id=id,
        site="home",
        zone=zone,
        channels=channels or ("gas=:methane",),
        **more,  # type: ignore[arg-type]
    )


def enrolment(store: Memory | None = None, needed: int = 1, **limits: object) -> Enrolment:
    votes = {"home.kitchen": Vote(needed=needed)}
    return Enrolment(store or Memory(), Limits(**limits), votes)  # type: ignore[arg-type]


def test_a_device_gets_permanent_numbers_and_all_its_alarms():
    registry = enrolment()
    registry.add([order("one"), order("two", "gas=:methane", "temperature")])
    plan = registry.registered().plan
    assert [device.index for device in plan.devices] == [0, 1]
    assert [channel.key for channel in plan.channels if channel] == [
        "one.gas",
        "two.gas",
        "two.temperature",
    ]
    assert [point.index for point in plan.points] == list(range(len(plan.points)))
    assert {"home.kitchen.executive", "one.silent", "one.gas.high", "two.temperature.rise"} <= (
        plan.point_by_key.keys()
    )


def test_a_name_that_is_taken_is_refused_and_nothing_of_the_order_is_kept():
    registry = enrolment()
    registry.add([order("one")])
    for orders in ([order("two"), order("one")], [order("two"), order("two")]):
        with pytest.raises(Conflict, match="there is one already"):
            registry.add(orders)
    assert [device.id for device in registry.registered().devices] == ["one"]


def test_new_secrets_replace_the_old_and_bring_a_revoked_device_back():
    registry = enrolment()
    registry.add([order("one"), order("meter", trust=Trust.TRANSPORT)])
    before = registry.registered().secrets
    registry.rotate("one")
    registry.rotate("meter")
    after = registry.registered().secrets
    assert after["one"].key != before["one"].key
    assert after["one"].token != before["one"].token
    assert after["meter"].key is None
    with pytest.raises(UnknownName, match="no such device"):
        registry.rotate("shed")


def test_a_revoked_device_may_not_connect_and_is_known_as_revoked_at_the_gate():
    registry = enrolment()
    registry.add([order("one"), order("two")])
    registry.change(replace(registry.device("one"), revoked=True))
    known = registry.registered()
    assert [user.device for user in broker_users(known)] == ["two"]
    assert directory_of(known).senders["one"].revoked


def test_a_quorum_larger_than_its_group_is_refused_in_words():
    store = Memory()
    enrolment(store).add([order("one"), order("two")])
    with pytest.raises(InputError, match=r"3 of 2 channels can never agree; lower it to 2"):
        enrolment(store, needed=3).renew_limits()
    assert enrolment(store, needed=2).renew_limits().zones[0].vote.needed == 2


def test_limits_follow_the_configuration_and_alarms_keep_their_numbers():
    store = Memory()
    enrolment(store).add([order("one")])
    before = {point.key: point for point in store.points()}
    strict = {"methane": (Rule(level="low", on=5, unit="%LEL"),)}
    renewed = enrolment(store, rules=strict).renew_limits()
    after = {point.key: point for point in store.points()}
    assert renewed.points == tuple(store.points())
    assert [key for key in after if after[key] != before[key]] == ["one.gas.low"]
    assert after["one.gas.low"].setpoint.on == 2500.0
    assert {key: point.index for key, point in after.items()} == {
        key: point.index for key, point in before.items()
    }
    assert enrolment(store, rules=strict).renew_limits() == renewed


def test_a_channel_is_found_by_name_or_the_others_are_listed():
    registry = enrolment()
    registry.add([order("one", "gas=:methane", "humidity")])
    assert channel_in(registry.device("one"), "humidity").key == "one.humidity"
    with pytest.raises(UnknownName, match="it has gas, humidity"):
        channel_in(registry.device("one"), "mq4")
