"""Everything that was counted for one question, and the course of the open connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import sqrt

from bot import reasons
from bot.interpret import Question, coverage
from bot.interpret.coverage import CONNECTION
from bot.interpret.growth import leak
from bot.interpret.growth.counts import STEPS, Flow, Holder, Opener
from bot.interpret.growth.leak import Suspects
from bot.interpret.said import short
from bot.knowledge import Knowledge
from bot.model import Row, Window

# A rise below this, or below a fifth of what was open, is everyday.
LEAST_RISE = 20
SHARE_OF_RISE = 0.2
# Even where as many come as go, the number open wanders by a few times its square root.
WANDERS = 4.0
LIMIT = "connection-limit"


@dataclass(frozen=True, slots=True)
class Limit:
    """Records that say the connection limit was reached: `refused` connections (at least), when, and how many rows."""

    refused: int
    records: int
    first: datetime
    last: datetime
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was counted for the question; `named`: some client connections have a user id."""

    question: Question
    named: bool
    clients: Flow
    servers: Flow
    holders: tuple[Holder, ...]
    openers: tuple[Opener, ...]
    asked: Sequence[Row]
    oldest: Sequence[Row]
    limit: Limit | None

    @property
    def left(self) -> int:
        return sum(self.clients.left)

    @property
    def unnamed(self) -> int:
        """Of the client connections still open, those without a user id."""
        return sum(each.open for each in self.holders if each.what == "user" and not each.who and not each.each)

    @property
    def users(self) -> int:
        """How many users hold the others."""
        return sum(each.holders for each in self.holders if each.what == "user" and (each.who or each.each))

    @property
    def ends_logged(self) -> bool:
        return sum(self.clients.closed) + sum(self.servers.closed) > 0

    @property
    def suspects(self) -> Suspects:
        if not self.ends_logged:
            return Suspects((), ())
        return leak.read(self.holders, self.asked, self.clients, named=self.named)

    @property
    def server_leak(self) -> list[Opener]:
        return leak.servers(self.openers) if self.ends_logged or self.servers.opened else []

    @property
    def missing(self) -> str:
        """Why the rows can't decide between leak and demand: "" where the log is complete enough."""
        gaps = material_gaps(self.question)
        return coverage.missing(self.question, CONNECTION, gaps[0]) if gaps else ""


class Shape(StrEnum):
    """The course of the client connections: no rise to speak of, a rise that stays, one that went again."""

    LEVEL = "level"
    ROSE = "rose"
    ROSE_AND_FELL = "rose-and-fell"


@dataclass(frozen=True, slots=True)
class Rise:
    """The largest rise of the open connections: `size` more than ever before at the step `top`, `stays` at the end."""

    shape: Shape
    size: int
    stays: int
    top: int


def material_gaps(question: Question) -> tuple[Window, ...]:
    """The gaps of the Connection log that could change the answer: at the window's end, or a twentieth of it long.

    Small gaps elsewhere are everyday: they hide too few closes to make a leak, or to hide one.
    """
    held = coverage.family(question, CONNECTION)
    window = question.command.window
    return tuple(gap for gap in (held.gaps if held else ()) if gap.end >= window.end or gap.span * STEPS >= window.span)


def since(question: Question) -> datetime:
    """The end of the last such gap that records follow: what opened later has lost no end in it."""
    window = question.command.window
    return max((gap.end for gap in material_gaps(question) if gap.end < window.end), default=window.start)


def limit(rows: Sequence[Row], knowledge: Knowledge) -> Limit | None:
    """What the rows of the step `limits` say about the connection limit, None when nothing."""
    about = [
        row
        for row in rows
        if knowledge.explain(reasons.read(row["Message"]), row["ConnectionType"].capitalize()).code == LIMIT
    ]
    if not about:
        return None
    # The same refusal is written as a throttling record and as an aborted connection.
    throttled = sum(row["connections"] for row in about if row["Collection"].casefold() == "throttling")
    aborted = sum(row["connections"] for row in about if row["Collection"].casefold() != "throttling")
    return Limit(
        refused=max(throttled, aborted),
        records=sum(row["records"] for row in about),
        first=min(row["first_seen"] for row in about),
        last=max(row["last_seen"] for row in about),
        rows=tuple(
            (row["Collection"], row["OperationName"], short(row["Message"], 120), row["records"], row["first_seen"],
             row["last_seen"])
            for row in about
        ),
    )  # fmt: skip


def rise(flow: Flow) -> Rise:
    """The course of `flow`'s open connections over the window."""
    lowest, low_step, best = 0, -1, Rise(Shape.LEVEL, 0, 0, 0)
    for step, change in enumerate(flow.change):
        if change - lowest > best.size:
            level = flow.known[low_step] if low_step >= 0 else flow.known[0] - flow.opened[0] + flow.closed[0]
            least = max(LEAST_RISE, SHARE_OF_RISE * level, WANDERS * sqrt(level))
            stays = flow.change[-1] - lowest
            shape = Shape.ROSE if stays >= max((change - lowest) / 2, least) else Shape.ROSE_AND_FELL
            best = Rise(shape if change - lowest >= least else Shape.LEVEL, change - lowest, stays, step)
        if change < lowest:
            lowest, low_step = change, step
    return best
