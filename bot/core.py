"""Core: the object every face holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo

from bot.catalog import Catalog
from bot.engines import Engine
from bot.model import Page, Report


class Core:
    """Answers command lines from one engine with one catalog.

    `clock` returns the present as an aware datetime; it is the only source of "now".
    """

    def __init__(
        self, catalog: Catalog, engine: Engine, clock: Callable[[], datetime], timeout: timedelta
    ) -> None: ...

    async def answer(self, line: str | Sequence[str], zone: tzinfo) -> Report | Page:
        """The report or page for a command line (text as typed, or argv words already split).

        `zone` is the asker's time zone, for times without one. An engine failure becomes a Report with
        verdict `error`; bad input raises UsageError.
        """
        raise NotImplementedError

    def needs_zone(self, line: str) -> bool:
        """Whether `line` names a wall-clock time without a zone, so that the asker's zone matters."""
        raise NotImplementedError

    async def close(self) -> None: ...
