"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration; without it ./davy.toml, or the defaults where there is none.",
        show_default=False,
        metavar="FILE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")]
Note = Annotated[str, typer.Option("--note", "-m", help="Why, in your own words.")]


def group(name: str, what: str, example: str) -> typer.Typer:
    """An empty group of commands with its help."""
    return typer.Typer(
        name=name,
        help=f"{what}\n\nExample: `{example}`",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
