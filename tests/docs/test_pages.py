"""What the pages tell people to do works: code runs, links lead somewhere, commands exist."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from davy.service.config import load
from docs import commands
from tests.installation import Installation, until

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGEST_PICTURE_BYTES = 300_000


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, without their indentation."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


def howto(name: str) -> Path:
    return ROOT / "docs" / "howto" / f"{name}.md"


async def test_the_tutorials_snippet_raises_the_tutorials_alarm(davy: Installation, tmp_path: Path):
    box = await davy.add("kitchen-1", "mq4=MQ-4:methane", "temperature", "humidity")
    (tmp_path / "papers.json").write_text(json.dumps(box.papers))
    (send,) = blocks(ROOT / "docs" / "tutorial" / "first-alarm.md", "python")
    (tmp_path / "send.py").write_text(send)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "send.py", "papers.json", "mq4", "3000", "mV", "2"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    said, _ = await process.communicate()

    assert said == b"seq 0: 3000 mV acknowledged\nseq 1: 3000 mV acknowledged\n"
    await until(lambda: davy.state("kitchen-1.mq4.low"))
    # The first reading came before any weather; the second is corrected for it.
    await until(lambda: davy.running.station.live.readings == 6)
    assert await davy.state("kitchen-1.mq4.low") == "unacked"
    assert (await davy.latest("kitchen-1.mq4"))["value"] == pytest.approx(6108.14, abs=0.01)


def test_the_calibration_snippet_finds_r0_in_a_quiet_minute(tmp_path: Path):
    (snippet,) = blocks(howto("calibrate-a-sensor"), "python")
    began = datetime(2026, 7, 1, tzinfo=UTC)
    with (tmp_path / "clean.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["time", "raw", "raw_unit"])
        for second in range(66):
            lines.writerow([(began + timedelta(seconds=second)).isoformat(), 800.0, "mV"])

    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "R0 23001 ohm from 66 readings, 0.94 of the typical one\n"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_configuration_that_is_shown_can_be_used(path: Path, tmp_path: Path):
    for code in blocks(path, "toml"):
        (tmp_path / "davy.toml").write_text(code)
        load(tmp_path / "davy.toml")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_that_are_shown_exist(path: Path):
    known = dict(commands.all_names())
    lines = [
        line
        for language in ("console", "sh")
        for code in blocks(path, language)
        for line in code.replace("\\\n", " ").splitlines()
    ]
    shown = [line.removeprefix("$ ").split() for line in lines if re.match(r"(\$ )?davy ", line)]

    for words in shown:
        name = next((n for n in (" ".join(words[:k]) for k in (3, 2)) if n in known), None)
        assert name, " ".join(words)
        used = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert used <= {*known[name], "--help"}, " ".join(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_inside_the_repository_lead_somewhere(path: Path):
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_pictures_are_small_enough_to_be_loaded_on_a_phone():
    pictures = list((ROOT / "docs" / "images").iterdir())

    assert pictures
    assert all(picture.stat().st_size < LARGEST_PICTURE_BYTES for picture in pictures)


def test_every_benchmark_that_the_readme_names_can_be_run():
    from benchmarks.__main__ import BENCHMARKS

    named = re.findall(r"python -m benchmarks (\w+)`", (ROOT / "README.md").read_text("utf-8"))
    assert set(named) - {"NAME"} <= set(BENCHMARKS)


def test_the_site_builds_without_a_warning_and_asks_nothing_of_other_hosts(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    pages = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.html"))
    loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)', pages)
    assert loaded == []
