"""Refused tokens, grouped by what was wrong with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret.auth import audience
from bot.interpret.auth.audience import Failure
from bot.interpret.said import count, during, short
from bot.knowledge import Entry, Knowledge
from bot.model import Cause, Confidence, Evidence, Fact, Family, Row, Scope, Table

UNKNOWN = ("unknown-refusal", "audience-same")
# What nine of ten have in common is what they share: one stray among many does not hide it.
_NEARLY_ALL = 0.9
_SHOWN = 10
_CODES = {
    "token-expired": "token-expired",
    "signature-key-not-found": "unauthorized",
    "audience-unnamed": "wrong-audience",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Refusals for one reason: the rows of queries/investigations/auth.kql with that reason, the most frequent first.

    `failure` is the closest pair of audiences of the first row, None when the reason is no audience.
    """

    entry: Entry
    failure: Failure | None
    rows: tuple[Row, ...]

    @property
    def refusals(self) -> int:
        return sum(row["refusals"] for row in self.rows)

    @property
    def first(self) -> datetime:
        moments: list[datetime] = [row["first_seen"] for row in self.rows]
        return min(moments)

    @property
    def last(self) -> datetime:
        moments: list[datetime] = [row["last_seen"] for row in self.rows]
        return max(moments)

    @property
    def text(self) -> str:
        """What the service wrote in the most frequent row."""
        return str(self.rows[0]["wording"])

    @property
    def of_servers(self) -> int:
        return sum(row["refusals"] for row in self.rows if row["ConnectionType"].casefold() == "server")

    @property
    def cause(self) -> Cause | None:
        """What the text carries; None when it carries nothing."""
        if self.entry.code in UNKNOWN:
            return None
        if self.failure is not None:
            return Cause(Family.AUTH, "wrong-audience", Confidence.HIGH)
        return Cause(self.entry.cause, _CODES[self.entry.code], self.entry.confidence or Confidence.LOW)


def read(rows: Sequence[Row], table: Knowledge) -> tuple[Group, ...]:
    """The rows of queries/investigations/auth.kql in groups, the largest first."""
    found: defaultdict[tuple[str, ...], list[tuple[Row, Failure | None]]] = defaultdict(list)
    for row in rows:
        failure = audience.read(row["wording"])
        if failure is None:
            key: tuple[str, ...] = (table.explain(reasons.read(row["wording"]), row["ConnectionType"]).code,)
        else:
            key = tuple(failure.parts)
        # What nobody knows is not the same because nobody knows it.
        found[(*key, row["said"]) if key == ("unknown-refusal",) else key].append((row, failure))
    groups = [_group(table[key[0]], members) for key, members in found.items()]
    return tuple(sorted(groups, key=lambda group: (-group.refusals, group.first, group.entry.code)))


def _group(entry: Entry, members: Sequence[tuple[Row, Failure | None]]) -> Group:
    ordered = sorted(members, key=lambda member: -int(member[0]["refusals"]))
    return Group(entry, ordered[0][1], tuple(row for row, _ in ordered))


def scope(group: Group, places: Table | None, alone: bool) -> Scope:
    """How far the group reaches; `alone` says that there is no other, so that `places` is about it alone."""
    shared = {fact.label: fact for fact in _of_places(places, group.refusals)} if alone and places is not None else {}
    shared |= {fact.label: fact for fact in _of_rows(group.rows)}
    return Scope(group.refusals, "refused tokens", group.first, group.last, tuple(shared.values()))


def _of_rows(rows: Sequence[Row]) -> tuple[Fact, ...]:
    found = []
    for label, number, name in (("address", "addresses", "address"), ("hub", "hubs", "hub"), ("user", "users", "user")):
        values = {row[name] for row in rows}
        if all(row[number] == 1 for row in rows) and len(values) == 1 and (value := values.pop()):
            found.append(Fact(label, value))
    return tuple(found)


