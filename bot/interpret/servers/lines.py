"""Server connections as the records show them: when each opened and closed, at which address, for which hub.

A connection that opened before the records begin shows only when it closes, or not at all.
Source: "How connections are counted" (servers x hubs x 5 at the start) in the messages and connections page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot import reasons
from bot.interpret import OPENING, Tables
from bot.interpret.connection import ENDED, is_goodbye
from bot.knowledge import Knowledge
from bot.model import Chart, Row, Series, Table, Window

# A gap longer than this parts two losses: pings are given up within 5 s of each other, a process takes its time to say
# goodbye. Source: "Azure SignalR Service SDK", ServiceConnectionBase; graceful shutdown is 30 s unless set.
APART, APART_GOODBYES = timedelta(seconds=15), timedelta(seconds=60)
# So much of an address is all of it: a small part of all records may be missing.
ALL = 0.8
# The reasons of a server connection's close that leave open why it closed; all others state it.
PING = "server-ping-timeout"
_OPEN = {PING, "server-connection-dropped", "server-connection-not-found", "unknown-reason", "no-reason",
         "app-server-closed", "handshake-error"}  # fmt: skip
# Where a record names no address.
NOWHERE = "(no address)"
_POINTS, _SERIES = 20, 12
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One server connection; times are aware UTC, None when no record says. `code` explains its close."""

    connection_id: str
    address: str
    hub: str
    region: str
    opened: datetime | None
    closed: datetime | None
    goodbye: bool = False
    code: str = ""
    reason: str = ""

    @property
    def states_its_cause(self) -> bool:
        """Whether it closed for a reason that names its cause, such as a service reload."""
        return self.closed is not None and not self.goodbye and self.code not in _OPEN

    def is_open(self, at: datetime) -> bool:
        """Whether it was open at `at`, as far as the records show."""
        return (self.opened is None or self.opened <= at) and (self.closed is None or self.closed > at)


@dataclass(frozen=True, slots=True)
class Loss:
    """Server connections of one address that closed together; `stayed` others of it were open all the while.

    `back` are the connections that the address opened from its first close on.
    """

    address: str
    lines: tuple[Line, ...]
    first: datetime
    last: datetime
    stayed: int
    back: tuple[Line, ...]

    @property
    def goodbye(self) -> bool:
        return sum(line.goodbye for line in self.lines) * 2 >= len(self.lines)

    @property
    def by_ping(self) -> bool:
        return sum(line.code == PING and not line.goodbye for line in self.lines) * 2 > len(self.lines)

    @property
    def entire(self) -> bool:
        """Whether no connection of the address is known to have stayed, but for a small part."""
        return len(self.lines) >= ALL * (len(self.lines) + self.stayed)

    @property
    def whole(self) -> bool:
        """Whether it took all of the address; two connections may be two of many that never showed."""
        return len(self.lines) >= 3 and self.entire

    @property
    def hubs(self) -> tuple[str, ...]:
        return tuple(sorted({line.hub for line in self.lines}))


def read(tables: Tables, knowledge: Knowledge) -> tuple[Line, ...]:
    """Every server connection of the opening and of the step `earlier`, by address and time."""
    found = {row["ConnectionId"]: _line(row, knowledge) for row in tables[OPENING].rows}
    for row in tables.get("earlier", Table((), ())).rows:
        known = found.get(row["ConnectionId"])
        address = row["CallerIpAddress"] or NOWHERE
        before = Line(row["ConnectionId"], address, row["HubName"].casefold(), row["Location"], row["opened"], None)
        found[row["ConnectionId"]] = replace(known, opened=row["opened"]) if known else before
    addressed = _addressed(list(found.values()))
    return tuple(sorted(addressed, key=lambda line: (line.address, line.opened or line.closed or _LONG_AGO)))


def losses(lines: Iterable[Line], back_within: timedelta) -> tuple[Loss, ...]:
    """The closes whose reason does not state their cause, in groups of one address close in time; oldest first.

    `back_within` is how long after a loss a new connection of its address still counts as its return.
    """
    found = []
    for mine in by_address(lines).values():
        closes = sorted(
            ((line.closed, line) for line in mine if line.closed and not line.states_its_cause),
            key=lambda each: each[0],
        )
        group: list[Line] = []
        for position, (at, line) in enumerate(closes):
            group.append(line)
            after = closes[position + 1] if position + 1 < len(closes) else None
            apart = APART_GOODBYES if line.goodbye and after and after[1].goodbye else APART
            if after is None or after[0] - at > apart:
                found.append(_loss(group, mine, back_within))
                group = []
    return tuple(sorted(found, key=lambda loss: (loss.first, loss.address)))


def by_address(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The lines of each address."""
    found: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.address].append(line)
    return dict(found)


def chart(lines: Sequence[Line], window: Window) -> Chart | None:
    """Server connections known to be open, by address over the window; None when none is."""
    step = window.span / _POINTS
    times = [window.start + step * number for number in range(1, _POINTS + 1)]
    addresses = sorted(by_address(lines).items(), key=lambda each: (-len(each[1]), each[0]))[:_SERIES]
    form = "%H:%M" if window.span <= timedelta(days=1) else "%m-%d %H:%M"
    series = tuple(
        Series(address, tuple(float(sum(line.is_open(at) for line in mine)) for at in times))
        for address, mine in addresses
    )
    if not series:
        return None
    return Chart("Server connections known to be open", "connections", tuple(f"{at:{form}}" for at in times), series)


def _addressed(lines: Sequence[Line]) -> list[Line]:
    """With the address of those that closed for the same reason at the same moment put in where a record has none."""
    closed = [(line.closed, line) for line in lines if line.closed and line.address != NOWHERE]
    found = []
    for line in lines:
        if line.address == NOWHERE and line.closed:
            beside = {
                other.address for at, other in closed if other.code == line.code and abs(at - line.closed) <= APART
            }
            line = replace(line, address=beside.pop()) if len(beside) == 1 else line
        found.append(line)
    return found


def _line(row: Row, knowledge: Knowledge) -> Line:
    opened, closed = row["opened"], row["closed"]
    message = row["aborted"] or row["ended"]
    reason = reasons.read(message)
    goodbye = not row["aborts"] and bool(row["ends"]) and is_goodbye(ENDED, reason)
    # Whole-second clocks and late records: a close is never before its start.
    closed = max(opened, closed) if opened and closed else closed
    return Line(
        connection_id=row["ConnectionId"],
        address=row["CallerIpAddress"] or NOWHERE,
        hub=row["HubName"].casefold(),
        region=row["Location"],
        opened=opened,
        closed=closed,
        goodbye=goodbye,
        code=knowledge.explain(reason, "Server").code if closed else "",
        reason=reason.text or ("" if goodbye else "(none given)"),
    )


def _loss(group: Sequence[Line], mine: Sequence[Line], back_within: timedelta) -> Loss:
    times = [line.closed for line in group if line.closed]
    first, last = min(times), max(times)
    lost = {line.connection_id for line in group}
    # What opened while the others closed is the return already.
    stayed = [
        line for line in mine
        if line.connection_id not in lost and (line.opened is None or line.opened < first)
        and (line.closed is None or line.closed > last)
    ]  # fmt: skip
    back = tuple(line for line in mine if line.opened and first <= line.opened <= last + back_within)
    return Loss(group[0].address, tuple(group), first, last, len(stayed), back)
