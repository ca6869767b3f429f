"""The counts behind the answer: what was received, passed on, lost, had no receiver, or can't be judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.interpret import Tables, chance, paths
from bot.interpret.messages import counters
from bot.interpret.messages.counters import Numbers
from bot.model import Row

# Records carry whole seconds, and a join or a close takes its time to matter.
_BLUR = timedelta(seconds=2)
_NEAR = timedelta(minutes=1)
# So many messages of one type without a single receiver are worth a word.
_NOTABLE = 5
_TO_ALL = "broadcastdatamessage"
# When somebody first and last got a message of a group ("name", "") or of a hub ("", "name").
_Spans = Mapping[tuple[str, str], list[tuple[datetime, datetime]]]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that went no further, and how many connections are known to have been there to get it."""

    trace: str
    at: datetime
    kind: str
    group: str
    hub: str
    members: int
    warned: bool

    @property
    def is_to_all(self) -> bool:
        """Whether it was for everybody on its hub."""
        return self.kind.casefold() == _TO_ALL

    @property
    def place(self) -> tuple[str, str] | None:
        """The group, or else the hub, whose members were to get it; None when no record names them."""
        if self.group:
            return self.group, ""
        return ("", self.hub) if self.is_to_all and self.hub else None


@dataclass(frozen=True, slots=True)
class Tally:
    """`calls` go from clients to the app, `received` are the app's data messages at the service.

    Of the received that no client got: `lost` had two receivers or more, or a warning; `maybe` had one, whom the app
    may have left out; `empty` went to groups of which nobody got anything; `unknown` name no receiver.
    `by_luck` and `calls_by_luck` are how many would seem lost because single records are missing from the log.
    """

    messages: int
    calls: int
    calls_lost: tuple[Undelivered, ...]
    calls_lost_count: int
    calls_by_luck: int
    received: int
    changes: int
    delivered: int
    deliveries: int
    unread: int
    lost: tuple[Undelivered, ...]
    maybe: tuple[Undelivered, ...]
    empty: tuple[Undelivered, ...]
    unknown: tuple[Undelivered, ...]
    by_luck: float
    numbers: Numbers
    numbers_by_luck: float
    never_delivered: Mapping[str, int]

    @property
    def all_lost(self) -> tuple[Undelivered, ...]:
        """The lost, and those with one known receiver in the same minutes: they are of the same loss."""
        if not self.lost:
            return ()
        first, last = self.lost[0].at - _NEAR, self.lost[-1].at + _NEAR
        near = [each for each in self.maybe if first <= each.at <= last]
        return tuple(sorted([*self.lost, *near], key=lambda each: (each.at, each.trace)))

    @property
    def hub_unknown(self) -> int:
        """How many messages to everybody on their hub went to nobody, where no record names the hub."""
        return sum(each.is_to_all and not each.hub for each in self.unknown)

    @property
    def is_lost_in_service(self) -> bool:
        return chance.is_more(len(self.lost), self.by_luck)

    @property
    def are_calls_lost(self) -> bool:
        return chance.is_more(self.calls_lost_count, self.calls_by_luck)

    @property
    def is_lost_before_service(self) -> bool:
        return chance.is_more(len(self.numbers.missing), self.numbers_by_luck)

    @property
    def record_loss(self) -> float:
        """The share of records that the log lacks, from messages that were passed on and have no path 3 (0 to 1)."""
        return self.unread / (self.unread + self.delivered) if self.unread else 0.0


def tally(rows: Sequence[Row], tables: Tables) -> Tally:
    """The counts in the rows of queries/investigations/messages.kql and its steps; a failed step counts nothing."""
    data = [row for row in rows if row["received"] and not paths.changes_group(row["message_type"])]
    delivered, unread = _sum(data, "delivered"), _sum(rows, "unread")
    share = unread / (unread + delivered) if unread else 0.0
    pending = [_undelivered(row) for row in rows if row["trace"] is not None]
    spans = _spans(_rows(tables, "members"))
    calls_lost = tuple(each for each, calls in pending if calls)
    judged = [_judged(each, spans) for each, calls in pending if not calls]
    lost = tuple(each for each in judged if each.members > 1 or each.warned)
    left = [each for each in judged if each not in set(lost)]
    maybe = tuple(each for each in left if each.members == 1)
    left = [each for each in left if not each.members]
    empty = tuple(each for each in left if each.group and each.place not in spans)
    unknown = tuple(each for each in left if each not in set(empty))
    return Tally(
        messages=_sum(rows, "messages"),
        calls=_sum(rows, "calls"),
        calls_lost=calls_lost,
        calls_lost_count=_sum(rows, "calls_lost"),
        # A record is as likely to be missing from path 2 as from path 1.
        calls_by_luck=_sum(rows, "calls_unread"),
        received=_sum(data, "received"),
        changes=_sum(rows, "received") - _sum(data, "received"),
        delivered=delivered,
        deliveries=_sum(rows, "deliveries"),
        unread=unread,
        lost=lost,
        maybe=maybe,
        empty=empty,
        unknown=unknown,
        by_luck=_sum(data, "to_two") * share**2 + _sum(data, "to_more") * share**3,
        numbers=counters.read(_rows(tables, "counters")),
        # A message of one record goes missing with that record.
        numbers_by_luck=_sum(rows, "single") * share / (1 - share) if share < 1 else float("inf"),
        never_delivered=_never_delivered(data),
    )


def places(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The groups, and the hubs of messages to everybody, of which some went no further; the most often named first."""
    pending = [_undelivered(row)[0] for row in rows if row["trace"] is not None]
    groups = Counter(each.group for each in pending if each.group)
    hubs = Counter(each.hub for each in pending if each.is_to_all and each.hub)
    return [name for name, _ in groups.most_common()], [name for name, _ in hubs.most_common()]


def _never_delivered(rows: Sequence[Row]) -> Mapping[str, int]:
    """The types, groups left out, of which several messages were received and none was passed on."""
    received, delivered = Counter[str](), Counter[str]()
    for row in rows:
        received[row["message_type"]] += row["received"]
        delivered[row["message_type"]] += row["delivered"]
    return {
        kind: number
        for kind, number in received.items()
        if number >= _NOTABLE and not delivered[kind] and "group" not in kind.casefold()
    }


def _sum(rows: Sequence[Row], column: str) -> int:
    return sum(row[column] or 0 for row in rows)


def _rows(tables: Tables, step: str) -> Sequence[Row]:
    return tables[step].rows if step in tables else ()


def _undelivered(row: Row) -> tuple[Undelivered, bool]:
    found = Undelivered(
        str(int(row["trace"]) % (paths.LARGEST + 1)), row["first_seen"], row["message_type"], row["group_name"],
        row["hub_name"], 0, bool(row["warned"]),
    )  # fmt: skip
    return found, bool(row["calls"])


def _spans(rows: Sequence[Row]) -> _Spans:
    found: defaultdict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in rows:
        found[row["group_name"], row["hub_name"]].append((row["first_seen"], row["last_seen"]))
    return found


def _judged(each: Undelivered, spans: _Spans) -> Undelivered:
    """With the number of those who got messages of its group or hub before and after it."""
    mine = spans.get(each.place, ()) if each.place else ()
    there = sum(first <= each.at - _BLUR and each.at + _BLUR <= last for first, last in mine)
    return replace(each, members=there)
