"""`davy export`: readings as a file that other programs read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from davy.cli import show
from davy.cli.options import ConfigFile
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import InputError, UnknownName

if TYPE_CHECKING:
    from davy.domain.site import Channel
    from davy.store.port import Store
    from davy.store.words import Rows


class Format(StrEnum):
    """What a reading can be written as."""

    CSV = "csv"
    PARQUET = "parquet"


COLUMNS = ("time", "channel", "value", "unit", "raw", "raw_unit", "flags", "suspicion", "arrived")
Columns = dict[str, list[Any]]
Put = Callable[[Columns], None]


def export(
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; - is standard output (CSV).",
            show_default=False,
        ),
    ],
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="By default what FILE ends in, or csv.", show_default=False),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DEVICE.NAME",
            help="Only this one; may be given several times.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="ISO", help="As 2026-07-31T12:00:00Z.", show_default=False),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="ISO", help="Up to then, not including it.", show_default=False
        ),
    ] = None,
    config_file: ConfigFile = None,
) -> None:
    """Writes stored readings into a file, by channel and time; times are UTC.

    Example: `davy export --format csv --channel kitchen-1.mq4 --from 2026-07-01 -o july.csv`
    """
    chosen = format_ or (Format.PARQUET if output.suffix == ".parquet" else Format.CSV)
    start_s = time_of("--from", start) if start else -float("inf")
    end_s = time_of("--to", end) if end else float("inf")
    if not start_s < end_s:
        raise InputError(f"--from {start} --to {end}: nothing lies between; swap them")
    with store_to_read(configuration(config_file)) as store:
        channels = _chosen(store, channel)
        with _writer(output, chosen) as put:
            count = _copy(store, channels, (start_s, end_s), put)
    typer.echo(f"{count} readings in {output}", err=True)


def time_of(what: str, text: str) -> float:
    """A time as people write it, UTC where it names no zone, as seconds since 1970.

    Raises:
        InputError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as cause:
        raise InputError(
            f"{what} {text}: that is no time; write 2026-07-31 or 2026-07-31T12:00:00Z"
        ) from cause
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _chosen(store: Store, names: list[str] | None) -> dict[int, Channel]:
    known = {channel.key: channel for device in store.devices() for channel in device.channels}
    for name in names or ():
        if name not in known:
            raise UnknownName(
                f"channel {name}: no such channel; `davy device show DEVICE` lists them"
            )
    return {known[name].id: known[name] for name in names or known}


def _copy(store: Store, channels: dict[int, Channel], span: tuple[float, float], put: Put) -> int:
    from rich.progress import SpinnerColumn, TextColumn

    count = 0
    looks = (SpinnerColumn(), TextColumn("{task.completed:,} readings"))
    with show.progress(*looks) as progress:
        task = progress.add_task("export", total=None)
        for rows in store.readings(list(channels), *span):
            put(_columns(rows, channels))
            count += len(rows)
            progress.update(task, completed=count)
    return count


def _columns(rows: Rows, channels: dict[int, Channel]) -> Columns:
    import numpy as np

    from davy.domain.flags import Flag
    from davy.domain.site import UNITS

    names = {flags: _words(flags, Flag) for flags in np.unique(rows.flags).tolist()}
    owners = [channels[number] for number in rows.channel.tolist()]
    return {
        "time": _instants(rows.time_s),
        "channel": [owner.key for owner in owners],
        "value": _numbers(rows.value),
        "unit": [owner.quantity.unit for owner in owners],
        "raw": _numbers(rows.raw),
        "raw_unit": [UNITS[code].value for code in rows.unit.tolist()],
        "flags": [names[flags] for flags in rows.flags.tolist()],
        "suspicion": _numbers(rows.suspicion),
        "arrived": _instants(rows.arrived_s),
    }


def _words(flags: int, kinds: Any) -> str:
    return " ".join(one.name.lower().replace("_", "-") for one in kinds if one & flags)


def _numbers(values: Any) -> list[float | None]:
    """No value is an empty cell, not the word nan."""
    return [None if isnan(value) else value for value in values.tolist()]


def _instants(times_s: Any) -> list[str]:
    import numpy as np

    whole = np.round(times_s * 1e6).astype("datetime64[us]")
    return [f"{text}Z" for text in np.datetime_as_string(whole).tolist()]


@contextmanager
def _writer(output: Path, chosen: Format) -> Iterator[Put]:
    """Takes columns; the file is there when all of them are in it, not before."""
    if str(output) == "-":
        if chosen is Format.PARQUET:
            raise InputError("-o -: Parquet cannot go to standard output; name a file")
        yield _csv(sys.stdout)
        return
    fresh = output.with_name(f"{output.name}.part")
    try:
        with _opened(fresh, chosen) as put:
            yield put
        fresh.replace(output)
    except OSError as cause:
        raise InputError(f"{output}: {cause.strerror}; name a file that can be written") from cause
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, chosen: Format) -> Iterator[Put]:
    if chosen is Format.CSV:
        with path.open("w", newline="", encoding="utf-8") as file:
            yield _csv(file)
        return
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as cause:
        raise InputError(
            "--format parquet needs pyarrow: pip install 'davy[parquet]', or use --format csv"
        ) from cause
    instant, words, number = pa.timestamp("us", tz="UTC"), pa.string(), pa.float64()
    kinds = (instant, words, number, words, number, words, words, number, instant)
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))

    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def put(columns: Columns) -> None:
            for name in ("time", "arrived"):
                columns[name] = [datetime.fromisoformat(text) for text in columns[name]]
            writer.write_table(pa.table(columns, schema=schema))

        yield put


def _csv(file: Any) -> Put:
    import csv

    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(COLUMNS)

    def put(columns: Columns) -> None:
        lines.writerows(zip(*(columns[name] for name in COLUMNS), strict=True))

    return put
