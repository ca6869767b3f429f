"""Can the logs answer at all: what arrived, from when to when, what is missing, and what to switch on.

Opening: queries/investigations/logs.kql; steps: the queries in the folder logs beside it.
Source: "Enable resource logs" and "Messaging logs" in the logs guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.logs import answerable, messaging, words
from bot.interpret.said import count, during, moment, some
from bot.knowledge import Knowledge
from bot.model import Evidence, Finding, Row, Severity, Verdict

FINDINGS = "logs_findings"
# Small holes are the pipeline's; so much of the window gone is worth an alarm.
_GONE = 0.05
# Clocks that differ by less are not odd.
_AHEAD = timedelta(minutes=1)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Everything at once: no step needs a row of another."""
    del question
    return () if tables else (Ask("messaging", {}), Ask("pairs", {}))


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: which families are there and whole, what can be asked of them, and what to switch on."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    table = knowledge[FINDINGS]
    rows = tables[OPENING].rows
    answers = answerable.answers(question)
    can = count(sum(each.can != answerable.NO for each in answers), "question")
    findings = [
        *_connectivity(question, table),
        *_missing(question, table),
        *messaging.findings(question, tables.get("messaging"), rows, table),
        *_oddities(question, tables, table),
    ]
    findings.append(
        table["what-can-be-asked"].finding(
            {"number": f"{can} of {len(answers)}", "what": words.unanswered(answers)}, [answerable.evidence(answers)]
        )
    )
    alarms = [finding for finding in findings if finding.severity >= Severity.WARNING]
    return Conclusion(
        verdict=Verdict.FINDING if alarms else Verdict.OK,
        headline=words.headline(question, alarms, answers),
        facts=words.facts(question, rows),
        findings=tuple(sorted(findings, key=lambda finding: -finding.severity)),
        timeline=words.families(question),
        gaps=words.gaps(question),
        next_steps=words.next_steps(question, answers),
        provisional_until=coverage.provisional(question),
    )


def _connectivity(question: Question, table: Knowledge) -> list[Finding]:
    if coverage.family(question, coverage.CONNECTION):
        return []
    what = f"The window holds {coverage.held(question)}, and none about a connection."
    return [table["connectivity-off"].finding({"what": what}, [Evidence("Coverage", what, step="coverage")])]


def _missing(question: Question, table: Knowledge) -> list[Finding]:
    """The spans without a record, of all families in one finding."""
    window = question.command.window
    spans = {gap for each in question.coverage for gap in each.gaps}
    # The last minutes are still on their way; a hole that reaches to the present is no loss yet.
    spans = {gap for gap in spans if not (gap.end == window.end and question.now - gap.start <= coverage.LATE)}
    if not spans:
        return []
    rows = [
        (each.family, gap.start, gap.end, gap.span) for each in question.coverage for gap in each.gaps if gap in spans
    ]
    longest = max(spans, key=lambda gap: gap.span)
    what = (
        f"The longest span without a record is {during(longest.start, longest.end)}, in "
        f"{some([row[0] or 'unnamed' for row in rows if row[1] <= longest.start and longest.end <= row[2]])}."
    )
    proof = Evidence(
        "Spans without a record",
        what,
        ("Family", "From (UTC)", "To (UTC)", "Length"),
        tuple(rows[:20]),
        len(rows),
        "coverage",
    )
    found = table["records-missing"].finding({"number": count(len(spans), "span"), "what": what}, [proof])
    large = longest.span >= _GONE * window.span
    return [found if large else replace(found, severity=Severity.INFO)]


def _oddities(question: Question, tables: Tables, table: Knowledge) -> list[Finding]:
    """Records that came twice, and times that can't be."""
    found = []
    row: Row = tables["pairs"].rows[0] if "pairs" in tables and tables["pairs"].rows else {}
    if doubled := row.get("doubled", 0):
        what = f"{doubled:,} of {count(row['connections'], 'connection')} have the same start twice."
        words_ = {"number": count(doubled, "connection"), "what": what}
        found.append(table["records-doubled"].finding(words_, [Evidence("Doubled", what, step="pairs")]))
    said = []
    if backwards := row.get("backwards", 0):
        said.append(f"{count(backwards, 'connection')} ended more than 5 s before the start that is logged.")
    ahead = [each.family for each in question.coverage if each.last and each.last > question.now + _AHEAD]
    if ahead:
        said.append(f"Records of {some(ahead)} are dated later than now, {moment(question.now)}.")
    if said:
        what = " ".join(said)
        number = count(backwards, "connection") if backwards else "records from the future"
        proof = [Evidence("Odd times", what, step="pairs" if backwards else "coverage")]
        found.append(table["clocks-odd"].finding({"number": number, "what": what}, proof))
    return found
