"""The sentences around a drop: headline, facts, gaps, next steps, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.command import Command
from bot.interpret import Question, Tables
from bot.interpret.connection import ENDED, Ending, Life
from bot.interpret.coverage import LOGS
from bot.interpret.peers import Peers, scope
from bot.interpret.said import count, lower, moment, short
from bot.interpret.why_dropped.cause import Decision, ServerClose, apart
from bot.knowledge import Entry
from bot.model import Evidence, Fact, Gap, Link, NextStep, Table
from bot.times import span_text


def headline(life: Life, ending: Ending, entry: Entry, decision: Decision, who: Peers) -> str:
    """The answer in one line: how it ended, when, whether that was expected, why, and who else was hit."""
    if ending.operation == ENDED:
        verb = "Ended"
    else:
        verb = "Dropped" if ending.operation == "connectionaborted" else "Failed to end cleanly"
    side = "Server connection " + verb.lower() if life.is_server else verb
    expected = "" if entry.confidence is None else " (expected)" if entry.expected else " (not expected)"
    title = lower(entry.title.render(reason=ending.reason.text))
    if entry.code == "unknown-reason":
        title = f"unknown reason, \u201c{short(ending.reason.text, 90)}\u201d"
    because = f": {lower(decision.because)}" if decision.because else ""
    around = _clients(who) if life.is_server else scope(who, life, decision.hit_by_server)
    return f"{side} at {moment(ending.at)}{expected}: {title}{because}{'; ' if around else ''}{around}."


def _clients(who: Peers) -> str:
    return f"{count(who.total, 'client')} closed with it" if who.total else ""


def facts(life: Life, ending: Ending | None, expected: str, tables: Tables) -> tuple[Fact, ...]:
    """What is known about the connection, one line each; what no record holds is said to be so."""
    lived = life.lifetime
    if lived is not None:
        length = span_text(lived)
    elif life.started_at is None:
        length = "start not logged in this window"
    else:
        length = f"open for {span_text(life.last - life.started_at)} at its last record"
    found = [
        Fact("Connection", f"{life.connection_id} ({life.kind.lower()} connection)"),
        Fact("Ended", moment(ending.at) if ending else "no end logged"),
        Fact("Expected", expected),
    ]
    if ending is not None:
        found.append(Fact("Reason as written", ending.reason.text or "(none given)"))
        if ending.reason.reports_error:
            found.append(Fact("Server reported error", ending.reason.reported_error or "(no text)"))
    found += [
        Fact("Started", moment(life.started_at) if life.started_at else "not logged in this window"),
        Fact("Lifetime", length),
        Fact("Transport", life.transport or "not logged"),
        Fact("User", life.user or "none logged"),
        Fact("Address", life.address or "not logged"),
        Fact("Hub", life.hub or "not logged"),
        Fact("Region", life.region or "not logged"),
    ]
    if not life.is_server:
        found.append(Fact("Came back", _came_back(life, tables, ending)))
    return tuple(found)


def _came_back(life: Life, tables: Tables, ending: Ending | None) -> str:
    since = ending.at if ending else life.last
    if life.back_at is not None:
        return f"yes, under the same id after {span_text(life.back_at - since)}"
    if not life.user:
        return "can't be known: no user id was logged"
    if "returns" not in tables:
        return "not checked: that query failed"
    later = tables["returns"].rows
    if not later:
        return "no later connection of this user in the window"
    gap = later[0]["TimeGenerated"] - since
    when = "within the same second" if gap < timedelta(seconds=1) else f"after {span_text(gap)}"
    return f"yes, {when} as {later[0]['ConnectionId']}"


def returns_evidence(table: Table | None, life: Life) -> Evidence | None:
    """The user's later connections, None when there are none or they could not be asked for."""
    if table is None or not table.rows:
        return None
    rows = tuple(
        (row["TimeGenerated"], row["ConnectionId"], row["TransportType"], row["CallerIpAddress"], row["HubName"])
        for row in table.rows
    )
    more = " or more" if len(rows) == 50 else ""
    return Evidence(
        "Came back",
        f"User {life.user} started {count(len(rows), 'later connection')}{more} in the window.",
        ("Started (UTC)", "Connection", "Transport", "Address", "Hub"),
        rows,
        len(rows),
    )


