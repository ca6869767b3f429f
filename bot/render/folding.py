"""Tables a person takes in at a glance: what all rows share is said once above them, not in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.model import Evidence
from bot.render import wording

_SHARED = 200  # characters of a shared value


@dataclass(frozen=True, slots=True)
class Folded:
    """What is left of a table: `day` is the date (UTC) of all its times, "" when there are several.

    `same` are the columns whose value is the same in all rows, with that value; a time of day stands in `rows` as a
    `datetime.time` where `day` holds its date.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    day: str
    same: tuple[tuple[str, str], ...]

    @property
    def caption(self) -> str:
        """The day and the shared values in words; "" when nothing is shared."""
        shared = "; ".join(f"{column} {'none' if value == wording.NOTHING else value}" for column, value in self.same)
        said = [f"On {self.day} (UTC)." if self.day else "", f"The same in these rows: {shared}." if shared else ""]
        return " ".join(filter(None, said))


def folded(evidence: Evidence) -> Folded:
    """The rows of `evidence` without what they share; the first column says which row it is, and stays."""
    columns = evidence.columns
    rows = [tuple(row[place] if place < len(row) else None for place in range(len(columns))) for row in evidence.rows]
    dates = {f"{value.astimezone(UTC):%Y-%m-%d}" for row in rows for value in row if isinstance(value, datetime)}
    day = next(iter(dates)) if len(dates) == 1 else ""
    values = [{wording.cell(_timed(row[place], day)) for row in rows} for place in range(len(columns))]
    shared = {place for place in range(1, len(columns)) if len(rows) > 1 and len(values[place]) == 1}
    kept = [place for place in range(len(columns)) if place not in shared]
    return Folded(
        tuple(columns[place] for place in kept),
        tuple(tuple(_timed(row[place], day) for place in kept) for row in rows),
        day,
        tuple(
            (wording.line(columns[place]), wording.cut(next(iter(values[place])), _SHARED)) for place in sorted(shared)
        ),
    )


def distinct(pieces: Sequence[Evidence]) -> list[Evidence]:
    """`pieces` in order, each once: two findings may rest on the same rows."""
    found: list[Evidence] = []
    for piece in pieces:
        if piece not in found:
            found.append(piece)
    return found


def _timed(value: object, day: str) -> object:
    return value.astimezone(UTC).time() if day and isinstance(value, datetime) else value
