"""Reports, pages and errors as Slack messages. Slack's limits live here and in `fitting`, nowhere else.

Untrusted text goes into `rich_text`, `raw_text` and `plain_text`, where Slack interprets nothing: no mention,
link, emoji or emphasis can come out of a log line, and an id is copied as it was logged.
Limits: docs.slack.dev, reference/block-kit/blocks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.errors import BotError, UsageError
from bot.model import Evidence, Finding, Link, NextStep, Page, Report, Severity, Verdict
from bot.render import charts, tables, wording
from bot.render import elements as slack
from bot.render.elements import Block
from bot.render.fitting import TEXT_MOST, Draft, Message, fitted
from bot.render.folding import distinct

HEADER_MOST = 150
BUTTON_TEXT_MOST = 75
BUTTON_VALUE_MOST = 2_000
URL_MOST = 3_000
# Our own measure, far below Slack's: an answer is read at one glance, a file is searched.
FINDINGS, CANDIDATES, FACTS, GAPS, NOTES, STEPS, FIXES, EVIDENCE = 5, 4, 14, 3, 5, 5, 6, 3
FURTHER, RULINGS, BRIEF_CANDIDATES, BRIEF_FIXES = 3, 12, 2, 2
LINKS, LINK_MOST = 4, 1_000
SHORT, LONG = 280, 900
# Facts as short as this share a line, as long as this.
_FACT, _LINE = 50, 84

_MARKS = {
    Severity.INFO: "large_blue_circle",
    Severity.WARNING: "large_yellow_circle",
    Severity.ERROR: "red_circle",
    Severity.CRITICAL: "red_circle",
}
_GAPS_HEADING = "What these logs cannot show"
_GAPS_BRIEFLY = f"{_GAPS_HEADING}, and where to look"
_USER = re.compile(r"[UW][A-Z0-9]{1,20}\Z")


def report(report: Report, *, shareable: bool = True, shared_by: str = "") -> Message:
    """A report as one message.

    `shareable` adds Share to channel; `shared_by` is the user id of the person who shared it.
    """
    draft = Draft()
    headline = wording.line(report.headline) or wording.status(report)
    parts: list[tuple[int, str, list[Block]]] = [
        (0, "", _headline(headline, report, draft)),
        (0, "", _cause(report, draft)),
    ]
    ordered = wording.ordered(report)
    candidates = (2, "what else it could be", _candidates(report, draft))
    if report.cause is None:
        parts.append(candidates)
    told = [finding for finding in ordered if not wording.is_background(finding, report)]
    draft.totals["findings"] = len(told)
    for place, finding in enumerate(told[:FINDINGS]):
        parts.append((5 if place else 0, "findings", _finding(finding, headline, draft, brief=place > 0)))
    if report.cause is not None:
        parts.append(candidates)
    evidence = distinct([piece for finding in ordered for piece in finding.evidence])
    details = [
        (3, "the facts", _facts(report, draft)),
        (4, "the evidence", _evidence(evidence, report, draft)),
        (3, "the rows", tables.blocks(report.timeline, evidence, draft)),
        (6, "what was looked for and not found", _rulings(report, draft)),
        (6, "what these logs cannot show", _gaps(report, draft)),
        (3, "the notes", _notes(report, draft)),
    ]
    parts.append((4, "the chart", charts.block(report.chart)))
    if any(blocks for _, _, blocks in details):
        parts.append((0, "", [{"type": "divider"}]))
    parts += details
    buttons = _buttons(report, shareable)
    ending = [*buttons, *_ending(report, shared_by)]
    return fitted(parts, ending, draft, fallback(headline))


def page(page: Page) -> Message:
    """Words that no query stands behind; a command keeps its own spelling, its meaning beside it."""
    draft = Draft()
    title = wording.line(page.title) or "signalr-bot"
    parts: list[tuple[int, str, list[Block]]] = [(0, "", [slack.header(wording.cut(title, HEADER_MOST))])]
    elements: list[Block] = []
    for left, right in page.lines:
        if elements:
            elements.append(slack.text("\n"))
        if left:
            elements += [slack.code(draft.fit(left, SHORT)), slack.text("  " + draft.fit(right, LONG))]
        else:
            elements.append(slack.text(draft.fit(right, LONG, lines=True)))
        if sum(len(element.get("text", "")) for element in elements) > 1_500:
            parts.append((1, "part of this page", slack.rich(slack.section(*elements))))
            elements = []
    parts.append((1, "part of this page", slack.rich(slack.section(*elements))))
    return fitted(parts, _steps(page.next_steps), draft, fallback(title))


def sorry(error: BotError) -> Message:
    """What went wrong and what to do next; lines that work become buttons."""
    draft = Draft()
    message = draft.fit(error.message, LONG, lines=True) or "Something went wrong."
    elements = [slack.emoji("warning"), slack.text(" "), slack.text(message, bold=True)]
    if hint := draft.fit(error.hint, LONG, lines=True):
        # A usage error's hint may be a bare line that works: it is set as what a person can type.
        is_line = isinstance(error, UsageError) and hint[0].islower()
        said = (
            [slack.text("\nFor example: "), slack.code(wording.typed(hint))] if is_line else [slack.text("\n" + hint)]
        )
        elements += said
    suggestions = error.suggestions if isinstance(error, UsageError) else ()
    steps = [NextStep(wording.typed(command), command) for command in suggestions]
    text = " ".join(filter(None, (wording.line(error.message), wording.line(error.hint))))
    return fitted([(0, "", slack.rich(slack.section(*elements)))], _steps(steps), draft, fallback(text))


def working(command: str, doing: str = "Looking into it") -> Message:
    """The line a person sees until the answer is there."""
    line = wording.cut(wording.typed(command), 200)
    elements = [slack.emoji("hourglass_flowing_sand"), slack.text(f" {doing}: "), slack.code(line)]
    return Message(slack.rich(slack.section(*elements)), fallback(f"{doing}: {line}"))


def note(sentence: str) -> Message:
    """One plain sentence."""
    return Message(
        slack.rich(slack.section(slack.text(wording.cut(wording.plain(sentence), LONG)))), fallback(sentence)
    )


def kql(report: Report) -> Message:
    """The KQL that was run, ready to paste; queries that do not fit are named and left to the full report."""
    draft = Draft()
    parts: list[tuple[int, str, list[Block]]] = []
    room = TEXT_MOST - 1_000
    for ran in report.kql:
        code = wording.plain(ran.kql)
        title = draft.fit(ran.title, 150) or "Query"
        if wording.size(code) + len(title) > room:
            draft.left_out.append(f"the KQL of “{title}”")
            continue
        room -= wording.size(code) + len(title)
        fence = {"type": "rich_text_preformatted", "elements": [slack.text(code or wording.NOTHING)]}
        parts.append((1, f"the KQL of “{title}”", slack.rich(slack.section(slack.text(title, bold=True)), fence)))
    if not report.kql:
        parts.append((0, "", slack.rich(slack.section(slack.text("No query was run for this answer.")))))
    return fitted(parts, [], draft, "The KQL that was run")


def fallback(text: str) -> str:
    """`text` for a message's `text` field, which Slack reads as mrkdwn: escaped, on one line, never empty."""
    escaped = wording.cut(wording.line(text), 1_500)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(character, entity)
    return escaped or "signalr-bot"


