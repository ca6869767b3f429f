"""What stands out among clients, as findings with the cause each stands for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import times
from bot.interpret import OPENING, Tables, course
from bot.interpret.clients import patterns
from bot.interpret.clients.rows import GOODBYE, Clients
from bot.interpret.said import count, during, percent, short, some
from bot.knowledge import Knowledge
from bot.model import Candidate, Cause, Confidence, Evidence, Fact, Family, Finding, Row, Scope, Table
from bot.reasons import read as read_reason

PING, HANDSHAKE = "client-ping-timeout", "handshake-error"
# Many time-outs, but at no time several times as many as at others.
STEADY, MORE = "steady-timeouts", "many-timeouts"
TIMED_OUT = frozenset({STEADY, MORE})
# These show as findings of their own as soon as so many are there.
_NAMED = {HANDSHAKE: ("handshake-failures", 5), "slow-client": ("slow-clients", 3), "bad-request": ("bad-requests", 3)}
# Closes for another reason are for the question about drops, unless they are a good part of all closes.
MANY, PART = 10, 0.1
# A healthy public web page loses a few in a hundred this way; so much is a pattern.
TIMEOUTS = 0.15
# A resource in Serverless mode enters it with every client, but for records lost on the way.
NEARLY_ALL = 0.9
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Named:
    """A finding, the cause it stands for (None: it is only worth knowing), and what else would explain it."""

    finding: Finding
    cause: Cause | None = None
    candidates: tuple[Candidate, ...] = ()


def read(clients: Clients, tables: Tables, knowledge: Mapping[str, Knowledge]) -> list[Named]:
    """Everything that stands out, causes and heavier findings first."""
    table, reasons = knowledge["clients_findings"], knowledge["abort_reasons"]
    none = Table((), ())
    minutes = _network_rows(tables.get("minutes", none), reasons)
    wall = patterns.wall(tables.get("ages", none).rows)
    found = [
        *_timeouts(clients, minutes, wall, table, reasons),
        *_hourly(clients, minutes, table),
        *_reasons(clients, table, reasons),
        *_short(clients, table, reasons),
        *_polling(clients, table),
        *_wall(wall, table),
        *_serverless(clients, table),
    ]
    return sorted(found, key=_weight)


def closes(clients: Clients) -> Evidence:
    """How clients closed, by reason."""
    rows = tuple(
        (
            code.replace("-", " "),
            number,
            percent(number, clients.closes.total()),
            clients.first[code],
            clients.last[code],
        )
        for code, number in clients.closes.most_common(_ROWS)
    )
    return Evidence(
        title="How clients closed",
        statement=f"{count(clients.closes.total(), 'client connection')} closed in the window.",
        columns=("Reason", "Connections", "Share", "Earliest (UTC)", "Latest (UTC)"),
        rows=rows,
        total=len(clients.closes),
        step="closes",
    )


def _weight(named: Named) -> tuple[bool, bool, int, int]:
    """Causes first, of them those that no other question answers, then the heavier and the larger ones."""
    scope = named.finding.scope
    elsewhere = named.finding.code in ("closed-otherwise", "short-lived")
    return named.cause is None, elsewhere, -named.finding.severity, -(scope.size if scope else 0)


def _network_rows(minutes: Table, reasons: Knowledge) -> dict[str, list[Row]]:
    """The rows of the step `minutes` by code, without what the app, a limit or the service closed by their own word."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in minutes.rows:
        entry = reasons.explain(read_reason(row["reason"]), "Client")
        if entry.cause in (Family.CLIENT, Family.NET, Family.UNKNOWN):
            found[entry.code].append(row)
    return found


