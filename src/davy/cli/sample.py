"""A commented `davy.toml`, written from the settings themselves, so that it cannot lag behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from davy.service.config import Config

HEAD = """\
# The configuration of this Davy. Every key stands here with its default: take away the # at
# the beginning of a line to change it, and write your own value where dots stand (`...`).
# Environment variables such as DAVY_SERVER__PORT, and a `.env` beside this file, come first:
# keep passwords there. `davy doctor` says whether all is well.
"""
_WIDTH = 92


def text() -> str:
    """The whole file. As it is written it changes nothing."""
    lines = [HEAD]
    for name, field in Config.model_fields.items():
        section = _model(field.annotation)
        if section is not None:
            lines += _table(name, section, commented=False)
    for name, field in Config.model_fields.items():
        lines += _repeated(name, field)
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, section: type[BaseModel], *, commented: bool) -> Iterator[str]:
    """One `[table]`: a sentence, then each key under its own."""
    yield f"{'#' if commented else ''}[{name}]"
    yield from _comment(section.__doc__ or "")
    yield ""
    nested = []
    for key, field in section.model_fields.items():
        if _repeats(field):
            nested.append((key, field))
            continue
        yield from _comment(_sentence(field))
        yield f"#{key} = {_value(field.default)}"
    yield ""
    for key, field in nested:
        yield from _repeated(f"{name}.{key}", field)


def _repeated(name: str, field: FieldInfo) -> Iterator[str]:
    """A table that stands once for each zone, gas …, under the example in its description."""
    if not _repeats(field):
        return
    section = next(kind for kind in map(_model, get_args(field.annotation)) if kind)
    example = re.search(r"\[(.+)\]", field.description or "")
    yield from _table(example[1] if example else f"{name}.NAME", section, commented=True)


def _repeats(field: FieldInfo) -> bool:
    return any(_model(kind) is not None for kind in get_args(field.annotation))


def _model(kind: Any) -> type[BaseModel] | None:
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _sentence(field: FieldInfo) -> str:
    """What the key means, and what may stand there where only few words may."""
    values = get_args(field.annotation)
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        values = tuple(one.value for one in field.annotation)
    words = [value for value in values if isinstance(value, str)]
    told = field.description or ""
    if words and not all(word in told for word in words):
        return f"{told} One of {', '.join(words)}."
    return told


def _comment(sentence: str) -> list[str]:
    return [f"# {line}" for line in wrap(" ".join(sentence.split()), _WIDTH)]


def _value(default: Any) -> str:
    if default is None:
        return "..."
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, int | float):
        return repr(default)
    plain = default.value if isinstance(default, Enum) else str(default)
    return '"{}"'.format(plain.replace("\\", "\\\\").replace('"', '\\"'))


def write(path: Path) -> None:
    """Writes the file; it must not exist.

    Raises:
        FileExistsError: there is one already.
        OSError: it cannot be written.
    """
    with path.open("x", encoding="utf-8") as file:
        file.write(text())
