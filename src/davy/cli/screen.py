"""The demo on a terminal: the air of each channel and the story, drawn four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live as Drawing
from rich.table import Table
from rich.text import Text

from davy.cli.story import Told
from davy.service.live import Live
from davy.service.views import AlarmView, ChannelView

STYLES = {"world": "cyan", "gas": "bold red", "trouble": "yellow", "attack": "bold magenta"}
LINES = 14
FULL_LEL = 40.0
BAR = 24


def line(told: Told) -> Text:
    """One line of the story."""
    text = Text().append(f"{told.after_s:6.1f} s  ", style="dim")
    return text.append(told.text, style=STYLES[told.mark])


class Screen:
    """Draws what is true now over the last lines of the story.

    Args:
        console: where.
        live: the present of the running Davy.
        standing: alarms that are not normal.
    """

    def __init__(
        self,
        console: Console,
        live: Live,
        standing: Callable[[], list[AlarmView]],
    ) -> None:
        self._live = live
        self._standing = standing
        self._story: list[Told] = []
        self._drawing = Drawing(console=console, get_renderable=self._draw, auto_refresh=False)

    def __enter__(self) -> Screen:
        self._drawing.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._drawing.stop()

    async def keep(self) -> None:
        """Draws for ever, on the event loop: nothing moves while it is looked at."""
        while True:
            self._drawing.refresh()
            await asyncio.sleep(0.25)

    def tell(self, told: Told) -> None:
        """Adds a line to the story."""
        self._story.append(told)

    def _draw(self) -> RenderableType:
        story = [line(told) for told in self._story[-LINES:]]
        return Group(self._air(), Text(), *story)

    def _air(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("channel")
        table.add_column("ppm", justify="right", min_width=7)
        table.add_column("%LEL", justify="right", min_width=5)
        table.add_column("")
        table.add_column("alarms")
        alarms = self._standing()
        for channel in self._live.channels():
            if channel.quantity == "gas":
                table.add_row(*_cells(channel, alarms))
        return table


def _cells(channel: ChannelView, alarms: Iterable[AlarmView]) -> tuple[RenderableType, ...]:
    mine = [one for one in alarms if one.device == channel.device and one.channel == channel.name]
    gas = [one for one in mine if one.kind == "gas"]
    latest = channel.latest
    value = latest.value if latest else None
    lel = latest.percent_lel if latest else None
    style = "bold red" if any(one.active for one in gas) else "red" if gas else "green"
    filled = round(BAR * min(1.0, (lel or 0.0) / FULL_LEL))
    states: dict[str, list[str]] = {}
    for one in gas:
        states.setdefault(one.state.replace("_", " "), []).append(one.level)
    words = "; ".join(f"{', '.join(levels)}: {state}" for state, levels in states.items())
    return (
        Text(channel.key),
        Text("-" if value is None else f"{value:,.0f}", style=style),
        Text("-" if lel is None else f"{lel:.1f}", style=style),
        Text("█" * filled, style=style).append("░" * (BAR - filled), style="dim"),
        Text(words or "none", style=style if gas else "dim"),
    )
