"""Leak or demand: who holds connections that were opened one after the other and never closed.

A leak has three marks, all of which are asked for: one holder with many connections, opened at several distant times
rather than at once, nearly none of which closed. More users, pages open twice, a reconnect that overtakes the end of
the old connection, an office behind one address: each lacks at least one of them.
Source: "Client connection increases constantly" in the troubleshooting guide. The numbers are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.interpret.growth.counts import Flow, Holder, Opener
from bot.model import Confidence, Row

# Two tabs on two devices with a few hubs each stay below this; below it a leak cannot be told from habit.
MANY = 10
# An address without user ids may stand for several people, so it needs more.
MANY_OF_ADDRESS = 20
# One reconnect overtakes one end; three distant times do not come from one page load or one test.
TIMES = 3
TIMES_OF_ADDRESS = 4
APART = timedelta(minutes=10)
# Half of what the holder opened, or more, is still open. A log that loses 5 % of its ends leaves far less; a lost app
# server closes its share of a leak as of everything else.
MOST = 0.5
# A job without user ids holds at least so much of what its address holds.
FAIR_PART = 0.2
# Behind an address, people close some of theirs while others of that age do; a job that forgets them closes none.
NONE_CLOSED = 0.95
# Others let go: of their connections that had time to close, at most so many are open.
OTHERS_KEEP = 0.5
OTHERS_KEEP_FEW = 0.3
COMPARED = 20
# Several at once is everybody's habit when three in ten users do it.
COMMON = 0.3
# The SDK opens 5 server connections a hub, and more on demand: this many above that is no SDK's doing.
# Source: "Messages and connections", How connections are counted.
PER_HUB = 5
ABOVE = 20
# An app server that starts opens its connections of a hub together; a hub context made per call opens one.
TOGETHER = 3.0


class Kind(StrEnum):
    """What a leak's holder is: a user, a job without user ids, one with an id per call, or most users."""

    USER = "user"
    WORKER = "worker"
    MINTED = "minted"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Leak:
    """Client connections that `who` opened and never closed; `opened` None when it was not asked for."""

    kind: Kind
    who: str
    open: int
    opened: int | None
    users: int
    addresses: int
    steps: int
    first: datetime
    last: datetime
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Suspects:
    """`leaks` are decided; `doubts` have the marks of a leak but one, so that nothing can be said of them."""

    leaks: tuple[Leak, ...]
    doubts: tuple[Leak, ...]


def suspicious(holders: Sequence[Holder]) -> tuple[list[Holder], list[Holder]]:
    """The users and the addresses that are worth asking more about, most connections first."""
    users = [
        holder
        for holder in _of(holders, "user")
        if holder.open >= MANY and _is_drawn_out(holder, TIMES) and holder.addresses * 2 <= holder.open
    ]
    addresses = [
        holder
        for holder in _of(holders, "address")
        if _is_drawn_out(holder, TIMES_OF_ADDRESS)
        and (holder.unnamed >= MANY_OF_ADDRESS or (holder.open >= MANY_OF_ADDRESS and _is_minted(holder)))
    ]
    return users, addresses


def read(holders: Sequence[Holder], asked: Sequence[Row], clients: Flow, *, named: bool) -> Suspects:
    """Who leaks, from the rows of `holders` and `suspects`; `named`: some client connections have a user id."""
    users, addresses = suspicious(holders)
    known = {(row["what"], row["who"]): row for row in asked}
    leaks = _users(users, known)
    if everyone := _everyone(holders):
        return Suspects((everyone,), ())
    doubts: list[Leak] = []
    for holder in addresses:
        row = known.get(("address", holder.who))
        leak = _address(holder, row, named=named) if row else None
        if leak is None or (leak.kind is Kind.MINTED and not _none_closed(leak)):
            continue
        few = OTHERS_KEEP if leak.kind is Kind.WORKER else OTHERS_KEEP_FEW
        sure = _others_let_go(holder, clients, few) and (leak.confidence is not Confidence.LOW or _none_closed(leak))
        (leaks if sure else doubts).append(leak)
    return Suspects(tuple(leaks), tuple(doubts))


