"""A connection id that no record holds: are there logs at all, is the id mistyped, or the window wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rapidfuzz import fuzz

from bot.interpret import Ask, Conclusion, Question, Tables
from bot.interpret.connection import count
from bot.interpret.why_dropped.words import LATE, LOGS, at_id, moment
from bot.knowledge import Knowledge
from bot.model import Coverage, Evidence, Gap, NextStep, Row, Verdict, Window

# An id shares its first or last characters with what was truncated or mistyped further on.
PIECE = 6
AROUND = timedelta(days=6)
CLOSE_ENOUGH = 60.0
MARGIN = timedelta(minutes=10)
LATEST = timedelta(hours=3)


def asks(question: Question) -> Sequence[Ask]:
    """Ids like this one in the window, and this one in the days around it."""
    typed = question.command.arguments["connection_id"]
    head, tail = (typed[:PIECE], typed[-PIECE:]) if len(typed) > PIECE else ("", "")
    window = question.command.window
    wide = Window(window.start - AROUND, max(window.end, min(window.end + timedelta(days=1), question.now)))
    return (
        Ask("nearest", {"connection_id": typed, "head": head, "tail": tail}),
        Ask("elsewhere", {"connection_id": typed}, wide),
    )


def conclude(question: Question, tables: Tables, table: Knowledge) -> Conclusion:
    """Never seen: outside the window, under another id, or with no logs at all."""
    typed = question.command.arguments["connection_id"]
    if "elsewhere" in tables and (found := [row for row in tables["elsewhere"].rows if row["records"]]):
        return _elsewhere(question, found[0], table)
    rows = sum(family.rows for family in question.coverage)
    if not rows:
        return _no_logs(question, table)
    near = _nearest(typed, tables["nearest"].rows if "nearest" in tables else ())
    seen = _seen(question.coverage)
    connections = any(c.family.casefold() == "connection" and c.rows for c in question.coverage)
    evidence = [Evidence("What was logged", seen)]
    if near:
        evidence.append(
            Evidence(
                "Nearest ids",
                f"{count(len(near), 'id')} like it {'was' if len(near) == 1 else 'were'} logged; "
                "a truncated or wrongly cased id is the usual reason.",
                ("Connection", "Side", "Records", "First (UTC)", "Last (UTC)"),
                tuple(
                    (row["ConnectionId"], row["ConnectionType"], row["records"], row["first_seen"], row["last_seen"])
                    for row in near
                ),
                len(near),
            )
        )
    steps = [NextStep("Ask for the nearest id", at_id(question.command, near[0]["ConnectionId"]))] if near else []
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Never seen: no record between {moment(question.command.window.start)} and "
        f"{moment(question.command.window.end)} is about this connection, though {count(rows, 'record')} "
        f"{'was' if rows == 1 else 'were'} logged.",
        findings=(table["never-seen"].finding({}, evidence),),
        gaps=() if connections else (_connectivity_gap(),),
        next_steps=(*steps, *_wider(question)),
        notes=_late(question),
    )


def _elsewhere(question: Question, row: Row, table: Knowledge) -> Conclusion:
    span = f"{moment(row['first_seen'])} to {moment(row['last_seen'])}"
    records = count(row["records"], "record")
    # Records that lie in the window all the same were filed hours late; a wider window reads their files.
    window = Window(row["first_seen"] - MARGIN, row["last_seen"] + LATEST)
    evidence = Evidence("Where it is", f"{records} from {span}.")
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Not in this window: its records are from {span}.",
        findings=(table["outside-window"].finding({"records": records, "span": span}, [evidence]),),
        next_steps=(NextStep("Ask in its own window", replace(question.command, window=window).line),),
    )


def _no_logs(question: Question, table: Knowledge) -> Conclusion:
    window, logged = question.command.window, question.logged
    nothing = f"Nothing was logged between {moment(window.start)} and {moment(window.end)}"
    if logged is None:
        found = table["no-logs"].finding({})
        headline = f"{nothing}{_about(question)}, nor was any record of other days found."
    else:
        found = table["logs-elsewhere"].finding({"first": moment(logged.start), "last": moment(logged.end)})
        headline = (
            f"{nothing}{_about(question)}; the logs at hand go from {moment(logged.start)} to {moment(logged.end)}."
        )
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline=headline,
        findings=(found,),
        gaps=(_connectivity_gap(),),
        next_steps=_wider(question),
        notes=_late(question),
    )


def _about(question: Question) -> str:
    resource = question.command.resource
    return f" about a resource named {resource!r} (check the name)" if resource else ""


def _connectivity_gap() -> Gap:
    return Gap(
        "How any connection ended",
        "No Connection record was logged in the window.",
        "Log Source Settings of the resource: switch on ConnectivityLogs, and send AllLogs in a diagnostic setting.",
        LOGS,
    )


def _wider(question: Question) -> tuple[NextStep, ...]:
    command, logged = question.command, question.logged
    window = command.window
    steps = []
    if logged is not None and (logged.start < window.start or logged.end > window.end):
        # The last day of what is there is where people look first.
        start = max(logged.start, logged.end - timedelta(days=1))
        if (last := Window(start, logged.end)) != window:
            steps.append(NextStep("Look where the logs are", replace(command, window=last).line))
    elif window.span < timedelta(days=7):
        wide = Window(window.end - timedelta(days=7), window.end)
        steps.append(NextStep("Look in the last 7 days", replace(command, window=wide).line))
    return tuple(steps)


def _nearest(typed: str, rows: Sequence[Row]) -> list[Row]:
    """The rows whose ids are most like `typed`, likest first, at most five; an id that only differs in case leads."""

    def likeness(row: Row) -> float:
        own = row["ConnectionId"]
        same_but_case = 100.0 if own.casefold() == typed.casefold() else 0.0
        return same_but_case + max(
            fuzz.ratio(typed, own),
            # A truncated id is as good as the part of it that was typed is long.
            100.0 * min(len(typed) / 12, 1.0) if len(typed) >= PIECE and typed.casefold() in own.casefold() else 0.0,
            100.0 if len(own) >= PIECE and own in typed else 0.0,
        )

    near = [row for row in rows if likeness(row) >= CLOSE_ENOUGH]
    return sorted(near, key=lambda row: (-likeness(row), row["ConnectionId"]))[:5]


def _seen(coverage: Sequence[Coverage]) -> str:
    parts = [
        f"{family.family or '(no family)'}: {count(family.rows, 'record')}, "
        f"{moment(family.first)} to {moment(family.last)}"
        for family in coverage
        if family.rows and family.first and family.last
    ]
    return "In the window: " + "; ".join(parts) + "."


def _late(question: Question) -> tuple[str, ...]:
    if question.now - question.command.window.end >= LATE:
        return ()
    return ("Records arrive up to 10 minutes late: a drop of the last minutes may not be here yet.",)
