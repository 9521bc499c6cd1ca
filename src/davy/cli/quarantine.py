"""`davy quarantine`: what was refused, and the evidence of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

import typer

from davy.cli import show
from davy.cli.options import ConfigFile, Json, Limit, group
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import InputError, Reason, UnknownName

if TYPE_CHECKING:
    from davy.store.words import Evidence

app = group("quarantine", "Shows packs that were refused.", "davy quarantine list")
ROWS_A_LOOK = 1_000_000


@app.command("list")
def list_(
    limit: Limit = 100,
    reason: Annotated[
        str | None, typer.Option(help="Only one kind: bad-signature …", show_default=False)
    ] = None,
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Lists what was refused, newest first.

    Example: `davy quarantine list --reason bad-signature`
    """
    if reason is not None and reason not in [one.value for one in Reason]:
        raise InputError(f"--reason {reason}: give one of {', '.join(Reason)}")
    with store_to_read(configuration(config_file)) as store:
        evidence = store.quarantine(limit, reason=reason)
    if as_json:
        show.json([_as_json(one) for one in evidence])
        return
    show.table(
        ("id", "at", "reason", "device", "bytes", "what"),
        [
            (str(one.id), show.when(one.at_s), one.reason, one.device, str(one.size), one.detail)
            for one in evidence
        ],
        nothing="Nothing was refused.",
        right="id bytes",
    )


@app.command("show")
def show_(
    number: Annotated[
        int, typer.Argument(metavar="ID", help="As `davy quarantine list` has it.", min=1)
    ],
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Shows one piece of evidence with its first bytes.

    Example: `davy quarantine show 17`
    """
    with store_to_read(configuration(config_file)) as store:
        found = next((one for one in store.quarantine(ROWS_A_LOOK) if one.id == number), None)
    if found is None:
        raise UnknownName(
            f"quarantine {number}: it is not there, or went to make room for newer evidence; "
            "`davy quarantine list` shows what there is"
        )
    if as_json:
        show.json(_as_json(found))
        return
    typer.echo(
        f"at        {show.when(found.at_s)}\n"
        f"reason    {found.reason}: {found.detail}\n"
        f"device    {found.device or '-'}\n"
        f"topic     {found.topic or '-'}\n"
        f"SHA-256   {found.sha256}\n"
        f"size      {found.size} bytes; the first {len(found.payload)} are kept:"
    )
    typer.echo("\n".join(hexdump(found.payload)))


def hexdump(data: bytes) -> list[str]:
    """Bytes as people look at them: place, numbers, and the letters among them."""
    return [
        f"{at:06x}  {data[at : at + 16].hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data[at : at + 16])
        for at in range(0, len(data), 16)
    ]


def _as_json(one: Evidence) -> dict[str, Any]:
    return {
        "id": one.id,
        "at_s": one.at_s,
        "reason": one.reason,
        "detail": one.detail,
        "device": one.device,
        "topic": one.topic,
        "size": one.size,
        "sha256": one.sha256,
        "bytes": base64.b64encode(one.payload).decode(),
    }
