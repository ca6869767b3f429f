"""One connection's records, read as a life: its start, its end, and what is known about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons, times
from bot.interpret.said import count
from bot.model import Evidence, Row
from bot.reasons import Reason

STARTED = "connectionstarted"
ABORTED = "connectionaborted"
ENDED = "connectionended"
END_FAILED = "endconnectionfailed"
# An abort states why; an end is a goodbye; a failed end says only that closing did not work.
_CLOSES = (ABORTED, ENDED, END_FAILED)


def is_goodbye(operation: str, reason: Reason) -> bool:
    """Whether a close is a normal end: ConnectionEnded (in any case), and neither a reason nor an error given."""
    return operation.casefold() == ENDED and not reason.text and not reason.reports_error


@dataclass(frozen=True, slots=True)
class Ending:
    """How the connection ended: `operation` in lower case, `at` aware UTC, the reason read from `message`."""

    at: datetime
    operation: str
    message: str
    reason: Reason

    @property
    def is_goodbye(self) -> bool:
        return is_goodbye(self.operation, self.reason)


@dataclass(frozen=True, slots=True)
class Life:
    """A connection in the window. Texts are "" when no record holds them; `started_at` None when not logged."""

    connection_id: str
    is_server: bool
    started_at: datetime | None
    ending: Ending | None
    other_endings: tuple[Ending, ...]
    closes: int
    back_at: datetime | None
    first: datetime
    last: datetime
    records: int
    repeated: int
    user: str
    address: str
    hub: str
    transport: str
    region: str
    events: tuple[Row, ...]

    @property
    def kind(self) -> str:
        return "Server" if self.is_server else "Client"

    @property
    def network(self) -> str:
        """The start of the address that its neighbours share: three numbers of IPv4, three groups of IPv6."""
        return network(self.address)

    @property
    def lifetime(self) -> timedelta | None:
        """From start to end, or None when either was not logged."""
        if self.started_at is None or self.ending is None or self.started_at > self.ending.at:
            return None
        return self.ending.at - self.started_at


def network(address: str) -> str:
    """'192.0.2.' of '192.0.2.7', '2001:db8:1:' of '2001:db8:1::7'; empty for anything else."""
    if address.count(".") == 3 and ":" not in address:
        return address.rsplit(".", 1)[0] + "."
    groups = address.split(":")
    return ":".join(groups[:3]) + ":" if len(groups) > 3 and all(groups[:2]) else ""


def read(connection_id: str, rows: Sequence[Row]) -> Life | None:
    """The life in the timeline's rows (see queries/investigations/why_dropped.kql), None when there are none.

    Rows of one second are in no order; a start and a close of the same second are a start, then a close.
    """
    if not rows:
        return None
    starts = sorted(row["TimeGenerated"] for row in rows if _operation(row) == STARTED)
    closes = sorted(_endings(rows), key=lambda ending: (ending.at, _CLOSES.index(ending.operation)))
    life = closes
    if closes:
        opened = [start for start in starts if start <= closes[-1].at]
        life = [close for close in closes if not opened or close.at >= opened[-1]]
        life.sort(key=lambda ending: (_CLOSES.index(ending.operation), not ending.reason.text, ending.at))
    ending = life[0] if life else None
    back = [start for start in starts if ending is not None and start > closes[-1].at]
    before_end = [start for start in starts if ending is None or start <= ending.at]
    return Life(
        connection_id=connection_id,
        is_server=any(str(row["ConnectionType"]).casefold() == "server" for row in rows),
        started_at=before_end[-1] if before_end else None,
        ending=ending,
        other_endings=tuple(other for other in life[1:] if other.message != life[0].message),
        closes=1 + sum(closes[0].at < start <= closes[-1].at for start in starts) if closes else 0,
        back_at=back[0] if back else None,
        first=min(row["TimeGenerated"] for row in rows),
        last=max(row["LastTime"] for row in rows),
        records=sum(row["records"] for row in rows),
        repeated=sum(row["records"] - 1 for row in rows if not _is_message(row)),
        user=_usual(rows, "UserId"),
        address=_usual(rows, "CallerIpAddress"),
        hub=_usual(rows, "HubName"),
        transport=_usual(rows, "TransportType"),
        region=_usual(rows, "Location"),
        events=tuple(sorted(rows, key=lambda row: (row["TimeGenerated"], -_rank(row)))),
    )


def timeline(life: Life) -> Evidence:
    """Every record about the connection, oldest first, with the time since the one before."""
    rows: list[tuple[object, ...]] = []
    previous: datetime | None = None
    for event in life.events:
        at = event["TimeGenerated"]
        gap = "" if previous is None else f"+{times.span_text(at - previous)}"
        if _is_message(event):
            until = f" until {times.iso(event['LastTime'])}" if event["LastTime"] > at else ""
            name, text = "message tracing", f"{count(event['records'], 'record')}{until}"
        else:
            name, text = event["OperationName"] or event["Collection"], event["Message"]
        rows.append((at, gap, name, event["Level"], text))
        previous = at
    side = "server connection" if life.is_server else "connection"
    return Evidence(
        title="Timeline",
        statement=f"Everything logged about this {side} in the window: {count(life.records, 'record')}.",
        columns=("Time (UTC)", "After", "Event", "Level", "Message"),
        rows=tuple(rows),
        total=len(rows),
    )


def _endings(rows: Sequence[Row]) -> list[Ending]:
    return [
        Ending(row["TimeGenerated"], _operation(row), row["Message"], reasons.read(row["Message"]))
        for row in rows
        if _operation(row) in _CLOSES
    ]


def _operation(row: Row) -> str:
    return str(row["OperationName"]).casefold()


def _is_message(row: Row) -> bool:
    return str(row["Collection"]).casefold() == "message"


def _rank(row: Row) -> int:
    """A start before what else the second holds, the closes after it."""
    operation = _operation(row)
    return 2 if operation == STARTED else 0 if operation in _CLOSES else 1


def _usual(rows: Sequence[Row], column: str) -> str:
    seen = Counter(str(row[column]) for row in rows if row[column])
    return seen.most_common(1)[0][0] if seen else ""
