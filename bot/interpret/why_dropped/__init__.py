"""Why did this connection drop: its end, its cause, who else was hit, and what the logs cannot show.

Opening: queries/investigations/why_dropped.kql; steps: the queries in the folder why_dropped beside it.
Client and server records carry no id that ties them, so every link between the two is by time, and said to be.
Source: "Unexpected connection dropping" in the logs guide, and "Server connection drops" in the troubleshooting guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, connection, coverage, peers
from bot.interpret.connection import Ending, Life
from bot.interpret.said import moment
from bot.interpret.why_dropped import cause, unseen
from bot.interpret.why_dropped.words import (
    facts,
    gaps,
    headline,
    next_steps,
    notes,
    returns_evidence,
    servers_evidence,
)
from bot.knowledge import Entry, Knowledge
from bot.model import Evidence, Table, Verdict, Window

REASONS = "abort_reasons"
FINDINGS = "connection_findings"
REACH = timedelta(minutes=5)
# The clients of a lost server connection close within seconds of it.
SERVER_REACH = timedelta(seconds=30)
# The span of queries/investigations/why_dropped/servers.kql.
SERVERS_BEFORE, SERVERS_AFTER = timedelta(seconds=60), timedelta(seconds=5)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """The steps to run next: what surrounds the end, or where an id that was never seen may be."""
    if len(tables) > 1 or OPENING not in tables:
        return ()
    life = _life(question, tables)
    if life is None:
        return unseen.asks(question)
    at = life.ending.at if life.ending else life.last
    here = {"address": life.address, "network": life.network, "hub": life.hub,
            "transport": life.transport, "region": life.region}  # fmt: skip
    mine = {"connection_id": life.connection_id}
    found = []
    if not life.is_server and life.user:
        found.append(Ask("returns", {**mine, "user_id": life.user, "ended_at": at}))
    if life.ending is None or life.ending.is_goodbye:
        return found
    reach = SERVER_REACH if life.is_server else REACH
    # What surrounds the end may lie outside the window that was asked about.
    nearby = Window(at - reach, at + reach)
    close = {**mine, **here, "user_id": life.user, "ended_at": at}
    return [
        Ask("around", {**close, "message": life.ending.message, "reach": reach}, nearby),
        Ask("servers", {**mine, "ended_at": at}, Window(at - SERVERS_BEFORE, at + SERVERS_AFTER)),
        *([] if life.is_server else [Ask("population", here)]),
        *found,
    ]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer, in the order it is read: the end and whether it was expected, the cause, the evidence."""
    life = _life(question, tables)
    if life is None:
        return unseen.conclude(question, tables, knowledge[FINDINGS])
    if life.ending is None:
        return _open(question, life, tables, knowledge[FINDINGS])
    if life.ending.is_goodbye:
        return _goodbye(question, life, life.ending, tables, knowledge[FINDINGS])
    return _dropped(question, life, life.ending, tables, knowledge)


def _life(question: Question, tables: Tables) -> Life | None:
    return connection.read(question.command.arguments["connection_id"], tables[OPENING].rows)


def _dropped(
    question: Question, life: Life, ending: Ending, tables: Tables, knowledge: Mapping[str, Knowledge]
) -> Conclusion:
    table = knowledge[REASONS]
    entry = table.explain(ending.reason, life.kind)
    around = tables.get("around", Table((), ()))
    # A server connection's end shows in its clients, closed as "server connection dropped".
    of = "server-connection-dropped" if life.is_server else entry.code
    who = peers.read(around.rows, tables.get("population", Table((), ())).rows, of, life, ending, table)
    servers = cause.server_closes(tables.get("servers"), life, ending, table)
    decision = cause.decide(life, ending, entry, who, servers, knowledge[FINDINGS])
    proof = [_ending_evidence(life, ending)]
    if "around" in tables:
        proof.append(peers.evidence(who, "30 seconds" if life.is_server else "5 minutes"))
    if "servers" in tables:
        proof.append(servers_evidence(servers, ending))
    if back := returns_evidence(tables.get("returns"), life):
        proof.append(back)
    return Conclusion(
        verdict=Verdict.FINDING if decision.cause else Verdict.UNDECIDED,
        headline=headline(life, ending, entry, decision, who),
        cause=decision.cause,
        candidates=decision.candidates,
        facts=facts(life, ending, _expected(entry), tables),
        findings=(entry.finding(_words(life, ending), proof), *decision.findings),
        timeline=connection.timeline(life),
        gaps=gaps(question, life, entry),
        next_steps=next_steps(question, life, servers, tables),
        notes=notes(life),
        provisional_until=coverage.provisional(question, ending.at),
    )


