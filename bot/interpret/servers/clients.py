"""What the clients of each hub went through, to weigh what happened to the server connections.

No record ties a client to its server connection: both are put together by hub and time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret import Tables
from bot.knowledge import Knowledge
from bot.model import Table, Window

# Clients close within seconds of their server connection; the query counts in steps of 10 s.
# Source: "Server connection drops" in the troubleshooting guide.
STEP, REACH = timedelta(seconds=10), timedelta(seconds=30)
SLOTS = 60
DROPPED = frozenset({"server-connection-dropped", "server-connection-not-found"})
NO_SERVER = "no-available-server"
ERRORS = frozenset({"hub-exception", "app-server-closed"})


@dataclass(frozen=True, slots=True)
class Starts:
    """Client connections that started (or, when `serverless`, entered serverless mode) on a hub in one slot."""

    hub: str
    serverless: bool
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Burst:
    """Client connections of a hub closed for one reason within ten seconds from `at`; `code` explains the reason."""

    hub: str
    code: str
    at: datetime
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Clients:
    """All starts and all bursts of the window."""

    starts: tuple[Starts, ...]
    bursts: tuple[Burst, ...]

    @property
    def hubs(self) -> frozenset[str]:
        """The hubs that clients connected to."""
        return frozenset(each.hub for each in self.starts if each.hub and not each.serverless)

    def started(self, span: Window | None = None, hubs: Collection[str] = (), serverless: bool = False) -> int:
        """How many started in `span` on one of `hubs` (all when empty); a slot counts by where it begins."""
        return sum(
            each.count
            for each in self.starts
            if each.serverless is serverless
            and (not hubs or each.hub in hubs)
            and (span is None or span.start <= each.first <= span.end)
        )

    def closed(self, codes: Collection[str], span: Window | None = None, hubs: Collection[str] = ()) -> list[Burst]:
        """The bursts with one of `codes` in `span` on one of `hubs` (or on an unnamed one)."""
        return [
            each
            for each in self.bursts
            if each.code in codes
            and (not hubs or "" in hubs or not each.hub or each.hub in hubs)
            and (span is None or (span.start <= each.last and each.first <= span.end))
        ]


def read(tables: Tables, knowledge: Knowledge) -> Clients:
    """What the steps `clients` and `closes` show."""
    none = Table((), ())
    starts = tuple(
        Starts(row["HubName"].casefold(), row["serverless"], row["connections"], row["first_seen"], row["last_seen"])
        for row in tables.get("clients", none).rows
    )
    bursts = []
    for row in tables.get("closes", none).rows:
        message = row["reason"] + ("Server reported error: " if row["reported_error"] else "")
        code = knowledge.explain(reasons.read(message), "Client").code
        bursts.append(
            Burst(row["HubName"].casefold(), code, row["at"], row["connections"], row["first_seen"], row["last_seen"])
        )
    return Clients(starts, tuple(bursts))


def total(bursts: Iterable[Burst]) -> int:
    """How many client connections the bursts hold together."""
    return sum(each.count for each in bursts)
