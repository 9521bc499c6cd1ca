"""Commands about an installation that does not run: they look into the store, or write it."""

from __future__ import annotations

import csv
import sqlite3
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from davy.domain.batch import Batch
from davy.domain.errors import Reason
from davy.service.access import Access
from davy.store import Commit, Evidence, Sqlite, entries
from davy.wire.jws import KEY_BYTES, key_from_text
from tests.cli.commands import davy

START_S = 1_785_499_200.0  # 2026-07-31T12:00:00Z


def store_of(config, **settings):
    return Sqlite(config.parent / "data" / "davy.db", **settings)


@pytest.fixture
def with_readings(at_rest):
    """The same, with three readings of mq4 (channel 0) and one of temperature (channel 1)."""
    rows = Batch.of(
        (START_S, 0, 100.0), (START_S + 1.5, 0, float("nan")), (START_S + 2, 0, 300.0),
        (START_S + 1, 1, 21.5),
    )  # fmt: skip
    with store_of(at_rest) as store:
        store.commit(Commit(offset=1, rows=rows, entry=entries(1, 4)))
        store.quarantine_put(
            [
                Evidence(at_s=START_S, reason=Reason.BAD_SIGNATURE, detail="not his key",
                         device="kitchen-1", payload=b"eyJhbGciOiJIUzI1NiJ9\x00\xff"),
                Evidence(at_s=START_S, reason=Reason.EMPTY, detail="nothing in it"),
            ]
        )  # fmt: skip
    return at_rest


class TestDevice:
    def test_papers_hold_everything_a_device_needs(self, at_rest):
        add = ("device", "add", "hall-1", "--site", "home", "--zone", "hall", "--json")

        papers = davy(*add, "--channel", "mq2=MQ-2:lpg", "-c", at_rest).json

        assert len(key_from_text(papers.pop("key"))) == KEY_BYTES
        assert len(papers.pop("token")) >= 24
        assert papers == {
            "device": "hall-1",
            "site": "home",
            "zone": "hall",
            "topic": "davy/v1/home/hall-1/readings",
            "mqtt": {"host": "127.0.0.1", "port": 1883, "tls": False},
            "http": "http://127.0.0.1:8080/api/v1/readings",
            "channels": ["mq2"],
        }

    def test_a_transport_device_has_no_key(self, at_rest):
        add = ("device", "add", "hall-1", "--site", "home", "--zone", "hall", "--json")

        papers = davy(*add, "--channel", "mq2=MQ-2:lpg", "--transport", "-c", at_rest).json

        assert "key" not in papers

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (("kitchen-1", "--channel", "x"), "device kitchen-1: there is one already; "),
            (("Big", "--channel", "x"), "device 'Big': names are 1 to 64 of "),
            (("a", "--channel", "mq4=MQ-4:carbon-monoxide"), "MQ-4"),
            (("a", "--channel", "mq4=MQ-99:methane"), "MQ-99"),
            (("a", "--channel", "x", "--heartbeat", "-1"), "device a: a heartbeat of -1 s; "),
        ],
    )
    def test_a_device_that_cannot_be_is_refused(self, at_rest, words, line):
        told = davy("device", "add", *words, "--site", "s", "--zone", "z", "-c", at_rest)

        assert told.status == 2
        assert line in told.err
        assert told.err.count("\n") == 1

    def test_rotate_gives_new_secrets_and_lets_a_revoked_device_in_again(self, at_rest):
        first = davy("device", "rotate", "kitchen-1", "--json", "-c", at_rest).json
        davy("device", "revoke", "kitchen-1", "-c", at_rest)
        shut_out = davy("device", "list", "--json", "-c", at_rest).json[0]["revoked"]
        second = davy("device", "rotate", "kitchen-1", "--json", "-c", at_rest).json

        assert shut_out is True
        assert davy("device", "list", "--json", "-c", at_rest).json[0]["revoked"] is False
        assert {first["key"], first["token"]} & {second["key"], second["token"]} == set()

    def test_calibrate_keeps_r0_and_when_it_was_found(self, at_rest):
        before_s = time.time()

        davy("device", "calibrate", "kitchen-1", "mq4", "--r0-ohm", "21400", "-c", at_rest)

        mq4 = davy("device", "show", "kitchen-1", "--json", "-c", at_rest).json["channels"][0]
        assert mq4["r0_ohm"] == 21_400.0
        assert before_s <= mq4["r0_at_s"] <= time.time()

    def test_show_tells_what_the_newest_reading_was_and_no_secret(self, with_readings):
        told = davy("device", "show", "kitchen-1", "-c", with_readings)

        assert "typical: uncalibrated" in told.out
        assert "300 ppm" in told.out
        assert "2026-07-31 12:00:02Z" in told.out
        with store_of(with_readings, read_only=True) as store:
            assert store.secret("kitchen-1").token not in told.out

    def test_what_was_changed_stands_in_the_audit_trail(self, at_rest):
        davy("device", "revoke", "kitchen-1", "-c", at_rest)

        rows = davy("audit", "list", "--json", "-c", at_rest).json
        assert [(row["who"], row["action"], row["what"]) for row in rows] == [
            ("local", "device revoke", "kitchen-1"),
            ("local", "user add", "anna"),
            ("local", "device add", "kitchen-1"),
        ]


