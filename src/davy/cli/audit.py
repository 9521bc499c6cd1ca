"""`davy audit`: who did what, and whether the record is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from davy.cli import show
from davy.cli.front import FAILED
from davy.cli.options import ConfigFile, Json, Limit, group
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import InputError

if TYPE_CHECKING:
    from davy.store.words import AuditHead

app = group("audit", "Shows who did what, and checks that nobody rewrote it.", "davy audit verify")


@app.command("list")
def list_(limit: Limit = 100, config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Lists what people did, newest first.

    Example: `davy audit list --limit 20`
    """
    with store_to_read(configuration(config_file)) as store:
        rows = store.audit_rows(limit)
    if as_json:
        show.json(
            [
                {
                    "index": row.seq,
                    "at_s": row.at_s,
                    "who": row.who,
                    "action": row.action,
                    "what": row.what,
                    "detail": row.detail,
                    "hash": row.hash.hex(),
                }
                for row in rows
            ]
        )
        return
    show.table(
        ("row", "at", "who", "did", "to", "detail"),
        [
            (str(row.seq), show.when(row.at_s), row.who, row.action, row.what, row.detail)
            for row in rows
        ],
        nothing="Nobody did anything yet.",
        right="row",
    )


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            metavar="COUNT:HASH",
            show_default=False,
            help="A head that was noted elsewhere: it tells of a trail that was rewritten whole.",
        ),
    ] = None,
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Checks the chain of hashes; ends with 2 and the broken place, or with 0 and the head.

    Note the head elsewhere now and then (print it, mail it) and give it with --head later.

    Example: `davy audit verify --head 12:9fc08cbb…`
    """
    noted = None if head is None else _head(head)
    with store_to_read(configuration(config_file)) as store:
        broken = store.audit_verify(noted)
        now = store.audit_head()
    if as_json:
        show.json(
            {
                "whole": broken is None,
                "head": f"{now.count}:{now.hash.hex()}",
                "broken": None if broken is None else {"row": broken.seq, "what": broken.what},
            }
        )
    elif broken is None:
        typer.echo(f"The audit trail is whole: {now.count} rows, head {now.count}:{now.hash.hex()}")
    if broken is not None:
        typer.echo(
            f"davy: the audit trail is broken at row {broken.seq}: {broken.what}; keep this "
            "database as it is, and compare it with a backup",
            err=True,
        )
        raise typer.Exit(FAILED)


def _head(text: str) -> AuditHead:
    from davy.store.words import AuditHead

    count, _, digest = text.partition(":")
    try:
        noted = AuditHead(int(count), bytes.fromhex(digest))
    except ValueError:
        noted = AuditHead(-1, b"")
    if noted.count < 0 or len(noted.hash) != 32:
        raise InputError(
            f"--head {text}: that is no COUNT:HASH; copy it as `davy audit verify` printed it"
        )
    return noted
