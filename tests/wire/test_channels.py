"""Names and units become ids and codes; what does not belong is left out and told."""

import numpy as np
import pytest

from davy.domain.errors import Reason
from davy.domain.site import UNIT_CODES
from davy.wire.channels import REMEMBERED, REMEMBERED_ROWS, ChannelKey, Channels, resolve
from davy.wire.senml import Sample, decode, encode

NOW_S = 1_760_000_000.0


def kitchen() -> Channels:
    return Channels(
        {
            "mq4": ChannelKey(7, frozenset({"mV", "Ohm", "ppm"}), "mV"),
            "temperature": ChannelKey(9, frozenset({"Cel"}), "Cel"),
        }
    )


def columns(channels: Channels, *samples: Sample):
    pack = decode(encode("kitchen-1", samples), "kitchen-1", NOW_S)
    return resolve(pack, channels)


def test_names_become_ids_and_units_become_codes():
    got = columns(
        kitchen(), Sample("temperature", 21.5, "Cel", 1.7e9), Sample("mq4", 20e3, "Ohm", 1.7e9 + 1)
    )

    assert got.channel.tolist() == [9, 7]
    assert got.unit.tolist() == [UNIT_CODES["Cel"], UNIT_CODES["Ohm"]]
    assert got.raw.tolist() == [21.5, 20e3]
    assert got.time_s.tolist() == [1.7e9, 1.7e9 + 1]
    assert (got.channel.dtype, got.unit.dtype) == (np.int32, np.uint8)
    assert got.bad == ()


def test_without_a_unit_the_channels_own_is_meant():
    got = columns(kitchen(), Sample("mq4", 412.0), Sample("temperature", 21.5))

    assert got.unit.tolist() == [UNIT_CODES["mV"], UNIT_CODES["Cel"]]


def test_what_does_not_belong_is_left_out_and_told_by_its_place_in_the_pack():
    pack = decode(
        b'[{"bn":"urn:dev:davy:kitchen-1:","n":"mq4"},{"n":"mq9","v":1},{"n":"mq4","v":2},'
        b'{"n":"temperature","u":"mV","v":3},{"n":"temperature","v":4}]',
        "kitchen-1",
        NOW_S,
    )

    got = resolve(pack, kitchen())

    assert got.channel.tolist() == [7, 9]
    assert got.raw.tolist() == [2.0, 4.0]
    assert [(bad.row, bad.reason) for bad in got.bad] == [
        (0, Reason.NO_VALUE),
        (1, Reason.UNKNOWN_CHANNEL),
        (3, Reason.WRONG_UNIT),
    ]


def test_a_device_that_changes_its_tune_is_still_understood():
    channels = kitchen()
    tunes = [
        [Sample("mq4", 1.0, "mV")] * length + [Sample("temperature", 2.0)]
        for length in range(REMEMBERED + 3)
    ]

    for _ in range(2):  # the second time some are remembered and some are forgotten
        for tune in tunes:
            got = columns(channels, *tune)
            assert got.channel.tolist() == [7] * (len(tune) - 1) + [9]


def test_the_same_names_in_other_units_are_another_tune():
    channels = kitchen()

    codes = [columns(channels, Sample("mq4", 1.0, unit)).unit.tolist() for unit in ("mV", "ppm")]

    assert codes == [[UNIT_CODES["mV"]], [UNIT_CODES["ppm"]]]


def test_the_same_tune_is_worked_out_once_and_a_backlog_is_not_kept():
    channels = kitchen()
    short, long = [Sample("mq4", 1.0)] * 3, [Sample("mq4", 1.0)] * (REMEMBERED_ROWS + 1)

    assert columns(channels, *short).channel is columns(channels, *short).channel
    assert columns(channels, *long).channel is not columns(channels, *long).channel


def test_shared_columns_cannot_be_written():
    got = columns(kitchen(), Sample("mq4", 1.0))

    with pytest.raises(ValueError, match="read-only"):
        got.channel[0] = 1


@pytest.mark.parametrize(("units", "unit"), [({"mV"}, "ppm"), ({"mV", "furlong"}, "mV")])
def test_a_channel_speaks_its_own_unit_and_only_known_ones(units, unit):
    with pytest.raises(ValueError, match="channel 7"):
        ChannelKey(7, frozenset(units), unit)
