"""The reference says what the code does: no key, command, flag or metric is missing or old."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from davy.domain.alarm import CLEARING, LATCHING, Event, State
from davy.domain.errors import Reason
from davy.domain.flags import Flag
from docs import commands, generate, tables
from tests.installation import Installation

REFERENCE = Path(generate.HERE) / "reference"
PAGES = generate.pages()


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def table_under(heading: str, text: str) -> list[list[str]]:
    """The cells of the first table behind a heading, its head among them."""
    below = text.split(f"## {heading}\n", 1)[1]
    rows = re.findall(r"^\|(.+)\|$", below.split("\n## ")[0], re.MULTILINE)
    cells = [[cell.strip(" *`") for cell in row.split(" | ")] for row in rows]
    return [row for row in cells if set(row[0]) != {"-"}]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_generated_page_is_what_the_code_tells(path: Path):
    committed = path.read_text("utf-8")
    assert committed == generate.render(committed), "it lags: run python -m docs.generate"


def test_everything_that_can_be_told_is_told_once():
    told = [name for path in PAGES for name in generate.names_in(path.read_text("utf-8"))]
    assert sorted(told) == sorted(generate.BLOCKS)


def test_every_key_of_the_configuration_has_a_row_with_its_sentence():
    for title, section in tables.sections():
        rows = {row[0]: row for row in table_under(title, page("configuration.md"))}
        for key, field in section.model_fields.items():
            if tables.model_in(field.annotation) is None:
                assert rows[key][4] == field.description, f"{title} {key}"


@pytest.mark.parametrize(("key", "unit"), [("sync_s", "s"), ("inbox_mib", "MiB"), ("host", "")])
def test_the_unit_of_a_key_is_the_one_that_ends_its_name(key: str, unit: str):
    assert tables.unit_of(key) == unit


def test_a_default_that_moves_is_noticed():
    old = page("configuration.md").replace("| `1883` |", "| `1884` |")
    assert "| `1884` |" not in generate.render(old)


def test_every_command_stands_in_the_reference_with_all_its_options():
    text = page("cli.md")
    for name, options in commands.all_names():
        section = re.split(r"\n##+ ", text.split(f"## {name}\n", 1)[1])[0]
        assert "`davy" in section, name
        for option in set(options) - {"--help", "-h"}:
            assert f"`{option}`" in section, f"{name} {option}"


@pytest.mark.parametrize(
    ("heading", "life"), [("Life of a gas alarm", LATCHING), ("Life of a trouble", CLEARING)]
)
def test_the_tables_of_alarm_states_are_those_that_decide(heading: str, life: dict):
    head, *rows = table_under(heading, page("alarms.md"))
    events = [Event(name.removeprefix("on ")) for name in head[1:]]
    drawn = {
        (State(row[0]), event): State(after)
        for row in rows
        for event, after in zip(events, row[1:], strict=True)
        if after
    }

    assert drawn == life


def test_every_flag_and_every_reason_has_a_meaning():
    flags = table_under("Flags", page("flags.md"))[1:]
    reasons = table_under("Reasons", page("flags.md"))[1:]

    assert {int(row[1]) for row in flags} == {int(flag) for flag in Flag}
    assert [row[0] for row in reasons] == [reason.value for reason in Reason]
    assert all(row[2] for row in flags)
    assert all(row[1] for row in reasons)


async def test_every_metric_of_a_running_davy_is_explained_and_no_other(davy: Installation):
    text = (await davy.http.get(f"{davy.url}/metrics")).text
    told = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE))
    written = dict(re.findall(r"^\| `(\w+)(?:\{\w+\})?` \| (.+) \|$", page("metrics.md"), re.M))

    assert written == told
