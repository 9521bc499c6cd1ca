"""`davy alarms`: what stands, and what people do about it."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from davy.cli import show
from davy.cli.options import ConfigFile, Json, Note, group
from davy.cli.reach import configuration, running_server
from davy.domain.errors import InputError

app = group("alarms", "Lists alarms, acknowledges, resets and shelves them.", "davy alarms list")
Key = Annotated[
    str,
    typer.Argument(
        metavar="ALARM",
        help="As `davy alarms list` calls it: kitchen-1.mq4.low.",
        show_default=False,
    ),
]
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600}


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="The normal ones as well.")] = False,
    state: Annotated[
        str | None,
        typer.Option(help="Only those in one state: unacked, latched …", show_default=False),
    ] = None,
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Lists the alarms that are not normal; needs a running Davy.

    Example: `davy alarms list --state unacked`
    """
    query = {"state": state or "all"} if everything or state else {}
    with running_server(configuration(config_file), "`davy alarms list`") as server:
        alarms = server.get("alarms", **query)
    if as_json:
        show.json(alarms)
        return
    show.table(
        ("alarm", "kind", "state", "since", "value", "by", "note"),
        [_row(alarm) for alarm in alarms],
        nothing="No alarm stands.",
        right="value",
    )


@app.command()
def ack(key: Key, note: Note = "", config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Says that somebody has seen it and takes care.

    Example: `davy alarms ack kitchen-1.mq4.low --note "on my way"`
    """
    _act(key, "ack", {"note": note}, config_file, as_json)


@app.command()
def reset(key: Key, note: Note = "", config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Ends an alarm whose gas is gone and that somebody has acknowledged.

    Example: `davy alarms reset kitchen-1.mq4.low`
    """
    _act(key, "reset", {"note": note}, config_file, as_json)


@app.command()
def shelve(
    key: Key,
    *,
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help="As 30min or 2h; 8 hours at most.")
    ] = "1h",
    note: Note = "",
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Puts one alarm away for a while; it comes back by itself.

    Example: `davy alarms shelve hall-1.mq2.fault --for 2h --note "new sensor is ordered"`
    """
    _act(key, "shelve", {"note": note, "for_s": seconds(for_)}, config_file, as_json)


@app.command()
def unshelve(
    key: Key, note: Note = "", config_file: ConfigFile = None, as_json: Json = False
) -> None:
    """Brings a shelved alarm back before its time.

    Example: `davy alarms unshelve hall-1.mq2.fault`
    """
    _act(key, "unshelve", {"note": note}, config_file, as_json)


@app.command("out-of-service")
def out_of_service(
    key: Key, note: Note = "", config_file: ConfigFile = None, as_json: Json = False
) -> None:
    """Takes one alarm out of service, until `in-service`.

    Example: `davy alarms out-of-service hall-1.mq2.low --note "hall is being painted"`
    """
    _act(key, "out-of-service", {"note": note}, config_file, as_json)


@app.command("in-service")
def in_service(
    key: Key, note: Note = "", config_file: ConfigFile = None, as_json: Json = False
) -> None:
    """Puts one alarm back into service.

    Example: `davy alarms in-service hall-1.mq2.low`
    """
    _act(key, "in-service", {"note": note}, config_file, as_json)


@app.command()
def comment(
    key: Key,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to note.", show_default=False)],
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Writes a sentence into an alarm's story.

    Example: `davy alarms comment kitchen-1.mq4.low "a hose had slipped off"`
    """
    _act(key, "comment", {"note": text}, config_file, as_json)


def seconds(text: str) -> float:
    """A stretch of time as people write it: 90s, 30min, 2h.

    Raises:
        InputError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h)", text.strip())
    if match is None:
        raise InputError(f"--for {text!r}: that is no time; write 90s, 30min or 2h")
    return float(match[1]) * _SECONDS[match[2]]


def _act(key: str, act: str, body: dict[str, Any], config_file: ConfigFile, as_json: bool) -> None:
    """What people do to alarms goes through the log, so a Davy must run."""
    with running_server(configuration(config_file), f"`davy alarms {act}`") as server:
        alarm = server.post(f"alarms/{key}/{act}", body)
    if as_json:
        show.json(alarm)
        return
    until = f" until {show.when(alarm['shelved_until'])}" if alarm["shelved_until"] else ""
    typer.echo(f"{alarm['id']} is {alarm['state']}{until}")


def _row(alarm: dict[str, Any]) -> tuple[str, ...]:
    marks = "".join(f", {mark}" for mark in ("unverified", "backfilled") if alarm[mark])
    return (
        alarm["id"],
        alarm["kind"],
        alarm["state"] + marks,
        show.when(alarm["raised_at"]),
        show.number(alarm["value"], alarm["unit"]) if alarm["unit"] else "",
        alarm["by"],
        alarm["note"],
    )
