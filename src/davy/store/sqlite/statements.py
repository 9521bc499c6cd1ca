"""Loads the named statements of `statements.sql`."""

from __future__ import annotations

import re
from importlib.resources import files

_NAMED = re.compile(r"^-- name: (\w+)\n((?:-- .*\n)+)([^;]+);\n", re.MULTILINE)


def load() -> dict[str, str]:
    """Every statement by its name, without its sentence."""
    text = files(__package__).joinpath("statements.sql").read_text("utf-8")
    return {name: body for name, _, body in _NAMED.findall(text)}


SQL = load()
