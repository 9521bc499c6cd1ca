"""What somebody asks for when a device is added: `NAME[=PART:GAS[,setting=value…]]`."""

from __future__ import annotations

import pytest

from davy.domain.errors import DavyError, InputError
from davy.domain.site import Quantity, Trust
from davy.service.papers import DeviceOrder, channel_of, new_secret, sender_of

GOOD = [
    # spec, quantity, part, gas
    ("temperature", Quantity.TEMPERATURE, None, None),
    ("humidity", Quantity.HUMIDITY, None, None),
    ("door", Quantity.COUNT, None, None),
    ("ch4=:methane", Quantity.GAS, None, "methane"),
    ("mq4=MQ-4:methane", Quantity.GAS, "MQ-4", "methane"),
    ("mq4=mq-4:methane", Quantity.GAS, "MQ-4", "methane"),
    ("air=DHT11:temperature", Quantity.TEMPERATURE, None, None),
    ("damp=DHT11:humidity", Quantity.HUMIDITY, None, None),
    ("mq7=MQ-7:carbon-monoxide", Quantity.GAS, "MQ-7", "carbon-monoxide"),
]


@pytest.mark.parametrize(("spec", "quantity", "part", "gas"), GOOD)
def test_a_channel_is_what_its_words_say(spec, quantity, part, gas):
    channel = channel_of("kitchen-1", spec, 7)
    assert (channel.id, channel.device, channel.name) == (7, "kitchen-1", spec.partition("=")[0])
    assert (channel.quantity, channel.part, channel.gas) == (quantity, part, gas)


def test_settings_belong_to_the_channel():
    spec = "mq4=MQ-4:methane,load_ohm=1000,supply_mv=4900,r0_ohm=12000,divider=0.5"
    channel = channel_of("kitchen-1", spec, 0)
    assert (channel.load_ohm, channel.supply_mv, channel.r0_ohm, channel.divider) == (
        1000.0,
        4900.0,
        12_000.0,
        0.5,
    )


def test_carbon_monoxide_on_a_film_whose_heater_is_not_cycled_is_uncertified():
    assert channel_of("k", "mq7=MQ-7:carbon-monoxide", 0).uncertified
    assert not channel_of("k", "co=:carbon-monoxide", 0).uncertified
    assert not channel_of("k", "mq4=MQ-4:methane", 0).uncertified


BAD = [
    ("", "cannot be read"),
    ("=MQ-4:methane", "cannot be read"),
    ("MQ4=MQ-4:methane", "letters a-z"),
    ("mq4=MQ-4", "needs its target gas"),
    ("mq4=MQ-4:temperature", "needs its target gas"),
    ("mq4=MQ-4:carbon-monoxide", "cannot see"),
    ("mq4=MQ-99:methane", "MQ-99"),
    ("t=DHT11:methane", "sees no gas"),
    ("gas=:phlogiston", "phlogiston"),
    ("mq4=MQ-4:methane,load_ohm", "load_ohm"),
    ("mq4=MQ-4:methane,load_ohm=nan", "load_ohm"),
    ("mq4=MQ-4:methane,load_ohm=0", "load_ohm"),
    ("mq4=MQ-4:methane,colour=3", "colour"),
]


@pytest.mark.parametrize(("spec", "word"), BAD)
def test_a_channel_that_makes_no_sense_is_refused_in_words(spec, word):
    with pytest.raises(DavyError, match=word):
        channel_of("kitchen-1", spec, 0)


def order(**changes: object) -> DeviceOrder:
    words = {"id": "k", "site": "home", "zone": "kitchen", "channels": ("gas=:methane",)}
    return DeviceOrder(**(words | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"id": "K"}, "device 'K'"),
        ({"id": "x" * 65}, "letters a-z"),
        ({"site": ""}, "site ''"),
        ({"zone": "a b"}, "zone 'a b'"),
        ({"channels": ()}, "measures nothing"),
        ({"heartbeat_s": 0.0}, "heartbeat"),
        ({"heartbeat_s": float("inf")}, "heartbeat"),
        ({"heartbeat_s": float("nan")}, "heartbeat"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_words(changes, word):
    with pytest.raises(InputError, match=word):
        order(**changes).check()


def test_two_channels_of_one_name_are_refused():
    with pytest.raises(InputError, match="two channels are called gas"):
        order(channels=("gas=:methane", "gas=:butane")).drawn(0, 0)


def test_a_signed_device_has_a_key_of_its_own_and_a_transport_device_has_none():
    assert len(new_secret(Trust.SIGNED).key or b"") == 32
    assert new_secret(Trust.TRANSPORT).key is None
    assert new_secret(Trust.SIGNED).token != new_secret(Trust.SIGNED).token


def test_a_film_may_speak_millivolt_and_an_instrument_only_its_own_unit():
    device = order(channels=("mq4=MQ-4:methane", "ch4=:methane", "temperature")).drawn(3, 10)
    sender = sender_of(device, new_secret(Trust.SIGNED))
    assert {name: (key.id, key.unit, set(key.units)) for name, key in sender.channels.items()} == {
        "mq4": (10, "mV", {"mV", "Ohm", "/", "ppm"}),
        "ch4": (11, "ppm", {"ppm"}),
        "temperature": (12, "Cel", {"Cel"}),
    }
