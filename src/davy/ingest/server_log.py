"""What the server says of itself and of those it refused, read from its log file.

A file and not a pipe: a pipe that Davy is too busy to read would make the server wait.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from davy.ingest.violations import Violation, parse_violation

_SAID = re.compile(
    r"\[\d+\] \S+ \S+ (?:"  # from the line's start: a client id could hold the rest
    r"\[INF\] Listening for MQTT clients on \S+:(?P<mqtt_port>\d+)"
    r"|\[INF\] Listening for client connections on \S+:(?P<nats_port>\d+)"
    r"|\[INF\] Server is (?P<ready>ready)"
    r"|\[INF\] +Version: +(?P<version>\S+)"
    r"|\[INF\] (?P<reloaded>Reloaded) server configuration"
    r"|\[ERR\] Failed to reload server configuration: (?P<complaint>.*)"
    r"|\[FTL\] (?P<fatal>.*))"
)


class ServerLog:
    """Follows the log; `said` holds the last word on each subject.

    Keys of `said`: `mqtt_port nats_port ready version reloaded complaint fatal`.
    """

    def __init__(self, path: Path, on_violation: Callable[[Violation], None]) -> None:
        self.said: dict[str, str] = {}
        self._tail = Tail(path)
        self._on_violation = on_violation

    def look(self) -> None:
        """Takes in what was written since the last look."""
        for line in self._tail.lines():
            if match := _SAID.match(line):
                self.said.update((k, word) for k, word in match.groupdict().items() if word)
            elif violation := parse_violation(line):
                self._on_violation(violation)

    def close(self) -> None:
        """Stops following."""
        self._tail.close()


class Tail:
    """The new lines of a log file that its writer may roll over at any time."""

    CHUNK = 1 << 18  # of one look, so that a flood of refusals cannot hold up the loop

    def __init__(self, path: Path) -> None:
        """Starts at the present end: what an earlier server wrote is history."""
        self._path = path
        self._rest = b""
        path.touch(mode=0o600)
        self._file = path.open("rb")
        self._file.seek(0, os.SEEK_END)

    def lines(self) -> list[str]:
        """Whole lines written since the last look, at most `CHUNK` bytes of them."""
        data = self._file.read(self.CHUNK)
        if not data and self._rolled_over():
            self._file.close()
            self._file = self._path.open("rb")
            data = self._file.read(self.CHUNK)
        if not data:
            return []
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def _rolled_over(self) -> bool:
        try:
            return self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:  # between the rename and the new file
            return False

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
