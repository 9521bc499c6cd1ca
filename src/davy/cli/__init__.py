"""The `davy` command: each group of commands in its own file, heavy imports inside them."""

from davy.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Runs the command line; the entry point of the package."""
    app(prog_name="davy")
