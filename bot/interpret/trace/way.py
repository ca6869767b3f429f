"""The way of one message as the records and the app server's lines have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.interpret import paths
from bot.interpret.paths import AppLine, Said, To
from bot.model import Row

_INFORMATIONAL = ("informational", "information", "info", "")


@dataclass(frozen=True, slots=True)
class Leg:
    """What was logged of one path: how many records, when, over how many connections (the first is named)."""

    records: int
    first: datetime
    last: datetime
    connections: int
    connection: str


@dataclass(frozen=True, slots=True)
class Way:
    """A message: its legs by path (1 to 4), what the records and lines call it and its receiver, and warnings.

    `trace` is empty when no record names an id. `lines` are the app server's lines about it.
    """

    trace: str
    legs: Mapping[int, Leg]
    kind: str = ""
    group: str = ""
    hub: str = ""
    user: str = ""
    connection: str = ""
    invocation: str = ""
    to: To = To.UNKNOWN
    excluding: bool | None = None
    warnings: tuple[tuple[datetime, str, str], ...] = ()
    lines: tuple[AppLine, ...] = field(default=())

    def said(self, what: Said) -> AppLine | None:
        """The first line that says `what`."""
        return next((line for line in self.lines if line.said is what), None)


def read(rows: Sequence[Row], lines: Iterable[AppLine], trace: str) -> Way | None:
    """The message `trace` in the rows of queries/investigations/trace.kql; None when nothing is about it."""
    mine = [row for row in rows if row["trace"] == trace]
    said = tuple(line for line in lines if trace.isdigit() and line.trace == int(trace))
    if not mine and not said:
        return None
    down = [row for row in mine if row["path"] == 3]
    kind = next((found for row in down if (found := paths.message_type(row["MessageType"], row["spoken"]))), "")
    start = next((line for line in said if line.said is Said.STARTED), None)
    to = start.to if start else _receiver(kind)
    name = start.name if start else ""
    seen = sorted({row["path"] for row in mine})
    return Way(
        trace=trace,
        legs={path: _leg([row for row in mine if row["path"] == path]) for path in seen},
        kind=kind,
        group=_first(down, "GroupName") or (name if to is To.GROUP else ""),
        hub=_first(mine, "HubName"),
        user=_first(down, "target_user") or (name if to is To.USER else ""),
        connection=name if to is To.CONNECTION else "",
        invocation=_first(mine, "InvocationId"),
        to=to,
        excluding=start.excluding if start else None,
        warnings=tuple(
            (row["first_seen"], row["Level"], row["spoken"] or f"path {row['path']}")
            for row in mine
            if row["Level"].casefold() not in _INFORMATIONAL
        ),
        lines=said,
    )  # fmt: skip


def ids(rows: Sequence[Row]) -> list[str]:
    """The tracing ids that the rows name, in order."""
    return sorted({row["trace"] for row in rows if row["trace"]}, key=lambda trace: (len(trace), trace))


def _leg(rows: Sequence[Row]) -> Leg:
    return Leg(
        sum(row["records"] for row in rows),
        min(row["first_seen"] for row in rows),
        max(row["last_seen"] for row in rows),
        max(len({row["connection"] for row in rows}), *(row["receivers"] for row in rows)),
        _first(rows, "connection"),
    )


def _first(rows: Sequence[Row], column: str) -> str:
    return next((row[column] for row in rows if row[column]), "")


def _receiver(kind: str) -> To:
    name = kind.casefold()
    if paths.changes_group(kind):
        return To.CHANGE
    for part, to in (("group", To.GROUP), ("user", To.USER), ("connection", To.CONNECTION), ("broadcast", To.ALL)):
        if part in name:
            return to
    return To.OTHER if kind else To.UNKNOWN
