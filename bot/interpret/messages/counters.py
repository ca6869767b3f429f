"""Numbers that are missing between the messages of one app server: some may never have reached the service.

The app server counts its traced messages of all hubs in the lower 32 bits of the id. That is read from the SDK's
source and documented nowhere, so what follows from it is said to be inferred.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.interpret import paths
from bot.model import Row

_BLOCK = 32
# An app that sends to several resources numbers them together: then so many are missing here that it means nothing.
_DENSE = 0.9
_LEAST = 20


@dataclass(frozen=True, slots=True)
class Missing:
    """A tracing id that lies between others of its process and was not logged, and when its neighbours were."""

    trace: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of how many ids in a row (`base`, over `processes`) which are missing; `sparse` processes tell nothing."""

    missing: tuple[Missing, ...]
    base: int
    processes: int
    sparse: int


def read(rows: Sequence[Row]) -> Numbers:
    """The missing numbers in the rows of queries/investigations/messages/counters.kql."""
    of: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        of[row["process"]].append(row)
    missing: list[Missing] = []
    base = dense = sparse = 0
    for process, mine in sorted(of.items()):
        lowest, highest = min(row["lowest"] for row in mine), max(row["highest"] for row in mine)
        span = highest - lowest + 1
        seen = sum(row["seen"] for row in mine)
        if seen < _LEAST or seen < _DENSE * span:
            sparse += 1
            continue
        dense += 1
        base += span
        missing += _holes(process, mine, lowest, highest)
    return Numbers(tuple(missing), base, dense, sparse)


def _holes(process: int, rows: Sequence[Row], lowest: int, highest: int) -> list[Missing]:
    found = []
    for row in rows:
        if row["full"]:
            continue
        start = row["block"] * _BLOCK
        for number in range(max(start, lowest), min(start + _BLOCK, highest + 1)):
            if not row["bits"] >> (number - start) & 1:
                found.append(Missing(process * paths.COUNTER + number, row["first_seen"], row["last_seen"]))
    return found
