"""The command line as a page: every command with its arguments, options and example."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from davy.cli.app import app

_KINDS = {"int": "NUMBER", "float": "NUMBER", "str": "TEXT", "Path": "PATH"}


def text() -> str:
    """All commands, those of a group under the group's name."""
    front: Any = typer.main.get_command(app)
    blocks = []
    for name, command in front.commands.items():
        nested = getattr(command, "commands", None)
        if nested is None:
            blocks.append(_command(f"davy {name}", command))
            continue
        blocks.append(f"## davy {name}\n\n{_prose(command.help)}\n")
        blocks += [_command(f"davy {name} {key}", one, 3) for key, one in nested.items()]
    return "\n".join(blocks)


def all_names() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every command with the names of its options."""
    front: Any = typer.main.get_command(app)
    for name, command in front.commands.items():
        for key, one in getattr(command, "commands", {"": command}).items():
            options = tuple(opt for param in one.params if _is_option(param) for opt in param.opts)
            yield f"davy {name} {key}".strip(), options


def _command(path: str, command: Any, level: int = 2) -> str:
    shown = [param for param in command.params if not param.hidden and param.name != "help"]
    arguments = [param for param in shown if not _is_option(param)]
    options = [param for param in shown if _is_option(param)]
    usage = " ".join([path, *(_argument(one) for one in arguments), "[OPTIONS]" * bool(options)])
    lines = ["#" * level + f" {path}", "", f"`{usage.strip()}`", "", _prose(command.help), ""]
    if shown:
        named = [(f"`{_argument(one)}`", one) for one in arguments]
        named += [(_option(one), one) for one in options]
        lines += ["| | default | |", "|---|---|---|"]
        lines += [f"| {name} | {_default(one)} | {_cell(one.help)} |" for name, one in named]
        lines.append("")
    return "\n".join(lines)


def _is_option(param: Any) -> bool:
    return bool(param.opts and param.opts[0].startswith("-"))


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name.upper())
    return name if param.required or name.startswith("[") else f"[{name}]"


def _option(param: Any) -> str:
    names = ", ".join(f"`{opt}`" for opt in sorted(param.opts, key=len, reverse=True))
    return names if param.is_flag else f"{names} `{_value(param)}`"


def _value(param: Any) -> str:
    if param.metavar:
        return str(param.metavar).replace("|", "\\|")
    kind = param.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "\\|".join(str(one.value) for one in kind)
    return _KINDS.get(getattr(kind, "__name__", ""), "TEXT")


def _default(param: Any) -> str:
    if param.required:
        return "required"
    if not param.show_default or param.default in (None, False, "", (), []):
        return ""
    default = param.default.value if isinstance(param.default, Enum) else param.default
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _cell(words: str | None) -> str:
    return " ".join((words or "").split()).replace("|", "\\|")


def _prose(words: str | None) -> str:
    """A help text, each paragraph on one line."""
    paragraphs = [" ".join(part.split()) for part in (words or "").strip().split("\n\n")]
    return "\n\n".join(paragraphs)