def _headline(headline: str, report: Report, draft: Draft) -> list[Block]:
    if wording.size(headline) <= HEADER_MOST and wording.visible(headline) and not slack.looks_marked_up(headline):
        title = [slack.header(headline)]
    else:
        title = slack.rich(slack.section(slack.text(draft.fit(headline, LONG) or wording.status(report), bold=True)))
    worst = wording.worst(report)
    match report.verdict:
        case Verdict.OK:
            mark = "white_check_mark"
        case Verdict.FINDING:
            mark = _MARKS[worst or Severity.INFO]
        case Verdict.UNDECIDED:
            mark = "large_yellow_circle"
        case Verdict.NO_DATA:
            mark = "white_circle"
        case Verdict.ERROR:
            mark = "warning"
    about: list[Block] = [
        {"type": "mrkdwn", "text": f":{mark}: *{wording.status(report)}*"},
        slack.plain(wording.window(report.window)),
    ]
    if name := draft.fit(report.target.name, 100):
        about.append(slack.plain(name))
    return [*title, slack.context(*about)]


def _cause(report: Report, draft: Draft) -> list[Block]:
    if report.cause is None:
        return []
    elements = [slack.text("Cause: ", bold=True), slack.text(draft.fit(wording.cause(report.cause), SHORT))]
    elements += [slack.text(" · Owner: ", bold=True), slack.text(wording.owner(report.cause))]
    shown = report.further[:FURTHER]
    draft.count("further causes", len(shown), len(report.further))
    for cause in shown:
        elements += [slack.text("\nAlso: ", bold=True), slack.text(draft.fit(wording.further(cause), SHORT))]
    return slack.rich(slack.section(*elements))


