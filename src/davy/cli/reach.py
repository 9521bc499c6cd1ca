"""How a command reaches an installation: through its running server, or through its files.

Whoever changes something asks the server, if one runs; the store has one writer only. Whoever
looks may open the store beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from davy.domain.errors import DavyError, InputError

if TYPE_CHECKING:
    import httpx

    from davy.service.config import Config
    from davy.service.runfile import RunFile
    from davy.store.port import Store

DEFAULT = Path("davy.toml")
PATIENCE_S = 30.0


def configuration(path: Path | None) -> Config:
    """The configuration a command is about.

    Raises:
        ConfigError: it cannot be used.
    """
    from davy.service.config import load

    return load(chosen(path))


def chosen(path: Path | None) -> Path | None:
    """The file that was named, or the one that lies here; None where there is neither."""
    return DEFAULT if path is None and DEFAULT.is_file() else path


class Server:
    """A running Davy, spoken to with the token from its run file."""

    def __init__(self, run: RunFile, http: httpx.Client) -> None:
        self.run = run
        self._http = http

    def get(self, path: str, **query: Any) -> Any:
        """What stands there."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Sends a body of JSON; the answer, None for an empty one.

        Raises:
            InputError: the server says that this makes no sense, and why.
            DavyError: it cannot do it now.
        """
        return self._call("POST", path, json=body)

    def delete(self, path: str) -> None:
        """Takes something away."""
        self._call("DELETE", path)

    def _call(self, method: str, path: str, **parts: Any) -> Any:
        import httpx

        try:
            reply = self._http.request(method, f"/api/v1/{path}", **parts)
        except httpx.HTTPError as cause:
            raise DavyError(
                f"Davy at {self.run.api} does not answer ({cause}); look at its log"
            ) from cause
        if reply.is_success:
            return reply.json() if reply.content else None
        try:
            detail = str(reply.json()["detail"])
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {reply.status_code}"
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            detail = f"{self.run.api} is another Davy than the one in the run file; start it anew"
        raise (InputError if reply.is_client_error else DavyError)(detail)


@contextmanager
def server_of(config: Config) -> Iterator[Server | None]:
    """The running server of this installation; None where none runs."""
    from davy.service import runfile

    run = runfile.find(config.data.dir)
    if run is None:
        yield None
        return
    import httpx

    headers = {"Authorization": f"Bearer {run.token}"}
    # Proxies of the environment are not for talking to this very machine.
    with httpx.Client(
        base_url=run.api, headers=headers, timeout=PATIENCE_S, trust_env=False
    ) as http:
        try:
            http.get("/healthz")
        except httpx.ConnectError:  # its process id belongs to another program by now
            yield None
            return
        except httpx.HTTPError:
            pass  # busy: the command itself will tell, if it stays so
        yield Server(run, http)


@contextmanager
def running_server(config: Config, what: str) -> Iterator[Server]:
    """The running server of this installation, for a command that cannot do without.

    Raises:
        InputError: none runs.
    """
    with server_of(config) as server:
        if server is None:
            raise InputError(
                f"{what} needs a running Davy, and none runs on {config.data.dir}; start one "
                "with `davy serve`, or name its configuration with -c"
            )
        yield server


@contextmanager
def store_to_write(config: Config) -> Iterator[Store]:
    """The store of an installation whose server does not run.

    Raises:
        StoreError: it cannot be opened, or another process writes it.
    """
    from davy.service.compose import store_of

    with store_of(config) as store:
        yield store


@contextmanager
def store_to_read(config: Config) -> Iterator[Store]:
    """The store, whether the server runs or not.

    Raises:
        InputError: there is none yet.
        StoreError: it cannot be opened.
    """
    from davy.service.compose import DATABASE, store_of

    path = config.data.dir / DATABASE
    if not path.is_file():
        raise InputError(
            f"{path}: there is no database yet; name the right configuration with -c, or begin "
            "with `davy init`"
        )
    with store_of(config, read_only=True) as store:
        yield store