def servers(openers: Sequence[Opener]) -> list[Opener]:
    """The addresses that open server connection after server connection and keep them.

    With no address that stands out, all of them together: a job may leave by many addresses.
    """
    found = [opener for opener in openers if _opens_one_by_one(opener) and opener.net >= _explained(opener)]
    if found:
        return found
    single = [opener for opener in openers if opener.net > 0 and _opens_one_by_one(opener, least_steps=1)]
    if sum(opener.net for opener in single) < 2 * ABOVE + PER_HUB:
        return []
    begun = [opener.first for opener in single]
    return single if max(begun) - min(begun) >= TIMES * APART else []


def _of(holders: Sequence[Holder], what: str) -> list[Holder]:
    return [holder for holder in holders if holder.what == what and holder.who]


def _is_drawn_out(holder: Holder, least_steps: int) -> bool:
    return holder.steps >= least_steps and holder.last - holder.first >= APART


def _is_minted(holder: Holder) -> bool:
    """Whether nearly every connection has a user id of its own. The count of distinct ids is approximate."""
    return holder.users >= 0.8 * holder.open


def _users(users: Sequence[Holder], known: Mapping[tuple[str, str], Row]) -> list[Leak]:
    found: list[Leak] = []
    for holder in users:
        row = known.get(("user", holder.who))
        # Beyond the few that were asked about, the holder's own marks decide once those asked about have proved true.
        if row is None and not (found and len(known) >= 1):
            continue
        if row is not None and (row["open"] < MOST * row["opened"] or row["open_since"] < MANY):
            continue
        found.append(_leak(Kind.USER, holder, holder.open, row["opened"] if row else None, Confidence.MEDIUM))
    return found


def _everyone(holders: Sequence[Holder]) -> Leak | None:
    """Most users hold several connections, opened at distant times: the client itself never stops its old ones."""
    users = [holder for holder in holders if holder.what == "user" and (holder.who or holder.each)]
    several = [holder for holder in users if holder.several]
    count = sum(holder.holders for holder in several)
    held = sum(holder.open for holder in several)
    if (
        count < MANY
        or count < COMMON * sum(holder.holders for holder in users)
        or held < MOST * sum(holder.open for holder in users)
    ):
        return None
    return Leak(
        kind=Kind.EVERYONE,
        who="",
        open=held,
        opened=None,
        users=count,
        addresses=max(holder.addresses for holder in several),
        steps=max(holder.steps for holder in several),
        first=min(holder.first for holder in several),
        last=max(holder.last for holder in several),
        confidence=Confidence.MEDIUM,
    )


def _address(holder: Holder, row: Row, *, named: bool) -> Leak | None:
    if row["open_since"] < MANY_OF_ADDRESS:
        return None
    # Among hundreds of named connections the id of a few is simply missing from the log.
    unnamed = row["open_unnamed"] >= max(MANY_OF_ADDRESS, FAIR_PART * row["open"])
    if unnamed and row["open_unnamed"] >= MOST * row["opened_unnamed"]:
        # Where nobody has a user id, an address may be a whole office.
        confidence = Confidence.MEDIUM if named else Confidence.LOW
        return _leak(Kind.WORKER, holder, row["open_unnamed"], row["opened_unnamed"], confidence)
    if _is_minted(holder) and row["open"] >= MOST * row["opened"]:
        return _leak(Kind.MINTED, holder, row["open"], row["opened"], Confidence.LOW)
    return None


def _none_closed(leak: Leak) -> bool:
    return leak.opened is not None and leak.open >= NONE_CLOSED * leak.opened


def _others_let_go(holder: Holder, clients: Flow, few: float) -> bool:
    """Whether an address is told apart from an office that came and stays: everybody else closes theirs in time."""
    still, had_time = clients.survival
    still, had_time = max(still - holder.aged, 0), max(had_time - holder.aged, 0)
    return holder.aged >= MANY and had_time >= COMPARED and still <= few * had_time


def _leak(kind: Kind, holder: Holder, still: int, opened: int | None, confidence: Confidence) -> Leak:
    return Leak(
        kind=kind,
        who=holder.who,
        open=still,
        opened=opened,
        users=holder.users,
        addresses=holder.addresses,
        steps=holder.steps,
        first=holder.first,
        last=holder.last,
        confidence=confidence,
    )


def _opens_one_by_one(opener: Opener, least_steps: int = TIMES_OF_ADDRESS) -> bool:
    return opener.steps >= least_steps and opener.left < TOGETHER * opener.moments


def _explained(opener: Opener) -> int:
    return PER_HUB * len(opener.hubs) + ABOVE
