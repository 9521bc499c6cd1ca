"""Writes the parts of the reference that the code knows better than any writer.

Prose is written by hand. Between `<!-- begin: NAME -->` and `<!-- end: NAME -->` stands what
`docs/tables.py` or `docs/commands.py` tells of the code. Run `python -m docs.generate` from the
root of the repository after a change; a test fails while a page lags behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs import commands, tables

HERE = Path(__file__).parent
BLOCKS: Mapping[str, Callable[[], str]] = {
    "configuration": tables.configuration,
    "commands": commands.text,
    "flags": tables.flags,
    "reasons": tables.reasons,
    "latching": tables.latching,
    "clearing": tables.clearing,
    "limits": tables.limits,
    "troubles": tables.troubles,
    "doses": tables.doses,
    "routes": tables.routes,
    "units": tables.units,
    "gases": tables.gases,
    "parts": tables.parts,
}
"""What can stand in a page, by its name in the marks."""

_BLOCK = re.compile(
    r"(?P<begin><!-- begin: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.DOTALL
)


def pages() -> list[Path]:
    """Every page that has something to be generated."""
    return [path for path in sorted(HERE.rglob("*.md")) if _BLOCK.search(path.read_text("utf-8"))]


def names_in(page: str) -> list[str]:
    """The names of the blocks in a page."""
    return [found["name"] for found in _BLOCK.finditer(page)]


def render(page: str) -> str:
    """A page with its blocks as the code has them now.

    Raises:
        KeyError: it asks for a block that nobody writes.
    """
    return _BLOCK.sub(
        lambda found: f"{found['begin']}\n{BLOCKS[found['name']]()}\n{found['end']}", page
    )


def main() -> None:
    """Brings all pages up to date."""
    for path in pages():
        old = path.read_text("utf-8")
        new = render(old)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"written: {path.relative_to(HERE)}")


if __name__ == "__main__":
    main()