def _candidates(report: Report, draft: Draft) -> list[Block]:
    if not report.candidates:
        return []
    shown = report.candidates[: CANDIDATES if report.cause is None else BRIEF_CANDIDATES]
    draft.count("possible causes", len(shown), len(report.candidates))
    items = []
    for candidate in shown:
        name = draft.fit(wording.named(candidate.code).capitalize(), 150)
        elements = [slack.text(f"{name}: ", bold=True), slack.text(draft.fit(candidate.why, SHORT))]
        if needed := draft.fit(candidate.evidence_needed, SHORT):
            elements += [slack.text(" Would decide it: ", italic=True), slack.text(needed)]
        items.append(slack.section(*elements))
    return slack.rich(slack.section(slack.text(wording.open_causes(report), bold=True)), slack.items(items, "ordered"))


def _facts(report: Report, draft: Draft) -> list[Block]:
    if not report.facts:
        return []
    shown = report.facts[:FACTS]
    draft.count("facts", len(shown), len(report.facts))
    # Fields would stand in two columns, but they read mrkdwn or know no bold; here an id is copied as logged.
    elements: list[Block] = []
    room = 0
    for fact in shown:
        value = draft.fit(fact.value, 200) or wording.NOTHING
        label = draft.fit(fact.label, 60)
        length = len(label) + len(value)
        beside = 0 < length <= min(_FACT, room)
        if elements:
            elements.append(slack.text("   " if beside else "\n"))
        elements += [slack.text(f"{label}: ", bold=True), slack.text(value)]
        room = (room if beside else _LINE) - length if length <= _FACT else 0
    return slack.rich(slack.section(*elements))


def _finding(finding: Finding, headline: str, draft: Draft, *, brief: bool) -> list[Block]:
    most = FIXES if not brief else BRIEF_FIXES if finding.severity > Severity.INFO else 0
    title = draft.fit(finding.title, SHORT) or finding.code
    meaning = draft.fit(finding.meaning, SHORT if brief else LONG, lines=True)
    reach = draft.fit(wording.scope(finding.scope), SHORT) if finding.scope is not None else ""
    is_told = bool(reach or meaning) and not brief and wording.repeats(title, headline)
    said = [] if is_told else [slack.text(title, bold=True)]
    said += [slack.text(reach, italic=True)] if reach else []
    said += [slack.text(meaning)] if meaning else []
    elements = [slack.emoji(_MARKS[finding.severity]), slack.text(" ")]
    for place, each in enumerate(said):
        elements += [slack.text("\n"), each] if place else [each]
    parts = [slack.section(*elements)]
    items = [slack.section(slack.text(draft.fit(fix, SHORT) or wording.NOTHING)) for fix in finding.fixes[:most]]
    items += [] if brief else [slack.section(_link(link, draft)) for link in finding.links[:LINKS]]
    if items:
        draft.count("things to do", min(len(finding.fixes), most), len(finding.fixes))
        heading = "What to do" if finding.fixes[:most] else "Read more"
        parts += [slack.section(slack.text(heading, bold=True)), slack.items(items)]
    return slack.rich(*parts)


def _evidence(pieces: Sequence[Evidence], report: Report, draft: Draft) -> list[Block]:
    known = {fact.value for fact in report.facts}
    every = list({(piece.title, piece.statement): piece for piece in pieces if piece.statement not in known}.values())
    if not every:
        return []
    draft.count("pieces of evidence", min(len(every), EVIDENCE), len(every))
    items = []
    for piece in every[:EVIDENCE]:
        title = draft.fit(piece.title, 100)
        said = draft.fit(piece.statement, SHORT)
        items.append(slack.section(slack.text(f"{title}: " if title and said else title, bold=True), slack.text(said)))
    return slack.rich(slack.section(slack.text("Evidence", bold=True)), slack.items(items))


