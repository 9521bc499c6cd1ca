"""`python -m benchmarks NAME [--quick] [--json]`; `all` runs every one."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.figures import RESULTS, Benchmark, Figures, as_document

BENCHMARKS = {
    "pipeline": "benchmarks.pipeline:run",
    "ingest": "benchmarks.ingest:run",
    "latency": "benchmarks.latency:run",
    "history": "benchmarks.history:run",
    "restart": "benchmarks.restart:run",
}


def load(name: str) -> Benchmark:
    """The benchmark of this name."""
    module, _, function = BENCHMARKS[name].partition(":")
    found: Benchmark = getattr(importlib.import_module(module), function)
    return found


def show(name: str, figures: Figures) -> None:
    """A table on the terminal."""
    table = Table("figure", "value", "raw limit", "goal", "met", title=name)
    for key, figure in figures.items():
        sign = "≤" if figure.at_most else "≥"
        table.add_row(
            key,
            f"{figure.value:,.6g} {figure.unit}",
            "" if figure.raw_limit is None else f"{figure.raw_limit:,.6g}",
            "" if figure.goal is None else f"{sign} {figure.goal:,.6g}",
            {None: "", True: "yes", False: "NO"}[figure.met],
        )
    Console().print(table)


def main() -> int:
    """Runs what was asked for; 0 whether goals are met or not, for the machine is noisy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--quick", action="store_true", help="within 45 s, less exact")
    parser.add_argument("--json", action="store_true", help="one JSON object, and no file")
    given = parser.parse_args()
    for name in BENCHMARKS if given.name == "all" else [given.name]:
        figures = asyncio.run(load(name)(given.quick))  # type: ignore[arg-type]
        document = as_document(name, figures)
        if given.json:
            print(json.dumps(document))
        else:
            show(name, figures)
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
