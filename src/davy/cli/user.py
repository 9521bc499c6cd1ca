"""`davy user`: who may log in, and what they may do."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from davy.cli import show
from davy.cli.options import ConfigFile, Json, group
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import Conflict, InputError


class RoleName(StrEnum):
    """The words of `davy.service.access.Role`, without its imports; a test holds them equal."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


app = group("user", "Adds, lists and removes people who may log in.", "davy user list")
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Of a-z, digits and -.", show_default=False)
]
ROLES = "viewer looks, operator answers alarms, admin changes devices, users and limits."


@app.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help=ROLES)] = RoleName.VIEWER,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give a user who is there a new password and role.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config_file: ConfigFile = None,
) -> None:
    """Adds a user; asks twice for a password of at least 10 characters.

    Example: `davy user add anna --role operator`
    """
    from davy.cli.changes import changes_of
    from davy.service.access import Role

    config = configuration(config_file)
    if not replace and _is_known(config_file, name):
        raise Conflict(f"user {name}: there is one already; --replace gives a new password")
    password = _from_stdin() if password_stdin else _asked(name)
    with changes_of(config) as changes:
        changes.put_user(name, Role(role.value), password)
    typer.echo(f"{name} may log in as {role.value}")


@app.command("list")
def list_(config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Lists everybody who may log in.

    Example: `davy user list`
    """
    with store_to_read(configuration(config_file)) as store:
        users = [{"name": user.name, "role": user.role} for user in store.users()]
    if as_json:
        show.json(users)
        return
    show.table(
        ("user", "role"),
        [(user["name"], user["role"]) for user in users],
        nothing="Nobody may log in yet; `davy user add NAME --role admin` changes that.",
    )


@app.command()
def role(
    name: Name,
    role: Annotated[RoleName, typer.Argument(help=ROLES, show_default=False)],
    config_file: ConfigFile = None,
) -> None:
    """Gives a user another role; the password stays.

    Example: `davy user role anna admin`
    """
    from davy.cli.changes import changes_of
    from davy.service.access import Role

    with changes_of(configuration(config_file)) as changes:
        changes.set_role(name, Role(role.value))
    typer.echo(f"{name} is {role.value} from now on")


@app.command()
def remove(name: Name, config_file: ConfigFile = None) -> None:
    """Takes a user away; open sessions end at once.

    Example: `davy user remove anna`
    """
    from davy.cli.changes import changes_of

    with changes_of(configuration(config_file)) as changes:
        changes.remove_user(name)
    typer.echo(f"{name} may not log in any more")


def _is_known(config_file: ConfigFile, name: str) -> bool:
    try:
        with store_to_read(configuration(config_file)) as store:
            return store.user(name) is not None
    except InputError:  # there is no database yet, so there is no user
        return False


def _from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InputError("--password-stdin: nothing came; pipe the password in, in one line")
    return password


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        raise InputError(
            f"user {name}: there is no terminal to ask for a password; use --password-stdin"
        )
    password: str = typer.prompt(
        f"Password for {name}", hide_input=True, confirmation_prompt="Once more"
    )
    return password
