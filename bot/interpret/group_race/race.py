"""Pairs of a join and a message to its group: which are proven, and which are more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.interpret import Question, Tables, chance, coverage
from bot.interpret.coverage import MESSAGE
from bot.model import Row

# A join that was not waited for is late by its own way to the service: a few seconds at most.
REACH = 5
# A client joins soon after it connects; later joins of others in the hub are not taken for its own.
SOON = timedelta(seconds=10)
# A few messages close together are no rate: they count as spread over a quarter of the window at least.
_PART = 4


@dataclass(frozen=True, slots=True)
class Race:
    """The pairs of a join and a message to its group that arrived up to `REACH` seconds before it.

    `beaten` are proven: the join was made first by the same process and arrived a second or more later. `early` were
    made first, or by another process, while nobody had connected in between; `early_by_luck` of them are usual.
    `ties` were made after the join and arrived in the same second; `ties_by_luck` of them are usual.
    `order_was_kept` is whether pairs that fall across a second show that the join arrives first.
    """

    beaten: tuple[Row, ...]
    beaten_joins: int
    early: tuple[Row, ...]
    early_by_luck: float
    ties: tuple[Row, ...]
    ties_by_luck: float
    order_was_kept: bool = False

    @property
    def is_early(self) -> bool:
        return chance.is_more(joins(self.early), self.early_by_luck)

    @property
    def is_tied(self) -> bool:
        return not self.order_was_kept and chance.is_more(len(self.ties), self.ties_by_luck)


def read(question: Question, tables: Tables, asked: bool) -> Race:
    """The pairs in the rows of the steps; with `asked` only those of the client that was asked about."""
    pairs: Sequence[Row] = tables["pairs"].rows if "pairs" in tables else ()
    leads = tables["leads"].rows if "leads" in tables else ()
    if asked:
        starts = tables["starts"].rows if "starts" in tables else ()
        pairs = [pair for pair in pairs if any(_is_of(pair, start) for start in starts)]
    beaten = tuple(pair for pair in pairs if pair["inverted"] and pair["lead"] > 0)
    early = tuple(pair for pair in pairs if not pair["inverted"] and pair["lead"] > 0 and not pair["newcomers"])
    ties = tuple(pair for pair in pairs if pair["inverted"] and not pair["lead"])
    if asked:
        # Of a client that was asked about, each of its joins counts for itself.
        return Race(beaten, joins(beaten), early, 0.0, ties, 0.0)
    before = _count(leads, lambda row: 1 <= row["lead"] <= REACH and not row["inverted"])
    further = _count(leads, lambda row: row["lead"] > REACH)
    usual = max(_by_rate(question, tables) * REACH, further)
    shown = [pair for pair in pairs if not pair["inverted"] and pair["lead"] > 0]
    alone = len(early) / len(shown) if shown else 0.0
    kept = _count(leads, lambda row: row["lead"] < 0 and row["inverted"])
    return Race(
        beaten=beaten,
        beaten_joins=_count(leads, lambda row: 1 <= row["lead"] <= REACH and row["inverted"]),
        early=early,
        # Where hardly any pair is without somebody new in between, chance has as few.
        early_by_luck=usual * alone if before else usual,
        ties=ties,
        # Within a second a message comes after the join as often as before it.
        ties_by_luck=usual / REACH / 2,
        order_was_kept=chance.is_more(kept, usual / REACH),
    )


def _is_of(pair: Row, start: Row) -> bool:
    """Whether a join may be that of a connection: soon after it started, before its first message, on its hub."""
    began, got = start["started_at"], start["first_got"]
    hubs = pair["HubName"].casefold(), start["HubName"].casefold()
    return (
        began <= pair["sent_at"]
        and began <= pair["joined_at"] <= began + SOON
        and (got is None or pair["joined_at"] <= got)
        and (not all(hubs) or hubs[0] == hubs[1])
    )


def _by_rate(question: Question, tables: Tables) -> float:
    """How many joins have a message to their group in a given second before them, if nothing ties the two."""
    rows = tables["chance"].rows if "chance" in tables else ()
    held = coverage.family(question, MESSAGE)
    if not rows or held is None or held.first is None or held.last is None:
        return 0.0
    seconds = max((held.last - held.first).total_seconds(), 1.0)
    return float(rows[0]["products"] or 0) / max(seconds, question.command.window.span.total_seconds() / _PART)


def _count(leads: Sequence[Row], fits: Callable[[Row], bool]) -> int:
    return sum(row["joins"] for row in leads if fits(row))


def joins(pairs: Sequence[Row]) -> int:
    """How many joins are in `pairs`."""
    return len({pair["join_id"] for pair in pairs})
