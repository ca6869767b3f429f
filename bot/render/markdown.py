"""A whole report as Markdown (CommonMark with tables), for a file or an issue.

Nothing is left out. Log text cannot become markup: what CommonMark or HTML would read is escaped with a
backslash, and only that, so that an id stays as it was logged wherever it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.model import Cause, Evidence, Finding, Gap, Link, Report
from bot.render import wording

_SPECIAL = re.compile(r"[\\`*\[\]<>&|~]|#$|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_OPENING = re.compile(r"(?:[#+=:-]|[0-9]{1,9}[.)](?=\s|$))")
_FENCES = re.compile(r"`{3,}")
_UNSAFE_IN_URL = re.compile(r"[\s<>\\]")


def report(report: Report) -> str:
    """The report, ending in a line break."""
    return "\n\n".join(_chapters(report)) + "\n"


def inline(text: object) -> str:
    """`text` on one line, such that CommonMark shows exactly it."""
    escaped = _SPECIAL.sub(lambda found: "\\" + found.group(), wording.line(text))
    if opening := _OPENING.match(escaped):
        last = opening.end() - 1
        escaped = escaped[:last] + "\\" + escaped[last:]
    return escaped


def _chapters(report: Report) -> Iterator[str]:
    yield f"# {inline(report.headline) or wording.status(report)}"
    yield _table(
        ("About", "This answer"),
        [
            ("Verdict", wording.status(report)),
            ("Asked", wording.typed(report.command)),
            ("Window", wording.window(report.window)),
            ("Resource", report.target.resource_id or "every resource these logs hold"),
            *([("Cause", _cause(report.cause)), ("Owner", wording.owner(report.cause))] if report.cause else []),
            *[("Also", f"{_cause(cause)}; owner: {wording.owner(cause)}") for cause in report.further],
        ],
    )
    if report.provisional_until is not None:
        yield inline(wording.provisional(report.provisional_until))
    if report.candidates:
        yield f"## {wording.open_causes(report)}"
        yield "\n".join(
            f"{place}. **{inline(f'{wording.family(each.family)} ({each.family} / {each.code})')}**"
            f" {inline(each.why)} Would decide it: {inline(each.evidence_needed)}"
            for place, each in enumerate(report.candidates, 1)
        )
    for finding in wording.ordered(report):
        yield from _finding(finding)
    if report.facts:
        yield "## Facts"
        yield _table(("Fact", "Value"), [(fact.label, fact.value) for fact in report.facts])
    if report.timeline is not None:
        yield from _evidence(report.timeline, "##")
    if report.chart is not None:
        names = [each.name for each in report.chart.series]
        values = zip(report.chart.points, *(each.values for each in report.chart.series), strict=False)
        yield f"## {inline(report.chart.title)} ({inline(report.chart.unit)})"
        yield _table(("", *names), list(values))
    if report.rulings:
        yield f"## {wording.NOT_FOUND}"
        yield "\n".join(f"- **{inline(said)}.** {inline(why)}" for said, why in map(wording.ruling, report.rulings))
    if report.gaps:
        yield "## What these logs cannot show"
        yield "\n".join(f"- {_gap(gap)}" for gap in report.gaps)
    if report.notes:
        yield "## Notes"
        yield "\n".join(f"- {inline(note)}" for note in report.notes)
    if report.next_steps:
        yield "## Next steps"
        yield _table(("Step", "Command"), [(step.label, wording.typed(step.command)) for step in report.next_steps])
    if report.coverage:
        yield "## What the logs hold"
        yield _table(("Logs", "What they hold"), [(each.family, wording.coverage(each)) for each in report.coverage])
    if report.kql:
        yield "## KQL"
    for ran in report.kql:
        place = f" ({_link(Link('open in Log Analytics', ran.portal_url))})" if ran.portal_url else ""
        yield f"### {inline(ran.title) or 'Query'}"
        yield f"{ran.rows:,} rows in {wording.seconds(ran.engine)}{place}"
        yield _code(ran.kql)
    yield f"Answered in {wording.seconds(report.total)}. Times are in UTC."


def _finding(finding: Finding) -> Iterator[str]:
    yield f"## {wording.severity(finding.severity)}: {inline(finding.title)}"
    yield inline(f"{wording.family(finding.cause)} ({finding.cause} / {finding.code})")
    if finding.scope is not None:
        yield inline(wording.scope(finding.scope))
    if finding.meaning:
        yield inline(finding.meaning)
    if finding.fixes or finding.links:
        yield "What to do:"
        lines = [inline(fix) for fix in finding.fixes] + [_link(link) for link in finding.links]
        yield "\n".join(f"- {line}" for line in lines)
    for evidence in finding.evidence:
        yield from _evidence(evidence, "###")


def _evidence(evidence: Evidence, mark: str) -> Iterator[str]:
    yield f"{mark} {inline(evidence.title) or 'Evidence'}"
    if evidence.statement:
        yield inline(evidence.statement)
    if evidence.rows and evidence.columns:
        yield _table(evidence.columns, evidence.rows)
    if evidence.total > len(evidence.rows) > 0:
        yield f"The first {len(evidence.rows):,} of {evidence.total:,} rows; the KQL below has all."


def _cause(cause: Cause) -> str:
    return f"{wording.cause(cause)}, in our list {cause.family} / {cause.code}"


def _gap(gap: Gap) -> str:
    link = f" {_link(gap.link)}" if gap.link else ""
    return f"**{inline(gap.question)}** {inline(gap.reason)} {inline(gap.where)}{link}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, *(row[: len(columns)] for row in rows)]
    written = ["| " + " | ".join(inline(wording.cell(value)) for value in line) + " |" for line in lines]
    return "\n".join([written[0], "|" + " --- |" * len(columns), *written[1:]])


def _link(link: Link) -> str:
    url = wording.plain(link.url)
    if not url.startswith(("https://", "http://")) or _UNSAFE_IN_URL.search(url):
        return inline(f"{link.title} ({link.url})")
    return f"[{inline(link.title) or 'link'}](<{url}>)"


def _code(text: str) -> str:
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCES.findall(text))])
    return f"{fence}kusto\n{wording.plain(text)}\n{fence}"
