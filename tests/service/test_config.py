"""`davy.toml`: defaults, the environment above it, and one line for each kind of mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from davy.domain.errors import ConfigError
from davy.service.config import load

CURE = "; correct it or leave it out"
MISTAKES = [
    ("not TOML", "[server\nport=1", "not TOML: "),
    ("half a character", b"[server]\nhost='\xc3'", "not TOML: "),
    ("an unknown key", "[server]\nprot = 1", "[server] prot: no such key; "),
    ("an unknown table", "[sevrer]\nport = 1", "[sevrer]: no such key; "),
    ("a port too large", "[server]\nport = 70000", "[server] port: 70000: "),
    ("a port in words", '[server]\nport = "http"', "[server] port: 'http': "),
    ("a table as a value", "server = 3", "[server]: 3: "),
    ("a negative time", "[pipeline]\nlate_s = -1", "[pipeline] late_s: -1: "),
    ("no time", "[pipeline]\nsnapshot_s = 0", "[pipeline] snapshot_s: 0: "),
    ("a log too small", "[log]\nkeep_mib = 1", "[log] keep_mib: 1: "),
    ("no partitions", "[log]\npartitions = 0", "[log] partitions: 0: "),
    ("an unknown word", '[store]\nsynchronous = "maybe"', "[store] synchronous: 'maybe': "),
    ("an unknown edition", '[limits]\nedition = "mars"', "[limits] edition: 'mars': "),
    ("a key alone", '[broker]\nkey = "k.pem"', "[broker] certificate: TLS needs "),
    ("a certificate alone", '[broker]\ncertificate = "c.pem"', "[broker] key: TLS needs "),
    ("an unknown gas", "[limits.gases.argonite]\nlow_ppm = 1", "[limits] gases: "),
    ("over 100 %LEL", "[limits.gases.methane]\nlow_lel = 120", "[limits.gases.methane] low_lel: "),
    (
        "low above high",
        "[limits.gases.methane]\nlow_lel = 45",
        "[limits.gases.methane]: limits of methane: low is 45 %LEL, not below high 20; ",
    ),
    (
        "two units",
        "[limits.gases.methane]\nlow_lel = 5\nlow_ppm = 1000",
        "[limits.gases.methane] low: given in two units; ",
    ),
    (
        "%LEL of what cannot burn",
        "[limits.gases.carbon-dioxide]\nhigh_lel = 10",
        "[limits.gases.carbon-dioxide]: ",
    ),
    ("a zone without a site", "[zones.kitchen]\nneeded = 2", "[zones]: "),
    ("a quorum of none", '[zones."home.kitchen"]\nneeded = 0', "[zones.home.kitchen] needed: 0: "),
    (
        "a level that nobody votes on",
        '[zones."home.kitchen"]\nlevel = "rise"',
        "[zones.home.kitchen] level: 'rise': ",
    ),
]


@pytest.mark.parametrize(("text", "line"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_told_in_one_line_with_file_table_key_and_cure(tmp_path, text, line):
    path = tmp_path / "davy.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigError) as told:
        load(path)

    (sentence,) = str(told.value).splitlines()
    assert sentence.startswith(f"{path} {line}" if line.startswith("[") else f"{path}: {line}")
    assert re.search("; |: give ", sentence), "it says what to do"


def test_several_mistakes_are_told_together(tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text("[server]\nport = -1\n[log]\nkeep_days = 0\n[store]\nraw_dayz = 3\n")
    with pytest.raises(ConfigError) as told:
        load(path)
    assert [line.split("] ")[1].split(":")[0] for line in str(told.value).splitlines()] == [
        "port",
        "keep_days",
        "raw_dayz",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"davy.toml: cannot be read .*; `davy init` writes one"):
        load(tmp_path / "davy.toml")


def test_without_a_file_everything_has_a_default_and_nothing_listens_to_the_world():
    config = load(None)
    assert (config.server.host, config.broker.host) == ("127.0.0.1", "127.0.0.1")
    assert config.store.synchronous == "normal"


def test_paths_are_meant_from_the_folder_of_the_file(tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text('[data]\ndir = "here"\n[broker]\nbinary = "/opt/nats-server"\n')
    config = load(path)
    assert config.data.dir == tmp_path / "here"
    assert config.broker.binary == Path("/opt/nats-server")


def test_the_environment_stands_above_dotenv_and_dotenv_above_the_file(tmp_path, monkeypatch):
    path = tmp_path / "davy.toml"
    path.write_text("[server]\nport = 1\n[broker]\nmqtt_port = 1\n[log]\nkeep_mib = 100\n")
    (tmp_path / ".env").write_text("DAVY_SERVER__PORT=2\nDAVY_BROKER__MQTT_PORT=2\n")
    monkeypatch.setenv("DAVY_SERVER__PORT", "3")
    config = load(path)
    assert (config.server.port, config.broker.mqtt_port, config.log.keep_mib) == (3, 2, 100)


def test_a_wrong_variable_is_told_by_its_key(monkeypatch):
    monkeypatch.setenv("DAVY_SERVER__PORT", "many")
    with pytest.raises(ConfigError, match=r"environment \[server\] port: 'many': "):
        load(None)


def test_own_limits_reach_the_domain_with_their_deadband(tmp_path):
    path = tmp_path / "davy.toml"
    path.write_text("[limits.gases.methane]\nlow_lel = 5\ndeadband_percent = 20\non_delay_s = 3\n")
    (rule,) = load(path).site_limits().rules["methane"]
    assert (rule.level, rule.on, rule.unit, rule.deadband, rule.on_delay_s) == (
        "low",
        5.0,
        "%LEL",
        1.0,
        3.0,
    )
