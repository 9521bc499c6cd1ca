"""The replay window: which numbers of a device have been seen, and with which bytes.

It slides like the one of IPsec ESP: a pack that was overtaken by newer ones is welcome once,
the same bytes again are a retransmission, other bytes under a used number are a replay, and
what lies behind the window or in an older boot is stale.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from enum import StrEnum

import numpy as np

from davy.domain.errors import Reason, Refusal, StoreError

WIDTH = 1024
"""How many numbers back a late pack may still arrive; a power of two."""

_SLOT = WIDTH - 1
_EMPTY = bytes(4 * WIDTH)


class Verdict(StrEnum):
    """What a number and a mark tell of a pack whose signature is right."""

    ACCEPT = "accept"
    """New: take it."""
    RETRANSMISSION = "retransmission"
    """The same bytes again: acknowledge, store nothing, suspect nothing."""
    STALE = "stale"
    """Older than the window, or of an older boot."""
    REPLAYED = "replayed"
    """Other bytes under a number that was used: two speak with one key."""


class Window:
    """The last 1,024 numbers of one device's boot, one 32-bit mark each (4 KiB).

    A number far ahead moves the window there, so a device that skips to the end of its
    numbers shuts itself out until its next boot; it alone has the key to do so.
    """

    __slots__ = ("_marks", "boot", "top")

    def __init__(self) -> None:
        self.boot = -1
        self.top = -1
        self._marks = array("I")

    def look(self, boot: int, seq: int, mark: int) -> Verdict:
        """The verdict, without remembering anything."""
        if boot != self.boot:
            return Verdict.ACCEPT if boot > self.boot else Verdict.STALE
        behind = self.top - seq
        if behind < 0:
            return Verdict.ACCEPT
        if behind >= WIDTH:
            return Verdict.STALE
        seen = self._marks[seq & _SLOT]
        if not seen:
            return Verdict.ACCEPT
        # A mark of 0 is kept as 1: 0 stands for a number not seen yet.
        return Verdict.RETRANSMISSION if seen == (mark or 1) else Verdict.REPLAYED

    def take(self, boot: int, seq: int, mark: int) -> None:
        """Remembers a pack that `look` accepted; anything else would bend the window."""
        marks = self._marks
        if boot != self.boot:
            self.boot, self.top = boot, seq
            marks = self._marks = array("I", _EMPTY)
        elif seq > self.top:
            skipped = seq - self.top - 1
            if skipped >= WIDTH:
                marks = self._marks = array("I", _EMPTY)
            elif skipped:
                for number in range(self.top + 1, seq):
                    marks[number & _SLOT] = 0
            self.top = seq
        marks[seq & _SLOT] = mark or 1

    def judge(self, boot: int, seq: int, mark: int) -> Verdict:
        """The verdict; an accepted pack is remembered at once."""
        verdict = self.look(boot, seq, mark)
        if verdict is Verdict.ACCEPT:
            self.take(boot, seq, mark)
        return verdict

    def refusal(self, verdict: Verdict, boot: int, seq: int) -> Refusal:
        """A `STALE` or `REPLAYED` verdict in words."""
        if verdict is Verdict.REPLAYED:
            return Refusal(Reason.REPLAYED, f"boot {boot} seq {seq} came before with other bytes")
        if boot < self.boot:
            return Refusal(Reason.STALE, f"boot {boot} is older than boot {self.boot}")
        return Refusal(Reason.STALE, f"seq {seq} is {self.top - seq} behind; at most {_SLOT}")

    def dump(self) -> bytes:
        """Boot, top, which slots are used (1 bit each), and their marks."""
        marks = np.array(self._marks, "<u4")
        used = np.flatnonzero(marks)
        bits = np.packbits(marks != 0).tobytes()
        return _HEAD.pack(self.boot, self.top, len(used)) + bits + marks[used].tobytes()

    @staticmethod
    def read(data: memoryview) -> tuple[Window, memoryview]:
        """A window from the front of what `dump` wrote, and the rest."""
        boot, top, count = _HEAD.unpack_from(data)
        end = _HEAD.size + WIDTH // 8 + 4 * count
        bits = np.frombuffer(data, np.uint8, WIDTH // 8, _HEAD.size)
        marks = np.zeros(WIDTH, np.uint32)
        marks[np.unpackbits(bits).astype(bool)] = np.frombuffer(
            data, "<u4", count, _HEAD.size + WIDTH // 8
        )
        window = Window()
        window.boot, window.top, window._marks = boot, top, array("I", marks.tobytes())
        return window, data[end:]


_HEAD = struct.Struct("<qqH")
_DEVICE = struct.Struct("<I")
_MAGIC = b"davy-window-1\n"


class Ledger:
    """The windows of many devices by device index; one appears with its first pack.

    `judge` is for a caller that has nothing left to fail. One that must first bring the pack
    to safety asks `look`, and says `take` when it is safe: a pack that was remembered but
    lost would be answered as a retransmission when the device sends it again.
    """

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: dict[int, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def look(self, device: int, boot: int, seq: int, mark: int) -> Verdict:
        """The verdict, without remembering anything."""
        window = self._windows.get(device)
        return Verdict.ACCEPT if window is None else window.look(boot, seq, mark)

    def take(self, device: int, boot: int, seq: int, mark: int) -> None:
        """Remembers a pack that `look` accepted."""
        self._window(device).take(boot, seq, mark)

    def judge(self, device: int, boot: int, seq: int, mark: int) -> Verdict:
        """The verdict; an accepted pack is remembered at once."""
        return self._window(device).judge(boot, seq, mark)

    def refusal(self, device: int, verdict: Verdict, boot: int, seq: int) -> Refusal:
        """A `STALE` or `REPLAYED` verdict in words."""
        return self._window(device).refusal(verdict, boot, seq)

    def forget(self, device: int) -> None:
        """A new key starts anew: no old pack carries its signature."""
        self._windows.pop(device, None)

    def _window(self, device: int) -> Window:
        window = self._windows.get(device)
        if window is None:
            window = self._windows[device] = Window()
        return window

    def dump(self) -> bytes:
        """All windows for a snapshot: the same windows give the same bytes."""
        parts = (
            _DEVICE.pack(device) + window.dump()
            for device, window in sorted(self._windows.items())
            if window.boot >= 0
        )
        # Marks are random; only the empty part of a window shrinks, and level 1 finds that.
        return _MAGIC + zlib.compress(b"".join(parts), 1)

    @staticmethod
    def load(data: bytes) -> Ledger:
        """The windows that `dump` wrote.

        Raises:
            StoreError: it is something else, or damaged.
        """
        ledger = Ledger()
        if not data.startswith(_MAGIC):
            raise StoreError("the replay windows are not in a form that this Davy knows")
        try:
            rest = memoryview(zlib.decompress(data[len(_MAGIC) :]))
            while rest:
                (device,) = _DEVICE.unpack_from(rest)
                ledger._windows[device], rest = Window.read(rest[_DEVICE.size :])
        except (zlib.error, struct.error, ValueError) as cause:
            raise StoreError(
                f"the replay windows are damaged: {cause}; restore the snapshot before this one"
            ) from cause
        return ledger
