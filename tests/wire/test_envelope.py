"""One message, one judgement; the stories are in `contract/vectors`, the laws are here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import Refusal
from davy.domain.site import Trust
from davy.wire.channels import ChannelKey, Channels
from davy.wire.envelope import Envelope, Sender, open_pack
from davy.wire.jws import sign
from davy.wire.senml import Sample, encode
from davy.wire.topics import Topic

NOW_S = 1_760_000_000.0
KEY, OTHER_KEY = bytes(range(32)), bytes(range(32, 64))
TOPIC = Topic("home", "kitchen-1", "readings")


def sender(device: str, index: int, trust: Trust, key: bytes | None) -> Sender:
    channels = Channels({"mq4": ChannelKey(index, frozenset({"mV", "ppm"}), "mV")})
    return Sender(device=device, index=index, site="home", channels=channels, trust=trust, key=key)


REGISTRY = {
    "kitchen-1": sender("kitchen-1", 0, Trust.SIGNED, KEY),
    "boiler-2": sender("boiler-2", 1, Trust.SIGNED, OTHER_KEY),
    "meter-3": sender("meter-3", 2, Trust.TRANSPORT, None),
}
PAYLOAD = encode(
    "kitchen-1", [Sample("mq4", 412.5, "mV", NOW_S), Sample("mq4", 413.0, "mV", NOW_S)]
)
GOOD = sign(PAYLOAD, KEY, "kitchen-1", 3, 41)


def open_as(topic: Topic | None, message: bytes) -> Envelope:
    return open_pack(message, NOW_S, REGISTRY.get, topic=topic)


def test_a_signed_pack_is_its_devices_own():
    envelope = open_as(TOPIC, GOOD)

    assert envelope.sender is REGISTRY["kitchen-1"]
    assert (envelope.boot, envelope.seq) == (3, 41)
    assert envelope.columns.channel.tolist() == [0, 0]
    assert envelope.columns.raw.tolist() == [412.5, 413.0]


def test_a_device_that_does_not_count_has_no_count():
    message = encode("meter-3", [Sample("mq4", 412.5)])

    envelope = open_as(Topic("home", "meter-3", "readings"), message)

    assert (envelope.boot, envelope.seq, envelope.mark) == (-1, -1, 0)


def test_a_key_does_not_show_when_a_sender_is_printed():
    assert "key" not in repr(REGISTRY["kitchen-1"])


@pytest.mark.parametrize("key", [None, b"short"])
def test_a_signed_device_has_a_key(key):
    with pytest.raises(ValueError, match="kitchen-1"):
        sender("kitchen-1", 0, Trust.SIGNED, key)


mutations = st.tuples(
    st.integers(0, len(GOOD)), st.integers(0, 4), st.binary(max_size=4)
)  # from where, how many to leave out, what to put in
topics = st.sampled_from([TOPIC, Topic("home", "boiler-2", "readings"), None])


@given(mutations, topics)
def test_a_signed_pack_that_was_meddled_with_is_never_accepted(mutation, topic):
    start, out, put_in = mutation
    meddled = GOOD[:start] + put_in + GOOD[start + out :]
    if meddled == GOOD:
        return

    with pytest.raises(Refusal):
        open_as(topic, meddled)


@given(st.binary(max_size=300), st.sampled_from([*REGISTRY, "shed-7", None]))
def test_arbitrary_bytes_are_refused_whoever_sends_them(message, device):
    topic = Topic("home", device, "readings") if device else None

    with pytest.raises(Refusal):
        open_as(topic, message)


plain = encode("meter-3", [Sample("mq4", 412.5, "mV", NOW_S), Sample("mq4", 413.0, "ppm", NOW_S)])


@given(st.integers(0, len(plain)), st.integers(0, 6), st.binary(max_size=6))
def test_a_plain_pack_that_was_damaged_is_read_or_refused(start, out, put_in):
    damaged = plain[:start] + put_in + plain[start + out :]

    try:
        columns = open_as(Topic("home", "meter-3", "readings"), damaged).columns
    except Refusal:
        return
    assert set(columns.channel.tolist()) <= {2}
    assert len(columns.channel) == len(columns.time_s) == len(columns.raw) == len(columns.unit)


@given(st.binary(max_size=120), st.integers(0, 2**53 - 1))
def test_what_a_device_signs_without_being_senml_is_refused(payload, seq):
    token = sign(b"?" + payload, KEY, "kitchen-1", 0, seq)

    with pytest.raises(Refusal, match="not JSON"):
        open_as(TOPIC, token)
