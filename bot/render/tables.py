"""The one table that Slack takes in a message: few rows, folded, never cut without saying so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.model import Evidence
from bot.render import elements as slack
from bot.render import wording
from bot.render.elements import Block
from bot.render.fitting import Draft
from bot.render.folding import folded

COLUMNS_MOST = 20
# Our own measure, far below Slack's 100 rows and 10,000 characters: an answer is read, a file is searched.
TIMELINE_ROWS, SAMPLE_ROWS, TEXT, CELL_TEXT = 12, 6, 2_400, 80
_CAPTION = 280


def blocks(timeline: Evidence | None, evidence: Sequence[Evidence], draft: Draft) -> list[Block]:
    """The timeline, or else the first evidence that has rows, with its title and what all rows share."""
    with_rows = [piece for piece in (timeline, *evidence) if piece and piece.rows and piece.columns]
    if not with_rows:
        return []
    shown = with_rows[0]
    rows = sum(max(piece.total, len(piece.rows)) for piece in with_rows[1:])
    if rows:
        draft.left_out.append(f"without {rows:,} more {'row' if rows == 1 else 'rows'} of evidence")
    table = folded(shown)
    zone = "" if table.day or any("UTC" in column for column in table.columns) else " (times in UTC)"
    title = slack.text((draft.fit(shown.title, 150) or "Rows") + zone, bold=True)
    caption = draft.fit(table.caption, _CAPTION)
    heading = slack.section(title, slack.text(f"\n{caption}" if caption else ""))
    most = TIMELINE_ROWS if shown is timeline else SAMPLE_ROWS
    return [*slack.rich(heading), _table(table.columns, table.rows, max(shown.total, len(shown.rows)), most, draft)]


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], total: int, most: int, draft: Draft) -> Block:
    draft.count("columns", min(len(columns), COLUMNS_MOST), len(columns))
    columns = columns[:COLUMNS_MOST]
    lines = [[draft.fit(wording.cell(value), CELL_TEXT) for value in row] for row in _ends(rows, most)]
    while len(lines) > 1 and sum(wording.size(text) for line in lines for text in line) > TEXT:
        lines = _ends(lines, len(lines) - 1)
    draft.count("rows, the first and the last" if len(lines) < len(rows) else "rows", len(lines), total)
    if len(lines) < len(rows):
        lines.insert(len(lines) // 3, [f"… {total - len(lines):,} more", *["…"] * (len(columns) - 1)])
    head = [draft.fit(column, CELL_TEXT) or wording.NOTHING for column in columns]
    padded = [[*line, *[""] * len(head)][: len(head)] for line in lines]
    cells = [[slack.cell(text or wording.NOTHING) for text in line] for line in (head, *padded)]
    settings = [{"is_wrapped": True} for _ in head]
    return {"type": "table", "column_settings": settings, "rows": cells}


def _ends(rows: Sequence[Sequence[Any]], most: int) -> list[Any]:
    """At most `most` rows: a third from the start and the rest from the end, where a story is decided."""
    if len(rows) <= most:
        return list(rows)
    first = most // 3
    return [*rows[:first], *rows[first - most :]]
