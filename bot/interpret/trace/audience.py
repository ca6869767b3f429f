"""Was there anybody to get the message? Only then is a message that nobody got a lost one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.interpret import Ask, Question, Tables, coverage
from bot.interpret.coverage import CONNECTION, MESSAGE
from bot.interpret.paths import To
from bot.interpret.said import count, moment
from bot.interpret.trace.way import Way
from bot.model import Evidence, Row, Window

# Members who joined before the log begins show by what they get; a group that is in use gets something in this time.
SETTLED = timedelta(minutes=10)
# Clocks show whole seconds: what closes within two seconds of the message says nothing about who was there.
BLUR = timedelta(seconds=2)
_SPANS = ("all", "1h", "5m", "30s")


class There(StrEnum):
    """Whether somebody was there to get a message."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who was there when the message reached the service: at least `number` connections. `why` is a sentence."""

    there: There
    number: int
    why: str
    evidence: tuple[Evidence, ...] = ()


def asks(way: Way, at: datetime) -> Sequence[Ask]:
    """The steps that show who was there at the moment `at`; of a delivered message, which members it passed by."""
    match way.to:
        case To.GROUP if way.group:
            here = {"group_name": way.group, "hub": way.hub, "sent_at": at}
            return (Ask("members", {**here, "message_tracing_id": way.trace}), Ask("joined", here))
        case _ if 4 in way.legs:
            return ()
        case To.USER | To.CONNECTION | To.ALL if way.user or way.connection or (way.to is To.ALL and way.hub):
            here = {"user_id": way.user, "connection_id": way.connection, "hub": way.hub, "sent_at": at}
            return (Ask("reachable", here),)
        case _:
            return ()


def passed_by(question: Question, way: Way, tables: Tables) -> Evidence | None:
    """Members of the group who were in it when this message was delivered, yet did not get it; None without any.

    An id above 2^63 is not in the column that tells who got it.
    """
    if not way.legs.keys() >= {3, 4} or "members" not in tables or int(way.trace) >= 2**63:
        return None
    at = way.legs[3].first
    moves = tables["joined"].rows[0] if tables["joined"].rows else {}
    blind = _blind(question, _before(question, at))
    rows = [row for row in tables["members"].rows if not row["got"] and _was_in(row, at, moves, blind)]
    if not rows:
        return None
    return Evidence(
        "Members it was not written to",
        f"{count(len(rows), 'connection')} got other messages of group {way.group}, must have been in it, and did not "
        "get this one.",
        ("Connection", "Got before", "Got after", "First (UTC)", "Last (UTC)", "Closed (UTC)"),
        _table(rows),
        len(rows),
        "members",
    )


def read(question: Question, way: Way, at: datetime, tables: Tables) -> Audience:
    """Who was there at `at`, from the rows of the steps."""
    if "members" in tables and "joined" in tables:
        return _group(question, way, at, tables["members"].rows, tables["joined"].rows)
    if "reachable" in tables:
        return _connected(question, way, at, tables["reachable"].rows)
    return Audience(There.UNKNOWN, 0, _UNNAMED[way.to])


_UNNAMED = {
    To.GROUP: "The record does not name the group.",
    To.USER: "The record does not name the user.",
    To.CONNECTION: "The record does not name the connections.",
    To.ALL: "The record does not name the hub.",
    To.CHANGE: "",
    To.OTHER: "The record does not name the receivers.",
    To.UNKNOWN: "The record does not say whom the message is for.",
}


def _group(question: Question, way: Way, at: datetime, members: Sequence[Row], joined: Sequence[Row]) -> Audience:
    before = _before(question, at)
    lack = coverage.missing(question, MESSAGE, before)
    blind = _blind(question, before)
    moves = joined[0] if joined else {}
    stayed = [row for row in members if _was_in(row, at, moves, blind)]
    sure = 0 if blind else max((_left(moves, span) for span in _SPANS), default=0)
    number = max(len(stayed), sure)
    joins, leaves = moves.get("joins_all") or 0, moves.get("leaves_all") or 0
    proof = [_members(way, at, members, stayed), _moves(way, joins, leaves, moves.get("closes_all") or 0)]
    if number:
        if len(stayed) >= sure:
            why = f"{count(number, 'connection')} {_was(number)} in group {way.group} at that moment."
        else:
            why = f"Of those who joined group {way.group}, {count(number, 'connection')} or more cannot have left yet."
        return Audience(There.PRESENT, number, why, tuple(proof))
    nobody = joins <= leaves and not members
    settled = before.span >= SETTLED
    if nobody and settled and not lack:
        why = f"Nobody is known to be in group {way.group}: no join stands, and no client got any message of it."
        return Audience(There.ABSENT, 0, why, tuple(proof))
    if nobody:
        why = f"No member of group {way.group} is logged, but {lack or 'the log begins only shortly before'}."
    else:
        why = f"Group {way.group} had members, and whether one was still there can't be told."
    return Audience(There.UNKNOWN, 0, why, tuple(proof))


