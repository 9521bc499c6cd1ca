"""SenML packs: what is written comes back, base values resolve, one bad record costs one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import InputError, Reason, Refusal
from davy.wire.senml import LAST_S, MAX_BYTES, MAX_RECORDS, Sample, decode, encode

NOW_S = 1_760_000_000.0
BN = "urn:dev:davy:kitchen-1:"

numbers = st.floats(allow_nan=False, allow_infinity=False)
clock = st.floats(2.0**28, 4e9) | st.integers(2**28, 4 * 10**9).map(float)
samples = st.builds(
    Sample,
    channel=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    value=numbers,
    unit=st.sampled_from(["mV", "ppm", "Cel", "%RH", None]),
    time_s=clock,
)


def pack(*records: object) -> bytes:
    return json.dumps(records).encode()


def read(*records: object):
    return decode(pack(*records), "kitchen-1", NOW_S)


def refusal(payload: bytes) -> Reason:
    with pytest.raises(Refusal) as caught:
        decode(payload, "kitchen-1", NOW_S)
    return caught.value.reason


@given(st.lists(samples, min_size=1, max_size=60))
def test_what_is_encoded_is_decoded_to_the_very_same_numbers(sent):
    got = decode(encode("kitchen-1", sent), "kitchen-1", NOW_S)

    assert got.names == [sample.channel for sample in sent]
    assert got.units == [sample.unit for sample in sent]
    assert got.values == [sample.value for sample in sent]
    assert got.times_s == [sample.time_s for sample in sent]
    assert got.bad == []


@given(st.lists(st.integers(-(2**20), 2**20).map(lambda ms: ms / 1024), min_size=1))
def test_a_device_without_a_clock_says_how_long_ago(ages_s):
    sent = [Sample("mq4", 1.0, "mV", age_s) for age_s in ages_s]

    got = decode(encode("kitchen-1", sent), "kitchen-1", NOW_S)

    assert got.times_s == [NOW_S + age_s for age_s in ages_s]


def test_a_pack_says_what_all_records_share_only_once():
    sent = [Sample("mq4", 412.0, "mV", 1.7e9), Sample("mq7", 88.0, "mV", 1.7e9 + 0.1)]

    assert json.loads(encode("kitchen-1", sent)) == [
        {"bn": BN, "bt": 1.7e9, "bu": "mV", "n": "mq4", "v": 412.0},
        {"n": "mq7", "v": 88.0, "t": 0.1},
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_hold_is_not_sent(value):
    with pytest.raises(InputError, match="finite"):
        encode("kitchen-1", [Sample("mq4", value)])


def test_a_pack_of_nothing_is_not_sent():
    with pytest.raises(InputError, match="at least one"):
        encode("kitchen-1", [])


@pytest.mark.parametrize(
    ("base_time", "time", "expected"),
    [
        (None, None, NOW_S),
        (None, -5, NOW_S - 5),
        (None, 3, NOW_S + 3),
        (-10, -5, NOW_S - 15),
        (1.7e9, None, 1.7e9),
        (1.7e9, -5, 1.7e9 - 5),
        (None, 2**28 - 1, NOW_S + 2**28 - 1),
        (None, 2**28, 2.0**28),
        (2**28, -1, NOW_S + 2**28 - 1),
        (None, -1e300, 0.0),
        (None, 1e300, LAST_S),
        (1e308, 1e308, LAST_S),
    ],
)
def test_the_sum_of_base_time_and_time_decides_what_it_counts_from(base_time, time, expected):
    record = {"bn": BN, "n": "mq4", "v": 1}
    record |= {} if base_time is None else {"bt": base_time}
    record |= {} if time is None else {"t": time}

    assert read(record).times_s == [expected]


def test_base_values_hold_until_the_next_and_a_record_goes_before_them():
    got = read(
        {"bn": BN, "bt": 1.7e9, "bu": "mV", "bv": 100, "n": "mq4", "v": 1},
        {"n": "mq7", "v": 2, "t": 1, "u": "Ohm"},
        {"bt": 1.8e9, "bu": "Cel", "bv": 0, "n": "temperature", "v": 21.5},
        {"n": "temperature", "v": 22},
    )

    assert got.names == ["mq4", "mq7", "temperature", "temperature"]
    assert got.units == ["mV", "Ohm", "Cel", "Cel"]
    assert got.values == [101.0, 102.0, 21.5, 22.0]
    assert got.times_s == [1.7e9, 1.7e9 + 1, 1.8e9, 1.8e9]


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"bn": BN, "n": "mq4"}, "mq4"),
        ({"bn": BN + "mq4"}, "mq4"),
        ({"bn": BN + "mq", "n": "4"}, "mq4"),
        ({"n": BN + "mq4"}, "mq4"),
        ({"bn": "", "n": BN + "mq4"}, "mq4"),
    ],
)
def test_base_name_and_name_are_read_as_one(record, name):
    assert read({**record, "v": 1}).names == [name]


@pytest.mark.parametrize(
    "base_name",
    [
        "urn:dev:davy:boiler-2:",
        "urn:dev:davy:kitchen-10:",
        "urn:dev:davy:kitchen-1",
        "urn:dev:mac:0024befffe804ff1_",
        "kitchen-1:",
    ],
)
def test_a_base_name_of_another_refuses_the_whole_pack(base_name):
    assert refusal(pack({"bn": BN, "n": "mq4", "v": 1}, {"bn": base_name, "n": "mq4"})) is (
        Reason.FOREIGN_NAME
    )


BROKEN_RECORDS = [
    ({"n": "mq4"}, Reason.NO_VALUE),
    ({"n": "mq4", "vs": "high"}, Reason.NO_VALUE),
    ({"n": "mq4", "vb": True}, Reason.NO_VALUE),
    ({"n": "mq4", "v": "412"}, Reason.BAD_VALUE),
    ({"n": "mq4", "v": False}, Reason.BAD_VALUE),
    ({"n": "mq4", "v": [1]}, Reason.BAD_VALUE),
    ({"n": "mq4", "v": 1, "t": "now"}, Reason.BAD_VALUE),
    ({"n": 4, "v": 1}, Reason.MALFORMED),
    ({"n": "mq4", "v": 1, "u": 5}, Reason.WRONG_UNIT),
    ({"n": "mq4", "v": 1, "x_": 5}, Reason.MALFORMED),
    ("mq4", Reason.MALFORMED),
    (None, Reason.MALFORMED),
    ([], Reason.MALFORMED),
]


@pytest.mark.parametrize(("broken", "reason"), BROKEN_RECORDS, ids=str)
def test_a_bad_record_does_not_take_the_pack_with_it(broken, reason):
    got = read({"bn": BN, "n": "mq4", "v": 1}, broken, {"n": "mq7", "v": 3})

    assert (got.names, got.values, list(got.rows)) == (["mq4", "mq7"], [1.0, 3.0], [0, 2])
    assert [(bad.row, bad.reason) for bad in got.bad] == [(1, reason)]


def test_base_values_of_a_bad_record_still_hold():
    got = read({"bn": BN, "bt": 1.7e9, "bu": "mV", "n": "mq4", "v": "?"}, {"n": "mq4", "v": 3})

    assert (got.names, got.units, got.times_s) == (["mq4"], ["mV"], [1.7e9])


def test_an_unknown_label_is_read_past():
    got = read({"bn": BN, "n": "mq4", "v": 1, "vendor": {"fw": [1, 2]}, "ut": 60, "s": 4})

    assert (got.values, got.bad) == ([1.0], [])


def test_a_number_beyond_any_number_is_a_bad_value_and_1e308_is_not():
    text = b'[{"bn":"%b","n":"mq4","v":1e999},{"n":"mq4","v":1e308}]' % BN.encode()

    got = decode(text, "kitchen-1", NOW_S)

    assert got.values == [1e308]
    assert [(bad.row, bad.reason) for bad in got.bad] == [(0, Reason.BAD_VALUE)]


def test_a_base_value_that_lifts_a_value_beyond_any_number_is_bad():
    got = read({"bn": BN, "bv": 1e308, "n": "mq4", "v": 1e308}, {"n": "mq4", "v": 0})

    assert got.values == [1e308]
    assert [(bad.row, bad.reason) for bad in got.bad] == [(0, Reason.BAD_VALUE)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"gas", Reason.MALFORMED),
        (b"{}", Reason.MALFORMED),
        (b"null", Reason.MALFORMED),
        (b"[]", Reason.EMPTY),
        (b'[{"v":NaN}]', Reason.MALFORMED),
        (b'[{"v":1}', Reason.MALFORMED),
        (b'[{"v":1}] [', Reason.MALFORMED),
        (b'[{"n":"\xc3"}]', Reason.MALFORMED),
        (b'[{"x":"\xc3","v":1}]', Reason.MALFORMED),
        (b'[{"v":"1"},{"x":"\xc3"}]', Reason.MALFORMED),
        (b"[" * 100_000, Reason.MALFORMED),
        (b'[{"x":' + b"[" * 100_000, Reason.MALFORMED),
        (b'[{"bver":11,"v":1}]', Reason.MALFORMED),
        (b'[{"bt":"now","v":1}]', Reason.MALFORMED),
        (b'[{"bt":1e999,"v":1}]', Reason.MALFORMED),
        (b'[{"bn":5,"v":1}]', Reason.MALFORMED),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_pack_is_refused_as_a_whole(payload, reason):
    assert refusal(payload) is reason


def test_a_pack_is_as_large_as_it_may_be_and_not_a_byte_larger():
    smallest = pack({"bn": BN, "n": "mq4", "v": 1})
    largest = smallest + b" " * (MAX_BYTES - len(smallest))

    assert decode(largest, "kitchen-1", NOW_S).values == [1.0]
    assert refusal(largest + b" ") is Reason.TOO_LARGE


@pytest.mark.parametrize("last", [{"v": 1}, {"v": "?"}], ids=["good", "odd"])
def test_a_pack_has_as_many_records_as_it_may_have_and_not_one_more(last):
    first = {"bn": BN + "mq4", "v": 1}
    most = [first, *[{"v": 1}] * (MAX_RECORDS - 2), last]

    assert len(read(*most).rows) == MAX_RECORDS - (last["v"] == "?")
    assert refusal(pack(*most, last)) is Reason.TOO_LARGE


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
labels = st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vs", "t", "s", "x", "x_"])
odd_records = st.dictionaries(labels, anything | st.sampled_from([BN, "mq4", 1.0]), max_size=5)


@given(st.lists(odd_records | anything, max_size=6))
def test_every_record_of_an_odd_pack_is_a_reading_or_bad_or_the_pack_is_refused(records):
    try:
        got = read(*records)
    except Refusal:
        return

    lengths = {len(got.names), len(got.units), len(got.values), len(got.times_s), len(got.rows)}
    assert len(lengths) == 1
    assert sorted([*got.rows, *(bad.row for bad in got.bad)]) == list(range(len(records)))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_words_that_can_be_written_down(payload):
    with pytest.raises(Refusal) as caught:
        decode(payload, "kitchen-1", NOW_S)

    assert caught.value.detail.encode()


@pytest.mark.parametrize("name", [r"\ud800", r"\udc00", r"\u0000", "x" * 10_000])
def test_a_strange_name_is_told_in_words_that_can_be_written_down(name):
    text = f'[{{"n":"{name}","v":1}},{{"n":"{BN}mq4","{name}":5,"v":1}}]'.encode()

    try:
        bad = decode(text, "kitchen-1", NOW_S).bad
    except Refusal as refusal:
        bad = [refusal]

    assert bad
    assert all(len(each.detail.encode()) < 400 for each in bad)
