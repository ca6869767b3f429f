"""The sentences around refusals for a limit: headline, facts, candidates, rulings, gaps, next steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.interpret import Question, coverage, onward
from bot.interpret.auth.words import forbidden
from bot.interpret.coverage import CONNECTION, THROTTLING
from bot.interpret.said import count, during, moment, percent, short
from bot.interpret.throttling.holders import Holders
from bot.interpret.throttling.limits import CONNECTIONS, MESSAGES, UNKNOWN, Limit
from bot.interpret.throttling.storm import Storm
from bot.model import Candidate, Fact, Family, Gap, Link, NextStep, Ruling, Table

_GUIDE = "https://learn.microsoft.com/azure/azure-signalr/"
# Source: "Collecting with filter" in the logs guide.
_DIAGNOSTIC_LIMIT = 100
_NAMES = {CONNECTIONS: "the connection limit", MESSAGES: "the day's message quota"}


def headline(found: Sequence[Limit]) -> str:
    """The answer in one line: which limit refused how many, and when."""
    top = found[0]
    when = during(top.first, top.last)
    side = _side(top)
    if top.kind == UNKNOWN:
        text = f"\u201c{short(top.text, 100)}\u201d names a limit this bot does not know"
        return f"{count(top.size, 'connection')} refused {when}{side}: {text}."
    also = " and ".join(_NAMES[each.kind] for each in found[1:] if each.kind in _NAMES)
    more = f" Also reached: {also}." if also else ""
    if top.kind == MESSAGES:
        return f"The day's message quota was used up at {moment(top.first)}: {refused(top)}, {until(top)}.{more}"
    return f"The connection limit was reached: {refused(top)} {when}{side}.{more}"


def _side(limit: Limit) -> str:
    if limit.of_servers == 0:
        return ", all of clients"
    return ", all of app servers" if limit.of_servers >= limit.size else f", {limit.of_servers:,} of app servers"


def refused(limit: Limit) -> str:
    """'1,200 refused, 300 closed'."""
    parts = [f"{limit.refused:,} refused"] if limit.refused else []
    parts += [f"{limit.closed:,} closed"] if limit.closed else []
    return ", ".join(parts)


def sides(limit: Limit) -> str:
    """Which of the refused were clients and which app servers."""
    of = limit.of_servers
    if not of:
        return "All that were refused are clients."
    share = f"{of:,} of {limit.size:,} ({percent(of, limit.size)})"
    return f"{share} that were refused are connections of app servers: without them, their clients are not served."


def until(limit: Limit) -> str:
    """When the free messages of the next day begin."""
    begins = [moment(day + timedelta(days=1)) for day in limit.days]
    return "until " + " and ".join(begins)


def facts(found: Sequence[Limit], held: Holders | None) -> tuple[Fact, ...]:
    """The headline numbers."""
    top = found[0]
    facts = [
        Fact("Limit", _NAMES.get(top.kind, "unknown")),
        Fact("Refused or closed", refused(top)),
        Fact("First", moment(top.first)),
        Fact("Last", moment(top.last)),
        Fact("Of app servers", f"{top.of_servers:,} ({percent(top.of_servers, top.size)})"),
    ]
    if top.kind == MESSAGES:
        facts += [Fact("Used up", moment(top.first_of(day))) for day in top.days]
        facts.append(Fact("Starts anew", until(top).removeprefix("until ")))
    if held is not None and held.text:
        facts.append(Fact("Open at the first refusal", f"at least {held.clients + held.servers:,}"))
        facts.append(Fact("Of these", f"{held.clients:,} of clients, {held.servers:,} of app servers"))
    return tuple(facts)


def candidates(found: Sequence[Limit], rush: Storm | None, diagnostic: Table | None) -> tuple[Candidate, ...]:
    """What an unknown text may stand for, the likeliest by the rows first."""
    if found and all(each.kind != UNKNOWN for each in found):
        return _fillers(found)
    clients = diagnostic.rows[0]["clients"] if diagnostic is not None and diagnostic.rows else 0
    near = clients >= _DIAGNOSTIC_LIMIT
    burst = Candidate(
        Family.QUOTA,
        "negotiate-burst",
        rush.text if rush else "When too many negotiate at once, some are refused; no rush was seen just before.",
        "A rush in the seconds before, with fewer connections open than the tier and units allow.",
    )
    limit = Candidate(
        Family.QUOTA,
        "diagnostic-limit",
        f"At most {_DIAGNOSTIC_LIMIT} clients with diag=yes are let in; {clients:,} sent messages that were logged.",
        "Whether only clients with diag=yes in their URL are refused; messaging logs, which show diagnostic clients.",
    )
    rule = Candidate(
        Family.QUOTA,
        "firewall-rule",
        "A count rule of the Application Firewall (Premium) refuses with 429 too.",
        "The Application Firewall page of the resource.",
    )
    # The nearer one is to a limit that rows show, the likelier it is that one.
    first = [burst, limit] if rush or not near else [limit, burst]
    return tuple(first) if not found else (*first, rule)


def _fillers(found: Sequence[Limit]) -> tuple[Candidate, ...]:
    if not any(each.kind == CONNECTIONS for each in found):
        return ()
    return (
        Candidate(
            Family.LEAK,
            "client-connection-leak",
            "Connections that are opened and never closed fill any limit.",
            "Connections per user and per address, and which never ended: the question growth.",
        ),
        Candidate(
            Family.CLIENT,
            "demand",
            "More users than the units were bought for fill it as well.",
            "Whether there are more users, or more connections per user: the question growth.",
        ),
    )


def rulings(question: Question, named: set[str]) -> tuple[Ruling, ...]:
    """The limits that no record names. An unknown text may stand for any limit, so then nothing is ruled out."""
    if UNKNOWN in named:
        return ()
    because = {
        CONNECTIONS: "No Throttling record and no close names the connection limit.",
        MESSAGES: "No Throttling record and no close names the message quota.",
    }
    return tuple(
        coverage.ruling(question, Family.QUOTA, code, why, [THROTTLING, CONNECTION])
        for code, why in because.items()
        if code not in named
    )


def gaps(question: Question, found: Sequence[Limit], held: Holders | None) -> tuple[Gap, ...]:
    """What these records cannot show about who can't connect."""
    gaps = []
    if lacking := coverage.gap(question, THROTTLING, "Which connections were refused for a limit"):
        gaps.append(lacking)
    if held is not None:
        gaps.append(
            Gap(
                "How many connections the resource may hold, and held in all",
                "Starts and ends give the least that were open; the tier and its units are not logged.",
                "Metrics of the resource: Connection Count and Connection Quota Utilization; its Scale page.",
                Link("Scale a resource", f"{_GUIDE}signalr-howto-scale-signalr"),
            )
        )
    if not found or any(each.kind == UNKNOWN for each in found):
        gaps.append(
            Gap(
                "429 at negotiate, and those for diagnostic clients",
                "Whether the service logs them, and with which text, is not public.",
                "HTTP request logs (Log Source Settings of the resource), and the clients' own logs.",
                Link(
                    "429",
                    f"{_GUIDE}signalr-howto-troubleshoot-guide#429-too-many-requests-returned-for-client-requests",
                ),
            )
        )
    gaps.append(
        Gap(
            "500 at negotiate",
            "The app server answers negotiate; without a server connection it fails there, and no record says so.",
            "The app server's own log (category Microsoft.Azure.SignalR).",
        )
    )
    gaps.append(forbidden())
    return tuple(gaps)


def next_steps(question: Question, found: Sequence[Limit]) -> tuple[NextStep, ...]:
    """Leak or demand; are the app servers connected; else the other ways of being refused."""
    steps = []
    if any(each.kind == CONNECTIONS for each in found):
        steps.append(onward.step("Tell a leak from more users", question, "growth"))
    if any(each.of_servers for each in found) or not found:
        steps.append(onward.step("Look at the app servers", question, "servers"))
    if not found:
        steps.append(onward.step("Check the tokens", question, "auth"))
    steps.append(onward.step("Explain the drops", question, "drops"))
    steps.append(onward.step("Check what the logs hold", question, "logs"))
    return tuple(steps)


def notes(found: Sequence[Limit], shown: int) -> tuple[str, ...]:
    """What was left out."""
    if len(found) <= shown:
        return ()
    rest = sum(each.size for each in found[shown:])
    return (f"{count(len(found) - shown, 'more text')} of refusals, with {count(rest, 'refusal')}, not shown.",)
