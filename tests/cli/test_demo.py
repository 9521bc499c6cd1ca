"""`davy demo`: one leak, one forger, the alarms, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from tests.cli.commands import DAVY, ENVIRONMENT, servers_of, soon


def test_a_leak_a_forgery_and_the_alarms_are_told_as_json(tmp_path):
    began_s = time.time()
    done = subprocess.run(
        [*DAVY, "demo", "--speed", "20", "--for", "10", "--headless", "--json", "--data", tmp_path],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=40,
        check=False,
    )

    told = json.loads(done.stdout)
    raised = {(alarm["device"], alarm["level"]) for alarm in told["alarms"]}
    marks = [line["mark"] for line in told["story"]]
    assert done.returncode == 0, done.stderr
    assert {("kitchen-1", "low"), ("kitchen-2", "low")} <= raised
    assert all(began_s < alarm["raised_at"] < time.time() for alarm in told["alarms"])
    assert not any(level == "silent" for _, level in raised)
    assert set(told["alarms"][0]) == {
        "device", "channel", "kind", "level", "raised_at", "value", "unit", "state",
    }  # fmt: skip
    assert told["refused"] == 1
    assert told["readings"] >= 250
    assert marks.count("attack") == 2
    assert "bad-signature" in next(
        line["text"] for line in told["story"] if line["text"].startswith("Refused")
    )
    assert servers_of(tmp_path) == []


def test_the_address_lets_a_visitor_in_and_ctrl_c_takes_everything_away(tmp_path):
    demo = subprocess.Popen(
        [*DAVY, "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
    )
    assert demo.stdout is not None
    began_s = time.monotonic()
    address = soon(lambda: (line := demo.stdout.readline().strip()).startswith("http") and line)
    shown_s = time.monotonic() - began_s
    with httpx.Client(follow_redirects=True) as visitor:
        page = visitor.get(address)
        me = visitor.get(f"{address.partition('/enter')[0]}/api/v1/me")
    kept = list(tmp_path.glob("davy-demo-*"))
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=10)

    assert shown_s < 8.0  # 5 s on a machine with nothing else to do
    assert page.status_code == 200
    assert me.json() == {"name": "demo", "role": "admin"}
    assert len(kept) == 1
    assert demo.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert servers_of(tmp_path) == []


def test_a_demo_that_ends_before_its_leak_says_what_is_missing():
    done = subprocess.run(
        [*DAVY, "demo", "--for", "1", "--headless", "--port", "0"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=Path(tempfile.gettempdir()),
        timeout=20,
        check=False,
    )

    assert done.returncode == 1
    assert "not raised, though expected: kitchen-1.mq4.low, kitchen-2.mq4.low" in done.stderr
