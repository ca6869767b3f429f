"""The words every written face shares for verdicts, causes, windows and cell values; plain, unescaped."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from bot.model import (
    Cause,
    Confidence,
    Coverage,
    Family,
    Finding,
    Owner,
    Report,
    Ruled,
    Ruling,
    Scope,
    Severity,
    Verdict,
    Window,
)

NOTHING = "–"

# Bidirectional overrides and isolates let a log line show other words than it holds.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

_STATUS = {
    Verdict.OK: "Nothing wrong found",
    Verdict.UNDECIDED: "Undecided",
    Verdict.NO_DATA: "No data",
    Verdict.ERROR: "Could not answer",
}
_SEVERITY = {
    Severity.INFO: "For information",
    Severity.WARNING: "Warning",
    Severity.ERROR: "Error",
    Severity.CRITICAL: "Critical",
}
_FAMILY = {
    Family.QUOTA: "a quota of the service",
    Family.LEAK: "connections that are never closed",
    Family.APP: "the app server",
    Family.HUB: "the hub's code",
    Family.MODE: "the service mode",
    Family.SERVICE: "Azure SignalR Service itself",
    Family.AUTH: "authentication",
    Family.NET: "the network",
    Family.CLIENT: "the client",
    Family.UPSTREAM: "the upstream endpoint",
    Family.GROUP: "group membership",
    Family.UNKNOWN: "unknown",
}
_CONFIDENCE = {
    Confidence.HIGH: "certain: a record states it",
    Confidence.MEDIUM: "likely: other records point this way",
    Confidence.LOW: "the likeliest of several",
}

_OWNER = {
    Owner.APP: "the app",
    Owner.NETWORK: "the network",
    Owner.SERVICE: "Azure SignalR Service",
    Owner.PLAN: "the plan (tier and units)",
    Owner.CLIENT: "the client",
    Owner.UNKNOWN: "unknown",
}
_RULED = {Ruled.OUT: "Ruled out", Ruled.UNKNOWN: "Not ruled out"}
_GAPS = 3
_WORD = re.compile(r"\w[\w.:'-]*")
# Of the words of a title so many may be in the headline before the title says nothing new.
_REPEATED = 0.65
NOT_FOUND = "Looked for and not found"


def plain(text: object) -> str:
    """`text` with line breaks and tabs kept, and every other character that no screen shows replaced."""
    return _UNSEEN.sub("\ufffd", str(text).replace("\r\n", "\n"))


def line(text: object) -> str:
    """`plain(text)` on one line, without space around it."""
    return " ".join(plain(text).split())


def cut(text: str, most: int) -> str:
    """`text` in at most `most` UTF-16 units, the strictest way Slack may count; a cut one ends in "…"."""
    if size(text) <= most:
        return text
    kept, left = [], most - 1
    for character in text:
        left -= 1 if ord(character) < 0x10000 else 2
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def size(text: str) -> int:
    """The length of `text` in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def typed(command: str) -> str:
    """The command line as a person types it, with `/signalr` before it."""
    text = plain(command).strip()
    return text if text.startswith("/") else f"/signalr {text}".rstrip()


def worst(report: Report) -> Severity | None:
    """The gravest severity among the findings; None when there are none."""
    return max((finding.severity for finding in report.findings), default=None)


def ordered(report: Report) -> list[Finding]:
    """The findings as they are read: what carries the cause, then what alarms, then the rest."""
    code = report.cause.code if report.cause else ""
    return sorted(report.findings, key=lambda each: (each.code != code, each.severity < Severity.WARNING))


def is_background(finding: Finding, report: Report) -> bool:
    """Whether the finding asks nothing of anybody while another one alarms; of pasted lines each is explained."""
    alarms = (worst(report) or Severity.INFO) >= Severity.WARNING
    return bool(report.kql) and alarms and finding.severity < Severity.WARNING and not finding.fixes


def status(report: Report) -> str:
    """One or two words for what the report concludes."""
    return _STATUS.get(report.verdict) or f"Finding ({severity(worst(report) or Severity.INFO).lower()})"


def open_causes(report: Report) -> str:
    """The heading above the candidates: all there is to say, or what a decided cause leaves open."""
    return "What else it could be" if report.cause else "What it could be, likeliest first"


def severity(value: Severity) -> str:
    return _SEVERITY[value]


def family(value: Family) -> str:
    return _FAMILY[value]


def named(code: str) -> str:
    """A cause's code in words: "app server crashed"."""
    return code.replace("-", " ")


def cause(value: Cause) -> str:
    """The cause and how firmly it stands: "ping timeout (certain: a record states it)"."""
    return f"{named(value.code)} ({_CONFIDENCE[value.confidence]})"


