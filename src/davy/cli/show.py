"""What commands print: tables for people, JSON for scripts, and nothing that a pipe would mind."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn


def console(*, error: bool = False) -> Console:
    """The terminal; a pipe gets lines that are as long as they need to be."""
    from rich.console import Console

    file = sys.stderr if error else sys.stdout
    return Console(file=file, highlight=False, width=None if file.isatty() else 240)


def progress(*columns: str | ProgressColumn) -> Progress:
    """A bar on the error output while work is long; nothing where nobody watches."""
    from rich.progress import Progress

    there = console(error=True)
    return Progress(*columns, console=there, transient=True, disable=not there.is_terminal)


def json(value: Any) -> None:
    """Prints a value as JSON; frozen views become objects, in the order of their fields."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    sys.stdout.write(f"{text}\n")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, nothing: str, right: str = ""
) -> None:
    """Prints a table, or one line where there is nothing to show.

    Args:
        columns: headings.
        rows: cells as text.
        nothing: the line that stands for an empty table.
        right: headings whose cells are numbers, separated by spaces.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    cells = list(rows)
    if not cells:
        console().print(nothing, markup=False)
        return
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        drawn.add_column(
            name, justify="right" if name in right.split() else "left", overflow="fold"
        )
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    console().print(drawn)


def when(time_s: float | None) -> str:
    """A time of ours as people read it, UTC; empty for none."""
    if time_s is None:
        return ""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def number(value: float | None, unit: str = "") -> str:
    """A value with its unit; a dash for none."""
    if value is None or isnan(value):
        return "-"
    return f"{value:.6g} {unit}".strip()
