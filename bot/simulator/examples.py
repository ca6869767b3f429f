"""Connections worth showing: one for each thing that can happen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from bot.simulator.clock import MINUTE, SECOND, Clock
from bot.simulator.population import Client
from bot.simulator.service import ClientConnection

_MOST_TELLING = 4


class Example(NamedTuple):
    """One connection in an archive: what happened to it, when it ended (aware UTC; None: still open)."""

    fault_code: str
    connection_id: str
    ended_at: datetime | None
    note: str


class Examples:
    """Keeps the most telling connection of each kind: a named user's, and one that lived for a while."""

    def __init__(self, clock: Clock, start: datetime) -> None:
        self._clock = clock
        self._start = start
        self._best: dict[str, tuple[int, Example]] = {}

    def offer_client(self, code: str, connection: ClientConnection, note: str) -> None:
        """A connection that has just ended, or at the end of the span is still open."""
        if self._wanted(code):
            lived = self._clock.now - connection.opened_at >= MINUTE
            self._offer(Example(code, connection.id, self._ending(connection), note), connection.client, lived)

    def offer_refused(self, code: str, connection_id: str, client: Client, telling: bool, note: str) -> None:
        """A connection that was turned away just now."""
        if self._wanted(code):
            self._offer(Example(code, connection_id, self._now(), note), client, telling)

    def chosen(self) -> tuple[Example, ...]:
        """The best of each kind, in the order in which the kinds first happened."""
        return tuple(example for _, example in self._best.values())

    def _wanted(self, code: str) -> bool:
        return code not in self._best or self._best[code][0] < _MOST_TELLING

    def _ending(self, connection: ClientConnection) -> datetime | None:
        return None if connection.open else self._now()

    def _now(self) -> datetime:
        return self._start + timedelta(seconds=self._clock.now // SECOND)

    def _offer(self, example: Example, client: Client, telling: bool) -> None:
        # An id that starts with a dash is real, but a poor thing to show on a command line.
        plain = example.connection_id[0] != "-"
        worth = bool(client.user.name) + client.user.returns + plain + telling
        if example.fault_code not in self._best or worth > self._best[example.fault_code][0]:
            self._best[example.fault_code] = (worth, example)
