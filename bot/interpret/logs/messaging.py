"""Which messages are logged: of all app servers, of diagnostic clients, or none.

Source: "Messaging logs" and "Collecting with filter" in the logs guide: only a diagnostic client's own messages are
logged between client, service and app server; the two parts behind the app server are logged for collect-all too.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.interpret import Question, coverage
from bot.interpret.said import count, short
from bot.knowledge import Knowledge
from bot.model import Evidence, Finding, Row, Table

FROM_CLIENT, TO_SERVER, FROM_SERVER, TO_CLIENT = "from-client", "to-server", "from-server", "to-client"
_NAMES = {
    FROM_CLIENT: "1 client to service",
    TO_SERVER: "2 service to app server",
    FROM_SERVER: "3 app server to service",
    TO_CLIENT: "4 service to client",
}
_MEGABYTE = 1_000_000


def findings(question: Question, table: Table | None, rows: Sequence[Row], knowledge: Knowledge) -> list[Finding]:
    """What the rows of queries/investigations/logs/messaging.kql say; `rows` are the opening's, for the cost."""
    if coverage.family(question, coverage.MESSAGE) is None:
        what = "No Message record was logged in the window."
        return [knowledge["messages-off"].finding({}, [Evidence("Coverage", what, step="coverage")])]
    if table is None:
        return []
    paths = {row["path"]: row for row in table.rows}
    proof = [_evidence(table.rows)]
    said = {"what": proof[0].statement, "cost": _cost(question, rows)}
    if FROM_CLIENT in paths or TO_SERVER in paths:
        senders = paths[FROM_CLIENT]["connections"] if FROM_CLIENT in paths else 0
        number = count(senders, "connection") if senders else "number unknown"
        return [knowledge["messages-diagnostic"].finding({**said, "number": number}, proof)]
    code = "messages-all" if FROM_SERVER in paths or TO_CLIENT in paths else "messages-unknown"
    return [knowledge[code].finding(said, proof)]


def _evidence(rows: Sequence[Row]) -> Evidence:
    known = [f"{row['records']:,} on part {_NAMES[row['path']]}" for row in rows if row["path"] in _NAMES]
    other = sum(row["records"] for row in rows if row["path"] not in _NAMES)
    known += [f"{other:,} in other words"] if other else []
    return Evidence(
        "Parts of the way",
        f"Message records: {', '.join(known)}.",
        ("Part of the way", "Records", "Messages", "Connections", "First (UTC)", "Last (UTC)"),
        tuple(
            (_NAMES.get(row["path"]) or short(row["path"], 60), row["records"], row["messages"], row["connections"],
             row["first_seen"], row["last_seen"])
            for row in rows[:10]
        ),
        len(rows),
        "messaging",
    )  # fmt: skip


def _cost(question: Question, rows: Sequence[Row]) -> str:
    """How many records messages make, and how much was billed where that is known."""
    mine = [row for row in rows if row["Collection"].casefold() == coverage.MESSAGE.casefold()]
    records = sum(row["records"] for row in mine)
    hours = question.command.window.span.total_seconds() / 3600
    text = f"It makes {records / hours:,.0f} records an hour"
    billed = sum(row["billed_bytes"] or 0 for row in mine)
    return f"{text}, {billed / _MEGABYTE:,.0f} MB billed in the window." if billed else f"{text}."