def _timeouts(
    clients: Clients,
    minutes: Mapping[str, list[Row]],
    wall: patterns.Wall | None,
    table: Knowledge,
    reasons: Knowledge,
) -> list[Named]:
    found = []
    taken = 0
    places = patterns.places(clients, PING)
    for place in places or patterns.waves(minutes.get(PING, []), clients, PING):
        taken += place.closed
        words = {
            "place": short(place.name, 60),
            "closed": f"{place.closed:,}",
            "started": f"{place.started:,}",
            "share": percent(place.closed, place.started),
            "usual": percent(place.usual),
            "when": during(place.first, place.last),
        }
        scope = _scope(place.closed, place.first, place.last, Fact("address", place.name))
        made = table["network-timeouts"].finding(words, (_aborts(clients, PING, "aborts"),))
        cause = Cause(Family.NET, "client-network", Confidence.MEDIUM)
        found.append(Named(replace(made, scope=scope), cause))
    # What ends with its token is told by its age, whatever text the close has.
    aged = wall.count if wall else 0
    rest, everything = clients.closes[PING] - taken - aged, clients.closes.total()
    at_once = patterns.burst(clients, PING) if not taken else 0
    if at_once or (rest >= MANY and rest >= TIMEOUTS * everything):
        addresses = {each.address for each in clients.aborts if each.code == PING}
        words = {
            "closed": f"{rest:,}",
            "all": f"{everything:,}",
            "share": percent(rest, everything),
            "addresses": f"at least {count(len(addresses), 'address', 'addresses')}",
            "together": f" {at_once:,} of them did within a few minutes." if at_once else "",
        }
        more = at_once or course.rose(clients.steps[PING], _all_closes(clients))
        made = table[MORE if more else STEADY].finding(words, (_aborts(clients, PING, "aborts"),))
        scope = _scope(rest, clients.first[PING], clients.last[PING])
        if not more:
            return [*found, Named(replace(made, scope=scope))]
        entry = reasons[PING]
        # At one moment and from everywhere it is no client's own doing, and whose it is no record says.
        likely = None if at_once else Cause(Family.CLIENT, PING, Confidence.LOW)
        found.append(Named(replace(made, scope=scope), likely, entry.candidates))
    return found


def _all_closes(clients: Clients) -> Counter[int]:
    found = Counter[int]()
    for steps in clients.steps.values():
        found.update(steps)
    return found


def _hourly(clients: Clients, minutes: Mapping[str, list[Row]], table: Knowledge) -> list[Named]:
    found = []
    rows = [row for mine in minutes.values() for row in mine if row["hours"] > 1]
    for each in patterns.hourly(rows, clients):
        words = {
            "place": short(each.address, 60),
            "closed": f"{each.count:,}",
            "minute": f"{each.minute}",
            "hours": f"{each.hours}",
        }
        scope = _scope(each.count, each.first, each.last, Fact("address", each.address))
        proof = Evidence(
            "By the clock",
            f"{count(each.count, 'client connection')} of this address were aborted around minute {each.minute}.",
            step="minutes",
        )
        made = table["hourly-closes"].finding(words, (proof,))
        found.append(Named(replace(made, scope=scope), Cause(Family.NET, "client-network", Confidence.MEDIUM)))
    return found


def _reasons(clients: Clients, table: Knowledge, reasons: Knowledge) -> list[Named]:
    """The reasons that are named at a few, and others where they are a good part of all closes."""
    found = []
    everything = clients.closes.total()
    for code, number in clients.closes.most_common():
        if code in (GOODBYE, PING):
            continue
        entry = reasons[code]
        own, least = _NAMED.get(code, ("closed-otherwise", MANY))
        at_once = patterns.burst(clients, code)
        if number < least or (
            own == "closed-otherwise" and not at_once and (entry.expected or number < PART * everything)
        ):
            continue
        place = next(iter(patterns.places(clients, code)), None)
        plain = {"reason": code, "reported_error": "(see drops)", "address": "", "hub": ""}
        words = {
            "closed": count(number, "client connection"),
            "all": f"{everything:,}",
            "share": percent(number, everything),
            "where": f", {place.closed:,} of them at {short(place.name, 60)}" if place else "",
            "reason": code.replace("-", " "),
            "reason_fix": entry.fixes[0].render(plain),
            "when": during(clients.first[code], clients.last[code]),
            "together": f" {at_once:,} of them were within a few minutes." if at_once else "",
        }
        made = table[own].finding(words, (_aborts(clients, code, "aborts"),), entry.cause)
        shared = (Fact("address", place.name),) if place and place.closed * 2 > number else ()
        scope = _scope(number, clients.first[code], clients.last[code], *shared)
        sure = Confidence.MEDIUM if shared else entry.confidence or Confidence.LOW
        cause = Cause(entry.cause, code, sure) if entry.confidence else None
        found.append(Named(replace(made, scope=scope), cause, entry.candidates))
    return found


