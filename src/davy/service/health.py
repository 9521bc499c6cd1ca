"""Davy watches itself: what is wrong here is trouble too, and is told like any other."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from davy.service.views import TroubleView

_LOG = structlog.get_logger("davy.health")


class Health:
    """What is wrong right now, by name, since when.

    Args:
        clock: seconds since 1970 UTC.
        on_change: called after something went wrong or right again.
    """

    def __init__(self, clock: Callable[[], float], on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        self._troubles: dict[str, TroubleView] = {}

    def tell(self, what: str, detail: str | None) -> None:
        """Says how `what` is: a sentence about what is wrong, or None when all is well."""
        known = self._troubles.get(what)
        if detail is None:
            if known is not None:
                del self._troubles[what]
                _LOG.info("over", what=what, after_s=round(self._clock() - known.since_s, 1))
                self._on_change()
        elif known is None:
            self._troubles[what] = TroubleView(what=what, since_s=self._clock(), detail=detail)
            _LOG.warning("trouble", what=what, detail=detail)
            self._on_change()
        elif known.detail != detail:
            self._troubles[what] = TroubleView(what=what, since_s=known.since_s, detail=detail)

    def tell_cause(self, what: str) -> Callable[[Exception | None], None]:
        """A listener for parts that report an error, and None when it is over."""
        return lambda cause: self.tell(what, None if cause is None else str(cause))

    @property
    def troubles(self) -> list[TroubleView]:
        """All that is wrong, the oldest first."""
        return sorted(self._troubles.values(), key=lambda trouble: trouble.since_s)
