"""A report, a page or a failure as text for a terminal.

Log lines hold strangers' text: it enters Rich only as `Text`, never as markup, and without control characters.
Commands and links are never broken over lines, so that they can be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from io import StringIO
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.errors import BotError, UsageError
from bot.model import Evidence, Finding, Gap, Page, RanQuery, Report, Severity, Verdict, Window
from bot.render import charts, wording
from bot.render.folding import distinct, folded
from bot.words import shell

FIRST, LAST = 5, 15  # rows shown of a long table: how it began, and what came just before its end
_LONGEST_CELL = 400  # characters; a longer text is cut with an ellipsis, the JSON form has all of it
_COLORS = {
    Verdict.OK: "green",
    Verdict.FINDING: "red",
    Verdict.UNDECIDED: "yellow",
    Verdict.NO_DATA: "yellow",
    Verdict.ERROR: "magenta",
}
_SEVERITIES = {
    Severity.INFO: "cyan",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
    Severity.CRITICAL: "bold red",
}


@dataclass(frozen=True, slots=True)
class Face:
    """How to write: `width` in columns, `zone` for local times in brackets.

    `prefix` and `suffix` stand around a command, so that it can be copied and run as it is; `suffix` is shell text.

    `kql` shows the queries that ran in full, instead of a line that says how to see them.
    """

    width: int = 80
    color: bool = False
    prefix: str = "signalr-bot"
    suffix: str = ""
    zone: tzinfo | None = None
    kql: bool = False

    def command(self, line: str) -> str:
        """The chat line `line` to copy: for a shell, or for the prompt where `prefix` is its slash command."""
        line = line.removeprefix("/signalr ").removeprefix("signalr-bot ")
        if self.prefix.startswith("/"):
            return f"{self.prefix} {line}{self.suffix}"
        return f"{self.prefix} {shell(line, self.suffix)}"


def render(answer: Report | Page | BotError, face: Face) -> str:
    """`answer` as text that ends in a newline; ANSI colours only when `face.color`."""
    out = StringIO()
    # Rich may not look at the environment: tests and pipes must read what a person reads
    console = Console(
        file=out,
        width=max(face.width, 40),
        force_terminal=face.color,
        color_system="standard" if face.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    writer = _Writer(console, face)
    match answer:
        case Report():
            writer.report(answer)
        case Page():
            writer.page(answer)
        case _:
            writer.failure(answer)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


class _Writer:
    def __init__(self, console: Console, face: Face) -> None:
        self._console = console
        self._face = face

    def report(self, report: Report) -> None:
        label = report.verdict.value.replace("_", " ").upper()
        self._console.print(_text(f"{label}: {wording.line(report.headline)}", f"bold {_COLORS[report.verdict]}"))
        owned = []
        if report.cause is not None:
            owned = [("Cause", wording.cause(report.cause)), ("Owner", wording.owner(report.cause))]
        also = [("Also", wording.further(cause)) for cause in report.further]
        self._pairs([("Window", self._window(report.window)), *owned, *also])
        if report.chart is not None and report.chart.points:
            self._heading(f"{report.chart.title} ({report.chart.unit})")
            for line in charts.lines(report.chart, self._console.width - 2):
                self._console.print(_text(f"  {wording.plain(line)}"), soft_wrap=True)
        for finding in wording.ordered(report):
            self._finding(finding, report.headline)
        if report.candidates:
            self._heading(wording.open_causes(report))
            for number, candidate in enumerate(report.candidates, 1):
                named = wording.named(candidate.code).capitalize()
                self._paragraph(f"{number}. {named}: {candidate.why}", hang=3)
                self._paragraph(f"To decide: {candidate.evidence_needed}", indent=5)
        if report.facts:
            self._heading("Facts")
            self._pairs([(fact.label, fact.value) for fact in report.facts])
        timeline = (report.timeline,) if report.timeline is not None else ()
        evidences = distinct([each for finding in report.findings for each in finding.evidence])
        for evidence in (*evidences, *timeline):
            self._heading(evidence.title)
            self._evidence(evidence)
        if report.rulings:
            self._heading(wording.NOT_FOUND)
            for said, why in map(wording.ruling, report.rulings):
                self._paragraph(f"- {said}. {why}", hang=2)
        self._gaps(report.gaps)
        self._notes(report)
        self._steps([(step.label, step.command) for step in report.next_steps], "What to try next")
        self._queries(report)

    def page(self, page: Page) -> None:
        self._console.print(_text(wording.line(page.title), "bold"))
        pairs: list[tuple[str, str]] = []
        for left, right in page.lines:
            if left:
                pairs.append((left, right))
                continue
            self._pairs(pairs)
            pairs = []
            self._console.print()
            self._paragraph(right, indent=0)
        self._pairs(pairs)
        self._steps([(step.label, step.command) for step in page.next_steps], "What to try next")

    def failure(self, error: BotError) -> None:
        self._paragraph(error.message, indent=0, style="bold red")
        suggestions = list(error.suggestions) if isinstance(error, UsageError) else []
        if suggestions:
            self._heading("Did you mean")
            for line in suggestions:
                self._unbroken(self._face.command(line))
        elif error.hint and isinstance(error, UsageError):
            self._heading("This works")
            self._unbroken(self._face.command(error.hint))
        elif error.hint:
            self._paragraph(error.hint, indent=0)

    def _window(self, window: Window) -> str:
        text = f"{wording.window(window)} ({wording.seconds(window.span)})"
        zone = self._face.zone
        if zone is not None and window.start.astimezone(zone).utcoffset() != window.start.utcoffset():
            start, end = window.start.astimezone(zone), window.end.astimezone(zone)
            text += f", locally {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({zone})"
        return text

    def _finding(self, finding: Finding, headline: str) -> None:
        self._console.print()
        label = wording.severity(finding.severity)
        head = Text.assemble((label, _SEVERITIES[finding.severity]), ": ", (wording.line(finding.title), "bold"))
        if not (finding.meaning and wording.repeats(finding.title, headline)):
            self._console.print(head)
        if finding.scope is not None:
            self._paragraph(wording.scope(finding.scope))
        self._paragraph(finding.meaning)
        if finding.fixes:
            self._paragraph("What to do:", style="bold")
            for fix in finding.fixes:
                self._paragraph(f"- {fix}", indent=4, hang=2)
        for link in finding.links:
            self._paragraph(f"Read more: {link.title}")
            self._unbroken(link.url, indent=4)

    def _evidence(self, evidence: Evidence) -> None:
        self._paragraph(evidence.statement)
        if not evidence.rows:
            return
        table = folded(evidence)
        if table.caption:
            self._paragraph(table.caption)
        rows = list(table.rows)
        left_out = len(rows) - FIRST - LAST
        shown = rows if left_out <= 1 else [*rows[:FIRST], ("…",), *rows[-LAST:]]
        self._rows([wording.line(column) for column in table.columns], [_cells(row) for row in shown])
        total = max(evidence.total, len(rows))
        if left_out > 1:
            self._paragraph(f"The first {FIRST} and last {LAST} of {total:,} rows; --json has more.")
        elif total > len(rows):
            self._paragraph(f"{len(rows):,} of {total:,} rows.")

    def _rows(self, columns: list[str], rows: list[list[str]]) -> None:
        """A table; where it is wider than the page, the widest columns take lines of their own in each row.

        The first column stays where it is: it says which row this is.
        """
        widths = [max(map(cell_len, cells)) for cells in zip_longest(columns, *rows, fillvalue="")]
        beside = list(range(len(widths)))
        while len(beside) > 1 and sum(widths[i] + 2 for i in beside) - 2 > self._console.width - 2:
            beside.remove(max(beside[1:], key=lambda index: widths[index]))
        below = [index for index in range(len(widths)) if index not in beside]
        for position, cells in enumerate([columns, *rows]):
            style = "" if position else "bold"
            line = "  ".join(set_cell_size(cells[i], widths[i]) for i in beside if i < len(cells))
            self._wrapped(_text(line, style), 2)
            for index in below[: len(cells) - 1]:
                label = f"{columns[index]}: " if position and len(below) > 1 else ""
                self._paragraph(label + cells[index], indent=6, style=style)

    def _gaps(self, gaps: Iterable[Gap]) -> None:
        for index, gap in enumerate(gaps):
            if index == 0:
                self._heading("What these logs cannot show")
            question = gap.question if gap.question.endswith(("?", ".", ":")) else f"{gap.question}:"
            self._paragraph(f"- {question} {gap.reason} {gap.where}", hang=2)
            if gap.link is not None:
                self._unbroken(gap.link.url, indent=4)

    def _notes(self, report: Report) -> None:
        until = report.provisional_until
        notes = (*([wording.provisional(until)] if until is not None else []), *report.notes)
        if notes:
            self._heading("Notes")
            for note in notes:
                self._paragraph(f"- {note}", hang=2)
        if report.coverage:
            self._heading("Logs in this window")
            self._pairs((each.family, wording.coverage(each)) for each in report.coverage)

    def _steps(self, steps: list[tuple[str, str]], heading: str) -> None:
        if steps:
            self._heading(heading)
        for label, command in steps:
            self._paragraph(f"{label}:")
            self._unbroken(self._face.command(command), indent=4)

    def _queries(self, report: Report) -> None:
        if not report.kql:
            return
        several = f"{len(report.kql)} queries" if len(report.kql) > 1 else "1 query"
        more = "" if self._face.kql else " --kql shows the KQL, --json has everything."
        self._console.print()
        self._paragraph(f"Asked with {several} in {wording.seconds(report.engine)}.{more}", indent=0, style="dim")
        for ran in report.kql:
            self._query(ran)

    def _query(self, ran: RanQuery) -> None:
        if self._face.kql:
            self._console.print(Rule(_text(wording.line(f"{ran.title}: {ran.rows:,} rows")), align="left"))
            self._console.print(_text(wording.plain(ran.kql)), soft_wrap=True)
        if ran.portal_url and self._face.kql:
            self._unbroken(ran.portal_url)

    def _heading(self, text: str) -> None:
        self._console.print()
        self._console.print(_text(text, "bold"))

    def _pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Labels in one column, values wrapped in the other; a value under its label when the label is long."""
        pairs = [(wording.line(left), wording.line(right)) for left, right in pairs]
        room = self._console.width // 2
        width = max((cell_len(left) for left, _ in pairs if cell_len(left) <= room), default=room)
        for left, right in pairs:
            grid = Table.grid(padding=(0, 2, 0, 0))
            if cell_len(left) > width:
                self._unbroken(left)
                left = ""
            grid.add_column(width=width, no_wrap=True)
            grid.add_column(overflow="fold")
            grid.add_row(_text(left, "bold"), _text(right))
            self._console.print(Padding(grid, (0, 0, 0, 2)))

    def _paragraph(self, text: str, indent: int = 2, hang: int = 0, style: str = "") -> None:
        """`text` wrapped, `indent` columns in; lines after the first `hang` columns further."""
        self._wrapped(_text(wording.line(text), style), indent, hang)

    def _wrapped(self, text: Text, indent: int, hang: int = 0) -> None:
        for start, line in enumerate(text.wrap(self._console, self._console.width - indent - hang)):
            self._console.print(Padding(line, (0, 0, 0, indent + (hang if start else 0))), soft_wrap=True)

    def _unbroken(self, text: str, indent: int = 2) -> None:
        self._console.print(_text(" " * indent + wording.plain(text).replace("\n", " "), "cyan"), soft_wrap=True)


def _text(text: str, style: str = "") -> Text:
    return Text(text, style=style)


def _cells(row: Sequence[object]) -> list[str]:
    """The cells of a row as text: whole seconds where there are no others, long texts cut."""
    texts = [wording.cell(value) for value in row]
    texts = [
        text.removesuffix(".000") if isinstance(value, datetime | time) else text
        for value, text in zip(row, texts, strict=True)
    ]
    return [text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…" for text in texts]
