"""Rushes: many connections that are tried within a minute or so, as after a mass drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.interpret.said import count, moment
from bot.model import Row

# A rush is so many times the usual within a minute, and more than a handful.
_TIMES, _LEAST = 5, 50
_MINUTE = timedelta(minutes=1)
# Clients of a lost network or app server are back within minutes.
_AFTER_DROP = timedelta(minutes=3)
# A refusal belongs to the rush that began so long before it, or just after it.
_SINCE, _UNTIL = timedelta(minutes=5), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Storm:
    """The rush that began at `at` (aware UTC): the tries in the `length` from then on, and how many are usual.

    `dropped` is how many client connections had closed within as long, in the minutes before; 0 for no more than usual.
    """

    at: datetime
    length: timedelta
    tries: int
    usual: float
    dropped: int

    @property
    def text(self) -> str:
        """The rush in a sentence."""
        drop = f", after {count(self.dropped, 'client connection')} had closed" if self.dropped else ""
        return (
            f"From {moment(self.at)} on {count(self.tries, 'connection was', 'connections were')} tried within "
            f"{self.length.total_seconds():.0f} s{drop}; {self.usual:.3g} is usual."
        )


def find(rows: Sequence[Row], start: datetime, slot: timedelta, pieces: int, at: datetime | None) -> Storm | None:
    """The rush in the rows of queries/investigations/throttling/course.kql, `pieces` of `slot` from `start` on.

    With `at`, the one that this moment belongs to; without, the first after a mass drop. None when there is none.
    """
    if not rows:
        return None
    width = max(round(_MINUTE / slot), 1)
    tries = {row["slot"]: row["started"] + row["refused"] for row in rows}
    closed = {row["slot"]: row["closed"] for row in rows}
    usual, usually_closed = (width * _median(each, pieces) for each in (tries, closed))
    back = max(round(_AFTER_DROP / slot), 1)
    for number in sorted(tries):
        here = _sum(tries, number, width)
        if here < max(_LEAST, _TIMES * usual):
            continue
        dropped = max(_sum(closed, place, width) for place in range(number - back, number + 1))
        dropped = dropped if dropped >= max(_LEAST, _TIMES * usually_closed) else 0
        began = start + number * slot
        if dropped if at is None else began - _UNTIL <= at <= began + _SINCE:
            return Storm(began, width * slot, here, usual, dropped)
    return None


def _sum(counts: Mapping[int, int], first: int, width: int) -> int:
    return sum(counts.get(place, 0) for place in range(first, first + width))


def _median(counts: Mapping[int, int], pieces: int) -> float:
    """The usual count of a piece; those without a row count as nothing."""
    return float(median([*counts.values(), *[0] * max(pieces - len(counts), 0)]))
