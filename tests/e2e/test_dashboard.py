"""The dashboard in a real browser: a leak is seen, acknowledged and reset."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from davy.service.access import Role, Who
from tests.e2e.browser import CHROMIUM, browser
from tests.installation import Installation, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.skipif(
        not (files("davy.api") / "static" / "index.html").is_file(),
        reason="the dashboard is not built: install Davy without DAVY_SKIP_FRONTEND",
    ),
]


def invitation(davy: Installation) -> str:
    assert davy.running is not None
    access = davy.running.station.access
    access.put_user("anna", Role.OPERATOR, "correct horse battery")
    return f"{davy.url}/enter?token={access.invite(Who('anna', Role.OPERATOR))}"


async def test_a_leak_is_seen_acknowledged_and_reset(davy: Installation, tmp_path: Path):
    box = await davy.add("kitchen-1")
    await davy.post(box.ppm(300.0))
    async with browser(tmp_path / "profile") as page:
        await page.open(invitation(davy))
        await until(lambda: _shows(page, "Kitchen"), 20)

        await davy.post(box.ppm(12_000.0))
        await until(lambda: _shows(page, "Gas in Kitchen"))
        assert "Davy" in await page.value("document.title")
        assert "not a certified safety device" in await page.text()

        await until(lambda: _press(davy, page, "Acknowledge", "unacked"), 20)
        assert set((await davy.states()).values()) == {"acked"}

        await davy.post(box.ppm(100.0))
        await until(lambda: _press(davy, page, "Reset", "latched"), 20)
        assert await davy.states() == {}
        await until(lambda: _shows(page, "Normal"))
        story = await davy.get("/alarms/kitchen-1.gas.high/transitions")
        assert [step["event"] for step in story] == ["reset", "fall", "ack", "rise"]
        assert story[0]["by"] == "anna"


async def test_who_is_not_logged_in_is_asked_who_they_are(davy: Installation, tmp_path: Path):
    async with browser(tmp_path / "profile") as page:
        await page.open(davy.url)
        await until(lambda: _shows(page, "Password"), 20)
        assert "Kitchen" not in await page.text()


async def _shows(page, words: str) -> bool:  # type: ignore[no-untyped-def]
    return words.lower() in (await page.text()).lower()


async def _press(davy: Installation, page, label: str, state: str) -> bool:  # type: ignore[no-untyped-def]
    """Presses the first such button; true once no alarm is in that state any more."""
    left = [alarm for alarm, its in (await davy.states()).items() if its == state]
    if left:
        await page.click(label)
    return not left and state not in (await davy.states()).values()