def _short(clients: Clients, table: Knowledge, reasons: Knowledge) -> list[Named]:
    by = patterns.short_reasons(clients)
    number = by.total()
    if number < MANY or number < PART / 10 * clients.total:
        return []
    addresses = {each.address for each in clients.short}
    words = {
        "closed": f"{number:,}",
        "all": f"{clients.total:,}",
        "share": percent(number, clients.total),
        "addresses": count(len(addresses), "address", "addresses"),
        "reasons": some([f"{times_seen:,} {code.replace('-', ' ')}" for code, times_seen in by.most_common()]),
    }
    first, last = min(each.first for each in clients.short), max(each.last for each in clients.short)
    code = by.most_common(1)[0][0]
    entry = reasons[code]
    made = table["short-lived"].finding(words, (_aborts(clients, code, "short"),), entry.cause)
    cause = Cause(entry.cause, code, entry.confidence) if entry.confidence else None
    return [Named(replace(made, scope=_scope(number, first, last)), cause, entry.candidates)]


def _polling(clients: Clients, table: Knowledge) -> list[Named]:
    places = patterns.polling(clients)
    found = []
    if places:
        polls, everything = clients.polling.total(), clients.started.total()
        mine = sum(clients.polling[address] for address in places)
        started = sum(clients.started[address] for address in places)
        words = {
            "place": some([short(address, 60) for address in places]),
            "closed": f"{mine:,}",
            "started": f"{started:,}",
            "share": percent(mine, started),
            "usual": percent(polls - mine, max(everything - started, 1)),
        }
        proof = Evidence(
            "Transports",
            f"{count(len(places), 'address', 'addresses')} with more long polling than anything else.",
            columns=("Address", "Started", "Long polling"),
            rows=tuple((each, clients.started[each], clients.polling[each]) for each in places[:_ROWS]),
            total=len(places),
            step="places",
        )
        # A proxy or a setting: the records do not say which, and the clients are connected either way.
        found.append(Named(table["long-polling-places"].finding(words, (proof,))))
    all_polling = clients.transports["LongPolling"]
    if not found and all_polling >= MANY and all_polling * 2 > clients.total:
        words = {
            "closed": f"{all_polling:,}",
            "started": f"{clients.total:,}",
            "share": percent(all_polling, clients.total),
        }
        found.append(Named(table["mostly-long-polling"].finding(words)))
    return found


def _wall(found: patterns.Wall | None, table: Knowledge) -> list[Named]:
    if found is None:
        return []
    words = {"age": times.span_text(found.age), "closed": f"{found.count:,}", "near": f"{found.near:,}"}
    proof = Evidence(
        "Ages",
        f"{found.count:,} connections over server-sent events or long polling closed within a minute of this age.",
        step="ages",
    )
    made = replace(table["token-age"].finding(words, (proof,)), scope=_scope(found.count, found.first, found.last))
    return [Named(made, Cause(Family.AUTH, "token-expired", Confidence.MEDIUM))]


def _serverless(clients: Clients, table: Knowledge) -> list[Named]:
    entered = sum(row["connections"] for row in clients.serverless)
    if not entered or entered >= NEARLY_ALL * clients.total:
        return []
    first = min(row["first_seen"] for row in clients.serverless)
    last = max(row["last_seen"] for row in clients.serverless)
    words = {
        "closed": count(entered, "client"),
        "when": during(first, last),
        "share": percent(entered, clients.total),
    }
    proof = Evidence("Serverless mode", f"{count(entered, 'record')} say so.", step=OPENING)
    made = replace(table["clients-serverless"].finding(words, (proof,)), scope=_scope(entered, first, last))
    return [Named(made, Cause(Family.MODE, "serverless-entered", Confidence.HIGH))]


def _aborts(clients: Clients, code: str, step: str) -> Evidence:
    of = clients.aborts if step == "aborts" else clients.short
    mine: Sequence[tuple[str, int, datetime, datetime]] = [
        (each.address, each.count, each.first, each.last) for each in of if each.code == code
    ]
    transports = ""
    if step == "aborts" and code in clients.by_transport:
        by = clients.by_transport[code].most_common()
        transports = f" By transport: {some([f'{number:,} {name}' for name, number in by])}."
    return Evidence(
        title="Where",
        statement=f"{count(sum(row[1] for row in mine), 'client connection')} of "
        f"{count(len(mine), 'address', 'addresses')} at least.{transports}",
        columns=("Address", "Connections", "Earliest (UTC)", "Latest (UTC)"),
        rows=tuple(mine[:_ROWS]),
        total=len(mine),
        step=step,
    )


def _scope(size: int, first: datetime, last: datetime, *shared: Fact) -> Scope:
    return Scope(size, "client connections", first, last, shared)
