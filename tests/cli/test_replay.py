"""`davy replay`: a recording judged by itself, and played into a running Davy."""

from __future__ import annotations

import pytest

from davy.store import Sqlite
from tests.cli.commands import davy, soon

START_S = 1_785_499_200.0  # 2026-07-31T12:00:00Z


@pytest.fixture
def leak(tmp_path):
    """Two minutes of an instrument that speaks ppm: clean, then 12 %LEL, then clean."""
    file = tmp_path / "leak.csv"
    values = [100.0] * 60 + [6000.0] * 30 + [100.0] * 30
    rows = [f"{START_S + second},{value}" for second, value in enumerate(values)]
    file.write_text("\n".join(["time,gas", *rows]) + "\n")
    return file


def test_offline_the_alarm_is_raised_in_the_recordings_own_time(leak, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    told = davy("replay", leak, "--channel", "gas=:methane", "--offline", "--json").json

    low = next(alarm for alarm in told["alarms"] if alarm["level"] == "low")
    assert told["readings"] == 120
    assert told["suspicions"] == []
    assert told["seconds"] > 0
    assert low == {
        "device": "leak",
        "channel": "gas",
        "kind": "gas",
        "level": "low",
        "raised_at": START_S + 60,
        "value": 6000.0,
        "unit": "ppm",
        "state": "rtn_unacked",
    }
    assert not (tmp_path / "data").exists()


def test_offline_the_limits_of_the_configuration_count(leak, tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text("[limits.gases.methane]\nlow_lel = 15\nrise_lel = 50\n")

    told = davy("replay", leak, "--channel", "gas=:methane", "--offline", "--json", "-c", path)

    assert told.json["alarms"] == []


def test_offline_a_table_for_people_names_the_zone(leak, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leak.write_text(leak.read_text().replace("6000.0", "30000.0"))

    told = davy("replay", leak, "--channel", "gas=:methane", "--offline", "--zone", "lab")

    assert "replay.lab.executive" in told.out
    assert "120 readings judged" in told.out


def test_live_every_reading_is_acknowledged_and_stored_once(serving, leak):
    told = serving.davy("replay", leak, "--channel", "gas=:methane", "--json")

    assert told.json["readings"] == 120
    assert told.json["devices"] == ["leak"]

    def stored() -> int:
        with Sqlite(serving.folder / "data" / "davy.db", read_only=True) as store:
            return store.count()

    soon(lambda: stored() >= 120)
    assert stored() == 120


def test_live_a_device_that_is_there_with_other_channels_is_not_touched(serving, leak):
    add = ("device", "add", "leak2", "--site", "s", "--zone", "z", "--channel", "temperature")
    serving.davy(*add)
    other = leak.rename(leak.with_name("leak2.csv"))

    told = serving.davy("replay", other, "--channel", "gas=:methane")

    assert told.status == 2
    assert "device leak2 is there already, without the channel gas; " in told.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:1883", "mqtt://:99999", "localhost"])
def test_an_address_that_is_none_is_refused(serving, leak, url):
    told = serving.davy("replay", leak, "--channel", "gas=:methane", "--url", url)

    assert (told.status, told.err.startswith(f"davy: --url {url}: write mqtt://")) == (2, True)