def _expected(entry: Entry) -> str:
    if entry.confidence is None:
        return "can't be told from the reason"
    return "yes, part of normal operation" if entry.expected else "no"


def _goodbye(question: Question, life: Life, ending: Ending, tables: Tables, table: Knowledge) -> Conclusion:
    """A ConnectionEnded without a reason: closed in good order by the client or the app."""
    proof = [_ending_evidence(life, ending)]
    if back := returns_evidence(tables.get("returns"), life):
        proof.append(back)
    return Conclusion(
        verdict=Verdict.OK,
        headline=f"Ended normally at {moment(ending.at)}: it was not dropped.",
        facts=facts(life, ending, "yes", tables),
        findings=(table["ended-normally"].finding({}, proof),),
        timeline=connection.timeline(life),
        gaps=gaps(question, life, None),
        next_steps=next_steps(question, life, (), tables),
        notes=notes(life),
        provisional_until=coverage.provisional(question, ending.at),
    )


def _open(question: Question, life: Life, tables: Tables, table: Knowledge) -> Conclusion:
    """No close was logged: still open, unless the user came back meanwhile or the log stopped."""
    later = tables.get("returns")
    # A second device or page of the same user is no sign that this connection ended; the same place and hub may be.
    back = later is not None and any(
        row["TimeGenerated"] > life.last
        and (row["CallerIpAddress"], row["HubName"].casefold()) == (life.address, life.hub.casefold())
        for row in later.rows
    )
    seen = next((c for c in question.coverage if c.family.casefold() == "connection"), None)
    log_goes_on = seen is not None and seen.last is not None and seen.last > life.last
    proof = [Evidence("No end", f"No close of this connection was logged; its last record is of {moment(life.last)}.")]
    if evidence := returns_evidence(later, life):
        proof.append(evidence)
    end = moment(question.command.window.end)
    if back:
        verdict, code = Verdict.UNDECIDED, "end-missing"
        text = f"No end was logged up to {end}, yet its user connected again: still open, or its end is missing."
    elif log_goes_on:
        verdict, code = Verdict.OK, "still-open"
        text = f"Still open: no end was logged up to {end}."
    else:
        verdict, code = Verdict.UNDECIDED, "log-stopped"
        text = f"Can't be decided: no connection was logged after its last record at {moment(life.last)}."
    return Conclusion(
        verdict=verdict,
        headline=text,
        facts=facts(life, None, "no end was logged", tables),
        findings=(table[code].finding({}, proof),),
        timeline=connection.timeline(life),
        gaps=gaps(question, life, None),
        next_steps=next_steps(question, life, (), tables),
        notes=notes(life),
        provisional_until=coverage.provisional(question),
    )


def _words(life: Life, ending: Ending) -> dict[str, str]:
    return {
        "reason": ending.reason.text,
        "reported_error": ending.reason.reported_error or "(no text)",
        "address": life.address,
        "hub": life.hub,
    }


def _ending_evidence(life: Life, ending: Ending) -> Evidence:
    record = next(row for row in life.events if row["Message"] == ending.message and row["TimeGenerated"] == ending.at)
    return Evidence(
        title="The record",
        statement=f"{record['OperationName']} at {moment(ending.at)}, word for word: {ending.message}",
    )