class TestUser:
    def test_a_user_who_was_added_can_log_in(self, at_rest):
        with store_of(at_rest, read_only=True) as store:
            assert Access(store, time.time, 60.0).log_in("anna", "a long password") is not None
        assert davy("user", "list", "--json", "-c", at_rest).json == [
            {"name": "anna", "role": "admin"}
        ]

    @pytest.mark.parametrize(
        ("words", "typed", "line"),
        [
            (("add", "bob"), "short\n", "user bob: the password has 5 characters; give it at "),
            (("add", "bob"), "", "--password-stdin: nothing came; "),
            (("add", "Bob"), "long enough 1\n", "user 'Bob': names are "),
            (("add", "anna"), "long enough 1\n", "user anna: there is one already; --replace "),
        ],
    )
    def test_a_user_who_cannot_be_is_refused(self, at_rest, words, typed, line):
        told = davy("user", *words, "--password-stdin", "-c", at_rest, typed=typed)

        assert (told.status, told.err.startswith(f"davy: {line}")) == (2, True), told.err

    @pytest.mark.parametrize("words", [("remove", "anna"), ("role", "anna", "viewer")])
    def test_the_last_admin_stays(self, at_rest, words):
        told = davy("user", *words, "-c", at_rest)

        assert told.status == 2
        assert told.err == "davy: user anna: the last admin; make somebody else admin first\n"

    def test_roles_change_and_users_go(self, at_rest):
        add = ("user", "add", "bob", "--password-stdin", "-c", at_rest)
        davy(*add, typed="long enough 1\n")
        davy("user", "role", "bob", "admin", "-c", at_rest)
        davy("user", "remove", "anna", "-c", at_rest)

        assert davy("user", "list", "--json", "-c", at_rest).json == [
            {"name": "bob", "role": "admin"}
        ]

    def test_replace_gives_a_new_password(self, at_rest):
        add = ("user", "add", "anna", "--replace", "--role", "admin", "--password-stdin")

        davy(*add, "-c", at_rest, typed="another one 2\n")

        with store_of(at_rest, read_only=True) as store:
            access = Access(store, time.time, 60.0)
            assert access.log_in("anna", "a long password") is None
            assert access.log_in("anna", "another one 2") is not None


class TestLimits:
    def test_a_limit_beyond_the_curve_of_its_part_is_marked(self, at_rest):
        limits = davy("limits", "show", "--json", "-c", at_rest).json

        found = {row["level"]: row for row in limits if row["channel"] == "kitchen-1.mq4"}
        assert found["low"]["on"] == 5000.0
        assert found["low"]["percent_lel"] == 10.0
        assert found["low"]["reach"] == ""
        assert found["high-high"]["on"] == 20_000.0
        assert "above the MQ-4's curve" in found["high-high"]["reach"]

    def test_a_limit_below_the_curve_is_marked_with_what_can_be_seen(self, tmp_path):
        path = tmp_path / "davy.toml"
        path.write_text("[limits.gases.methane]\nlow_ppm = 50\n")
        add = ("device", "add", "k", "--site", "s", "--zone", "z", "--channel", "m=MQ-4:methane")
        davy(*add, "-c", path)

        told = davy("limits", "show", "k", "-c", path)

        assert "below the MQ-4's curve: alarms only from" in told.out

    def test_a_device_that_is_not_there_is_named(self, at_rest):
        assert "device x: no such device" in davy("limits", "show", "x", "-c", at_rest).err


class TestQuarantine:
    def test_evidence_is_listed_newest_first_and_by_reason(self, with_readings):
        everything = davy("quarantine", "list", "--json", "-c", with_readings).json
        forged = davy(
            "quarantine", "list", "--reason", "bad-signature", "--json", "-c", with_readings
        ).json

        assert [one["reason"] for one in everything] == ["empty", "bad-signature"]
        assert [one["device"] for one in forged] == ["kitchen-1"]

    def test_evidence_is_shown_to_its_last_byte(self, with_readings):
        number = str(davy("quarantine", "list", "--json", "-c", with_readings).json[-1]["id"])

        told = davy("quarantine", "show", number, "-c", with_readings)

        assert "bad-signature: not his key" in told.out
        assert "000000  65 79 4a 68 62 47 63 69" in told.out
        assert "NiJ9.." in told.out
        assert davy("quarantine", "show", "99", "-c", with_readings).status == 2


