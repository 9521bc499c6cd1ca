"""The installations that tests are given."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.installation import DavyProcess, Installation, davy_in


@pytest.fixture
async def davy(tmp_path: Path) -> AsyncIterator[Installation]:
    """A Davy that runs in this process, with nothing enrolled."""
    async with davy_in(tmp_path) as running:
        yield running


@pytest.fixture
async def davy_process(tmp_path: Path) -> AsyncIterator[DavyProcess]:
    """A Davy in a process of its own; the test starts it."""
    process = DavyProcess(tmp_path, {"pipeline": {"snapshot_s": 0.5}})
    yield process
    await process.kill()


@pytest.fixture
def data() -> Path:
    """The folder of real recordings."""
    default = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("DAVY_DATA", default))