def servers_evidence(servers: Sequence[ServerClose], ending: Ending) -> Evidence:
    """The server connections that closed in the minute before; that there were none is evidence too."""
    if not servers:
        return Evidence(
            "Server connections",
            "No other server connection of this hub is logged as closed in the 60 s before it.",
        )
    rows = tuple(
        (
            close.at,
            apart(close.at, ending.at),
            close.connection_id,
            close.address,
            close.hub,
            close.reason or "(none given)",
        )
        for close in servers
    )
    return Evidence(
        "Server connections",
        f"{count(len(servers), 'server connection')} closed within 60 s before it or 5 s after it.",
        ("Closed (UTC)", "Apart", "Server connection", "Address", "Hub", "Reason"),
        rows,
        len(rows),
    )


def gaps(question: Question, life: Life, entry: Entry | None) -> tuple[Gap, ...]:
    """What these logs cannot show about this connection, and where it would show."""
    found = []
    code = entry.code if entry else ""
    if code in ("server-connection-dropped", "app-server-closed") and not life.is_server:
        found.append(
            Gap(
                "Which app server served it",
                "No record ties a client to its server connection.",
                "The app server's own log (category Microsoft.Azure.SignalR, level Information).",
                Link(
                    "Server-side logging",
                    "https://learn.microsoft.com/azure/azure-signalr/signalr-howto-troubleshoot-guide#server-connection-drops",
                ),
            )
        )
    if code in ("hub-exception", "server-ping-timeout"):
        found.append(
            Gap(
                "What the app server was doing",
                "Resource logs end at the service; stack traces, CPU and threads are the app's.",
                "The app server's log and metrics at this minute.",
            )
        )
    if code in ("client-ping-timeout", "no-reason") or entry is None:
        found.append(
            Gap(
                "What the client saw",
                "The service only sees that the client closed, or went silent.",
                "The client's own log (the close event and its error).",
            )
        )
    if life.started_at is None:
        found.append(Gap("When it started", "No start is logged in the window.", "A window that begins earlier."))
    if not life.is_server and not life.user:
        found.append(
            Gap(
                "Whether its user came back",
                "The records hold no user id.",
                "Give each connection a user id when negotiating (a name identifier claim).",
            )
        )
    if not any(c.family.casefold() == "message" and c.rows for c in question.coverage):
        found.append(
            Gap(
                "Whether messages were lost",
                "No Message record was logged in the window.",
                "Log Source Settings of the resource: switch on MessagingLogs.",
                LOGS,
            )
        )
    return tuple(found)


def at_id(command: Command, connection_id: str) -> str:
    """The same command for another connection."""
    return replace(command, arguments={**command.arguments, "connection_id": connection_id}).line


def next_steps(question: Question, life: Life, servers: Sequence[ServerClose], tables: Tables) -> tuple[NextStep, ...]:
    """Ready-made commands, the most useful first."""
    command = question.command
    steps = []
    if servers and not life.is_server:
        steps.append(NextStep("Ask for the server connection", at_id(command, servers[0].connection_id)))
    if (later := tables.get("returns")) and later.rows:
        steps.append(NextStep("Ask for the next connection", at_id(command, later.rows[0]["ConnectionId"])))
    if life.started_at is None or life.ending is None:
        wider = question.command.window
        start, end = wider.start, wider.end
        if life.started_at is None:
            start -= timedelta(days=1)
        if life.ending is None:
            end = min(end + timedelta(days=1), max(question.now, end))
        window = replace(wider, start=start, end=end)
        if window != wider:
            steps.append(NextStep("Look in a wider window", replace(command, window=window).line))
    return tuple(steps)


def notes(life: Life) -> tuple[str, ...]:
    """What a reader should know about the records themselves."""
    found = []
    if life.repeated:
        found.append(f"{count(life.repeated, 'record')} arrived more than once; each counts once here.")
    if life.other_endings:
        others = "; ".join(
            f"\u201c{short(other.message or other.operation, 120)}\u201d" for other in life.other_endings[:3]
        )
        found.append(f"Another record about its end says: {others}.")
    if life.back_at is not None:
        found.append(f"It started again under the same id at {moment(life.back_at)}; this is about the close before.")
    elif life.closes > 1:
        found.append(f"It closed {life.closes} times in the window; this is about the last. See the timeline.")
    return tuple(found)