def _before(question: Question, at: datetime) -> Window:
    """From when on joins are logged, to `at`: what came before messaging logs were on has no bearing."""
    held = coverage.family(question, MESSAGE)
    since = held.first if held and held.first else question.command.window.start
    return Window(min(since, at - BLUR), at)


def _blind(question: Question, before: Window) -> str:
    """Why a leave or a close may be missing in `before`; "" when it is not."""
    return coverage.missing(question, MESSAGE, before) or coverage.missing(question, CONNECTION, before)


def _was_in(row: Row, at: datetime, moves: Row, blind: str) -> bool:
    """Whether a connection got messages of the group before and after, or before it and cannot have gone since."""
    if not row["before"]:
        return False
    if row["after"]:
        return True
    gone = row["closed_at"] is not None and row["closed_at"] <= at + BLUR
    last_leave = moves.get("last_leave")
    # Who left is not in the record: it may be anybody who got a message before that moment.
    left = last_leave is not None and row["last_before"] <= last_leave + BLUR
    return not (blind or gone or left)


def _left(moves: Row, span: str) -> int:
    """How many joins of the span nothing can have undone, each leave and each close of the hub counted against one."""
    joins, leaves, closes = (moves.get(f"{what}_{span}") or 0 for what in ("joins", "leaves", "closes"))
    return int(joins - leaves - closes)


def _connected(question: Question, way: Way, at: datetime, rows: Sequence[Row]) -> Audience:
    row = rows[0] if rows else {}
    known, close_by = row.get("known") or 0, row.get("close_by") or 0
    number = (row.get("open") or 0) + (row.get("unknown_start") or 0)
    whose = {
        To.USER: f"user {way.user}", To.CONNECTION: f"connection {way.connection}", To.ALL: f"hub {way.hub}"
    }[way.to]  # fmt: skip
    proof = (
        Evidence(
            "Connections of the receiver",
            f"Of {count(known, 'connection')} of {whose} in the window, {number} {_was(number)} open at {moment(at)}"
            f"{f', and {close_by} opened or closed within 2 s of it' if close_by else ''}.",
            step="reachable",
        ),
    )
    if number:
        return Audience(
            There.PRESENT, number, f"{count(number, 'connection')} of {whose} {_was(number)} open then.", proof
        )
    window = question.command.window
    lack = coverage.missing(question, CONNECTION, Window(window.start, max(at, window.start + BLUR)))
    if lack or close_by:
        return Audience(There.UNKNOWN, 0, f"Whether {whose} was connected can't be told: {lack or _BLURRED}.", proof)
    return Audience(There.ABSENT, 0, f"No connection of {whose} was open then.", proof)


_BLURRED = "a connection opened or closed within 2 s of the message"


def _members(way: Way, at: datetime, members: Sequence[Row], stayed: Sequence[Row]) -> Evidence:
    return Evidence(
        "Who gets this group's messages",
        f"{count(len(members), 'connection')} got other messages of group {way.group} in the window; "
        f"{len(stayed)} of them {_was(len(stayed))} in it at {moment(at)}.",
        ("Connection", "Got before", "Got after", "First (UTC)", "Last (UTC)", "Closed (UTC)"),
        _table(members),
        len(members),
        "members",
    )


def _table(members: Sequence[Row]) -> tuple[tuple[object, ...], ...]:
    columns = ("ConnectionId", "before", "after", "first_seen", "last_seen", "closed_at")
    return tuple(tuple(row[column] for column in columns) for row in members[:10])


def _moves(way: Way, joins: int, leaves: int, closes: int) -> Evidence:
    return Evidence(
        "Joins and leaves",
        f"Before it the window holds {count(joins, 'join')} and {count(leaves, 'leave')} of group {way.group}, "
        f"and {count(closes, 'close')} of client connections of the hub.",
        step="joined",
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
