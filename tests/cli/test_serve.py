"""`davy serve`: it says where it is, is found by the other commands, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.commands import Serving, davy, servers_of, soon

ADD = ("device", "add", "--site", "home", "--zone", "kitchen", "--channel", "gas=:methane")


@pytest.fixture
def fresh(tmp_path):
    serving = Serving(tmp_path)
    yield serving
    if serving.process is not None and serving.process.poll() is None:
        serving.end(signal.SIGKILL)


def test_the_run_file_leads_to_the_server_and_is_for_its_user_alone(serving):
    note = serving.note()

    assert set(note) == {"api", "mqtt", "nats", "pid", "token"}
    assert serving.run_file.stat().st_mode & 0o777 == 0o600
    headers = {"Authorization": f"Bearer {note['token']}"}
    me = httpx.get(f"{note['api']}/api/v1/me", headers=headers)
    assert me.json() == {"name": "local", "role": "admin"}


def test_a_second_server_on_the_same_data_is_refused(serving):
    told = serving.davy("serve")

    assert told.status == 2
    assert f"a Davy runs there already, at {serving.note()['api']}" in told.err
    assert told.err.count("\n") == 1


def test_commands_change_the_running_server(serving):
    papers = serving.davy(*ADD, "k1", "--json").json
    serving.davy("device", "calibrate", "k1", "gas", "--r0-ohm", "1000")
    serving.davy("device", "revoke", "k1")
    rotated = serving.davy("device", "rotate", "k1", "--json").json

    assert papers["mqtt"]["port"] == serving.note()["mqtt"]["port"]
    assert set(papers) == set(rotated)
    assert papers["token"] != rotated["token"]
    done = [row["action"] for row in serving.davy("audit", "list", "--json").json]
    assert done == ["device rotate", "device revoke", "device calibrate", "device add"]


def test_what_the_server_refuses_is_told_in_its_words(serving):
    serving.davy(*ADD, "twice")

    told = serving.davy(*ADD, "twice")

    assert told.status == 2
    assert told.err.startswith("davy: device twice: there is one already; choose another name")


def test_people_come_and_go_while_it_runs(serving):
    add = ("user", "add", "--password-stdin", "-c", serving.config)
    davy(*add, "anna", "--role", "admin", typed="a long password\n")
    davy(*add, "bob", typed="a long password\n")
    serving.davy("user", "role", "bob", "operator")
    login = httpx.post(
        f"{serving.note()['api']}/api/v1/login", json={"name": "bob", "password": "a long password"}
    )
    serving.davy("user", "remove", "bob")

    assert login.json() == {"name": "bob", "role": "operator"}
    assert serving.davy("user", "list", "--json").json == [{"name": "anna", "role": "admin"}]
    assert serving.davy("user", "remove", "anna").err.startswith("davy: user anna: the last admin")


def test_an_alarm_is_listed_acknowledged_and_reset(serving):
    papers = serving.davy(*ADD, "k2", "--transport", "--json").json
    headers = {"Authorization": f"Bearer {papers['token']}"}

    def send(ppm: float) -> None:
        pack = [{"bn": "urn:dev:davy:k2:", "n": "gas", "u": "ppm", "v": ppm}]
        kind = {"Content-Type": "application/senml+json"}
        body = json.dumps(pack)
        assert httpx.post(papers["http"], content=body, headers=headers | kind).status_code == 202

    def state(key: str) -> str | None:
        alarms = serving.davy("alarms", "list", "--json").json
        return next((alarm["state"] for alarm in alarms if alarm["id"] == key), None)

    send(6000.0)
    soon(lambda: state("k2.gas.low") == "unacked")
    early = serving.davy("alarms", "reset", "k2.gas.low")
    acked = serving.davy("alarms", "ack", "k2.gas.low", "--note", "on my way", "--json").json
    send(100.0)
    soon(lambda: state("k2.gas.low") == "latched")
    serving.davy("alarms", "comment", "k2.gas.low", "a hose had slipped off")
    reset = serving.davy("alarms", "reset", "k2.gas.low")

    assert (early.status, early.out) == (2, "")
    assert (acked["state"], acked["by"], acked["note"]) == ("acked", "local", "on my way")
    assert reset.out == "k2.gas.low is normal\n"


def test_an_alarm_is_put_away_and_brought_back(serving):
    serving.davy(*ADD, "k3")
    key = "k3.gas.high"

    shelved = serving.davy("alarms", "shelve", key, "--for", "30min", "--json").json
    unshelved = serving.davy("alarms", "unshelve", key, "--json").json
    out = serving.davy("alarms", "out-of-service", key, "--json").json
    listed = serving.davy("alarms", "list", "--state", "out_of_service")
    back = serving.davy("alarms", "in-service", key)

    assert shelved["state"] == "shelved"
    assert shelved["shelved_until"] == pytest.approx(time.time() + 1800, abs=30)
    assert (unshelved["state"], out["state"]) == ("normal", "out_of_service")
    assert key in listed.out
    assert back.out == f"{key} is normal\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_three_seconds_though_somebody_watches(fresh, number):
    note = fresh.start()
    headers = {"Authorization": f"Bearer {note['token']}"}
    url = f"{note['api']}/api/v1/live"

    with httpx.stream("GET", url, headers=headers, timeout=10) as watcher:
        assert watcher.status_code == 200
        status, seconds = fresh.end(number)

    assert status == 0
    assert seconds < 3.0
    assert not fresh.run_file.exists()
    assert servers_of(fresh.folder) == []
    assert "Traceback" not in (fresh.folder / "errors").read_text()


def test_after_kill_9_no_server_is_left_and_commands_write_the_store(fresh):
    fresh.start()
    assert len(servers_of(fresh.folder)) == 1

    fresh.end(signal.SIGKILL)

    soon(lambda: not servers_of(fresh.folder))
    assert fresh.run_file.exists()  # stale, and recognised as such
    assert fresh.davy(*ADD, "k1", "--json").json["device"] == "k1"


def test_a_port_that_is_taken_is_named(serving, tmp_path):
    port = serving.note()["api"].rpartition(":")[2]
    path = tmp_path / "davy.toml"
    path.write_text(f"[server]\nport = {port}\n[broker]\nmqtt_port = 0\n")

    told = Serving(Path(tmp_path)).davy("doctor", "--json")

    finding = next(one for one in told.json if one["what"] == "web port")
    assert finding["cure"] == "stop what listens there, or choose another [server] port"
