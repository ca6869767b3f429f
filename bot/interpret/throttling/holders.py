"""Who held the connections when the limit was reached.

The counts are from starts and ends in the log, so they are the least there were: a connection that started before
the log reaches back, and has not ended since, is not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.interpret.said import count, moment, percent
from bot.model import Cause, Confidence, Evidence, Family, Row

# One address that holds so much of everything is worth naming.
_LARGE = 0.2
# Below this share of named users in its connections, an address holds them for hardly anybody.
_FEW_USERS = 0.1
_LEAST = 20
# App servers hold like numbers of connections: one that has so many times the next is unlike the others.
_UNLIKE = 4
# With nearly as many users as connections hardly anybody holds several; those without a user say nothing about it.
_ONE_EACH, _NAMED = 0.75, 0.7
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Holders:
    """The connections open at `at`: the rows of queries/investigations/throttling/open.kql."""

    at: datetime
    rows: tuple[Row, ...]

    @property
    def clients(self) -> int:
        return sum(row["connections"] for row in self.rows if not row["is_server"])

    @property
    def servers(self) -> int:
        return sum(row["connections"] for row in self.rows if row["is_server"])

    @property
    def text(self) -> str:
        """How many were open, and which share was of app servers."""
        whole = self.clients + self.servers
        if not whole:
            return ""
        seen = f"At {moment(self.at)} at least {count(whole, 'connection was', 'connections were')} open"
        if not self.servers:
            return f"{seen}, all of clients; those of app servers began before the log, and are not counted."
        return (
            f"{seen}: {self.clients:,} of clients and {self.servers:,} of app servers ({percent(self.servers, whole)})."
        )

    @property
    def client(self) -> Row | None:
        """The address that holds many client connections for hardly any user."""
        row = next((row for row in self.rows if not row["is_server"] and row["holder"]), None)
        if row is None or row["connections"] < max(_LEAST, _LARGE * (self.clients + self.servers)):
            return None
        return row if row["users"] <= max(1, _FEW_USERS * row["connections"]) else None

    @property
    def server(self) -> Row | None:
        """The address that holds many more server connections than any other."""
        rows = [row for row in self.rows if row["is_server"]]
        top = next((row for row in rows if row["holder"]), None)
        if top is None or top["connections"] < max(_LEAST, _LARGE * (self.clients + self.servers)):
            return None
        others = [row["connections"] for row in rows if row is not top and row["holder"]]
        return top if others and top["connections"] >= _UNLIKE * max(others) else None

    @property
    def one_each(self) -> bool:
        """Whether nearly every client connection is a user's only one."""
        rows = [row for row in self.rows if not row["is_server"]]
        users, named = sum(row["users"] for row in rows), self.clients - sum(row["unnamed"] for row in rows)
        if self.client is not None or self.server is not None or self.clients < _LEAST:
            return False
        return bool(named >= _NAMED * self.clients and users >= _ONE_EACH * named)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why so many were open, where the rows say."""
        found = []
        if self.client is not None:
            found.append(Cause(Family.LEAK, "client-connection-leak", Confidence.MEDIUM))
        if self.server is not None:
            found.append(Cause(Family.LEAK, "server-connection-leak", Confidence.MEDIUM))
        if self.one_each:
            found.append(Cause(Family.CLIENT, "demand", Confidence.LOW))
        return tuple(found)


def read(rows: Sequence[Row], at: datetime) -> Holders:
    """Who held what at `at`."""
    return Holders(at, tuple(rows))


def title(row: Row, holders: Holders) -> str:
    """'192.0.2.9 held 600 of 1,000 connections'."""
    whole = holders.clients + holders.servers
    named = count(row["users"], "named user") if row["users"] else "no named user"
    users = "" if row["is_server"] else f", for {named}"
    return f"{row['holder']} held {row['connections']:,} of {count(whole, 'open connection')}{users}"


def evidence(holders: Holders) -> Evidence:
    """The addresses that held most."""
    return Evidence(
        "Open then",
        holders.text or "No open connection can be counted from the log.",
        ("Connections", "Of", "Address", "Users", "Without user"),
        tuple(
            (row["connections"], "app server" if row["is_server"] else "clients",
             row["holder"] or f"{count(row['addresses'], 'address', 'addresses')} with few each",
             row["users"], row["unnamed"])
            for row in holders.rows[:_SHOWN]
        ),
        len(holders.rows),
        "open",
    )  # fmt: skip