def further(value: Cause) -> str:
    """Another cause in the window, and its owner, on one line."""
    return f"{cause(value)}; owner: {owner(value)}"


def repeats(title: str, headline: str) -> bool:
    """Whether `title` says again what the headline has just said."""
    words, said = _WORD.findall(title.casefold()), set(_WORD.findall(headline.casefold()))
    return title == headline or (bool(words) and sum(word in said for word in words) >= _REPEATED * len(words))


def owner(value: Cause) -> str:
    """Who can do something about the cause: "the app"."""
    return _OWNER[value.owner]


def scope(value: Scope) -> str:
    """How far a finding reaches: "812 connections, 2026-11-23 10:05:01 to 10:05:40 UTC; address 192.0.2.7"."""
    unit = value.unit.removesuffix("es" if value.unit.endswith("sses") else "s") if value.size == 1 else value.unit
    size = f"{value.size:,} {unit}"
    when = f"{moment(value.first)} UTC" if value.first == value.last else window(Window(value.first, value.last))
    return "; ".join([f"{size}, {when}", *(f"{fact.label} {fact.value}" for fact in value.shared)])


def ruling(value: Ruling) -> tuple[str, str]:
    """Whether a cause is ruled out, and why: ("Ruled out: connection limit", "No refusal among ...")."""
    return f"{_RULED[value.outcome]}: {named(value.code)}", value.why


def rulings(values: Sequence[Ruling]) -> list[tuple[str, str]]:
    """All rulings in few lines: ("Ruled out", "reload, hub exception"), and why the others are not."""
    found: dict[tuple[Ruled, str], list[str]] = {}
    for value in values:
        why = f" ({value.why.rstrip('.')})" if value.outcome is Ruled.UNKNOWN else ""
        found.setdefault((value.outcome, why), []).append(named(value.code))
    return [(_RULED[outcome], f"{', '.join(names)}{why}") for (outcome, why), names in found.items()]


def coverage(value: Coverage) -> str:
    """What a log family holds: "1,200 rows, 2026-11-23 10:00 to 12:00 UTC; missing 2026-11-23 10:20 to 10:31 UTC"."""
    if not value.rows or value.first is None or value.last is None:
        return "none"
    reach = f"{moment(value.first)} UTC" if value.first == value.last else window(Window(value.first, value.last))
    gaps = ", ".join(window(gap) for gap in value.gaps[:_GAPS])
    more = f" and {len(value.gaps) - _GAPS} spans more" if len(value.gaps) > _GAPS else ""
    return f"{value.rows:,} {'row' if value.rows == 1 else 'rows'}, {reach}" + (
        f"; missing {gaps}{more}" if gaps else ""
    )


def provisional(until: datetime) -> str:
    """Until when records may still arrive that change the answer."""
    return f"Records arrive up to 10 minutes late: this answer may change until {moment(until)} UTC."


def moment(value: datetime) -> str:
    """ "2026-11-23 10:05:03.120": UTC, seconds and milliseconds only where there are any."""
    value = value.astimezone(UTC)
    if value.microsecond:
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")


def window(value: Window) -> str:
    """ "2026-11-23 10:00 to 12:00 UTC"; the second date only when it differs."""
    start, end = moment(value.start), moment(value.end)
    if value.start.date() == value.end.date():
        end = end.split(" ", 1)[1]
    return f"{start} to {end} UTC"


def seconds(value: timedelta) -> str:
    """ "2 d 3 h", "12 min 4 s", "1.25 s", "40 ms": the two largest units that matter."""
    total = value.total_seconds()
    if total < 0:
        return "-" + seconds(-value)
    if total < 1:
        return f"{round(total * 1000)} ms"
    if total < 60:
        return f"{total:.3g} s"
    parts = []
    left = int(total)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def cell(value: Any) -> str:
    """A row's value on one line; a dash for what is not there. Datetimes are in UTC."""
    match value:
        case None | "":
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case datetime():
            fraction = f".{value.microsecond // 1000:03d}" if value.microsecond else ""
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}{fraction}"
        case time():
            return f"{value:%H:%M:%S}" + (f".{value.microsecond // 1000:03d}" if value.microsecond else "")
        case timedelta():
            return seconds(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.6g}"
        case dict() | list() | tuple():
            return line(json.dumps(value, ensure_ascii=False, default=str)) or NOTHING
        case _:
            return line(value) or NOTHING


def visible(text: str) -> bool:
    """Whether `text` shows anything at all; Slack refuses a text that does not."""
    return any(not character.isspace() and unicodedata.category(character) != "Cf" for character in text)
