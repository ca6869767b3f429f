"""The sentences of the proof of coverage: headline, facts, families, gaps, next steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.interpret import Question, coverage, onward, silence
from bot.interpret.coverage import AUTHORIZATION, CONNECTION, MESSAGE, THROTTLING
from bot.interpret.logs.answerable import HTTP, NO, Answer, held
from bot.interpret.said import count, lower, percent, period, some
from bot.model import Coverage, Evidence, Fact, Finding, Gap, Link, NextStep, Row
from bot.times import span_text

_FAMILIES = (CONNECTION, AUTHORIZATION, THROTTLING, MESSAGE, HTTP)
_SWITCHES = {**coverage.SOURCES, HTTP: "HttpRequestLogs"}


def headline(question: Question, alarms: Sequence[Finding], answers: Sequence[Answer]) -> str:
    """The answer in one line: what arrived, and how much can be asked of it."""
    can = sum(answer.can != NO for answer in answers)
    first = f"{can} of {count(len(answers), 'question')} can be answered from {coverage.held(question)}"
    return f"{first}; {lower(alarms[0].title)}." if alarms else f"{first}."


def unanswered(answers: Sequence[Answer]) -> str:
    """Which questions can't be answered."""
    no = [answer.verb for answer in answers if answer.can == NO]
    return f"Not: {some(no, 6)}." if no else "None is left out."


def facts(question: Question, rows: Sequence[Row]) -> tuple[Fact, ...]:
    """The headline numbers."""
    records = sum(row["records"] for row in rows)
    first, last = _ends(question)
    resources = sorted({str(row["_ResourceId"]).lower().rsplit("/", 1)[-1] for row in rows} - {""})
    regions = sorted({str(row["Location"]) for row in rows} - {""})
    whole = sum(row["whole_seconds"] for row in rows)
    found = [
        Fact("Records", f"{records:,}"),
        Fact("First to last", period(first, last)),
        Fact("Age of the newest", span_text(max(question.now - last, timedelta()))),
        Fact("Resources", some(resources) or "none named"),
        Fact("Regions", some(regions) or "none named"),
        Fact("Times in whole seconds", percent(whole, records)),
    ]
    for label, column in (("a user", "with_user"), ("a hub", "with_hub"), ("an address", "with_address")):
        mine = [row for row in rows if row["Collection"].casefold() == CONNECTION.casefold()]
        if total := sum(row["records"] for row in mine):
            found.append(Fact(f"Connection records with {label}", percent(sum(row[column] for row in mine), total)))
    return tuple(found)


def _ends(question: Question) -> tuple[datetime, datetime]:
    firsts = [each.first for each in question.coverage if each.first]
    lasts = [each.last for each in question.coverage if each.last]
    return min(firsts), max(lasts)


def families(question: Question) -> Evidence:
    """The log families side by side, those that nothing came of too."""
    total = sum(each.rows for each in question.coverage)
    seen = {id(each) for family in _FAMILIES if (each := held(question, family))}
    lines = [_line(question, family, held(question, family), total) for family in _FAMILIES]
    others = [each for each in question.coverage if id(each) not in seen]
    lines += [_line(question, each.family or "(no name)", each, total) for each in others]
    return Evidence(
        "Log families",
        f"{count(total, 'record')} of {count(len(question.coverage), 'family', 'families')} in the window.",
        ("Family", "Records", "Share", "First (UTC)", "Last (UTC)", "Missing", "Switch"),
        tuple(lines),
        len(lines),
        "coverage",
    )


def _line(question: Question, name: str, each: Coverage | None, total: int) -> tuple[object, ...]:
    switch = _SWITCHES.get(name, "not documented")
    if each is None:
        same = name in (AUTHORIZATION, THROTTLING) and coverage.family(question, CONNECTION) is not None
        return (name, 0, "0 %", None, None, "none happened, or none came" if same else "all", switch)
    gone = sum((gap.span for gap in each.gaps), timedelta())
    missing = f"{count(len(each.gaps), 'span')}, {span_text(gone)}" if each.gaps else "nothing seen"
    return (each.family or name, each.rows, percent(each.rows, total), each.first, each.last, missing, switch)


def gaps(question: Question) -> tuple[Gap, ...]:
    """What the logs at hand leave open, family by family."""
    asked = {
        CONNECTION: "How connections began and ended",
        AUTHORIZATION: "Whether tokens were refused, and why",
        THROTTLING: "Whether a limit was reached",
        MESSAGE: "Where a message got lost",
    }
    found = [gap for family, what in asked.items() if (gap := coverage.gap(question, family, what))]
    if held(question, HTTP) is None:
        found.append(
            Gap(
                "Which HTTP requests were answered with which status",
                "No record of the HTTP request log came in the window; its form is hardly documented.",
                f"Log Source Settings of the resource: {_SWITCHES[HTTP]}.",
                coverage.LOGS,
            )
        )
    found.append(
        Gap(
            "How late the records came",
            "When a record arrived is not part of it; usually that is 3 to 10 minutes after the event.",
            "The workspace: ingestion_time() beside TimeGenerated.",
            Link("Ingestion time", "https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time"),
        )
    )
    return tuple(found)


def next_steps(question: Question, answers: Sequence[Answer]) -> tuple[NextStep, ...]:
    """Questions that need no more than a window, where they can be answered."""
    labels = {
        "drops": "Explain the drops",
        "servers": "Look at the app servers",
        "messages": "Check the messages",
    }
    can = {answer.verb for answer in answers if answer.can != NO}
    found = [onward.step(label, question, verb) for verb, label in labels.items() if verb in can]
    return (*found, *silence.wider(question))
