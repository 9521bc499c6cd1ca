"""Writes `contract/openapi.json`: what the HTTP API takes and gives.

Run `python -m contract.make_openapi` from the root of the repository after a change; a test
fails while the committed file lags behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from davy.api.app import create_app
from davy.service.compose import compose
from davy.service.config import Config, Data
from davy.service.station import Station

HERE = Path(__file__).parent / "openapi.json"


def render() -> str:
    """The whole document; the same on every run."""
    with _station() as station:
        told = create_app(station).openapi()
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def _station() -> Iterator[Station]:
    """One that was never started: only its face is asked for."""
    with TemporaryDirectory() as folder:
        station = compose(Config(data=Data(dir=Path(folder)))).station
        try:
            yield station
        finally:
            station.store.close()


if __name__ == "__main__":
    HERE.write_text(render(), encoding="utf-8")
