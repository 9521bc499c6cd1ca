"""The run file: written whole, read by its user alone, and not believed when it is stale."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from davy.domain.errors import StoreError
from davy.service import runfile
from davy.service.runfile import MqttAddress, RunFile

HERE = RunFile("http://127.0.0.1:1", MqttAddress("127.0.0.1", 2), "nats://x:3", os.getpid(), "t")


def test_what_is_written_is_found_and_is_for_its_user_alone(tmp_path):
    HERE.write(tmp_path)

    assert runfile.find(tmp_path) == HERE
    assert (tmp_path / runfile.NAME).stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / runfile.NAME]


def test_the_note_of_a_process_that_is_gone_is_not_believed(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    RunFile(HERE.api, HERE.mqtt, HERE.nats, int(gone.stdout), "t").write(tmp_path)

    assert runfile.read(tmp_path) is not None
    assert runfile.find(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"pid": "x"}', "\udcff"])
def test_half_a_file_is_none(tmp_path, text):
    (tmp_path / runfile.NAME).write_bytes(text.encode("utf-8", "surrogateescape"))

    assert runfile.find(tmp_path) is None


def test_only_its_own_note_is_taken_away(tmp_path):
    HERE.write(tmp_path)
    RunFile(HERE.api, HERE.mqtt, HERE.nats, HERE.pid, "another").remove(tmp_path)
    kept = runfile.find(tmp_path)
    HERE.remove(tmp_path)

    assert kept == HERE
    assert runfile.read(tmp_path) is None


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere/davy\.run\.json: No such file"):
        HERE.write(tmp_path / "nowhere")
