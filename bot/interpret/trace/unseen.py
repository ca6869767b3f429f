"""A message that no record is about: is messaging logged at all, is the id right, or the window wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import Ask, Conclusion, Question, Tables, coverage, onward, paths
from bot.interpret.coverage import LOGS, MESSAGE
from bot.interpret.said import count, during, moment, some
from bot.interpret.trace.way import Way
from bot.interpret.trace.words import APP_LOG, app_evidence, unread
from bot.knowledge import Knowledge
from bot.model import Evidence, Family, Gap, NextStep, Row, Verdict, Window

AROUND = timedelta(days=3)
MARGIN = timedelta(minutes=10)
# JSON tools and spreadsheets keep 53 bits: of an id of 60 bits, the last 128 numbers or so become one.
_REACH = 1024


def asks(question: Question, typed: str) -> Sequence[Ask]:
    """Messages numbered close by, and this one in the days around."""
    window = question.command.window
    wide = Window(window.start - AROUND, max(window.end, min(window.end + AROUND, question.now)))
    found = [Ask("elsewhere", {"message_tracing_id": typed}, wide)]
    if typed.isdigit():
        wanted = paths.stored(int(typed))
        low, high = max(wanted - _REACH, -(2**63)), min(wanted + _REACH, 2**63 - 1)
        found.append(Ask("nearest", {"low": low, "high": high, "wanted": wanted}))
    return found


def conclude(question: Question, typed: str, tables: Tables, table: Knowledge) -> Conclusion:
    """Never seen: outside the window, rounded by a tool, not logged, or never arrived."""
    if "elsewhere" in tables and (rows := [row for row in tables["elsewhere"].rows if row["records"]]):
        return _elsewhere(question, rows[0], table)
    held = coverage.family(question, MESSAGE)
    if held is None:
        return unlogged(question, None, table)
    near = tables["nearest"].rows if "nearest" in tables else ()
    window = question.command.window
    never = during(window.start, window.end)
    seen = f"{count(held.rows, 'Message record')} in the window, none with this id."
    evidence = [Evidence("What was logged", seen, step="coverage")]
    if near:
        evidence.append(_near_evidence(near))
    alike = [str(row["MessageTracingId"]) for row in near if _same_when_rounded(typed, row["MessageTracingId"])]
    gap = coverage.gap(question, MESSAGE, "Whether the service logged this message")
    common = Conclusion(
        verdict=Verdict.UNDECIDED,
        headline="",
        gaps=(*((gap,) if gap else ()), _app_gap(tables)),
        provisional_until=coverage.provisional(question),
    )
    if alike:
        return replace(
            common,
            headline=f"No message {typed} was logged {never}; rounded by a tool it may be {some(alike)}.",
            findings=(table["id-rounded"].finding({"ids": some(alike)}, evidence),),
            next_steps=tuple(onward.step("Trace the likeliest id", question, "trace", each) for each in alike[:1]),
        )
    wanted = int(typed) if typed.isdigit() else None
    before = [row for row in near if wanted is not None and _same_process(row, wanted) and _id(row) < wanted]
    after = [row for row in near if wanted is not None and _same_process(row, wanted) and _id(row) > wanted]
    if before and after:
        words = {
            "before": moment(max(before, key=_id)["first_seen"]),
            "after": moment(min(after, key=_id)["first_seen"]),
            "distance": f"{_id(min(after, key=_id)) - _id(max(before, key=_id)) - 1:,}",
        }
        entry = table["between-others"]
        return replace(
            common,
            headline=f"Message {typed} was never logged, though the same app server's messages before it "
            f"({words['before']}) and after it ({words['after']}) were: it may not have reached the service.",
            findings=(entry.finding(words, evidence),),
            candidates=entry.candidates,
            next_steps=(onward.step("Check for lost messages", question, "messages"),),
        )
    entry = table["never-seen"]
    return replace(
        common,
        headline=f"Never seen: none of {count(held.rows, 'Message record')} {never} is about {typed}.",
        findings=(entry.finding({}, evidence),),
        candidates=entry.candidates,
        next_steps=(_wider(question),),
    )


def unlogged(question: Question, way: Way | None, table: Knowledge) -> Conclusion:
    """No data: the service logged no message at all in the window."""
    gap = coverage.gap(question, MESSAGE, "Any path of this message")
    proof = [Evidence("What was logged", f"{coverage.held(question) or 'Nothing'} in the window.", step="coverage")]
    proof += [app_evidence(way)] if way else []
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="Can't be traced: no Message record was logged in the window, so the service's paths are not visible.",
        findings=(table["no-messages-logged"].finding({}, proof),),
        gaps=(gap,) if gap else (),
        rulings=coverage.unknown(
            question, MESSAGE, (Family.SERVICE, "lost-in-service"), (Family.NET, "lost-to-service")
        ),
        next_steps=(onward.step("Check what is logged", question, "logs"),),
        provisional_until=coverage.provisional(question),
    )


def several(question: Question, named: Sequence[str], rows: Sequence[Row], table: Knowledge) -> Conclusion:
    """An invocation id of more than one message: clients number their calls from 0 on."""
    listed = []
    for trace in named[:20]:
        mine = [row for row in rows if row["trace"] == trace]
        first = min(mine, key=lambda row: row["first_seen"])
        listed.append((trace, first["first_seen"], first["connection"], first["HubName"]))
    proof = Evidence(
        "Messages with this invocation id",
        f"{count(len(named), 'message')} of the window carry it.",
        ("Tracing id", "First (UTC)", "Connection", "Hub"),
        tuple(listed),
        len(named),
        "opening",
    )
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"{count(len(named), 'message')} of the window have this invocation id; ask for one of them.",
        findings=(table["several-messages"].finding({}, (proof,)),),
        next_steps=tuple(onward.step(f"Trace message {n}", question, "trace", t) for n, t in enumerate(named[:3], 1)),
        provisional_until=coverage.provisional(question),
    )


def _elsewhere(question: Question, row: Row, table: Knowledge) -> Conclusion:
    span = during(row["first_seen"], row["last_seen"])
    window = Window(row["first_seen"] - MARGIN, row["last_seen"] + MARGIN)
    found = table["outside-window"].finding({"records": count(row["records"], "record"), "span": span})
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Not in this window: this message was logged {span}.",
        findings=(found,),
        next_steps=(NextStep("Trace it there", replace(question.command, window=window).line),),
    )


def _near_evidence(near: Sequence[Row]) -> Evidence:
    return Evidence(
        "Nearest ids",
        f"{count(len(near), 'message')} with an id within {_REACH:,} of it; the counter is the lower 32 bits.",
        ("Tracing id", "Counter", "Type", "First (UTC)", "Records"),
        tuple(
            (str(_id(row)), paths.counter(_id(row)), row["MessageType"], row["first_seen"], row["records"])
            for row in near[:10]
        ),
        len(near),
        "nearest",
    )


def _id(row: Row) -> int:
    return int(row["MessageTracingId"]) % (paths.LARGEST + 1)


def _same_process(row: Row, wanted: int) -> bool:
    return paths.prefix(_id(row)) == paths.prefix(wanted)


def _same_when_rounded(typed: str, other: int) -> bool:
    """Whether `typed` is what a tool of 53 bits makes of `other`, itself not a number that keeps all its digits."""
    if not typed.isdigit() or int(typed) < 2**53:
        return False
    wanted = int(typed)
    # Some tools write the exact binary value, others the shortest text, filled up with zeros.
    return wanted in (int(float(other)), _short(other))


def _short(number: int) -> int:
    """A number as JavaScript prints it: the shortest digits that tell the double, then zeros."""
    digits, _, power = repr(float(number)).partition("e")
    bare = digits.replace(".", "").rstrip("0") or "0"
    return int(bare) * 10 ** max(int(power or 0) - (len(bare) - 1), 0) if power else int(float(number))


def _wider(question: Question) -> NextStep:
    window = question.command.window
    week = Window(window.end - timedelta(days=7), window.end)
    return NextStep("Look in the last 7 days", replace(question.command, window=week).line)


def _app_gap(tables: Tables) -> Gap:
    return Gap(
        "Whether the app server sent it",
        f"A message that never reaches the service leaves no resource log. {unread(tables)}",
        APP_LOG,
        LOGS,
    )
