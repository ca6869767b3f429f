"""A connection id that no record holds: are there logs at all, is the id mistyped, or the window wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rapidfuzz import fuzz

from bot.interpret import Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.said import count, moment, period
from bot.interpret.why_dropped.words import at_id
from bot.knowledge import Knowledge
from bot.model import Coverage, Evidence, NextStep, Row, Verdict, Window

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
        return silence.conclude(question, table)
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
        gaps=() if connections else (silence.connectivity_gap(),),
        next_steps=(*steps, *silence.wider(question)),
        provisional_until=coverage.provisional(question),
    )


def _elsewhere(question: Question, row: Row, table: Knowledge) -> Conclusion:
    span = period(row["first_seen"], row["last_seen"])
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


def _seen(families: Sequence[Coverage]) -> str:
    parts = [
        f"{family.family or '(no family)'}: {count(family.rows, 'record')}, {period(family.first, family.last)}"
        for family in families
        if family.rows and family.first and family.last
    ]
    return "In the window: " + "; ".join(parts) + "."
