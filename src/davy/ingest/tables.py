"""A CSV or Parquet file as named columns, with errors that name the row.

Rows count from 1, the header left aside.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from davy.domain.errors import InputError
from davy.wire.senml import LAST_S

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
"""What stands in a cell where there was no reading."""

Column = Sequence[str] | NDArray[np.float64]


class Table:
    """The columns of one file, each as texts or as numbers.

    Raises:
        InputError: there is no such file, it cannot be read, or a cell is not what it must be.
    """

    def __init__(self, path: Path, columns: Mapping[str, Column], rows: int) -> None:
        self.path = path
        self.columns = columns
        self.rows = rows

    @staticmethod
    def read(path: Path) -> Table:
        """A file by what its name ends in: `.csv`, `.csv.gz` or `.parquet`."""
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        name = path.name.lower()
        if name.endswith(".parquet"):
            table = _read_parquet(path)
        elif name.endswith((".csv", ".csv.gz")):
            table = _read_csv(path)
        else:
            raise InputError(f"{path}: it is neither .csv, .csv.gz nor .parquet")
        if not table.rows:
            raise InputError(f"{path}: it has no rows")
        return table

    def is_numeric(self, name: str) -> bool:
        """Whether the first cell that holds something holds a number."""
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return True
        for cell in column:
            if cell.strip().lower() not in MISSING:
                return _is_number(cell)
        return False

    def texts(self, name: str) -> Sequence[str]:
        """A column as it is written."""
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return [f"{number:g}" for number in column.tolist()]
        return column

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64 [rows]; NaN where there was no reading.

        Raises:
            InputError: a cell is no number, or an infinite one.
        """
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            numbers = column
        else:
            numbers = np.array([self._number(name, at, cell) for at, cell in enumerate(column)])
        if np.isinf(numbers).any():
            row = int(np.flatnonzero(np.isinf(numbers))[0]) + 1
            raise InputError(f"{self.path} row {row}, {name}: the value is infinite; leave it out")
        return numbers.astype(np.float64)

    def times(self, name: str) -> NDArray[np.float64]:
        """A column of seconds or of ISO 8601 texts (UTC where they name no zone) as seconds.

        Raises:
            InputError: a cell is neither, or empty, or in milliseconds.
        """
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            times_s = column.astype(np.float64)
        else:
            times_s = np.array([self._time(name, at, cell) for at, cell in enumerate(column)])
        wrong = np.flatnonzero(~((times_s >= 0) & (times_s <= LAST_S)))
        if len(wrong):
            row, time_s = int(wrong[0]) + 1, times_s[wrong[0]]
            raise InputError(
                f"{self.path} row {row}, {name}: {time_s:g} is no time in seconds since 1970; "
                "divide milliseconds by 1000"
            )
        return times_s

    def _number(self, name: str, at: int, cell: str) -> float:
        try:
            return float(cell)
        except ValueError as cause:
            if cell.strip().lower() in MISSING:
                return float("nan")
            raise InputError(
                f"{self.path} row {at + 1}, {name}: {cell[:40]!r} is no number; "
                "leave the cell empty where there was no reading"
            ) from cause

    def _time(self, name: str, at: int, cell: str) -> float:
        if _is_number(cell):
            return float(cell)
        try:
            moment = datetime.fromisoformat(cell.strip())
        except ValueError as cause:
            raise InputError(
                f"{self.path} row {at + 1}, {name}: {cell[:40]!r} is no time; write seconds "
                "since 1970, or 2026-07-31T12:00:00Z"
            ) from cause
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_csv(path: Path) -> Table:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rt", newline="", encoding="utf-8-sig") as file:
                return _columns(path, cast("TextIO", file))
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _columns(path, file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as cause:
        raise InputError(f"{path}: it cannot be read as CSV: {cause}") from cause


def _columns(path: Path, file: TextIO) -> Table:
    lines = csv.reader(file)
    header = next(lines, [])
    if not any(name.strip() for name in header):
        raise InputError(f"{path}: its first line names no columns")
    names = [name.strip() for name in header]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two columns are called {name!r}; rename one")
    rows = []
    for row, cells in enumerate((line for line in lines if line), 1):
        if len(cells) != len(names):
            raise InputError(
                f"{path} row {row}: it has {len(cells)} cells, the first line names {len(names)}"
            )
        rows.append(cells)
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return Table(path, dict(zip(names, columns, strict=True)), len(rows))


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra that few need
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as cause:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install 'davy[parquet]'") from cause
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as cause:
        raise InputError(f"{path}: it cannot be read as Parquet: {cause}") from cause
    columns = {name: _column(pa, table.column(name)) for name in table.column_names}
    return Table(path, columns, int(table.num_rows))


def _column(pa: Any, column: Any) -> Column:
    """Numbers and instants as float64, all else as texts."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        ticks = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
        return np.asarray(ticks.to_numpy(), np.float64) / 1e6
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]
