"""Recordings as readings: the two that are known, and files that describe themselves."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from davy.domain.errors import InputError
from davy.domain.site import Unit
from davy.ingest.recorded import Moment, Order, read
from davy.ingest.recordings import ENOSE, ENOSE_START_S, MQ2_TELEMETRY
from davy.wire.senml import Sample

DATA = Path(os.environ.get("DAVY_DATA") or Path(__file__).parents[2] / "../shared/data")
TELEMETRY = DATA / "mq2_telemetry" / "iot_mq2_telemetry_24h.csv.gz"
ENOSE_FILE = DATA / "enose" / "Gas_Sensors_Measurements.csv"


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.parent.name}: the recording is not at hand (DAVY_DATA)")
    return path


def csv(directory: Path, *lines: str, name: str = "day.csv") -> Path:
    path = directory / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_telemetry_is_three_devices_with_three_channels_each():
    recorded = read(needs(TELEMETRY))

    assert recorded.recording is MQ2_TELEMETRY
    assert len(recorded.moments) - 1 == 50_270
    assert len(recorded) == 3 * 50_270
    assert sorted(order.device for order in recorded.orders()) == [
        "iot-device-01",
        "iot-device-02",
        "iot-device-03",
    ]
    assert {order.channels for order in recorded.orders()} == {
        ("mq2=MQ-2:lpg", "temperature", "humidity")
    }


def test_the_telemetry_gives_rs_over_r0_and_not_its_wrong_ppm():
    first = next(iter(read(needs(TELEMETRY))))

    assert first.device == "iot-device-01"
    assert first.time_s == 1594598424.5023336
    ratio, temperature, humidity = first.samples
    # lpg 0.014275626: exp((log10(lpg) - 2.3) * -0.47 + 0.21)
    assert ratio == Sample("mq2", pytest.approx(8.65676, rel=1e-5), Unit.RATIO, first.time_s)
    assert temperature.value == pytest.approx(18.9)
    assert humidity.value == pytest.approx(73.8)


def test_the_enose_is_one_device_that_measures_every_two_seconds_in_millivolts():
    recorded = read(needs(ENOSE_FILE))

    assert recorded.recording is ENOSE
    assert len(recorded) == 7 * 6400, "nothing is dropped, not even the copied block"
    assert [order.device for order in recorded.orders()] == ["enose-1"]
    moments = list(recorded)
    assert [moments[at].time_s - ENOSE_START_S for at in (0, 1, 6399)] == [0, 2, 12_798]
    first = moments[0].samples
    assert [one.channel for one in first] == ["mq2", "mq3", "mq5", "mq6", "mq7", "mq8", "mq135"]
    # 555 counts of 1,024 steps of 5 V
    assert first[0].value == pytest.approx(555 / 1024 * 5000)
    assert {one.unit for one in first} == {Unit.MILLIVOLT}


def test_it_can_begin_at_another_time():
    recorded = read(needs(ENOSE_FILE), start_s=1.7e9)

    assert recorded.time_s.min() == 1.7e9
    assert np.ptp(recorded.time_s) == 12_798


def test_columns_are_channels_of_the_device_that_the_file_is_named_after(tmp_path):
    path = csv(
        tmp_path,
        "time,mq4,temperature",
        "1700000000,412.5,21",
        "1700000001,413,",
        name="Boiler_Room.csv",
    )

    recorded = read(path, channels=["mq4=MQ-4:methane", "temperature"], units={"mq4": "mV"})

    assert recorded.orders() == [Order("boiler-room", ("mq4=MQ-4:methane", "temperature"))]
    assert list(recorded) == [
        Moment(
            "boiler-room",
            1.7e9,
            (Sample("mq4", 412.5, Unit.MILLIVOLT, 1.7e9), Sample("temperature", 21.0, None, 1.7e9)),
        ),
        Moment("boiler-room", 1.7e9 + 1, (Sample("mq4", 413.0, Unit.MILLIVOLT, 1.7e9 + 1),)),
    ]


def test_a_column_may_name_its_device_and_so_may_a_row(tmp_path):
    wide = csv(tmp_path, "ts,kitchen-1.mq4,hall-1.mq4", "1700000000,1,2", name="wide.csv")
    tall = csv(
        tmp_path, "ts,device,mq4", "1700000000,hall-1,2", "1700000001,Cellar 1,3", name="tall.csv"
    )

    assert [(m.device, m.samples[0].value) for m in read(wide)] == [("hall-1", 2), ("kitchen-1", 1)]
    assert [(m.device, m.samples[0].value) for m in read(tall)] == [("hall-1", 2), ("cellar-1", 3)]


@pytest.mark.parametrize(
    "written",
    [
        "1700000000.5",
        "2023-11-14T22:13:20.5Z",
        "2023-11-14 22:13:20.5",
        "2023-11-14T23:13:20.5+01:00",
    ],
)
def test_a_time_is_seconds_or_iso_8601_and_utc_where_it_names_no_zone(written, tmp_path):
    path = csv(tmp_path, "Timestamp,mq4", f"{written},1")

    assert read(path).time_s.tolist() == [1_700_000_000.5]


def test_rows_stay_in_the_order_of_the_file_even_where_time_goes_back(tmp_path):
    path = csv(tmp_path, "time,mq4", "1700000005,1", "1700000003,2", "1700000004,3")

    assert [moment.samples[0].value for moment in read(path)] == [1, 2, 3]


def test_texts_are_no_channels_and_empty_cells_no_readings(tmp_path):
    path = csv(tmp_path, "time,label,mq4", "1700000000,gas,", "1700000001,,NaN", "1700000002,gas,7")

    assert [m.samples for m in read(path)] == [(Sample("mq4", 7.0, None, 1_700_000_002.0),)]


def test_parquet_and_gzip_are_read_like_csv(tmp_path):
    plain = csv(tmp_path, "time,mq4", "2023-11-14T22:13:20,1.5", "2023-11-14T22:13:21,")
    packed = tmp_path / "day.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    columns = tmp_path / "day.parquet"
    instants = pa.array([1_700_000_000_000, 1_700_000_001_000], pa.timestamp("ms"))
    pq.write_table(pa.table({"time": instants, "mq4": [1.5, None]}), columns)

    expected = [Moment("day", 1.7e9, (Sample("mq4", 1.5, None, 1.7e9),))]
    assert [list(read(path)) for path in (plain, packed, columns)] == [expected] * 3


BAD = {
    "no time column": (("mq4", "1"), "no column is called time, time_s, ts, timestamp"),
    "no numeric column": (("time,label", "1700000000,gas"), "no column but time holds numbers"),
    "no number": (
        ("time,mq4", "1700000000,1", "1700000001,high"),
        "day.csv row 2, mq4: 'high' is no number",
    ),
    "infinite": (("time,mq4", "1700000000,1", "1700000001,1e999"), "row 2, mq4: the value is inf"),
    "no time": (("time,mq4", "yesterday,1"), "row 1, time: 'yesterday' is no time"),
    "an empty time": (("time,mq4", "1700000000,1", ",1"), "row 2, time: '' is no time"),
    "milliseconds": (("time,mq4", "1700000000000,1"), "divide milliseconds by 1000"),
    "seconds from the start": (("time,mq4", "0,1", "1,1"), "say when it shall start"),
    "a short row": (("time,mq4", "1700000000,1", "1700000001"), "row 2: it has 1 cells"),
    "no rows": (("time,mq4",), "it has no rows"),
    "no header": (("",), "its first line names no columns"),
    "a name twice": (("time,mq4,mq4", "1700000000,1,2"), "two columns are called 'mq4'"),
    "a channel twice": (("time,MQ 4,mq_4", "1700000000,1,2"), "two of its columns would be one"),
    "not one reading": (("time,mq4", "1700000000,"), "no column but time holds numbers"),
    "a name of nothing": (("time,!?", "1700000000,1"), "'!?' is neither channel nor"),
    "nobody's row": (("time,device,mq4", "1700000000,,1"), "row 1, device: '' names no device"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_played_says_where_and_why(what, tmp_path):
    lines, said = BAD[what]

    with pytest.raises(InputError) as told:
        read(csv(tmp_path, *lines))

    assert said in str(told.value)
    assert "day.csv" in str(told.value)


def test_a_channel_that_the_file_does_not_have_is_named_with_those_it_has(tmp_path):
    with pytest.raises(InputError, match="no column mq9; it has time, mq4"):
        read(csv(tmp_path, "time,mq4", "1700000000,1"), channels=["mq9=MQ-9:methane"])


def test_a_unit_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(InputError, match="unit 'bananas' of mq4"):
        read(csv(tmp_path, "time,mq4", "1700000000,1"), units={"mq4": "bananas"})


def test_files_that_are_no_recordings_are_told_so(tmp_path):
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(gzip.compress(b"time,mq4\n1700000000,1\n")[:-9])
    noise = tmp_path / "noise.parquet"
    noise.write_bytes(b"PAR1 no more")
    bytes_ = tmp_path / "bytes.csv"
    bytes_.write_bytes(b"time,mq4\n1700000000,\xff\n")
    text = csv(tmp_path, "time,mq4", name="day.txt")

    for path, said in {
        tmp_path / "gone.csv": "there is no such file",
        torn: "cannot be read as CSV",
        noise: "cannot be read as Parquet",
        bytes_: "cannot be read as CSV",
        text: "neither .csv, .csv.gz nor .parquet",
    }.items():
        with pytest.raises(InputError, match=said):
            read(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "day.parquet"
    pq.write_table(pa.table({"time": [1.7e9], "mq4": [1.0]}), path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(InputError, match=r"pip install 'davy\[parquet\]'"):
        read(path)


def test_a_recording_that_nobody_knows_is_told_with_those_that_are(tmp_path):
    with pytest.raises(InputError, match="use mq2_telemetry, enose"):
        read(csv(tmp_path, "time,mq4", "1700000000,1"), "beijing")
