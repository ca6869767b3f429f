"""A user's connections, one by one: when each began and ended, why, and what they were together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret.connection import ABORTED, END_FAILED, ENDED, Ending
from bot.knowledge import Entry, Knowledge
from bot.model import Row

# A connection that lives less than a minute is no visit; a page's own retries come within two.
SHORT = timedelta(minutes=1)
SOON = timedelta(minutes=2)
# Two or three tries are a bad moment, five in a row are a loop.
LOOP = 5
# The connection limit turns a client away before it is connected.
LIMIT = "connection-limit"


@dataclass(frozen=True, slots=True)
class Stay:
    """One connection of the user. `entry` explains how it was dropped, None for a goodbye or while no end is logged."""

    connection_id: str
    opened_at: datetime | None
    ending: Ending | None
    entry: Entry | None
    first: datetime
    last: datetime
    records: int
    address: str
    hub: str
    transport: str
    region: str

    @property
    def lived(self) -> timedelta | None:
        """From start to end; None when either is not logged."""
        if self.opened_at is None or self.ending is None or self.ending.at < self.opened_at:
            return None
        return self.ending.at - self.opened_at

    @property
    def is_refused(self) -> bool:
        return self.opened_at is None and self.entry is not None and self.entry.code == LIMIT


@dataclass(frozen=True, slots=True)
class Loop:
    """Short connections in a row, each begun soon after the one before had dropped."""

    stays: tuple[Stay, ...]

    @property
    def longest(self) -> timedelta:
        return max((stay.lived for stay in self.stays if stay.lived is not None), default=timedelta(0))


def read(rows: Sequence[Row], knowledge: Knowledge) -> tuple[Stay, ...]:
    """The connections in the opening's rows, oldest first; `knowledge` is the table abort_reasons."""
    return tuple(sorted((_stay(row, knowledge) for row in rows), key=lambda stay: (stay.first, stay.connection_id)))


def most_at_once(stays: Sequence[Stay]) -> tuple[int, datetime | None]:
    """How many were open at the same time at most, and since when; an end and a start of one second do not overlap."""
    changes = [(stay.opened_at or stay.first, 1) for stay in stays if not stay.is_refused]
    changes += [(stay.ending.at, -1) for stay in stays if stay.ending and not stay.is_refused]
    now, most, since = 0, 0, None
    for at, change in sorted(changes):
        now += change
        if now > most:
            most, since = now, at
    return most, since


def loop(stays: Sequence[Stay]) -> Loop | None:
    """The longest row of short connections that were dropped, None below five."""
    best: list[Stay] = []
    row: list[Stay] = []
    for stay in stays:
        short = stay.lived is not None and stay.lived <= SHORT and stay.entry is not None
        previous = row[-1].ending if row else None
        if not short:
            row = []
            continue
        if previous is not None and stay.first - previous.at > SOON:
            row = []
        row.append(stay)
        if len(row) > len(best):
            best = list(row)
    return Loop(tuple(best)) if len(best) >= LOOP else None


def _stay(row: Row, knowledge: Knowledge) -> Stay:
    ending = _ending(row)
    dropped = ending is not None and not ending.is_goodbye
    return Stay(
        connection_id=row["ConnectionId"],
        opened_at=row["opened_at"],
        ending=ending,
        entry=knowledge.explain(ending.reason, "Client") if ending is not None and dropped else None,
        first=row["first_seen"],
        last=row["last_seen"],
        records=row["records"],
        address=row["address"],
        hub=row["hub"],
        transport=row["transport"],
        region=row["region"],
    )


def _ending(row: Row) -> Ending | None:
    if row["closed_at"] is None:
        return None
    if row["aborts"]:
        operation, message = ABORTED, row["aborted"]
    elif row["ends"]:
        operation, message = ENDED, row["ended"]
    else:
        operation, message = END_FAILED, ""
    return Ending(row["closed_at"], operation, message, reasons.read(message))