class TestAudit:
    def test_a_trail_that_nobody_touched_is_whole_up_to_a_head_noted_before(self, at_rest):
        head = davy("audit", "verify", "--json", "-c", at_rest).json["head"]
        davy("device", "revoke", "kitchen-1", "-c", at_rest)

        told = davy("audit", "verify", "--head", head, "-c", at_rest)

        assert told.status == 0
        assert "The audit trail is whole: 3 rows" in told.out

    def test_a_row_that_was_changed_is_found(self, at_rest):
        with sqlite3.connect(at_rest.parent / "data" / "davy.db") as link:
            link.execute("UPDATE audit SET who = 'nobody' WHERE seq = 1")

        told = davy("audit", "verify", "-c", at_rest)

        assert told.status == 2
        assert told.err.startswith("davy: the audit trail is broken at row 1: ")


class TestExport:
    def test_readings_stand_in_a_csv_by_channel_and_time(self, with_readings, tmp_path):
        file = tmp_path / "all.csv"

        told = davy("export", "-o", file, "-c", with_readings)

        rows = list(csv.DictReader(file.open()))
        assert told.status == 0
        assert told.err == f"4 readings in {file}\n"
        assert [(row["time"], row["channel"], row["value"], row["unit"]) for row in rows] == [
            ("2026-07-31T12:00:00.000000Z", "kitchen-1.mq4", "100.0", "ppm"),
            ("2026-07-31T12:00:01.500000Z", "kitchen-1.mq4", "", "ppm"),
            ("2026-07-31T12:00:02.000000Z", "kitchen-1.mq4", "300.0", "ppm"),
            ("2026-07-31T12:00:01.000000Z", "kitchen-1.temperature", "21.5", "Cel"),
        ]

    def test_from_is_included_and_to_is_not(self, with_readings):
        start, end = "2026-07-31T12:00:01Z", "2026-07-31T14:00:02+02:00"

        told = davy("export", "-o", "-", "--from", start, "--to", end, "-c", with_readings)

        rows = list(csv.DictReader(told.out.splitlines()))
        assert [(row["channel"], row["time"][17:21]) for row in rows] == [
            ("kitchen-1.mq4", "01.5"),
            ("kitchen-1.temperature", "01.0"),
        ]

    def test_parquet_says_the_same_of_one_channel(self, with_readings, tmp_path):
        file = tmp_path / "mq4.parquet"

        davy("export", "-o", file, "--channel", "kitchen-1.mq4", "-c", with_readings)

        table = pq.read_table(file)
        assert table["value"].to_pylist() == [100.0, None, 300.0]
        stamps = np.array(table["time"].cast("int64"))
        assert (stamps / 1e6).tolist() == [START_S, START_S + 1.5, START_S + 2]

    def test_parquet_without_pyarrow_names_the_cure(self, with_readings, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        file = tmp_path / "x.parquet"

        told = davy("export", "-o", file, "-c", with_readings)

        assert told.status == 2
        assert "pip install 'davy[parquet]'" in told.err
        assert list(tmp_path.glob("x.parquet*")) == []

    def test_a_channel_that_is_not_there_is_named(self, with_readings, tmp_path):
        told = davy(
            "export", "-o", tmp_path / "x.csv", "--channel", "kitchen-1.co", "-c", with_readings
        )

        assert (told.status, "channel kitchen-1.co: no such channel" in told.err) == (2, True)


class TestDoctor:
    def test_a_sound_installation_ends_with_0(self, at_rest):
        at_rest.write_text("[server]\nport = 0\n[broker]\nmqtt_port = 0\n")

        told = davy("doctor", "--json", "-c", at_rest)

        findings = {one["what"]: one for one in told.json}
        wrong = {what for what, one in findings.items() if one["cure"]}
        assert wrong <= {"dashboard"}  # not built in a fresh clone
        assert told.status == (2 if wrong else 0)
        assert findings["database"]["found"] == "1 devices, 0 readings"
        assert findings["nats-server"]["found"].startswith("v2.")

    def test_each_thing_that_is_wrong_has_its_cure(self, at_rest):
        at_rest.write_text('[server]\nport = 0\n[broker]\nbinary = "/nowhere"\n')
        (at_rest.parent / "data" / "davy.db").write_bytes(b"this is no database, believe me" * 99)

        told = davy("doctor", "--json", "-c", at_rest)

        cures = {one["what"]: one["cure"] for one in told.json}
        assert told.status == 2
        assert cures["nats-server"] == "correct the path"
        assert "name another file, or move this one away" in cures["database"]

    def test_a_mistake_in_the_configuration_is_a_finding(self, at_rest):
        at_rest.write_text("[server]\nport = 70000\n")

        told = davy("doctor", "-c", at_rest)

        assert told.status == 2
        assert "[server] port: 70000" in " ".join(told.out.split())
