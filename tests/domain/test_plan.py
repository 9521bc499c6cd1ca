"""A plan grows at its ends, and everything in it can be found by the name that people use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from davy.domain.plan import Plan
from davy.domain.site import Zone
from tests.laws.plans import meter, nose, plan_of


def test_everything_is_found_by_its_name():
    plan = plan_of(nose(0, 0), meter(1, 4))

    assert plan.device_by_id["meter-1"].index == 1
    assert plan.zone_by_key["home.kitchen"].index == 0
    assert plan.point_by_key["nose-0.mq4.low"].channel == 0
    assert [channel.key for channel in plan.channels if channel] == [
        "nose-0.mq4",
        "nose-0.mq7",
        "nose-0.temperature",
        "nose-0.humidity",
        "meter-1.gas",
    ]


def test_an_id_that_belongs_to_nobody_is_a_hole_and_not_another_channel():
    plan = Plan().with_devices(meter(0, 3))

    assert plan.channel_count == 4
    assert plan.channels[:3] == (None, None, None)


def test_a_new_device_leaves_the_old_plan_as_it_was():
    short = plan_of(meter(0, 0))

    longer = short.with_devices(meter(1, 1))

    assert (len(short.devices), len(longer.devices)) == (1, 2)
    assert (short.channel_count, longer.channel_count) == (1, 2)


def test_a_device_that_is_added_again_replaces_itself():
    plan = plan_of(meter(0, 0), meter(1, 1))

    changed = plan.with_devices(replace(meter(0, 0), heartbeat_s=5.0))

    assert [device.heartbeat_s for device in changed.devices] == [5.0, 60.0]
    assert changed.channel_count == 2


def test_a_device_that_loses_a_channel_does_not_give_its_id_away():
    plan = plan_of(nose(0, 0))
    fewer = replace(plan.devices[0], channels=plan.devices[0].channels[:1])

    changed = plan.with_devices(fewer)

    assert changed.channel_count == 4
    assert changed.channels[1:] == (None, None, None)


def test_devices_may_come_in_any_order():
    plan = Plan().with_devices(meter(1, 1), meter(0, 0))

    assert [device.index for device in plan.devices] == [0, 1]


def test_an_index_that_leaves_a_hole_is_refused():
    with pytest.raises(ValueError, match="index 2 leaves a hole after -1"):
        Plan().with_zones(Zone(index=2, site="home", name="attic"))
