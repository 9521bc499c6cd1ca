"""How every command ends: 0, or 2 with one line that says what, where and what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from davy.domain.errors import DavyError

FAILED = 2
INTERRUPTED = 130


class Front(TyperGroup):
    """The outermost group: errors of ours and of the command line become one line each."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command and ends the process with its exit status."""
        try:
            status = super().main(
                args, prog_name, complete_var, False, windows_expand_args, **extra
            )
        except DavyError as error:
            fail(f"davy: {error}")
        except typer.TyperException as error:
            fail(_usage(error))
        except (typer.Abort, KeyboardInterrupt):
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            sys.stdout = None  # whoever read us has left: nothing to flush at the end
            raise SystemExit(1) from None
        raise SystemExit(status if isinstance(status, int) else 0)


def fail(line: str) -> None:
    """Says what is wrong on the error output and ends with status 2."""
    sys.stderr.write(f"{line}\n")
    raise SystemExit(FAILED) from None


def _usage(error: typer.TyperException) -> str:
    """A usage error in one line; a group that was called alone shows its help instead."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "davy"
    message = " ".join(error.format_message().split())
    if not message:
        return f"{path}: name one of its commands, as listed above"
    end = "" if message.endswith((".", "?")) else "."
    return f"{path}: {message}{end} See `{path} --help`"
