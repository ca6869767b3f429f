"""The rows of growth's queries, read into counts: how many opened, closed and are still open, and who holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from bot.model import Row, Window

# The queries cut the window into so many steps (queries/investigations/growth.kql).
STEPS = 20
# Connections opened in the last fifth of the window have had little time to close.
AGED = 16


@dataclass(frozen=True, slots=True)
class Flow:
    """Connections of one side, by step of the window (20 values each).

    `change` is how many more were open at a step's end than when the window began: exact, for every close takes one
    away, whenever it was opened. `known` are those known to be open then, at least: what opened before the window and
    did not close in it left no record. `left` were opened in a step and not closed since.
    """

    opened: tuple[int, ...]
    closed: tuple[int, ...]
    left: tuple[int, ...]
    known: tuple[int, ...]

    @property
    def change(self) -> tuple[int, ...]:
        return tuple(accumulate(opened - closed for opened, closed in zip(self.opened, self.closed, strict=True)))

    @property
    def survival(self) -> tuple[int, int]:
        """Of the connections that had time to close: how many are still open, and how many there were."""
        return sum(self.left[:AGED]), sum(self.opened[:AGED])


@dataclass(frozen=True, slots=True)
class Holder:
    """Connections opened and not closed that have `what` (user, address, hub, transport or region) in common.

    `who` is "" where no record names it, or where `holders` of `each` connections were counted together. `aged` of
    them had time to close; `steps` of the window's 20 saw one open; `several` says four or more from three steps.
    """

    what: str
    who: str
    each: int
    several: bool
    holders: int
    open: int
    aged: int
    steps: int
    users: int
    unnamed: int
    addresses: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Opener:
    """Server connections of an address (all hubs), opened and not closed in the window, less those it closed.

    `moments` are the distinct moments they were opened at; an app server that starts opens several in one.
    """

    address: str
    hubs: tuple[str, ...]
    opened: int
    closed: int
    left: int
    moments: int
    steps: int
    first: datetime
    last: datetime

    @property
    def net(self) -> int:
        return min(self.opened - self.closed, self.left)


def flow(rows: Sequence[Row], side: str) -> Flow:
    """The flow of `side` ("Client" or "Server") in the opening's rows."""
    opened, closed, left = [0] * STEPS, [0] * STEPS, [0] * STEPS
    known = [0] * STEPS
    for row in rows:
        if row["side"] != side:
            continue
        count, begun, ended = row["connections"], _step(row["opened_in"]), _step(row["closed_in"])
        if begun is not None:
            opened[begun] += count
            left[begun] += 0 if ended is not None else count
        if ended is not None:
            closed[ended] += count
        for step in range(begun or 0, STEPS if ended is None else ended):
            known[step] += count
    return Flow(tuple(opened), tuple(closed), tuple(left), tuple(known))


def holders(rows: Sequence[Row]) -> tuple[Holder, ...]:
    """The rows of the step `holders`, most connections first."""
    found = (
        Holder(
            what=row["what"],
            who=row["who"],
            each=row["each"],
            several=bool(row["several"]),
            holders=row["holders"],
            open=row["open"],
            aged=row["aged"],
            steps=row["steps"],
            users=row["users"],
            unnamed=row["unnamed"],
            addresses=row["addresses"],
            first=row["opened_first"],
            last=row["opened_last"],
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda holder: (-holder.open, holder.what, holder.who)))


def openers(rows: Sequence[Row], since: int) -> tuple[Opener, ...]:
    """The addresses in the rows of the step `servers`, most connections first; only opens of step `since` or later."""
    of: dict[str, list[Row]] = {}
    for row in rows:
        of.setdefault(row["address"], []).append(row)
    found = []
    for address, mine in of.items():
        opens = [row for row in mine if (step := _step(row["opened_in"])) is not None and step >= since]
        left = [row for row in opens if not row["closed"]]
        if not left:
            continue
        found.append(
            Opener(
                address=address,
                hubs=tuple(sorted({row["hub"] for row in left})),
                opened=sum(row["connections"] for row in opens),
                closed=sum(row["connections"] for row in mine if row["closed"]),
                left=sum(row["connections"] for row in left),
                moments=sum(row["moments"] for row in left),
                steps=len({row["opened_in"] for row in left}),
                first=min(row["opened_first"] for row in left),
                last=max(row["opened_last"] for row in left),
            )
        )
    return tuple(sorted(found, key=lambda opener: (-opener.net, opener.address)))


def step_at(window: Window, moment: datetime) -> int:
    """The step of `window` that begins at or after `moment`, 0 to 20."""
    done = (moment - window.start) / window.span * STEPS
    return max(0, min(STEPS, int(done) + (done % 1 > 0)))


def _step(number: int) -> int | None:
    """A step of a row; None for -1, and the window's last moment is in its last step."""
    return None if number < 0 else min(number, STEPS - 1)
