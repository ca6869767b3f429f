"""From a drop's reason and what surrounds it to its cause; every rule here names the rows it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import reasons, times
from bot.interpret.connection import Ending, Life, is_goodbye
from bot.interpret.peers import FEW, Peers
from bot.interpret.said import count, percent
from bot.knowledge import Entry, Knowledge
from bot.model import Candidate, Cause, Confidence, Family, Finding, Table

# A single time-out is nobody's fault; this many of one minute, from everywhere, are not each client's own.
MANY = 10
# How long before a client's end its server connection may have closed, and how near two closes are the same moment.
HIT = timedelta(seconds=15)
SAME_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ServerClose:
    """A server connection that closed close before (or within seconds after) the connection asked about."""

    connection_id: str
    at: datetime
    reason: str
    goodbye: bool
    entry: Entry
    address: str
    hub: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`cause` is None when the evidence cannot decide.

    `hit_by_server` says that a server connection went first, and `because` what became of it, for the headline.
    """

    cause: Cause | None
    candidates: tuple[Candidate, ...]
    findings: tuple[Finding, ...] = ()
    hit_by_server: bool = False
    because: str = ""


def apart(close: datetime, end: datetime) -> str:
    """'5s before', '2s after' or 'in the same second': when a server connection closed, seen from the end."""
    if close == end:
        return "in the same second"
    return f"{times.span_text(abs(end - close))} {'before' if close < end else 'after'}"


def server_closes(table: Table | None, life: Life, ending: Ending, knowledge: Knowledge) -> tuple[ServerClose, ...]:
    """The closes of server connections of the same hub (or of an unnamed one), nearest in time first."""
    found: dict[str, ServerClose] = {}
    for row in table.rows if table else ():
        if life.hub and row["HubName"] and row["HubName"].casefold() != life.hub.casefold():
            continue
        reason = reasons.read(row["Message"])
        close = ServerClose(
            connection_id=row["ConnectionId"],
            at=row["TimeGenerated"],
            reason=reason.text,
            goodbye=is_goodbye(row["OperationName"], reason),
            entry=knowledge.explain(reason, "Server"),
            address=row["CallerIpAddress"],
            hub=row["HubName"],
        )
        # Of two records about one connection, the one that gives a reason says more.
        if close.connection_id not in found or not found[close.connection_id].reason:
            found[close.connection_id] = close
    return tuple(sorted(found.values(), key=lambda close: (abs(close.at - ending.at), close.connection_id)))


def decide(
    life: Life, ending: Ending, entry: Entry, who: Peers, servers: Sequence[ServerClose], findings: Knowledge
) -> Decision:
    """The cause of a drop that `entry` explains; the candidates are those the cause leaves open.

    `findings` is the table connection_findings, for what the surrounding records add.
    """
    match entry.code:
        case "client-ping-timeout":
            decision = _client_ping(entry, who, findings)
        case "server-connection-dropped" if not life.is_server:
            decision = _consequence(ending, entry, servers, findings)
        case "app-server-closed" if not life.is_server:
            decision = _closed_by_app(ending, entry, who, servers, findings)
        case "server-ping-timeout":
            decision = _server_ping(life, entry, servers)
        case _:
            decision = Decision(_stated(entry), entry.candidates)
    decided = decision.cause.code if decision.cause else ""
    return replace(decision, candidates=tuple(c for c in decision.candidates if c.code != decided))


def _stated(entry: Entry) -> Cause | None:
    return Cause(entry.cause, entry.code, entry.confidence) if entry.confidence else None


def _client_ping(entry: Entry, who: Peers, findings: Knowledge) -> Decision:
    shared = next((what for what in ("address", "network") if who.is_marked_by(what)), None)
    if shared is not None:
        usual = who.usual[shared]
        words = {
            "shared": shared,
            "same": f"{who.shared[shared]:,}",
            "total": f"{who.total:,}",
            "usual": "" if usual is None else f", which {percent(usual)} of all connections of the window have",
        }
        found = findings["one-network"].finding(words)
        return Decision(Cause(Family.NET, "client-network", Confidence.MEDIUM), entry.candidates, (found,))
    if who.within_10_s >= MANY and who.spread:
        spread = Candidate(
            Family.SERVICE,
            "many-networks",
            f"{count(who.within_10_s, 'client')} of several addresses timed out within 10 s; "
            "that is not each client's own doing.",
            "The health of app servers and service at this minute, and whether the clients' networks share a link.",
        )
        return Decision(None, (spread, *entry.candidates))
    return Decision(_stated(entry), entry.candidates)


def _near(servers: Sequence[ServerClose], ending: Ending) -> list[ServerClose]:
    """The server closes that may have caused this end: its clients close within seconds of a server connection."""
    return [close for close in servers if ending.at - close.at <= HIT]


def _consequence(ending: Ending, entry: Entry, servers: Sequence[ServerClose], findings: Knowledge) -> Decision:
    near = _near(servers, ending)
    if not near:
        return Decision(_stated(entry), entry.candidates)
    # Of closes that are about as near as the nearest, the one whose reason is known says most.
    nearest = abs(near[0].at - ending.at)
    about = [close for close in near if abs(close.at - ending.at) - nearest <= SAME_MOMENT]
    server = next((close for close in about if not close.goodbye and close.entry.confidence), near[0])
    said = f"{server.entry.title.render(reason=server.reason)}."
    candidates = entry.candidates
    if server.goodbye:
        # A server connection that says goodbye is an app server leaving in good order: a deployment or scale-in.
        cause: Cause | None = Cause(Family.APP, "app-shutdown", Confidence.MEDIUM)
        said = "It left in good order, as in a deployment, a restart or a scale-in."
    elif server.entry.confidence is None:
        cause = _stated(entry)
    else:
        cause, candidates = Cause(server.entry.cause, server.entry.code, Confidence.MEDIUM), server.entry.candidates
    words = {
        "server_connection": server.connection_id,
        "closed_at": f"{server.at:%H:%M:%S} UTC",
        "apart": apart(server.at, ending.at),
        "server_reason": server.reason or "no reason given",
        "server_meaning": said,
    }
    found = findings["server-connection-first"].finding(words, cause=cause.family if cause else None)
    because = "it left in good order" if server.goodbye else server.entry.title.render(reason=server.reason)
    return Decision(cause, candidates, (found,), hit_by_server=True, because=because)


def _closed_by_app(
    ending: Ending, entry: Entry, who: Peers, servers: Sequence[ServerClose], findings: Knowledge
) -> Decision:
    near = _near(servers, ending)
    leaving = [close for close in near if close.goodbye or close.entry.code == "app-server-closed"]
    # One server connection that ends is daily life; with another, or with other clients, an app server left.
    if len(leaving) + who.total < 2 or not leaving:
        return Decision(_stated(entry), entry.candidates)
    found = findings["app-server-left"].finding({"leaving": count(len(leaving), "server connection")})
    shutdown = Cause(Family.APP, "app-shutdown", Confidence.MEDIUM)
    return Decision(shutdown, entry.candidates, (found,), hit_by_server=True, because="it was leaving")


def _server_ping(life: Life, entry: Entry, servers: Sequence[ServerClose]) -> Decision:
    silent = [close for close in servers if close.entry.code == entry.code]
    elsewhere = {close.address for close in silent if close.address and close.address != life.address}
    if len(silent) >= FEW and len(elsewhere) >= FEW - 1:
        # One starved process does not silence the others.
        return Decision(Cause(Family.NET, "server-network", Confidence.LOW), entry.candidates)
    return Decision(_stated(entry), entry.candidates)
