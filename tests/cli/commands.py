"""`davy` as a test calls it: in this process where it only looks, in its own where it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from davy.cli import app

DAVY = [sys.executable, "-m", "davy"]
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("DAVY_")}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as the JSON that it was asked for."""
        return json.loads(self.out)


def davy(*words: str | Path, typed: str = "") -> Ended:
    """Runs a command in this process; a status of 0 is not taken for granted."""
    done = CliRunner().invoke(app, [str(word) for word in words], input=typed, prog_name="davy")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def soon(check: Callable[[], Any], within_s: float = 10.0) -> Any:
    """What `check` gives as soon as it is true."""
    deadline = time.monotonic() + within_s
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.02)
    return found


def servers_of(folder: Path) -> list[int]:
    """Process ids of the nats-servers that run in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if b"nats-server" in command and os.fsencode(folder) in command:
            found.append(int(entry.parent.name))
    return found


@dataclass
class Serving:
    """A `davy serve` in a process of its own, with its folder."""

    folder: Path
    process: subprocess.Popen[str] | None = field(default=None)

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "davy.toml"

    @property
    def run_file(self) -> Path:
        """Where it notes that it runs."""
        return self.folder / "data" / "davy.run.json"

    def davy(self, *words: str | Path) -> Ended:
        """A command about this installation."""
        return davy(*words, "-c", self.config)

    def start(self) -> dict[str, Any]:
        """Starts it, and gives what stands in its run file."""
        self.config.write_text("[server]\nport = 0\n[broker]\nmqtt_port = 0\n")
        with (self.folder / "errors").open("w") as errors:
            self.process = subprocess.Popen(
                [*DAVY, "serve", "-c", self.config],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=ENVIRONMENT,
            )
        assert self.process.stdout is not None
        assert "Davy runs" in self.process.stdout.readline(), (self.folder / "errors").read_text()
        return self.note()

    def note(self) -> dict[str, Any]:
        """What stands in the run file."""
        found: dict[str, Any] = json.loads(self.run_file.read_text())
        return found

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Sends it a signal; how it ended, and after how many seconds."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - began_s