def _rulings(report: Report, draft: Draft) -> list[Block]:
    if not report.rulings:
        return []
    draft.count("causes not found", min(len(report.rulings), RULINGS), len(report.rulings))
    elements: list[Block] = []
    for said, which in wording.rulings(report.rulings[:RULINGS]):
        elements += [slack.text("\n")] if elements else []
        elements += [slack.text(f"{said}: ", bold=True), slack.text(draft.fit(which, LONG))]
    return slack.rich(slack.section(*elements))


def _gaps(report: Report, draft: Draft) -> list[Block]:
    if not report.gaps:
        return []
    draft.count("gaps in these logs", min(len(report.gaps), GAPS), len(report.gaps))
    items = []
    # Where the answer hangs on it, why something is missing is a part of the answer.
    is_decisive = report.verdict in (Verdict.NO_DATA, Verdict.UNDECIDED)
    for gap in report.gaps[:GAPS]:
        reason = draft.fit(gap.reason, SHORT) if is_decisive or not gap.where else ""
        said = " ".join(filter(None, (reason, draft.fit(gap.where, SHORT))))
        elements = [slack.text(_label(draft.fit(gap.question, SHORT)), bold=True), slack.text(f" {said}")]
        if gap.link is not None:
            elements += [slack.text(" "), _link(gap.link, draft)]
        items.append(slack.section(*elements))
    return slack.rich(
        slack.section(slack.text(_GAPS_HEADING if is_decisive else _GAPS_BRIEFLY, bold=True)), slack.items(items)
    )


def _label(text: str) -> str:
    return text if text.endswith(("?", ".", ":", "!", "…")) or not text else f"{text}:"


def _notes(report: Report, draft: Draft) -> list[Block]:
    until = report.provisional_until
    notes = (*([wording.provisional(until)] if until is not None else []), *report.notes)
    shown = [text for text in (draft.fit(note, SHORT) for note in notes[:NOTES]) if text]
    draft.count("notes", min(len(notes), NOTES), len(notes))
    return slack.rich(slack.section(slack.text("\n".join(shown), italic=True)))


def _buttons(report: Report, shareable: bool) -> list[Block]:
    """Next steps on one line, what to do with this answer on the next."""
    actions: list[Block] = []
    if _fits_button(report.command):
        if shareable:
            actions.append(slack.button("Share to channel", "share", report.command))
        actions.append(slack.button("Full report", "full", report.command))
        if report.kql:
            actions.append(slack.button("Show KQL", "kql", report.command))
    for ran in report.kql:
        if 0 < len(ran.portal_url) <= URL_MOST and ran.portal_url.startswith("https://"):
            actions.append(slack.button("Open in Log Analytics", "link:portal") | {"url": ran.portal_url})
            break
    return [*_steps(report.next_steps), *([{"type": "actions", "elements": actions}] if actions else [])]


def _steps(steps: Sequence[NextStep]) -> list[Block]:
    """A button for each command that fits one; the text of the command where it does not."""
    buttons, texts = [], []
    for number, step in enumerate(steps[:STEPS]):
        if not step.command.strip():
            continue
        label = wording.cut(wording.line(step.label), BUTTON_TEXT_MOST)
        if _fits_button(step.command) and wording.visible(label):
            buttons.append(slack.button(label, f"run:{number}", step.command))
        else:
            texts.append(slack.section(slack.code(wording.cut(wording.typed(step.command), 300))))
    written = slack.rich(slack.section(slack.text("Try", bold=True)), slack.items(texts)) if texts else []
    return [*written, *([{"type": "actions", "elements": buttons}] if buttons else [])]


def _fits_button(command: str) -> bool:
    return 0 < wording.size(command) <= BUTTON_VALUE_MOST and wording.plain(command) == command


def _ending(report: Report, shared_by: str) -> list[Block]:
    elements = [slack.text("Asked: "), slack.code(wording.cut(wording.typed(report.command), 400))]
    if _USER.match(shared_by):
        elements += [slack.text(" · Shared by "), {"type": "user", "user_id": shared_by}]
    return slack.rich(slack.section(*elements))


def _link(link: Link, draft: Draft) -> Block:
    title = draft.fit(link.title, 150) or draft.fit(link.url, 150) or "Documentation"
    if not link.url.startswith(("https://", "http://")) or len(link.url) > LINK_MOST:
        return slack.text(title)
    return slack.link(title, wording.line(link.url))
