"""A report as JSON: one stable, documented form (README.md, "The JSON form")."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.errors import BotError, UsageError
from bot.model import Cause, Evidence, Finding, Page, Report, Window
from bot.times import iso


def to_json(report: Report) -> dict[str, Any]:
    """`report` as values that `json.dumps` takes: times as ISO 8601 in UTC, durations as milliseconds."""
    return {
        "query": report.query,
        "command": report.command,
        "target": {"resource_id": report.target.resource_id, "name": report.target.name},
        "window": _window(report.window),
        "verdict": report.verdict.value,
        "headline": report.headline,
        "cause": None if report.cause is None else _cause(report.cause),
        "further": [_cause(cause) for cause in report.further],
        "candidates": [_plain(asdict(candidate)) for candidate in report.candidates],
        "facts": [{"label": fact.label, "value": fact.value} for fact in report.facts],
        "findings": [_finding(finding) for finding in report.findings],
        "rulings": [_plain(asdict(ruling)) for ruling in report.rulings],
        "timeline": None if report.timeline is None else _evidence(report.timeline),
        "chart": None if report.chart is None else _plain(asdict(report.chart)),
        "gaps": [_plain(asdict(gap)) for gap in report.gaps],
        "next_steps": [{"label": step.label, "command": step.command} for step in report.next_steps],
        "notes": list(report.notes),
        "provisional_until": None if report.provisional_until is None else iso(report.provisional_until),
        "coverage": [
            {
                "family": each.family,
                "rows": each.rows,
                "first": _plain(each.first),
                "last": _plain(each.last),
                "gaps": [_window(gap) for gap in each.gaps],
            }
            for each in report.coverage
        ],
        "kql": [
            {
                "name": ran.name,
                "title": ran.title,
                "query": ran.kql,
                "rows": ran.rows,
                "portal_url": ran.portal_url or None,
            }
            for ran in report.kql
        ],
        "timings": {
            "total_ms": _milliseconds(report.total),
            "engine_ms": _milliseconds(report.engine),
            "queries": [{"title": ran.title, "ms": _milliseconds(ran.engine)} for ran in report.kql],
        },
    }


def page_to_json(page: Page) -> dict[str, Any]:
    """A help or version page."""
    return {"title": page.title, "lines": [{"left": left, "right": right} for left, right in page.lines]}


def error_to_json(error: BotError) -> dict[str, Any]:
    """A failure to read or to start: what happened, what to do, and lines that may have been meant."""
    suggestions = list(error.suggestions) if isinstance(error, UsageError) else []
    return {"error": {"message": error.message, "hint": error.hint, "suggestions": suggestions}}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "cause": finding.cause.value,
        "severity": finding.severity.name.lower(),
        "title": finding.title,
        "meaning": finding.meaning,
        "fixes": list(finding.fixes),
        "links": [{"title": link.title, "url": link.url} for link in finding.links],
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "scope": None if finding.scope is None else _plain(asdict(finding.scope)),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {**_plain(asdict(cause)), "owner": cause.owner.value}


def _window(window: Window) -> dict[str, str]:
    return {"from": iso(window.start), "to": iso(window.end)}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "title": evidence.title,
        "statement": evidence.statement,
        "columns": list(evidence.columns),
        "rows": [[_plain(value) for value in row] for row in evidence.rows],
        "total": evidence.total,
        "query": evidence.step or None,
    }


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case timedelta():
            return _milliseconds(value)
        case StrEnum():
            return value.value
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _milliseconds(span: timedelta) -> float:
    return round(span / timedelta(milliseconds=1), 1)
