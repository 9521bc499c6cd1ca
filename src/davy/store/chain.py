"""The audit trail's chain of hashes: how a row is linked, and how a chain is checked.

Each hash covers the hash before it and the canonical bytes of its own row, so one row cannot
be changed without changing all that follow. How many rows there are and how the last one ends
is kept apart, as the *head*: without it the last rows could be cut off unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from davy.store.words import AuditBreak, AuditHead, AuditRow, storable

EMPTY = AuditHead(0, bytes(32))
"""The head of a trail that has no rows yet."""


def canonical(seq: int, at_s: float, *words: str) -> bytes:
    """The bytes of a row that are hashed: a JSON array, ASCII, floats by shortest repr."""
    row = [seq, float(at_s), *words]
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def link(
    head: AuditHead, *, at_s: float, who: str, action: str, what: str, detail: str
) -> AuditRow:
    """The next row of the trail."""
    who, action, what, detail = (storable(text) for text in (who, action, what, detail))
    seq = head.count + 1
    digest = hashlib.sha256(head.hash + canonical(seq, at_s, who, action, what, detail)).digest()
    return AuditRow(
        seq=seq, at_s=float(at_s), who=who, action=action, what=what, detail=detail, hash=digest
    )


def find_break(
    rows: Iterable[AuditRow], head: AuditHead, noted: AuditHead | None = None
) -> AuditBreak | None:
    """The first place where rows, in order, are not the chain that ends in `head`."""
    last = EMPTY
    for row in rows:
        if row.seq != last.count + 1:
            return AuditBreak(last.count + 1, f"row is missing: after {last.count} comes {row.seq}")
        expected = link(
            last,
            at_s=row.at_s,
            who=row.who,
            action=row.action,
            what=row.what,
            detail=row.detail,
        )
        if row.hash != expected.hash:
            return AuditBreak(row.seq, "row is not what was written, or not in its place")
        last = AuditHead(row.seq, row.hash)
        if noted is not None and noted.count == row.seq and noted.hash != row.hash:
            return AuditBreak(row.seq, "row's hash is not the one noted elsewhere")
    if last != head:
        return AuditBreak(
            min(last.count, head.count) + 1,
            f"trail ends after {last.count} rows, its head was left at {head.count}",
        )
    if noted is not None and noted.count > last.count:
        return AuditBreak(
            last.count + 1, f"trail ends after {last.count} rows, {noted.count} were noted"
        )
    return None
