"""The rows of drops, read: closes by reason, and the client connections that dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret.connection import is_goodbye, network
from bot.knowledge import Entry, Knowledge
from bot.model import Row
from bot.reasons import Reason

GOODBYE = "goodbye"
# Of a longer reason nothing more is read: strangers write it.
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Ends:
    """Connections of one side that closed for one reason; `code` is GOODBYE, or that of `entry`.

    `steps` counts them by twentieth of the window, where the query tells.
    """

    code: str
    entry: Entry | None
    is_server: bool
    text: str
    connections: int
    first: datetime
    last: datetime
    steps: Mapping[int, int]

    @property
    def is_unexpected(self) -> bool:
        return self.entry is not None and not self.entry.expected


@dataclass(frozen=True, slots=True)
class Drop:
    """A client connection that was closed with a reason or aborted; times aware UTC, None where not logged.

    `back` is when the same user connected again soon after.
    """

    connection: str
    at: datetime
    code: str
    entry: Entry
    reason: Reason
    started: datetime | None
    back: datetime | None
    user: str
    address: str
    hub: str
    transport: str
    region: str

    @property
    def network(self) -> str:
        """The start of the address that neighbours share: three numbers of IPv4, three groups of IPv6."""
        return network(self.address)

    @property
    def lifetime(self) -> timedelta | None:
        return None if self.started is None or self.started > self.at else self.at - self.started


def ends(rows: Iterable[Row], knowledge: Knowledge) -> list[Ends]:
    """The rows of drops.kql or drops/before.kql by side and reason, most connections first."""
    found: dict[tuple[bool, str, str], Ends] = {}
    for row in rows:
        reason = reasons.read(row["reason"][:_LONGEST] + ("Server reported error: " if row["reports_error"] else ""))
        is_server = bool(row["is_server"])
        entry = None
        if not is_goodbye(row["OperationName"], reason):
            entry = knowledge.explain(reason, "Server" if is_server else "Client")
        code = entry.code if entry else GOODBYE
        key = (is_server, code, reason.key)
        known = found.get(key)
        steps = Counter(known.steps if known else {})
        steps[int(row.get("step") or 0)] += row["connections"]
        found[key] = Ends(
            code,
            entry,
            is_server,
            reason.text,
            row["connections"] + (known.connections if known else 0),
            min(row["first_seen"], known.first) if known else row["first_seen"],
            max(row["last_seen"], known.last) if known else row["last_seen"],
            steps,
        )
    return sorted(found.values(), key=lambda each: (-each.connections, each.code, each.text))


def drops(rows: Iterable[Row], knowledge: Knowledge) -> list[Drop]:
    """The rows of drops/members.kql in the order of time."""
    found = []
    for row in rows:
        reason = reasons.read(row["Message"][:_LONGEST])
        if is_goodbye(row["OperationName"], reason):
            continue
        entry = knowledge.explain(reason, "Client")
        found.append(
            Drop(
                connection=row["ConnectionId"],
                at=row["ended_at"],
                code=entry.code,
                entry=entry,
                reason=reason,
                started=row["started_at"],
                back=row["back_at"],
                user=row["UserId"],
                address=row["CallerIpAddress"],
                hub=row["HubName"],
                transport=row["TransportType"],
                region=row["Location"],
            )
        )
    return sorted(found, key=lambda drop: (drop.at, drop.connection))


def total(groups: Sequence[Ends], *, server: bool, code: str = "", goodbyes: bool = True) -> int:
    """How many connections of a side closed, for reason `code` unless it is empty."""
    return sum(
        each.connections
        for each in groups
        if each.is_server is server and (not code or each.code == code) and (goodbyes or each.code != GOODBYE)
    )
