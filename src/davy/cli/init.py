"""`davy init`: a configuration, a data directory, and somebody who may log in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from davy.domain.errors import ConfigError, Conflict

ADMIN = "admin"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where davy.toml and the data shall stand.")
    ] = Path(),
) -> None:
    """Begins an installation: a commented davy.toml, its data directory, and the user admin.

    The password of admin is printed once and kept nowhere. Nothing is ever overwritten.

    Example: `davy init plant && davy serve -c plant/davy.toml`
    """
    import secrets

    from davy.cli.changes import InStore
    from davy.cli.reach import store_to_write
    from davy.service.access import Role
    from davy.service.config import load

    file = folder / "davy.toml"
    _write(folder, file)
    config = load(file)
    password = secrets.token_urlsafe(15)
    with store_to_write(config) as store:
        if store.users():
            raise Conflict(
                f"{config.data.dir}: there is a database with users already; {file} now stands "
                "beside it, and `davy user add NAME` adds another"
            )
        InStore(config, store).put_user(ADMIN, Role.ADMIN, password)
    typer.echo(f"Configuration: {file}\nData:          {config.data.dir}")
    typer.echo(f"User:          {ADMIN}\nPassword:      {password}   (shown this once)")
    typer.echo(f"Start:         davy serve -c {file}")


def _write(folder: Path, file: Path) -> None:
    from davy.cli import sample

    try:
        folder.mkdir(parents=True, exist_ok=True)
        sample.write(file)
    except FileExistsError as cause:
        raise Conflict(f"{file} is there already; edit that one, or name another folder") from cause
    except OSError as cause:
        raise ConfigError(f"{file}: {cause.strerror}; name a folder where you may write") from cause
