"""A user id that no record holds: written otherwise, on another day, or never connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rapidfuzz import fuzz

from bot.interpret import Ask, Conclusion, Question, Tables, coverage, onward, silence
from bot.interpret.said import count, during, period, short
from bot.knowledge import Knowledge
from bot.model import Evidence, NextStep, Row, Verdict, Window

# What a mistyped or shortened id still shares with the real one, at either end.
PIECE = 4
CLOSE_ENOUGH = 60.0
AROUND = timedelta(days=6)
MARGIN = timedelta(minutes=10)
SHOWN = 5


def asks(question: Question) -> Sequence[Ask]:
    """User ids like this one in the window, and this one in the days around it."""
    typed = question.command.arguments["user_id"]
    window = question.command.window
    head, tail = (typed[:PIECE], typed[-PIECE:]) if len(typed) > PIECE else ("", "")
    wide = Window(window.start - AROUND, max(window.end, min(window.end + timedelta(days=1), question.now)))
    return (
        Ask("nearest", {"user_id": typed, "head": head, "tail": tail}),
        Ask("elsewhere", {"user_id": typed}, wide),
    )


def conclude(question: Question, tables: Tables, table: Knowledge) -> Conclusion:
    """Undecided: the nearest ids, or the window in which the user was seen."""
    window = question.command.window
    elsewhere = [row for row in (tables["elsewhere"].rows if "elsewhere" in tables else ()) if row["records"]]
    if elsewhere:
        return _elsewhere(question, elsewhere[0], table)
    near = nearest(question.command.arguments["user_id"], tables["nearest"].rows if "nearest" in tables else ())
    evidence = [Evidence("What was logged", f"In the window: {coverage.held(question)}.", step="coverage")]
    steps: list[NextStep] = []
    if near:
        evidence.append(
            Evidence(
                "Nearest ids",
                f"{count(len(near), 'user id')} like it {'was' if len(near) == 1 else 'were'} logged; "
                "upper and lower case count.",
                ("User", "Records", "First (UTC)", "Last (UTC)"),
                tuple((short(row["UserId"], 80), row["records"], row["first_seen"], row["last_seen"]) for row in near),
                len(near),
                "nearest",
            )
        )
        steps.append(onward.step("Ask for the nearest id", question, "user", near[0]["UserId"]))
    like = f"; the nearest is {short(near[0]['UserId'], 60)}" if near else ""
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Never seen: no record {during(window.start, window.end)} has this user id{like}.",
        findings=(table["user-never-seen"].finding({}, evidence),),
        gaps=tuple(filter(None, [coverage.gap(question, "Connection", "Whether the user connected")])),
        next_steps=(*steps, *silence.wider(question)),
        provisional_until=coverage.provisional(question),
    )


def nearest(typed: str, rows: Sequence[Row]) -> list[Row]:
    """The rows whose ids are most like `typed`, likest first; one that differs in case only leads."""

    def likeness(row: Row) -> float:
        own = row["UserId"]
        if own.casefold() == typed.casefold():
            return 200.0
        inside = typed.casefold() in own.casefold() or own.casefold() in typed.casefold()
        return max(fuzz.ratio(typed.casefold(), own.casefold()), 80.0 if inside and len(typed) >= PIECE else 0.0)

    near = [row for row in rows if likeness(row) >= CLOSE_ENOUGH]
    return sorted(near, key=lambda row: (-likeness(row), row["UserId"]))[:SHOWN]


def _elsewhere(question: Question, row: Row, table: Knowledge) -> Conclusion:
    span = period(row["first_seen"], row["last_seen"])
    records = count(row["records"], "record")
    window = Window(row["first_seen"] - MARGIN, row["last_seen"] + MARGIN)
    evidence = Evidence("Where it is", f"{records} from {span}.", step="elsewhere")
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Not in this window: this user's records are from {span}.",
        findings=(table["user-outside-window"].finding({"records": records, "span": span}, [evidence]),),
        next_steps=(NextStep("Ask in its own window", replace(question.command, window=window).line),),
        provisional_until=coverage.provisional(question),
    )
