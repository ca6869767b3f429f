"""The findings of growth: words, evidence and scope, each from the rows it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.interpret import COVERAGE, OPENING, Question, coverage
from bot.interpret.growth.counts import STEPS, Holder
from bot.interpret.growth.leak import Kind, Leak
from bot.interpret.growth.seen import Limit, Rise, Seen
from bot.interpret.said import count, during, moment, percent, short
from bot.knowledge import Knowledge
from bot.model import Candidate, Evidence, Fact, Family, Finding, Scope, Window
from bot.times import span_text

SHOWN = 5
ID = 60
# From so many users on, an address is plainly shared.
_CROWD = 10
# How full the limit may be before it is worth a word. Source: limits guide, autoscale examples.
NEARLY_FULL = 0.8
LEAK_CANDIDATE = Candidate(
    Family.LEAK,
    "client-connection-leak",
    "Somebody may open connections and never close them.",
    "User ids on the connections, and whether these connections are still open hours later.",
)
DEMAND_CANDIDATE = Candidate(
    Family.CLIENT,
    "demand",
    "More people, or devices, may simply be connected and stay.",
    "User ids on the connections, and whether the count comes down when people leave.",
)
BOTH = (LEAK_CANDIDATE, DEMAND_CANDIDATE)


def step_end(window: Window, step: int) -> datetime:
    """When a step of the window ends (aware UTC)."""
    return window.start + window.span * (step + 1) / STEPS


def holder(found: Leak) -> str:
    """Whose connections these are, in a few words."""
    match found.kind:
        case Kind.USER:
            return f"user {short(found.who, ID)}"
        case Kind.WORKER:
            return f"address {short(found.who, ID)} (without a user id)"
        case Kind.MINTED:
            return f"address {short(found.who, ID)} (with a new user id each time)"
        case Kind.EVERYONE:
            return f"{count(found.users, 'user')}"


def change(seen: Seen) -> str:
    """How the number of open client connections changed over the window, in a sentence."""
    opened, closed = sum(seen.clients.opened), sum(seen.clients.closed)
    return f"{count(opened, 'client connection')} opened and {closed:,} closed, a change of {opened - closed:+,}."


def held(question: Question) -> Evidence:
    """What the log families hold."""
    return Evidence("What was logged", f"In the window: {coverage.held(question)}.", step=COVERAGE)


def flow(seen: Seen) -> list[Evidence]:
    """Opened and closed in the window, with the survivors of those that had time to close."""
    still, had_time = seen.clients.survival
    survivors = (
        f" Of the {had_time:,} opened in the first four fifths of the window, {still:,} ({percent(still, had_time)}) "
        "are not closed."
        if had_time
        else ""
    )
    return [Evidence("Opened and closed", change(seen) + survivors, step=OPENING)]


def holders(seen: Seen, what: str) -> list[Evidence]:
    """The most of one kind of holder, "user" or "address", with what each holds; nothing when none was logged."""
    many = [each for each in seen.holders if each.what == what and each.who]
    counted = [each for each in seen.holders if each.what == what and each.each]
    if not many and not counted:
        return []
    plural = "users" if what == "user" else "addresses"
    few = f" {plural.capitalize()} that hold fewer: {', '.join(_merged(counted))}." if counted else ""
    rows = tuple(
        (short(each.who, ID), each.open, each.steps, each.users, each.addresses, each.first, each.last)
        for each in many[:SHOWN]
    )
    all_named = sum(1 for each in seen.holders if each.what == what and each.who)
    statement = (
        f"{count(all_named, what, plural)} {'holds' if all_named == 1 else 'hold'} 10 or more that never closed."
    )
    return [
        Evidence(
            f"Held by {what}",
            statement + few,
            (what.capitalize(), "Not closed", "Times", "Users", "Addresses", "First opened (UTC)", "Last opened (UTC)"),
            rows,
            len(many),
            "holders",
        )
    ]


def parts(seen: Seen) -> list[Evidence]:
    """Where the connections that stay are: by hub, transport and region."""
    rows = [
        (what, short(each.who, ID) or "(not logged)", each.open, percent(each.open, seen.left))
        for what in ("hub", "transport", "region")
        for each in [each for each in seen.holders if each.what == what][:3]
    ]
    if not rows:
        return []
    return [
        Evidence(
            "Where",
            f"The {count(seen.left, 'client connection')} opened and not closed, by hub, transport and region.",
            ("By", "Value", "Not closed", "Share"),
            tuple(rows),
            len(rows),
            "holders",
        )
    ]


def client_leak(seen: Seen, found: Leak, table: Knowledge) -> Finding:
    """A leak of client connections, with who, since when, and the oldest of them."""
    opened = "" if found.opened is None else f" of {found.opened:,} opened"
    entry = table["users-leak" if found.kind is Kind.EVERYONE else "client-connection-leak"]
    what = entry.finding({
        "who": holder(found),
        "open": f"{found.open:,}",
        "opened": opened,
        "steps": f"{found.steps}",
        "span": span_text(found.last.replace(microsecond=0) - found.first.replace(microsecond=0)),
        "users": f"{found.users:,}",
    })  # fmt: skip
    shared = [Fact("user", found.who)] if found.kind is Kind.USER else []
    if found.kind in (Kind.WORKER, Kind.MINTED):
        shared = [Fact("address", found.who)]
    evidence = [*holders(seen, "user"), *_oldest(seen), *parts(seen), *flow(seen)]
    if found.kind in (Kind.WORKER, Kind.MINTED):
        evidence = [*holders(seen, "address"), *_oldest(seen), *parts(seen), *flow(seen)]
    return _with(what, evidence, Scope(found.open, "connections", found.first, found.last, tuple(shared)))


def doubt(seen: Seen, doubts: Sequence[Leak], table: Knowledge) -> Finding:
    """What looks like a leak of one address and may be an office that came and stays."""
    worst = doubts[0]
    what = table["leak-or-office"].finding(
        {"who": holder(worst), "open": f"{worst.open:,}", "users": f"{worst.users:,}"}
    )
    return _with(what, [*holders(seen, "address"), *_oldest(seen), *flow(seen)],
                 Scope(worst.open, "connections", worst.first, worst.last, (Fact("address", worst.who),)))  # fmt: skip


def held_by_one(seen: Seen, one: Holder, table: Knowledge) -> Finding:
    """One user holds most of the new connections, without the marks of a leak."""
    texts = {"who": short(one.who, ID), "open": f"{one.open:,}", "steps": f"{one.steps}"}
    shared = (Fact("user", one.who),)
    scope = Scope(one.open, "connections", one.first, one.last, shared)
    return _with(table["held-by-one"].finding(texts), [*holders(seen, "user"), *flow(seen)], scope)


def server_leak(seen: Seen, table: Knowledge) -> Finding:
    """Server connections opened one by one and kept."""
    found = seen.server_leak
    net, moments = sum(each.net for each in found), sum(each.moments for each in found)
    addresses = [each.address for each in found]
    hubs = sorted({hub for each in found for hub in each.hubs})
    where = f"address {short(addresses[0], ID) or '(not logged)'}" if len(found) == 1 else f"{len(found):,} addresses"
    what = table["server-connection-leak"].finding({
        "net": f"{net:,}", "where": where, "moments": f"{moments:,}", "hubs": f"{len(hubs)}",
        "expected": f"{5 * len(hubs) * len(found):,}",
    })  # fmt: skip
    rows = tuple(
        (short(each.address, ID), ", ".join(each.hubs)[:ID], each.opened, each.closed, each.left, each.moments,
         each.first, each.last)
        for each in found[:SHOWN]
    )  # fmt: skip
    evidence = Evidence(
        "Server connections",
        f"{net:,} more server connections opened than closed, at {moments:,} different moments.",
        ("Address", "Hubs", "Opened", "Closed", "Not closed", "Moments", "First opened (UTC)", "Last opened (UTC)"),
        rows,
        len(found),
        "servers",
    )
    shared = [Fact("address", addresses[0])] if len(found) == 1 else []
    shared += [Fact("hub", hubs[0])] if len(hubs) == 1 else []
    first, last = min(each.first for each in found), max(each.last for each in found)
    oldest = [] if seen.suspects.leaks or seen.suspects.doubts else _oldest(seen)
    return _with(what, [evidence, *oldest], Scope(net, "connections", first, last, tuple(shared)))


def limit(seen: Seen, found: Limit, table: Knowledge) -> Finding:
    """The limit was reached: when, how often, and how many connections were known to be open then."""
    step = next(
        number for number in range(STEPS)
        if number == STEPS - 1 or found.first < step_end(seen.question.command.window, number)
    )  # fmt: skip
    known = seen.clients.known[step] + seen.servers.known[step]
    what = table["limit-reached"].finding({
        "refused": count(found.refused, "connection"), "when": during(found.first, found.last),
        "known": f"{known:,}",
    })  # fmt: skip
    evidence = Evidence(
        "Records about the limit",
        f"{count(found.records, 'record')} {during(found.first, found.last)}.",
        ("Family", "Event", "Message", "Records", "First (UTC)", "Last (UTC)"),
        found.rows,
        len(found.rows),
        "limits",
    )
    return _with(what, [evidence], Scope(found.refused, "connections", found.first, found.last))


def more_users(seen: Seen, size: int, table: Knowledge) -> Finding:
    """A rise that is spread over users."""
    named = seen.left - seen.unnamed
    most = max(
        (each.each or each.open for each in seen.holders if each.what == "user" and (each.who or each.each)), default=0
    )
    words = {
        "size": f"{size:,}", "users": f"{seen.users:,}", "named": f"{named:,}", "most": f"{most:,}",
        "mean": f"{named / max(seen.users, 1):.1f}",
    }  # fmt: skip
    return table["more-users"].finding(words, [*flow(seen), *holders(seen, "user"), *parts(seen)])


def busy_hour(seen: Seen, course: Rise, table: Knowledge) -> Finding:
    """A rise that went again."""
    top = moment(step_end(seen.question.command.window, course.top))
    return table["busy-hour"].finding({"size": f"{course.size:,}", "top": top}, flow(seen))


def side_findings(seen: Seen, table: Knowledge) -> list[Finding]:
    """What is worth a word beside the verdict: an address that many share, a limit that is near, more servers."""
    found = []
    blamed = {each.who for each in (*seen.suspects.leaks, *seen.suspects.doubts)}
    crowd = next((each for each in seen.holders if _is_crowd(each) and each.who not in blamed), None)
    if crowd is not None:
        words = {"address": short(crowd.who, ID), "open": f"{crowd.open:,}", "users": f"{crowd.users:,}"}
        found.append(table["shared-address"].finding(words, holders(seen, "address")))
    quota = seen.question.command.arguments["quota"]
    known = seen.clients.known[-1] + seen.servers.known[-1]
    if quota > 0 and known >= NEARLY_FULL * quota and seen.limit is None:
        words = {"known": f"{known:,}", "quota": f"{quota:,}", "share": percent(known, quota)}
        found.append(table["near-limit"].finding(words, flow(seen)))
    net = seen.servers.change[-1]
    if net > 0 and not seen.server_leak and sum(seen.servers.closed) + sum(seen.clients.closed):
        addresses = [each for each in seen.openers if each.net > 0]
        words = {"net": f"{net:,}", "addresses": count(len(addresses), "address", "addresses")}
        found.append(table["more-server-connections"].finding(words, [_servers(seen)]))
    return found


def _is_crowd(each: Holder) -> bool:
    return each.what == "address" and bool(each.who) and each.users >= _CROWD and each.unnamed * 2 < each.open


def _servers(seen: Seen) -> Evidence:
    rows = tuple(
        (short(each.address, ID), ", ".join(each.hubs)[:ID], each.opened, each.closed, each.first)
        for each in seen.openers[:SHOWN]
    )
    opened, closed = sum(seen.servers.opened), sum(seen.servers.closed)
    return Evidence(
        "Server connections",
        f"{count(opened, 'server connection')} opened and {closed:,} closed in the window.",
        ("Address", "Hubs", "Opened", "Closed", "First opened (UTC)"),
        rows,
        len(seen.openers),
        "servers",
    )


def _oldest(seen: Seen) -> list[Evidence]:
    if not seen.oldest:
        return []
    rows = tuple(
        (row["opened_at"], row["ConnectionId"], short(row["UserId"] or "", ID), row["CallerIpAddress"], row["HubName"],
         row["TransportType"])
        for row in seen.oldest
    )  # fmt: skip
    return [
        Evidence(
            "The oldest",
            f"The {count(len(rows), 'connection')} opened first and not closed; the first is of {moment(rows[0][0])}.",
            ("Opened (UTC)", "Connection", "User", "Address", "Hub", "Transport"),
            rows,
            len(rows),
            "oldest",
        )
    ]


def _merged(counted: Sequence[Holder]) -> list[str]:
    """'3,409 with 1', one for each count, whether or not its connections were opened at distant times."""
    of: dict[int, int] = {}
    for each in sorted(counted, key=lambda each: each.each):
        of[each.each] = of.get(each.each, 0) + each.holders
    return [f"{holders:,} with {each}" for each, holders in of.items()]


def _with(found: Finding, evidence: Sequence[Evidence], scope: Scope) -> Finding:
    return replace(found, evidence=tuple(evidence), scope=scope)
