"""The replay window against a model that simply remembers everything."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import Reason, StoreError
from davy.wire.window import WIDTH, Ledger, Verdict, Window

ACCEPT, AGAIN, STALE, REPLAYED = (
    Verdict.ACCEPT,
    Verdict.RETRANSMISSION,
    Verdict.STALE,
    Verdict.REPLAYED,
)


class Memory:
    """Remembers every pack of a device for ever."""

    def __init__(self):
        self.seen: dict[tuple[int, int], int] = {}

    def judge(self, boot, seq, mark):
        newest = max((b for b, _ in self.seen), default=-1)
        top = max((s for b, s in self.seen if b == newest), default=-1)
        if boot < newest or (boot == newest and seq <= top - WIDTH):
            return STALE
        if (boot, seq) in self.seen:
            return AGAIN if self.seen[boot, seq] == mark else REPLAYED
        self.seen[boot, seq] = mark
        return ACCEPT


near = st.integers(0, 30)
laps = st.builds(lambda lap, slot: lap * WIDTH // 2 + slot, st.integers(0, 9), st.integers(0, 3))
far = laps | st.sampled_from([WIDTH - 1, 2 * WIDTH - 1, 2**53 - 1])
arrivals = st.lists(
    st.tuples(st.integers(0, 2), near | far, st.sampled_from([2, 3, 2**32 - 1])), max_size=40
)


@given(arrivals)
def test_the_window_judges_like_one_who_remembers_everything(packs):
    window, memory = Window(), Memory()

    assert [window.judge(*pack) for pack in packs] == [memory.judge(*pack) for pack in packs]


@given(st.lists(st.integers(0, 3 * WIDTH), max_size=60))
def test_a_jump_forgets_only_what_lies_behind_the_window(seqs):
    window, memory = Window(), Memory()

    assert [window.judge(1, seq, 9) for seq in seqs] == [memory.judge(1, seq, 9) for seq in seqs]


@given(arrivals)
def test_looking_changes_nothing(packs):
    window, looked_at = Window(), Window()
    for pack in packs:
        looked_at.look(*pack)
        looked_at.look(*pack)
        assert looked_at.judge(*pack) is window.judge(*pack)


STORIES = [
    ("in order", [(3, 1, 7), (3, 2, 7)], [ACCEPT, ACCEPT]),
    ("overtaken", [(3, 10, 7), (3, 12, 7), (3, 11, 7)], [ACCEPT, ACCEPT, ACCEPT]),
    ("sent twice", [(3, 1, 7), (3, 1, 7)], [ACCEPT, AGAIN]),
    ("other bytes", [(3, 1, 7), (3, 1, 8)], [ACCEPT, REPLAYED]),
    ("last inside", [(3, 2000, 7), (3, 977, 7)], [ACCEPT, ACCEPT]),
    ("first outside", [(3, 2000, 7), (3, 976, 7)], [ACCEPT, STALE]),
    ("restart", [(3, 500, 7), (4, 0, 7), (3, 501, 7)], [ACCEPT, ACCEPT, STALE]),
    ("a mark of nothing", [(3, 1, 0), (3, 1, 0), (3, 1, 5)], [ACCEPT, AGAIN, REPLAYED]),
    ("first of all", [(0, 0, 0), (0, 0, 0)], [ACCEPT, AGAIN]),
    ("a lap", [(3, 1, 7), (3, 500, 7), (3, WIDTH + 5, 7), (3, WIDTH + 1, 7)], [ACCEPT] * 4),
    ("two laps", [(3, 1, 7), (3, 3 * WIDTH, 7), (3, 2 * WIDTH + 1, 7)], [ACCEPT] * 3),
    ("a jump by the width", [(3, 0, 7), (3, WIDTH, 8), (3, 0, 7)], [ACCEPT, ACCEPT, STALE]),
]


@pytest.mark.parametrize(
    ("packs", "verdicts"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES]
)
def test_a_story_of_packs_has_its_verdicts(packs, verdicts):
    window = Window()

    assert [window.judge(*pack) for pack in packs] == verdicts


@pytest.mark.parametrize(
    ("boot", "seq", "mark", "reason", "words"),
    [
        (3, 2000, 8, Reason.REPLAYED, "boot 3 seq 2000 came before with other bytes"),
        (3, 900, 7, Reason.STALE, "seq 900 is 1100 behind"),
        (2, 2001, 7, Reason.STALE, "boot 2 is older than boot 3"),
    ],
)
def test_a_refusal_says_what_was_wrong(boot, seq, mark, reason, words):
    ledger = Ledger()
    ledger.judge(5, 3, 2000, 7)

    refusal = ledger.refusal(5, ledger.judge(5, boot, seq, mark), boot, seq)

    assert refusal.reason is reason
    assert words in refusal.detail


def test_devices_do_not_share_their_numbers():
    ledger = Ledger()

    assert ledger.judge(0, 3, 1, 7) is ACCEPT
    assert ledger.judge(1, 3, 1, 8) is ACCEPT
    assert ledger.judge(0, 3, 1, 8) is REPLAYED


def test_a_new_key_starts_anew():
    ledger = Ledger()
    ledger.judge(0, 3, 1, 7)

    ledger.forget(0)
    ledger.forget(1)  # never seen: nothing to do

    assert ledger.judge(0, 1, 1, 8) is ACCEPT


def test_a_pack_that_was_not_brought_to_safety_is_welcome_again():
    ledger = Ledger()

    assert ledger.look(0, 3, 1, 7) is ACCEPT  # the log could not be reached: nothing is taken
    assert ledger.look(0, 3, 1, 7) is ACCEPT
    ledger.take(0, 3, 1, 7)
    assert ledger.look(0, 3, 1, 7) is AGAIN


@given(st.lists(st.tuples(st.integers(0, 3), arrivals), max_size=4), arrivals)
def test_a_ledger_survives_a_restart(before, after):
    ledger = Ledger()
    for device, packs in before:
        for pack in packs:
            ledger.judge(device, *pack)

    restored = Ledger.load(ledger.dump())

    assert restored.dump() == ledger.dump()
    for device in range(4):
        for pack in after:
            assert restored.judge(device, *pack) is ledger.judge(device, *pack)


def test_a_full_window_takes_about_four_kilobytes_in_a_snapshot_and_an_idle_one_nearly_none():
    busy, idle = Ledger(), Ledger()
    for seq in range(2 * WIDTH):
        busy.judge(0, 1, seq, (seq * 2_654_435_761) % 2**32)
    for device in range(100):
        idle.judge(device, 1, 0, 7)

    assert len(busy.dump()) < 4 * WIDTH + 200
    assert len(idle.dump()) < 100 * 50


def some_windows() -> bytes:
    ledger = Ledger()
    for seq in range(50):
        ledger.judge(0, 1, seq, seq + 1)
    return ledger.dump()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not a ledger",
        some_windows()[:-9],
        some_windows()[:40] + b"\xff\xff" + some_windows()[42:],
        b"davy-window-1\n" + zlib.compress(bytes(30)),
        b"davy-window-1\n" + zlib.compress(bytes(4 + 16) + b"\x05\0" + bytes(128 + 20)),
    ],
    ids=["empty", "foreign", "cut", "altered", "half a window", "a wrong count"],
)
def test_a_damaged_snapshot_is_one_error(damaged):
    with pytest.raises(StoreError, match="replay windows"):
        Ledger.load(damaged)
