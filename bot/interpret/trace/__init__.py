"""Where did this message get lost: the four paths, who had it last, and what these logs cannot see.

Opening: queries/investigations/trace.kql; steps: the queries in the folder trace beside it. Log lines of app servers,
in the workspace or come with the question, close the two gaps which the service cannot see.
Source: "Message loss" in the logs guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.errors import UsageError
from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, paths, silence
from bot.interpret.coverage import MESSAGE
from bot.interpret.paths import APP_LINES, AppLine
from bot.interpret.trace import audience, unseen, verdict, way
from bot.interpret.trace.way import Way
from bot.knowledge import Knowledge

FINDINGS = "trace_findings"
_FIRST = {OPENING, "receivers", APP_LINES}
_FLOAT = re.compile(r"\d+(?:\.\d+)?e\+?\d+", re.IGNORECASE)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """The receivers and the app servers' lines at once; then what an invocation led to, who was there, or near ids.

    Raises UsageError for what can be no id.
    """
    typed = _typed(question)
    if not tables:
        return _about(typed, "receivers", APP_LINES) if typed.isdigit() else ()
    if OPENING not in tables or tables.keys() - _FIRST - {"followed"}:
        return ()
    named = way.ids(tables[OPENING].rows)
    if "followed" not in tables and _trace(typed, named) not in ("", typed):
        return _about(_trace(typed, named), "followed", *(() if APP_LINES in tables else (APP_LINES,)))
    found = _way(question, tables, _lines(question, tables))
    if found is None:
        return () if len(named) > 1 else unseen.asks(question, typed)
    if 3 in found.legs:
        return audience.asks(found, found.legs[3].first)
    return ()


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: which paths were seen, who had the message last, and how sure that is."""
    lines = _lines(question, tables)
    found = _way(question, tables, lines)
    if found is None:
        if not question.coverage:
            return silence.conclude(question, knowledge["connection_findings"])
        named = way.ids(tables[OPENING].rows)
        if len(named) > 1:
            return unseen.several(question, named, tables[OPENING].rows, knowledge[FINDINGS])
        return unseen.conclude(question, _typed(question), tables, knowledge[FINDINGS])
    if not found.legs and coverage.family(question, MESSAGE) is None:
        return unseen.unlogged(question, found, knowledge[FINDINGS])
    return verdict.conclude(question, found, lines, tables, knowledge[FINDINGS])


def _typed(question: Question) -> str:
    text: str = question.command.arguments["message_tracing_id"]
    bare = text.strip(" .,;:'\"()[]")
    if bare != text and bare:
        raise UsageError(f"An id has no such signs around it: {text!r}.", f"trace {bare}")
    if _FLOAT.fullmatch(text):
        raise UsageError(f"{text[:40]} has lost its last digits: copy the id as text from the log line.", _WORKS)
    if text.removeprefix("-").isdigit() and not (text.isascii() and 0 <= int(text[:30]) <= paths.LARGEST):
        raise UsageError(f"{text[:40]} is no tracing id: those are whole numbers from 0 to {paths.LARGEST}.", _WORKS)
    return text


_WORKS = "trace 1083944604710993938 2h"


def _trace(typed: str, named: Sequence[str]) -> str:
    """The tracing id that was asked for, itself or as the only one of an invocation; empty when there is none."""
    if typed.isdigit() and (not named or str(int(typed)) in named):
        return str(int(typed))
    return named[0] if len(named) == 1 else ""


def _way(question: Question, tables: Tables, lines: Sequence[AppLine]) -> Way | None:
    rows = tables[OPENING].rows
    trace = _trace(_typed(question), way.ids(rows))
    if not trace:
        return None
    return way.read(tables["followed"].rows if "followed" in tables else rows, lines, trace)


def _about(trace: str, *steps: str) -> tuple[Ask, ...]:
    return tuple(Ask(step, {"message_tracing_id": trace}) for step in steps)


def _lines(question: Question, tables: Tables) -> tuple[AppLine, ...]:
    rows = tables[APP_LINES].rows if APP_LINES in tables else ()
    return (*paths.app_lines(question.attached), *paths.collected(rows))
