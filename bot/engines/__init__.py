"""Where KQL runs: one protocol, two engines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from bot.kql import BoundQuery
from bot.model import Table, Window


class Engine(Protocol):
    """Runs a bound query and returns its rows.

    Both engines return the same shape for the same rows (see `bot.model.Table`), and raise only
    `bot.errors.EngineError` and its kinds, each with a hint for the person's next step.
    """

    async def query(self, bound: BoundQuery, timeout: timedelta) -> Table:
        """The rows of `bound`, at most as many as its body takes."""

    def prepare(self, queries: Sequence[BoundQuery]) -> None:
        """Make ready, in the background, for queries like these, whatever their values. Called in the event loop."""

    def portal_url(self, bound: BoundQuery, seen: str) -> str:
        """Where the portal opens this query; empty where there is no portal, or it would not know where to run it.

        `seen` is the resource id that the rows named, for a query about no resource in particular.
        """

    async def span(self) -> Window | None:
        """From the first to the last moment the logs at hand can hold; None when that is not known cheaply."""

    async def close(self) -> None:
        """Let go of files, connections and credentials."""
