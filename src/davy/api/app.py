"""HTTP over a station, and nothing else."""

from __future__ import annotations

import asyncio
from importlib.resources import files

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from davy import __version__
from davy.api import problems
from davy.api.entry import remember, station_of
from davy.api.metrics import text_of
from davy.api.routes import alarms, devices, ingest, live, look, session, users
from davy.service.station import Station

PREFIX = "/api/v1"
_NO_PAGE = """<!doctype html><title>Davy</title><p>Davy runs, but its dashboard was not built.
Install Davy from a wheel, or run <code>npm ci && npm run build</code> in <code>frontend/</code>."""
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def create_app(station: Station, *, secure_cookie: bool = False) -> FastAPI:
    """The web application of a station."""
    app = FastAPI(
        title="Davy",
        version=__version__,
        description="Gas-leak detection. Davy is not a certified safety device.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.station = station
    app.state.secure_cookie = secure_cookie
    app.state.door = asyncio.Lock()
    problems.install(app)
    for routes in (session, look, alarms, devices, users, ingest, live):
        app.include_router(routes.router, prefix=PREFIX)
    app.add_middleware(ingest.StraightIn, path=f"{PREFIX}/readings")
    _add_probes(app)
    _add_pages(app)
    return app


def _add_probes(app: FastAPI) -> None:
    @app.get("/healthz", tags=["probes"])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["probes"])
    async def readyz(request: Request) -> Response:
        """Readings can be taken: no trouble with broker, log, store or pipeline."""
        troubles = station_of(request).health.troubles
        if troubles:
            return problems.problem(503, "; ".join(f"{t.what}: {t.detail}" for t in troubles))
        return Response('{"status":"ready"}', media_type="application/json")

    @app.get("/metrics", tags=["probes"])
    async def metrics(request: Request) -> Response:
        """Counters for Prometheus."""
        return Response(text_of(station_of(request)), media_type="text/plain; version=0.0.4")


def _add_pages(app: FastAPI) -> None:
    static = files("davy.api") / "static"
    index = static / "index.html"

    @app.get("/enter", include_in_schema=False)
    async def enter(request: Request, token: str) -> Response:
        """Lets an invited visitor in, as the demo's printed address does."""
        station = station_of(request)
        who = station.access.invited(token)
        if who is None:
            return problems.problem(401, "this invitation is not valid (any more)")
        answer = RedirectResponse("/", status_code=303)
        remember(answer, station, who, secure=request.app.state.secure_cookie)
        return answer

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        text = index.read_text(encoding="utf-8") if index.is_file() else _NO_PAGE
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        return HTMLResponse(text, headers=headers)

    if index.is_file():
        app.mount("/assets", _Assets(directory=str(static / "assets")), name="assets")


class _Assets(StaticFiles):
    """Built files carry a hash in their name, so a browser may keep them for ever."""

    def file_response(self, *args: object, **settings: object) -> Response:
        """A file, to be kept."""
        response = super().file_response(*args, **settings)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
