"""Commits ten readings at a time for as long as it lives, and says how far it came."""

from __future__ import annotations

import sys
from pathlib import Path

from davy.domain.batch import Batch
from davy.store import Commit, Sqlite, entries

with Sqlite(Path(sys.argv[1])) as store:
    print("open", flush=True)
    for offset in range(store.offset() + 1, 1_000_000):
        rows = Batch.of(*((offset + k / 10, k % 3, float(k)) for k in range(10)))
        store.commit(
            Commit(
                offset=offset,
                rows=rows,
                entry=entries(offset, 10),
                snapshot=str(offset).encode() * 1000,
            )
        )
        print(offset, flush=True)
