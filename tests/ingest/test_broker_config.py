"""What nats-server is told, as data: it must not be possible to say more than was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from davy.domain.errors import ConfigError
from davy.ingest.nats_config import BrokerSettings, BrokerUser, address, config_text

SETTINGS = BrokerSettings(data_dir=Path("/var/lib/davy/nats"))
KITCHEN = BrokerUser(site="home", device="kitchen-1", token="kitchen-token")


def told(settings: BrokerSettings, *users: BrokerUser) -> dict:
    text = config_text(settings, users, mqtt_port=1883, nats_port=4222, password="own-password")
    return json.loads(text)


def test_a_device_may_publish_three_subjects_and_hear_one():
    _, kitchen = told(SETTINGS, KITCHEN)["authorization"]["users"]

    assert kitchen["permissions"] == {
        "publish": {
            "allow": [f"davy.v1.home.kitchen-1.{leaf}" for leaf in ("readings", "frames", "status")]
        },
        "subscribe": {"allow": ["davy.v1.home.kitchen-1.command"]},
    }
    assert kitchen["allowed_connection_types"] == ["MQTT", "MQTT_WS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", "kitchen.1"),
        ("device", "*"),
        ("device", ">"),
        ("device", 'x"'),
        ("device", "_davy"),
        ("device", ""),
        ("device", "a" * 65),
        ("site", "home.other"),
        ("token", "short"),
        ("token", "$2a$11$3kIDaCxw.Glsl1.u5nKa6eUnNDLV5HV9tIuUp7EHhMt6Nm9myW1aS"),
        ("token", 'quoted"token'),
        ("token", "line\nbreak"),
    ],
)
def test_a_name_or_token_that_could_mean_more_is_refused(name, value):
    with pytest.raises(ConfigError, match="broker user"):
        BrokerUser(**{"site": "home", "device": "kitchen-1", "token": "kitchen-token", name: value})


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(ConfigError, match="belong together"):
        BrokerSettings(data_dir=Path(), certificate=Path("cert.pem"))


@pytest.mark.parametrize(("seconds", "word"), [(0, "always"), (0.5, "0.5s"), (120, "120s")])
def test_how_much_a_power_cut_may_cost_is_told_in_the_server_s_words(seconds, word):
    settings = BrokerSettings(data_dir=Path(), sync_interval_s=seconds)

    assert told(settings)["jetstream"]["sync_interval"] == word


@pytest.mark.parametrize(
    ("host", "written"), [("127.0.0.1", "127.0.0.1:1883"), ("::1", "[::1]:1883")]
)
def test_an_address_is_written_so_that_its_port_can_be_told_apart(host, written):
    assert address(host, 1883) == written
