"""The rows about clients, read: how many started where and how, how they closed, and at which addresses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network

from bot import reasons
from bot.interpret import OPENING, Tables
from bot.knowledge import Knowledge
from bot.model import Row, Table

# Neighbours of one site usually share so much of their address.
_NETWORK = {4: 24, 6: 48}
GOODBYE = "goodbye"
UNNAMED = "(not named)"
_TRANSPORTS = {"websockets": "WebSockets", "serversentevents": "ServerSentEvents", "longpolling": "LongPolling"}


@dataclass(frozen=True, slots=True)
class Closed:
    """Client connections that were closed for one reason at one address; `code` explains the reason."""

    address: str
    code: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Clients:
    """`started` is how many connections started by place; `polling` how many of an address used long polling.

    `steps` are the closes of each code by step of the window.
    """

    transports: Counter[str]
    hubs: Counter[str]
    regions: Counter[str]
    serverless: tuple[Row, ...]
    closes: Counter[str]
    by_transport: dict[str, Counter[str]]
    steps: dict[str, Counter[int]]
    aborts: tuple[Closed, ...]
    short: tuple[Closed, ...]
    minutes: dict[str, Counter[datetime]]
    started: Counter[str]
    polling: Counter[str]
    first: dict[str, datetime]
    last: dict[str, datetime]

    @property
    def total(self) -> int:
        return self.transports.total()


def read(tables: Tables, knowledge: Knowledge) -> Clients:
    """What the tables say; a step that failed leaves its part empty."""

    def rows(step: str) -> tuple[Row, ...]:
        return tables.get(step, Table((), ())).rows

    starts = [row for row in tables[OPENING].rows if not row["serverless"]]
    closes = Counter[str]()
    by_transport: defaultdict[str, Counter[str]] = defaultdict(Counter)
    steps: defaultdict[str, Counter[int]] = defaultdict(Counter)
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for row in rows("closes"):
        message = row["reason"] + ("Server reported error: " if row["reported_error"] else "")
        code = _code(message, row["aborted"], knowledge)
        closes[code] += row["connections"]
        by_transport[code][transport(row["TransportType"])] += row["connections"]
        steps[code][row["step"]] += row["connections"]
        first[code] = min(first.get(code, row["first_seen"]), row["first_seen"])
        last[code] = max(last.get(code, row["last_seen"]), row["last_seen"])
    return Clients(
        transports=_sum((transport(row["TransportType"]), row["connections"]) for row in starts),
        hubs=_sum((row["HubName"].casefold() or UNNAMED, row["connections"]) for row in starts),
        regions=_sum((row["Location"] or UNNAMED, row["connections"]) for row in starts),
        serverless=tuple(row for row in tables[OPENING].rows if row["serverless"]),
        closes=closes,
        by_transport=dict(by_transport),
        steps=dict(steps),
        aborts=_closed(rows("aborts"), knowledge),
        short=_closed(rows("short"), knowledge),
        minutes=_minutes(rows("bursts"), knowledge),
        started=_sum((row["CallerIpAddress"], row["connections"]) for row in rows("places")),
        polling=_sum((row["CallerIpAddress"], row["polling"]) for row in rows("places")),
        first=first,
        last=last,
    )


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """The network that an address is of, "" when it is no address."""
    try:
        read_as = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network(f"{read_as}/{_NETWORK[read_as.version]}", strict=False))


def transport(name: str) -> str:
    """The transport in its usual spelling; others as they are."""
    return _TRANSPORTS.get(name.casefold(), name) or UNNAMED


def _closed(rows: Iterable[Row], knowledge: Knowledge) -> tuple[Closed, ...]:
    return tuple(
        Closed(
            row["CallerIpAddress"],
            _code(row["reason"], True, knowledge),
            row["connections"],
            row["first_seen"],
            row["last_seen"],
        )
        for row in rows
    )


def _minutes(rows: Iterable[Row], knowledge: Knowledge) -> dict[str, Counter[datetime]]:
    found: defaultdict[str, Counter[datetime]] = defaultdict(Counter)
    for row in rows:
        found[_code(row["reason"], True, knowledge)][row["at"]] += row["connections"]
    return dict(found)


def _code(message: str, aborted: bool, knowledge: Knowledge) -> str:
    reason = reasons.read(message)
    if not aborted and not reason.text and not reason.reports_error:
        return GOODBYE
    return knowledge.explain(reason, "Client").code


def _sum(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    found = Counter[str]()
    for name, number in pairs:
        found[name] += number
    return found
