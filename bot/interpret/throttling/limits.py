"""Refusals for a limit, grouped by limit, from Throttling records and from close records together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret.said import count, during, short
from bot.knowledge import Knowledge
from bot.model import Evidence, Fact, Row, Scope

CONNECTIONS, MESSAGES, UNKNOWN = "connection-limit", "message-quota", "unknown"
# A limit that is reached again after so long is reached a second time.
_APART = timedelta(minutes=5)
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: the Throttling rows and the close rows that name it.

    `kind` is CONNECTIONS, MESSAGES or, for each text of its own, UNKNOWN. Rows as in throttling.kql and
    throttling/closes.kql of queries/investigations, the most frequent first.
    """

    kind: str
    refusals: tuple[Row, ...]
    closes: tuple[Row, ...]

    @property
    def refused(self) -> int:
        return sum(row["refusals"] for row in self.refusals)

    @property
    def closed(self) -> int:
        return sum(row["connections"] for row in self.closes)

    @property
    def size(self) -> int:
        """How many at least: a refused connection may have a record of each kind."""
        return max(self.refused, self.closed)

    @property
    def of_servers(self) -> int:
        """How many of `size` are connections of app servers."""
        refused: int = sum(row["refusals"] for row in self.refusals if _is_server(row))
        closed: int = sum(row["connections"] for row in self.closes if _is_server(row))
        return max(refused, closed)

    @property
    def first(self) -> datetime:
        moments: list[datetime] = [row["first_seen"] for row in self._rows]
        return min(moments)

    @property
    def last(self) -> datetime:
        moments: list[datetime] = [row["last_seen"] for row in self._rows]
        return max(moments)

    @property
    def text(self) -> str:
        """What the service wrote most often."""
        return str(self.refusals[0]["wording"] if self.refusals else self.closes[0]["Message"])

    @property
    def _rows(self) -> tuple[Row, ...]:
        return (*self.refusals, *self.closes)

    @property
    def scope(self) -> Scope:
        """How far it reaches, and what all share."""
        shared = []
        for label, number, name in (("address", "addresses", "address"), ("hub", "hubs", "hub")):
            values = {row[name] for row in self._rows}
            if all(row[number] == 1 for row in self._rows) and len(values) == 1 and (value := values.pop()):
                shared.append(Fact(label, value))
        return Scope(self.size, "refused connections", self.first, self.last, tuple(shared))

    @property
    def days(self) -> tuple[datetime, ...]:
        """The days (their 00:00 UTC) on which it was reached."""
        return tuple(sorted({row["day"] for row in self._rows}))

    def first_of(self, day: datetime) -> datetime:
        """When it was first reached on one of `days`."""
        moments: list[datetime] = [row["first_seen"] for row in self._rows if row["day"] == day]
        return min(moments)


def read(refusals: Sequence[Row], closes: Sequence[Row], table: Knowledge) -> tuple[Limit, ...]:
    """The limits that the rows name: those whose text is documented first, then the largest."""
    throttled: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in refusals:
        kind = _kind(row["wording"], table)
        throttled[kind, row["said"] if kind == UNKNOWN else ""].append(row)
    closed: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in closes:
        if (kind := _kind(row["Message"], table)) != UNKNOWN:
            closed[kind, ""].append(row)
    limits = [Limit(key[0], tuple(throttled[key]), tuple(closed[key])) for key in {*throttled, *closed}]
    return tuple(sorted(limits, key=lambda limit: (limit.kind == UNKNOWN, -limit.size, limit.first, limit.text)))


def _kind(text: str, table: Knowledge) -> str:
    code = table.explain(reasons.read(text), "Client").code
    return code if code in (CONNECTIONS, MESSAGES) else UNKNOWN


def _is_server(row: Row) -> bool:
    return bool(row["ConnectionType"].casefold() == "server")


def evidence(limit: Limit) -> Evidence:
    """The records, by text and side."""
    said = [f"{count(limit.refused, 'refusal')} in Throttling records"] if limit.refusals else []
    said += [f"{count(limit.closed, 'connection')} closed for it in Connection records"] if limit.closes else []
    rows = [
        (
            row["refusals"],
            "Throttling",
            short(row["wording"], 300),
            row["ConnectionType"],
            row["first_seen"],
            row["last_seen"],
        )
        for row in limit.refusals[:_SHOWN]
    ]
    rows += [
        (
            row["connections"],
            "Connection",
            short(row["Message"], 300),
            row["ConnectionType"],
            row["first_seen"],
            row["last_seen"],
        )
        for row in limit.closes[:_SHOWN]
    ]
    return Evidence(
        "What the service wrote",
        f"{' and '.join(said)}, {during(limit.first, limit.last)}: {short(limit.text, 500)}",
        ("Connections", "Log", "Text", "From", "First (UTC)", "Last (UTC)"),
        tuple(rows),
        len(limit.refusals) + len(limit.closes),
        "opening" if limit.refusals else "closes",
    )


def bursts(rows: Sequence[Row], start: datetime, slot: timedelta) -> Evidence | None:
    """When refusals came in the rows of queries/investigations/throttling/course.kql; None when there were none."""
    found: list[tuple[datetime, datetime, int]] = []
    for at, refused in _refused(rows, start, slot):
        if found and at - found[-1][1] <= _APART:
            found[-1] = found[-1][0], at + slot, found[-1][2] + refused
        else:
            found.append((at, at + slot, refused))
    if not found:
        return None
    largest = max(found, key=lambda burst: burst[2])
    return Evidence(
        "Bursts",
        f"{count(len(found), 'burst')} of refusals; the largest has {largest[2]:,}, {during(largest[0], largest[1])}.",
        ("From (UTC)", "To (UTC)", "Refusal records"),
        tuple(found[:_SHOWN]),
        len(found),
        "course",
    )


def _refused(rows: Sequence[Row], start: datetime, slot: timedelta) -> Iterator[tuple[datetime, int]]:
    for row in rows:
        if row["refused"]:
            yield start + row["slot"] * slot, row["refused"]