def _of_places(places: Table, refusals: int) -> tuple[Fact, ...]:
    found = []
    for label, column in (("address", "CallerIpAddress"), ("hub", "HubName")):
        counts: defaultdict[str, int] = defaultdict(int)
        for row in places.rows:
            counts[row[column]] += row["refusals"]
        value, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
        if value and most >= _NEARLY_ALL * refusals:
            found.append(Fact(label, value))
    return tuple(found)


def pairs(group: Group) -> Evidence:
    """The audiences side by side, or the texts word for word."""
    if group.failure is None:
        return Evidence(
            "What the service wrote",
            f"{count(group.refusals, 'refusal')} {during(group.first, group.last)}, word for word: "
            f"{short(group.text, 1000)}",
            ("Refusals", "Text", "From", "Hubs", "Addresses", "First (UTC)", "Last (UTC)"),
            tuple(_line(row, (short(row["wording"], 300),)) for row in group.rows[:_SHOWN]),
            len(group.rows),
            "opening",
        )
    failures = [(row, failure) for row in group.rows[:_SHOWN] if (failure := audience.read(row["wording"])) is not None]
    more = f" (the closest of {group.failure.others + 2} that are named)" if group.failure.others else ""
    return Evidence(
        "Expected and actual",
        f"{count(group.refusals, 'refusal')} {during(group.first, group.last)}. Expected{more}: "
        f"{short(group.failure.expected, 400) or '(none)'}; actual: {short(group.failure.actual, 400) or '(none)'}.",
        ("Refusals", "Expected", "Actual", "From", "Hubs", "Addresses", "First (UTC)", "Last (UTC)"),
        tuple(_line(row, (short(one.expected, 300), short(one.actual, 300))) for row, one in failures),
        len(group.rows),
        "opening",
    )


def _line(row: Row, texts: tuple[str, ...]) -> tuple[object, ...]:
    where = row["hub"] if row["hubs"] == 1 else row["hubs"]
    who = row["address"] if row["addresses"] == 1 else row["addresses"]
    return (row["refusals"], *texts, row["ConnectionType"], where, who, row["first_seen"], row["last_seen"])


def by_place(places: Table, refusals: int) -> Evidence:
    """Where the refused tokens came from."""
    top = places.rows[0]
    named = f"{top['CallerIpAddress'] or 'no logged address'} to hub {top['HubName'] or '(none logged)'}"
    more = " or more" if len(places.rows) == 50 else ""
    return Evidence(
        "By address and hub",
        f"{count(len(places.rows), 'pair')}{more} of address and hub; the most frequent, {named}, has "
        f"{top['refusals']:,} of {refusals:,} refusals.",
        ("Refusals", "Address", "Hub", "From", "Users", "First (UTC)", "Last (UTC)"),
        tuple(
            (row["refusals"], row["CallerIpAddress"], row["HubName"], row["ConnectionType"], row["users"],
             row["first_seen"], row["last_seen"])
            for row in places.rows[:_SHOWN]
        ),
        len(places.rows),
        "places",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """All refusals together: from when to when (aware UTC), and their one hub, "" when there are several."""

    first: datetime
    last: datetime
    hub: str


def span(rows: Sequence[Row]) -> Refused:
    """What the rows of queries/investigations/auth.kql, of which there are some, span."""
    hubs = {row["hub"] for row in rows}
    return Refused(
        min(row["first_seen"] for row in rows),
        max(row["last_seen"] for row in rows),
        str(hubs.pop()) if len(hubs) == 1 and all(row["hubs"] == 1 for row in rows) else "",
    )


@dataclass(frozen=True, slots=True)
class Course:
    """Client connections that started before the first refusal, from it to the last one, and after that.

    Only those of the hub that was refused, when it is one. `quiet` is how long the window ran without a refusal.
    """

    before: int
    meanwhile: int
    after: int
    quiet: timedelta
    hub: str

    @property
    def which(self) -> str:
        return f" to hub {self.hub}" if self.hub else ""


def course(row: Row, refused: Refused, start: datetime) -> Course:
    """The row of queries/investigations/auth/course.kql, for a window that begins at `start`."""
    return Course(row["before"], row["meanwhile"], row["after"], refused.first - start, refused.hub)
